"""17 Two routers, and IPv6: what belongs together, and an address of either family."""

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

TITLE = "Two routers, and IPv6"
QUESTION = "What changes when the address is a gateway, and what when it is an IPv6 address?"
MINUTES = 30

TORN = "The outside cable of r1 is pulled. Does the client reach the server some seconds later?"
TOGETHER = "The same cable again: after how long does r2 hold both?"
SIX = "web1's cable is pulled. How long does the takeover take, compared with IPv4?"

TEN = "192.168.1.10"
INSIDE, OUTSIDE = TEN, "10.0.0.10"
SERVER = "10.0.0.100"
# The Master_Down_Interval of priority 100 over IPv4, and what is the same to a reader (s).
IPV4_DUE, SAME = 3.609, 0.05
# The cable may be pulled at any moment between two advertisements (s).
INTERVAL = 1.0


# --- the experiments -----------------------------------------------------------------------------


def _since_unplug(lab: Lab, address: str) -> Timeline:
    """The timeline of an address from a second before the last cable was pulled."""
    return lab.timeline(address).between(since(lab, "unplug").start, lab.now)


def _stacked(lab: Lab, first: str, second: str, titles: tuple[str, str]) -> Any:
    from labs.figures import plot

    seen = [_since_unplug(lab, address) for address in (first, second)]
    return plot.stack(seen, titles=list(titles))


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
    return round(came.at - came.cause.t, 2), {"between": (IPV4_DUE - INTERVAL, IPV4_DUE)}


def _compared_with_ipv4(lab: Lab) -> Measured:
    came = takeover(since(lab, "unplug"))
    if came.prediction is None:
        raise LabError("the observers do not know when this takeover was due: run the cell again")
    due = came.prediction.wait
    if abs(due - IPV4_DUE) < SAME:
        return "the same", {"due": due}
    return "longer" if due > IPV4_DUE else "shorter", {"due": due}


EXPERIMENTS = {
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
        "An instance has fe80::10 and 2001:db8:1::10. What does RFC 9568 say about their order?",
        right="the link-local one comes first",
        why="Section 5.2.9: the first IPv6 address of an advertisement is link-local.",
        wrong={
            "the global one comes first": "It is the other way round (section 5.2.9).",
            "the order has no meaning": "The first one has to be link-local (section 5.2.9).",
        },
    ),
    Question(
        "Both virtual routers of r1 are in a sync group, and its outside cable breaks. What does "
        "r1 do inside?",
        right="it resigns with priority 0",
        why="The group goes to FAULT as a whole, and inside r1 can still send.",
        wrong={
            "it stays MASTER there": "That is what it does without a group.",
            "it waits for r2 to preempt": "r2 has the lower priority and never would.",
        },
    ),
    Question(
        "(Lesson 15) A master dies. Why does version 2 need two seconds at the very least?",
        right="its interval is at least one whole second",
        why="Three intervals of one second, of which up to one is over when the master dies, "
        "and Skew_Time.",
        wrong={
            "its password is compared in every single packet": (
                "Comparing eight bytes takes no time worth measuring."
            ),
            "its packets are longer than those of version 3": "A few bytes more take microseconds.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    TORN: "The client's gateway address is on a router without a path to the outside.",
    TOGETHER: (
        "r2 waits until both instances may change. On the outside no priority-0 advertisement "
        "arrived: there it waited its Master_Down_Interval, 3.609 s from r1's last advertisement. "
        "Up to 1 s of that was over at the pull, so anything from 2.6 to 3.6 s is right."
    ),
    SIX: (
        "It was due {due:.3f} s after the last advertisement, as with IPv4: at an interval of 1 s, "
        "versions 2 and 3 have the same timers."
    ),
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    TORN: (("yes", "r1 is still MASTER on the inside, and it forwards as before."),),
    TOGETHER: (
        (0.6, "r1 resigns, and r2 waits its Skew_Time, on both sides."),
        (7.2, "Two instances take two Master_Down_Intervals, one after the other."),
    ),
    SIX: (
        ("shorter", "IPv6 is newer, and version 3 is fast."),
        ("longer", "Neighbor discovery and duplicate address detection take time."),
    ),
}
