"""Numbers of the learner's own: who gets which, and that a question keeps its key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from labs import Lan, own_numbers, progress
from labs.errors import LabError
from labs.lessons import LessonError, course, starts
from labs.lessons.predictions import commit, predict
from labs.progress import Entry, memory
from tests.notebooks.lessons import LESSONS, of_kind, read

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

OFFERED = ({"high": 200.0, "part": 0.1}, {"high": 210.0, "part": 0.25})
QUESTION = "web1 gets priority {high}. How long?"
KEY = "web1 gets priority 200. How long?"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered, and no lesson's numbers are in use."""
    memory.forget()
    yield
    own_numbers.use("", ())
    memory.forget()


def learner(place: Path, monkeypatch: pytest.MonkeyPatch, number: float) -> None:
    """The kernel has the folder of a learner whose own number for `high` is this one."""
    seeds = (f"seed {n}" for n in range(100))
    seed = next(s for s in seeds if own_numbers.chosen("swap", OFFERED, s)["high"] == number)
    place.mkdir()
    (place / progress.SEED).write_text(seed)
    monkeypatch.setenv(progress.VARIABLE, str(place))
    own_numbers.use("swap", OFFERED)


def test_a_learner_is_asked_with_own_numbers_and_the_key_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (200, 210):
        memory.forget()
        learner(tmp_path / str(number), monkeypatch, number)
        asked = predict(QUESTION, 3.2, unit="s")
        assert f"priority {number}." in repr(asked)
        asked.judge(3.3, "Why {high}.")
        entries = list(progress.read(tmp_path / str(number) / progress.FILE))
        assert [(each.kind, each.item) for each in entries] == [
            ("prediction", KEY),
            ("verdict", KEY),
        ]


def test_an_answer_from_before_there_were_own_numbers_is_still_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner(tmp_path / "anna", monkeypatch, 210)
    old = Entry(1.0, "", "prediction", KEY, 3.1)
    (tmp_path / "anna" / progress.FILE).write_text(json.dumps(old.fields()) + "\n")
    assert predict(QUESTION, unit="s").guess == 3.1


def test_without_an_answer_the_refusal_has_the_own_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner(tmp_path / "anna", monkeypatch, 210)
    with pytest.raises(LessonError) as refused:
        commit(predict(QUESTION, unit="s"))
    assert "▸ web1 gets priority 210. How long?" in str(refused.value)


@pytest.mark.parametrize("mode", ["record", "replay"])
def test_a_recording_and_its_replay_have_the_first_numbers(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner(tmp_path / "anna", monkeypatch, 210)
    assert own_numbers.remark(QUESTION).startswith("The numbers in this question are your own")
    monkeypatch.setenv("LAB_MODE", mode)
    own_numbers.use("swap", OFFERED)
    assert own_numbers.fill(QUESTION) == KEY
    assert own_numbers.choose("state", ("15", "17")) == "15"


def test_a_replay_says_that_its_numbers_are_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_MODE", "replay")
    own_numbers.use("swap", OFFERED)
    assert "A replay has fixed numbers" in predict(QUESTION, unit="s")._form().children[0].value
    assert own_numbers.remark("How long?") == ""


def test_only_the_names_of_the_lesson_are_filled_in() -> None:
    own_numbers.use("swap", OFFERED)
    text = "awk '{print $1}' ${high} {high} {part} {other} { high }"
    assert own_numbers.fill(text) == "awk '{print $1}' ${high} 200 0.1 {other} { high }"


@pytest.mark.parametrize("name", course.numbers())
def test_what_a_lesson_offers_has_the_same_names_and_all_are_used(name: str) -> None:
    offered = course.lesson(name).own
    assert len({tuple(sorted(each)) for each in offered}) <= 1
    assert len({tuple(each.items()) for each in offered}) == len(offered) != 1
    notebook = next(path for path in LESSONS if path.stem.startswith(name))
    code = "\n".join(cell["text"] for cell in of_kind(read(notebook), "code"))
    used = {each for each in (offered[0] if offered else ()) if f"{{{each}}}" in code}
    assert used == set(offered[0] if offered else ())


@pytest.mark.parametrize(("written", "right"), [("0.1", True), ("0.10", True), ("0.2", False)])
def test_a_number_in_a_file_may_be_written_in_another_way(
    written: str, right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_MODE", "replay")
    own_numbers.use("faster", ({"interval": 0.1},))
    lan = Lan("basic")
    lan.conf("web1", lan.conf("web1").replace("advert_int 1", f"version 3\nadvert_int {written}"))
    with nullcontext() if right else pytest.raises(LabError, match=r"is 0\.1, and web1's .* 0\.2:"):
        starts.has_own(cast("Lab", lan), "advert_int", "{interval}", "web1")
