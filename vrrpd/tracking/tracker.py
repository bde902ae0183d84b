"""What keeps a virtual router from working or moves its priority, and what belongs to whom.

    track_interface ──> TrackedInterface ┐
    track_script ─────> Script ─────────┤   effect(track)      router.fault() / clear()
    track_process ────> TrackedProcess ─┼───────────────────>  router.set_weight()
    track_file ───────> TrackedFile ────┘
    the instance's own interface ───────> examine()

    no such interface            FAULT   "interface eth0 does not exist"
    administratively down        FAULT   "interface eth0 is down"
    no carrier (cable pulled)    FAULT   "interface eth0 lost its carrier"
    no address to send from     FAULT   "interface eth0 has no IPv4 address"
    another host has it          FAULT   "interface eth0: another host has the address fe80::1 ..."
    no socket to listen with     FAULT   "cannot listen for VRRP on eth0: Too many open files"

A cause stays until its own opposite is seen; the router leaves FAULT when the last one is gone.
`dont_track_primary` makes the router ignore the second and third (keepalived).
What a sync group tracks, each of its members tracks.

A router that tracks a script without weight waits in INIT for the script's first result, and the
other members of its sync group wait with it (keepalived).  One whose IPv6 address is tentative
waits in INIT until duplicate address detection is over.

Contract: everything here may be called at any time and as often as one likes; what is known now is
compared with what the router had before, so no event can be missed or counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from vrrpd.config.model import Config, Instance, Track
from vrrpd.each import each
from vrrpd.events import IPAddress
from vrrpd.fsm import State
from vrrpd.journal import Journal, Log
from vrrpd.ports import Interface, Ports, Process
from vrrpd.router import VirtualRouter
from vrrpd.tracking.effect import Effect
from vrrpd.tracking.files import TrackedFile
from vrrpd.tracking.interfaces import TrackedInterface, TrackedInterfaces
from vrrpd.tracking.processes import TrackedProcess
from vrrpd.tracking.scripts import Script
from vrrpd.tracking.targets import HOLDS, Key, cause, tracks_of
from vrrpd.upkeep import LISTEN


class _Thing(Protocol):
    """Anything that can be tracked."""

    @property
    def reason(self) -> str:
        """How it stands, as text."""

    def effect(self, track: Track) -> Effect | None:
        """What it does to a router; None while nothing is known."""


class _Interfaces(Protocol):
    """What knows the interfaces: a Kernel, or TrackedInterfaces, which debounce them."""

    def interface(self, name: str) -> Interface | None:
        """The interface of that name, or None."""


class Tracker:
    """All that is tracked on one host, and the routers that track it."""

    def __init__(self, ports: Ports, journal: Journal, log: Log) -> None:
        self.ports = ports
        self.journal = journal
        self.log = log
        self.links = TrackedInterfaces(ports.kernel, ports.clock, self._link_changed)
        self.scripts: dict[str, Script] = {}
        self.files: dict[str, TrackedFile] = {}
        self.processes: dict[str, TrackedProcess] = {}
        self.tracks: dict[VirtualRouter, dict[Key, Track]] = {}
        self.groups: dict[VirtualRouter, list[VirtualRouter]] = {}
        self.waiting: dict[VirtualRouter, int] = {}  # not started yet; when its delay is over

    # What belongs to whom.

    def configure(self, config: Config, routers: Iterable[VirtualRouter]) -> None:
        """Track what `config` says, for these routers; what goes on unchanged is not touched."""
        routers = list(routers)
        by_name = {router.name: router for router in routers}
        self.links.configure(config.globals.interface_up_down_delays)
        tracks: dict[VirtualRouter, dict[Key, Track]] = {}
        groups: dict[VirtualRouter, list[VirtualRouter]] = {}
        for router in routers:
            self.ports.clock.breathe()
            group = next((g for g in config.sync_groups if router.name in g.members), None)
            tracks[router] = tracks_of(router.instance, group, config, self.log)
            names = group.members if group is not None else (router.name,)
            groups[router] = [by_name[name] for name in names if name in by_name]
            router.upkeep.examine = partial(_examine, router, self.links)
        before, self.tracks, self.groups = self.tracks, tracks, groups
        wanted = {key for keys in tracks.values() for key in keys}
        each(
            [
                partial(self._renew_scripts, config, wanted),
                partial(self._renew_files, config, wanted),
                partial(self._renew_processes, config, wanted),
                *(partial(self._follow, one, set(before.get(one, ()))) for one in routers),
            ]
        )

    def _follow(self, router: VirtualRouter, before: set[Key]) -> None:
        """Let all that a router tracks have its effect, and take back that of `before`."""
        self.ports.clock.breathe()
        tracks = self.tracks[router]
        each(
            [
                partial(_examine, router, self.links),
                *(partial(self.apply, router, key, track) for key, track in tracks.items()),
                *(partial(_untrack, router, key) for key in before - set(tracks)),
            ]
        )

    def _renew_scripts(self, config: Config, wanted: set[Key]) -> None:
        """Start, change and stop scripts."""
        blocks = {one.name: one for one in config.scripts if ("script", one.name) in wanted}
        for name in [name for name in self.scripts if name not in blocks]:
            self.scripts.pop(name).stop()
        ports = (self.ports.clock, self.ports.runner, self.journal, self.log)
        for name, block in blocks.items():
            if name in self.scripts:
                self.scripts[name].renew(block)
            else:
                script = Script(block, *ports, lambda one: self.changed("script", one.name))
                self.scripts[name] = script
                script.start()

    def _renew_files(self, config: Config, wanted: set[Key]) -> None:
        """Watch files, and watch others no more."""
        blocks = {one.name: one for one in config.track_files if ("file", one.name) in wanted}
        gone = [self.files.pop(name) for name in list(self.files) if name not in blocks]
        steps = [file.stop for file in gone]
        ports = (self.ports.files, self.journal, self.log)
        for name, block in blocks.items():
            if name in self.files:
                steps.append(partial(self.files[name].renew, block))
            else:
                file = TrackedFile(block, *ports, lambda one: self.changed("file", one.name))
                self.files[name] = file
                steps.append(file.start)
        each(steps)

    def _renew_processes(self, config: Config, wanted: set[Key]) -> None:
        """Count processes; if others are to be counted than before, from the beginning."""
        all_ = config.track_processes
        blocks = {one.name: one for one in all_ if ("process", one.name) in wanted}
        counted = {name: one.config for name, one in self.processes.items() if one.up is not None}
        if blocks == counted and len(counted) == len(self.processes):
            return
        for name, tracked in list(self.processes.items()):
            if blocks.get(name) != tracked.config:
                self.processes.pop(name).stop()
        ports = (self.ports.clock, self.journal, self.log)
        for name, block in blocks.items():
            if name not in self.processes:
                self.processes[name] = TrackedProcess(
                    block, *ports, lambda one: self.changed("process", one.name)
                )
        for tracked in self.processes.values():
            tracked.recount()
        self.ports.processes.watch(self if blocks else None)
        for tracked in self.processes.values():
            tracked.start()

    # What has changed.

    def changed(self, kind: str, name: str) -> None:
        """A tracked thing is not what it was: notify each router that tracks it."""
        key = kind, name
        found = [(one, tracks[key]) for one, tracks in self.tracks.items() if key in tracks]
        each([*(partial(self.apply, one, key, track) for one, track in found), self.release])

    def look_again(self) -> None:
        """Let every tracked thing have its effect: something may not have been done to its end."""
        found = [(one, *two) for one, tracks in self.tracks.items() for two in tracks.items()]
        each([*(partial(self.apply, *one) for one in found), self.release])

    def apply(self, router: VirtualRouter, key: Key, track: Track) -> None:
        """Let one thing have its effect on one router."""
        thing = self.thing(key)
        effect = thing.effect(track)
        if effect is None:
            return
        name, why = cause(*key), thing.reason
        if effect.down:
            router.fault(name, why)
            router.set_weight(name, 0, why)
        else:
            router.set_weight(name, effect.weight, why)
            router.clear(name, why)

    def thing(self, key: Key) -> _Thing:
        """The tracked thing itself."""
        kind, name = key
        if kind == "script":
            return self.scripts[name]
        if kind == "file":
            return self.files[name]
        if kind == "process":
            return self.processes[name]
        return TrackedInterface(
            name, self.links, "interface" if kind == HOLDS else "tracked interface"
        )

    def interface_changed(self, name: str) -> None:
        """The kernel has reported something about an interface."""
        self.links.look(name)

    def _link_changed(self, name: str) -> None:
        """An interface is believed to be different, or has other addresses than before."""
        concerned = [
            router
            for router in self.tracks
            if name in (router.instance.interface, router.master_state.device)
        ]
        each(
            [
                *(partial(_examine, router, self.links) for router in concerned),
                *(partial(self.changed, kind, name) for kind in ("interface", HOLDS)),
            ]
        )

    def process_seen(self, process: Process) -> None:
        """From the process table."""
        each(partial(tracked.seen, process) for tracked in self.processes.values())

    def process_gone(self, pid: int) -> None:
        """From the process table."""
        each(partial(tracked.gone, pid) for tracked in self.processes.values())

    # Starting and stopping.

    def start(self, router: VirtualRouter, at: int, delay: int = 0) -> None:
        """Start a router, or do so as soon as enough is known; `delay` ns before its election.

        `at` (ns) is the moment, just past, at which it and others start: their timers then end
        together, and one awakening serves them all.
        """
        self.waiting[router] = at + delay
        self.release(at)
        names = ", ".join(self._unknown(router))
        if router in self.waiting:
            why = f"waits for the first result of tracked script {names}"
            if (address := self._detecting(router)) is not None:
                why = f"waits until duplicate address detection of {address} is over"
            elif not names:
                why = "waits for the first results of the other members of its sync group"
            self.log.detail(f"({router.name}) {why}")
            self.journal.write("waiting", router.name, reason=why)

    def release(self, at: int | None = None) -> None:
        """Start the routers that need to wait no longer; one that does may release others."""
        at = self.ports.clock.now() if at is None else at
        failures: list[Exception] = []
        while any([self._try_to_let_go(one, at, failures) for one in list(self.waiting)]):
            pass
        if failures:
            raise failures[-1]

    def _try_to_let_go(self, router: VirtualRouter, at: int, failures: list[Exception]) -> bool:
        """`_let_go()`; a router whose start fails goes on waiting, and holds up no other."""
        due = self.waiting.get(router)
        try:
            return self._let_go(router, at)
        except Exception as error:
            failures.append(error)
            if due is not None and router.state is State.INIT:
                self.waiting[router] = due
            return False

    def _let_go(self, router: VirtualRouter, at: int) -> bool:
        """Start a waiting router if nothing is unknown any more, or FAULT is certain."""
        if router not in self.waiting:
            return False
        unknown = self._unknown(router)
        if router.faults:
            for name in unknown:
                router.fault(cause("script", name), self.scripts[name].reason)
        elif any(
            self._unknown(one) or self._detecting(one)
            for one in (router, *self.groups.get(router, ()))
            if one in self.waiting
        ):
            return False
        due = self.waiting.pop(router)
        router.start(max(0, due - at), at)
        return True

    def _unknown(self, router: VirtualRouter) -> list[str]:
        """The scripts without weight that have not had a result yet."""
        return [
            name
            for (kind, name), track in self.tracks.get(router, {}).items()
            if kind == "script" and not track.weight and self.scripts[name].up is None
        ]

    def _detecting(self, router: VirtualRouter) -> IPAddress | None:
        """The address that it will advertise from, if that is still tentative."""
        interface = self.links.interface(router.instance.interface or "")
        return _awaited(router, _source_address(router, interface), interface)

    def report(self) -> list[dict[str, Any]]:
        """Every script, file and process that is tracked, how it stands, and by whom."""
        things: list[tuple[str, Script | TrackedFile | TrackedProcess]] = [
            *(("script", one) for one in self.scripts.values()),
            *(("file", one) for one in self.files.values()),
            *(("process", one) for one in self.processes.values()),
        ]
        return [
            {
                "kind": kind,
                "name": one.name,
                "status": one.value if isinstance(one, TrackedFile) else one.up,
                "reason": one.reason,
                "tracked_by": [r.name for r, own in self.tracks.items() if (kind, one.name) in own],
            }
            for kind, one in things
        ]

    def forget(self, router: VirtualRouter) -> None:
        """This router is no more."""
        self.waiting.pop(router, None)
        self.tracks.pop(router, None)
        self.groups.pop(router, None)

    def stop(self) -> None:
        """Run, watch and wait for nothing."""
        self.waiting.clear()
        self.tracks.clear()
        for script in self.scripts.values():
            script.stop()
        for file in self.files.values():
            file.stop()
        for tracked in self.processes.values():
            tracked.stop()
        if self.processes:
            self.ports.processes.watch(None)
        self.links.close()


def _untrack(router: VirtualRouter, key: Key) -> None:
    """Take back the effect of what a router tracks no more."""
    name, why = cause(*key), f"{' '.join(key)} is no longer tracked"
    router.set_weight(name, 0, why)
    router.clear(name, why)


def _examine(router: VirtualRouter, kernel: _Interfaces) -> None:
    """Report to `router` the state of its interface and its source address.

    New causes come before old ones go, so that FAULT is not left between two of them.
    """
    name = router.instance.interface or ""
    interface = kernel.interface(name)
    device, family = kernel.interface(router.listener.interface), router.instance.family
    router.listener.attend(None if device is None or _without(interface, family) else device.index)
    deaf = router.listener.deaf(router)
    tracked = not router.instance.dont_track_primary
    reason = _trouble(name, interface, tracked)
    own = router.master_state.device
    if reason is None and own != name:
        reason = _trouble(own, kernel.interface(own), tracked)
    _examine_peers(router)
    if router.state is not State.MASTER:
        router.master_state.recognise()
    source = _source_address(router, interface)
    missing = _missing_source(router.instance, source, interface)
    if router.state is State.INIT and _awaited(router, source, interface) is not None:
        missing = None  # it waits in INIT
    again = _again_for(router)
    if source is not None:
        router.set_source_address(source)
    if reason is not None:
        router.fault("interface", reason)
    if missing is not None:
        router.fault("source", missing)
    if deaf is not None and LISTEN not in router.faults:
        router.fault(LISTEN, deaf)
        router.upkeep.retry(LISTEN)
    if deaf is None:
        router.clear(LISTEN, f"listens on {name}{again}")
    if reason is None:
        router.clear("interface", f"interface {name} is up and has its carrier{again}")
    if missing is None and source is not None:
        router.clear("source", f"interface {name} has the address {source}{again}")


def _without(interface: Interface | None, family: int) -> bool:
    """Whether IPv6 is off: a socket must then be opened again, and join its groups again.

    Where the MTU was below 1280, the kernel has forgotten them and says that nothing was lost.
    """
    if interface is None or family == 4:
        return False
    return not any(ip.version == 6 for ip in interface.addresses)


def _examine_peers(router: VirtualRouter) -> None:
    """A unicast router without a peer is in FAULT, and does not multicast."""
    if router.instance.unicast and not router.instance.unicast_peers:
        router.fault("peers", "there is no unicast_peer to send to")
    else:
        router.clear("peers", f"there is a unicast_peer{_again_for(router)}")


def _again_for(router: VirtualRouter) -> str:
    """The last word of a reason to leave FAULT: " again", or "" if the router never worked."""
    worked = router.transitions[State.BACKUP] or router.transitions[State.MASTER]
    return " again" if worked else ""


def _awaited(
    router: VirtualRouter, source: IPAddress | None, interface: Interface | None
) -> IPAddress | None:
    """The tentative address that the router is to advertise from, or None.

    Without a carrier there is nothing to wait for: the kernel cannot ask the LAN.
    """
    if interface is None or not (interface.up and interface.carrier):
        return None
    if source is not None:
        return source if source in interface.tentative else None
    virtual = {placed.address.ip for placed in router.placed}
    mine = router.instance.family == 6
    found = (ip for ip in interface.tentative if ip.is_link_local and ip not in virtual)
    return next(found, None) if mine else None


def _missing_source(
    instance: Instance, source: IPAddress | None, interface: Interface | None
) -> str | None:
    """Why there is no address to send from, or None; an absent interface is another matter."""
    if interface is None:
        return None
    near = (ip for ip in interface.duplicates if ip.is_link_local)
    taken = source if source in interface.duplicates else None
    if source is None and instance.family == 6:
        taken = next(near, None)
    if taken is not None:
        failed = "duplicate address detection failed"
        return f"interface {interface.name}: another host has the address {taken} ({failed})"
    if source is None:
        return f"interface {interface.name} has no IPv{instance.family} address"
    if instance.track_src_ip and source not in interface.addresses:
        return f"interface {interface.name} does not have the source address {source}"
    return None


def _trouble(name: str, interface: Interface | None, tracked: bool) -> str | None:
    """What is wrong with the interface, or None."""
    if interface is None:
        return f"interface {name} does not exist"
    if tracked and not interface.up:
        return f"interface {name} is down"
    if tracked and not interface.carrier:
        return f"interface {name} lost its carrier"
    return None


def _source_address(router: VirtualRouter, interface: Interface | None) -> IPAddress | None:
    """The primary address: the configured one, or the interface's first that is not virtual.

    Over IPv6 it must be link-local (RFC 9568 section 5.1.2.1).
    An address in use stays in use as long as it is there (keepalived), so that a new address
    put in front of it does not change who we appear to be.
    """
    configured = router.instance.unicast_src_ip or router.instance.mcast_src_ip
    if configured is not None:
        return configured
    if interface is None:
        return None
    own = {ip for _, ip in router.master_state.own}
    virtual = {placed.address.ip for placed in router.placed} - own
    family = router.instance.family
    # There may be thousands of addresses, and ours is usually the first of them.
    there: Sequence[IPAddress] = interface.addresses
    there = (router.source, *there) if router.source in there else there
    for ip in there:
        if ip.version == family and ip not in virtual and (family == 4 or ip.is_link_local):
            return ip
    return None
