"""Split brains, made and healed on purpose, at the moment that shows most.

    split(lab)                     cut the master off and wait until two hold the address
    repair_after(lab, "web2")        repair the path right after this host's advertisement, so that
                                   the other one's is the first to get through
    broken(lab, "web1")            the verb that broke the path to this host, "" if it is whole
    until_answered(lab)            wait until one host holds the address and answers the client
    heal(lab, "web2")              both; the timeline, from just before the repair
    unplugged()                    for comparison: a pulled cable, in memory
    directions()                   what each kind of one-way path leads to, as a table
    cut_with_unicast()             who holds the address when a path breaks, with unicast peers

After a repair the first advertisement to pass decides what becomes of the clients, and chance
decides whose it is; a lesson cannot leave that to chance.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from labs.analysis.timeline import Timeline
from labs.errors import LabError
from labs.experiments.role_swap import next_advertisement
from labs.model.facts import Action, Advert, Ping
from labs.model.timing import BUSY_DELAY_S

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

# s; how long a lesson looks on. A Linux client asks again after up to 53 s: base_reachable_time
# (30 s, up to 1.5 times that for an entry), delay_first_probe_time (5 s), three probes; see arp(7).
LOOKS_ON = 5.0
LATELY, AFTERWARDS = 0.5, 1.0  # s
TRIES = 5
_BREAKS = ("cut", "lose", "oneway")
BEFORE = 0.9  # s; less than an interval, so that the split itself is not in the picture


def split(lab: Lab, host: str = "web1") -> None:
    """Cut the path to `host` and wait until it and another host hold the address."""
    lab.cut(host)
    lab.wait_until(lambda: len(lab.holders()) > 1, what="two to hold the address")


def broken(lab: Lab, host: str) -> str:
    """The last of `cut`, `lose` and `oneway` done to the path of `host`, "" if it was repaired."""
    done = [fact for fact in lab.facts() if isinstance(fact, Action) and fact.host == host]
    verbs = [fact.verb for fact in sorted(done, key=lambda fact: fact.t)]
    last = next((verb for verb in reversed(verbs) if verb in (*_BREAKS, "mend")), "")
    return "" if last == "mend" else last


def heal(lab: Lab, after: str, cut: str = "web1") -> Timeline:
    """Repair the path to `cut` as soon as `after` has sent its next advertisement.

    The timeline, from just before the repair until a second after the client is answered, or
    until LOOKS_ON seconds have passed without an answer.
    """
    mended = repair_after(lab, after, cut)
    end = until_answered(lab)
    return lab.timeline().between(mended - BEFORE, end)


def until_answered(lab: Lab) -> float:
    """Wait until one host holds the address and answers the client, and a second more; when.

    A client that gets no answer is waited for LOOKS_ON seconds.
    """

    def one() -> list[str]:
        holders = lab.holders()
        return holders if len(holders) == 1 else []

    [holder] = lab.wait_until(one, what="one of the two to give way")
    settled = lab.now

    def enough() -> bool:
        return _answerer(lab, settled) == holder or lab.now > settled + LOOKS_ON

    lab.wait_until(enough, timeout=2 * LOOKS_ON, what="the client to be answered")
    end = lab.now + AFTERWARDS
    lab.wait_until(lambda: lab.now > end, what="a second of it")
    return end


def repair_after(lab: Lab, after: str, cut: str = "web1") -> float:
    """Repair the path to `cut` between an advertisement of `after` and the next one of `cut`.

    The time of that advertisement of `after`.  On a busy machine the repair may come too late;
    then it is made once more.  LabError after TRIES of them.
    """
    for _ in range(TRIES):
        if len(lab.holders()) < 2:
            split(lab, cut)
        next_advertisement(lab, after)
        lab.mend(cut)
        mended = lab.now
        with suppress(LabError):  # a replay may go on before
            # When something later is recorded, so is every advertisement from before the repair.
            lab.wait_until(
                partial(lab.witness.facts, mended),
                timeout=BUSY_DELAY_S,
                what="what was recorded before the repair",
            )
        # The newest one: a replay may have come to an earlier one only.
        last = max(advert.t for advert in _adverts(lab, after) if advert.t < mended)
        if not any(last < advert.t < mended for advert in _adverts(lab, cut)):
            return last
        lab.cut(cut)
    raise LabError(f"this machine is too busy to restore the path to {cut} in time: try again")


def unplugged() -> Timeline:
    """An ordinary failover in memory: the cable of the master is pulled out of the machine."""
    from labs.simulation.lan import Lan

    lan = Lan("basic")
    lan.run(8.1)
    lan.unplug("web1")
    lan.run(4.7)
    return lan.timeline().last(6)


def _adverts(lab: Lab, host: str) -> list[Advert]:
    return [advert for advert in lab.witness.of(Advert) if advert.host == host]


def _answerer(lab: Lab, since: float) -> str | None:
    """Who answered the client's latest ping since then; None if none did."""
    told = lab.witness.facts(max(since, lab.now - LATELY))
    pings = [fact for fact in told if isinstance(fact, Ping) and fact.address == lab.watch]
    return pings[-1].answered_by if pings else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is `lost`, who holds the address ten seconds later and who answers the client."""

    lost: str
    holders: tuple[str, ...]
    answers: str | None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Some outcomes as a table."""

    rows: tuple[Outcome, ...]

    def __repr__(self) -> str:
        lines = [f"{'lost':<20}  {'hold the address':<20}  client is answered by"]
        for row in self.rows:
            holders = " and ".join(row.holders)
            lines.append(f"{row.lost:<20}  {holders:<20}  {row.answers or 'nobody'}")
        return "\n".join(lines)


def directions() -> Outcomes:
    """Every one-way path of the pair, tried in memory with vrrpd's own daemons."""
    from labs.simulation.lan import Lan

    rows = []
    for host in ("web1", "web2"):
        for lost in ("from", "to"):
            lan = Lan("basic")
            lan.run(5)  # until the master holds the address
            lan.oneway(host, lost)
            lan.run(10)
            last = lan.timeline().service[-1]
            rows.append(Outcome(f"all {lost} {host}", tuple(lan.holders()), last.host))
    return Outcomes(tuple(rows))


def cut_with_unicast() -> Outcomes:
    """What happens after the path to web1 is cut, with unicast peers; in memory."""
    from labs.simulation.lan import Lan

    lan = Lan("unicast")
    lan.wait_until(lambda: lan.holders() == ["web1"])
    lan.cut("web1")
    lan.run(10)
    answers = lan.timeline().service[-1].host
    return Outcomes((Outcome("all to and from web1", tuple(lan.holders()), answers),))
