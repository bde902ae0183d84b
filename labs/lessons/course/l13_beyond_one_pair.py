"""13 Beyond one pair: three servers, two addresses, two networks, two families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labs.conf import contents, instances
from labs.errors import LabError
from labs.experiments.role_swap import since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.challenges import VALID

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab
    from labs.lessons.experiment import Measured

TITLE = "Beyond one pair"
QUESTION = (
    "Must the backup be idle, must there be just two servers, and what changes for routers and "
    "for IPv6?"
)
MINUTES = 45

THREE = "web2 and web3 fail at once. How long after web2's last advertisement does web1 take over?"
OTHER = "The cable of web2 is pulled: for how long does 192.168.1.10 give no answer?"
TORN = "The outside cable of r1 is pulled. Does the client reach the server some seconds later?"
TOGETHER = "The same cable again: after how long does r2 hold both?"
SIX = "web1's cable is pulled. How long does the takeover take, compared with IPv4?"

TEN, TWENTY = "192.168.1.10", "192.168.1.20"
INSIDE, OUTSIDE = TEN, "10.0.0.10"
SERVER = "10.0.0.100"
# The Master_Down_Interval of priority 100 over IPv4, and what is the same to a reader (s).
IPV4_DUE, SAME = 3.609, 0.05


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


def _r1_holds(lab: Lab) -> None:
    """Let r1 have both its cables and hold both addresses."""
    if lab.run("r1", "cat /sys/class/net/eth1/carrier").text.strip() != "1":
        print("r1's outside cable is out: putting it back")
        lab.plug("r1", interface="eth1")
    lab.wait_until(
        lambda: lab.holders(INSIDE) == lab.holders(OUTSIDE) == ["r1"],
        what="r1 to hold both addresses",
    )
    lab.settle()


def _in_a_group(lab: Lab) -> None:
    """As `_r1_holds`, with the sync group in both files."""
    loose = [host for host in ("r1", "r2") if not _group(lab, host)]
    if loose:
        raise LabError(
            f"no vrrp_sync_group in the file of {' and '.join(loose)}: run the cell above that "
            "writes it, then this one"
        )
    _r1_holds(lab)


def _outside_moved(lab: Lab) -> None:
    lab.wait_until(lambda: lab.holders(OUTSIDE) == ["r2"], what="r2 to take over outside")


def _both_moved(lab: Lab) -> None:
    lab.wait_until(
        lambda: lab.holders(INSIDE) == lab.holders(OUTSIDE) == ["r2"],
        what="r2 to hold both addresses",
    )
    lab.settle()


def _reached(lab: Lab) -> Measured:
    pings = lab.run("client", f"ping -c 2 -i 0.2 -W 1 {SERVER}")
    return "no" if pings.status else "yes"


def _sides(lab: Lab) -> Any:
    return _stacked(lab, INSIDE, OUTSIDE, (f"inside, {INSIDE}", f"outside, {OUTSIDE}"))


def _moved_together(lab: Lab) -> Measured:
    came = takeover(_since_unplug(lab, INSIDE))
    assert came.cause is not None
    return round(came.at - came.cause.t, 2)


def _compared_with_ipv4(lab: Lab) -> Measured:
    came = takeover(since(lab, "unplug"))
    assert came.prediction is not None
    due = came.prediction.wait
    if abs(due - IPV4_DUE) < SAME:
        return "the same", {"due": due}
    return "longer" if due > IPV4_DUE else "shorter", {"due": due}


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
    "torn": Experiment(
        "no sync group",
        {TORN: _reached},
        start=_r1_holds,
        outcome=_outside_moved,
        waits="r2 to take over outside (4 s), then for two pings of the client",
        shows=_sides,
    ),
    "together": Experiment(
        "a sync group",
        {TOGETHER: _moved_together},
        start=_in_a_group,
        outcome=_both_moved,
        waits="r2 to hold both addresses, and them to rest (at most 30 s)",
        shows=_sides,
    ),
    "six": Experiment(
        "IPv6",
        {SIX: _compared_with_ipv4},
        start=starts.web1_holds,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=lambda lab: since(lab, "unplug"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------

SIXTH = "2001:db8:1::10"
TAKEN_OVER_WITHIN_S = 9.0  # a reload, and a Master_Down_Interval
KEPT = 4.0  # s, longer than any Master_Down_Interval here: nothing is about to change


def _group(lab: Lab, host: str) -> set[str]:
    """The instances that the sync groups in the file of `host` name."""
    return {word for line in contents(lab.conf(host), "vrrp_sync_group", "group") for word in line}


def _sixth(lab: Lab, host: str) -> list[str]:
    """The addresses of the instance for IPv6 in the file of `host`, in order; empty without one."""
    for each in instances(lab.conf(host), host):
        found = [str(address.ip) for address in each.addresses]
        if SIXTH in found:
            return found
    return []


def _own_instance(lab: Lab) -> bool:
    return all(_sixth(lab, host)[:1] and _sixth(lab, host)[0] != SIXTH for host in lab.servers)


def _own_hint(lab: Lab) -> str:
    for host in lab.servers:
        if not _sixth(lab, host):
            return f"in the file of {host} no virtual router lists {SIXTH} as its address"
        if _sixth(lab, host)[0] == SIXTH:
            return f"on {host} the first address is not link-local, as RFC 9568 wants it"
    return "both files have it now: check again"


def _bound(lab: Lab, host: str) -> bool:
    """Whether a sync group of `host` holds the virtual routers of both addresses."""
    wanted = {
        each.name
        for each in instances(lab.conf(host), host)
        if {TEN, SIXTH} & {str(address.ip) for address in each.addresses}
    }
    return len(wanted) == 2 and wanted <= _group(lab, host)


def _unbound_hint(lab: Lab) -> str:
    loose = [host for host in lab.servers if not _bound(lab, host)]
    return (
        f"on {' and '.join(loose)} nothing says that the two virtual routers belong together: "
        "what if only one of them fails?"
    )


def _held_hint(lab: Lab) -> str:
    four, six = (" and ".join(lab.holders(one)) or "nobody" for one in (TEN, SIXTH))
    return f"{TEN} is held by {four}, {SIXTH} by {six}; compare the priorities, and reload both"


LAST = (
    "a vrrp_instance with version 3 and fe80::10/64 as its first address, then "
    "vrrp_sync_group BOTH { group { ... } } with both names, in both files"
)

CHALLENGES = {
    "families": Challenge(
        "Two families, one server",
        state="two-families",
        steps=(
            VALID,
            Step(
                f"in both files a virtual router lists {SIXTH}, after a link-local address",
                _own_instance,
                hints=(
                    _own_hint,
                    "the section about IPv6 shows the file of such a virtual router",
                    LAST,
                ),
            ),
            Step(
                "in both files the two virtual routers are bound together",
                lambda lab: all(_bound(lab, host) for host in lab.servers),
                hints=(_unbound_hint, "the section about routers shows what binds two", LAST),
            ),
            Step(
                "web1 alone holds both addresses, and keeps them",
                lambda lab: lab.holders(TEN) == lab.holders(SIXTH) == ["web1"],
                hints=(
                    _held_hint,
                    "web1 needs the higher priority in both instances, web2 the lower one",
                    "`keepalived -t && systemctl reload keepalived` on both",
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
        "Two routers, no sync group: the master's outside cable breaks. What does the client see?",
        right="its gateway answers, the server beyond does not",
        why="Inside nothing has failed, so that address stays with a router without a way out.",
        wrong={
            "a failover as usual, within some seconds": (
                "Only the outside address moves; the inside one stays."
            ),
            "nothing at all, as one address is still there": (
                "Its packets reach a router that cannot pass them on."
            ),
        },
    ),
    Question(
        "(Lesson 11) Nothing reaches the master any more, but its advertisements arrive. What does"
        " VRRP do?",
        right="nothing",
        why="The backup receives advertisements, and nobody checks whether the master can be "
        "reached.",
        wrong={
            "web2 takes over": "It receives advertisements of higher priority and stays BACKUP.",
            "both are MASTER": "For that the advertisements would have to be lost.",
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
    TORN: "The client's gateway address is on a router without a path to the outside.",
    TOGETHER: (
        "r2 waits until both instances may change, and on the outside no priority-0 "
        "advertisement arrived."
    ),
    SIX: "It was due {due:.3f} s after the last advertisement: the timers are those of version 3.",
}
