"""The tasks of an exam, with the learner's own numbers; this is what the cells of exam.ipynb use.

    begin()                       what there is to do, with the numbers, and the time that is left
    answer("interval", 3.609)     a number or a text: recorded, and not judged
    submit(lab, "pair")           what of the task the cluster meets now: recorded

An answer may be given again; the last one in time counts. What is right is computed from the
numbers when the teacher looks (`labs.exam.results`), with the arithmetic of the daemon.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labs.analysis.master_down_timer import master_down, skew
from labs.cards import OPEN, Card, Table
from labs.conf import setting
from labs.errors import LabError, unknown
from labs.exam.paper import Numbers, clock
from labs.jupyter.notebook_errors import install
from labs.lessons import challenges
from labs.lessons.challenges import Challenge, Report, Step
from labs.progress import Answer, Exam, exam, memory

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

LESSON = "exam"
# s: what a learner may round.
CLOSE = 0.006
HOSTS = ("web1", "web2")


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `text` may name the numbers in braces, `right` is the answer for them."""

    text: str
    right: Callable[[Numbers], Answer]

    def accepts(self, given: Answer | None, numbers: Numbers) -> bool:
        """Whether an answer is right; a number may be rounded to hundredths."""
        right = self.right(numbers)
        if isinstance(right, str):
            return isinstance(given, str) and given.strip().lower() == right
        return isinstance(given, int | float) and abs(given - right) <= CLOSE


QUESTIONS = {
    "interval": Question(
        "A BACKUP of priority {low} receives advertisements with advert_int {interval} (VRRP "
        "version 2). How long is its Master_Down_Interval, in seconds?",
        lambda n: master_down(n.low, 2, n.interval),
    ),
    "skew": Question(
        "The same BACKUP with vrrp_version 3. How long is its Skew_Time, in seconds?",
        lambda n: skew(n.low, 3, n.interval),
    ),
    "mac": Question(
        "Which virtual MAC address has the IPv4 virtual router {vrid}? Write it in lower case.",
        lambda n: f"00:00:5e:00:01:{n.vrid:02x}",
    ),
}


def _settings(lab: Lab, keyword: str) -> list[str | None]:
    return [setting(lab.conf(host), keyword) for host in HOSTS]


def tasks(n: Numbers) -> dict[str, Challenge]:
    """The tasks on a cluster, for these numbers."""
    vrid, priorities = str(n.vrid), [str(n.high), str(n.low)]
    return {
        "pair": Challenge(
            f"Configure web1 and web2 as virtual router {n.vrid} for 192.168.1.10 on eth0: "
            f"web1 with priority {n.high}, web2 with priority {n.low}, advert_int 1",
            state="empty",
            steps=(
                _step(f"both files say virtual_router_id {n.vrid}",
                      lambda lab: _settings(lab, "virtual_router_id") == [vrid] * 2),
                _step(f"web1's priority is {n.high}, web2's is {n.low}",
                      lambda lab: _settings(lab, "priority") == priorities),
                _step("both daemons are running", lambda lab: all(map(lab.running, HOSTS))),
                _step("web1 alone holds 192.168.1.10",
                      lambda lab: lab.holders() == ["web1"], within=12.0, lasts=2.0),
            ),
        ),
        "move": Challenge(
            "Then let web2 hold the address while both daemons run and both cables are in, "
            "without a change of web2's file",
            state="empty",
            steps=(
                _step(f"web2's file still has virtual_router_id {n.vrid} and priority {n.low}",
                      lambda lab: [setting(lab.conf("web2"), each)
                                   for each in ("virtual_router_id", "priority")]
                                  == [vrid, str(n.low)]),
                _step("both daemons are running", lambda lab: all(map(lab.running, HOSTS))),
                _step("both cables are in", lambda lab: all(lab.witness.carrier().values())),
                _step("web2 alone holds 192.168.1.10",
                      lambda lab: lab.holders() == ["web2"], within=8.0, lasts=5.0),
            ),
        ),
    }  # fmt: skip


def _step(goal: str, met: Callable[[Lab], bool], within: float = 0.0, lasts: float = 0.0) -> Step:
    """A step without hints."""
    return Step(goal, met, (), within, lasts)


def items() -> list[str]:
    """What can be answered or submitted, a point each."""
    return [*QUESTIONS, *tasks(Numbers(1, 2, 1, 1))]


def wording(numbers: Numbers) -> dict[str, str]:
    """What each item asks of the learner who has these numbers."""
    given = {"vrid": numbers.vrid, "low": numbers.low, "interval": numbers.interval}
    asked = {name: question.text.format(**given) for name, question in QUESTIONS.items()}
    return asked | {name: f"{task.task}." for name, task in tasks(numbers).items()}


# --- in the notebook -----------------------------------------------------------------------------


def begin() -> Card:
    """Begin the exam: until when it lasts, and for whom it is.

    Raises LabError if there is none in this folder, or if its time has not come.
    """
    install()
    found, _ = _present()
    memory.lesson = LESSON
    memory.note("begin", LESSON)
    left = (found.ends - time.time()) / 60
    until = f"until {clock(found.ends)}, {left:.0f} minutes from now" if left > 0 else _late(found)
    return Card(OPEN, f"{found.title}: {found.learner}", (until,))


def answer(name: str, given: Answer) -> Card:
    """Record an answer.  Raises LabError for an unknown question and before the exam begins."""
    install()
    found, _ = _present()
    if name not in QUESTIONS:
        raise unknown("question", name, QUESTIONS, "in this exam")
    if type(given) not in (int, float, str):
        raise LabError(f"an answer is a number or a text, not {given!r}")
    memory.lesson = LESSON
    memory.note("answer", name, given)
    return Card(OPEN, f"{name}: recorded", (f"{given}", _late(found)))


def submit(lab: Lab, name: str) -> Report:
    """Which steps of a task `lab` meets now; recorded.

    Raises LabError for an unknown task, without a lab, and before the exam begins.
    """
    install()
    found, numbers = _present()
    known = tasks(numbers)
    if name not in known:
        raise unknown("task", name, known, "in this exam")
    if not hasattr(lab, "holders") or getattr(lab, "closed", False):
        raise LabError('there is no lab to look at: run the cell `lab = Lab("empty")` first')
    seen = challenges.look(lab, known[name])
    memory.lesson = LESSON
    memory.note("check", name, passed=seen.passed)
    late = _late(found)
    return Report(f"{name}{late and f' ({late})'}", seen.met, seen.unmet, sees=seen.sees)


def done() -> Table:
    """What has been recorded of the learner's exam so far."""
    _present()
    memory.lesson = LESSON
    rows = []
    for name in items():
        entries = [*memory.entries("answer", name), *memory.entries("check", name)]
        last = entries[-1] if entries else None
        shown = "" if last is None else str(last.answer if name in QUESTIONS else last.passed)
        rows.append((name, shown, clock(last.t) if last else ""))
    return Table(("task", "recorded", "at"), rows)


def _present() -> tuple[Exam, Numbers]:
    """The exam in this folder, with the learner's numbers.

    Raises LabError if there is none, if it is damaged, and before it begins.
    """
    found = exam()
    if found is None:
        raise LabError("there is no exam in this folder: the teacher has to hand it out")
    try:
        numbers = Numbers(**found.numbers)
    except TypeError:
        raise LabError("the exam has other numbers than expected: ask the teacher") from None
    if time.time() < found.begins:
        raise LabError(f"the exam begins at {clock(found.begins)}; it is {clock(time.time())} now")
    return found, numbers


def _late(found: Exam) -> str:
    return f"late: it ended at {clock(found.ends)}" if time.time() > found.ends else ""
