"""08 Failback: put the cable back, leave the address where it is, and take it back later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.analysis.master_down_timer import master_down
from labs.conf import has, setting
from labs.errors import LabError
from labs.experiments.role_swap import hold, since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.experiment import Measured
from labs.model.facts import Action, Link

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Failback: the cable is back"
QUESTION = "The cable is back: what happens to the address, and is that what I want?"
MINUTES = 30

WHO = "Ten seconds after the cable is back: who holds 192.168.1.10?"
GAP = "For how long does the client get no answer this time?"
STOP = "web1 has nopreempt. When does it take over after web2's daemon is stopped?"
LATER = "preempt_delay {delay}: how long after the plug does web1 take over?"

# The longest is over, and web1 has the address, within the 15 s for which `hold` waits.
OWN_NUMBERS = ({"delay": 3}, {"delay": 2}, {"delay": 4}, {"delay": 5}, {"delay": 6})

# s, longer than web1's Master_Down_Interval: by then it would have preempted.
KEPT = 6.0
# s between the Skew_Time and the Master_Down_Interval of web1.
SKEW_OR_MORE = 2.0


# --- the experiments -----------------------------------------------------------------------------


def _web2_holds(lab: Lab) -> None:
    """Let web2 hold the address while web1 is BACKUP with nopreempt."""
    text = lab.conf("web1")
    if not has(text, "nopreempt") or setting(text, "state") == "MASTER":
        raise LabError(
            "web1's config does not keep it from preempting: run the cells above that write "
            "`nopreempt` and `state BACKUP`, then this one"
        )
    if lab.holders() != ["web2"]:
        print("web2 does not hold the address: starting its daemon and moving the address there")
        lab.start("web2")
        lab.unplug("web1")
        lab.wait_until(lambda: lab.holders() == ["web2"], what="web2 to hold the address")
        lab.plug("web1")
    lab.settle()
    if lab.holders() != ["web2"]:
        raise LabError(
            "web1 has preempted: its daemon has not read the file; run the cell above that "
            "reloads it, then this one"
        )


def _since_plug(lab: Lab) -> Timeline:
    return since(lab, "plug")


def _gap(lab: Lab) -> Measured:
    seen = _since_plug(lab)
    plugged = max(action.t for action in seen.of(Action) if action.verb == "plug")
    # One that ended before is the failover that the start of the experiment brought about.
    return round(sum(out.duration for out in seen.outages if out.end > plugged), 2)


def _holder(lab: Lab) -> Measured:
    if not lab.witness.carrier().get("web1"):
        raise LabError("web1's cable is still out: lab.plug('web1') puts it back")
    return " and ".join(lab.holders())


def _after_stop(lab: Lab) -> Measured:
    move = takeover(since(lab, "stop"))
    late = move.cause is None or move.at - move.cause.t > SKEW_OR_MORE
    return "after its Master_Down_Interval" if late else "after its Skew_Time"


def _after_plug(lab: Lab) -> Measured:
    move = takeover(_since_plug(lab))
    if move.cause is None or move.to != "web1":
        raise LabError("web1 has not taken over since its cable was plugged in")
    return round(move.at - move.cause.t, 2), {"down": master_down(150, 2, 1.0)}


def _delayed(lab: Lab) -> None:
    """Let web1's file have the learner's own delay, its cable be out, and web2 hold the address."""
    starts.has_own(lab, "preempt_delay", "{delay}", "web1")
    starts.cable_out(lab)


EXPERIMENTS = {
    "plug": Experiment(
        "preempt",
        {WHO: _holder, GAP: _gap},
        start=starts.cable_out,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=_since_plug,
        drawn=GAP,
    ),
    "stays": Experiment(
        "nopreempt",
        start=starts.cable_out,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=_since_plug,
    ),
    "nopreempt": Experiment(
        "nopreempt, then a stop",
        {STOP: _after_stop},
        start=_web2_holds,
        outcome=lambda lab: lab.settle(),
        waits="the address to rest on one server (a few seconds, at most 30)",
        shows=lambda lab: since(lab, "stop"),
    ),
    "delay": Experiment(
        "preempt_delay",
        {LATER: _after_plug},
        start=_delayed,
        outcome=lambda lab: hold(lab, "web1"),
        waits="web1 to hold the address (up to 15 s)",
        shows=_since_plug,
        drawn=LATER,
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _back(lab: Lab) -> float | None:
    """When the cable of `web1` came back; None if it is out or has never been out."""
    links = sorted(
        (fact for fact in lab.facts() if isinstance(fact, Link) and fact.host == "web1"),
        key=lambda fact: fact.t,
    )
    if not links or not links[-1].carrier:
        return None
    came = None
    for before, after in zip([None, *links], links, strict=False):
        if after.carrier and (before is None or not before.carrier):
            came = after.t
    return came


def _first_move(lab: Lab, back: float) -> float | None:
    """When `web1` first took the address after `back`; None if it has not."""
    moves = [move.at for move in lab.timeline().takeovers if move.to == "web1" and move.at > back]
    return min(moves, default=None)


def _stayed(lab: Lab) -> bool:
    back = _back(lab)
    if back is None:
        return False
    moved = _first_move(lab, back)
    return (lab.now if moved is None else moved) >= back + KEPT


def _moved_hint(lab: Lab) -> str:
    text = lab.conf("web1")
    if "web2" in lab.holders():
        return "web2 still holds it, but not for six seconds yet: check again"
    if has(text, "nopreempt") and setting(text, "state") == "MASTER":
        return "the daemon ignores `nopreempt` with `state MASTER`: `keepalived -t` shows it"
    if has(text, "nopreempt"):
        return "the file has nopreempt: had the daemon read it when the cable came back?"
    return "the address moved at once: web1 has the higher priority, and so it preempts"


def _undisturbed(lab: Lab) -> bool:
    """Whether web1 holds the address, and no daemon was stopped and no cable pulled for it."""
    return lab.holders() == ["web1"] and not _forced(lab)


def _forced(lab: Lab) -> bool:
    back = _back(lab) or 0.0
    done = [fact for fact in lab.facts() if isinstance(fact, Action) and fact.t > back]
    verbs = ("stop", "crash", "unplug", "cut", "link", "freeze")
    return any(fact.verb in verbs for fact in done) or not lab.running("web2")


def _return_hint(lab: Lab) -> str:
    if _forced(lab):
        return (
            "a daemon was stopped or a cable pulled to move it: pull web1's cable, wait until web2 "
            "holds the address with both daemons running, and begin again"
        )
    if has(lab.conf("web1"), "nopreempt"):
        return "web1 still respects every advertisement of web2: what in its file says so?"
    return "the address is still on web2: has a daemon read its file since you changed it?"


CHALLENGES = {
    "stay": Challenge(
        "Back at a time of your choice",
        state="unplugged",
        steps=(
            Step(
                "the cable of web1 is in",
                lambda lab: bool(lab.witness.carrier().get("web1")),
                hints=(
                    "web1's cable is still out: it cannot take over from anyone",
                    "before you put it back, think of what web1 will do then",
                    "edit web1's file, `systemctl reload keepalived` there, then lab.plug('web1')",
                ),
                timeout=2.0,
            ),
            Step(
                "the daemon of web1 runs",
                lambda lab: lab.running("web1"),
                hints=(
                    "no daemon is running on web1: it would not take over if web2 failed",
                    "`systemctl start keepalived` in web1's terminal, with a file that lets the "
                    "address stay where it is",
                ),
            ),
            Step(
                "the address stayed on web2 for six seconds after the cable came back",
                _stayed,
                hints=(
                    _moved_hint,
                    "which line keeps a BACKUP from taking over from a live master, and beside "
                    "which line is it ignored? lab.unplug('web1') brings the start back",
                    "on web1: `state BACKUP` and `nopreempt` in the vrrp_instance, `systemctl "
                    "reload keepalived`, and only then the cable",
                ),
                timeout=8.0,
            ),
            Step(
                "then web1 took it back, with both daemons running and no cable pulled",
                _undisturbed,
                hints=(
                    _return_hint,
                    "what kept the address on web2 is a line in a file: take it out again",
                    "remove `nopreempt` from web1's file, then `systemctl reload keepalived`",
                ),
                timeout=8.0,
                lasts=4.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "What does a BACKUP do with an advertisement of lower priority than its own?",
        right="it discards it and waits on",
        why="Its timer runs on and expires, and it takes over (RFC 3768, section 6.4.2).",
        wrong={
            "it answers at once with its own": "A BACKUP never sends an advertisement.",
            "it restarts its Master_Down_Timer": (
                "Only its own priority or a higher one restarts the timer."
            ),
        },
    ),
    Question(
        "Why does a failback cost a ping or two, and a pulled cable three seconds?",
        right="the old holder answers until the new one advertises",
        why="Nothing is broken in a failback: one holder hands over to the other.",
        wrong={
            "the server with the higher priority answers faster": (
                "Priority is only a number in the file."
            ),
            "after a failback no gratuitous ARP needs to be sent": (
                "Every new MASTER sends gratuitous ARP."
            ),
        },
    ),
    Question(
        "A file has both `nopreempt` and `state MASTER`. What is the effect?",
        right="nopreempt is ignored",
        why="keepalived ignores it with a warning; write state BACKUP on both servers.",
        wrong={
            "the daemon does not start": "It starts, and logs a warning.",
            "the state is ignored": (
                "The other way round: because of the state it ignores nopreempt."
            ),
        },
    ),
    Question(
        "(Lesson 06) An address is in web1's file only. What happens with keepalived 2.2.7?",
        right="web2 drops the advertisements: two masters",
        why="Lists that differ are rejected up to 2.3.2; from 2.3.3 on there is a warning instead.",
        wrong={
            "web2 adds the address that web1 advertises": (
                "A daemon holds only what its own file lists."
            ),
            "web1 does not use the address until web2 has it": (
                "web1 does not know the other file and holds all that its own lists."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    WHO: "web1 has the higher priority and preempts web2.",
    GAP: "The old holder answers until it receives the advertisement of the new one.",
    STOP: "web2 resigned with priority 0: there is no live master left to respect.",
    LATER: "The delay of {delay} s runs first, then the Master_Down_Interval of {down:.3f} s.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    WHO: (
        ("web2", "web2 works, so there is no reason to move the address again."),
        ("both", "web1 never gave the address up, and web2 has it, too."),
    ),
    GAP: (
        (3.4, "A failback is a failover in the other direction and takes as long."),
        (1, "web2 removes the address first, and web1 adds it one interval later."),
    ),
    STOP: (
        ("never", "`nopreempt` means that web1 takes the address from no server, dead or alive."),
        (
            "after its Master_Down_Interval",
            "A stopped daemon only falls silent, as with a pulled cable.",
        ),
    ),
    LATER: (
        (3, "The delay is the whole time: when it is over, web1 takes the address."),
        (3.4, "The delay and the Master_Down_Interval begin together, and the longer one counts."),
    ),
}
