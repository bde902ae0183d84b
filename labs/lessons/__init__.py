"""The learning loop, as the cells of a lesson see it; this is the only module they need for it.

    begin("07-failover")                       the question, and how long it takes
    gap = predict("For how long ...?", unit="s")
    commit(gap)                                no experiment without a guess          predictions.py
    gap.judge(3.58)                            what was predicted beside what was measured
    %%experiment cable                         a whole experiment in one cell         experiment.py
    compare("cable", "crash")                  the timelines of several of them
    check(lab, "leave")                        a challenge: which steps are met       challenges.py
    quiz("07-failover")                        what is left without looking           quiz.py

What the learner answers is remembered (progress.py); what the lessons ask is in
`labs.lessons.course`.
Everything shows itself as HTML in a notebook and as text everywhere else.
"""

from __future__ import annotations

import os
import sys

from labs import own_numbers
from labs.cards import OPEN, Card
from labs.jupyter.notebook_errors import LessonError, install
from labs.lessons.challenges import Challenge, Report, Step, check
from labs.lessons.experiment import Experiment, compare, register
from labs.lessons.predictions import Prediction, Verdict, commit, predict
from labs.lessons.quiz import Question, Quiz, quiz
from labs.progress import memory
from labs.replay import recording

__all__ = [
    "Challenge",
    "Experiment",
    "LessonError",
    "Prediction",
    "Question",
    "Quiz",
    "Report",
    "Step",
    "Verdict",
    "begin",
    "check",
    "commit",
    "compare",
    "predict",
    "quiz",
]  # fmt: skip


def begin(name: str) -> Card:
    """Opens the lesson `name`: what it asks, how long it takes, which daemon runs, whose numbers.

    Predictions and checks belong to it from now on.
    Raises LabError, naming the known ones, if there is no such lesson.
    """
    from IPython.core.getipython import get_ipython

    from labs.lessons import course

    install()
    register(get_ipython())
    lesson = course.lesson(name)
    own_numbers.use(lesson.slug, lesson.own)
    memory.lesson = lesson.name
    memory.note("begin", lesson.name)
    daemon = os.environ.get("LAB_DAEMON", "vrrpd")
    place = "live on this machine" if sys.platform == "linux" else "without a lab"
    if recording.mode() == recording.REPLAY:
        recording.challenged = {each.state for each in lesson.challenges.values()}
        place = "a REPLAY of a recorded run (nothing runs here)"
    body = [lesson.question, f"{lesson.minutes} minutes, {place}, {daemon}"]
    if numbers := own_numbers.values():
        listed = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
        whose = "the recorded run's" if own_numbers.fixed() else "your own"
        body.append(f"the numbers of this lesson, {whose}: {listed}")
    return Card(OPEN, lesson.title, tuple(body))
