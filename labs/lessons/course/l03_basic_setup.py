"""03 Basic setup: two files, three starts, and another virtual_router_id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import setting
from labs.errors import LabError
from labs.experiments.role_swap import since, taken
from labs.lessons import Challenge, Experiment, Question, Step
from labs.lessons.experiment import Measured
from labs.model.facts import Advert

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Basic setup: one address, two servers"
QUESTION = "What is the smallest pair of servers that keeps one address alive?"
MINUTES = 30

WAIT = "How long after its start does web1 hold 192.168.1.10?"
WHO = "Both run. Who holds 192.168.1.10?"
LATER = "And then, a few seconds after web1 has started?"

SERVERS = ("web1", "web2")
# A cluster has one holder again within this time: a start, and one Master_Down_Interval.
ONE_HOLDER_WITHIN_S = 12.0


# --- the experiments -----------------------------------------------------------------------------


def _stopped(lab: Lab, host: str) -> None:
    """Let no daemon run on `host`, and let its config be written."""
    if setting(lab.conf(host), "virtual_router_id") is None:
        raise LabError(f"{host} has no keepalived.conf yet: run the cell above that writes it")
    if lab.running(host):
        print(f"the daemon of {host} is running: stopping it first")
        lab.stop(host)


def _nothing_runs(lab: Lab) -> None:
    """Let web1 have its file and no daemon run."""
    _stopped(lab, "web1")
    if lab.running("web2"):
        print("the daemon of web2 is running: stopping it first")
        lab.stop("web2")
    lab.wait_until(lambda: not lab.holders(), what="no host to hold the address")


def _one_holds(lab: Lab, holder: str, other: str) -> None:
    """Let `holder` hold the address, and let no daemon run on `other`, which has its file."""
    _stopped(lab, other)
    if not lab.running(holder):
        print(f"no daemon is running on {holder}: starting it, and waiting until it is MASTER")
        lab.start(holder)
    lab.wait_until(lambda: lab.holders() == [holder], what=f"{holder} to hold the address")


def _since_start(lab: Lab) -> Timeline:
    return since(lab, "start")


def _wait(lab: Lab) -> Measured:
    move = taken(_since_start(lab))
    if move.cause is None or move.to != "web1":
        raise LabError("web1 has not taken the address since its daemon was started")
    return round(move.at - move.cause.t, 2)


def _holder(lab: Lab) -> Measured:
    _both_run(lab)
    holders = lab.holders()
    return holders[0] if len(holders) == 1 else "both"


def _in_the_end(lab: Lab) -> Measured:
    _both_run(lab)
    ends: dict[tuple[str, ...], str] = {("web2",): "web2 keeps it", ("web1",): "web1 takes it"}
    return ends.get(tuple(lab.holders()), "both hold it")


def _both_run(lab: Lab) -> None:
    missing = [host for host in SERVERS if not lab.running(host)]
    if missing:
        raise LabError(f"no daemon is running on {' and '.join(missing)}: start it first")


_WAITS = "the address to rest on one server (a few seconds, at most 30)"
EXPERIMENTS = {
    "first": Experiment(
        "web1 starts alone",
        {WAIT: _wait},
        start=_nothing_runs,
        outcome=lambda lab: lab.settle(),
        waits=_WAITS,
        shows=_since_start,
    ),
    "second": Experiment(
        "web2 starts second",
        {WHO: _holder},
        start=lambda lab: _one_holds(lab, "web1", "web2"),
        outcome=lambda lab: lab.settle(),
        waits=_WAITS,
        shows=_since_start,
    ),
    "order": Experiment(
        "web1 starts second",
        {LATER: _in_the_end},
        start=lambda lab: _one_holds(lab, "web2", "web1"),
        outcome=lambda lab: lab.settle(),
        waits=_WAITS,
        shows=_since_start,
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _vrid(lab: Lab, host: str) -> str | None:
    return setting(lab.conf(host), "virtual_router_id")


def _vrids_on_the_wire(lab: Lab) -> set[int]:
    """The VRID that each holder last advertised."""
    last = {advert.host: advert.vrid for advert in lab.facts() if isinstance(advert, Advert)}
    return {vrid for host, vrid in last.items() if host in lab.holders()}


def _file_hint(lab: Lab) -> str:
    other = [f"{host}'s config" for host in SERVERS if _vrid(lab, host) != "52"]
    return f"{' and '.join(other)} still has another virtual_router_id"


def _holder_hint(lab: Lab) -> str:
    if len(lab.holders()) > 1:
        return (
            "both servers hold the address: their daemons are in different virtual routers and "
            "ignore each other; has each of them read its new file?"
        )
    return "no server holds the address; `journalctl -u keepalived` on web1 shows why"


RESTART = "on each server: `keepalived -t && systemctl restart keepalived`"
CHALLENGES = {
    "vrid": Challenge(
        "Another virtual router",
        state="basic",
        steps=(
            Step(
                "both files say virtual_router_id 52",
                lambda lab: all(_vrid(lab, host) == "52" for host in SERVERS),
                hints=(
                    _file_hint,
                    "edit /etc/keepalived/keepalived.conf in the terminal of each server",
                    "sed -i 's/virtual_router_id .*/virtual_router_id 52/' FILE, on each server",
                ),
            ),
            Step(
                "the master advertises VRID 52",
                lambda lab: _vrids_on_the_wire(lab) == {52},
                hints=(
                    "a daemon reads its file when it starts or reloads, and these have not since",
                    "which command of systemctl lets a daemon read its file again?",
                    RESTART,
                ),
                timeout=ONE_HOLDER_WITHIN_S,
            ),
            Step(
                "exactly one server holds 192.168.1.10, and keeps it",
                lambda lab: len(lab.holders()) == 1,
                hints=(
                    _holder_hint,
                    "compare `grep virtual_router_id /etc/keepalived/keepalived.conf` on both",
                    RESTART,
                ),
                timeout=ONE_HOLDER_WITHIN_S,
                lasts=4.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Which line of the file decides who holds the address while both are well?",
        right="priority",
        why="The higher priority wins, and your two files differ in no other line.",
        wrong={
            "state": "In your files it is BACKUP on both, so it cannot decide between them.",
            "virtual_router_id": "It has to be the same on both, so it cannot decide either.",
        },
    ),
    Question(
        "How long does a server of priority 100 wait without an advertisement, at advert_int 1?",
        right="3.609 s",
        why="Three intervals and Skew_Time: 3 + 156/256 s (RFC 3768, section 6.1).",
        wrong={
            "1 s": "That is one interval: a single lost packet would be enough for a takeover.",
            "3 s": "The three intervals are right, but Skew_Time is added to them.",
        },
    ),
    Question(
        "What would happen if only one server moved to virtual router 52?",
        right="both would hold it",
        why="Each would ignore the other's advertisements and become MASTER.",
        wrong={
            "nobody would hold it": (
                "Each becomes MASTER of its own virtual router, and both list the address."
            ),
            "nothing would change": (
                "The VRID is checked in every advertisement; another one is ignored."
            ),
        },
    ),
    Question(
        "(Lesson 01) A capture shows advertisements of VRID 51, all from 192.168.1.12. What is "
        "that server?",
        right="the MASTER of virtual router 51",
        why="Only the MASTER of a virtual router advertises; its address is that of the sender.",
        wrong={
            "a BACKUP of virtual router 51": "A BACKUP sends no advertisements.",
            "the switch of that network": "A switch passes VRRP on, and sends none of its own.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    WAIT: "web1 starts as BACKUP, and waits one Master_Down_Interval before it takes over.",
    WHO: (
        "web2 receives advertisements with priority 150, higher than its own 100, and stays BACKUP."
    ),
    LATER: "The higher priority preempts the lower one, whichever server was MASTER first.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    WAIT: (
        (0, "No other server is running, so web1 has nothing to wait for."),
        (1, "One advertisement interval without another MASTER is enough."),
    ),
    WHO: (
        ("web2", "The server that was started last takes the address."),
        ("both", "Both files have the address, so both daemons add it."),
    ),
    LATER: (
        ("web2 keeps it", "web2 was MASTER first and works, so web1 becomes its BACKUP."),
        ("both hold it", "web2 is MASTER already, and web1's file is made for the master, too."),
    ),
}
