"""The VRRP state machine: RFC 3768 and RFC 9568, section 6.4, as one pure function.

    step(params, router, event, now) -> (router, actions)

Everything that decides what a virtual router does next lives in this file, and nothing else does.
There is no socket here, no clock and no log: `now` is an argument, the one running timer is the
`deadline` of the value that comes back, and what has to be done is returned as a list of actions.
So every test and every lesson can ask "what if" by calling a function.

                        +------------+
        +-------------->| INIT       |<---------------+     Stopped, from anywhere
        |               +------------+                |
        |                     | Started               |
        |                     v                       |
    +--------+  a better   +------------+          +-------+
    | MASTER |------------>| BACKUP     |--------->| FAULT |   FAULT is keepalived's addition:
    |        |<------------|            |<---------|       |   no RFC has it.  The router cannot
    +--------+  timer      +------------+ Recovered +-------+  work (no carrier, no address...)
        |       fired                                 ^        and neither sends nor listens.
        +---------------------------------------------+
                           Failed

One function per state, named after the RFC's subsection, so that a reader can lay `backup()`
beside section 6.4.2 and check it line by line.  The order of the actions is the order in which
they must be performed: the Advertisement before the addresses, the addresses before the
gratuitous ARP.

Times are integers: nanoseconds of one monotonic clock.  They are multiplied before they are
divided, so no rounding can make two different priorities expire together.

RFC 9568 says Active where RFC 3768, keepalived and every terminal say MASTER; so do we.
Where keepalived 2.2.7 and the RFC differ, keepalived's observable behaviour is the default and
`Params.strict` selects the RFC's.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from vrrpd.events import (
    Action,
    AddressLost,
    AdvertReceived,
    Announce,
    Event,
    Failed,
    IPAddress,
    PacketsLost,
    Reassert,
    Reconfigured,
    Recovered,
    ReleaseAddresses,
    Released,
    Resumed,
    SendAdvert,
    Started,
    Stopped,
    SyncGroupHold,
    SyncGroupTransition,
    TakeAddresses,
    TimerFired,
)
from vrrpd.record import Record, replace

SECOND = 1_000_000_000
RESIGN = 0  # the priority that says "I am leaving" (RFC 3768 section 5.3.4)
FARTHEST = 10  # times its own interval: version 3 learns no longer one, though the RFC would
OWNER = 255  # the priority of the router whose real addresses the virtual ones are


class State(Enum):
    """Where a virtual router stands; the value is keepalived's word for it."""

    INIT = "INIT"
    BACKUP = "BACKUP"
    MASTER = "MASTER"
    FAULT = "FAULT"

    __hash__ = object.__hash__  # there is one of each; Enum's own is a call for every look-up


SILENT = (State.INIT, State.FAULT)  # neither sends nor listens


class Params(Record):
    """What a virtual router is configured to be (RFC 3768 section 6.1).

    All times are nanoseconds.  `priority` is the effective one, 1..255.
    `source` is the primary address of the interface: it breaks ties.  `not_before` is the end of
    vrrp_startup_delay: no timer begins earlier, whatever is received.  `highest_other` is that of
    timer_expired_backup, the highest priority that another router may have; 0: not configured.
    `released`: `vrrpctl release` keeps the router from becoming MASTER (an addition of vrrpd's).
    """

    vrid: int
    priority: int
    source: IPAddress
    advert_interval: int = SECOND
    version: int = 2
    preempt: bool = True
    preempt_delay: int = 0
    down_timer_adverts: int = 3
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    strict: bool = False
    not_before: int = 0
    highest_other: int = 0
    released: bool = False

    @property
    def preempts(self) -> bool:
        """Whether a MASTER of lower priority is preempted; the owner always does (section 6.1)."""
        return self.preempt or self.priority == OWNER

    def learn(self, interval: int) -> int:
        """Master_Adver_Interval in ns after an Advertisement with this interval.

        Version 3 takes it over (RFC 9568 section 6.4.2), version 2 never does.  What one packet
        teaches has a limit, which is ours: at 40.95 s no router would take over for two minutes.
        """
        if self.version == 2:
            return self.advert_interval
        return min(interval, FARTHEST * self.advert_interval)

    def skew(self, interval: int) -> int:
        """Skew_Time in ns: the lower the priority, the longer.

        Version 2 counts it in fractions of a second whatever the interval (RFC 3768 section 6.1);
        version 3 in fractions of the interval (RFC 9568 section 6.1).
        """
        unit = SECOND if self.version == 2 else interval
        return (256 - self.priority) * unit // 256

    def master_down(self, interval: int) -> int:
        """Master_Down_Interval in ns: `down_timer_adverts` (3) intervals and the skew."""
        return self.down_timer_adverts * interval + self.skew(interval)


class LastAdvert(NamedTuple):
    """The last valid Advertisement: from whom, how strong and when (ns).

    `interval` (ns) is the one in force since then; None if no MASTER has taught us any.
    """

    source: IPAddress
    priority: int
    interval: int | None
    at: int


class RouterState(NamedTuple):
    """All that a virtual router remembers.  `why` is the reason for being in this state.

    `deadline` is the one running timer: Adver_Timer in MASTER, Master_Down_Timer in BACKUP,
    none otherwise.  `armed` is when it was started, `heard` the last Advertisement that counted
    or was outranked, `hold_until` the end of keepalived's preempt_delay once it has begun.
    `extended`: Master_Down_Timer runs once more because packets were lost; an Advertisement that
    restarts it ends that.
    """

    state: State = State.INIT
    deadline: int | None = None
    armed: int = 0
    heard: LastAdvert | None = None
    resigned: bool = False  # the timer is a bare Skew_Time, after an Advertisement of priority 0
    hold_until: int | None = None
    waiting_for_group: bool = False  # the timer has expired and the sync group is holding us back
    why: str = "not started"
    extended: bool = False


Outcome = tuple[RouterState, list[Action]]


def step(params: Params, router: RouterState, event: Event, now: int) -> Outcome:
    """Say what `router` becomes when `event` happens at `now` (ns), and what must be done.

    Never raises: an event that means nothing in a state changes nothing, as the RFC has it.
    """
    if isinstance(event, Stopped):
        return stop(router, event.reason)
    if isinstance(event, Failed):
        return fail(router, event.reason)
    return RULES[router.state](params, router, event, now)


def initialize(params: Params, router: RouterState, event: Event, now: int) -> Outcome:
    """RFC 3768 section 6.4.1: the owner is MASTER at once, everybody else BACKUP.

    Whatever `state` says in the file, as in keepalived; only priority 255 makes an owner.
    """
    if not isinstance(event, Started):
        return router, []
    begin = now + event.delay
    if params.priority != OWNER or params.released:
        wait = params.master_down(params.advert_interval)
        why = "started, and released by vrrpctl" if params.released else "started"
        return RouterState(State.BACKUP, begin + wait, begin, why=why), []
    owner = "started as the owner of the addresses (priority 255)"
    if not event.delay:
        return become_master(params, router, now, owner)
    return RouterState(State.BACKUP, begin, begin, why=owner), []


def backup(params: Params, router: RouterState, event: Event, now: int) -> Outcome:
    """RFC 3768 / RFC 9568 section 6.4.2."""
    assert router.deadline is not None
    if isinstance(event, Released):
        return router._replace(waiting_for_group=False, why=event.reason), []
    if isinstance(event, Resumed):
        begin = max(now, params.not_before)
        wait = params.master_down(interval_in_force(params, router))
        return RouterState(State.BACKUP, begin + wait, begin, router.heard, why=event.reason), []
    if params.released and isinstance(event, TimerFired | SyncGroupHold | SyncGroupTransition):
        return stay_released(params, router, now), []
    if isinstance(event, TimerFired):
        if now < router.deadline:
            return router, []
        due = next_advert(params, router.deadline, now)
        return become_master(params, router, now, expiry_reason(params, router), due)
    if isinstance(event, AdvertReceived):
        return backup_receives(params, router, event, now), []
    if isinstance(event, PacketsLost):
        return wait_once_more(params, router, now), []
    if isinstance(event, SyncGroupHold):
        due = now + master_down_time(params, router)
        return router._replace(deadline=due, armed=now, waiting_for_group=True), []
    if isinstance(event, SyncGroupTransition) and event.up:
        return become_master(params, router, now, event.reason)
    if isinstance(event, Reconfigured):
        # The timer keeps what has already been waited; only its length changes.
        shift = master_down_time(params, router) - event.master_down_time
        return router._replace(deadline=router.deadline + shift), []
    return router, []


def backup_receives(
    params: Params, router: RouterState, advert: AdvertReceived, now: int
) -> RouterState:
    """Section 6.4.2, "If an ADVERTISEMENT is received", with keepalived's preempt_delay."""
    heard = LastAdvert(advert.source, advert.priority, advert.interval, now)
    learned = router.heard.interval if router.heard is not None else None
    if now < params.not_before:  # the start-up delay runs to its end (keepalived 2.2.8)
        return router._replace(heard=heard)
    if advert.priority == RESIGN:
        return router._replace(
            heard=heard._replace(interval=learned),  # the leaver's own teaches nothing
            armed=now,
            resigned=True,
            deadline=now + params.skew(interval_in_force(params, router)),
        )
    hold = router.hold_until
    if advert.priority >= params.priority:
        hold = None
    elif params.preempts and params.preempt_delay and hold is None:
        hold = now + params.preempt_delay
    outranked = params.preempts and advert.priority < params.priority
    if outranked and (hold is None or now >= hold):
        # "Discard the ADVERTISEMENT": our timer runs on, and that is how we preempt.
        return router._replace(hold_until=hold, heard=heard._replace(interval=learned))
    interval = params.learn(advert.interval)
    due = now + params.master_down(interval)
    return RouterState(State.BACKUP, due, now, heard, hold_until=hold, why=router.why)


def stay_released(params: Params, router: RouterState, now: int) -> RouterState:
    """A released router does not become MASTER; an expired Master_Down_Timer starts again.

    It starts in full: a bare Skew_Time, after a resignation, may be a few microseconds.
    """
    assert router.deadline is not None
    if now < router.deadline:
        return router
    wait = params.master_down(interval_in_force(params, router))
    return RouterState(State.BACKUP, now + wait, now, router.heard, why=router.why)


def wait_once_more(params: Params, router: RouterState, now: int) -> RouterState:
    """Start an expired Master_Down_Timer again, in full, because packets were lost.

    The MASTER's Advertisements may be among them.  Once only: a flood must not prevent a takeover.
    """
    assert router.deadline is not None
    if router.extended or now < router.deadline:
        return router
    wait = params.master_down(interval_in_force(params, router))
    return router._replace(deadline=now + wait, armed=now, resigned=False, extended=True)


def master(params: Params, router: RouterState, event: Event, now: int) -> Outcome:
    """RFC 3768 / RFC 9568 section 6.4.3."""
    assert router.deadline is not None
    if params.released and isinstance(event, Released | SyncGroupTransition):
        # All members of a sync group are released together, and each resigns.
        wait = params.master_down(params.advert_interval)
        return RouterState(State.BACKUP, now + wait, now, why=event.reason), resignation(router)
    if params.highest_other and overslept(params, router, event, now):
        return give_way(params, router, now)
    if isinstance(event, TimerFired):
        if now < router.deadline:
            return router, []
        return advertised_again(params, router, now), [SendAdvert(params.priority)]
    if isinstance(event, AdvertReceived):
        return master_receives(params, router, event, now)
    if isinstance(event, AddressLost):
        # keepalived's rule: resign, and let the election decide, after one Skew_Time.
        wait = params.skew(params.advert_interval)
        why = f"{event.address} was removed by somebody else"
        lost = RouterState(State.BACKUP, now + wait, now, resigned=True, why=why)
        return lost, [SendAdvert(RESIGN), ReleaseAddresses()]
    if isinstance(event, SyncGroupTransition) and not event.up:
        # The member that lost has let its peer win; no priority 0 is sent (keepalived).
        wait = params.master_down(params.advert_interval)
        return RouterState(State.BACKUP, now + wait, now, why=event.reason), [ReleaseAddresses()]
    if isinstance(event, Reconfigured):
        return router._replace(deadline=min(router.deadline, now + params.advert_interval)), []
    return router, []


def advertised_again(params: Params, router: RouterState, now: int) -> RouterState:
    """What a MASTER becomes when Adver_Timer has expired and it sends its Advertisement."""
    assert router.deadline is not None
    due = next_advert(params, router.deadline, now)
    return RouterState(State.MASTER, due, now, router.heard, why=router.why)


def overslept(params: Params, router: RouterState, event: Event, now: int) -> bool:
    """Whether another router has become MASTER because we did not run (timer_expired_backup).

    That is three intervals and the skew of the highest other priority after the last
    Advertisement that we sent.  What arrived in the meantime is judged by its own moment.
    """
    leaves = isinstance(event, AdvertReceived) and event.priority == RESIGN
    if leaves or not isinstance(event, TimerFired | AdvertReceived):
        return False
    assert router.deadline is not None
    sent = router.deadline - params.advert_interval
    other = replace(params, priority=params.highest_other)
    return now >= sent + 3 * params.advert_interval + other.skew(params.advert_interval)


def give_way(params: Params, router: RouterState, now: int) -> Outcome:
    """To BACKUP silently: another MASTER need not be disturbed."""
    assert router.deadline is not None
    silent = seconds(now - router.deadline + params.advert_interval)
    why = f"did not run for {silent}: another router may be MASTER (timer_expired_backup)"
    wait = params.master_down(params.advert_interval)
    return RouterState(State.BACKUP, now + wait, now, why=why), [ReleaseAddresses()]


def master_receives(
    params: Params, router: RouterState, advert: AdvertReceived, now: int
) -> Outcome:
    """Section 6.4.3, "If an ADVERTISEMENT is received"."""
    heard = LastAdvert(advert.source, advert.priority, advert.interval, now)
    restarted = router._replace(heard=heard, deadline=now + params.advert_interval, armed=now)
    if advert.priority == RESIGN:
        return restarted, [SendAdvert(params.priority)]
    if outranks(advert, params):
        actions: list[Action] = []
        if params.higher_prio_send_advert:
            actions.append(SendAdvert(params.priority))
        interval = params.learn(advert.interval)
        wait = params.master_down(interval)
        word = "higher" if advert.priority > params.priority else "equal"
        tie = "" if word == "higher" else ", which has the higher address"
        why = f"{word} priority {advert.priority} from {advert.source}{tie}"
        return (
            RouterState(State.BACKUP, now + wait, now, heard, why=why),
            [*actions, ReleaseAddresses()],
        )
    if params.strict and (params.lower_prio_no_advert or params.version == 2):
        return router._replace(heard=heard), []  # RFC 3768: discard
    if params.lower_prio_no_advert:  # keepalived leaves out the Advertisement and nothing else
        return router._replace(heard=heard), [Reassert(advert.source, advert.priority)]
    again: list[Action] = [SendAdvert(params.priority), Reassert(advert.source, advert.priority)]
    # RFC 9568 answers at once without touching Adver_Timer; keepalived restarts it.
    return (router._replace(heard=heard) if params.strict else restarted), again


def fault(params: Params, router: RouterState, event: Event, now: int) -> Outcome:
    """keepalived's FAULT: deaf and silent until the last cause is gone, then BACKUP in full.

    Even the owner waits a whole Master_Down_Interval here, so that a flapping cable cannot
    make the address flap with it.
    """
    if not isinstance(event, Recovered):
        return router, []
    wait = params.master_down(params.advert_interval)
    begin = max(now, params.not_before)
    return RouterState(State.BACKUP, begin + wait, begin, why=event.reason), []


RULES = {
    State.INIT: initialize,
    State.BACKUP: backup,
    State.MASTER: master,
    State.FAULT: fault,
}


# What the states have in common.


def next_advert(params: Params, deadline: int, now: int) -> int:
    """When (ns) Adver_Timer ends that was started at `deadline`, which is now or some time ago.

    Counted from the deadline, not from now, so that lateness never adds up and routers that send
    at the same moment go on doing so; but after a long stall one Advertisement is enough, not all
    that were missed.
    """
    return now + params.advert_interval - (now - deadline) % params.advert_interval


def become_master(
    params: Params, router: RouterState, now: int, why: str, due: int | None = None
) -> Outcome:
    """The common end of 6.4.1 and 6.4.2: send first, then hold, then announce.

    Adver_Timer ends at `due` (ns); by default a whole interval from now.
    """
    if due is None:
        due = now + params.advert_interval
    return (
        RouterState(State.MASTER, due, now, router.heard, why=why),
        [SendAdvert(params.priority), TakeAddresses(), Announce()],
    )


def stop(router: RouterState, why: str) -> Outcome:
    """Shutdown: a MASTER resigns, so that a BACKUP waits one skew instead of 3 intervals."""
    return RouterState(why=why), resignation(router)


def fail(router: RouterState, why: str) -> Outcome:
    """Enter FAULT; a MASTER that can still send resigns first (keepalived)."""
    if router.state is State.FAULT:
        return router, []
    return RouterState(State.FAULT, why=why), resignation(router)


def resignation(router: RouterState) -> list[Action]:
    """What a MASTER does when it leaves of its own accord; nothing for the others."""
    if router.state is State.MASTER:
        return [SendAdvert(RESIGN), ReleaseAddresses()]
    return []


def outranks(advert: AdvertReceived, params: Params) -> bool:
    """Whether the sender wins the election: a tie goes to the higher address (6.4.3)."""
    if advert.priority != params.priority:
        return advert.priority > params.priority
    return int(advert.source) > int(params.source)


def interval_in_force(params: Params, router: RouterState) -> int:
    """Master_Adver_Interval in ns: version 3 learns it from the MASTER, version 2 never does."""
    if params.version == 3 and router.heard is not None and router.heard.interval is not None:
        return params.learn(router.heard.interval)
    return params.advert_interval


def master_down_time(params: Params, router: RouterState) -> int:
    """The length (ns) of the present Master_Down_Timer under these parameters.

    It is Skew_Time alone after an Advertisement of priority 0, otherwise Master_Down_Interval.
    """
    interval = interval_in_force(params, router)
    return params.skew(interval) if router.resigned else params.master_down(interval)


def expiry_reason(params: Params, router: RouterState) -> str:
    """Say as text why Master_Down_Timer has expired, with the sum a learner can redo."""
    interval = interval_in_force(params, router)
    skew = f"skew {seconds(params.skew(interval))}"
    heard = router.heard
    if params.priority == OWNER and router.deadline == router.armed:
        return router.why
    if router.resigned:
        who = router.why if heard is None else f"{heard.source} resigned (priority 0)"
        if heard is not None and heard.priority != RESIGN:
            who = f"preempting {heard.source} priority {heard.priority} after a resignation"
        return f"{who} and nobody better spoke within {skew}"
    waited = seconds((router.deadline or 0) - router.armed)
    total = f"{waited} ({params.down_timer_adverts} × {seconds(interval)} + {skew})"
    if heard is None:
        return f"no advertisement for {total}; none heard since: {router.why}"
    last = f"{heard.source} priority {heard.priority}"
    if params.preempts and heard.priority < params.priority:
        return f"preempting {last}: nobody of priority {params.priority} or more for {total}"
    return f"no advertisement for {total}; last heard {last}"


@lru_cache  # the same few durations, and a takeover waits for its reason
def seconds(ns: int) -> str:
    """1_000_000_000 -> '1 s', 609_375_000 -> '0.609 s': exact to the millisecond, no zeros."""
    return f"{ns / SECOND:.3f}".rstrip("0").rstrip(".") + " s"
