"""What one virtual router has to track, read off its configuration and that of its sync group.

    vrrp_instance { track_script { chk weight -20 } }       ("script", "chk"): Track
    vrrp_sync_group { track_interface { eth1 } }            ("interface", "eth1"): Track
    virtual_ipaddress { 192.168.2.10/24 dev eth2 }          (HOLDS, "eth2"): Track without weight

Contract: a pure function of the configuration; whether anything of that name exists is another
matter.
"""

from __future__ import annotations

from vrrpd.config.model import Instance, SyncGroup, Track
from vrrpd.journal import Log

Key = tuple[str, str]
"""The kind and the name of a tracked thing: ("script", "chk_http")."""

KINDS = {
    "interface": "track_interfaces",
    "script": "track_scripts",
    "process": "track_processes",
    "file": "track_files",
}
HOLDS = "interface of addresses"  # one that a virtual address lives on, by `dev`


def cause(kind: str, name: str) -> str:
    """The key of a tracked thing among a router's faults and weights."""
    return f"{kind} {name}"


def tracks_of(instance: Instance, group: SyncGroup | None, log: Log) -> dict[Key, Track]:
    """What a router has to track: its own things, its group's, and where its addresses live.

    A thing that both track has the group's weight, unless the instance tracks it without one;
    the instance's own interface is tracked anyway (keepalived).
    """
    found: dict[Key, Track] = {}
    for kind, attribute in KINDS.items():
        for track in getattr(instance, attribute):
            if kind == "interface" and track.name == instance.interface:
                own_one = f"Ignoring track_interface {track.name} since own interface"
                log.say(f"({instance.name}) {own_one}")
                continue
            found[kind, track.name] = track
        for track in getattr(group, attribute, ()):
            own = found.get((kind, track.name))
            if own is not None:
                log.say(
                    f"({instance.name}) track_{kind} {track.name} is configured on VRRP instance"
                    " and sync group. Remove vrrp instance config"
                )
            if own is None or own.weight:
                found[kind, track.name] = track
    for address in (*instance.addresses, *instance.excluded):
        if address.dev not in (None, instance.interface) and not address.no_track:
            found[HOLDS, address.dev] = Track(address.dev)
    return found
