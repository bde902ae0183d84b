"""16 Mystery: six broken clusters, and no instructions.

Every check asks for the same: that the cluster is well again, whichever way that was reached.
The hints know the fault of each, and look at what has become of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import contents, setting
from labs.experiments import cluster_health
from labs.lessons import Challenge, Question, Step
from labs.model.facts import Advert, State
from labs.progress import memory

if TYPE_CHECKING:
    from labs.emulation.lab import Lab
    from labs.lessons.challenges import Hint

TITLE = "Mystery: find the fault"
QUESTION = "Can I debug a cluster that I have not seen?"
MINUTES = 20
NUMBER = 6

WELL = "web1 serves the client at 192.168.1.10, alone, and web2 stands by"


def solved_at_once() -> int:
    """How many of the six were repaired by the first try: the look at the start, and one more."""
    tries = [memory.entries("check", f"mystery-{n}") for n in range(1, NUMBER + 1)]
    return sum(any(entry.passed for entry in entries[:2]) for entries in tries)


# --- what was done that does not help, whichever the fault ---------------------------------------


def _beside_the_point(lab: Lab) -> str:
    """A word on what the learner has switched off, nothing if all is on."""
    for host in lab.daemons:
        if not lab.running(host):
            return f"no daemon runs on {host}: one machine alone is quiet, but it is no cluster"
        if not lab.witness.carrier().get(host):
            return f"the cable of {host} is out: that hides the fault"
    return ""


def _unread(lab: Lab, keyword: str) -> str:
    """A word on a file that is right while its daemon still says something else."""
    facts = lab.timeline().facts
    last = {f.host: f.vrid for f in facts if isinstance(f, Advert)}
    # A BACKUP sends nothing: what it sent as MASTER may be from before the reload.
    state = {f.host: f.to for f in facts if isinstance(f, State)}
    for host, vrid in last.items():
        if state.get(host) == "MASTER" and setting(lab.conf(host), keyword) not in (
            None,
            str(vrid),
        ):
            return f"the file of {host} has changed, but its daemon has not read it: lab.reload"
    return ""


def _faulty(lab: Lab) -> str:
    told = [fact for fact in lab.timeline().facts if fact.kind == "state"]
    last = {fact.host: fact.to for fact in told}  # type: ignore[union-attr]
    found = [host for host in lab.daemons if last.get(host) == "FAULT"]
    return f"in FAULT: {' and '.join(found)}; the log of a daemon says why" if found else ""


def _vrid(lab: Lab) -> str:
    vrids = {setting(lab.conf(host), "virtual_router_id") for host in lab.daemons}
    if len(vrids) > 1:
        return "both speak, and neither listens to the other: are they in the same virtual router?"
    if (
        lab.holders() == [cluster_health.MASTER]
        and cluster_health.answerer(lab) != cluster_health.MASTER
    ):
        return (
            "the servers are well again, but the client has the MAC address of web2 by heart, "
            "and web1 had no reason to speak: `ip neighbour flush dev eth0` on the client"
        )
    return _unread(lab, "virtual_router_id") or "nearly: wait some seconds and check again"


def _script(lab: Lab) -> str:
    return _faulty(lab) or "the scripts are content now; wait some seconds and check again"


def _firewall(lab: Lab) -> str:
    if "policy drop" in lab.run("web2", "nft list ruleset").text:
        return (
            "what web1 sends does reach the card of web2, and still its daemon hears nothing: "
            "who stands between the two?"
        )
    return "nothing is filtered any more; wait some seconds and check again"


def _asleep(lab: Lab) -> str:
    sleeping = [host for host in lab.daemons if cluster_health.asleep(lab, host)]
    if sleeping:
        return f"a process of {sleeping[0]} exists and does nothing, whatever you tell it"
    return "all are awake; wait some seconds and check again"


def _neighbour(lab: Lab) -> str:
    if "PERMANENT" in lab.run("client", "ip neighbour show 192.168.1.10").text:
        return (
            "the servers are well: the client sends its questions to somebody else, "
            "and has been told never to change its mind"
        )
    return "the client can ask again now; wait some seconds and check again"


def _drill(lab: Lab) -> str:
    if lab.holders() != [cluster_health.MASTER]:
        return f"192.168.1.10 is held by {' and '.join(lab.holders()) or 'nobody'}, not by web1"
    listed = contents(lab.conf("web2"), "vrrp_instance", "virtual_ipaddress")
    if not any(words[0].partition("/")[0] == "192.168.1.10" for words in listed):
        return (
            "while web1 was stopped, web2 was MASTER, "
            "and yet the client got no answer from 192.168.1.10"
        )
    return "the file of web2 is right; has its daemon read it? lab.reload('web2')"


def _hints(first: Hint, second: str, third: str) -> tuple[Hint, ...]:
    def first_hint(lab: Lab) -> str:
        return _beside_the_point(lab) or (first if isinstance(first, str) else first(lab))

    return (first_hint, second, third)


def _mystery(number: int, *hints: Hint, tested: bool = False) -> Challenge:
    first, second, third = hints
    told = _hints(first, str(second), str(third))
    steps = [Step(WELL, cluster_health.restored, hints=told)]
    if tested:
        goal = "when web1 is stopped for a moment, web2 serves the client"
        steps.append(Step(goal, cluster_health.drill, hints=told))
    return Challenge(f"Mystery {number}", state=f"mystery-{number}", steps=tuple(steps))


CHALLENGES = {
    "mystery-1": _mystery(
        1,
        _vrid,
        "compare what the two say (tcpdump) or the two files (diff), line by line",
        "virtual_router_id of web1 is 15: somebody meant 51; then lab.reload('web1')",
    ),
    "mystery-2": _mystery(
        2,
        _script,
        "lab.log('web1'), or `vrrpctl why` on that machine: what do they wait for?",
        "both track a script that pings 192.168.1.1, where there is nobody; 192.168.1.100 is there",
    ),
    "mystery-3": _mystery(
        3,
        _firewall,
        "`nft list ruleset` on web2: which protocols may come in?",
        "`nft insert rule inet filter input ip protocol vrrp accept` on web2",
    ),
    "mystery-4": _mystery(
        4,
        _asleep,
        "`ps ax` on web1: what does the column STAT say about the daemon?",
        "T means stopped by a signal: lab.thaw('web1')",
    ),
    "mystery-5": _mystery(
        5,
        _neighbour,
        "`ip neighbour` on the client, and `ip link` on the servers: compare the MAC addresses",
        "`ip neighbour del 192.168.1.10 dev eth0` on the client",
    ),
    "mystery-6": _mystery(
        6,
        _drill,
        "stop web1 and look at `ip address list` of web2: what does it hold?",
        "the file of web2 says 192.168.1.110: one digit too many; then lab.reload('web2')",
        tested=True,
    ),
}

QUIZ = (
    Question(
        "Two masters. What do you ask first?",
        right="whether each receives, and accepts, what the other sends",
        why="A MASTER that receives a higher priority gives way at once: so one of the two does"
        " not receive it.",
        wrong={
            "which of the two has the higher priority in its file": (
                "That decides only if the advertisements arrive."
            ),
            "which of the two was started before the other one": (
                "The order of the starts does not matter."
            ),
        },
    ),
    Question(
        "tcpdump on web2 shows the advertisements of web1. What does that prove?",
        right="that they reach the interface of web2",
        why="tcpdump reads before the firewall, and long before the checks of the daemon.",
        wrong={
            "that the daemon of web2 receives them": (
                "A firewall may drop them after tcpdump has seen them."
            ),
            "that the passwords of both agree": "tcpdump shows packets with any password.",
        },
    ),
    Question(
        "All is green. What do you know about failover?",
        right="nothing, until you have tried it",
        why="Mystery 6 was green, too.",
        wrong={
            "that it works as it should": "Green means that nothing has failed so far.",
            "that the two files agree": "The excluded addresses, for example, are never compared.",
        },
    ),
    Question(
        "(Lesson 14) Which lock keeps a neighbor from answering ARP for your address?",
        right="rules at its switch port",
        why="The others are about advertisements; ARP is believed by the clients.",
        wrong={
            "auth_type AH": "It signs advertisements; ARP is not signed.",
            "unicast_peer": "It limits who receives and sends advertisements, not ARP.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "How many of the six will you mend at your first try?": (
        "Looking first and changing one thing needs fewer tries."
    ),
}
