"""The learning loop: say what you expect, let it happen, compare; then do it and be checked.

    gap = predict("For how long does nobody answer?", unit="s")   a form, or guess=2 in the cell
    ...                                                           the experiment
    gap.judge(3.58, "three intervals and the skew of priority 100")
    check(lab, "leave")                                           a challenge: which steps are met

A prediction that was made is worth remembering, one that was not is no error: every lesson runs
from the first cell to the last without a word from the learner.
A challenge looks at the state of the lab, never at the way there, and its hint depends on what is
still wrong. Everything shows itself as HTML in a notebook and as text everywhere else.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labs.errors import LabError, unknown

if TYPE_CHECKING:
    from labs.lab import Lab

Answer = str | float
# A number this close to the measured one counts as right: what an eye reads off the figure.
CLOSE = 0.15
RIGHT, WRONG, OPEN = "#1b7837", "#b35806", "#666666"


def _card(colour: str, title: str, body: str) -> str:
    """The one look of everything here; readable on a light and on a dark page."""
    return (
        f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.3em 0">'
        f'<b style="color:{colour}">{html.escape(title)}</b><br>{body}</div>'
    )


def _show(answer: Answer | None, unit: str) -> str:
    if answer is None:
        return "nothing"
    text = f"{answer:.3g}" if isinstance(answer, float) else str(answer)
    return f"{text} {unit}".strip()


@dataclass
class Prediction:
    """A question and the learner's answer to it, None as long as there is none.

    As the last line of a cell it shows a form, unless the answer was written into the cell.
    """

    question: str
    guess: Answer | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()

    def record(self, answer: Answer) -> None:
        """Keeps `answer`; raises LabError if it is not one of the choices."""
        if self.choices and answer not in self.choices:
            raise unknown("answer", answer, self.choices)
        self.guess = answer

    def judge(self, measured: Answer, because: str = "") -> Verdict:
        """Lays what was predicted beside what was `measured`, and says why it came so."""
        return Verdict(self, measured, because)

    def right(self, measured: Answer) -> bool:
        """Whether the guess agrees: the same choice, or a number within 15 %."""
        if isinstance(measured, str) or not isinstance(self.guess, int | float):
            return self.guess == measured
        return abs(self.guess - measured) <= CLOSE * max(abs(measured), 0.1)

    def __repr__(self) -> str:
        told = f"you said {_show(self.guess, self.unit)}" if self.guess is not None else "?"
        return f"Predict: {self.question} [{' | '.join(self.choices) or self.unit}] {told}"

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        if self.guess is not None:
            body = f"{html.escape(self.question)}<br>You say: {_show(self.guess, self.unit)}"
            display(HTML(_card(OPEN, "Prediction", body)))
        else:
            display(self._form())

    def _form(self) -> Any:
        """One field and one button; pressing it records the answer and says so."""
        import ipywidgets as widgets

        if self.choices:
            answer = widgets.RadioButtons(options=self.choices, value=None)
        else:
            answer = widgets.FloatText(description=self.unit)
        button = widgets.Button(description="That is my guess")
        told = widgets.Label()

        def record(_: object) -> None:
            if answer.value is not None:
                self.record(answer.value)
                told.value = f"recorded: {_show(self.guess, self.unit)}"

        button.on_click(record)
        title = widgets.HTML(_card(OPEN, "Predict, before you run on", html.escape(self.question)))
        return widgets.VBox([title, answer, widgets.HBox([button, told])])


def predict(
    question: str,
    guess: Answer | None = None,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
) -> Prediction:
    """Asks for a prediction: pass `guess`, or leave it None and answer in the form.

    Raises LabError if `guess` is not one of `choices`.
    """
    prediction = Prediction(question, unit=unit, choices=tuple(choices))
    if guess is not None:
        prediction.record(guess)
    return prediction


@dataclass(frozen=True)
class Verdict:
    """A prediction beside the measurement."""

    prediction: Prediction
    measured: Answer
    because: str

    @property
    def right(self) -> bool | None:
        """Whether they agree; None if nothing was predicted."""
        return None if self.prediction.guess is None else self.prediction.right(self.measured)

    def _words(self) -> tuple[str, str, str]:
        measured = _show(self.measured, self.prediction.unit)
        if self.right is None:
            return OPEN, "You made no prediction", f"It was {measured}."
        said = f"You said {_show(self.prediction.guess, self.prediction.unit)}; it was {measured}."
        return (RIGHT, "As you said", said) if self.right else (WRONG, "A surprise", said)

    def __repr__(self) -> str:
        _, title, body = self._words()
        return f"{title}. {body} {self.because}".rstrip()

    def _repr_html_(self) -> str:
        colour, title, body = self._words()
        return _card(colour, title, f"{html.escape(body)} {html.escape(self.because)}")


@dataclass(frozen=True)
class Step:
    """One thing that must be true, and what to say while it is not.

    `met(lab)` may raise LabError, which counts as not met. `hint` may look at the lab.
    A step with `patience` seconds is given that long to become true.
    """

    goal: str
    met: Callable[[Lab], bool]
    hint: str | Callable[[Lab], str]
    patience: float = 0.0


@dataclass(frozen=True)
class Report:
    """Which steps of a challenge are met, in order, and the hint for the first that is not."""

    task: str
    met: tuple[str, ...]
    unmet: tuple[str, ...] = ()
    hint: str = ""
    passed: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "passed", not self.unmet)

    def __bool__(self) -> bool:
        return self.passed

    def _title(self) -> str:
        done, steps = len(self.met), len(self.met) + len(self.unmet)
        return f"{self.task}: {'done' if self.passed else f'{done} of {steps}'}"

    def _lines(self) -> list[str]:
        return [f"✓ {goal}" for goal in self.met] + [f"· {goal}" for goal in self.unmet]

    def __repr__(self) -> str:
        hint = [f"Hint: {self.hint}"] if self.hint else []
        return "\n".join([self._title(), *self._lines(), *hint])

    def _repr_html_(self) -> str:
        lines = [html.escape(line) for line in self._lines()]
        if self.hint:
            lines.append(f"<details><summary>Hint</summary>{html.escape(self.hint)}</details>")
        return _card(RIGHT if self.passed else WRONG, self._title(), "<br>".join(lines))


def check(lab: Lab, challenge: str) -> Report:
    """Which steps of `challenge` the lab meets now; later steps wait for the earlier ones.

    Raises LabError, naming the known ones, for a challenge that does not exist.
    """
    from labs.challenges import CHALLENGES

    if challenge not in CHALLENGES:
        raise unknown("challenge", challenge, CHALLENGES)
    task, steps = CHALLENGES[challenge]
    for number, step in enumerate(steps):
        if not _holds(lab, step):
            goals = [each.goal for each in steps]
            hint = step.hint if isinstance(step.hint, str) else step.hint(lab)
            return Report(task, tuple(goals[:number]), tuple(goals[number:]), hint)
    return Report(task, tuple(step.goal for step in steps))


def _holds(lab: Lab, step: Step) -> bool:
    try:
        if step.patience:
            lab.wait_until(lambda: step.met(lab), timeout=step.patience, what=step.goal)
            return True
        return step.met(lab)
    except LabError:
        return False


def setting(text: str, keyword: str) -> str | None:
    """The first value of `keyword` in a keepalived.conf, None if it is absent or in a comment."""
    code = re.sub(r"[#!].*", "", text)
    found = re.search(rf"^\s*{re.escape(keyword)}\s+(\S+)", code, re.M)
    return found.group(1) if found else None
