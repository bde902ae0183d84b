"""12 Faster: below half a second, and not nervous."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.analysis.master_down_timer import master_down
from labs.conf import setting
from labs.errors import LabError
from labs.lessons import Challenge, Question, Step
from labs.model.facts import Advert

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Faster: less than a second"
QUESTION = "Can the failover take less than a second, and what does that cost?"
MINUTES = 20

LIMIT, STALL = 0.5, 0.25  # s
PATIENCE = 8.0  # s for daemons that have read their files to agree again


def _spoken(lab: Lab) -> Advert:
    """The last advertisement of the master; LabError if it has not spoken yet."""
    said = [advert for advert in lab.witness.of(Advert) if advert.host == "web1"]
    if not said:
        raise LabError("web1 has not said a word yet: lab.settle() waits for its first")
    return said[-1]


def _missed(lab: Lab) -> int:
    return int(setting(lab.conf("web2"), "down_timer_adverts") or 3)


def _latest(lab: Lab) -> float:
    """Master_Down_Interval of the backup in s, from what is on the wire."""
    advert = _spoken(lab)
    priority = int(setting(lab.conf("web2"), "priority") or 100)
    return master_down(priority, advert.version, advert.interval, _missed(lab))


def _soonest(lab: Lab) -> float:
    """The longest stall in s that the backup forgives for certain: the next one was due."""
    return _latest(lab) - _spoken(lab).interval


def _version_hint(lab: Lab) -> str:
    versions = {host: setting(lab.conf(host), "version") or "2" for host in lab.servers}
    old = [host for host, version in versions.items() if version != "3"]
    if not old:
        return "both files say version 3: has each daemon read its file?"
    if len(old) == 1:
        return f"{old[0]} still speaks version 2, and the two do not understand each other"
    return "version 2 counts in whole seconds: whatever advert_int says, it cannot be below one"


def _owner_hint(lab: Lab) -> str:
    if len(lab.holders()) > 1:
        return "two hold the address: the two files must agree about the version"
    return "the address should be with web1 in the end, and no cable pulled"


LAST = "for both: change(lab, host, version=3, advert_int=0.12) and lab.reload(host)"

CHALLENGES = {
    "half-a-second": Challenge(
        "Half a second",
        state="basic",
        steps=(
            Step(
                "both machines speak version 3",
                lambda lab: (
                    _spoken(lab).version == 3
                    and all(setting(lab.conf(host), "version") == "3" for host in lab.servers)
                ),
                hints=(_version_hint, "the line is `version 3`, in the instance", LAST),
                patience=3.0,
            ),
            Step(
                "web2 takes over within half a second of the last word of web1",
                lambda lab: _latest(lab) <= LIMIT,
                hints=(
                    lambda lab: f"with what is on the wire it takes {_latest(lab):.2f} s",
                    "three intervals and a skew of 156/256 of one must come to at most 0.5 s",
                    LAST,
                ),
                patience=2.0,
            ),
            Step(
                "a stall of a quarter of a second does not alarm it",
                lambda lab: _soonest(lab) >= STALL,
                hints=(
                    lambda lab: f"a stall of {_soonest(lab):.2f} s may already be too long",
                    "a stall may begin just before an advertisement: one interval is gone then",
                    LAST,
                ),
            ),
            Step(
                "web1 holds 192.168.1.10, and nobody else",
                lambda lab: lab.holders() == ["web1"],
                hints=(_owner_hint, "lab.log(host) tells what a daemon thinks of its file", LAST),
                patience=PATIENCE,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "A master dies. Why can version 2 not fail over within a second?",
        right="Its interval is a whole number of seconds.",
        why="One byte of whole seconds, and a backup waits three of them and Skew_Time.",
        wrong={
            "Its checksum takes too long to calculate.": "A checksum takes microseconds.",
            "Its Skew_Time is always a whole second.": (
                "Skew_Time is a fraction of a second; the three intervals are what takes long."
            ),
        },
    ),
    Question(
        "Version 3, 200 ms, a backup of priority 128: after how long without an advertisement does"
        " it take over?",
        right="0.7 s",
        why="3 × 0.2 s and a Skew_Time of (256 − 128) / 256 × 0.2 s = 0.1 s.",
        wrong={
            "0.6 s": "Skew_Time of 0.1 s is added to the three intervals.",
            "1.1 s": "In version 3 Skew_Time shrinks with the interval: it is 0.1 s, not 0.5 s.",
        },
    ),
    Question(
        "The network loses a packet now and then. Which setting costs no speed and helps?",
        right="shorter intervals, and more of them that may be missed",
        why="More packets in the same time: all of them must be lost for a false alarm.",
        wrong={
            "a lower priority for the backup, so that it waits longer": (
                "Skew_Time grows a little, and every failover takes longer."
            ),
            "nopreempt, so that nothing moves without a reason": (
                "It keeps an address from moving back, not from moving by mistake."
            ),
        },
    ),
    Question(
        "(Lesson 10) Which check must not have weight 0, if some service is better than none?",
        right="one that can fail on all servers at once",
        why="FAULT everywhere means that nobody holds the address.",
        wrong={
            "one that runs every second": "How often it runs has nothing to do with its weight.",
            "one that asks the server's own web server": (
                "It fails on one server only, and FAULT is right there."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "100 ms, and the cable is pulled: for how long is there no answer?": (
        "Three intervals and the Skew_Time, counted from the last advertisement."
    ),
    "10 ms: for how long is there no answer?": (
        "The protocol needs 26 to 36 ms; the rest is the time that this computer takes."
    ),
    "100 ms: the daemon of web1 sleeps for half a second. What does web2 do?": (
        "0.5 s is longer than web2's Master_Down_Interval of 0.361 s."
    ),
    "100 ms, half of it lost: how many false alarms in 10 s?": (
        "About six are to be expected; the losses are random."
    ),
}
