"""The experiments of a lesson: what must be so before, what to wait for, to show and to measure.

    %%experiment plug           a cell of a lesson; begin() registers this magic
    lab.plug("web1")

    1  the predictions that it answers must have an answer, or the cell refuses
    2  what must be so before is brought about, or the cell refuses with the reason; the figure
       begins a second before the experiment, so that second must show none of it
    3  the lines of the cell run: Python, or %%on and shell commands; if a command in them was not
       reached, as the reload of `keepalived -t && ...`, the cell refuses
    4  the cell waits for the outcome and says what it waits for
    5  it shows the figure with the guess, and each prediction beside what was measured

Each is in the lesson's module (`labs.lessons.course`), out of the learner's sight.
A cell that is run again starts from the same situation; what did not happen is not judged.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from labs import own_numbers, waiting
from labs.analysis.timeline import Timeline
from labs.errors import LabError, NextStepReached
from labs.jupyter.notebook_errors import EXPERIMENT, LessonError
from labs.lessons.predictions import Prediction, asked, commit
from labs.model.facts import Action
from labs.model.fault_verbs import FAULT_VERBS
from labs.progress import Answer, memory
from labs.replay import recording

if TYPE_CHECKING:
    from labs.emulation.lab import Lab
    from labs.lab_api import LabApi

# What was measured, and what the reason says of it by name; `spread` is that of a random number.
Measured = Answer | tuple[Answer, Mapping[str, Any]]
# s after the last event of the start: more than the second with which a figure begins.
_CALM_S = 1.2
# What changes a cluster in the lines of a cell: a command of a server, a verb of the kit.
_COMMAND = re.compile(r"\bsystemctl (?:start|stop|restart|reload) \w+")
_VERB = re.compile(r"\blab\.(\w+)\(")
# The timelines that the experiments of this kernel have shown, by name, each with its title.
_shown: dict[str, tuple[str, Timeline]] = {}


def _nothing(_lab: Lab) -> None:
    """Nothing needs to be so before, or nothing is to be waited for."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment; `title` is its name in a figure that compares several.

    `start(lab)` brings about what must be so before; LabError with the reason if it cannot.
    `outcome(lab)` waits until it is over, and `waits` says for what.
    `shows(lab)` is what the cell shows; `drawn` is the question whose guess a timeline then shows.
    `asks` has for each question of a prediction what measures the answer; LabError if nothing
    happened that could be measured.
    """

    title: str
    asks: Mapping[str, Callable[[Lab], Measured]] = field(default_factory=dict)
    start: Callable[[Lab], None] = _nothing
    outcome: Callable[[Lab], object] = _nothing
    waits: str = ""
    shows: Callable[[Lab], object] | None = None
    drawn: str = ""

    def ready(self) -> dict[str, Prediction]:
        """The predictions by their questions.  Raises LessonError as long as one has no answer."""
        found = {question: asked(question) for question in self.asks}
        missing = [question for question, prediction in found.items() if prediction is None]
        if missing:
            raise LessonError(
                "First run the cells above that ask",
                *(f"▸ {own_numbers.fill(question)}" for question in missing),
            )
        known = {question: each for question, each in found.items() if each is not None}
        commit(*known.values())
        return known

    def happened(self, lab: Lab, name: str) -> object:
        """Wait for the outcome; what there is to see of it, for `compare` by its `name`."""
        if self.waits:
            print(f"waiting for {self.waits}", flush=True)
        with waiting.announced() if self.waits else nullcontext():
            self.outcome(lab)
        seen = self.shows(lab) if self.shows else None
        if isinstance(seen, Timeline):
            _shown[name] = (self.title, seen)
        return seen

    def results(self, lab: Lab, name: str, predictions: Mapping[str, Prediction]) -> list[Any]:
        """Wait for the outcome; what the cell is to show, in order."""
        seen = self.happened(lab, name)
        made: list[Any] = []
        if isinstance(seen, Timeline) and self.drawn:
            made.append(predictions[self.drawn].on(seen))
        elif seen is not None:
            made.append(seen)
        for question, measure in self.asks.items():
            value = measure(lab)
            answer, facts = value if isinstance(value, tuple) else (value, {})
            made.append(predictions[question].judge(answer, because="", **facts))
        return made


def register(shell: Any) -> None:
    """Make %%experiment and %catch_up known to an IPython; None, outside of one, is ignored."""
    if shell is not None:
        from labs.lessons import catch_up

        shell.register_magic_function(partial(_experiment, shell), "cell", "experiment")
        shell.register_magic_function(partial(catch_up.magic, shell), "line", "catch_up")


def _experiment(shell: Any, line: str, cell: str) -> None:
    """Do an experiment of the lesson: the lines of the cell, from its start to its outcome."""
    from IPython.display import display

    from labs.api import lab_class
    from labs.lessons import course

    name = line.strip()
    experiment = course.experiment(name, memory.lesson)
    predictions = experiment.ready()
    lab = lab_class().current()
    before = lab.now
    experiment.start(lab)
    calm(lab, before)
    begun = lab.now
    run_lines(shell, cell.lstrip("\n"))
    require_done(lab, cell, begun)
    for each in experiment.results(lab, name, predictions):
        display(each)


def calm(lab: LabApi, before: float) -> None:
    """Wait until what was done since `before` (the lab's clock, s) is more than a second ago.

    If nothing was done since, that is so at once.
    """

    def last() -> float:
        seen = lab.timeline()
        happened = [act.t for act in seen.of(Action)] + [move.at for move in seen.takeovers]
        return max(happened, default=before)

    if last() <= before:
        return
    with suppress(NextStepReached):  # a replay has only the seconds that were recorded
        lab.wait_until(lambda: lab.now > last() + _CALM_S, what="a second without a change")


def require_done(lab: LabApi, cell: str, begun: float) -> None:
    """Raise LabError if `cell` has a command or a verb in it, and none was done since `begun` (s).

    What came of an earlier run must not be judged as if it came of this one.  In a replay there is
    one run, which a cell that is run again shows again; it refuses by itself what was not done.
    """
    if recording.mode() == recording.REPLAY:
        return
    commands = _COMMAND.findall(cell)
    commands += [f"lab.{verb}" for verb in _VERB.findall(cell) if verb in FAULT_VERBS]
    if commands and not any(act.t >= begun for act in lab.timeline().of(Action)):
        raise LabError(
            f"`{commands[0]}` was not done: what the cell has printed above says why. "
            "Correct that, and run this cell again"
        )


def run_lines(shell: Any, cell: str) -> None:
    """Run the lines of a cell: a cell magic, such as %%on, or Python."""
    if cell.startswith("%%"):
        first, _, rest = cell[2:].partition("\n")
        name, _, line = first.partition(" ")
        shell.run_cell_magic(name, line, rest)
    else:
        linecache.cache[EXPERIMENT] = (len(cell), None, cell.splitlines(keepends=True), EXPERIMENT)
        exec(compile(cell, EXPERIMENT, "exec"), shell.user_ns)


def shown(name: str) -> Timeline:
    """The timeline that an experiment of this kernel has shown; LabError if it has not been run."""
    if name not in _shown:
        raise LabError(
            f"the experiment {name!r} has not been run yet: "
            f"run the cell above that says %%experiment {name}, then this one"
        )
    return _shown[name][1]


def compare(*names: str) -> Any:
    """The timelines of several experiments, one below the other.

    Raises LabError if one of them has not been run in this kernel.
    """
    from labs.figures import plot

    timelines = [shown(name) for name in names]
    return plot.stack(timelines, titles=[_shown[name][0] for name in names])
