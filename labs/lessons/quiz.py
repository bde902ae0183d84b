"""The questions at the end of a lesson: an answer, and at once the reason.

    quiz("05-failover")     a few questions, the last of them from two lessons earlier

With widgets the learner chooses and is told why; a page without them (GitHub, the book, a terminal)
shows the questions with the answers folded away, or below.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from labs.cards import OPEN, RIGHT, WRONG, card, folded
from labs.lessons.notebook_errors import install
from labs.progress import memory

LETTERS = "abcdefgh"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with `choices`, of which number `right` (from 0) is; `why` says why it is."""

    text: str
    choices: tuple[str, ...]
    right: int
    why: str

    def __post_init__(self) -> None:
        if not 0 <= self.right < len(self.choices):
            raise ValueError(f"{self.text}: there is no choice {self.right}")

    @property
    def answer(self) -> str:
        """The right choice."""
        return self.choices[self.right]


class Quiz:
    """Questions to answer; as the last line of a cell it shows them."""

    def __init__(self, questions: tuple[Question, ...]) -> None:
        self.questions = questions

    def answer(self, number: int, choice: str) -> str:
        """Records the answer to question `number` (from 0) and says, as HTML, whether it is right.

        A wrong choice is not told the right one: one may think and choose again.
        """
        question = self.questions[number]
        passed = choice == question.answer
        memory.note("quiz", question.text, choice, passed=passed)
        if passed:
            return card(RIGHT, "Yes", html.escape(question.why))
        return card(WRONG, "Not quite", "Think again, and choose another.")

    def __repr__(self) -> str:
        parts = []
        for number, question in enumerate(self.questions, 1):
            rows = [f"   {LETTERS[n]}) {choice}" for n, choice in enumerate(question.choices)]
            parts.append("\n".join([f"{number}. {question.text}", *rows]))
        answers = "  ".join(f"{n}{LETTERS[q.right]}" for n, q in enumerate(self.questions, 1))
        return "\n".join([*parts, f"Answers: {answers}"])

    def _repr_html_(self) -> str:
        return "".join(_static(number, q) for number, q in enumerate(self.questions, 1))

    def _ipython_display_(self) -> None:
        from IPython.display import display

        bundle = dict(self._form()._repr_mimebundle_())
        twins = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        display({**bundle, **twins}, raw=True)

    def _form(self) -> Any:
        import ipywidgets as widgets

        return widgets.VBox([self._one(number) for number in range(len(self.questions))])

    def _one(self, number: int) -> Any:
        """A question, its choices, and the place where the reason will appear."""
        import ipywidgets as widgets

        question = self.questions[number]
        title = widgets.HTML(f"<b>{number + 1}. {html.escape(question.text)}</b>")
        wide = widgets.Layout(width="auto")
        choices = widgets.RadioButtons(options=question.choices, value=None, layout=wide)
        told = widgets.HTML()

        def choose(change: Any) -> None:
            told.value = self.answer(number, change["new"])

        choices.observe(choose, "value")
        return widgets.VBox([title, choices, told])


def _static(number: int, question: Question) -> str:
    rows = "".join(f"<li>{html.escape(choice)}</li>" for choice in question.choices)
    why = f"<b>{LETTERS[question.right]}</b>: {html.escape(question.why)}"
    body = f'<ol type="a" style="margin:.2em 0">{rows}</ol>{folded("Answer", why)}'
    return card(OPEN, f"{number}. {question.text}", body)


def quiz(lesson: str) -> Quiz:
    """The questions of `lesson`; raises LabError, naming the known ones, if there is none."""
    from labs.lessons import course

    install()
    return Quiz(course.lesson(lesson).questions)
