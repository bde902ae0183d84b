"""16 Beyond one pair: three servers, two addresses both ways, and three of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labs.conf import instances
from labs.errors import LabError
from labs.experiments.role_swap import since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.challenges import VALID

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab
    from labs.lessons.experiment import Measured
    from vrrpd.config.model import Instance

TITLE = "Beyond one pair: every server at work"
QUESTION = "Must the backup be idle, and must there be just two servers?"
MINUTES = 30

THREE = "web2 and web3 fail at once. How long after web2's last advertisement does web1 take over?"
OTHER = "The cable of web2 is pulled: for how long does 192.168.1.10 give no answer?"

TEN, TWENTY = "192.168.1.10", "192.168.1.20"


# --- the experiments -----------------------------------------------------------------------------


def _three(lab: Lab) -> None:
    """Let all three servers be connected and web2 hold the address."""
    starts.connect(lab, "web1", "web2", "web3")
    lab.wait_until(lambda: lab.holders() == ["web2"], what="web2 to hold the address")
    lab.settle()


def _last_wait(lab: Lab) -> Measured:
    waited = takeover(since(lab, "unplug")).measured
    if waited is None:
        raise LabError("the observers do not know when this takeover was due: run the cell again")
    return round(waited, 2)


def _each_holds_one(lab: Lab) -> None:
    """Let web1 hold one address and web2 the other."""
    if any(len(instances(lab.conf(host), host)) < 2 for host in starts.SERVERS):
        raise LabError(
            "a file has only one vrrp_instance: run the cells above that write and reload both "
            "files, then this one"
        )
    starts.connect(lab, *starts.SERVERS)
    lab.wait_until(
        lambda: (lab.holders(TEN), lab.holders(TWENTY)) == (["web1"], ["web2"]),
        what=f"web1 to hold {TEN} and web2 {TWENTY}",
    )
    lab.settle()


def _twenty_moved(lab: Lab) -> None:
    lab.wait_until(lambda: lab.holders(TWENTY) == ["web1"], what=f"web1 to hold {TWENTY}")
    lab.settle()


def _since_unplug(lab: Lab, address: str) -> Timeline:
    """The timeline of an address from a second before the last cable was pulled."""
    return lab.timeline(address).between(since(lab, "unplug").start, lab.now)


def _stacked(lab: Lab, first: str, second: str, titles: tuple[str, str]) -> Any:
    from labs.figures import plot

    seen = [_since_unplug(lab, address) for address in (first, second)]
    return plot.stack(seen, titles=list(titles))


def _lost(lab: Lab) -> Measured:
    seen = _since_unplug(lab, TEN)
    return round(sum(part.duration for part in seen.outages), 2)


EXPERIMENTS = {
    "two-fail": Experiment(
        "two servers fail at once",
        {THREE: _last_wait},
        start=_three,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=lambda lab: since(lab, "unplug"),
        drawn=THREE,
    ),
    "both-ways": Experiment(
        "one of two active servers fails",
        {OTHER: _lost},
        start=_each_holds_one,
        outcome=_twenty_moved,
        waits=f"{TWENTY} to move, and both addresses to rest (at most 30 s)",
        shows=lambda lab: _stacked(lab, TEN, TWENTY, (TEN, TWENTY)),
    ),
}


# --- the challenge -------------------------------------------------------------------------------

SERVERS = ("web1", "web2", "web3")
ADDRESSES = (TEN, TWENTY, "192.168.1.30")
TAKEN_OVER_WITHIN_S = 9.0  # a reload, and a Master_Down_Interval
KEPT = 4.0  # s, longer than any Master_Down_Interval here: nothing is about to change


def _routers(lab: Lab, host: str) -> dict[str, Instance]:
    """The virtual router of each of the three addresses in the file of `host`."""
    return {
        str(address.ip): each
        for each in instances(lab.conf(host), host)
        for address in each.addresses
        if str(address.ip) in ADDRESSES
    }


def _complete(lab: Lab, host: str) -> bool:
    """Whether each of the addresses has a virtual router of its own in the file of `host`."""
    found = _routers(lab, host)
    return len({each.vrid for each in found.values()}) == len(found) == len(ADDRESSES)


def _incomplete_hint(lab: Lab) -> str:
    host = next(host for host in SERVERS if not _complete(lab, host))
    found = _routers(lab, host)
    if missing := [address for address in ADDRESSES if address not in found]:
        return f"in the file of {host} no virtual router has {' or '.join(missing)}"
    return f"in the file of {host} two of the addresses have one virtual router: they move together"


def _same_numbers(lab: Lab) -> bool:
    """Whether an address has the same VRID on all servers."""
    numbers = [
        {address: each.vrid for address, each in _routers(lab, host).items()} for host in SERVERS
    ]
    return all(each == numbers[0] for each in numbers)


def _equal_priorities(lab: Lab) -> list[str]:
    """The addresses for which two servers have the same priority."""
    return [
        address
        for address in ADDRESSES
        if len({_routers(lab, host)[address].priority for host in SERVERS}) < len(SERVERS)
    ]


def _spread(lab: Lab) -> bool:
    return [lab.holders(address) for address in ADDRESSES] == [[host] for host in SERVERS]


def _spread_hint(lab: Lab) -> str:
    held = (f"{one} by {' and '.join(lab.holders(one)) or 'nobody'}" for one in ADDRESSES)
    return f"held: {', '.join(held)}; compare the priorities, and reload all three"


LAST = (
    "three instances in each file, with VRID 51, 52 and 53; priorities 200, 150 and 100 in each "
    "instance, and another server with the 200 in each"
)

CHALLENGES = {
    "three-at-work": Challenge(
        "Three at work",
        state="three-addresses",
        steps=(
            VALID,
            Step(
                "each file has a virtual router of its own for each of the three addresses",
                lambda lab: all(_complete(lab, host) for host in SERVERS),
                hints=(
                    _incomplete_hint,
                    "the section about two active servers has two such instances; here are three",
                    LAST,
                ),
            ),
            Step(
                "an address has the same VRID on all three servers",
                _same_numbers,
                hints=(
                    "one address has different VRIDs on two servers: they do not know of each "
                    "other",
                    "`grep -E 'router_id|192.168' /etc/keepalived/keepalived.conf` on all three",
                    LAST,
                ),
            ),
            Step(
                "for each address, the three servers have different priorities",
                lambda lab: not _equal_priorities(lab),
                hints=(
                    lambda lab: (
                        "two servers have the same priority for "
                        f"{' and '.join(_equal_priorities(lab))}: which of them follows?"
                    ),
                    "give each server a priority of its own in each instance",
                    LAST,
                ),
            ),
            Step(
                "web1 holds 192.168.1.10, web2 .20 and web3 .30, each alone, and it lasts",
                _spread,
                hints=(
                    _spread_hint,
                    "the server that is to hold an address has the highest priority there",
                    "`keepalived -t && systemctl reload keepalived` on all three",
                ),
                timeout=TAKEN_OVER_WITHIN_S,
                lasts=KEPT,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Four servers of priority 200, 150, 100 and 50. The first two fail at once. Who follows?",
        right="the third, after its own Master_Down_Interval",
        why="All timers were started by the last advertisement, and that of the third is the "
        "next to expire.",
        wrong={
            "the third, after two Master_Down_Intervals": (
                "It did not wait for the second one: its timer ran all the time."
            ),
            "the third and the fourth, who settle it then": (
                "The third has the shorter Skew_Time and advertises first."
            ),
        },
    ),
    Question(
        "Two instances on one LAN, each with another preferred server. What must differ?",
        right="their virtual_router_id",
        why="The number keeps the advertisements of the two virtual routers apart.",
        wrong={
            "the interface that they use": "Several instances can use one interface.",
            "their advert_int": "It may be the same in both.",
        },
    ),
    Question(
        "Two servers, each MASTER of one address, run at 60 % of their load. One of them fails. "
        "What follows?",
        right="the other one is overloaded",
        why="It holds both addresses and would have to carry 120 %: there was no redundancy.",
        wrong={
            "half of the clients wait": "Both addresses are held, by a server that has too much.",
            "nothing, both are served": "It would have to carry 120 % of what it can.",
        },
    ),
    Question(
        "(Lesson 14) A check of the gateway has a weight, and the path to the master is cut. Who "
        "holds the address?",
        right="both servers",
        why="The master's priority falls, but it receives no higher one, so it stays MASTER.",
        wrong={
            "the backup alone": "Only with weight 0 does the isolated master go to FAULT.",
            "the master alone": "The backup receives nothing, and becomes MASTER.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    THREE: (
        "Every BACKUP runs its own Master_Down_Timer, and they all started with the last "
        "advertisement."
    ),
    OTHER: f"web1, the MASTER of {TEN}, was not touched; only {TWENTY} had to move.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    THREE: (
        (7.2, "web1 waits for web3 first: two Master_Down_Intervals, one after the other."),
        (10.8, "Three servers, and each of them needs its Master_Down_Interval."),
    ),
    OTHER: (
        (3, "A failover of the pair stops all its addresses."),
        (0.6, "web1 is busy taking over the other address, and pauses."),
    ),
}
