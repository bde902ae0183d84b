"""What one virtual router has to track, read off its configuration and that of its sync group.

    vrrp_instance { track_script { chk weight -20 } }       ("script", "chk"): Track
    vrrp_sync_group { track_interface { eth1 } }            ("interface", "eth1"): Track
    virtual_ipaddress { 192.168.2.10/24 dev eth2 }          (HOLDS, "eth2"): Track without weight
    virtual_routes { 10.0.0.0/8 dev eth3 }                  (HOLDS, "eth3"): likewise

Contract: a pure function of the configuration; whether anything of that name exists is another
matter.
"""

from __future__ import annotations

from vrrpd.config.model import Address, Config, Instance, Route, Rule, SyncGroup, Track
from vrrpd.journal import Log

_Entry = Address | Route | Rule
Key = tuple[str, str]
"""The kind and the name of a tracked thing: ("script", "chk_http")."""

KINDS = {
    "interface": "track_interfaces",
    "script": "track_scripts",
    "process": "track_processes",
    "file": "track_files",
}
HOLDS = "interface of addresses"  # one that a virtual address or a route lives on, by `dev`


def cause(kind: str, name: str) -> str:
    """The key of a tracked thing among a router's faults and weights."""
    return f"{kind} {name}"


def tracks_of(
    instance: Instance, group: SyncGroup | None, config: Config, log: Log
) -> dict[Key, Track]:
    """What a router has to track: its own things, its group's, and what its addresses live on.

    A thing that both track has the group's weight, unless the instance tracks it without one;
    the instance's own interface is tracked anyway (keepalived).
    """
    found: dict[Key, Track] = {}
    for kind, attribute in KINDS.items():
        for track in getattr(instance, attribute):
            if kind == "interface" and track.name == instance.interface:
                own_one = f"Ignoring track_interface {track.name} since own interface"
                log.info(f"({instance.name}) {own_one}")
                continue
            found[kind, track.name] = track
        for track in getattr(group, attribute, ()):
            own = found.get((kind, track.name))
            if own is not None:
                log.info(
                    f"({instance.name}) track_{kind} {track.name} is configured on VRRP instance"
                    " and sync group. Remove vrrp instance config"
                )
            if own is None or own.weight:
                found[kind, track.name] = track
    for name in _interfaces_of(instance, config):
        if name != instance.interface:
            found[HOLDS, name] = Track(name)
    return found


def _interfaces_of(instance: Instance, config: Config) -> list[str]:
    """The interfaces that the instance's addresses, routes and rules need.

    With them those of the static entries whose `track_group` the instance is in (keepalived).
    """
    groups = {one.name for one in config.track_groups if instance.name in one.members}
    own: list[_Entry] = [*instance.addresses, *instance.excluded, *instance.routes]
    own += instance.rules
    static: list[_Entry] = [*config.static_addresses, *config.static_routes]
    static += config.static_rules
    found = [dev for one in own if not one.no_track for dev in _devices(one, instance.interface)]
    for one in static:
        if one.track_group in groups:
            found += _devices(one, config.globals.default_interface)
    return list(dict.fromkeys(found))


def _devices(one: _Entry, default: str) -> list[str]:
    """The interfaces that one entry needs; an address that names none is on `default`."""
    if isinstance(one, Address):
        return [one.dev or default]
    if isinstance(one, Route):
        return [hop.dev for hop in one.hops if hop.dev is not None]
    return [one.iif] if one.iif is not None else []
