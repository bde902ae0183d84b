"""10 Is the service alive?: make a track_script count for enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from labs.conf import contents, setting
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Is the service alive?"
QUESTION = "The network is up but the service is dead: who notices?"
MINUTES = 20

# Seconds for a check to be believed (fall 2) and for the other to lose its patience.
PATIENCE = 10.0
# Longer than Master_Down_Interval: by then a restarted server would have preempted.
LASTS = 6.0
ASK = "exec 3<>/dev/tcp/192.168.1.10/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"


def _runs(lab: Lab) -> bool:
    return all(lab.running(host) for host in lab.servers)


def _number(text: str, keyword: str) -> int:
    value = setting(text, keyword)
    return int(value) if value and re.fullmatch(r"-?\d+", value) else 0


def _strength(lab: Lab, host: str) -> int:
    """The priority of `host` by its file, with its web server down."""
    text = lab.conf(host)
    return _number(text, "priority") + min(0, _number(text, "weight"))


def _weight_hint(lab: Lab) -> str:
    text = lab.conf("web1")
    asked = contents(text, "vrrp_instance", "track_script")
    if not any(words[0] == "chk_http" for words in asked):
        return "the instance of web1 does not ask chk_http any more: how is it to know?"
    weak, rival = _strength(lab, "web1"), _number(lab.conf("web2"), "priority")
    weighs = _number(text, "weight") != 0  # 0 is FAULT, whatever the priority
    if weighs and weak == rival:
        return f"web1 falls to {weak}, which {rival} does not beat: a BACKUP accepts an equal"
    if weighs and weak > rival:
        return f"web1 falls to {weak} while its web server is gone, and that still beats {rival}"
    return "the file says enough, but a daemon reads it when it is told to: lab.reload('web1')"


CHALLENGES = {
    "too-light": Challenge(
        "Too light",
        state="web-sick",
        steps=(
            Step(
                "the daemon runs on both machines",
                _runs,
                hints=(
                    "a stopped daemon will not notice when its web server is well again",
                    "lab.start(host) starts it; the file of web1 is where to look",
                    "change(lab, 'web1', weight=...) and lab.reload('web1')",
                ),
            ),
            Step(
                "web1 is preferred: its priority is higher, as long as its web server is well",
                lambda lab: (
                    _number(lab.conf("web1"), "priority") > _number(lab.conf("web2"), "priority")
                ),
                hints=(
                    "with such a priority the clients do not come back once web1 is well",
                    "put the priorities back, 150 and 100, and look at the check",
                    "change(lab, 'web1', weight=-60) and lab.reload('web1')",
                ),
            ),
            Step(
                "192.168.1.10 is held by web2, and nobody else",
                lambda lab: lab.holders() == ["web2"],
                hints=(
                    _weight_hint,
                    "150 and the weight must come to less than the 100 of web2; 0 means FAULT",
                    "change(lab, 'web1', weight=-60) and lab.reload('web1')",
                ),
                patience=PATIENCE,
                lasts=LASTS,
            ),
            Step(
                "the client gets a page",
                lambda lab: "200 OK" in lab.run("client", f"timeout 2 bash -c {ASK!r}").text,
                hints=("web2 holds the address, but its web server does not answer the client",),
                patience=5.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "A track_script of weight 0 fails three times, `fall` is 3. What does its instance do?",
        right="It goes to FAULT.",
        why="Weight 0, the default, means FAULT: no advertisements and no addresses until the "
        "check succeeds.",
        wrong={
            "It ends the daemon.": "The daemon runs on, or it could not come back by itself.",
            "It lowers its priority.": "That is what a negative weight does.",
        },
    ),
    Question(
        "Priorities 150 and 100; a script of weight −50 fails on the master. Who has the address?",
        right="still the master",
        why="150 − 50 = 100, and a BACKUP that receives its own priority stays BACKUP.",
        wrong={
            "now the backup": "The two priorities are equal, and an equal one does not preempt.",
            "both of them": (
                "The backup receives an advertisement of its own priority and stays BACKUP."
            ),
        },
    ),
    Question(
        "Why does FAULT move the address sooner than a weight does?",
        right="Going to FAULT, a master sends priority 0.",
        why="After priority 0 the backup waits only Skew_Time, otherwise its Master_Down_Interval.",
        wrong={
            "Its script is run by the backup as well.": (
                "That is so in both cases and moves nothing sooner."
            ),
            "It does not: both take the same time.": (
                "With a weight the backup's timer has to expire, three intervals and Skew_Time."
            ),
        },
    ),
    Question(
        "(Lesson 08) A notify_master script is still running. Does the daemon wait for it?",
        right="no, it starts scripts and goes on",
        why="Advertisements must leave in time, so it does not wait.",
        wrong={
            "yes, until the script's timeout": (
                "The timeout belongs to track scripts, and the daemon does not wait for those "
                "either."
            ),
            "only as long as it is MASTER": "It waits in no state.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "The web server of web1 ends, and nothing else. Who holds the address 5 s later?": (
        "VRRP checks the interface and the advertisements, not the web server."
    ),
    "The web server of web1 is well again, that of web2 ends: who holds the address?": (
        "The watcher stopped web1's daemon, and nothing has started it again."
    ),
    "The web server of web1 ends: for how long does no page come?": (
        "The second failed check comes after 1 to 2 s, then web2 waits its Skew_Time of 0.609 s."
    ),
    "Does the page come back sooner than with FAULT, or later?": (
        "It took {slow:.1f} s, and {fast:.1f} s with FAULT: a lowered priority is no resignation."
    ),
    "Neither web server works. Who holds the address with weight −60 on both?": (
        "Both are lowered: 150 − 60 = 90 is still higher than 100 − 60 = 40."
    ),
}
