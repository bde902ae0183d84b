"""`vrrp_sync_group`, `garp_group` and `track_group`, and what groups do to their members' trackers.

Groups are built last, because they name instances that may stand below them in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from vrrpd.config.build_trackers import Trackables
from vrrpd.config.collect import collect
from vrrpd.config.diagnostics import Reporter, nearest
from vrrpd.config.globals import Globals
from vrrpd.config.instance_keywords import notify_of
from vrrpd.config.model import GarpGroup, Instance, SyncGroup, TrackGroup
from vrrpd.config.parser import Statement
from vrrpd.config.values import Track
from vrrpd.record import replace

_KNOWN = set(SyncGroup._fields)


def build_sync_groups(
    blocks: Iterable[Statement],
    instances: Sequence[Instance],
    defaults: Globals,
    trackables: Trackables,
    report: Reporter,
) -> list[SyncGroup]:
    """The groups that have at least one member left."""
    groups: list[SyncGroup] = []
    taken: dict[str, str] = {}
    for block in blocks:
        name = block.args[0].text
        if any(one.name == name for one in groups):
            report.at("error", block.args[0], f"the group '{name}' is defined already; ignored")
            continue
        fields, _ = collect(block.block, {}, report, within=block.keyword)
        members = _members(block, name, instances, taken, report)
        if not members:
            report.at(
                "error",
                block.args[0],
                f"the group '{name}' has no member; ignored",
                expected="group { names of instances }",
            )
            continue
        if len(members) == 1:
            report.at("warning", block.args[0], f"the group '{name}' has only one member")
        mail = defaults.smtp_alert if defaults.smtp_alert_vrrp is None else defaults.smtp_alert_vrrp
        known: dict[str, Any] = {key: value for key, value in fields.items() if key in _KNOWN}
        known.setdefault("smtp_alert", bool(mail))
        known.setdefault("notify_priority_changes", defaults.vrrp_notify_priority_changes)
        known.update(trackables.tracks(block.block, report))
        known.update(name=name, members=members, notify=notify_of(fields), where=block.where)
        groups.append(_without_owner_weights(SyncGroup(**known), instances, report))
    return groups


def _members(
    block: Statement,
    name: str,
    instances: Sequence[Instance],
    taken: dict[str, str],
    report: Reporter,
) -> tuple[str, ...]:
    known = [one.name for one in instances]
    members: list[str] = []
    lists = [one for one in block.block if one.name.text == "group"]
    for word in lists[0].inner_words() if lists else []:  # further ones have been reported
        if word.text not in known:
            report.at(
                "error",
                word,
                f"there is no vrrp_instance '{word.text}'; ignored",
                suggestion=nearest(word.text, known),
            )
        elif word.text in taken:
            report.at(
                "error",
                word,
                f"'{word.text}' is in the group '{taken[word.text]}' already; ignored",
            )
        else:
            taken[word.text] = name
            members.append(word.text)
    return tuple(members)


def _without_owner_weights(
    group: SyncGroup, instances: Iterable[Instance], report: Reporter
) -> SyncGroup:
    """A group with an address owner tracks without weights: nothing moves priority 255."""
    if not any(one.is_owner and one.name in group.members for one in instances):
        return group

    def bare(track: Track) -> Track:
        if track.weight:
            report.at(
                "error",
                group.where,
                f"({group.name}) cannot have weighted '{track.name}' "
                "with a member of priority 255; weight 0 is used",
            )
        return replace(track, weight=0, reverse=False) if track.weight else track

    return replace(
        group,
        track_interfaces=tuple(map(bare, group.track_interfaces)),
        track_scripts=tuple(map(bare, group.track_scripts)),
        track_processes=tuple(map(bare, group.track_processes)),
        track_files=tuple(map(bare, group.track_files)),
    )


def bound_weights(instance: Instance, groups: Sequence[SyncGroup], report: Reporter) -> Instance:
    """The instance without weights where they have no place: in most groups, and at 255."""
    group = next((one for one in groups if instance.name in one.members), None)
    if instance.priority == 255:
        why = "priority 255"
    elif group is not None and not group.tracking_weight:
        why = f"SYNC group {group.name}"
    else:
        return instance

    def reported(track: Track) -> bool:
        report.at(
            "error",
            instance.where,
            f"({instance.name}) ignoring weight of tracked '{track.name}' due to {why}",
        )
        return True

    scripts = tuple(one for one in instance.track_scripts if not (one.weight and reported(one)))
    interfaces = tuple(
        replace(one, weight=0, reverse=False) if one.weight and reported(one) else one
        for one in instance.track_interfaces
    )
    files = tuple(
        replace(one, weight=0) if one.weight == 1 else one
        for one in instance.track_files
        if one.weight in (0, 1) or not reported(one)
    )
    return replace(instance, track_scripts=scripts, track_interfaces=interfaces, track_files=files)


def build_garp_groups(blocks: Iterable[Statement], report: Reporter) -> list[GarpGroup]:
    """The groups with a pace and an interface."""
    groups: list[GarpGroup] = []
    taken: set[str] = set()
    for block in blocks:
        fields, _ = collect(block.block, {}, report, within=block.keyword)
        garp, gna = fields.get("garp_interval_ns"), fields.get("gna_interval_ns")
        if garp is None and gna is None:
            report.at(
                "error",
                block.name,
                "a garp_group without an interval; ignored",
                expected="garp_interval or gna_interval",
            )
            continue
        shared = "interfaces" in fields
        names = list(fields.get("interfaces", ()))
        if "interface" in fields:
            names.append(fields["interface"])
        for name in [one for one in names if one in taken]:
            report.at("error", block.name, f"'{name}' is in another garp_group; ignored here")
        names = [one for one in dict.fromkeys(names) if one not in taken]
        taken.update(names)
        groups.append(
            GarpGroup(
                interfaces=tuple(names),
                garp_interval_ns=garp,
                gna_interval_ns=gna,
                shared=shared,
                where=block.where,
            )
        )
    return groups


def build_track_groups(
    blocks: Iterable[Statement], instances: Sequence[Instance], report: Reporter
) -> list[TrackGroup]:
    """Named sets of instances."""
    groups: list[TrackGroup] = []
    for block in blocks:
        collect(block.block, {}, report, within=block.keyword)
        members = _members(block, block.args[0].text, instances, {}, report)
        groups.append(TrackGroup(name=block.args[0].text, members=members, where=block.where))
    return groups
