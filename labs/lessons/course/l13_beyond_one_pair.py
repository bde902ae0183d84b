"""13 Beyond one pair: keep the two sides of a router together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import contents
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Beyond one pair"
QUESTION = (
    "Must the backup be idle, must there be just two machines, and what changes for routers and "
    "for IPv6?"
)
MINUTES = 20

INSIDE, OUTSIDE = "192.168.1.10", "10.0.0.10"
PATIENCE = 8.0  # s: Master_Down_Interval, and the reload before it


def _cable_is_out(lab: Lab) -> bool:
    return lab.run("r1", "cat /sys/class/net/eth1/carrier").text.strip() != "1"


def _bound(lab: Lab, host: str) -> bool:
    """Whether the file of `host` makes one instance fail with the other."""
    text = lab.conf(host)
    group = {word for line in contents(text, "vrrp_sync_group", "group") for word in line}
    inside = contents(text, "vrrp_instance INSIDE", "track_interface")
    outside = contents(text, "vrrp_instance OUTSIDE", "track_interface")
    return {"INSIDE", "OUTSIDE"} <= group or (["eth1"] in inside and ["eth0"] in outside)


def _unbound_hint(lab: Lab) -> str:
    loose = [host for host in lab.servers if not _bound(lab, host)]
    return (
        f"on {' and on '.join(loose)} nothing says yet that INSIDE and OUTSIDE belong together: "
        "what if the next cable is another one?"
    )


def _torn_hint(lab: Lab) -> str:
    inside, outside = (" and ".join(lab.holders(one)) or "nobody" for one in (INSIDE, OUTSIDE))
    return (
        f"inside the address is with {inside}, outside with {outside}; the files are right, "
        "has each daemon read its own?"
    )


LAST = "append vrrp_sync_group ROUTER { group { INSIDE OUTSIDE } } to both files, and reload both"

CHALLENGES = {
    "together": Challenge(
        "Together or not at all",
        state="torn-router",
        steps=(
            Step(
                "the daemon runs on both routers",
                lambda lab: all(lab.running(host) for host in lab.servers),
                hints=(
                    "a router whose daemon is stopped cannot help when the other one fails",
                    "lab.start(host) starts it; then look for what the files do not say",
                    LAST,
                ),
            ),
            Step(
                "the outside cable of r1 is still out",
                _cable_is_out,
                hints=(
                    "with the cable back all is well until the next one breaks",
                    "lab.unplug('r1', interface='eth1') pulls it again",
                    LAST,
                ),
            ),
            Step(
                "in both files the two instances are bound together",
                lambda lab: all(_bound(lab, host) for host in lab.servers),
                hints=(_unbound_hint, "the section above about the sync group", LAST),
            ),
            Step(
                "r2 holds both addresses, and nobody else does",
                lambda lab: lab.holders(INSIDE) == lab.holders(OUTSIDE) == ["r2"],
                hints=(_torn_hint, "lab.reload(host), for both", LAST),
                patience=PATIENCE,
            ),
            Step(
                "the client reaches the server",
                lambda lab: lab.run("client", "ping -c 1 -W 1 10.0.0.100").status == 0,
                hints=("both addresses are with r2, but no answer comes: is r2 well connected?",),
                patience=6.0,
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
            "their interfaces": "Several instances can use one interface.",
            "their advert_int": "It may be the same in both.",
        },
    ),
    Question(
        "Two routers, no sync group: the master's outside cable breaks. What does the client see?",
        right="its gateway answers, and what lies behind does not",
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
    "web2 and web3 fail at once: how long after web2's last word does web1 take over?": (
        "Every BACKUP runs its own Master_Down_Timer, and they all started with the last "
        "advertisement."
    ),
    "The cable of web2 is pulled: for how long does 192.168.1.10 give no answer?": (
        "web1, the MASTER of 192.168.1.10, was not touched; only 192.168.1.20 had to move."
    ),
    "The outside cable of r1 is pulled. Does the client reach the server some seconds later?": (
        "The client's gateway address is on a router without a path to the outside."
    ),
    "The same cable again: after how long does r2 hold both?": (
        "r2 waits until both instances may change, and on the outside no priority-0 "
        "advertisement arrived."
    ),
}
