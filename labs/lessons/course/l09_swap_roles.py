"""09 Swap roles: restart the daemon of the master, so that no client notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs import own_numbers
from labs.analysis.master_down_timer import master_down, skew
from labs.conf import setting, with_setting
from labs.errors import LabError
from labs.experiments.cluster_health import unnoticed
from labs.experiments.role_swap import hold, last_done, since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, commit, starts
from labs.lessons.experiment import Measured
from labs.lessons.predictions import asked
from labs.model.facts import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from labs.analysis.ownership import ServiceInterval
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Swap roles: move the master on purpose"
QUESTION = "How do I move the master on purpose, without an outage?"
MINUTES = 35

GAP = "Both daemons reload. For how long does the client get no answer?"
MOVES = "The holder web2 is restarted first, then web1. How often does the address move?"
IDLE = "web2 (priority {idle}) is restarted, then the holder web1. How long does no answer come?"
WAIT = "web1 is reloaded with priority {high}. How long until it takes over?"

# The priority that web2 gets: more than the 100 in web1's file then, and no more than the 150 with
# which web1 is running. And the higher one that web1 gets in the end.
OWN_NUMBERS = tuple(
    {"idle": idle, "high": high}
    for idle in (150, 105, 110, 120, 130, 140)
    for high in (200, 210, 220, 225, 230, 240, 250)
)

PAIR = ("web1", "web2")
# More than a handover and one lost ping, less than any Skew_Time of these machines.
NOTICED_AFTER_S = 0.2
# web1 comes back within this time: a start, and one Master_Down_Interval.
COMES_BACK_WITHIN_S = 6.0


# --- the experiments -----------------------------------------------------------------------------


def _with(one: str, other: str, holder: str, question: str = "") -> Callable[[Lab], None]:
    """A start: the files of web1 and web2 have these priorities, and `holder` has the address.

    A priority may be the learner's own, in braces.  What is not so is brought about.
    `question`: a prediction that must have its answer, though a later cell measures it.
    """

    def start(lab: Lab) -> None:
        prediction = asked(question)
        if prediction is not None:
            commit(prediction)
        files = own_numbers.fill(one), own_numbers.fill(other)
        if not _is_so(lab, files, holder):
            print(
                f"this experiment begins with {holder} as the holder, and with the priorities "
                f"{' and '.join(files)} in the files of web1 and web2: bringing that about"
            )
            _move(lab, holder)
            _write(lab, *files)

    return start


def _second_of_two(one: str, other: str, holder: str, first: str) -> Callable[[Lab], None]:
    """A start as the experiment `first` has left it: LabError if it is not the one just run."""

    def start(lab: Lab) -> None:
        restarted = [act.host for act in lab.timeline().of(Action) if act.verb == "stop"]
        files = own_numbers.fill(one), own_numbers.fill(other)
        if restarted[-1:] != ["web2"] or not _is_so(lab, files, holder):
            raise LabError(
                "the restarts of web2 and of web1 are one experiment in two cells: run "
                f"%%experiment {first} above, then this one"
            )

    return start


def _is_so(lab: Lab, priorities: tuple[str, str], holder: str) -> bool:
    """Whether the files have these priorities, and `holder` alone the address."""
    files = tuple(_priority(lab, host) for host in PAIR)
    return files == priorities and lab.holders() == [holder]


def _move(lab: Lab, holder: str) -> None:
    """Let `holder` have the address, by priorities of 150 and 100; LabError if it does not."""
    starts.connect(lab, *PAIR)
    _write(lab, *("150", "100") if holder == "web1" else ("100", "150"))
    for host in PAIR:
        lab.reload(host)
    starts.wait_for_holder(lab, holder)


def _write(lab: Lab, one: str, other: str) -> None:
    """Write these priorities into the files of web1 and web2; no daemon has read them yet."""
    for host, priority in zip(PAIR, (one, other), strict=True):
        if _priority(lab, host) != priority:
            lab.conf(host, with_setting(lab.conf(host), "priority", priority))


def _from_stop(host: str) -> Callable[[Lab], Timeline]:
    """The timeline from a second before the last stop of the daemon of `host`."""

    def shows(lab: Lab) -> Timeline:
        seen = lab.timeline()
        return seen.between(last_done(lab, "stop", host) - 1, seen.end)

    return shows


def _moves(lab: Lab) -> Measured:
    return len(_from_stop("web2")(lab).takeovers)


def _lost(lab: Lab, seen: Timeline) -> float:
    return round(sum(outage.duration for outage in seen.outages), 2)


def _idle_first(lab: Lab) -> Measured:
    priority = int(own_numbers.values()["idle"])
    return _lost(lab, _from_stop("web2")(lab)), {"skew": skew(priority, 2, 1.0)}


def _raised(lab: Lab) -> Measured:
    starts.has_own(lab, "priority", "{high}", "web1")
    priority = int(own_numbers.values()["high"])
    move = takeover(since(lab, "reload"))
    if move.cause is None or move.to != "web1":
        raise LabError("web1 has not taken over since its daemon was reloaded")
    wait = {"less": 256 - priority, "down": master_down(priority, 2, 1.0)}
    return round(move.at - move.cause.t, 2), wait


REST = "the address to rest on one server (a few seconds, at most 30)"

EXPERIMENTS = {
    "reload": Experiment(
        "reload",
        {GAP: lambda lab: _lost(lab, since(lab, "reload"))},
        start=_with("100", "150", "web1"),
        outcome=lambda lab: hold(lab, "web2"),
        waits="the address to move (up to 15 s)",
        shows=lambda lab: since(lab, "reload"),
        drawn=GAP,
    ),
    "holder-first": Experiment(
        "holder first",
        start=_with("150", "100", "web2", MOVES),
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=_from_stop("web2"),
    ),
    "then-the-other": Experiment(
        "restart, the holder first",
        {MOVES: _moves},
        start=_second_of_two("150", "100", "web1", "holder-first"),
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=_from_stop("web2"),
    ),
    "idle-first": Experiment(
        "idle first",
        start=_with("100", "{idle}", "web1", IDLE),
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=_from_stop("web2"),
    ),
    "then-the-holder": Experiment(
        "restart, the idle one first",
        {IDLE: _idle_first},
        start=_second_of_two("100", "{idle}", "web1", "idle-first"),
        outcome=lambda lab: lab.settle(),
        waits=REST,
        shows=_from_stop("web2"),
        drawn=IDLE,
    ),
    "priority": Experiment(
        "a higher priority",
        {WAIT: _raised},
        start=_with("100", "{idle}", "web2"),
        outcome=lambda lab: hold(lab, "web1"),
        waits="web1 to take over (up to 15 s)",
        shows=lambda lab: since(lab, "reload"),
        drawn=WAIT,
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _restarts(lab: Lab) -> list[Action]:
    """Each time the daemon of `web1` was started since the lab began, which starts it, too."""
    acts = [fact for fact in lab.facts() if isinstance(fact, Action) and fact.t >= lab.since]
    return [act for act in acts if (act.verb, act.host) == ("start", "web1")][1:]


def _outages(lab: Lab) -> list[ServiceInterval]:
    """When the client waited for longer than it may, after the address was first held."""
    seen = lab.timeline()
    first = next((span.start for span in seen.spans()), seen.end)
    return [
        out
        for out in seen.outages
        if out.end > first + NOTICED_AFTER_S and out.duration > NOTICED_AFTER_S
    ]


def _outage_hint(lab: Lab) -> str:
    seconds = f"the client waited for {max(out.duration for out in _outages(lab)):.2f} s"
    verbs = [fact.verb for fact in lab.timeline().of(Action) if fact.host == "web1"]
    if "unplug" in verbs or "link" in verbs or "cut" in verbs:
        return f"{seconds}: without its cable, web1 could not hand over"
    return f"{seconds}: web1 had the address when its daemon ended, so move the address first"


def _files_hint(lab: Lab) -> str:
    changed = [h for h, p in (("web1", "150"), ("web2", "100")) if _priority(lab, h) != p]
    return f"the priority of {' and of '.join(changed)} is not what it was"


def _priority(lab: Lab, host: str) -> str | None:
    return setting(lab.conf(host), "priority")


CHALLENGES = {
    "maintenance": Challenge(
        "Maintenance without a ping lost",
        state="basic",
        steps=(
            Step(
                "the daemon of web1 was started again",
                lambda lab: bool(_restarts(lab)) and lab.running("web1"),
                hints=(
                    "web1 still runs the daemon with which the lab began",
                    "which server has to hold the address while web1 restarts?",
                    "`systemctl restart keepalived` on web1, but first move the address to web2",
                ),
            ),
            Step(
                f"the client never waited longer than {NOTICED_AFTER_S} s",
                lambda lab: unnoticed(lab, _outages),
                hints=(
                    _outage_hint,
                    "a change of priority and a reload cost the client nothing; "
                    "start again with lab = Lab('basic')",
                    "`priority 200` in web2's file, `systemctl reload keepalived` there, wait "
                    "until web2 holds the address, and only then restart the daemon of web1",
                ),
            ),
            Step(
                "the files say priority 150 and 100 again",
                lambda lab: [_priority(lab, h) for h in ("web1", "web2")] == ["150", "100"],
                hints=(
                    _files_hint,
                    "change it back, and `systemctl reload keepalived` on that server",
                ),
            ),
            Step(
                "web1 alone holds the address, and it stays there",
                lambda lab: lab.holders() == ["web1"],
                hints=(
                    "the address is still on web2: has its daemon read the old number?",
                    "`systemctl reload keepalived` on web2",
                ),
                timeout=COMES_BACK_WITHIN_S,
                lasts=4.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which way of moving the address costs the client the least?",
        right="change a priority and reload",
        why="The old MASTER answers until it receives the new one's advertisement.",
        wrong={
            "pull the cable of the master": "The client waits a whole Master_Down_Interval.",
            "restart the master's daemon": (
                "The address is gone for a Skew_Time, and it may move twice."
            ),
        },
    ),
    Question(
        "A new version of the daemon has to be installed on both. Where do you begin?",
        right="on the one without the address",
        why="The holder resigns when it stops; a restart of the BACKUP moves nothing.",
        wrong={
            "on the one that holds the address now": (
                "Its restart moves the address to a server that you have to restart next."
            ),
            "on both of them at the same moment": (
                "Then no server holds the address for as long as both are down."
            ),
        },
    ),
    Question(
        "A BACKUP of priority 100 reloads a file that now says `state MASTER`. What happens?",
        right="nothing, as long as the other one has 150",
        why="Priorities decide. Even at its start keepalived is BACKUP first, unless it has 255.",
        wrong={
            "it becomes MASTER at once, as its file says": (
                "`state` in the file does not change a running instance with a lower priority."
            ),
            "it goes to FAULT, as its file is wrong": (
                "`state MASTER` is valid in any number of files."
            ),
        },
    ),
    Question(
        "(Lesson 07) How long does a BACKUP of priority 100 wait after a priority-0 advertisement?",
        right="0.609 s",
        why="An advertisement of priority 0 sets its timer to Skew_Time: 156/256 s.",
        wrong={
            "0 s": "It waits Skew_Time, so that of several backups the highest priority is first.",
            "3.609 s": "That is Master_Down_Interval, when no resignation arrives.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    GAP: ("The old MASTER answers until it receives an advertisement of higher priority."),
    MOVES: (
        "Each stop sends a priority-0 advertisement, which moves the address; then the server "
        "with the new, higher priority preempts and moves it again."
    ),
    IDLE: "One priority-0 advertisement, then the Skew_Time of priority {idle}: {skew:.3f} s.",
    WAIT: "The Master_Down_Interval of priority {high} is 3 + {less}/256 = {down:.3f} s.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    GAP: (
        (0.6, "web1 resigns when its priority falls, and web2 waits its Skew_Time."),
        (3.4, "web2 waits its Master_Down_Interval, and no server answers meanwhile."),
    ),
    MOVES: (
        (1, "The roles are swapped once, so the address moves once."),
        (2, "Each of the two restarts moves the address once."),
    ),
    IDLE: (
        (0, "web2 is ready and has the new file, so it takes over in the same moment."),
        (3.4, "A restart looks like a pulled cable: web2 waits its Master_Down_Interval."),
    ),
    WAIT: (
        (0, "A reload takes effect at once, and so does the new priority."),
        (1, "web1 advertises its new priority at the next second, and web2 gives way."),
        (0.2, "A server with the higher priority only waits its Skew_Time."),
    ),
}
