"""12 Is the service alive?: make a track_script count for enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from labs import own_numbers
from labs.analysis.master_down_timer import master_down, skew
from labs.conf import contents, setting
from labs.errors import LabError
from labs.experiments.http_monitor import Visits
from labs.experiments.role_swap import hold, since
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.experiment import Measured, shown
from labs.model.facts import Action

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Is the service alive?"
QUESTION = "The network is up but the service is dead: who notices?"
MINUTES = 40

WHO = "The web server of web1 ends, and nothing else. Who holds the address 5 s later?"
SECOND = "The web server of web1 works again, that of web2 ends: who holds the address?"
FAULT = "fall {fall}, and the web server of web1 ends: for how long does no page come?"
OWN_WEIGHT = "Weight −{weight} on both, and the web server of web1 ends: who holds the address?"
WEIGHT = "Does the page come back sooner than with FAULT, or later?"
BOTH = "Neither web server works. Who holds the address with weight −60 on both?"

# A weight moves the address if it leaves web1 less than web2's 100: 50 is not enough.
OWN_NUMBERS = tuple(
    {"fall": fall, "weight": weight}
    for fall in (2, 1, 3)
    for weight in (60, 20, 30, 45, 50, 51, 55, 75)
)

# A check has failed twice (fall 2) and a Master_Down_Interval is over within this time.
TAKEN_OVER_WITHIN_S = 10.0
# Longer than Master_Down_Interval: by then a restarted server would have preempted.
LASTS = 6.0
ASK = "exec 3<>/dev/tcp/192.168.1.10/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
# s by which two outages must differ to be called different.
APART = 0.5
SHOWN = 8.0  # s of a failure that a figure shows: three checks and a Master_Down_Interval
UNANSWERED = 30  # pages in a row: three seconds
WATCHER = "pgrep -x watch.sh"
WATCH = "/etc/keepalived/watch.sh &"
# The actions after which a daemon is running, or is not.
_DAEMON = ("start", "stop")


# --- the experiments -----------------------------------------------------------------------------

_clients: WeakKeyDictionary[Lab, Visits] = WeakKeyDictionary()


def _visits(lab: Lab) -> Visits:
    """The client of this lab that asks for pages; the first call starts it."""
    if lab not in _clients:
        for host in lab.servers:
            lab.web(host)
        _clients[lab] = Visits(lab)
    return _clients[lab]


def _serving(lab: Lab, *hosts: str) -> None:
    """Let the web servers of `hosts` work."""
    _visits(lab)
    for host in hosts:
        if lab.serving(host) != "serving":
            print(f"the web server of {host} does not work: starting it first")
            lab.website(host, "start")


def _web1_holds(lab: Lab) -> None:
    """Let both web servers work, both daemons run, and web1 hold the address."""
    _serving(lab, *lab.servers)
    for host in lab.servers:
        if not lab.running(host):
            print(f"the daemon of {host} is stopped: starting it first")
            lab.start(host)
    lab.wait_until(lambda: lab.holders() == ["web1"], what="web1 to hold the address")
    lab.settle()


def _watched(lab: Lab) -> None:
    """As `_web1_holds`, with a watcher on each server."""
    _web1_holds(lab)
    for host in lab.servers:
        if lab.run(host, WATCHER).status:
            print(f"no watcher is running on {host}: starting one first")
            lab.run(host, WATCH, changes=True)


def _left(lab: Lab) -> None:
    """After the first failure: web1's daemon is stopped, and web2 holds the address."""
    acts = [fact for fact in lab.facts() if isinstance(fact, Action) and fact.host == "web1"]
    daemon = [act.verb for act in sorted(acts, key=lambda act: act.t) if act.verb in _DAEMON]
    if daemon[-1:] != ["stop"] or lab.holders() != ["web2"]:
        raise LabError(
            "this experiment goes on where the watcher has stopped web1's daemon: run the cell "
            "above that says %%experiment watcher, then this one"
        )
    if lab.run("web2", WATCHER).status:
        raise LabError("no watcher is running on web2: run the two cells above that start them")


def _weighing(lab: Lab, weight: str) -> None:
    """As `_web1_holds`; LabError unless both files have that weight."""
    for host in lab.servers:
        if not starts.has_value(lab.conf(host), "weight", weight):
            found = setting(lab.conf(host), "weight")
            raise LabError(
                f"{host}'s config has the weight {found}, and this experiment is about {weight}: "
                "run the cells of this section in order"
            )
    _web1_holds(lab)


def _web1_sick(lab: Lab) -> None:
    """Let web1's web server be gone and web2 hold the address, with a weight on both."""
    if setting(lab.conf("web1"), "weight") != "-60":
        _weighing(lab, "-60")
    _serving(lab, "web2")
    if lab.serving("web1") == "serving":
        print("the web server of web1 works: stopping it first")
        lab.website("web1", "stop")
    hold(lab, "web2")


def _stopped(lab: Lab) -> float:
    """When a web server was last stopped (Unix time); LabError if none has been."""
    acts = [fact for fact in lab.facts() if isinstance(fact, Action) and fact.verb == "web"]
    done = [fact.t for fact in acts if fact.text.endswith("stopped")]
    if not done:
        raise LabError("no web server has been stopped yet: there is nothing to measure")
    return max(done)


def _failure(lab: Lab) -> Timeline:
    """What the client saw from a second before the last stop of a web server."""
    begun, seen = _stopped(lab) - 1, _visits(lab).timeline()
    return seen.between(begun, min(seen.end, begun + SHOWN))


def _without_page(seen: Timeline) -> float:
    if not seen.outages:
        raise LabError("every page has come: there is nothing to measure")
    return max(outage.duration for outage in seen.outages)


def _side_by_side(lab: Lab) -> object:
    from labs.figures import plot

    pair = [lab.timeline().last(6), _visits(lab).timeline().last(6)]
    return plot.stack(pair, titles=["the client asks by ping", "the client asks for the page"])


def _holders(lab: Lab) -> str:
    return " and ".join(lab.holders()) or "nobody"


def _against_fault(lab: Lab) -> Measured:
    fast, slow = _without_page(shown("fault")), _without_page(_failure(lab))
    verdict = "at about the same time"
    if abs(slow - fast) > APART:
        verdict = "later" if slow > fast else "sooner"
    return verdict, {"slow": slow, "fast": fast}


def _after_checks(lab: Lab) -> Measured:
    """How long no page came; the reason says when the last of the checks failed, in s."""
    fall = int(setting(lab.conf("web1"), "fall") or 1)
    late = skew(100, 2, 1.0)
    facts = {"early": fall - 1, "skew": late, "between": (fall - 1 + late, fall + late)}
    return round(_without_page(_failure(lab)), 2), facts


def _fall_start(lab: Lab) -> None:
    starts.has_own(lab, "fall", "{fall}", *lab.servers)
    _weighing(lab, "0")


def _own_weight_start(lab: Lab) -> None:
    starts.has_own(lab, "weight", "-{weight}", *lab.servers)
    _weighing(lab, own_numbers.fill("-{weight}"))


def _wait_for_weight(lab: Lab) -> None:
    """Wait for `fall` checks, a Master_Down_Interval and a second more, or until web2 holds."""
    fall = int(setting(lab.conf("web1"), "fall") or 1)
    over = _stopped(lab) + fall + master_down(100, 2, 1.0) + 1
    lab.wait_until(lambda: lab.holders() == ["web2"] or lab.now > over, what="the timers to expire")


def _with_own_weight(lab: Lab) -> Measured:
    left = _lowered(lab, "web1")
    relation = {True: "less than", False: "not less than"}[left < 100]
    return _holders(lab), {"left": left, "relation": relation}


def _weight_start(lab: Lab) -> None:
    shown("fault")  # what it is compared with
    _weighing(lab, "-60")


EXPERIMENTS = {
    "unwatched": Experiment(
        "unwatched",
        {WHO: _holders},
        start=_web1_holds,
        outcome=lambda lab: lab.wait_until(
            lambda: _visits(lab).failed > UNANSWERED, what=f"{UNANSWERED} pages that do not come"
        ),
        waits=f"the client to miss {UNANSWERED} pages in a row (3 s)",
        shows=_side_by_side,
    ),
    "watcher": Experiment(
        "watcher",
        start=_watched,
        outcome=lambda lab: hold(lab, "web2"),
        waits="the other server to hold the address (up to 15 s)",
        shows=_failure,
    ),
    "second": Experiment(
        "second",
        {SECOND: _holders},
        start=_left,
        outcome=lambda lab: lab.wait_until(
            lambda: "web2" not in lab.holders(), what="web2 to leave the cluster"
        ),
        waits="web2 to leave the cluster (up to 15 s)",
    ),
    "fault": Experiment(
        "FAULT",
        {FAULT: _after_checks},
        start=_fall_start,
        outcome=lambda lab: hold(lab, "web2"),
        waits="the other server to hold the address (up to 15 s)",
        shows=_failure,
        drawn=FAULT,
    ),
    "back": Experiment(
        "back",
        outcome=lambda lab: hold(lab, "web1"),
        waits="web1 to hold the address again (up to 15 s)",
        shows=lambda lab: _visits(lab).timeline().last(8),
    ),
    "own-weight": Experiment(
        "a weight of the learner's own",
        {OWN_WEIGHT: _with_own_weight},
        start=_own_weight_start,
        outcome=_wait_for_weight,
        waits="the checks to fail and a Master_Down_Interval to pass (up to 10 s)",
        shows=_failure,
    ),
    "weight": Experiment(
        "weight −60",
        {WEIGHT: _against_fault},
        start=_weight_start,
        outcome=lambda lab: hold(lab, "web2"),
        waits="the other server to hold the address (up to 15 s)",
        shows=_failure,
    ),
    "both": Experiment(
        "both dead",
        {BOTH: _holders},
        start=_web1_sick,
        outcome=lambda lab: lab.wait_until(
            lambda: "web2" not in lab.holders(), what="web2 to give the address up"
        ),
        waits="the scripts to fail and the timers to expire (up to 15 s)",
        shows=lambda lab: lab.timeline().last(9),
    ),
    "both-fault": Experiment(
        "both in FAULT",
        outcome=lambda lab: lab.wait_until(lambda: not lab.holders(), what="both to be in FAULT"),
        waits="the scripts to fail (up to 15 s)",
        shows=lambda lab: since(lab, "reload"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _runs(lab: Lab) -> bool:
    return all(lab.running(host) for host in lab.servers)


def _number(text: str, keyword: str) -> int:
    value = setting(text, keyword)
    return int(value) if value and re.fullmatch(r"-?\d+", value) else 0


def _lowered(lab: Lab, host: str) -> int:
    """The priority of `host` by its file, with its web server down."""
    text = lab.conf(host)
    return _number(text, "priority") + min(0, _number(text, "weight"))


def _weight_hint(lab: Lab) -> str:
    text = lab.conf("web1")
    asked = contents(text, "vrrp_instance", "track_script")
    if not any(words[0] == "chk_http" for words in asked):
        return "the instance of web1 does not track chk_http any more: what would lower it?"
    low, rival = _lowered(lab, "web1"), _number(lab.conf("web2"), "priority")
    weighs = _number(text, "weight") != 0  # 0 is FAULT, whatever the priority
    if weighs and low == rival:
        return f"web1 falls to {low}, and {rival} is not higher: an equal does not preempt"
    if weighs and low > rival:
        return f"web1 falls to {low} while its web server is gone, still higher than {rival}"
    return "the file is good enough, but has the daemon read it? `systemctl reload keepalived`"


CHALLENGES = {
    "too-light": Challenge(
        "Too light",
        state="web-sick",
        steps=(
            Step(
                "the daemon runs on both servers",
                _runs,
                hints=(
                    "a stopped daemon does not notice when its web server works again",
                    "`systemctl start keepalived`; then look at the file of web1",
                    "give chk_http a weight that is large enough, and reload web1's daemon",
                ),
            ),
            Step(
                "web1 has the higher priority as long as its web server works",
                lambda lab: (
                    _number(lab.conf("web1"), "priority") > _number(lab.conf("web2"), "priority")
                ),
                hints=(
                    "with such a priority the clients do not return once web1 works again",
                    "put the priorities back, 180 and 100, and look at the check",
                    "only the weight of chk_http needs another value",
                ),
            ),
            Step(
                "192.168.1.10 is held by web2 alone, and stays there",
                lambda lab: lab.holders() == ["web2"],
                hints=(
                    _weight_hint,
                    "priority and weight together must be less than the 100 of web2; 0 means FAULT",
                    "`weight -100` in web1's vrrp_script, then `systemctl reload keepalived`",
                ),
                timeout=TAKEN_OVER_WITHIN_S,
                lasts=LASTS,
            ),
            Step(
                "the client gets a page",
                lambda lab: "200 OK" in lab.run("client", f"timeout 2 bash -c {ASK!r}").text,
                hints=("web2 holds the address, but its web server does not answer the client",),
                timeout=5.0,
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
        "Priorities 150 and 100; a script of weight −50 fails on web1, the master. Who holds the "
        "address?",
        right="web1, as before",
        why="150 − 50 = 100, and a BACKUP that receives its own priority stays BACKUP.",
        wrong={
            "web2, after its timer": "The priorities are equal, and an equal does not preempt.",
            "both of them": (
                "web2 receives an advertisement of its own priority and stays BACKUP."
            ),
        },
    ),
    Question(
        "Why does FAULT move the address sooner than a weight does?",
        right="Going to FAULT, a master sends priority 0.",
        why="After priority 0 the backup waits only Skew_Time, otherwise its Master_Down_Interval.",
        wrong={
            "The backup runs the same script and sees the failure.": (
                "It checks its own service, not that of the master."
            ),
            "It does not: both take the same time.": (
                "With a weight the backup's timer has to expire, three intervals and Skew_Time."
            ),
        },
    ),
    Question(
        "(Lesson 10) A notify_master script is still running. Does the daemon wait for it?",
        right="no, it goes on at once",
        why="Advertisements must leave in time, so it does not wait.",
        wrong={
            "yes, until its timeout": (
                "The timeout belongs to track scripts, and the daemon does not wait for those "
                "either."
            ),
            "only while it is MASTER": "It waits in no state.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    WHO: "VRRP checks the interface and the advertisements, not the web server.",
    SECOND: "The watcher stopped web1's daemon, and nothing has started it again.",
    FAULT: (
        "Failed check number {fall} comes after {early} to {fall} s, then web2 waits its "
        "Skew_Time of {skew:.3f} s."
    ),
    OWN_WEIGHT: "150 − {weight} = {left}, {relation} the 100 of web2.",
    WEIGHT: (
        "It took {slow:.1f} s, and {fast:.1f} s with FAULT: a lowered priority is no resignation."
    ),
    BOTH: "Both are lowered: 150 − 60 = 90 is still higher than 100 − 60 = 40.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    WHO: (
        ("web2", "VRRP watches over the service: that is what it is for."),
        ("nobody", "web1 gives the address up, and web2 has no reason to take it."),
    ),
    SECOND: (
        ("web1", "web1's web server works again, so web1 takes over."),
        (
            "web2",
            "web2 is MASTER, and no other daemon runs that could take the address.",
        ),
    ),
    FAULT: (
        (0.6, "The daemon notices at once that the service is dead; only the Skew_Time counts."),
        (1, "One failed check is enough."),
        (5.6, "After the failed checks web2 waits a whole Master_Down_Interval."),
    ),
    OWN_WEIGHT: (
        ("web1", "A weight is a small thing: web1 began with 150 and stays in front."),
        ("nobody", "A failed check puts a server in FAULT, weight or not."),
    ),
    WEIGHT: (
        ("sooner", "The lower priority is sent at once, and nothing needs to be stopped."),
        (
            "at about the same time",
            "It is the same check in both cases, and the rest does not matter.",
        ),
    ),
    BOTH: (
        ("web2", "web1's check fails, so the address goes to the other server."),
        ("nobody", "No server works, so none may have the address."),
    ),
}
