"""Is a cluster well?  What an operator would want to be true, from what the observers saw.

    restored(lab)        web1 serves the client alone, and web2 stands by; waits while it may
                         still become so
    drill(lab)           the real test: web1 leaves, web2 serves the client, web1 comes back
    standing_by(lab, h)  whether `h` runs, listens, and has received from a master
    answering(lab)       the host that answers the client, for who asks again and again
    answerer(lab)        the same, for who asks once
    unnoticed(lab, bad)  whether there is none of these outages, every ping's fate being known

A backup that receives nothing is quiet, too, until its Master_Down_Interval is over; only then, or
when it has given way to a higher priority, is it known to receive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.model.facts import Action, Address, Fact, Ping, State
from labs.model.timing import BUSY_DELAY_S

if TYPE_CHECKING:
    from labs.analysis.timeline import ServiceInterval
    from labs.emulation.lab import Lab

MASTER, BACKUP = "web1", "web2"
# Longer than any Master_Down_Interval at advert_int 1, on a busy machine, too: by then a router
# that receives nothing has become MASTER.
RECEIVES_NOTHING_AFTER_S = 5.0
# Two holders, or none, for longer than this are no handover any more.
HANDOVER_ENDS_AFTER_S = 1.3
# What was done just before we look need not be an Action (a rule of nft, a signal by hand): the
# next Advertisement comes within a second, and a busy machine adds two.
ADVERT_COMES_WITHIN_S = 3.3
# How long a cluster may take to come back after whatever was done to it.
RECOVERY_TIMEOUT_S = 12.0
# The client pings every 10 ms; without an answer for this long it gets none.
UNANSWERED_AFTER_S = 0.3
# A ping without an answer is given up after a second, and reported a little later.
PING_FATE_KNOWN_AFTER_S = 1.2
# A script that is asked every other second has answered by then.
SCRIPT_ANSWERS_WITHIN_S = 3.0
# A master that leaves costs the Skew_Time of web2, under a second; a busy machine adds to it.
TAKEOVER_TIMEOUT_S = 5.0


def answering(lab: Lab, for_seconds: float = 0.5) -> str:
    """The host that answers the client, and has for some seconds; "nobody", or "several".

    For a caller that asks repeatedly: an observer that was delayed has seen no Advertisement, too.
    """
    now = lab.now
    answered = [f for f in _pings(lab) if f.answered_by and f.t > now - for_seconds]
    # A ping counts as lost only a second later; until then, that answers are missing must do.
    if not answered or answered[-1].t < now - UNANSWERED_AFTER_S:
        return "nobody"
    who = {ping.answered_by or "" for ping in answered}
    return who.pop() if len(who) == 1 else "several"


def answerer(lab: Lab, for_seconds: float = 0.5) -> str:
    """As `answering`, for a caller that asks once: waits for the first Advertisement."""

    def answering_host() -> str:
        who = answering(lab, for_seconds)
        return "" if who == "nobody" else who

    try:
        return lab.wait_until(answering_host, BUSY_DELAY_S, what="an answer to the client")
    except LabError:
        return "nobody"


def unnoticed(lab: Lab, outages: Callable[[Lab], list[ServiceInterval]]) -> bool:
    """Whether `outages` finds none, even when the fate of every ping sent so far is known."""
    if not outages(lab):
        known = lab.now + PING_FATE_KNOWN_AFTER_S
        with suppress(LabError):  # a replay may go on before
            # Who sends a ping has given up those that were overdue.
            lab.wait_until(
                lambda: any(isinstance(f, Ping) for f in lab.witness.facts(known)),
                what="the answers to the last pings",
            )
    return not outages(lab)


def _pings(lab: Lab) -> list[Ping]:
    return sorted((f for f in lab.facts() if isinstance(f, Ping)), key=lambda ping: ping.t)


def asleep(lab: Lab, host: str) -> bool:
    """Whether the daemon of `host` has been stopped by a signal, and not continued."""
    return lab.frozen(host)


def standing_by(lab: Lab, host: str) -> bool:
    """Whether `host` is BACKUP, and known to receive from its master."""
    facts = lab.timeline().facts
    states = [f for f in facts if isinstance(f, State) and f.host == host]
    if not lab.running(host) or asleep(lab, host) or not states or states[-1].to != "BACKUP":
        return False
    if states[-1].frm == "MASTER":
        return True
    # keepalived's log knows whole seconds only; what a stalled machine has not reported yet
    # may be that it spoke.
    return facts[-1].t - _touched(facts, host) > RECEIVES_NOTHING_AFTER_S


def serves(lab: Lab) -> bool:
    """Whether web1 alone holds the address, and the client gets its answers from it."""
    return lab.holders() == [MASTER] and answering(lab) == MASTER


def restored(lab: Lab) -> bool:
    """Whether `web1` serves and `web2` stands by; waits as long as that may still come."""
    began = lab.now

    def judged() -> str:
        if serves(lab) and standing_by(lab, BACKUP):
            return "well"
        return "hopeless" if _hopeless(lab, began) else ""

    try:
        found = lab.wait_until(
            judged,
            RECOVERY_TIMEOUT_S,
            what=f"{MASTER} alone to serve the client, and {BACKUP} to be BACKUP",
        )
        return found == "well"
    except LabError:
        return False


def drill(lab: Lab) -> bool:
    """Whether web2 serves the client while web1 is stopped; starts web1 again."""
    lab.stop(MASTER)
    try:
        lab.wait_until(
            lambda: answering(lab) == BACKUP, TAKEOVER_TIMEOUT_S, what="web2 to serve the client"
        )
        passed = True
    except LabError:
        passed = False
    lab.start(MASTER)
    lab.wait_until(lambda: serves(lab), RECOVERY_TIMEOUT_S, what="web1 to serve the client again")
    return passed


def _touched(facts: Sequence[Fact], host: str) -> float:
    """When something last happened to the daemon of `host`: a change of state, or a verb."""
    own = [f.t for f in facts if isinstance(f, Action | State) and f.host == host]
    return max(own, default=0.0)


def _hopeless(lab: Lab, began: float) -> bool:
    """Whether what is wrong will not pass by itself; `began` is when we began to look."""
    # One look at everything: holders asked for a moment later might not be those of these facts.
    whole = lab.timeline()
    facts, holders = whole.facts, whole.holders_at(whole.end)
    # A machine that stood still may have news for us yet: the time is that of what was seen last.
    now = max((fact.t for fact in facts), default=began)
    if now - began < ADVERT_COMES_WITHIN_S:
        return False
    changed = max(
        (f.t for f in facts if isinstance(f, Address) and f.address == lab.watch), default=0.0
    )
    # Pings from before we began may be from before the remedy.
    if holders == (MASTER,) and _unanswered(facts, max(changed, began)):
        return True
    quiet = now - max([changed, *(_touched(facts, host) for host in lab.daemons)])
    last = {fact.host: fact.to for fact in facts if isinstance(fact, State)}
    if all(last.get(host) == "FAULT" for host in lab.daemons):
        return quiet > SCRIPT_ANSWERS_WITHIN_S
    return quiet > RECEIVES_NOTHING_AFTER_S + HANDOVER_ENDS_AFTER_S


def _unanswered(facts: Sequence[Fact], since: float) -> bool:
    """Whether web1 has answered no ping since `since`, for longer than a handover takes."""
    pings = [fact for fact in facts if isinstance(fact, Ping)]
    answered = [ping.t for ping in pings if ping.answered_by == MASTER]
    return bool(pings) and pings[-1].t - max([since, *answered]) > HANDOVER_ENDS_AFTER_S
