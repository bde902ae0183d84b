"""10 Notify scripts: run one at every transition, and keep a flag honest without a cable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import has, setting
from labs.errors import LabError
from labs.experiments.notify_log import Calls, called
from labs.experiments.role_swap import since
from labs.lessons import Challenge, Experiment, Question, Step
from labs.lessons.experiment import Measured
from labs.model.facts import Action, Advert

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Notify scripts: inform your software"
QUESTION = "How does my software learn that its server has become MASTER?"
MINUTES = 35

START = "Both daemons are restarted. What does web1 run in the first seconds?"
PULL = "The cable of web1 is pulled. What does web1 run?"
STOP = "web1's daemon is stopped by systemctl. Which state does its all.sh get?"
HANG = "web2's hoge.sh never ends, and web2 becomes MASTER. What is its daemon doing then?"

FLAG = "/run/in-charge"
# The backup takes over and has started its script within this time.
SCRIPT_STARTED_WITHIN_S = 8.0
# Seconds that the state must last: by then web1 would have preempted.
LASTS = 4.0
REST = "the address to rest on one server (a few seconds, at most 30)"


# --- the experiments -----------------------------------------------------------------------------


def _web1_holds(lab: Lab) -> None:
    """Let web1's cable be in, its daemon run, and web1 hold the address."""
    if not lab.witness.carrier().get("web1"):
        print("web1's cable is out: putting it back first")
        lab.plug("web1")
    if not lab.running("web1"):
        print("web1's daemon is stopped: starting it first")
        lab.start("web1")
    lab.settle()
    if lab.holders() != ["web1"]:
        raise LabError(
            "web1 does not hold the address, and this experiment begins there: what do "
            "`journalctl -u keepalived` and /etc/keepalived/keepalived.conf on web1 say?"
        )


def _cable_out(lab: Lab) -> None:
    """Let web1's cable be out and web2 hold the address."""
    if lab.witness.carrier().get("web1"):
        print("web1's cable is in: pulling it first")
        lab.unplug("web1")
        lab.settle()


def _with_notify(lab: Lab) -> None:
    """As `_web1_holds`; LabError unless web1's file names a script for every transition."""
    if not has(lab.conf("web1"), "notify"):
        raise LabError(
            "web1's config has no line `notify`: run the cell above that adds it, then this one"
        )
    _web1_holds(lab)


def _done(lab: Lab, verb: str) -> float:
    """When `verb` was last done to web1 (Unix time); LabError if it has not been."""
    done = [fact.t for fact in lab.facts()
            if isinstance(fact, Action) and (fact.verb, fact.host) == (verb, "web1")]  # fmt: skip
    if not done:
        raise LabError(f"web1 has seen no `{verb}` yet: there is nothing to measure")
    return max(done)


def _calls(lab: Lab, verb: str) -> Calls:
    """What the servers have run since `verb` was last done to web1."""
    made, begun = called(lab), _done(lab, verb)
    return Calls((call for call in made.calls if call.t >= begun), made.seen)


def _run_by_web1(lab: Lab, verb: str) -> str:
    return ", ".join(_calls(lab, verb).of("web1")) or "nothing"


def _seen(lab: Lab, verb: str) -> Timeline:
    """The timeline since `verb`, with a mark for each call."""
    seen = called(lab).timeline()
    return seen.between(_done(lab, verb) - 1, seen.end)


def _state_of_stop(lab: Lab) -> Measured:
    words = [call.words for call in _calls(lab, "stop").calls if call.host == "web1" and call.words]
    return words[-1].split()[2] if words else "none"


def _master_since(lab: Lab) -> float:
    """When web2 became MASTER after the cable was pulled; LabError if it has not."""
    begun = [move.at for move in since(lab, "unplug").takeovers if move.to == "web2"]
    if not begun:
        raise LabError("web2 has not become MASTER: there is nothing to measure")
    return begun[-1]


def _some_intervals_later(lab: Lab) -> None:
    """Wait until web2 has had the time for two more advertisements."""
    lab.wait_until(lambda: lab.holders() == ["web2"], what="web2 to hold the address")
    enough = _master_since(lab) + 2.5
    lab.wait_until(lambda: lab.now > enough, what="two advertisement intervals to pass")


def _while_it_hangs(lab: Lab) -> Measured:
    begun = _master_since(lab)
    sent = [fact for fact in lab.facts() if isinstance(fact, Advert) and fact.host == "web2"]
    if lab.holders() != ["web2"]:
        return "giving the address up"
    later = any(fact.t > begun + 0.5 for fact in sent)
    return "advertising as ever" if later else "waiting for the script"


EXPERIMENTS = {
    "start": Experiment(
        "start",
        {START: lambda lab: _run_by_web1(lab, "start")},
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=lambda lab: _calls(lab, "start"),
    ),
    "pull": Experiment(
        "pull",
        {PULL: lambda lab: _run_by_web1(lab, "unplug")},
        start=_web1_holds,
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=lambda lab: _seen(lab, "unplug"),
    ),
    "plug": Experiment(
        "plug",
        start=_cable_out,
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=lambda lab: _seen(lab, "plug"),
    ),
    "stop": Experiment(
        "stop",
        {STOP: _state_of_stop},
        start=_with_notify,
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=lambda lab: _calls(lab, "stop"),
    ),
    "hang": Experiment(
        "hang",
        {HANG: _while_it_hangs},
        start=_web1_holds,
        outcome=_some_intervals_later,
        waits="web2 to be MASTER, and two intervals more (up to 20 s)",
        shows=lambda lab: since(lab, "unplug"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _flagged(lab: Lab) -> list[str]:
    """The servers on which the flag exists."""
    return [host for host in lab.servers if lab.read(host, FLAG) is not None]


def _runs_at_fault(lab: Lab) -> bool:
    text = lab.conf("web1")
    return bool(setting(text, "notify_fault") or setting(text, "notify"))


def _file_hint(lab: Lab) -> str:
    if not lab.witness.carrier().get("web1", True) and "web1" not in _flagged(lab):
        return "the flag is gone, but what removes it next time? let the daemon do it"
    return "no carrier is FAULT, not BACKUP: web1's config names no script for that state"


def _flag_hint(lab: Lab) -> str:
    if "hage.sh" not in called(lab).of("web1")[1:]:
        return "the file names a script for FAULT: had the daemon read it when the cable went?"
    return "a script has run, and the flag of web1 is still there: what does that script do?"


CHALLENGES = {
    "flag": Challenge(
        "An honest flag",
        state="scripts",
        steps=(
            Step(
                "web1's config names a script for FAULT",
                _runs_at_fault,
                hints=(
                    _file_hint,
                    "first the file, then the daemon, then the cable; which keyword names a script "
                    "for FAULT? lab = Lab('scripts') starts again",
                    "`notify_fault /etc/keepalived/hage.sh` in web1's vrrp_instance, `systemctl "
                    "reload keepalived`, then lab.unplug('web1')",
                ),
            ),
            Step(
                "the cable of web1 is out",
                lambda lab: not lab.witness.carrier().get("web1", True),
                hints=(
                    "the cable is still in: the flag has not been put to the test",
                    "first the file, then the daemon, then the cable",
                    "lab.unplug('web1'), when its daemon knows what to run in FAULT",
                ),
                timeout=2.0,
            ),
            Step(
                "web2 holds the address, and web1 does not",
                lambda lab: lab.holders() == ["web2"],
                hints=("web2 has not taken over: is its daemon running?",),
                timeout=SCRIPT_STARTED_WITHIN_S,
                lasts=LASTS,
            ),
            Step(
                "/run/in-charge exists on web2",
                lambda lab: "web2" in _flagged(lab),
                hints=(
                    "hoge.sh creates the flag: did it run on web2? `cat /var/log/called` there",
                ),
                timeout=4.0,
            ),
            Step(
                "/run/in-charge does not exist on web1",
                lambda lab: _flagged(lab) == ["web2"],
                hints=(
                    _flag_hint,
                    "`journalctl -u keepalived` on web1: did the daemon go to FAULT after it had "
                    "read the file? A reload runs no script, the next state transition does",
                    "`notify_fault /etc/keepalived/hage.sh` in the file, `systemctl reload "
                    "keepalived`, lab.plug('web1'), lab.settle(), and lab.unplug('web1') again",
                ),
                timeout=4.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which script does keepalived run when the daemon starts on the server with the higher "
        "priority?",
        right="notify_backup, then notify_master",
        why="It starts as BACKUP, and becomes MASTER when its timer expires.",
        wrong={
            "notify_master, then notify_backup": (
                "It starts as BACKUP: the order is the other way round."
            ),
            "none, as long as nothing has failed": (
                "Every change of state runs a script, the first one as well."
            ),
        },
    ),
    Question(
        "The cable of the master is pulled. Which of its scripts does it run?",
        right="notify_fault",
        why="No carrier is FAULT; without notify_fault or notify no script runs.",
        wrong={
            "notify_backup": "Without carrier it is not BACKUP but in FAULT.",
            "notify_stop": "The daemon continues to run; only the state changes.",
        },
    ),
    Question(
        "A notify_master script exits with status 1. What happens to the address?",
        right="nothing happens",
        why="The daemon ignores its exit status; that of a track_script counts.",
        wrong={
            "it moves to web2": "Only a track_script can do that.",
            "it is added again": "The address was added before the script was started.",
        },
    ),
    Question(
        "(Lesson 08) Where is nopreempt ignored?",
        right="in a file that says state MASTER",
        why="keepalived ignores it there, with a warning in the log.",
        wrong={
            "in a file that says state BACKUP": "That is where it works.",
            "in a file with a priority of 100": "It works with any priority except 255.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    START: "Every router starts as BACKUP, and the daemon runs notify_backup for that, too.",
    PULL: "Without carrier the state is FAULT, and no notify_fault script is configured.",
    STOP: "A stop counts as a transition for the generic notify script, too.",
    HANG: "The daemon starts the script and does not wait for it.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    START: (
        ("hoge.sh", "web1 becomes MASTER, and only the end of it is a transition."),
        ("hage.sh", "Every router starts as BACKUP, and hoge.sh only runs at a failover."),
        ("hoge.sh, hage.sh", "`state MASTER` comes first, and the election afterwards."),
    ),
    PULL: (
        ("hoge.sh", "A script runs at every change, and hoge.sh is the first in the file."),
        ("hage.sh", "web1 is not MASTER any more, so it is BACKUP."),
    ),
    STOP: (
        ("BACKUP", "A server that gives the address up becomes BACKUP."),
        ("FAULT", "A server without a daemon is a fault."),
        ("none", "The daemon has ended and cannot run a script any more."),
    ),
    HANG: (
        ("waiting for the script", "A program waits for what it has called, as a shell does."),
        ("giving the address up", "A script that fails makes the server unfit, as a check does."),
    ),
}
