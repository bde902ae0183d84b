"""The questions at the end of a lesson: an answer, and at once the reason.

    quiz("07-failover")     a few questions, the last of them from two lessons earlier

The choices are shuffled for each learner, and an answer is judged by its text.
With widgets the learner chooses and reads why; a page without them (GitHub, the book, a terminal)
shows the questions with the answers folded away, or below.
"""

from __future__ import annotations

import html
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labs.cards import OPEN, RIGHT, WRONG, card, folded, marked
from labs.jupyter.notebook_errors import install
from labs.progress import memory, seed

LETTERS = "abcdefgh"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the `right` answer, `why` it is; `wrong`: the other choices and their reasons."""

    text: str
    right: str
    why: str
    wrong: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.wrong or self.right in self.wrong:
            raise ValueError(f"{self.text}: the wrong choices are none, or one of them is right")

    def choices(self, learner: str = "") -> tuple[str, ...]:
        """All choices in an order that is the same whenever this `learner` is asked."""
        shuffled = [self.right, *self.wrong]
        random.Random(f"{learner} {self.text}").shuffle(shuffled)
        return tuple(shuffled)


class Quiz:
    """Questions to answer; as the last line of a cell it shows them.

    `learner`: what the order of the choices is made of; the seed of the learner's folder.
    """

    def __init__(self, questions: tuple[Question, ...], learner: str = "") -> None:
        self.questions = questions
        self.choices = [question.choices(learner) for question in questions]

    def answer(self, number: int, choice: str) -> str:
        """Record the answer to question `number` (from 0); HTML: whether it is right, and why.

        A wrong choice gets the reason why it is wrong, not the right one.
        """
        question = self.questions[number]
        passed = choice == question.right
        memory.note("quiz", question.text, choice, passed=passed)
        if passed:
            return card(RIGHT, "Yes", marked(question.why))
        return card(WRONG, "Not quite", f"{marked(question.wrong[choice])} Choose another.")

    def score(self) -> str:
        """How many questions are answered; when all are, that the lesson is at its end.

        As the gradebook counts: a first try is the first one ever, not that of this kernel.
        """
        tries = [memory.entries("quiz", question.text) for question in self.questions]
        right = sum(any(entry.passed for entry in own) for own in tries)
        asked = len(self.questions)
        if right < asked:
            return f"{right} of {asked} answered"
        first = sum(bool(own[0].passed) for own in tries)
        return f"All {asked} answered, {first} at the first try: this lesson is done."

    def _letter(self, number: int) -> str:
        """The letter of the right choice of a question."""
        return LETTERS[self.choices[number].index(self.questions[number].right)]

    def __repr__(self) -> str:
        parts = []
        for number, question in enumerate(self.questions):
            rows = [f"   {LETTERS[n]}) {choice}" for n, choice in enumerate(self.choices[number])]
            parts.append("\n".join([f"{number + 1}. {question.text}", *rows]))
        answers = "  ".join(f"{n + 1}{self._letter(n)}" for n in range(len(self.questions)))
        return "\n".join([*parts, f"Answers: {answers}"])

    def _repr_html_(self) -> str:
        return "".join(map(self._static, range(len(self.questions))))

    def _static(self, number: int) -> str:
        """A question for a page without widgets, its answer folded away."""
        question = self.questions[number]
        rows = "".join(f"<li>{marked(choice)}</li>" for choice in self.choices[number])
        why = f"<b>{self._letter(number)}</b>: {marked(question.why)}"
        body = f'<ol type="a" style="margin:.2em 0">{rows}</ol>{folded("Answer", why)}'
        return card(OPEN, f"{number + 1}. {question.text}", body)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        bundle = dict(self._form()._repr_mimebundle_())
        twins = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        display({**bundle, **twins}, raw=True)

    def _form(self) -> Any:
        import ipywidgets as widgets

        score = widgets.HTML(html.escape(self.score()))
        return widgets.VBox([*(self._one(n, score) for n in range(len(self.questions))), score])

    def _one(self, number: int, score: Any) -> Any:
        """A question, its choices, and the place where the reason will appear."""
        import ipywidgets as widgets

        question = self.questions[number]
        title = widgets.HTML(f"<b>{number + 1}. {marked(question.text)}</b>")
        wide = widgets.Layout(width="auto")
        choices = widgets.RadioButtons(options=self.choices[number], value=None, layout=wide)
        told = widgets.HTML()

        def choose(change: Any) -> None:
            told.value = self.answer(number, change["new"])
            score.value = f"<b>{html.escape(self.score())}</b>"

        choices.observe(choose, "value")
        return widgets.VBox([title, choices, told])


def quiz(lesson: str) -> Quiz:
    """The questions of `lesson`; raises LabError, naming the known ones, if there is none."""
    from labs.lessons import course

    install()
    return Quiz(course.lesson(lesson).questions, seed())
