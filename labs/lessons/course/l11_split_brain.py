"""11 Split brain: make a lonely master give the address up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import contents, setting
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Split brain: two masters"
QUESTION = "Two masters: how, what does the client see, how do I notice and prevent it?"
MINUTES = 20

# Seconds for a check that has changed its mind, or its weight, to be believed.
PATIENCE = 6.0
# Longer than Master_Down_Interval: a server that receives nothing would be MASTER by then.
LASTS = 6.0


def _is_cut(lab: Lab) -> bool:
    """Whether the client cannot reach the real address of web1."""
    return lab.run("client", "ping -c 1 -W 1 192.168.1.11").status != 0


def _owner_hint(lab: Lab) -> str:
    weight = setting(lab.conf("web1"), "weight") or "0"
    asked = contents(lab.conf("web1"), "vrrp_instance", "track_script")
    if not any(words[0] == "chk_gateway" for words in asked):
        return "the instance of web1 does not ask chk_gateway any more: how is it to know?"
    if weight.lstrip("-") != "0":
        return (
            f"with weight {weight} web1 becomes weaker, but nobody is there to beat it: "
            "a MASTER that hears no better one stays MASTER, even with priority 1"
        )
    return "the file says FAULT, but a daemon reads it when it is told to: lab.reload('web1')"


CHALLENGES = {
    "lonely": Challenge(
        "Lonely at the top",
        state="lonely",
        steps=(
            Step(
                "the daemon runs on both machines",
                lambda lab: all(lab.running(host) for host in lab.servers),
                hints=(
                    "the next time nobody is there to stop it by hand: it must give way by itself",
                    "lab.start(host) starts it; then look at the check in the file of web1",
                    "a check without weight, weight=0, leads to FAULT",
                ),
            ),
            Step(
                "the path to web1 is still cut",
                _is_cut,
                hints=(
                    "a mended path heals this split, and not the next one",
                    "lab.cut('web1') cuts it again; then look at the check in the file of web1",
                    "a check without weight, weight=0, leads to FAULT",
                ),
            ),
            Step(
                "192.168.1.10 is held by web2, and nobody else",
                lambda lab: lab.holders() == ["web2"],
                hints=(
                    _owner_hint,
                    "lesson 10: what does a failing check do without a weight?",
                    "change(lab, 'web1', weight=0) and lab.reload('web1')",
                ),
                patience=PATIENCE,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "A MASTER receives nothing at all for an hour. What does it do?",
        right="It stays MASTER.",
        why="Only an advertisement of higher priority makes it give way; a MASTER expects none.",
        wrong={
            "It becomes BACKUP.": "Only an advertisement of higher priority does that.",
            "It goes to FAULT.": "FAULT needs a lost carrier or a failed check.",
        },
    ),
    Question(
        "For minutes there are advertisements of VRID 51 from two senders. What is it?",
        right="two masters: one of them does not receive the other",
        why="A BACKUP sends none. Two senders for longer than a takeover are two masters.",
        wrong={
            "a healthy pair: both show that they are alive": "A BACKUP does not advertise.",
            "a failover that is going on and takes its time": "A takeover is over within seconds.",
        },
    ),
    Question(
        "What do advertisements by unicast change about split brain?",
        right="nothing: they take the same path",
        why="They help where multicast is not carried, not where the path is broken.",
        wrong={
            "they prevent it from the start": "A broken path loses unicast as well.",
            "they make it heal much sooner": (
                "It heals with the first advertisement after the repair, in both cases."
            ),
        },
    ),
    Question(
        "(Lesson 09) A 21st address in virtual_ipaddress, keepalived of today: what happens?",
        right="It works like the others.",
        why="The limit of 20 is gone since 2016; today it is 255.",
        wrong={
            "It is dropped, with a log line.": "That was so up to 1.2.19.",
            "The daemon refuses the file.": "No version did; today nothing is wrong with it.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "The path to web1 is cut. Who holds 192.168.1.10 five seconds later?": (
        "web1 receives nothing, and a MASTER gives way only to an advertisement of higher priority."
    ),
    "For how long does the client get no answer after the mend?": (
        "No gratuitous ARP was sent, so the client kept sending to web2's MAC address."
    ),
    "Nothing reaches web1 any more; what it says is heard. Who answers the client?": (
        "web2 still receives web1's advertisements and stays BACKUP."
    ),
    "With that check, the path to web1 is cut. Who holds the address in the end?": (
        "The check fails on web1, which goes to FAULT and removes the address."
    ),
}
