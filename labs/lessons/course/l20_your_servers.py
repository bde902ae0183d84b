"""20 Your servers: what two real servers need besides a keepalived.conf, and how to test it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.experiments.checklist import CHECKLIST, points, points_hint
from labs.experiments.notify_log import called
from labs.experiments.role_swap import last_done, since
from labs.lessons import Challenge, Experiment, Question, Step, commit, starts
from labs.lessons.challenges import VALID
from labs.lessons.predictions import asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab
    from labs.lessons.experiment import Measured

TITLE = "Your servers"
QUESTION = "What do two real servers need besides a correct file?"
MINUTES = 40

PLUG = "nopreempt is in web1's file. Its cable is plugged in again: who holds the address?"
SCRIPT = "The two lines are in the file, and web1's daemon is restarted. What does web1 run?"
MOVES = "An upgrade restarts web1, then the holder web2. How often does the address move?"
LOSS = "The daemon of the BACKUP ends, unnoticed. For how long does the client get no answer?"

REST = "the address to rest on one server (a few seconds, at most 30)"
# s without an answer: less is a lost ping, more than the second is a whole Master_Down_Interval.
NOTICED, LONG = 0.2, 2.0
# s after which a client would have noticed that the daemon of the holder has ended.
LOSS_SHOWS_WITHIN_S = 4.0


# --- the experiments -----------------------------------------------------------------------------


def _holder(lab: Lab) -> Measured:
    return " and ".join(lab.holders()) or "nobody"


def _from(verb: str, host: str) -> Callable[[Lab], Timeline]:
    """The timeline from a second before `verb` was last done to `host`, with the script's calls."""

    def shows(lab: Lab) -> Timeline:
        seen = called(lab).timeline()
        return seen.between(last_done(lab, verb, host) - 1, seen.end)

    return shows


def _held_by(host: str, question: str = "") -> Callable[[Lab], None]:
    """A start: both daemons run, and `host` holds the address, which it is given where need be.

    `question`: a prediction that must have its answer, though a later cell measures it.
    """
    other = "web1" if host == "web2" else "web2"

    def start(lab: Lab) -> None:
        prediction = asked(question)
        if prediction is not None:
            commit(prediction)
        starts.connect(lab, *starts.SERVERS)
        lab.wait_until(lab.holders, what="a server to hold the address")
        if lab.holders() != [host]:
            print(f"{other} holds the address: stopping its daemon, and starting it again (10 s)")
            lab.stop(other)
            starts.wait_for_holder(lab, host)
            lab.start(other)
            lab.settle()
        if lab.holders() != [host]:
            raise LabError(
                f"{other} took the address back from {host}: is `nopreempt` in web1's file, and "
                "does web1's firewall let VRRP in? Run the cells of the first section"
            )

    return start


def _run_by_web1(lab: Lab) -> Measured:
    begun = last_done(lab, "start", "web1")
    calls = [call for call in called(lab).calls if call.host == "web1" and call.t >= begun]
    return "notify.sh, as root" if calls else "nothing"


def _moves(lab: Lab) -> Measured:
    seen = lab.timeline()
    return len(seen.between(last_done(lab, "start", "web1"), seen.end).takeovers)


def _time_passes(lab: Lab) -> None:
    enough = last_done(lab, "stop", "web2") + LOSS_SHOWS_WITHIN_S
    lab.wait_until(lambda: lab.now > enough, what="four seconds to pass")


def _lost(lab: Lab) -> Measured:
    lost = sum(outage.duration for outage in since(lab, "stop").outages)
    said = "about half a second" if lost < LONG else "about 3.6 s"
    return "not at all" if lost < NOTICED else said


EXPERIMENTS = {
    "plug": Experiment(
        "a firewall that lets VRRP out only",
        {PLUG: _holder},
        start=starts.cable_out,
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=lambda lab: since(lab, "plug"),
    ),
    "plug-again": Experiment(
        "a firewall that lets VRRP in",
        start=starts.cable_out,
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=lambda lab: since(lab, "plug"),
    ),
    "secured": Experiment(
        "script security",
        {SCRIPT: _run_by_web1},
        start=_held_by("web2"),
        outcome=lambda lab: lab.settle(),
        waits=REST,
    ),
    "backup-first": Experiment(
        "the BACKUP is upgraded",
        start=_held_by("web2", MOVES),
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=_from("stop", "web1"),
    ),
    "then-the-holder": Experiment(
        "the holder is upgraded",
        {MOVES: _moves},
        start=_held_by("web2"),
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=_from("stop", "web2"),
    ),
    "loss": Experiment(
        "the BACKUP is lost",
        {LOSS: _lost},
        start=_held_by("web1"),
        outcome=_time_passes,
        waits="four seconds to pass",
        shows=lambda lab: since(lab, "stop"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------

# A cluster has one holder again within this time: a start, and one Master_Down_Interval.
ONE_HOLDER_WITHIN_S = 9.0
# s, longer than the Master_Down_Interval of either: a server that receives nothing is MASTER then.
DEAF = 5.5
TAKEOVER_WITHIN_S = 8.0


def _one_holder(lab: Lab) -> bool:
    return len(lab.holders()) == 1 and all(lab.running(host) for host in lab.servers)


def _holder_hint(lab: Lab) -> str:
    silent = [host for host in lab.servers if not lab.running(host)]
    if silent:
        return f"no daemon is running on {' and '.join(silent)}"
    return f"192.168.1.10 is held by {' and '.join(lab.holders()) or 'no server'}"


def _stays_with_web2(lab: Lab) -> bool:
    """Pull web1's cable and plug it in again; whether web2 takes the address, and keeps it."""
    starts.connect(lab, *starts.SERVERS)
    lab.unplug("web1")
    try:
        lab.wait_until(
            lambda: lab.holders() == ["web2"], TAKEOVER_WITHIN_S, what="web2 to hold the address"
        )
    finally:
        lab.plug("web1")
    plugged = lab.now
    lab.wait_until(
        lambda: lab.now > plugged + DEAF,
        DEAF + 5,
        what="longer than the Master_Down_Interval of either server",
    )
    return lab.holders() == ["web2"]


def _drill_hint(lab: Lab) -> str:
    if lab.holders() == ["web1"]:
        return (
            "web1's cable was pulled and plugged in again, and web1 took the address back: "
            "is nopreempt in its file, and has its daemon read the file?"
        )
    return _holder_hint(lab)


def _script_ran(lab: Lab) -> bool:
    pulled = last_done(lab, "unplug", "web1")
    ran = [call for call in called(lab).calls if call.host == "web2" and call.t >= pulled]
    return any(call.words.split()[2:3] == ["MASTER"] for call in ran)


CHALLENGES = {
    "handover": Challenge(
        "Take over two servers",
        state="handed-over",
        steps=(
            VALID,
            Step(
                f"{CHECKLIST} finds nothing on either server",
                lambda lab: not points(lab),
                hints=(
                    points_hint,
                    f"`{CHECKLIST}` in the terminals of both servers; each line says what to do",
                    "state BACKUP on web1; script_user and enable_script_security on both; "
                    "chmod 0755 and `systemctl enable keepalived` on web2; an nft rule in the "
                    "chain input of web1",
                ),
            ),
            Step(
                "one server holds 192.168.1.10, and both daemons run",
                _one_holder,
                hints=(
                    _holder_hint,
                    "`systemctl status keepalived` and `journalctl -u keepalived` on both",
                ),
                timeout=ONE_HOLDER_WITHIN_S,
                lasts=DEAF,
            ),
            Step(
                "web1's cable is pulled and plugged in again: web2 keeps the address",
                _stays_with_web2,
                hints=(
                    _drill_hint,
                    "web1 needs nopreempt and state BACKUP, and must receive advertisements",
                    "`systemctl reload keepalived` on web1, after its file has state BACKUP and "
                    "nopreempt",
                ),
            ),
            Step(
                "web2 ran notify.sh when it became MASTER",
                _script_ran,
                hints=(
                    "web2 became MASTER, and its notify.sh did not run",
                    "`journalctl -u keepalived -g script` on web2",
                    "the line `notify /etc/keepalived/notify.sh` in web2's file, and the mode "
                    "0755 of that script",
                ),
                timeout=2.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "The chain input of a server ends with policy drop. Which rule does VRRP need there?",
        right="ip protocol vrrp accept",
        why="VRRP is an IP protocol of its own, number 112, without ports.",
        wrong={
            "udp dport 112 accept": "VRRP is not UDP: 112 is the protocol's number, not a port.",
            "ct state established accept": (
                "An advertisement is no answer to anything that this server has sent to its peer."
            ),
        },
    ),
    Question(
        "A script has mode 0777, and enable_script_security is set. What happens at a takeover?",
        right="the address moves, the script is not run",
        why="keepalived disables the script when it reads the file; the log has the only sign.",
        wrong={
            "the address stays where it was before": "A notify script does not decide that.",
            "the script is run as another user": "It is not run as any user.",
        },
    ),
    Question(
        "Two servers with nopreempt are to be upgraded. Which one first?",
        right="the one that does not hold the address",
        why="Its restart moves nothing, and it is ready when the holder is restarted.",
        wrong={
            "the one that holds the address now": (
                "The address moves to the old version first, and once more later."
            ),
            "both of them at the same moment": "Then no server holds the address for 3.4 s.",
        },
    ),
    Question(
        "(Lesson 18) What keeps a host of another network from sending advertisements to yours?",
        right="their TTL, which must be 255",
        why="A router lowers it, and keepalived discards what does not have 255.",
        wrong={
            "their password, which must agree": "It travels in clear, so it can be known.",
            "their source, which must be a server's": (
                "The sender of a packet writes its source as it likes."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    PLUG: "web1's firewall drops web2's advertisements: its Master_Down_Timer expires, and "
    "nopreempt only matters while it receives those of a MASTER.",
    SCRIPT: "The script has mode 0777, so keepalived disabled it when it read the file.",
    MOVES: "The BACKUP's restart moves nothing, and with nopreempt web2 does not take it back.",
    LOSS: "The holder goes on as before: nothing shows that there is no BACKUP any more.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    PLUG: (
        ("web2", "`nopreempt` is in the file, so web1 leaves the address where it is."),
        ("both", "With a firewall there are always two masters."),
    ),
    SCRIPT: (
        ("notify.sh, as root", "keepalived runs as root, and so do its scripts."),
        ("notify.sh, as another user", "`script_user` makes a bad script harmless, and it runs."),
    ),
    MOVES: (
        (0, "One server is always there, so the address need not move."),
        (2, "Each restart moves it, or it returns to where it was."),
        (3, "It moves three times, as in lesson 09."),
    ),
    LOSS: (
        (
            "about half a second",
            "The cluster has to reorganize itself, and that takes a Skew_Time.",
        ),
        ("about 3.6 s", "A dead daemon costs a Master_Down_Interval, whichever it is."),
    ),
}
