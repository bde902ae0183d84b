"""05 When a setting is wrong: password, state, VRID; and two files that disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labs.conf import setting, with_setting
from labs.errors import LabError
from labs.experiments.role_swap import since
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.challenges import VALID
from labs.lessons.experiment import Measured
from labs.simulation.lan import STATES

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "When a setting is wrong"
QUESTION = "Two files disagree in one line: what happens, and how do you find that line?"
MINUTES = 35

PASSWORD = "Another auth_pass on web2 alone: who holds the address?"
FIRST = "Both daemons are restarted. Who holds the address in the end?"
COPIED = "Which of the two addresses is still held?"

PAIR, DATABASES = ("web1", "web2"), ("db1", "db2")
ADDRESSES = ("192.168.1.10", "192.168.1.20")
# s for which two hold the address before the effect of a difference is shown.
TOGETHER = 1.0
# What a difference in each of these lines means to the router that receives it.
EQUAL = {
    "virtual_router_id": "the two are not the same virtual router, so each ignores the other",
    "auth_type": "they use different kinds of password, so each drops the other's advertisements",
    "auth_pass": "each finds another password in the other's advertisements, and drops them",
    "advert_int": "each expects another interval than it receives, and drops the advertisement",
}


def _of(lab: Lab, keyword: str) -> tuple[str | None, str | None]:
    """What the files of web1 and of web2 have for `keyword`."""
    return setting(lab.conf("web1"), keyword), setting(lab.conf("web2"), keyword)


def _different(lab: Lab) -> list[str]:
    return [word for word in EQUAL if len(set(_of(lab, word))) == 2]


# --- the experiments -----------------------------------------------------------------------------


def _agree(lab: Lab) -> None:
    """Let web1 alone hold the address, and web2's file have what must be equal from web1's."""
    if set(lab.daemons) != set(PAIR):
        raise LabError(
            'this experiment is for web1 and web2 alone: run the cells from lab = Lab("pair") on'
        )
    for keyword in _different(lab):
        print(f"web2's file has another {keyword}: writing that of web1, and reloading")
        lab.conf("web2", with_setting(lab.conf("web2"), keyword, _of(lab, keyword)[0]))
        lab.reload("web2")
    starts.web1_holds(lab)


def _both_hold(lab: Lab) -> None:
    lab.wait_until(
        lambda: sum(part.duration for part in since(lab, "reload").overlaps) > TOGETHER,
        what="two servers to hold the address for a second",
    )


def _holder(lab: Lab) -> Measured:
    return "both" if len(lab.holders()) > 1 else "".join(lab.holders()) or "neither"


def _exchanged(lab: Lab) -> None:
    if setting(lab.conf("web2"), "state") != "MASTER":
        raise LabError("run the cell above that writes state MASTER on web2, then this one")
    _agree(lab)


def _two_clusters(lab: Lab) -> None:
    """Let each of the two pairs have its own VRID and hold its own address."""
    if not set(DATABASES) <= set(lab.daemons):
        raise LabError(
            "this experiment is for two pairs: run the cell above that says "
            'lab = Lab("two-clusters"), then this one'
        )
    for host in DATABASES:
        if setting(lab.conf(host), "virtual_router_id") != "52":
            print(f"{host}'s file has the VRID of web1: writing 52, and reloading")
            lab.conf(host, with_setting(lab.conf(host), "virtual_router_id", 52))
            lab.reload(host)
    lab.wait_until(
        lambda: all(len(lab.holders(address)) == 1 for address in ADDRESSES),
        what="each of the two addresses to be held by one server",
    )


def _two_timelines(lab: Lab) -> Any:
    from labs.figures import plot

    return plot.stack([each.last(8) for each in lab.timelines()])


def _still_held(lab: Lab) -> Measured:
    count = sum(bool(lab.holders(address)) for address in ADDRESSES)
    return ("neither", "one of them", "both")[count]


_RESTS = "the address to rest on one server (a few seconds, at most 30)"
EXPERIMENTS = {
    "password": Experiment(
        "another auth_pass",
        {PASSWORD: _holder},
        start=_agree,
        outcome=_both_hold,
        waits="web2's Master_Down_Timer, 3.6 s, and a second more",
        shows=lambda lab: since(lab, "reload"),
    ),
    "state": Experiment(
        "state MASTER on web2",
        {FIRST: _holder},
        start=_exchanged,
        outcome=lambda lab: lab.settle(),
        waits=_RESTS,
        shows=lambda lab: since(lab, "stop"),
    ),
    "copied": Experiment(
        "one VRID for two clusters",
        {COPIED: _still_held},
        start=_two_clusters,
        outcome=lambda lab: lab.settle(),
        waits="every Master_Down_Timer that may be running (a few seconds, at most 30)",
        shows=_two_timelines,
    ),
}


# --- the challenge -------------------------------------------------------------------------------

# s for a reload, and for two masters to become one.
AGREE = 9.0
# s, longer than a Master_Down_Interval.
LASTS = 4.0
FILE = "/etc/keepalived/keepalived.conf"


def _fault(lab: Lab) -> str:
    return next((EQUAL[word] for word in _different(lab)), "look again")


def _line(lab: Lab) -> str:
    words = " and ".join(_different(lab))
    return f"compare the lines {words} on both servers, character by character"


def _nearly(lab: Lab) -> str:
    edits = "; ".join(f"s/{word} .*/{word} {_of(lab, word)[0]}/" for word in _different(lab))
    return f"on web2: sed -i '{edits}' {FILE}"


def _untouched(lab: Lab) -> bool:
    return lab.conf("web1") == (STATES / "basic/web1/keepalived.conf").read_text()


def _priority(lab: Lab) -> bool:
    first, second = (int(value or 100) for value in _of(lab, "priority"))
    return second < first


def _holder_hint(lab: Lab) -> str:
    if not lab.running("web2"):
        return "no daemon is running on web2: it could not take over if web1 failed"
    if not lab.running("web1"):
        return "no daemon is running on web1, which should hold the address"
    return "the files agree now, but web2's daemon has not read its own since you wrote it"


CHALLENGES = {
    "equal": Challenge(
        "One cluster again",
        state="mistyped",
        steps=(
            VALID,
            Step(
                "the file of web1 is as it was",
                _untouched,
                hints=(
                    "the file of web1 has been changed, and it was right",
                    'lab = Lab("mistyped") brings both files back',
                    "change the file of web2 alone",
                ),
            ),
            Step(
                "the two files agree in every line that must be equal",
                lambda lab: not _different(lab),
                hints=(_fault, _line, _nearly),
            ),
            Step(
                "the priority of web2 is lower than that of web1",
                _priority,
                hints=(
                    "web2's priority is not lower than web1's: web1 would not always win",
                    f"compare `grep priority {FILE}` on both servers",
                    f"on web2: sed -i 's/priority .*/priority 100/' {FILE}",
                ),
            ),
            Step(
                "both daemons run, and web1 alone holds 192.168.1.10",
                lambda lab: all(lab.running(host) for host in PAIR) and lab.holders() == ["web1"],
                hints=(
                    _holder_hint,
                    "a daemon reads its file when it starts, and at a reload",
                    "`keepalived -t && systemctl reload keepalived` on web2; if no daemon is "
                    "running, `systemctl start keepalived`",
                ),
                timeout=AGREE,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Both servers hold the address, and all cables are in. Which line can NOT be the cause?",
        right="priority",
        why="Different priorities are as it should be; a difference in the others makes each "
        "drop what the other sends.",
        wrong={
            "auth_pass": "With another password each drops the advertisements of the other.",
            "virtual_router_id": "With another VRID each ignores the advertisements of the other.",
            "advert_int": "In version 2 an advertisement with another interval is dropped.",
        },
    ),
    Question(
        "What protects the address from a host that does not know auth_pass?",
        right="nothing",
        why="Every host on the LAN can read it, and a router with another one simply becomes a "
        "second MASTER.",
        wrong={
            "the password": (
                "It is in clear text in every packet, and a wrong one keeps no router from being "
                "MASTER."
            ),
            "the VRID": "It is a number from 1 to 255 that every advertisement shows.",
        },
    ),
    Question(
        "Two instances say `state MASTER`, with priorities 150 and 100. What does `state` decide?",
        right="nothing: the priority does",
        why="keepalived starts every instance as BACKUP, and then the priorities decide.",
        wrong={
            "who is MASTER at the start": (
                "Both start as BACKUP, and the first to become MASTER is the one with priority 150."
            ),
            "which of two MASTERs stays": "An advertisement carries a priority and no state.",
        },
    ),
    Question(
        "(Lesson 03) web2 was started first and holds the address. Now web1, with the higher "
        "priority, starts. What happens?",
        right="web1 takes it after 3.4 s",
        why="It discards the advertisements of lower priority, so its Master_Down_Timer of 3 + "
        "106/256 s expires.",
        wrong={
            "web2 keeps it for good": (
                "Only with nopreempt; by default the higher priority preempts."
            ),
            "web1 takes it at once": (
                "It starts as BACKUP and waits its Master_Down_Interval first."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    PASSWORD: "web2 drops every advertisement of web1, so its Master_Down_Timer expires.",
    FIRST: "Both start as BACKUP, whatever `state` says, and then the priorities decide.",
    COPIED: (
        "A daemon that drops the other pair's advertisements ignores that pair; one that accepts "
        "them stays BACKUP while the other pair has its own priority or a higher one."
    ),
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    PASSWORD: (
        ("web1", "A wrong password keeps web2 out of the cluster, so web1 alone is left."),
        ("web2", "web2 has the newer password, and web1 is the one that is rejected."),
        ("neither", "A pair that does not agree on the password does not start at all."),
    ),
    FIRST: (
        ("web2", "`state MASTER` makes a server the MASTER."),
        ("both", "web2 is MASTER by its `state`, and web1 by its priority."),
    ),
    COPIED: (
        ("both", "The two pairs have other addresses, so they do not concern each other."),
        ("neither", "A VRID that is used twice is an error, and all daemons give up."),
    ),
}
