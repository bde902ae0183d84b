"""Refusals are polite: a card or a line that says what to do, and no traceback."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from labs.errors import LabError
from labs.lessons import LessonError, commit, notebook_errors, predict
from labs.lessons.notebook_errors import unknown_name
from labs.progress import memory


@pytest.fixture(autouse=True)
def _new_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_WORK", raising=False)
    memory.forget()


class Shell:
    """What `labs.lessons.notebook_errors` needs of IPython's shell; records each call."""

    def __init__(self) -> None:
        self.user_ns: dict[str, object] = {"lab": 1, "failover": 2, "_hidden": 3}
        self.shown: list[str] = []
        self.tracebacks = 0

    def set_custom_exc(self, kinds: tuple[type[Exception], ...], handler: Any) -> None:
        self.kinds, self.handler = kinds, handler

    def _showtraceback(self, kind: type, error: Exception, lines: list[str]) -> None:
        self.shown += lines

    def showtraceback(self, *_: Any, **__: Any) -> None:
        self.tracebacks += 1

    def run(self, code: str) -> None:
        """Runs a cell as IPython does: its own frame, then the cell's."""
        notebook_errors.install(self)
        try:
            exec(compile(code, "<cell>", "exec"), dict(self.user_ns))
        except self.kinds as error:
            self.handler(self, type(error), error, sys.exc_info()[2])


@pytest.fixture
def shell() -> Shell:
    return Shell()


def test_commit_passes_when_everything_is_answered() -> None:
    commit(predict("Who?", "web1"), predict("How long?", 3))
    commit()


def test_commit_names_every_question_that_is_open() -> None:
    who, gap = predict("Who?"), predict("How long?", 3)
    with pytest.raises(LessonError) as refused:
        commit(who, gap)
    (line,) = refused.value._render_traceback_()
    assert "First say what you expect" in line
    assert "▸ Who?" in line
    assert "How long?" not in line
    assert "Traceback" not in line


def test_an_answer_given_in_the_form_satisfies_commit() -> None:
    gap = predict("How long?", unit="s")
    _, field, row = gap._form().children
    field.value = "about 3,1"
    row.children[0].click()
    commit(gap)
    assert gap.guess == 3.1


def test_a_form_that_was_not_understood_asks_again() -> None:
    gap = predict("How long?", unit="s")
    _, field, row = gap._form().children
    field.value = "long"
    assert row.children[1].value == "a number, please"
    assert gap.guess is None
    _, _, row = predict("Who?", choices=["a", "b"])._form().children
    row.children[0].click()
    assert row.children[1].value == "choose one"


def test_commit_wants_predictions() -> None:
    with pytest.raises(LabError, match="no prediction"):
        commit(3)  # type: ignore[arg-type]


def test_a_lesson_error_is_html_in_a_notebook(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.user_ns |= {"commit": commit, "who": predict("Who?")}
    shell.run("commit(who)")
    assert shell.tracebacks == 0
    assert "First say what you expect" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("gap.judge(3)", "run the cell above that makes it"),
        ("failovr", "did you mean `failover`"),
        ("labb", "did you mean `lab`"),
    ],
)
def test_a_name_that_is_not_there_yet_says_what_to_run(code: str, words: str, shell: Shell) -> None:
    shell.run(code)
    (line,) = shell.shown
    assert line.startswith("LabError: ")
    assert words in line


def test_a_new_kernel_says_where_the_lab_comes_from(shell: Shell) -> None:
    shell.user_ns = {}
    shell.run("lab.settle()")
    assert "lab = Lab(...)" in shell.shown[0]


def test_a_fault_inside_a_function_keeps_its_traceback(shell: Shell) -> None:
    shell.run("def f():\n    return missing\nf()")
    assert shell.tracebacks == 1
    assert shell.shown == []


def test_other_errors_are_left_alone() -> None:
    assert unknown_name(NameError("something else"), SimpleNamespace(tb_next=None), {}) is None
    assert unknown_name(NameError("name 'x' is not defined"), None, {}) is None
