"""21 Mystery: six broken clusters, and no instructions.

Every check asks for the same: that the cluster is well again, whichever way that was reached.
The hints know the fault of each, and look at what has become of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from labs.conf import contents, names_address, setting
from labs.errors import LabError
from labs.experiments import cluster_health
from labs.lessons import Challenge, Experiment, Question, Step
from labs.model.facts import Action, Advert, State
from labs.progress import memory

if TYPE_CHECKING:
    from typing import Any

    from labs.emulation.lab import Lab
    from labs.lessons.challenges import Hint
    from labs.lessons.experiment import Measured

TITLE = "Mystery: find the fault"
QUESTION = "Can I debug a cluster that I have not seen?"
MINUTES = 60
NUMBER = 6

GATEWAY = "192.168.1.100"  # what the script of ticket 2 is to ping

WELL = "web1 alone serves the client at 192.168.1.10, and web2 is BACKUP"


SOLVED = "How many of the six will you repair at your first try?"


# --- the experiments -----------------------------------------------------------------------------


def _solved_at_once(_lab: Lab) -> Measured:
    """How many of the six were repaired by the first try: the look at the start, and one more.

    LabError while a ticket has not been tried.
    """
    tries = {n: memory.entries("check", f"mystery-{n}") for n in range(1, NUMBER + 1)}
    first = {n: entries[:2] for n, entries in tries.items()}
    repaired = [n for n, entries in first.items() if any(entry.passed for entry in entries)]
    if open_ := [str(n) for n, entries in first.items() if len(entries) < 2 and n not in repaired]:
        raise LabError(
            f"not tried yet: ticket {', '.join(open_)}. Check each ticket at its start and after "
            "your repair, then run this cell again"
        )
    return len(repaired)


def _drills(lab: Lab) -> Any:
    """The first and the last time that web1 was stopped, one below the other."""
    from labs.figures import plot

    whole = lab.timeline()
    stops = [fact.t for fact in whole.of(Action) if fact.verb == "stop"]
    if not stops:
        raise LabError("no drill has been made yet: run the check above")
    both = [whole.between(t - 0.3, t + 4) for t in stops[:1] + stops[-1:]]
    return plot.stack(both, titles=["the first drill", "the last drill"])


EXPERIMENTS = {
    "drills": Experiment("two drills", shows=_drills),
    "solved": Experiment("the tickets", {SOLVED: _solved_at_once}),
}


# --- what was done that does not help, whichever the fault ---------------------------------------


def _beside_the_point(lab: Lab) -> str:
    """A word on what the learner has switched off, nothing if all is on."""
    for host in lab.daemons:
        if not lab.running(host):
            return f"no daemon is running on {host}: one server alone is no cluster"
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
            return (
                f"the file of {host} has changed, but its daemon has not read it: "
                "systemctl reload keepalived"
            )
    return ""


def _faulty(lab: Lab) -> str:
    told = [fact for fact in lab.timeline().facts if fact.kind == "state"]
    last = {fact.host: fact.to for fact in told}  # type: ignore[union-attr]
    found = [host for host in lab.daemons if last.get(host) == "FAULT"]
    return f"in FAULT: {' and '.join(found)}; the log of a daemon says why" if found else ""


def _vrid(lab: Lab) -> str:
    vrids = {setting(lab.conf(host), "virtual_router_id") for host in lab.daemons}
    if len(vrids) > 1:
        return (
            "both advertise, and neither accepts the other's: are they in the same virtual router?"
        )
    if (
        lab.holders() == [cluster_health.MASTER]
        and cluster_health.answerer(lab) != cluster_health.MASTER
    ):
        return (
            "the servers are well again, but the client's ARP cache still has web2's MAC address, "
            "and web1 had no reason to send ARP: `ip neighbour flush dev eth0` on the client"
        )
    return _unread(lab, "virtual_router_id") or "nearly: wait some seconds and check again"


def _script(lab: Lab) -> str:
    return _faulty(lab) or "the scripts succeed now; wait some seconds and check again"


def _firewall(lab: Lab) -> str:
    if "policy drop" in lab.run("web2", "nft list ruleset").text:
        return (
            "web1's advertisements reach eth0 of web2, but not its daemon: what is between the two?"
        )
    return "nothing is filtered any more; wait some seconds and check again"


def _asleep(lab: Lab) -> str:
    sleeping = [host for host in lab.daemons if cluster_health.asleep(lab, host)]
    if sleeping:
        return f"a process of {sleeping[0]} exists and does nothing, not even a reload"
    return "all processes run; wait some seconds and check again"


def _neighbour(lab: Lab) -> str:
    if "PERMANENT" in lab.run("client", "ip neighbour show 192.168.1.10").text:
        return "the servers are well; to which MAC address does the client send its packets?"
    return "the client can ask again now; wait some seconds and check again"


def _drill(lab: Lab) -> str:
    if lab.holders() != [cluster_health.MASTER]:
        return f"192.168.1.10 is held by {' and '.join(lab.holders()) or 'nobody'}, not by web1"
    if not names_address(lab.conf("web2"), "192.168.1.10"):
        return (
            "while web1 was stopped, web2 was MASTER, "
            "and yet the client got no answer from 192.168.1.10"
        )
    return "web2's file is right; has its daemon read it? systemctl reload keepalived"


def _vrid_answer(lab: Lab) -> str:
    vrid = setting(lab.conf("web1"), "virtual_router_id")
    if vrid == "51":
        return "web1's file is right; on web1, systemctl reload keepalived"
    return (
        f"virtual_router_id of web1 is {vrid}, and 51 was meant; then systemctl reload keepalived"
    )


def _script_answer(lab: Lab) -> str:
    asked = re.search(r"ping .*?([\d.]+)\"", lab.conf("web1"))
    target = asked[1] if asked else "an address"
    if asked and target == GATEWAY:
        return "web1's file is right; the same in web2's, then systemctl reload keepalived on both"
    return f"both track a script that pings {target}, which is no host; {GATEWAY} is one"


def _drill_answer(lab: Lab) -> str:
    if names_address(lab.conf("web2"), "192.168.1.10"):
        return "web2's file is right; on web2, systemctl reload keepalived"
    held = contents(lab.conf("web2"), "vrrp_instance", "virtual_ipaddress_excluded")
    return (
        f"web2's file says {' '.join(held[0]) if held else 'nothing'}, one digit too many; "
        "then systemctl reload keepalived"
    )


def _hints(first: Hint, second: str, third: Hint) -> tuple[Hint, ...]:
    def first_hint(lab: Lab) -> str:
        return _beside_the_point(lab) or (first if isinstance(first, str) else first(lab))

    return (first_hint, second, third)


def _mystery(number: int, *hints: Hint, tested: bool = False) -> Challenge:
    first, second, third = hints
    told = _hints(first, str(second), third)
    steps = [Step(WELL, cluster_health.restored, hints=told)]
    if tested:
        goal = "when web1 is stopped for a moment, web2 serves the client"
        steps.append(Step(goal, cluster_health.drill, hints=told))
    return Challenge(f"Mystery {number}", state=f"mystery-{number}", steps=tuple(steps))


CHALLENGES = {
    "mystery-1": _mystery(
        1,
        _vrid,
        "compare what the two send (tcpdump), or the two files, line by line",
        _vrid_answer,
    ),
    "mystery-2": _mystery(
        2,
        _script,
        "journalctl -u keepalived on web1: what does the daemon wait for?",
        _script_answer,
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
        "T means stopped by a signal: `kill -CONT` and the number of the process",
    ),
    "mystery-5": _mystery(
        5,
        _neighbour,
        "`ip neighbour` on the client, and `ip link` on the servers: compare the MAC addresses",
        "PERMANENT: that entry never expires, and a flush leaves it; on the client "
        "`ip neighbour del 192.168.1.10 dev eth0`",
    ),
    "mystery-6": _mystery(
        6,
        _drill,
        "stop web1 and look at `ip address list` of web2: what does it hold?",
        _drill_answer,
        tested=True,
    ),
}

QUIZ = (
    Question(
        "Two masters. What do you ask first?",
        right="whether each accepts what the other sends",
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
            "that it works, as no alarm has come": "Green means that nothing has failed so far.",
            "that the two files agree": "The excluded addresses, for example, are never compared.",
        },
    ),
    Question(
        "(Lesson 19) You run keepalived. What shows the state of its timers, right now?",
        right="the file /tmp/keepalived.data, after SIGUSR1",
        why="keepalived writes the file and goes on.",
        wrong={
            "the output of systemctl status keepalived": (
                "That shows the process and its last lines of log."
            ),
            "the command vrrpctl status, run as root": "It asks vrrpd, not keepalived.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    SOLVED: "Looking first and changing one thing needs fewer tries.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    SOLVED: (
        (2, "I change several things at once and do not know which of them helped."),
        (4, "The first two are easy, and then the files do not show the fault."),
    ),
}
