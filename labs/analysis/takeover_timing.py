"""When is a takeover due?  The protocol's own arithmetic, applied to what observers saw.

`labs.analysis.master_down_timer` follows the timer of the host; here is which of its starts a
takeover is measured by.  No daemon is asked: the prediction can be wrong, and that would be news.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from labs.analysis.master_down_timer import MasterDownTimer, UnicastRouters
from labs.model.facts import Action, Address, Advert, Configured, Fact, Heard, State
from labs.model.timing import GIVES_UP_WITHIN_S

# s: a takeover so much before its time was counted from an earlier Advertisement, if one fits so
# exactly.
EARLY, EXACT = 0.3, 0.05

# The event that started the timer -> how a reader would put it.
PHRASES = {
    "advert": "after the last Advertisement",
    "received": "after the last Advertisement that it received",
    "respected": "after the last Advertisement of equal or higher priority",
    "delayed": "after the last Advertisement within preempt_delay",
    "goodbye": "after the Advertisement of priority 0",
    "carrier": "after its link came up",
    "start": "after its daemon was started",
    "ready": "after its daemon was ready",
    "recovered": "after it left the FAULT state",
    "reload": "after its daemon was reloaded",
}


@dataclass(frozen=True, slots=True)
class ExpectedTakeover:
    """`host` is due to take over `wait` seconds after `since`, when `basis` happened."""

    host: str
    basis: str
    since: float
    wait: float

    @property
    def at(self) -> float:
        """The predicted moment, on the clock of the facts."""
        return self.since + self.wait

    @property
    def text(self) -> str:
        """``predicted 3.609 s after the last Advertisement``."""
        return f"predicted {self.wait:.3f} s {PHRASES[self.basis]}"


def vrids(facts: Iterable[Fact], address: str) -> set[int]:
    """The virtual routers that advertised `address`."""
    return {f.vrid for f in facts if isinstance(f, Advert) and address in f.addresses}


def with_deliveries(facts: Sequence[Fact], hosts: Iterable[str]) -> list[Fact]:
    """`facts` with a Heard for every Advert, for records without note of who received it.

    Every other host is taken to have received it, unless a cut lay between it and the sender.
    Records that have Heard facts are returned as they are.
    """
    if any(isinstance(f, Heard) for f in facts):
        return list(facts)
    result: list[Fact] = []
    cut: set[str | None] = set()
    for fact in facts:
        result.append(fact)
        match fact:
            case Action(verb="cut"):
                cut.add(fact.host)
            case Action(verb="mend"):
                cut.discard(fact.host)
            case Advert() if fact.host not in cut:
                result += [_as_received(fact, h) for h in hosts if h != fact.host and h not in cut]
    return result


def predict(
    facts: Sequence[Fact], host: str, before: float, priority: int | None = None
) -> ExpectedTakeover | None:
    """When was a takeover by `host` due, judged by what happened before `before`?

    `facts` are in order of time and of one address; what other VRIDs than the host's advertise
    starts no timer.  `priority` is that of its file, in case no fact says it.
    None when no observer knows the priority of `host`, or none saw what started its timer: a
    priority that rises because of a weight is not seen from outside.  None also for a member of a
    sync group: it waits for the others.
    """
    voice = _own_advertisement(facts, host, before, priority)
    if voice is None:
        return None
    timing, vrid = voice
    settings = _settings(facts, host, before, vrid)
    if settings and settings[-1].sync_group:
        return None
    found = _starts(facts, settings, before, host, timing, vrid)
    if not found:
        return None
    last = found[-1]
    if last.at > before + EARLY:
        # The switch passed Advertisements on that a firewall on the host may have dropped.
        exact = [each for each in found if abs(each.at - before) < EXACT]
        last = (exact or found)[-1]
    if last.basis == "advert" and _others_discarded(facts, last, before, timing[0], vrid):
        return replace(last, basis="respected")
    if last.basis == "advert" and _others_lost(facts, last, before, vrid):
        return replace(last, basis="received")
    return last


def _others_discarded(
    facts: Sequence[Fact], last: ExpectedTakeover, before: float, own: int, vrid: int | None
) -> bool:
    """Whether `last.host` received a priority lower than `own` since: a BACKUP discards that.

    The figure shows those Advertisements, behind the one that the timer counts from.
    """
    since = [
        fact
        for fact in facts
        if isinstance(fact, Heard) and fact.host == last.host and vrid in (None, fact.vrid)
        if last.since <= fact.t < before and fact.priority
    ]
    counted = any(fact.t == last.since and fact.priority >= own for fact in since)
    return counted and any(fact.priority < own for fact in since)


def _others_lost(
    facts: Sequence[Fact], last: ExpectedTakeover, before: float, vrid: int | None
) -> bool:
    """Whether other routers have sent since what `last.host` did not receive.

    The figure shows those Advertisements, which a cut path or a filter has lost.
    """
    return any(
        isinstance(fact, Advert) and fact.host != last.host and vrid in (None, fact.vrid)
        for fact in facts
        if last.since < fact.t < before - EXACT
    )


def _starts(
    facts: Sequence[Fact],
    settings: Sequence[Configured],
    before: float,
    host: str,
    timing: tuple[int, int, float],
    vrid: int | None,
) -> list[ExpectedTakeover]:
    """The starts of the timer of `host` before `before`, the last one at the end.

    Empty if the last one may be one that no observer saw.
    """
    own = [fact for fact in facts if isinstance(fact, State) and fact.host == host]
    precise = any(fact.resolution == 0 for fact in own) if own else None
    changing = _changing(facts, settings, before, timing[0])
    unicast = UnicastRouters()
    timer = MasterDownTimer(host, *timing, precise, doubtful=True)
    found: list[ExpectedTakeover] = []
    held = _gave_up(facts, host, before)
    for fact in facts:
        if fact.t >= before:
            break
        if unicast.discard(fact):
            continue
        if isinstance(fact, Heard | Configured) and vrid not in (None, fact.vrid):
            continue
        if isinstance(fact, State) and not timer.concerns(fact):
            continue
        start = timer.take(fact)
        if _hidden(fact, host, found, changing):
            found.clear()
            continue
        # The host took over before that: it has discarded this Advertisement.
        if start is not None and start.doubtful and start.since + start.wait > before + EXACT:
            continue
        # A timer that ran before the host was MASTER is not the one that ran out now.
        if start is not None and start.since > held - GIVES_UP_WITHIN_S:
            found.append(ExpectedTakeover(host, start.basis, start.since, start.wait))
    return found


def _settings(
    facts: Sequence[Fact], host: str, before: float, vrid: int | None
) -> list[Configured]:
    """What `host` was configured with before `before`, in order, as far as it is recorded."""
    own = (f for f in facts if isinstance(f, Configured) and f.host == host and f.t < before)
    return [fact for fact in own if vrid in (None, fact.vrid)]


def _changing(
    facts: Sequence[Fact], settings: Sequence[Configured], before: float, priority: int
) -> range:
    """The priorities of which it is not known whether that of the host was higher all the time.

    From the last one that it is known to have had to `priority`, that of its takeover at `before`.
    """
    if not settings or not settings[-1].weighted:
        return range(0)
    known = [
        fact.priority
        for fact in facts
        if isinstance(fact, Advert | State) and fact.host == settings[-1].host and fact.priority
        if fact.t < before - EARLY  # the takeover itself says nothing of the time before it
    ]
    last = known[-1] if known else settings[-1].priority
    return range(min(last, priority), max(last, priority))


def _hidden(fact: Fact, host: str, found: Sequence[ExpectedTakeover], changing: range) -> bool:
    """Whether the timer of `host` may have started then, or at a time that no observer knows."""
    match fact:
        case Heard(host=one) if one == host:
            return fact.priority in changing
        case State(host=one, frm="FAULT", to="BACKUP") if one == host and fact.resolution:
            # The log has whole seconds; the carrier is known exactly.
            last = found[-1] if found else None
            carrier = last is not None and last.basis == "carrier"
            return not (carrier and last is not None and fact.t - last.since < fact.resolution)
    return False


def _gave_up(facts: Sequence[Fact], host: str, before: float) -> float:
    """When `host` last lost one of the addresses that are advertised; -inf if it never did."""
    shared = {one for fact in facts if isinstance(fact, Advert) for one in fact.addresses}
    lost = (
        fact.t
        for fact in facts
        if isinstance(fact, Address) and (fact.host, fact.held) == (host, False)
        if fact.address in shared and fact.t < before
    )
    return max(lost, default=float("-inf"))


def _own_advertisement(
    facts: Sequence[Fact], host: str, moment: float, priority: int | None
) -> tuple[tuple[int, int, float], int | None] | None:
    """Priority, version and interval (s) of `host`, and its VRID.

    They are those of its Advertisement nearest to `moment`.

    A takeover begins with an Advertisement, so even a host not known before is known then.
    Failing that, its journal or its file gives the priority and its neighbours the rest, but for
    the VRID.
    """
    adverts = [f for f in facts if isinstance(f, Advert) and f.priority]
    own = [f for f in adverts if f.host == host]
    if own:
        best = min(own, key=lambda f: abs(f.t - moment))
        return (best.priority, best.version, best.interval), best.vrid
    told = [f.priority for f in facts if isinstance(f, State) and f.host == host and f.priority]
    known = priority or (told[-1] if told else None)
    if known and adverts:
        return (known, adverts[-1].version, adverts[-1].interval), None
    return None


def _as_received(advert: Advert, host: str) -> Heard:
    return Heard(
        advert.t,
        host,
        advert.source,
        advert.vrid,
        advert.version,
        advert.priority,
        advert.interval,
    )
