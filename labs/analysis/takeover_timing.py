"""When is a takeover due?  The protocol's own arithmetic, applied to what witnesses saw.

RFC 3768 section 6.1: a BACKUP becomes MASTER when its Master_Down_Timer runs out.

    Skew_Time             = (256 - priority) / 256 s               (version 3: times the interval)
    Master_Down_Interval  = 3 * Advertisement_Interval + Skew_Time

and the timer starts anew at each of these; the last one before the takeover counts:

    what a witness saw                                      the timer then runs
    ----------------------------------------------------    ---------------------
    an Advertisement of a priority not below its own        Master_Down_Interval
    an Advertisement of priority 0 (the master says bye)    Skew_Time
    its network card got its carrier back                   Master_Down_Interval
    its daemon was started                                  Master_Down_Interval
    its daemon was reloaded: see `_reloaded`                Master_Down_Interval

So no daemon is asked: the prediction can be wrong, and that would be news.
The one exception is when a daemon is ready.  A program needs some tenths of a second from being
started to its first BACKUP; a journal that says when is believed, else the start itself counts.
Source of the rows: RFC 3768 section 6.4.2 and, for the carrier, keepalived's FAULT state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labs.model.facts import Action, Address, Advert, Fact, Heard, Link, State

ADVERTS = 3  # missed Advertisements make a master dead
FARTHEST = 10  # times its own interval is the longest that vrrpd learns
# s: a MASTER that hears a better one gives its addresses up within this time.
HANDOVER = 1.0
# s: a takeover so much before its time was counted from an earlier Advertisement, if one fits so
# exactly.
EARLY, EXACT = 0.3, 0.05

# The event that started the timer -> how a reader would put it.
PHRASES = {
    "advert": "after the last Advertisement",
    "goodbye": "after the Advertisement of priority 0",
    "carrier": "after its link came up",
    "start": "after its daemon was started",
    "ready": "after its daemon was ready",
    "reload": "after its daemon was reloaded",
}


@dataclass(frozen=True, slots=True)
class Prediction:
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


def skew(priority: int, version: int, interval: float) -> float:
    """Skew_Time in seconds, RFC 3768 section 6.1 (v2) and RFC 9568 section 6.1 (v3)."""
    return (256 - priority) / 256 * (interval if version == 3 else 1.0)


def vrids(facts: Iterable[Fact], address: str) -> set[int]:
    """The virtual routers that advertised `address`."""
    return {f.vrid for f in facts if isinstance(f, Advert) and address in f.addresses}


def with_hearing(facts: Sequence[Fact], hosts: Iterable[str]) -> list[Fact]:
    """`facts` with a Heard for every Advert, for records whose witness did not note who heard.

    Every other host is taken to have heard, unless a cut lay between it and the sender.
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
                result += [_as_heard(fact, h) for h in hosts if h != fact.host and h not in cut]
    return result


def predict(facts: Sequence[Fact], host: str, before: float) -> Prediction | None:
    """When was a takeover by `host` due, judged by what happened before `before`?

    `facts` are in order of time and of one virtual router.
    None when no witness knows the priority of `host`, or none saw what started its timer: a check
    that succeeds again, or a priority that rises, is seen by nobody outside.
    """
    voice = _own_voice(facts, host, before)
    if voice is None:
        return None
    priority, version, interval = voice
    found: list[Prediction] = []
    owned = _gave_up(facts, host, before)
    for basis, since, heard in _restarts(facts, host, priority, before):
        pace = heard if version == 3 and heard is not None else interval
        if _by_vrrpd(facts, host):
            pace = min(pace, FARTHEST * interval)
        wait = skew(priority, version, pace)
        if basis != "goodbye":
            wait += ADVERTS * pace
        # A timer that ran before the host was MASTER is not the one that ran out now.
        if since > owned - HANDOVER:
            found.append(Prediction(host, basis, since, wait))
    if found and found[-1].at > before + EARLY:
        # The switch passed Advertisements on that a firewall on the host may have dropped.
        exact = [each for each in found if abs(each.at - before) < EXACT]
        return (exact or found)[-1]
    return found[-1] if found else None


def _by_vrrpd(facts: Sequence[Fact], host: str) -> bool:
    """Does the host run vrrpd, as far as its journal tells?"""
    return any(_exact(f) for f in facts if isinstance(f, State) and f.host == host)


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


def _own_voice(facts: Sequence[Fact], host: str, moment: float) -> tuple[int, int, float] | None:
    """Priority, version and interval (s) of `host`: from its Advertisement nearest to `moment`.

    A takeover begins with an Advertisement, so even a host never heard before is known then.
    Failing that, its journal tells the priority and its neighbours the rest.
    """
    adverts = [f for f in facts if isinstance(f, Advert) and f.priority]
    own = [f for f in adverts if f.host == host]
    if own:
        best = min(own, key=lambda f: abs(f.t - moment))
        return best.priority, best.version, best.interval
    told = [f.priority for f in facts if isinstance(f, State) and f.host == host and f.priority]
    if told and adverts:
        return told[-1], adverts[-1].version, adverts[-1].interval
    return None


def _restarts(
    facts: Sequence[Fact], host: str, priority: int, before: float
) -> Iterator[tuple[str, float, float | None]]:
    """(basis, when, interval heard) of each event that started the timer of `host`, in order."""
    carrier: dict[str, bool] = {}
    begun, last = float("-inf"), None
    for fact in facts:
        if fact.t >= before:
            return
        if isinstance(fact, Heard) and fact.host == host:
            last = fact
        match fact:
            case Link(host=who) if who == host:
                alive = fact.up and fact.carrier
                if alive and carrier.get(fact.interface) is False:
                    begun = fact.t
                    yield "carrier", fact.t, None
                carrier[fact.interface] = alive
            case Action(verb="start", host=who) if who == host:
                begun = fact.t
                yield "start", fact.t, None
            case State(host=who, frm="INIT", to="BACKUP") if who == host and _exact(fact):
                begun = fact.t
                yield "ready", fact.t, None
            case Action(verb="reload", host=who) if who == host:
                yield from _reloaded(facts, fact, begun, last)
            case Heard(host=who) if who == host and fact.priority == 0:
                yield "goodbye", fact.t, fact.interval
            case Heard(host=who) if who == host and fact.priority >= priority:
                yield "advert", fact.t, fact.interval


def _reloaded(
    facts: Sequence[Fact], reload: Action, begun: float, last: Heard | None
) -> Iterator[tuple[str, float, float | None]]:
    """What a reload of a host that last heard `last` means for its timer, if anything.

    keepalived starts it anew; vrrpd lets it run on.  But whoever stayed BACKUP for longer than its
    patience since `begun` was content with the master until now, whatever its new priority; and
    so was whoever had no higher one, by its own journal.
    """
    mine = [f for f in facts if isinstance(f, State) and f.host == reload.host]
    if mine and not any(map(_exact, mine)):
        yield "reload", reload.t, None
    elif last and last.priority:
        stayed = last.t - begun > (ADVERTS + 1) * last.interval
        if stayed or last.priority >= _priority_before(facts, reload, mine):
            yield "advert", last.t, last.interval


def _priority_before(facts: Sequence[Fact], reload: Action, said: Sequence[State]) -> float:
    """The priority of a host until its `reload`, by its journal; infinite if that does not tell."""
    told = [f for f in said if f.priority and f.t < reload.t]
    again = (
        f
        for f in facts
        if isinstance(f, Action) and (f.verb, f.host) == ("reload", reload.host)
        if told and told[-1].t < f.t < reload.t
    )
    return float("inf") if not told or any(again) else float(told[-1].priority or 0)


def _exact(fact: State) -> bool:
    """Does the journal know the moment? keepalived's log lines have whole seconds."""
    return not fact.t.is_integer()


def _as_heard(advert: Advert, host: str) -> Heard:
    return Heard(
        advert.t,
        host,
        advert.source,
        advert.vrid,
        advert.version,
        advert.priority,
        advert.interval,
    )
