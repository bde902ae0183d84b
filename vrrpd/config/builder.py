"""Statements -> Config: the order in which a configuration comes together.

    1. global_defs and root switches         defaults for everything else
    2. from top to bottom: trackers, static rules, instances
    3. groups                                they may name instances further down
    4. what concerns several instances       one vrid twice, weights in groups, unused scripts

keepalived's parent reads `global_defs` before its VRRP process reads the instances, so it does
not matter where in the file it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vrrpd.config import address_lines
from vrrpd.config.build_globals import build_globals
from vrrpd.config.build_groups import (
    bound_weights,
    build_garp_groups,
    build_sync_groups,
    build_track_groups,
)
from vrrpd.config.build_instance import build_instance
from vrrpd.config.build_trackers import Trackables
from vrrpd.config.collect import remark
from vrrpd.config.diagnostics import Reporter
from vrrpd.config.globals import Globals
from vrrpd.config.model import Config, Instance, TrackGroup
from vrrpd.config.parse_route import routes
from vrrpd.config.parse_rule import Preferences, rules
from vrrpd.config.parser import Statement
from vrrpd.config.routes_model import Route, Rule
from vrrpd.config.values import Address
from vrrpd.config.vip_limit import Limits

_NAMED = (
    "vrrp_instance",
    "vrrp_sync_group",
    "vrrp_script",
    "vrrp_track_process",
    "track_file",
    "vrrp_track_file",
    "track_group",
)
_SWITCHES = ("", "linkbeat", "delays")  # root statements that become fields of Globals
_TRACKABLE = ("vrrp_script", "vrrp_track_process", "track_file", "vrrp_track_file")


def build(root: Sequence[Statement], limits: Limits, report: Reporter) -> Config:
    """The configuration that the statements describe. Fatal problems are only reported."""
    defaults = build_globals(
        [one for one in root if one.name.text == "global_defs"],
        [one for one in root if one.keyword is not None and one.keyword.opens in _SWITCHES],
        report,
    )
    for one in root:
        if one.keyword is not None and one.keyword.opens not in _SWITCHES:
            remark(one, one.keyword, report)
    blocks = [one for one in root if _has_name(one, report)]
    trackables = Trackables()
    instances, static_rules = _defined(blocks, defaults, trackables, limits, report)
    _one_vrid_each(instances, defaults, report)

    def of(name: str) -> list[Statement]:
        return [one for one in blocks if one.name.text == name]

    def lines(name: str) -> Iterable[Statement]:
        return (line for one in of(name) for line in one.block)

    groups = build_sync_groups(of("vrrp_sync_group"), instances, defaults, trackables, report)
    instances = [bound_weights(one, groups, report) for one in instances]
    _unused_scripts(trackables, [*instances, *groups], report)
    track_groups = build_track_groups(of("track_group"), instances, report)
    static_addresses = list(address_lines.addresses(lines("static_ipaddress"), report, static=True))
    static_routes = list(routes(lines("static_routes"), report))
    _missing_track_groups([*static_addresses, *static_routes, *static_rules], track_groups, report)
    return Config(
        globals=defaults,
        instances=tuple(instances),
        sync_groups=tuple(groups),
        scripts=tuple(trackables.scripts.values()),
        track_processes=tuple(trackables.processes.values()),
        track_files=tuple(trackables.files.values()),
        garp_groups=tuple(build_garp_groups(of("garp_group"), report)),
        track_groups=tuple(track_groups),
        static_addresses=tuple(static_addresses),
        static_routes=tuple(static_routes),
        static_rules=tuple(static_rules),
    )


def _has_name(one: Statement, report: Reporter) -> bool:
    """Whether the block has the one name it needs, if it needs one."""
    if one.name.text not in _NAMED or len(one.args) == 1:
        return True
    place = one.args[1] if one.args else one.name
    report.at(
        "error",
        place,
        f"{one.name.text} must have a name of one word; the block is ignored",
        expected=f"{one.name.text} NAME {{",
    )
    return False


def _defined(
    blocks: Sequence[Statement],
    defaults: Globals,
    trackables: Trackables,
    limits: Limits,
    report: Reporter,
) -> tuple[list[Instance], list[Rule]]:
    """Trackers, static rules and instances, from top to bottom.

    The rules of both kinds draw their preferences from one counter, in the order of the file.
    """
    instances: list[Instance] = []
    static_rules: list[Rule] = []
    preferences = Preferences()
    first: dict[str, Statement] = {}
    for one in blocks:
        if one.name.text in _TRACKABLE:
            trackables.define(one, report)
        elif one.name.text == "static_rules":
            static_rules += rules(one.block, report, preferences)
        elif one.name.text == "vrrp_instance":
            name = one.args[0].text
            if name in first:
                report.at(
                    "error",
                    one.args[0],
                    f"vrrp_instance '{name}' is defined already in "
                    f"line {first[name].where.line}; this block is ignored",
                )
                continue
            first[name] = one
            built = build_instance(one, defaults, trackables, limits, report, preferences)
            if built is not None:
                instances.append(built)
    return instances, static_rules


def _one_vrid_each(instances: Iterable[Instance], defaults: Globals, report: Reporter) -> None:
    """One virtual router number must not be used twice where one packet could mean both.

    Groups and unicast are apart from each other; so are unicast instances of different source
    addresses, or without a common peer (keepalived).
    """
    seen: dict[tuple[object, ...], Instance] = {}
    groups = {4: defaults.vrrp_mcast_group4, 6: defaults.vrrp_mcast_group6}
    for one in instances:
        ways: list[object] = [one.mcast_dst_ip or groups[one.family]]
        if one.unicast:
            ways = [(one.unicast_src_ip, peer.ip) for peer in one.unicast_peers]
        others = [seen.setdefault((one.interface, one.family, one.vrid, way), one) for way in ways]
        for other in dict.fromkeys(other for other in others if other is not one):
            report.at(
                "fatal",
                one.where,
                f"({one.name}) virtual_router_id {one.vrid} is used by "
                f"{other.name} (line {other.where.line}) on {one.interface} already",
                expected="another virtual_router_id",
            )


def _missing_track_groups(
    entries: Iterable[Address | Route | Rule], groups: Iterable[TrackGroup], report: Reporter
) -> None:
    names = {None, *(group.name for group in groups)}
    for one in entries:
        if one.track_group not in names:
            report.at("error", one.where, f"track_group {one.track_group} is not defined")


def _unused_scripts(trackables: Trackables, users: Iterable[object], report: Reporter) -> None:
    used = {track.name for user in users for track in getattr(user, "track_scripts", ())}
    for name, script in list(trackables.scripts.items()):
        if name not in used:
            report.at("warning", script.where, f"nothing tracks the script '{name}'; dropped")
            del trackables.scripts[name]
