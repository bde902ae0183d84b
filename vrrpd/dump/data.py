"""keepalived.data: everything the daemon knows, in sections, for people and exporters.

    ------< Global definitions >------          globals.py
    ------< VRRP Topology >------               instance.py
    ------< VRRP Sockpool >------  Sync groups, Scripts, Track files, Track processes, Interfaces

The words and their order are keepalived 2.2.7's; sections of which there is nothing are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vrrpd.daemon import Daemon
from vrrpd.dump.globals import global_lines
from vrrpd.dump.instance import block, descriptor, instance_lines, notify_lines
from vrrpd.dump.text import (
    address_text,
    command_text,
    owner_text,
    route_text,
    rule_text,
    track_text,
    yes,
)
from vrrpd.fsm import SECOND
from vrrpd.packet import PROTOCOL_AH
from vrrpd.ports import Interface


def data(daemon: Daemon) -> Iterator[str]:
    """The lines of `keepalived.data`."""
    yield "------< Global definitions >------"
    yield from _indented(global_lines(daemon.config.globals))
    yield from _static(daemon)
    yield "------< VRRP Topology >------"
    groups = {name: one for one in daemon.config.sync_groups for name in one.members}
    for router in daemon.routers.values():
        yield f" VRRP Instance = {router.name}"
        tracked = [track.name for track in router.instance.track_scripts]
        scripts = [daemon.tracking.scripts.get(name) for name in tracked]
        waiting = sum(1 for script in scripts if script is not None and script.up is None)
        lines = instance_lines(router, groups.get(router.name), waiting)
        yield from _indented(lines, 3)
    parts = (
        ("VRRP Sockpool", _sockets(daemon)),
        ("VRRP Sync groups", _sync_groups(daemon)),
        ("VRRP Scripts", _scripts_of(daemon)),
        ("VRRP Track files", _files(daemon)),
        ("VRRP Track processes", _processes(daemon)),
        ("Interfaces", _interfaces(daemon)),
    )
    for title, lines in parts:
        yield from _section(title, lines)


def _section(title: str, lines: Iterable[str], indent: int = 1) -> Iterator[str]:
    """A section, if there is anything in it."""
    found = list(lines)
    if found:
        yield f"------< {title} >------"
        yield from _indented(found, indent)


def _indented(lines: Iterable[str], by: int = 1) -> Iterator[str]:
    """Lines moved to the right."""
    return (" " * by + line for line in lines)


def _static(daemon: Daemon) -> Iterator[str]:
    """What is there whether we are MASTER or not."""
    one = daemon.config
    addresses = [address_text(a, one.globals.default_interface, True) for a in one.static_addresses]
    yield from _section("Static Addresses", addresses, 5)
    yield from _section("Static Routes", map(route_text, one.static_routes), 5)
    yield from _section("Static Rules", map(rule_text, one.static_rules), 5)
    groups: list[str] = []
    for group in one.track_groups:
        groups.append(f"Static Track Group = {group.name}")
        groups += _indented(block("VRRP member instances :", group.members), 2)
    yield from _section("Static Track groups", groups)


def _sockets(daemon: Daemon) -> Iterator[str]:
    """One entry for every socket."""
    for segment in daemon.segments.values():
        yield "fd_in {0} fd_out = {0}".format(descriptor(segment))
        place = segment.place
        yield f"  Interface = {place.interface}"
        yield f"  Family = IPv{place.family}"
        yield f"  Protocol = {'AH' if place.protocol == PROTOCOL_AH else 'VRRP'}"
        routers = [router for same in segment.routers.values() for router in same]
        unicast = bool(routers) and all(router.instance.unicast for router in routers)
        yield f"  Type = {yes(unicast, 'Unicast Multicast')}"
        if unicast:
            yield f"  Address = {routers[0].source}"
        yield "  VRRP instances"
        yield from (f"    {router.name} vrid {router.instance.vrid}" for router in routers)


def _sync_groups(daemon: Daemon) -> Iterator[str]:
    """How every sync group stands."""
    for group in daemon.groups:
        one = group.config
        states = [member.state.value for member in group.members]
        yield f"VRRP Sync Group = {one.name}, {group.state.value}"
        faults = states.count("FAULT")
        yield f"  Num member fault {faults}, num member init {states.count('INIT')}"
        yield from _indented(block("VRRP member instances :", one.members), 2)
        if one.tracking_weight:
            yield "  sync group tracking weight set"
        yield f"  Using smtp notification = {yes(one.smtp_alert)}"
        yield from _indented(notify_lines(one.notify), 2)


def _trackers(daemon: Daemon, kind: str, name: str) -> Iterator[str]:
    """Which instances track something, and with which weight."""
    found = []
    for router in daemon.routers.values():
        for track in getattr(router.instance, kind):
            if track.name == name:
                found.append(track_text(f"{router.name},", track))
    yield from _indented(block("Tracking instances :", found), 2)


def _scripts_of(daemon: Daemon) -> Iterator[str]:
    """Every tracked script and its verdict."""
    for script in daemon.tracking.scripts.values():
        one = script.config
        yield f"VRRP Script = {one.name}"
        yield f"  Command = {command_text(one.command)}"
        yield f"  Interval = {one.interval_ns / SECOND:g} sec"
        yield f"  Timeout = {one.timeout_ns / SECOND:g} sec"
        yield f"  Weight = {one.weight}{' reverse' if one.reverse else ''}"
        yield f"  Rise = {one.rise}"
        yield f"  Fall = {one.fall}"
        yield f"  Result = {script.counter}"
        yield "  Insecure = no"
        yield f"  Status = {'INIT' if script.up is None else yes(script.up, 'GOOD BAD')}"
        yield f"  Script uid:gid = {owner_text(one.command.identity)}"
        yield "  VRRP instances :"
        yield from _trackers(daemon, "track_scripts", one.name)
        yield f"  State = {yes(script.running is None, 'idle running')}"


def _files(daemon: Daemon) -> Iterator[str]:
    """Every tracked file and its number."""
    for tracked in daemon.tracking.files.values():
        one = tracked.config
        yield f"Track file = {one.name}"
        yield f"  File = {one.file}"
        yield f"  Status = {tracked.value}"
        yield f"  Weight = {one.weight}{' reverse' if one.reverse else ''}"
        yield from _trackers(daemon, "track_files", one.name)


def _processes(daemon: Daemon) -> Iterator[str]:
    """Every tracked process and how many of it there are."""
    for tracked in daemon.tracking.processes.values():
        one = tracked.config
        yield f"VRRP Track process = {one.name}"
        yield f"  Process = {' '.join((one.process, *one.params))}"
        if one.param_match is not None:
            yield f"  Param match = {one.param_match}"
        yield f"  Min processes = {one.quorum}"
        if one.quorum_max is not None:
            yield f"  Max processes = {one.quorum_max}"
        yield f"  Current processes = {len(tracked.pids)}"
        yield f"  Have quorum = {yes(bool(tracked.up), 'true false')}"
        yield f"  Weight = {one.weight}{' reverse' if one.reverse else ''}"
        yield f"  Terminate delay = {one.terminate_delay_ns / SECOND:.6f}s"
        yield f"  Fork delay = {one.fork_delay_ns / SECOND:.6f}s"
        yield f"  Full command = {yes(one.full_command, 'true false')}"
        yield from _trackers(daemon, "track_processes", one.name)


def _interfaces(daemon: Daemon) -> Iterator[str]:
    """Every interface that an instance lives on or tracks."""
    users: dict[str, list[str]] = {}
    for router in daemon.routers.values():
        one = router.instance
        weights = {track.name: track.weight for track in one.track_interfaces}
        for name, weight in {one.interface: 0, **weights}.items():
            users.setdefault(name, []).append(f"{router.name}, weight {weight}")
    for name, lines in users.items():
        found = daemon.ports.kernel.interface(name)
        if found is not None:
            yield from _interface_lines(found)
            yield from _indented(block("Tracking VRRP instances :", lines), 2)


def _interface_lines(one: Interface) -> Iterator[str]:
    """What the kernel says of an interface."""
    yield f"Name = {one.name}"
    yield f"  index = {one.index}"
    for version in (4, 6):
        addresses = [str(ip) for ip in one.addresses if ip.version == version]
        yield f"  IPv{version} address = {addresses[0] if addresses else '(none)'}"
    yield f"  MAC = {one.mac.hex(':')}"
    yield f"  State = {yes(one.up, 'UP DOWN')}, {'' if one.carrier else 'not '}RUNNING"
    yield f"  MTU = {one.mtu}"
