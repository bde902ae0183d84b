"""Moving the master on purpose: files that change places, daemons that are started again.

    swap(lab)                  the files of web1 and web2 change places; no daemon knows yet
    restart(lab, "web2")       its daemon resigns, ends, starts and listens again
    hold(lab, "web2")          until that host alone has the address, and has advertised once more
    next_advertisement(lab, "web2")   until that host has advertised once more
    story(lab)                 the timeline from just before the first thing that was done
    since(lab, "plug")         ... from just before the last plug
    last_done(lab, "stop", "web1")    when that was last done to that host
    takeover(timeline)         the last one in it; taken(timeline) is the first

What each of them costs the client is the subject of lesson 09.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from labs.errors import LabError, NextStepReached
from labs.model.facts import Action, Advert

if TYPE_CHECKING:
    from labs.analysis.timeline import Takeover, Timeline
    from labs.emulation.lab import Lab

BEFORE = 1.0  # s of calm that a story begins with


def swap(lab: Lab, one: str = "web1", other: str = "web2") -> None:
    """Give each of two hosts the other's keepalived.conf.  Raises LabError if one has none."""
    first, second = lab.conf(one), lab.conf(other)
    lab.conf(one, second)
    lab.conf(other, first)


def restart(lab: Lab, host: str) -> None:
    """Stop the daemon of `host`, start it, and wait until it listens and a host has the address.

    LabError if that does not come about in time.
    """
    lab.stop(host)
    before = _beginnings(lab, host)
    lab.start(host)
    lab.wait_until(lambda: _beginnings(lab, host) > before, what=f"{host} to be a BACKUP")
    lab.wait_until(lambda: len(lab.holders()) == 1, what="somebody to hold the address")


def hold(lab: Lab, host: str) -> None:
    """Wait until `host` alone holds the address and has advertised once more since.

    LabError if that does not come about in time.
    """
    lab.wait_until(lambda: lab.holders() == [host], what=f"{host} to hold {lab.watch}")
    next_advertisement(lab, host)


def next_advertisement(lab: Lab, host: str) -> None:
    """Wait until `host` has sent one more Advertisement.

    A replay plays on while its panel is read: it may have come to its next step, and then it goes
    on with that.  LabError if a lab sees none in time.
    """
    before = _adverts(lab, host)
    with suppress(NextStepReached):
        lab.wait_until(lambda: _adverts(lab, host) > before, what=f"an Advertisement of {host}")


def story(lab: Lab) -> Timeline:
    """The timeline from a second before the first thing done to a cluster that had its master.

    The first start of the daemons, and the first taking of the address, are not part of it.
    """
    seen = lab.timeline()
    begun = next((span.start for span in seen.spans()), seen.start)
    done = [action.t for action in seen.of(Action) if action.t > begun]
    return seen.between(max(begun, min(done, default=begun) - BEFORE), seen.end)


def since(lab: Lab, verb: str) -> Timeline:
    """The timeline from a second before the last action of that verb.

    LabError if there has been none.
    """
    seen = lab.timeline()
    done = [action.t for action in seen.of(Action) if action.verb == verb]
    if not done:
        raise LabError(f"nobody has done `{verb}` here yet: run the cell that does, then this one")
    return seen.between(done[-1] - BEFORE, seen.end)


def takeover(timeline: Timeline) -> Takeover:
    """The last takeover of `timeline` that something done has caused, from a host that advertised.

    LabError if there is none, as when the cell that makes one was left out.
    """
    for move in reversed(timeline.takeovers):
        if move.cause and move.after is not None:
            return move
    raise LabError("the address has not moved here yet: run the cells of this section in order")


def taken(timeline: Timeline) -> Takeover:
    """The first takeover of `timeline` that something done has caused, from another or from none.

    LabError if there is none.
    """
    for move in timeline.takeovers:
        if move.cause:
            return move
    raise LabError("nobody has taken the address here: run the cells of this section in order")


def _beginnings(lab: Lab, host: str) -> int:
    """How often a daemon of `host` has become a BACKUP, which is how each of them begins."""
    return lab.log(host).count("Entering BACKUP STATE")


def _adverts(lab: Lab, host: str) -> int:
    return sum(advert.host == host for advert in lab.witness.of(Advert))


def last_done(lab: Lab, verb: str, host: str) -> float:
    """When `verb` was last done to `host` (Unix time); LabError if it has not been."""
    acts = [fact for fact in lab.facts() if isinstance(fact, Action)]
    done = [act.t for act in acts if (act.verb, act.host) == (verb, host)]
    if not done:
        raise LabError(f"{host} has seen no `{verb}` yet: there is nothing to measure")
    return max(done)
