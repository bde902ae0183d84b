"""03 What the settings mean: make one cluster again out of two files that disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import setting
from labs.lessons import Challenge, Question, Step
from labs.simulation.lan import STATES

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "What the settings mean, and what if they are wrong"
QUESTION = "What does each line of the file do, and what happens when it is wrong?"
MINUTES = 20

# Seconds for a reload, and for two masters to find that they are two.
PATIENCE = 9.0
# What a difference in each of these lines means to the router that receives it.
EQUAL = {
    "virtual_router_id": "the two are not the same virtual router, so each ignores the other",
    "auth_type": "one sends a password of a kind that the other does not expect",
    "auth_pass": "each finds a wrong password in what the other says, and drops it",
    "advert_int": "each expects another interval than it hears of, and drops what it hears",
}


def _of(lab: Lab, keyword: str) -> tuple[str | None, str | None]:
    """What the files of web1 and of web2 say for `keyword`."""
    return setting(lab.conf("web1"), keyword), setting(lab.conf("web2"), keyword)


def _different(lab: Lab) -> list[str]:
    return [word for word in EQUAL if len(set(_of(lab, word))) == 2]


def _fault(lab: Lab) -> str:
    return next((EQUAL[word] for word in _different(lab)), "look again")


def _line(lab: Lab) -> str:
    words = _different(lab)
    return f"compare the lines {' and '.join(words)}, character by character" if words else ""


def _nearly(lab: Lab) -> str:
    wanted = ", ".join(f'{word}="{_of(lab, word)[0]}"' for word in _different(lab))
    return f'change(lab, "web2", {wanted})'


def _untouched(lab: Lab) -> bool:
    return lab.conf("web1") == (STATES / "basic/web1/keepalived.conf").read_text()


def _priority(lab: Lab) -> bool:
    first, second = (int(value or 100) for value in _of(lab, "priority"))
    return second < first


def _holder_hint(lab: Lab) -> str:
    if not lab.running("web2"):
        return "no daemon runs on web2: nobody would follow if web1 failed"
    if lab.holders() == ["web2"]:
        return "web2 holds it, with web1's own priority or more"
    return "the files agree now, but the daemon of web2 has not read its own since you wrote it"


CHALLENGES = {
    "equal": Challenge(
        "One cluster again",
        state="mistyped",
        steps=(
            Step(
                "the file of web1 is as it was",
                _untouched,
                hints=(
                    "the file of web1 has been changed, and it was right",
                    'start over with lab = Lab("mistyped"), and change that of web2',
                ),
            ),
            Step(
                "the two files agree in every line that must be equal",
                lambda lab: not _different(lab),
                hints=(_fault, _line, _nearly),
            ),
            Step(
                "web2 wants the address less than web1 does",
                _priority,
                hints=(
                    "web2 has as high a priority as web1: between equals the address decides",
                    "compare the lines `priority`",
                    'change(lab, "web2", priority=100)',
                ),
            ),
            Step(
                "both daemons run, and web1 alone holds 192.168.1.10",
                lambda lab: lab.running("web2") and lab.settle(PATIENCE) == "web1",
                hints=(_holder_hint, "a daemon reads its file at a reload", 'lab.reload("web2")'),
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Both servers hold the address, and all cables are well. Which line can NOT be the cause?",
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
        "What protects the address from somebody who does not know auth_pass?",
        right="nothing",
        why="Anyone on the network can read it, and a router with another one simply becomes a "
        "second MASTER.",
        wrong={
            "the password": (
                "It is in clear text in every packet, and a wrong one keeps nobody from being "
                "MASTER."
            ),
            "the VRID": "It is a number from 1 to 255 that every advertisement shows.",
        },
    ),
    Question(
        "advert_int 2, priority 100: how long is its Master_Down_Interval?",
        right="6.609 s",
        why="Three intervals of 2 s; Skew_Time is below one second in version 2, whatever the "
        "interval.",
        wrong={
            "3.609 s": "That is with advert_int 1: the three intervals are 2 s each here.",
            "7.219 s": "Skew_Time does not grow with the interval in version 2.",
        },
    ),
    Question(
        "(Lesson 01) Two MASTERs of equal priority receive each other's advertisements. Which one "
        "stays?",
        right="the one with the higher address",
        why="RFC 3768, section 6.4.3: the sender's primary address is compared with the own one.",
        wrong={
            "the one that was MASTER first": (
                "Nothing in an advertisement says since when its sender is MASTER."
            ),
            "neither: both become BACKUP": (
                "One of the two addresses is higher, and that router stays."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "The cable of web1 is pulled. How many mails does web2 send?": (
        "global_defs only says where mail goes; without `smtp_alert` no instance sends any."
    ),
    "advert_int 10: how long may a failover take, at worst?": (
        "Three intervals of 10 s, plus the Skew_Time of priority 100, which is 0.609 s in VRRPv2."
    ),
    "Which of the two addresses is still held?": (
        "The table below shows what each daemon does with an advertisement of the other pair."
    ),
    "Who holds 192.168.1.10 in the end?": (
        "web2 drops every advertisement of web1 because of the password, so its "
        "Master_Down_Timer expires."
    ),
    "web1 says BACKUP 150, web2 says MASTER 100. Who holds?": (
        "Priority decides; `state` only says how an instance starts."
    ),
}
