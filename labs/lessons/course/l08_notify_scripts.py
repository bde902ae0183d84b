"""08 Notify scripts: a flag that tells the truth, also without a cable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import setting
from labs.experiments.notify_log import called
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Notify scripts: who tells my software?"
QUESTION = "How does my software learn that it is now in charge?"
MINUTES = 20

FLAG = "/run/in-charge"
# Seconds for the backup to take over, and for a script to be started.
PATIENCE = 8.0


def _flagged(lab: Lab) -> list[str]:
    """The servers on which the flag exists."""
    return [host for host in lab.servers if lab.read(host, FLAG) is not None]


def _told_of_fault(lab: Lab) -> bool:
    text = lab.conf("web1")
    return bool(setting(text, "notify_fault") or setting(text, "notify"))


def _flag_hint(lab: Lab) -> str:
    if not _told_of_fault(lab):
        return "no cable is FAULT, not BACKUP: nothing in web1's file says what to call then"
    if "hage.sh" not in called(lab).of("web1")[1:]:
        return "the file names a script for FAULT: had the daemon read it when the cable went?"
    return "a script was called, and the flag of web1 is still there: what does the script do?"


CHALLENGES = {
    "flag": Challenge(
        "A flag that tells the truth",
        state="scripts",
        steps=(
            Step(
                "the cable of web1 is out",
                lambda lab: not lab.witness.carrier().get("web1", True),
                hints=(
                    "the cable is still in: the flag has not been put to the test",
                    "first the file, then the daemon, then the cable",
                    "lab.unplug('web1'), when its daemon knows what to call in FAULT",
                ),
                patience=2.0,
            ),
            Step(
                "web2 holds the address, and nobody else",
                lambda lab: lab.holders() == ["web2"],
                hints=("web2 has not taken over: does its daemon run?",),
                patience=PATIENCE,
            ),
            Step(
                "/run/in-charge exists on web2",
                lambda lab: "web2" in _flagged(lab),
                hints=("hoge.sh makes the flag: was it called on web2? called(lab) tells",),
                patience=4.0,
            ),
            Step(
                "/run/in-charge does not exist on web1",
                lambda lab: _flagged(lab) == ["web2"],
                hints=(
                    _flag_hint,
                    "look for the state in lab.log('web1'), and at the table of the four words; "
                    "start again with lab = Lab('scripts')",
                    "change(lab, 'web1', notify_fault='/etc/keepalived/hage.sh'), "
                    "lab.reload('web1'), lab.unplug('web1')",
                ),
                patience=4.0,
            ),
            Step(
                "the file of web1 names a script for FAULT",
                _told_of_fault,
                hints=(
                    "the flag is gone, but who will remove it next time? let the daemon do it",
                    "notify_fault, or notify with a script that looks at its third word",
                ),
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which script does keepalived call when the daemon starts on the server with the higher "
        "priority?",
        right="first notify_backup, then notify_master",
        why="It starts as BACKUP, and becomes MASTER when its timer expires.",
        wrong={
            "notify_master, and no other one": (
                "It starts as BACKUP, and that is a state change, too."
            ),
            "none, until something fails": (
                "Every change of state calls a script, the first one as well."
            ),
        },
    ),
    Question(
        "The cable of the master is pulled. Which of its scripts is called?",
        right="notify_fault",
        why="No carrier is FAULT; without notify_fault or notify no script runs.",
        wrong={
            "notify_backup": "Without carrier it is not BACKUP but in FAULT.",
            "notify_stop": "The daemon goes on running; only the state changes.",
        },
    ),
    Question(
        "A notify_master script exits with status 1. What happens to the address?",
        right="nothing happens",
        why="Its exit status is not looked at; that of a track_script is.",
        wrong={
            "it moves to web2": "Only a track_script can do that.",
            "it is added again": "The address was added before the script was started.",
        },
    ),
    Question(
        "(Lesson 06) Where is nopreempt of no use?",
        right="in a file that says state MASTER",
        why="keepalived drops it there, with a warning in the log.",
        wrong={
            "in a file that says state BACKUP": "That is where it works.",
            "on a server of priority 100": (
                "It works with any priority, where there is one below it."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "Both machines have just been started. What does web1 call in the first five seconds?": (
        "Every router starts as BACKUP, and the daemon calls notify_backup for that, too."
    ),
    "The cable of web1 is pulled. What does web1 call?": (
        "Without carrier the state is FAULT, and no notify_fault script is configured."
    ),
    "The daemon of web1 is stopped with SIGTERM. Which state is web1's all.sh told?": (
        "A stop has a script of its own, notify_stop; the generic notify script is called as well."
    ),
    "web2's hoge.sh never ends, and web2 becomes MASTER. What is its daemon doing then?": (
        "The daemon starts the script and does not wait for it."
    ),
}
