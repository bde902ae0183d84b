"""One virtual router: the state machine of `fsm.py` joined to the world of `ports.py`.

    an event --> dispatch(): step() --> becoming MASTER: the Advertisement is sent, the addresses
                                        are taken and announced; if that cannot be, FAULT instead
                                    --> the new Router value, kept in self.router
                                    --> a journal line, if the state changed
                                    --> the actions, performed in order
                                    --> the scripts run, if the state changed
                                    --> the one timer armed for the new deadline

Two statements of the program replace a router's value: one in `dispatch()`, and one in `repeated()`
for a MASTER whose Adver_Timer had no other effect than to send its Advertisement again; that is
left to `steady_masters.py` until something happens to the router.
Whatever goes wrong in one of these steps, the others are done, and the timer is armed.
The same class runs on a real host and in the simulated LAN; see `ports.py`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Any

from vrrpd import events, fsm
from vrrpd.addresses.master_state import MasterState
from vrrpd.advertiser import Advertiser
from vrrpd.announcer import Announcer
from vrrpd.auth_hmac import Verifier
from vrrpd.config.model import Instance
from vrrpd.config.routes_model import Route, Rule
from vrrpd.events import IPAddress
from vrrpd.fsm import FARTHEST, OWNER, RESIGN, SILENT, Params, RouterState, State, seconds
from vrrpd.garp_pacing import Pacer
from vrrpd.journal import Journal, Log
from vrrpd.listener import Listener
from vrrpd.notify.notifier import Notifier
from vrrpd.packet import Advertisement, Datagram, PacketError, difference
from vrrpd.ports import InterfaceAddress, Ports, Timer
from vrrpd.split_brain import SplitBrain
from vrrpd.steady_masters import Cycle
from vrrpd.takeover_prefetch import TakeoverPrefetch
from vrrpd.upkeep import ADDRESSES, SEND, SPEECHLESS, Upkeep, unheld
from vrrpd.validation import Expectation

_FIRED = events.TimerFired()  # all of them are equal, and a MASTER needs one for every interval


class VirtualRouter:
    """A running `vrrp_instance`.

    `instance` is its configuration, `current` its state, `counters` its statistics under
    RFC 8347's names, `history` its last changes.  `faults` are the causes that keep it in FAULT,
    `weights` those that move its priority.

    Its sync group sets these: `master_hold_reason` returns why it must not become MASTER yet (None:
    it may), `on_fault_cleared` is called when a cause of FAULT is gone, `on_lower_advert` when a
    lower priority was answered, each of `on_transition` after a change of state, with the value
    before.
    """

    def __init__(
        self,
        instance: Instance,
        segment: Listener,
        ports: Ports,
        notifier: Notifier,
        journal: Journal,
        log: Log,
        group: IPAddress,
        pacer: Pacer,
        holdings: MasterState,
    ) -> None:
        self.instance = instance
        self.listener = segment
        self.ports = ports
        self.notifier = notifier
        self.journal = journal
        self.log = log
        self.default_group = group
        self.group = instance.mcast_dst_ip or group
        self.advertiser = Advertiser(instance, self.group, segment.send, ports.clock.wall)
        self.verifier: Verifier | None = None
        self._current = RouterState()
        self.weights: dict[str, int] = {}
        self.faults: dict[str, str] = {}
        self.not_before = 0  # ns; the end of the start-up delay
        self.released = False  # see maintenance.py
        self.params = self._make_params()
        self.expected: Expectation | None = None
        self.agreed: Advertisement | None = None  # the last one that named our addresses
        self._counters: Counter[str] = Counter()
        self.history: deque[dict[str, Any]] = deque(maxlen=50)
        self.last_change: dict[str, Any] | None = None  # of state, as in the journal
        self.entered = ports.clock.now()  # ns; when that was
        self.transitions: Counter[State] = Counter()  # into each state; never set to zero
        self.timer: Timer | None = None
        self.armed_for: int | None = None
        self.master_hold_reason: Callable[[], str | None] = no_hold
        self.on_fault_cleared: Callable[[], object] = no_hold
        self.on_lower_advert: Callable[[], object] = no_hold
        self.stop_event = "STOP"  # what the scripts are run at the end
        self.on_transition: list[Callable[[VirtualRouter, RouterState], None]] = []
        self.master_state = holdings
        self.announcer = Announcer(instance.name, segment.interface, pacer, ports, log)
        self.upkeep = Upkeep(self, self.master_state, ports, journal, log)
        self.split_brain = SplitBrain(self._counters)
        self.cycle: Cycle | None = None  # sends our Advertisements, until something happens to us
        self.prefetch = TakeoverPrefetch(self.advertiser, holdings, self.announcer, ports)

    @property
    def name(self) -> str:
        """The name of the `vrrp_instance` block."""
        return self.instance.name

    @property
    def current(self) -> RouterState:
        """The value of the state machine."""
        if self.cycle is not None:
            self.cycle.update(self)
        return self._current

    @property
    def counters(self) -> Counter[str]:
        """The statistics."""
        if self.cycle is not None:
            self.cycle.update(self)
        return self._counters

    @property
    def state(self) -> State:
        """Where the router stands."""
        return self._current.state

    @property
    def source(self) -> IPAddress:
        """The primary address, which breaks ties; 0.0.0.0 or :: while there is none."""
        return self.advertiser.source

    @property
    def placed(self) -> list[InterfaceAddress]:
        """Every virtual address and its interface, the excluded ones last."""
        return self.master_state.placed

    @property
    def expectation(self) -> Expectation:
        """What an Advertisement must be for this router to accept it.

        It is the same object until something has changed, which with AH is every packet.
        """
        one = self.instance
        if self.expected is None or one.auth.kind == "AH":
            any_neighbor = not one.check_unicast_src and one.auth_hmac is None
            peers = one.unicast_peers if one.unicast else ()
            self.expected = Expectation(
                one.version, one.advert_interval_ns, one.auth, self.source, one.unicast,
                self.advertiser.sequence, one.strict, peers, self._current_verifier(),
                not one.addresses, any_neighbor,
            )  # fmt: skip
        return self.expected

    def _current_verifier(self) -> Verifier | None:
        """What looks at the trailers of `auth_hmac`; a reload of keys forgets no packet."""
        auth = self.instance.auth_hmac
        if auth is None:
            self.verifier = None
        elif self.verifier is None:
            self.verifier = Verifier(auth, self.ports.clock.wall, self._warn_of_clock_drift)
        else:
            self.verifier.auth = auth
        return self.verifier

    @property
    def priority(self) -> int:
        """The effective priority: the configured one and all weights, within 1..254.

        The owner's 255 is never changed, and no weight makes an owner (keepalived).
        """
        if self.instance.priority == OWNER:
            return OWNER
        return max(1, min(OWNER - 1, self.instance.priority + sum(self.weights.values())))

    def _make_params(self) -> Params:
        """The state machine's parameters under the present configuration and source address."""
        one = self.instance
        return Params(
            vrid=one.vrid,
            priority=self.priority,
            source=self.source,
            advert_interval=one.advert_interval_ns,
            version=one.version,
            preempt=one.preempt,
            preempt_delay=one.preempt_delay_ns,
            down_timer_adverts=one.down_timer_adverts,
            lower_prio_no_advert=one.lower_prio_no_advert,
            higher_prio_send_advert=one.higher_prio_send_advert,
            strict=one.strict,
            not_before=self.not_before,
            highest_other=one.timer_expired_backup,
            released=self.released,
        )

    # Events in.

    def dispatch(self, event: events.Event, at: int | None = None) -> None:
        """Let `event` happen at `at` (ns; default now), and do all that follows from it."""
        if self.cycle is not None:
            self.act_alone()
        try:
            self._happen(event, at)
        finally:
            self.arm()

    def _happen(self, event: events.Event, at: int | None) -> None:
        """`dispatch()` without the promise that the timer runs afterwards."""
        now = self.ports.clock.now() if at is None else at
        before = self._current
        known = self.prefetch.foreseen(self.params, before, now) if event is _FIRED else None
        after, actions = known or fsm.step(self.params, before, event, now)
        if State.MASTER is after.state is not before.state:
            obstacle = self._take_over(actions)
            if obstacle is not None:
                self.refuse(*obstacle)
                return
        self._current = after
        changed = self._current.state is not before.state
        if changed:
            if actions and isinstance(actions[0], events.SendAdvert):
                # Peers wait for this Advertisement; no peer waits for our records.
                self._attempt(self.perform, actions.pop(0))
            self._attempt(self.record, before, event)
            self._disarm()
        for action in actions:
            self._attempt(self.perform, action)
        if changed:
            self._attempt(self._notify_scripts)
            self.arm()
            self._attempt(self._announce_own_address, before)
            for follow in self.on_transition:
                self._attempt(follow, self, before)
            self._attempt(self._precompute)

    def _attempt(self, do: Callable[..., object], *arguments: object) -> None:
        """Do one thing; that it fails must not keep us from the next."""
        try:
            do(*arguments)
        except Exception as error:
            self._log_error(error)

    def _log_error(self, error: Exception) -> None:
        """Write down a mistake of ours or of the host."""
        self.log.trouble(error)

    def _take_over(self, actions: list[events.Action]) -> tuple[str, str] | None:
        """Advertise, take the addresses and announce them, or the cause and reason of FAULT."""
        self._attempt(self.master_state.open)
        self._attempt(self.perform, actions.pop(0))
        if self.upkeep.mute is not None:
            self._attempt(self.master_state.close)
            return SEND, self.upkeep.mute
        try:
            refused = self.master_state.take()
            why = unheld(refused)
        except Exception as error:
            self._log_error(error)
            refused, why = [], f"cannot take the addresses: {error}"
        if why is None:  # neighbors wait for this, and nothing of what follows
            self._attempt(self.announcer.first, self.instance.garp, self.placed)
        self._attempt(self.master_state.taken)
        if why is not None:
            self._attempt(self.send, RESIGN)
            self.upkeep.give_back()
            return ADDRESSES, why
        self.upkeep.taken(refused)
        return None

    def _announce_own_address(self, before: RouterState) -> None:
        """Send the interface's MAC address to unicast peers after FAULT (keepalived).

        Not before the start-up delay is over (keepalived 2.4.0).
        """
        recovered = before.state is State.FAULT and self.state is State.BACKUP
        if recovered and self.instance.unicast and self.ports.clock.now() >= self.not_before:
            self.announcer.own_address(self.source)

    def _precompute(self) -> None:
        """Prepare a takeover; a MASTER makes what it needs when it needs it."""
        if self.state is State.BACKUP:
            self.prefetch.precompute(self.params.priority)

    def _touch(self) -> None:
        """Bring a takeover that is due into the processor's caches."""
        self.prefetch.touch(self.params, self._current)

    def refuse(self, cause: str, reason: str) -> None:
        """Be in FAULT because the kernel does not let us work, and try again later."""
        self.faults[cause] = reason
        try:
            self.dispatch(events.Failed(reason))
        finally:
            self.upkeep.retry(cause)

    def start(self, delay: int = 0, at: int | None = None) -> None:
        """Begin, at `at` (ns; default now): BACKUP, or FAULT if something is known to be wrong."""
        self.not_before = (self.ports.clock.now() if at is None else at) + delay
        self.params = self._make_params()
        # An owner whose sync group is not ready waits in BACKUP for it to be.
        event: events.Event = events.Started(
            delay if self.master_hold_reason() is None else max(delay, 1)
        )
        if self.faults:
            event = events.Failed(next(iter(self.faults.values())))
        self.dispatch(event, at)

    def stop(self, reason: str) -> None:
        """End: resign if MASTER, give the addresses back, run no timer."""
        self._attempt(self.upkeep.stop)
        self.dispatch(events.Stopped(reason))

    def on_advert(
        self,
        advert: Advertisement,
        received: events.AdvertReceived,
        at: int,
        sequence: int = 0,
        times: int = 1,
    ) -> None:
        """A valid Advertisement arrived at `at` (ns), with this number in its AH, if any.

        `times`: so many of the same have arrived, the last of them at `at`.
        """
        if self._current.state in SILENT:
            return
        self._counters["advertisement-rcvd"] += times
        if received.priority == RESIGN:
            self._counters["priority-zero-pkts-rcvd"] += 1
        if sequence:
            self.advertiser.note_sequence(sequence)
        if self.params.version == 3 and received.interval > self.params.learn(received.interval):
            self._attempt(self._warn_of_long_interval, received, times)
        if advert is not self.agreed:
            self._attempt(self._check_address_list, advert, received.source, times)
        was_master = self._current.state is State.MASTER
        self.dispatch(received, at)
        if was_master and received.priority != RESIGN:
            self._attempt(self._watch_split_brain, received, at)

    def _watch_split_brain(self, rival: events.AdvertReceived, at: int) -> None:
        """Report another MASTER, whose Advertisement arrived at `at` (ns) while we were MASTER."""
        reason = self.split_brain.received(rival, at, self.params, self.state)
        if reason is not None:
            self.log.info(f"({self.name}) Split brain: {reason}")
            self.note("split_brain", reason)
        if self.split_brain.script_is_due(at, self.params, self.state, self.entered):
            self.notifier.split_brain(self.instance, self.params.priority, rival)

    def _warn_of_long_interval(self, received: events.AdvertReceived, times: int) -> None:
        """Warn of an interval that is too long to be learned."""
        self._counters["interval-limited"] += times
        most = seconds(self.params.learn(received.interval))
        text = f"interval {seconds(received.interval)} from {received.source} counts as {most}"
        text = f"({self.name}) {text}, {FARTHEST} times our own"
        self.log.limited(("interval", self.name, received.source), text)

    def _check_address_list(self, advert: Advertisement, source: IPAddress, times: int) -> None:
        """Warn if the sender has other addresses than we do.

        RFC 9568 section 7.1 and keepalived >= 2.3.3 accept it; others discard: two MASTERs.
        """
        mine = {one.ip for one in self.instance.addresses}
        theirs = set(advert.addresses)
        if mine == theirs:
            self.agreed = advert
            return
        self._counters["address-list-errors"] += times
        text = f"({self.name}) advertisement from {source} {difference(mine, theirs)}"
        self.log.limited(("addresses", self.name, source), text)

    def on_bad_packet(self, error: PacketError, datagram: Datagram) -> None:
        """Count and report a packet that failed a check; nothing else happens to us."""
        if self.state in SILENT:
            return
        self._counters[error.check.value] += 1
        text = f"({self.name}) dropped packet from {datagram.source}: {error}"
        if self.log.limited((error.check, self.name, datagram.source), text):
            told = {"source": str(datagram.source), "cause": error.check.value}
            self.journal.write("drop", self.name, **told, reason=str(error))

    def _warn_of_clock_drift(self, source: IPAddress, skew: int) -> None:
        """Warn of a peer whose clock will leave the window of `auth_hmac` before long."""
        assert self.instance.auth_hmac is not None
        window = self.instance.auth_hmac.time_window
        text = f"authentication clock skew {skew} sec from {source} approaching window {window} sec"
        self.log.limited(("skew", self.name, source), f"({self.name}) {text}")

    def fault(self, cause: str, reason: str) -> None:
        """`cause` (a key) keeps this router from working; `reason` says so to people."""
        first = not self.faults
        self.faults[cause] = reason
        if first and self.state is not State.INIT:
            self.dispatch(events.Failed(reason))

    def clear(self, cause: str, reason: str) -> None:
        """`cause` is gone; the last one to go ends FAULT."""
        if self.faults.pop(cause, None) is None:
            return
        self.on_fault_cleared()
        if not self.faults:
            self.dispatch(events.Recovered(reason))

    def set_weight(self, cause: str, weight: int, why: str = "") -> None:
        """`cause` (a key) adds `weight` to the priority from now on, 0 being nothing."""
        before = self.priority
        if weight:
            self.weights[cause] = weight
        else:
            self.weights.pop(cause, None)
        if self.priority == before:
            return
        text = f"Changing effective priority from {before} to {self.priority}"
        self.log.info(f"({self.name}) {text}")
        why = why or f"{cause} {weight:+d}"
        note = {"from_": before, "to": self.priority, "reason": why}
        self._attempt(partial(self.journal.write, "priority", self.name, **note))
        self._update_params()
        self._attempt(self.notifier.priority, self.instance, self.state.value, self.priority)

    def mark(self, released: bool) -> None:
        """Be released from now on, or no longer; no state changes yet (see maintenance.py)."""
        self.released = released
        self.params = self._make_params()

    def note(self, event: str, reason: str) -> None:
        """Write down in the journal and for `vrrpctl why` what is no change of state."""
        line = self.journal.line(event, self.name, reason=reason)
        self.journal.keep(line)
        if self.history and self.history[-1]["event"] == event:
            self.history.pop()  # changes of state must not be pushed out by one note repeated
        self.history.append(line)

    def set_source_address(self, source: IPAddress) -> None:
        """Advertise from another address of the interface from now on."""
        if source != self.source:
            self.act_alone()
            self.advertiser.set_source(source)
            self._update_params()
        self.master_state.set_source(source)

    def address_lost(self, address: IPAddress, ours: bool = False) -> None:
        """`address` is gone from its interface; `ours`: with one that this daemon removed."""
        mine = [one for one in self.placed if one.address.ip == address]
        if mine and self.state is State.MASTER:
            self.upkeep.lost(mine, address, ours)

    def route_lost(self, thing: Route | Rule) -> None:
        """Another program removed a route or rule; one that need not be held is not reported."""
        if self.state is State.MASTER and thing in self.master_state.ways:
            self.upkeep.lost([thing], thing, ours=False)

    def reconfigure(self, instance: Instance, anyway: bool = True) -> None:
        """Go on under another configuration of the same virtual router: no state changes.

        Addresses that are no longer listed go, new ones come and are announced (keepalived).
        If nothing has changed, a MASTER advertises, and that is all, unless `anyway` is given.
        """
        if instance == self.instance and not anyway:
            if self.state is State.MASTER:
                self.send(self.params.priority)
            return
        self.act_alone()
        self.instance = instance
        self.group = instance.mcast_dst_ip or self.default_group
        self.advertiser.configure(instance, self.group)
        self.listener.join(self)
        self._update_params()
        held = self.state is State.MASTER
        added, refused = self.master_state.renew(instance, held)
        if not held:
            self._precompute()
            return
        why = unheld(refused)
        if why is not None:
            self.refuse(ADDRESSES, why)
            return
        self.upkeep.taken(refused)
        self.announcer.renew(instance.garp, self.placed, added)
        self.send(self.params.priority)

    def _update_params(self) -> None:
        """Work out the parameters again, and let the state machine know the old ones."""
        waited = fsm.master_down_time(self.params, self._current)
        before, self.params = self.params, self._make_params()
        self.expected = self.agreed = None
        if before != self.params:
            if before.priority != self.params.priority:
                self.listener.narrow()
            self.dispatch(events.Reconfigured(waited))

    # Actions out.

    def perform(self, action: events.Action) -> None:
        """Do one thing that the state machine asked for."""
        if isinstance(action, events.SendAdvert):
            # A dead link carries no resignation.
            if not self.faults or SPEECHLESS.isdisjoint(self.faults):
                self.send(action.priority)
        elif isinstance(action, events.ReleaseAddresses):
            self._attempt(self.announcer.quiet)
            self.upkeep.give_back()
        elif isinstance(action, events.Announce):
            self.announcer.take(self.instance.garp, self.placed)
        elif isinstance(action, events.Reassert):
            self.reassert(action)

    def send(self, priority: int) -> None:
        """Multicast one Advertisement; a dead link is logged, and no more than that."""
        self.act_alone()
        try:
            self.advertiser.send(priority)
        except Exception as error:  # no mistake of ours may leave us without a timer
            if not isinstance(error, OSError):
                self._log_error(error)
            reason = getattr(error, "strerror", None) or str(error)
            if self.advertiser.reached:  # at least one of several peers
                self.upkeep.sent()
            else:
                self.upkeep.unsent(getattr(error, "errno", None), reason)
            self._counters["send-errors"] += 1
            text = f"({self.name}) cannot send an advertisement: {reason}"
            self.log.limited(("send", self.name), text)
            return
        self.upkeep.sent()
        self._counters["advertisement-sent"] += 1
        if priority == RESIGN:
            self._counters["priority-zero-pkts-sent"] += 1
            self.log.detail(f"({self.name}) sent 0 priority")

    # A MASTER to which nothing happens: see steady_masters.py.

    def _steady(self) -> bool:
        """Whether all that is to be done is to send the same Advertisement again and again."""
        return (
            self._current.state is State.MASTER
            and not self.faults
            and not self.upkeep.failures
            and not self.params.highest_other
            and self.advertiser.repeats
            and self.params.priority in self.advertiser.packets
        )

    def _join_cycle(self) -> None:
        """Leave Adver_Timer and the Advertisements to a Cycle, if there can be one."""
        self.cycle = self.listener.masters.join(self, self.params.advert_interval)
        if self.cycle is not None:
            self._disarm()

    def act_alone(self) -> None:
        """Have a timer of our own again, because something happens to us."""
        cycle, self.cycle = self.cycle, None
        if cycle is not None:
            try:
                cycle.remove(self)
            finally:
                self.arm()

    @property
    def next_advert(self) -> tuple[int, bytes, int]:
        """When (ns) it is due, the packet, and the identification of the one before."""
        assert self._current.deadline is not None, "a MASTER has one"
        packet = self.advertiser.packets[self.params.priority][0]
        return self._current.deadline, packet, self.advertiser.ident

    def repeated(self, times: int, last: int) -> None:
        """That packet was sent `times` times, and was due at `last` (ns) the last time."""
        self.advertiser.count(times)
        self._current = fsm.advertised_again(self.params, self._current, last)
        self._counters["advertisement-sent"] += times

    def reassert(self, action: events.Reassert) -> None:
        """Answer a MASTER of lower priority: our addresses are here (garp_lower_prio_*)."""
        rival = f"{action.rival} with lower priority {action.priority}"
        if action.priority == self.params.priority:
            rival = f"{action.rival} with equal priority {action.priority} and a lower address"
        text = f"({self.name}) Received advert from {rival}, ours {self.params.priority}"
        self.log.limited(("rival", self.name, action.rival), f"{text}, forcing new election")
        self.announcer.reassert(self.instance.garp, self.placed)
        self.on_lower_advert()
        self.notifier.notify(self.instance, "MASTER_RX_LOWER_PRI", self.params.priority)

    # The record, the scripts, the timer.

    def record(self, before: RouterState, event: events.Event) -> None:
        """Write down a change of state: the journal, the log and `vrrpctl why` say the same."""
        new = self._current
        if new.state is State.MASTER:
            self._counters["master-transitions"] += 1
        elif before.state is State.MASTER:
            self._counters["released-master"] += 1
        line, text = self.journal.transition(self.name, self.params.priority, before, new, event)
        self.last_change, self.entered = line, self.ports.clock.now()
        self.transitions[new.state] += 1
        self.journal.keep(line)
        self.history.append(line)
        self.log.info(text)

    def _notify_scripts(self) -> None:
        """Run the scripts: the router is now in this state."""
        state = self.stop_event if self.state is State.INIT else self.state.value
        self.notifier.notify(self.instance, state, self.params.priority)

    def arm(self) -> None:
        """Have the clock call back at the deadline.

        A timer that is set for an earlier moment is only postponed: a BACKUP moves its deadline
        with every Advertisement, and this way none of them costs a system call.
        """
        deadline, before = self._current.deadline, self.armed_for
        if self.timer is not None:
            if deadline is not None and before is not None and before <= deadline:
                if before != deadline:
                    self.armed_for = deadline
                    self.timer.postpone(deadline)
                return
            self._disarm()
        if deadline is not None:
            self.armed_for = deadline
            backup = self._current.state is State.BACKUP
            ahead = self._touch if backup else None
            self.timer = self.ports.clock.call_at(deadline, self.expire, ahead)

    def _disarm(self) -> None:
        """No timer runs."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def expire(self) -> None:
        """The clock called; `step()` decides whether the deadline has really come."""
        self.timer = None
        event: events.Event = _FIRED
        current = self._current
        try:
            now = self.ports.clock.now()
            if current.state is State.BACKUP and (current.deadline or 0) <= now:
                event = self._expired()
            self.dispatch(event, now)
        finally:
            if self.timer is None:
                self.arm()
        if self.upkeep.mute is not None and self._current.state is State.MASTER:
            self.refuse(SEND, self.upkeep.mute)
        elif current.state is State.MASTER and self._steady():
            self._join_cycle()

    def _expired(self) -> events.Event:
        """Whether an expired Master_Down_Timer counts, or what keeps this router BACKUP.

        An owner that the start-up delay has held back waits for no packet.
        """
        current = self._current
        waited = current.armed != current.deadline and not current.extended
        if waited and self.listener.may_have_missed(current.armed):
            return events.PacketsLost()
        reason = self._unready()
        return _FIRED if reason is None else events.SyncGroupHold(reason)

    def _unready(self) -> str | None:
        """`ready()`, or what is wrong with it: then we wait once more."""
        try:
            return self.master_hold_reason()
        except Exception as error:
            self._log_error(error)
            return f"it is not known whether the sync group is ready: {error}"


def no_hold() -> str | None:
    """A router in no sync group is always ready to be MASTER."""
    return None
