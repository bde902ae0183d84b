"""The daemon: configuration in, virtual routers up, reload, stop.

    Daemon(load, ports, journal, log)
      start()               leftovers removed, sockets opened, routers started
      reload()              the file read again; what has not changed is not touched
      stop(reason)          every MASTER resigns and gives its addresses back
      interface_changed()   from the kernel: tracking looks again
      address_removed()     from the kernel: a virtual address was removed

It knows the four ports and nothing of Linux, so the simulated LAN runs this very class.

Two instances are the same across a reload if virtual_router_id, family, interface and the way
they send agree; the name does not matter (keepalived).  Several unicast instances may agree in all
of that: their peers distinguish them, then their names.  A file with a fatal mistake changes
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

from vrrpd.addresses.host_state import HostState
from vrrpd.addresses.master_state import MasterState
from vrrpd.config import Config, ConfigError
from vrrpd.config.globals import Globals
from vrrpd.config.model import Instance
from vrrpd.config.routes_model import Route, Rule
from vrrpd.each import each
from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND, State, seconds
from vrrpd.garp_pacing import Pacer
from vrrpd.journal import Journal, Log
from vrrpd.listener import Listener, SocketKey
from vrrpd.maintenance import Handover, Maintenance
from vrrpd.notify.notifier import Notifier
from vrrpd.packet import PROTOCOL, PROTOCOL_AH
from vrrpd.ports import Ports, Timer
from vrrpd.router import VirtualRouter
from vrrpd.status import status
from vrrpd.tracking.sync_groups import Group, form
from vrrpd.tracking.tracker import Tracker

_Identity = tuple[object, ...]
_Item = TypeVar("_Item")
# How long (ns) before what has failed is done again: twice as long each time, up to this.
_LONGEST_PAUSE = 60 * SECOND


def _identity(instance: Instance) -> _Identity:
    """What two instances must agree in to be the same virtual router across a reload."""
    one = instance
    kind = (one.mcast_dst_ip, one.unicast, one.unicast_src_ip, one.vmac, one.vmac_xmit_base)
    socket = one.auth.kind == "AH"
    return (one.vrid, one.family, one.interface, kind, socket)


def _continued(
    instances: Iterable[Instance], routers: Iterable[VirtualRouter]
) -> dict[str, VirtualRouter]:
    """The routers that go on, by the names of the instances that they go on as; each once."""
    left: dict[_Identity, list[VirtualRouter]] = defaultdict(list)
    for router in routers:
        left[_identity(router.instance)].append(router)
    wanted = [(one, _identity(one)) for one in instances]
    found: dict[str, VirtualRouter] = {}
    for alike in (_same_peers, _same_name, _any):
        for one, key in wanted:
            candidates = [router for router in left[key] if alike(one, router.instance)]
            if candidates:
                found[one.name] = candidates[0]
                left[key].remove(candidates[0])
        wanted = [(one, key) for one, key in wanted if one.name not in found]
    return found


def _same_peers(one: Instance, other: Instance) -> bool:
    return {peer.ip for peer in one.unicast_peers} == {peer.ip for peer in other.unicast_peers}


def _same_name(one: Instance, other: Instance) -> bool:
    return one.name == other.name


def _any(one: Instance, other: Instance) -> bool:
    return True


class Daemon:
    """All the virtual routers of one host.  `load` reads the configuration again."""

    def __init__(
        self, load: Callable[[], Config], ports: Ports, journal: Journal, log: Log
    ) -> None:
        self.load = load
        self.ports = ports
        self.journal = journal
        self.log = log
        self.notifier = Notifier(ports, journal, log)
        self.segments: dict[SocketKey, Listener] = {}
        self.routers: dict[str, VirtualRouter] = {}  # by the name of the instance
        self.config = Config()
        self.pacer = Pacer(ports.clock, ports.wire)
        self.estate = HostState(ports.kernel, journal, log)
        self.tracking = Tracker(ports, journal, log)
        self.maintenance = Maintenance(log)
        self.groups: list[Group] = []
        self.estate.removed = self.look
        self.begins = 0  # when (ns) the start-up delay ends
        self.doubt: Timer | None = None  # something may not have been handled to its end
        self.doubt_ends = 0  # when (ns) `doubt` calls
        self.pause = SECOND  # (ns) before `_recover()`
        self.asked = 0  # for reloads, since the present one has begun
        self.unfinished = False  # a reload has begun, and something has ended it midway
        self.stopped = False

    def start(self, config: Config | None = None) -> None:
        """Start every instance.  Raises ConfigError if the file cannot be used.

        `config` is for a caller that has read the file already.
        """
        self.config = self.load() if config is None else config
        self.notifier.configure(self.config)
        self.pacer.configure(self.config)
        self.journal.write("start", reason="the daemon starts")
        self.estate.begin()
        self.estate.configure(self.config)
        for instance in self.config.instances:
            self.create(instance)
        # A daemon that was killed has left its addresses behind: give them back before
        # listening, so that two hosts hold them no longer than necessary.
        for router in self.routers.values():
            router.master_state.release()
        self.ports.kernel.watch(self)
        self.notifier.hold()
        self.connect()
        at = self.ports.clock.now()
        self.begins = at + self.delay(self.config.globals)
        if self.begins > at:
            self.log.info(f"Delaying startup for {seconds(self.begins - at)}")
        for router in list(self.routers.values()):
            self.tracking.start(router, at, self.begins - at)
        self.notifier.started()
        self._warn_if_idle()
        self.log.info("Startup complete")

    def delay(self, settings: Globals) -> int:
        """How long (ns) from now no election may begin.

        The longer of vrrp_startup_delay and what is left of vrrp_delay_after_boot.
        """
        booting = settings.vrrp_delay_after_boot_ns - self.ports.clock.uptime()
        return max(settings.vrrp_startup_delay_ns, booting, 0)

    def postpone(self, before: Globals, after: Globals, at: int) -> None:
        """A reload during the start-up delay changes its end, for the routers that are new."""
        if at < self.begins:
            self.begins += after.vrrp_startup_delay_ns - before.vrrp_startup_delay_ns

    def _warn_if_idle(self) -> None:
        """A daemon with nothing to do runs on and waits for a reload (keepalived)."""
        one = self.config
        if not (one.instances or one.static_addresses or one.static_routes or one.static_rules):
            self.log.info("Warning - vrrpd has no configuration to run")

    def create(self, instance: Instance) -> VirtualRouter:
        """Make the router of an instance, not yet started."""
        protocol = PROTOCOL_AH if instance.auth.kind == "AH" else PROTOCOL
        holdings = MasterState(instance, self.estate)
        self.pacer.bases.update({one.name: one.base for one in holdings.links.values()})
        place = SocketKey(holdings.advert_interface, instance.family, protocol)
        segment = self.segments.get(place)
        if segment is None:
            segment = self.segments[place] = Listener(
                place, self.ports.wire, self.ports.clock, self.log
            )
        defaults = self.config.globals
        group = defaults.vrrp_mcast_group4 if instance.family == 4 else defaults.vrrp_mcast_group6
        router = VirtualRouter(
            instance,
            segment,
            self.ports,
            self.notifier,
            self.journal,
            self.log,
            group,
            self.pacer,
            holdings,
        )
        with ExitStack() as undo:
            undo.callback(segment.remove, router)
            segment.add(router)
            segment.join(router)
            undo.pop_all()
        router.on_transition.append(lambda one, _: segment.changed(one))
        self.routers[instance.name] = router
        self.maintenance.admit(router)
        return router

    def reload(self) -> bool:
        """Read the configuration again and go over to it; whether that was possible.

        To read may take a while, in which other things happen; a reload that is asked for then
        follows this one.  None begins after `stop()`, while the last scripts run.
        """
        if self.stopped:
            return False
        self.asked += 1
        if self.asked > 1:
            return True
        try:
            done, again = self._reload_once(), self.asked > 1
        finally:
            self.asked = 0
        return self.reload() if again else done

    def _reload_once(self) -> bool:
        """One reload.

        Every MASTER advertises before and after, so that reading a large file costs the peers'
        Master_Down_Timers nothing (keepalived does the same).
        """
        self.log.info("Reloading ...")
        self.journal.close()  # the next line opens it again: it may have been renamed (logrotate)
        self._send_adverts()
        try:
            config = self.load()
        except ConfigError as error:
            self.log.info(f"{error}")
            self.log.info("Reload refused: the running configuration stays in force")
            self.journal.write("reload", reason=f"refused: {str(error).splitlines()[0]}", ok=False)
            if self.unfinished:
                self._go_over(self.config)
            return False
        self._go_over(config)
        self.journal.write("reload", reason="configuration read again", ok=True)
        self._warn_if_idle()
        self.log.info("Reload complete")
        return True

    def _go_over(self, config: Config) -> None:
        """Have `config` in force; what raises an exception midway is done again by `_recover()`.

        Every step is taken, whatever another one raises.
        """
        before, self.config = self.config, config
        anyway = config.globals != before.globals or self.unfinished
        self.unfinished = True
        self.postpone(before.globals, config.globals, self.ports.clock.now())
        self.notifier.configure(config)
        self.pacer.configure(config)
        self.estate.configure(config, self._paced)
        wanted = {one.name: one for one in config.instances}
        routers = list(self.routers.values())
        kept = _continued(self._paced(config.instances), self._paced(routers))
        going_on = set(kept.values())
        self.routers = dict(kept)
        go_on = self._reconfigure
        each(
            [
                *(partial(self.remove, one) for one in routers if one not in going_on),
                self._prune,  # what comes may have the same names, or the same virtual MACs
                *(partial(go_on, one, wanted[name], anyway) for name, one in kept.items()),
                self._prune,
                *(partial(self.create, one) for one in config.instances if one.name not in kept),
                partial(self._start_new, config),
            ]
        )
        self.notifier.repeat([(r.instance, r.state.value, r.priority) for r in kept.values()])
        self.unfinished = False

    def _reconfigure(self, router: VirtualRouter, instance: Instance, anyway: bool) -> None:
        """Have a router go on under another configuration, after what is due has happened."""
        self.ports.clock.breathe()
        router.reconfigure(instance, anyway)

    def _start_new(self, config: Config) -> None:
        """Tie the routers together, in the order of the file, and start those that are new."""
        names = [one.name for one in config.instances if one.name in self.routers]
        self.routers = {name: self.routers[name] for name in names}
        self.maintenance.reloaded(list(self.routers.values()), config.sync_groups)
        new = [router for router in self.routers.values() if self._is_new(router)]
        # As at the start: what a killed daemon has left behind is released.
        leftovers = (router.master_state.release for router in new)
        each([self.connect, *leftovers, partial(self._begin, new)])

    def _begin(self, routers: Iterable[VirtualRouter]) -> None:
        """Start routers at the same moment: one awakening serves all their timers."""
        at = self.ports.clock.now()
        delay = max(0, self.begins - at)
        each(partial(self.tracking.start, router, at, delay) for router in routers)

    def _is_new(self, router: VirtualRouter) -> bool:
        """Whether a router has neither been started nor waits for it."""
        return router.state is State.INIT and router not in self.tracking.waiting

    def _prune(self) -> None:
        """Delete the virtual interfaces that no router has any more."""
        used = (link.name for r in self.routers.values() for link in r.master_state.links.values())
        self.estate.prune(set(used))

    def connect(self) -> None:
        """Tie the routers to their sync groups and to all that they track."""
        routers = list(self.routers.values())
        names = (self.config.sync_groups, routers, self.groups)
        self.groups = form(*names, self.notifier, self.journal, self.log)
        settings = self.config.globals
        each(
            [
                *(group.attach for group in self.groups),
                *(partial(one.configure, settings) for one in self.segments.values()),
                partial(self.tracking.configure, self.config, routers),
            ]
        )

    def remove(self, router: VirtualRouter) -> None:
        """Stop a router that the new configuration no longer has."""
        self.tracking.forget(router)
        router.stop_event = "DELETED" if router.instance.notify.report_deleted else "FAULT"
        each(
            [
                partial(router.stop, "no longer in the configuration"),
                partial(router.listener.remove, router),
                partial(self._close_unused, router.listener),
            ]
        )

    def _close_unused(self, listener: Listener) -> None:
        """Close the socket of a listener that no router needs any more."""
        if not listener.routers:
            del self.segments[listener.place]
            listener.close()

    def _paced(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Give the items one by one; what is due happens in between, however many they are."""
        for one in items:
            self.ports.clock.breathe()
            yield one

    def _send_adverts(self) -> None:
        """Every MASTER sends an Advertisement now."""
        for router in self._paced(list(self.routers.values())):
            if router.state is State.MASTER:
                router.send(router.params.priority)

    def stop(self, reason: str) -> None:
        """Stop every router in the order of the file, whatever goes wrong with one of them."""
        self.stopped, self.unfinished = True, False
        doubts = [] if self.doubt is None else [self.doubt.cancel]
        each(
            [
                partial(self.log.info, "Stopping"),
                *doubts,
                self.tracking.stop,
                self.notifier.hold,
                *(partial(router.stop, reason) for router in self.routers.values()),
                self.notifier.ended,
                *(segment.close for segment in self.segments.values()),
                self.estate.end,
                partial(self.journal.write, "stop", reason=reason),
            ]
        )

    # From the kernel.

    def interface_changed(self, name: str) -> None:
        """It is not what it was: everything that depends on it looks again."""
        came_up = True  # or it is not known
        try:
            came_up = self.estate.restore_links(name)
        finally:
            each([partial(self.tracking.interface_changed, name), partial(self.look, came_up)])

    def mistaken(self) -> None:
        """A callback has failed, and what it was to do is not done: look at all again, soon.

        What fails while `_recover()` waits for its repetition does not wait as long.
        """
        now = self.ports.clock.now()
        if self.doubt is not None and now + SECOND < self.doubt_ends:
            self.doubt.cancel()
            self._recover_at(now + SECOND)
        elif self.doubt is None:
            self._recover_at(now + self.pause)

    def _recover_at(self, when: int) -> None:
        """Look at all again at `when` (ns)."""
        self.doubt, self.doubt_ends = self.ports.clock.call_at(when, self._recover), when

    def _recover(self) -> None:
        """Finish a reload, and look at all that is tracked; less often while that itself fails."""
        self.doubt = None
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)
        unfinished = [self.reload] if self.unfinished else []
        each([*unfinished, self._look_at_interfaces, self.tracking.look_again])
        self.pause = SECOND

    def _look_at_interfaces(self) -> None:
        """Look at every interface that a router uses, even if the kernel has reported nothing."""
        names = {r.instance.interface for r in self.routers.values()}
        names |= {r.master_state.device for r in self.routers.values()}
        names |= {placed.interface for r in self.routers.values() for placed in r.placed}
        each(partial(self.interface_changed, name) for name in sorted(filter(None, names)))

    def look(self, came_up: bool = False) -> None:
        """Routes may have gone with an address or a link: every MASTER looks after its own."""
        each(partial(router.upkeep.look, came_up) for router in self.routers.values())

    def address_removed(self, interface: str, address: IPAddress, ours: bool = False) -> None:
        """`address` is no longer on `interface`; `ours`: it went with one that we removed."""
        losers = [
            router
            for router in self.routers.values()
            if any(p.interface == interface and p.address.ip == address for p in router.placed)
        ]
        each(
            [
                *(partial(self._address_lost, router, address, ours) for router in losers),
                partial(self.estate.restore, lambda one: one == (interface, address)),
                self.look,
            ]
        )

    def _address_lost(self, router: VirtualRouter, address: IPAddress, ours: bool) -> None:
        """Log that a virtual address is gone, and let its router see to it."""
        self.log.detail(f"Netlink reflector reports IP {address} removed")
        router.address_lost(address, ours)

    def route_removed(self, thing: Route | Rule) -> None:
        """Another program removed a route or rule that is tracked."""
        self.log.detail(f"Netlink reflector reports {thing} removed")
        lost = (partial(router.route_lost, thing) for router in self.routers.values())
        each([*lost, partial(self.estate.restore, lambda one: one == thing)])

    # For vrrpctl and the dumps.

    def release(self, name: str | None = None) -> list[Handover] | None:
        """Resign and stay BACKUP: an instance, a sync group or all; None: no such name."""
        routers = list(self.routers.values())
        return self.maintenance.release(name, routers, self.config.sync_groups)

    def drain(self) -> list[Handover]:
        """Release every instance, also those that a reload adds."""
        return self.maintenance.drain(list(self.routers.values()))

    def resume(self, name: str | None = None) -> list[dict[str, Any]] | None:
        """Take part in elections again: an instance, a sync group or all; None: no such name."""
        routers = list(self.routers.values())
        return self.maintenance.resume(name, routers, self.config.sync_groups)

    def status(self) -> list[dict[str, Any]]:
        """One object for every instance."""
        return [status(router) for router in self.routers.values()]

    def stats(self) -> list[dict[str, Any]]:
        """The counters of every instance, and of every interface for what has no instance."""
        routers = [{"instance": r.name, **r.counters} for r in self.routers.values()]
        segments = [{"interface": s.interface, **s.counters} for s in self.segments.values()]
        return routers + segments

    def why(self, name: str | None = None) -> list[dict[str, Any]] | None:
        """The last changes of state with their reasons; None if there is no such instance."""
        routers = [r for r in self.routers.values() if name is None or r.name == name]
        if name is not None and not routers:
            return None
        lines = [line for router in routers for line in router.history]
        return sorted(lines, key=lambda line: line["mono"])
