"""Say what you expect, let it happen, compare.

    gap = predict("For how long does the client get no answer?", unit="s")
    gap                        a form; afterwards the answer
    commit(gap)                first line of the cell that runs it: refuses as long as gap is open
    gap.judge(3.58)            what was predicted beside what was measured, and why, which is in
                               the lesson's module (`labs.lessons.course`), out of sight
    gap.on(failover)           the same as a picture

Only a prediction that was made before the run can be a surprise, and only a surprise is remembered:
so `commit` insists, politely. A cell that is run again keeps the answer, so does a new kernel. Once
it has been compared with a measurement, another answer is one for another round: both are kept, and
the report counts the first.

Each learner sees the choices in an order of their own, which is the same whenever they are asked;
without a learner's folder (a recording, the book) it is that of the source.  A scale ("sooner",
"later"; "2", "4") keeps its order: `ordered`.  An answer is recorded and judged by its text.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labs import own_numbers
from labs.cards import OPEN, RIGHT, WRONG, Card, card, marked, widget
from labs.errors import LabError, unknown
from labs.figures import base
from labs.figures.prediction_overlay import PredictionMark, start_of
from labs.jupyter.notebook_errors import LessonError, install
from labs.lessons.typed_number import number
from labs.progress import Answer, memory, seed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labs.analysis.timeline import Timeline

# A number this close to the measured one counts as right: what an eye reads off the figure.
CLOSE = 0.15
# Milliseconds in a unit; what is measured in something else is not drawn as a time.
MILLI = {"s": 1000, "ms": 1}
# The predictions that this kernel has asked for, by their questions.
_asked: dict[str, Prediction] = {}


def answer_text(answer: Answer | None, unit: str) -> str:
    """An answer as a reader would write it: ``3.61 s``, ``web2``."""
    if answer is None:
        return "nothing"
    text = str(answer)
    if isinstance(answer, float):
        text = f"{answer:.3g}" if abs(answer) < 1000 else f"{answer:.0f}"
    return f"{text} {unit}".strip()


def _quoted(text: str, answer: Answer | None) -> str:
    """A choice of several words reads as part of the sentence unless it is set apart."""
    return f"“{text}”" if isinstance(answer, str) and " " in answer else text


@dataclass
class Prediction:
    """A question and the learner's answer to it, None as long as there is none.

    A question may have names of the learner's own numbers in braces (`labs.own_numbers`).

    As the last line of a cell it shows a form, or the answer if there is one.
    """

    question: str
    guess: Answer | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    # The choices are a scale, whose order means something.
    ordered: bool = False
    # The answer stands in the source of the cell: no form asks for another.
    written: bool = False

    @property
    def text(self) -> str:
        """The question with the learner's own numbers."""
        return own_numbers.fill(self.question)

    @property
    def key(self) -> str:
        """What the question is called in progress files, whatever the learner's numbers are."""
        return own_numbers.recorded(self.question)

    def choices_of(self, learner: str) -> tuple[str, ...]:
        """All choices in the order that this `learner` sees; that of the source for "".

        The order of a scale is everybody's.
        """
        shown = list(self.choices)
        if learner and not self.ordered:
            random.Random(f"{learner} {self.key}").shuffle(shown)
        return tuple(shown)

    def record(self, answer: Answer) -> None:
        """Keeps `answer`; raises LabError if it is not one of the choices."""
        if self.choices and answer not in self.choices:
            raise unknown("answer", answer, self.choices)
        if answer != self.guess:
            memory.note("prediction", self.key, answer)
        self.guess = answer

    def judge(
        self,
        measured: Answer | None = None,
        because: str = "",
        *,
        spread: float = 0.0,
        between: tuple[float, float] | None = None,
        **facts: object,
    ) -> Verdict:
        """Lays what was predicted beside what was `measured`, and says why it came so.

        Where nothing is measured, the lesson's module knows what is right.  `because`: the reason,
        by default the one of the lesson's module with `facts` filled in.  `spread`, in the unit of
        the prediction: how far a random number lies from the expected one as a rule.
        `between`: the lowest and the highest value that the protocol allows, where it is chance
        which of them is measured; each of them is right.
        """
        from labs.lessons import course

        found = course.right_answer(self.question) if measured is None else measured
        known = {**own_numbers.values(), **facts}
        reason = because or course.reason(self.question).format(**known)
        verdict = Verdict(self, found, reason, spread, between)
        if self.guess is not None:
            memory.note("verdict", self.key, self.guess, found, verdict.right)
        return verdict

    def right(
        self,
        measured: Answer,
        spread: float = 0.0,
        between: tuple[float, float] | None = None,
    ) -> bool:
        """Whether the guess agrees: the same choice, or a number within 15 % or the `spread`.

        A number `between` these two agrees as well, both rounded to a tenth.
        """
        if isinstance(measured, str) or not isinstance(self.guess, int | float):
            return self.guess == measured
        if between and round(between[0], 1) <= self.guess <= round(between[1], 1) + 0.05:
            return True
        return abs(self.guess - measured) <= max(CLOSE * max(abs(measured), 0.1), spread)

    def on(self, timeline: Timeline, since: float | None = None) -> Beside:
        """The timeline figure of `timeline` with the guess drawn in.

        A number of seconds is drawn from `since` (Unix time), by default from where the client's
        longest silence begins, or else from the first thing that was done.
        """
        return Beside(self, timeline, since)

    def __repr__(self) -> str:
        told = f"you said {answer_text(self.guess, self.unit)}" if self.guess is not None else "?"
        return f"Predict: {self.text} [{' | '.join(self._shown()) or self.unit}] {told}"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        asks = self._asks()
        answered = Card(OPEN, "Prediction", (*asks, f"You say: {self._answer_text()}"))
        if self.written:
            display(answered)
            return
        asking = Card(OPEN, "Predict before you run the next cell", (*asks, self._ways()))
        twin = asking if self.guess is None else answered
        display(widget(self._form(), twin), raw=True)

    def _shown(self) -> tuple[str, ...]:
        """The choices as the learner of this folder sees them."""
        return self.choices_of(seed()) if self.choices else ()

    def _asks(self) -> tuple[str, ...]:
        """The question, and whose numbers it has if it has some."""
        remark = own_numbers.remark(self.question)
        return (self.text, remark) if remark else (self.text,)

    def _state(self) -> str:
        """What the form says of the answer: whether there is one, and whether it was judged."""
        if self.guess is None:
            return ""
        if not self._judged():
            return f"recorded: {self._answer_text()}"
        return f"you said {self._answer_text()}; answer again for another round"

    def _judged(self) -> bool:
        """Whether the present answer has been compared with a measurement."""
        verdicts = memory.entries("verdict", self.key)
        return bool(verdicts) and verdicts[-1].answer == self.guess

    def _answer_text(self) -> str:
        return answer_text(self.guess, self.unit)

    def _ways(self) -> str:
        """How to answer where no form can be shown."""
        some = f"a number{self.unit and f' ({self.unit})'}"
        kinds = " or ".join(map(repr, self._shown())) or some
        return f"Answer in the cell: predict(..., guess=...), with {kinds}."

    def _form(self) -> Any:
        """One field and one button; either records the answer and says so."""
        import ipywidgets as widgets

        answer: Any
        if self.choices:
            answer = widgets.RadioButtons(options=self._shown(), value=self.guess)
        else:
            answer = widgets.Text(placeholder=f"a number{self.unit and f' ({self.unit})'}")
            answer.continuous_update = False  # a value is what Enter ended, not every digit
        button = widgets.Button(description="That is my guess")
        state = widgets.Label(self._state())

        def record(_: object) -> None:
            try:
                self.record(answer.value if self.choices else number(answer.value, self.unit))
            except LabError:
                state.value = "choose one"
            except ValueError as error:
                state.value = str(error)
            else:
                state.value = self._state()

        def ask_to_press(_: object) -> None:
            state.value = "not recorded yet: press the button"

        button.on_click(record)
        answer.observe(ask_to_press if self.choices else record, "value")
        asks = "<br>".join(map(marked, self._asks()))
        title = widgets.HTML(card(OPEN, "Predict before you run the next cell", asks))
        return widgets.VBox([title, answer, widgets.HBox([button, state])])


def predict(
    question: str,
    guess: Answer | None = None,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
    ordered: bool = False,
) -> Prediction:
    """Asks for a prediction: pass `guess`, or leave it out and answer in the form.

    The form shuffles the choices for each learner, unless they are a scale (`ordered`).
    An answer that was given before is kept, and the form takes another.
    Raises LabError if `guess` is not one of `choices`.
    """
    install()
    prediction = Prediction(question, unit=unit, choices=tuple(choices), ordered=ordered)
    before = [entry.answer for entry in memory.entries("prediction", prediction.key)]
    if before and (not choices or before[-1] in choices):
        prediction.guess = before[-1]
    if guess is not None:
        prediction.record(guess)
        prediction.written = True
    _asked[question] = prediction
    return prediction


def asked(question: str) -> Prediction | None:
    """The prediction that `predict` has made of this question in this kernel, or None."""
    return _asked.get(question)


def commit(*predictions: Prediction) -> None:
    """Refuses, with a card instead of an error, while one of `predictions` has no answer.

    Raises Refusal, which ends the cell and the run; LabError for something else than a prediction.
    """
    install()
    for prediction in predictions:
        if not isinstance(prediction, Prediction):
            raise LabError(f"{prediction!r} is no prediction: write commit(NAME) of a predict()")
    unanswered = [prediction.text for prediction in predictions if prediction.guess is None]
    if unanswered:
        raise LessonError(
            "First say what you expect",
            *(f"▸ {question}" for question in unanswered),
            "The run stops here: the cells below have not run.",
            "Answer in the form above, then run this cell again. A wrong guess is worth more "
            "than none: it is the one you will remember.",
        )


@dataclass(frozen=True)
class Verdict:
    """A prediction beside the measurement."""

    prediction: Prediction
    measured: Answer
    because: str
    spread: float = 0.0
    between: tuple[float, float] | None = None

    @property
    def right(self) -> bool | None:
        """Whether they agree; None if nothing was predicted."""
        return (
            None
            if self.prediction.guess is None
            else self.prediction.right(self.measured, self.spread, self.between)
        )

    def _card(self) -> Card:
        unit = self.prediction.unit
        measured = _quoted(answer_text(self.measured, unit), self.measured)
        if self.right is None:
            return Card(OPEN, "You made no prediction", (f"It was {measured}. {self.because}",))
        guess = _quoted(answer_text(self.prediction.guess, unit), self.prediction.guess)
        words = f"You said {guess}; it was {measured}. {self.because}"
        colour, title = (RIGHT, "As you said") if self.right else (WRONG, "A surprise")
        return Card(colour, title, (words.rstrip(),))

    def __repr__(self) -> str:
        told = self._card()
        return f"{told.title}. {' '.join(told.body)}".rstrip()

    def _repr_html_(self) -> str:
        return self._card()._repr_html_()


@dataclass(frozen=True, repr=False)
class Beside(base.Figure):
    """A timeline with a guess drawn in; a notebook shows the figure and its text twin."""

    prediction: Prediction
    timeline: Timeline
    since: float | None = None

    def guess(self) -> PredictionMark | None:
        """The prediction as the figure wants it; None if there is none."""
        answer, unit = self.prediction.guess, self.prediction.unit
        if answer is None:
            return None
        words = f"you said {answer_text(answer, unit)}"
        if isinstance(answer, str) or unit not in MILLI:
            return PredictionMark(words)
        since = start_of(self.timeline) if self.since is None else self.since
        return PredictionMark(words, since, answer * MILLI[unit] / 1000)

    def figure(self) -> Figure:
        """The timeline figure with the guess."""
        return self.timeline.figure(guess=self.guess())

    def text(self) -> str:
        """The timeline in text, and the guess."""
        guess = self.guess()
        return "\n".join([self.timeline.text(), *([guess.words] if guess else [])])
