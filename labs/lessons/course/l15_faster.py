"""15 Faster: a takeover within half a second, and no false alarms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labs import own_numbers
from labs.analysis.master_down_timer import master_down
from labs.conf import setting
from labs.errors import LabError
from labs.experiments.role_swap import since
from labs.experiments.split_brain import broken
from labs.lessons import Challenge, Experiment, Question, Step
from labs.lessons.challenges import VALID
from labs.lessons.starts import has_value
from labs.model.facts import Advert

if TYPE_CHECKING:
    from collections.abc import Callable

    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab
    from labs.lessons.experiment import Measured

TITLE = "Faster: less than a second"
QUESTION = "Can the failover take less than a second, and what does that cost?"
MINUTES = 35

GAP = "Interval {ms} ms, and web1's cable is pulled: for how long does the client get no answer?"
TEN = "Interval 10 ms, the same cable: for how long does the client get no answer?"
STALL = (
    "Interval {ms} ms, and the daemon on web1 does not run for half a second: what does web2 do?"
)
LOSS = (
    "Interval {ms} ms, half of the frames to web2 are lost: how many false alarms in ten seconds?"
)

# In each case it is certain what a stall of half a second does, wherever in the interval it begins.
OWN_NUMBERS = tuple(
    {"ms": ms, "interval": ms / 1000} for ms in (100, 80, 90, 110, 120, 250, 270, 280)
)

LOOKS_ON = 10.0  # s for which the losses are watched


# --- the experiments -----------------------------------------------------------------------------


def _sent(lab: Lab) -> Advert:
    """The last advertisement of web1; LabError if it has not sent one yet."""
    sent = [advert for advert in lab.witness.of(Advert) if advert.host == "web1"]
    if not sent:
        raise LabError("web1 has not sent an advertisement yet: is its daemon running?")
    return sent[-1]


def _whole(lab: Lab) -> None:
    """Undo what an earlier run of an experiment has left: a cable, a loss, a daemon that stands."""
    if not lab.witness.carrier().get("web1"):
        print("web1's cable is out: plugging it in first")
        lab.plug("web1")
    if lab.frozen("web1"):
        lab.thaw("web1")
    if broken(lab, "web2"):
        print("the path to web2 loses frames: repairing it first")
        lab.mend("web2")


def _holding(advert_int: str) -> Callable[[Lab], None]:
    """web1 holds the address, and both daemons use version 3 with this interval, in s."""

    def start(lab: Lab) -> None:
        interval = float(own_numbers.fill(advert_int))
        for host in lab.servers:
            text = lab.conf(host)
            wanted = {"version": "3", "advert_int": f"{interval:g}"}
            if not all(has_value(text, *each) for each in wanted.items()):
                raise LabError(
                    f"the file of {host} does not say `version 3` and `advert_int {interval:g}`: "
                    "run the cells above that write and reload it, then this one"
                )
        _whole(lab)
        lab.wait_until(lambda: lab.holders() == ["web1"], what="web1 to hold the address")
        sent = _sent(lab)
        if (sent.version, sent.interval) != (3, interval):
            raise LabError(
                f"web1 still advertises every {sent.interval:g} s in version {sent.version}: "
                "reload both daemons with the cell above, then run this one again"
            )
        lab.settle()

    return start


def _since_unplug(lab: Lab) -> Timeline:
    return since(lab, "unplug")


def _gap(lab: Lab) -> float:
    """The longest outage since the cable was pulled, in s; LabError if web2 has not taken over."""
    if lab.holders() != ["web2"]:
        raise LabError("web2 has not taken over: this cell must pull web1's cable")
    return max((outage.duration for outage in _since_unplug(lab).outages), default=0.0)


def _own_gap(lab: Lab) -> Measured:
    return _gap(lab), {"down": _latest(lab)}


def _after_stall(lab: Lab) -> Measured:
    seen, facts = since(lab, "freeze"), {"down": _latest(lab)}
    if not any(takeover.to == "web2" for takeover in seen.takeovers):
        return "nothing", facts
    if lab.holders() == ["web1"]:
        return "takes over, and gives back", facts
    return "takes over, and keeps it", facts


def _lossy(lab: Lab) -> Timeline:
    seen = since(lab, "lose")
    return seen.between(seen.start, seen.start + 1 + LOOKS_ON)


def _watch_losses(lab: Lab) -> None:
    began = since(lab, "lose").start + 1
    lab.wait_until(
        lambda: lab.timeline().end > began + LOOKS_ON, timeout=2 * LOOKS_ON, what="ten seconds"
    )


def _false_alarms(lab: Lab) -> Measured:
    """How many, and how many are to be expected: one arrives and three are lost, each by chance.

    The spread is that of a Poisson distribution.
    """
    found = float(sum(takeover.to == "web2" for takeover in _lossy(lab).takeovers))
    expected = 0.5 * 0.5**3 * LOOKS_ON / _sent(lab).interval
    return found, {"expected": expected, "spread": math.sqrt(expected)}


_REST = "the address to rest on one server (a few seconds, at most 30)"

EXPERIMENTS = {
    "pull": Experiment(
        "an interval of the learner's own",
        {GAP: _own_gap},
        start=_holding("{interval}"),
        outcome=lambda lab: lab.settle(),
        waits=_REST,
        shows=_since_unplug,
        drawn=GAP,
    ),
    "pull-at-ten": Experiment(
        "interval 10 ms",
        {TEN: _gap},
        start=_holding("0.01"),
        outcome=lambda lab: lab.settle(),
        waits=_REST,
        shows=_since_unplug,
        drawn=TEN,
    ),
    "stall": Experiment(
        "a stall of half a second",
        {STALL: _after_stall},
        start=_holding("{interval}"),
        outcome=lambda lab: lab.settle(),
        waits=_REST,
        shows=lambda lab: since(lab, "freeze"),
    ),
    "loss": Experiment(
        "half of the frames lost",
        {LOSS: _false_alarms},
        start=_holding("{interval}"),
        outcome=_watch_losses,
        waits="ten seconds of losses",
        shows=_lossy,
    ),
}


# --- the challenge -------------------------------------------------------------------------------

LIMIT, STALLED = 0.5, 0.25  # s
# s for daemons that have read their files to agree again, and for which the result must last: a
# Master_Down_Interval of version 2 is 3.6 s.
AGREE, LASTS = 8.0, 4.0


def _latest(lab: Lab) -> float:
    """Master_Down_Interval of web2 in s, from what is on the wire."""
    advert = _sent(lab)
    priority = int(setting(lab.conf("web2"), "priority") or 100)
    missed = int(setting(lab.conf("web2"), "down_timer_adverts") or 3)
    return master_down(priority, advert.version, advert.interval, missed)


def _tolerated(lab: Lab) -> float:
    """The longest stall in s that causes no takeover wherever it begins: one interval is gone."""
    return _latest(lab) - _sent(lab).interval


def _in_version_3(lab: Lab) -> bool:
    files = all(setting(lab.conf(host), "version") == "3" for host in lab.servers)
    return files and _sent(lab).version == 3


def _version_hint(lab: Lab) -> str:
    old = [host for host in lab.servers if setting(lab.conf(host), "version") != "3"]
    if not old:
        return "both files say version 3: has each daemon read its file?"
    if len(old) == 1:
        return f"the file of {old[0]} still says version 2: the two drop each other's packets"
    return "version 2 counts in whole seconds: advert_int cannot be below one there"


def _holder_hint(lab: Lab) -> str:
    if len(lab.holders()) > 1:
        return "both hold the address: do both files say the same version, and are both reloaded?"
    return "in the end web1 holds the address, with both daemons running and no cable pulled"


def _one_holder(lab: Lab) -> bool:
    running = all(lab.running(host) for host in lab.servers)
    return running and lab.holders() == ["web1"]


_LINES = (
    "in both files: no authentication block, `version 3` and `advert_int 0.12`; then "
    "systemctl reload keepalived on both"
)

CHALLENGES = {
    "half-a-second": Challenge(
        "Half a second",
        state="basic",
        steps=(
            VALID,
            Step(
                "both servers use version 3",
                _in_version_3,
                hints=(_version_hint, "the line is `version 3`, in the vrrp_instance", _LINES),
                timeout=3.0,
            ),
            Step(
                "web2 takes over within half a second of web1's last advertisement",
                lambda lab: _latest(lab) <= LIMIT,
                hints=(
                    lambda lab: f"with the interval on the wire it takes {_latest(lab):.2f} s",
                    "three intervals and a Skew_Time of 156/256 of one must be at most 0.5 s",
                    _LINES,
                ),
                timeout=2.0,
            ),
            Step(
                "a stall of a quarter of a second causes no takeover",
                lambda lab: _tolerated(lab) >= STALLED,
                hints=(
                    lambda lab: f"a stall of {_tolerated(lab):.2f} s may already be too long",
                    "a stall may begin just before an advertisement: then one interval is gone",
                    _LINES,
                ),
            ),
            Step(
                "web1 alone holds 192.168.1.10, with both daemons running, and it lasts",
                _one_holder,
                hints=(_holder_hint, "what does journalctl -u keepalived -n 20 say?", _LINES),
                timeout=AGREE,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "A master dies. Why can version 2 not fail over within a second?",
        right="Its interval is a whole number of seconds.",
        why="One byte of whole seconds; a BACKUP waits for three of them and its Skew_Time.",
        wrong={
            "Its checksum takes far too long to calculate.": "A checksum takes microseconds.",
            "Its Skew_Time is always one whole second.": (
                "Skew_Time is a fraction of a second; the three intervals are what takes long."
            ),
        },
    ),
    Question(
        "Version 3, 200 ms, a BACKUP of priority 128: after how long without an advertisement does"
        " it take over?",
        right="0.7 s",
        why="3 × 0.2 s and a Skew_Time of (256 − 128) / 256 × 0.2 s = 0.1 s.",
        wrong={
            "0.6 s": "Skew_Time of 0.1 s is added to the three intervals.",
            "1.1 s": "In version 3 Skew_Time shrinks with the interval: it is 0.1 s, not 0.5 s.",
        },
    ),
    Question(
        "The network loses a packet now and then. What reduces false alarms at the same speed?",
        right="a shorter interval, and more packets that may be missed",
        why="More packets in the same time: all of them must be lost for a false alarm.",
        wrong={
            "a lower priority for the BACKUP, so that it waits longer": (
                "Skew_Time grows a little, and every failover takes longer."
            ),
            "nopreempt, so that no address moves without a reason": (
                "It keeps an address from moving back, not from moving by mistake."
            ),
        },
    ),
    Question(
        "(Lesson 13) Nothing reaches the master any more, but its advertisements arrive. What does"
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
    GAP: "Three intervals and the Skew_Time, {down:.3f} s from the last advertisement.",
    TEN: "The protocol needs 26 to 36 ms; the rest is the time that this computer takes.",
    STALL: "web2's Master_Down_Interval is {down:.3f} s, from the last advertisement on.",
    LOSS: "About {expected:.0f} are to be expected; the losses are random.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    GAP: (
        (3, "A failover takes three seconds, as in lesson 07."),
        (0.1, "One missing advertisement is enough."),
    ),
    TEN: (
        (0.3, "web2 does not get any faster than before: something else sets the limit."),
        (0.01, "One missing advertisement is enough."),
        (0, "Ten milliseconds are too short to notice anything."),
    ),
    STALL: (
        ("nothing", "The daemon is only slow, and web2 can see that web1 is alive."),
        ("takes over, and keeps it", "web1 has failed once, so web2 stays MASTER."),
    ),
    LOSS: (
        (0, "Three losses in a row are so rare that they do not happen."),
        (50, "Half of the hundred advertisements are lost, and each loss is an alarm."),
    ),
}
