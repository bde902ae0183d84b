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
        "Four machines of priority 200, 150, 100 and 50. The first two fail at once. Who follows?",
        (
            "the third, after its own Master_Down_Interval",
            "the third, after two Master_Down_Intervals",
            "the third and the fourth, who then settle it",
        ),
        right=0,
        why="All have waited since the last word of the first, and the third is the next to fire.",
    ),
    Question(
        "Two instances on one LAN, each with another favourite machine. What must differ?",
        ("their interfaces", "their virtual_router_id", "their advert_int"),
        right=1,
        why="The number tells one virtual router's advertisements from the other's.",
    ),
    Question(
        "Two routers, no sync group: the master's outside cable breaks. What does the client see?",
        (
            "a failover as usual",
            "nothing at all",
            "its gateway answers, and what lies behind it does not",
        ),
        right=2,
        why="Inside nothing has failed, so the address stays with the router that has no way out.",
    ),
    Question(
        "(Lesson 11) Nothing reaches the master any more, but it is heard. What does VRRP do?",
        ("nothing", "the backup takes over", "both become MASTER"),
        right=0,
        why="The backup hears its master, and nobody checks whether it can be reached.",
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
