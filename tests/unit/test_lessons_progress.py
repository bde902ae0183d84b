"""What is remembered of a learner: by the kernel, by the file, and as a teacher's table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from labs import progress
from labs.cli.main import main
from labs.errors import LabError
from labs.jupyter import gradebook
from labs.lessons import predict
from labs.progress import FILE, Entry, memory, read


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder and a new kernel."""
    monkeypatch.setenv("LAB_WORK", str(tmp_path))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    memory.forget()
    memory.lesson = "07-failover"
    return tmp_path


def restart() -> None:
    memory.forget()
    memory.lesson = "07-failover"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def report(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    assert main(["report", str(folder)]) == 0
    return table(capsys.readouterr().out)


def test_nothing_is_written_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAB_WORK", raising=False)
    monkeypatch.chdir(tmp_path)
    memory.forget()
    predict("How long?", 3.1, unit="s")
    assert list(tmp_path.iterdir()) == []
    assert predict("How long?").guess == 3.1  # remembered all the same


def test_a_prediction_outlives_its_kernel(work: Path) -> None:
    predict("How long?", 3.1, unit="s")
    restart()
    assert predict("How long?", unit="s").guess == 3.1


def test_the_same_question_in_another_lesson_is_another_question(work: Path) -> None:
    predict("How long?", 3.1, unit="s")
    memory.lesson = "08-failback"
    assert predict("How long?", unit="s").guess is None


@pytest.mark.parametrize(
    ("noted", "present", "known"),
    [
        ("05-failover", "07-failover", True),
        ("01-vrrp-and-keepalived", "01-what-a-router-sends", True),
        ("01-vrrp-and-keepalived", "02-who-is-elected", True),
        ("11-split-brain", "14-prevent-split-brain", True),
        ("05-failover", "05-wrong-settings", False),
        ("exam", "21-mystery", False),
        ("05", "05-wrong-settings", False),
    ],
)
def test_what_was_answered_under_the_earlier_name_of_a_lesson_is_known(
    noted: str, present: str, known: bool, work: Path
) -> None:
    memory.lesson = noted
    predict("How long?", 3.1, unit="s")
    memory.forget()
    memory.lesson = present
    assert predict("How long?", unit="s").guess == (3.1 if known else None)


@pytest.mark.parametrize(
    ("session", "lesson"),
    [
        ("/home/anna/vrrp-lab/07-failover.ipynb", "07-failover"),
        ("07-failover.new.ipynb", "07-failover"),
        ("/tmp/Untitled.ipynb", ""),
        ("", ""),
    ],
)
def test_a_new_kernel_knows_its_notebook_before_begin(
    session: str, lesson: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", session)
    memory.forget()
    assert memory.lesson == lesson


def test_an_answer_that_is_no_longer_a_choice_is_asked_again(work: Path) -> None:
    predict("Who?", "web1", choices=["web1", "web2"])
    assert predict("Who?", choices=["web2", "web3"]).guess is None


def test_a_folder_has_a_seed_of_its_own_and_keeps_it(
    work: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = progress.seed()
    assert progress.seed() == own
    monkeypatch.setenv("LAB_WORK", str(tmp_path_factory.mktemp("other")))
    assert progress.seed() not in ("", own)
    monkeypatch.delenv("LAB_WORK")
    assert progress.seed() == ""


def test_a_seed_that_could_not_be_written_is_still_of_the_learners_own(work: Path) -> None:
    """A full disk leaves an empty file, and an empty seed means that there is no learner."""
    (work / progress.SEED).touch()
    assert progress.seed() == str(work / progress.FILE)


def test_the_same_answer_is_written_once(work: Path) -> None:
    predict("How long?", 3.1)
    predict("How long?", 3.1)
    assert len(list(read(work / FILE))) == 1


def test_half_a_line_costs_only_itself(work: Path) -> None:
    predict("First?", 1)
    with (work / FILE).open("a") as stream:
        stream.write('{"t": 3, "lesson": "05-fail')  # the power went
    restart()
    predict("Second?", 2)
    assert [entry.item for entry in read(work / FILE)] == ["First?", "Second?"]


@pytest.mark.parametrize(
    "line", ["", "null", "[1]", '"x"', "{}", '{"t": 1}', '{"item": 3}', "\x00\x01", "[" * 100_000]
)
def test_a_line_that_is_none_of_ours_is_skipped(line: str, work: Path) -> None:
    good = Entry(1.0, "07-failover", "prediction", "How long?", 3.1).line()
    (work / FILE).write_text(f"{line}\n{good}{line}")
    assert [entry.answer for entry in read(work / FILE)] == [3.1]


def test_a_folder_that_is_gone_is_reported_once_and_ends_no_lesson(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_WORK", str(work / "gone"))
    predict("First?", 1)
    predict("Second?", 2)
    assert capsys.readouterr().err.count("progress is not kept") == 1
    assert predict("First?").guess == 1


# --- the teacher's table -------------------------------------------------------------------------


def test_a_prediction_and_its_measurement_are_one_line(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gap = predict("For how long, roughly?", 1, unit="s")
    gap.judge(3.5814159, "three intervals")
    gap.judge(3.1)  # run again: the first one counts
    (row,) = report(work, capsys)
    assert row == {
        "learner": work.name,
        "lesson": "07-failover",
        "item": "For how long, roughly?",
        "kind": "prediction",
        "passed": "no",
        "attempts": "1",
        "prediction": "1",
        "measured": "3.581",
    }


def test_a_prediction_that_was_never_tried_is_neither_right_nor_wrong(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predict("Who?", "web1", choices=["web1", "web2"])
    predict("Who?", "web2", choices=["web1", "web2"])
    (row,) = report(work, capsys)
    assert (row["passed"], row["prediction"], row["measured"]) == ("", "web2", "")
    assert row["attempts"] == "2"


@pytest.mark.parametrize(
    ("tries", "passed", "attempts"),
    [([False], "no", "0"), ([False, False, True, False], "yes", "2"), ([True], "yes", "1")],
)
def test_attempts_are_counted_up_to_the_first_success(
    tries: list[bool],
    passed: str,
    attempts: str,
    work: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for passing in tries:
        memory.note("check", "leave", passed=passing)
    (row,) = report(work, capsys)
    assert (row["kind"], row["passed"], row["attempts"]) == ("check", passed, attempts)


def test_lessons_come_in_order_whenever_they_were_done(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for lesson in ("08-failback", "03-basic-setup"):
        memory.lesson = lesson
        memory.note("quiz", "Which?", "a", passed=True)
        memory.note("begin", lesson)
    assert [row["lesson"] for row in report(work, capsys)] == ["03-basic-setup", "08-failback"]


def test_a_class_is_one_table(tmp_path: Path) -> None:
    for name in ("anna", "björn"):
        (tmp_path / name).mkdir()
        entry = Entry(1.0, "07-failover", "check", "leave, politely", passed=True)
        (tmp_path / name / FILE).write_text(entry.line())
    stream = io.StringIO()
    warnings: list[str] = []
    gradebook.write(
        gradebook.learners([tmp_path / "anna", tmp_path / "björn"]), stream, warnings.append
    )
    assert warnings == []
    found = [(row["learner"], row["item"]) for row in table(stream.getvalue())]
    assert found == [("anna", "leave, politely"), ("björn", "leave, politely")]


def test_a_folder_without_progress_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "nobody")]) == 2
    assert "labs report FOLDER" in capsys.readouterr().err
    with pytest.raises(LabError):
        gradebook.write([("nobody", tmp_path)], io.StringIO(), print)


def test_entries_leave_out_what_is_not_known() -> None:
    line = Entry(1.0, "07-failover", "begin", "07-failover").line()
    assert json.loads(line) == {
        "t": 1.0,
        "lesson": "07-failover",
        "kind": "begin",
        "item": "07-failover",
    }


WAYS = ["it stays", "it moves", "nobody has it", "both have it"]


def form_of(*, ordered: bool = False) -> tuple[str, ...]:
    """The choices in the order in which the form shows them."""
    _, answer, _ = predict("Where is it?", choices=WAYS, ordered=ordered)._form().children
    return tuple(answer.options)


def test_each_learner_has_an_order_of_choices_and_keeps_it_in_a_new_kernel(work: Path) -> None:
    orders = {}
    for learner in ("anna", "ben", "cleo", "dora"):
        (work / progress.SEED).write_text(learner)
        orders[learner] = form_of()
        restart()
        assert form_of() == orders[learner]
        assert form_of(ordered=True) == tuple(WAYS)
    assert len(set(orders.values())) > 1
    assert {frozenset(order) for order in orders.values()} == {frozenset(WAYS)}


def test_without_a_folder_choices_have_the_order_of_the_source(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAB_WORK")
    assert form_of() == tuple(WAYS)


def test_a_shuffled_choice_is_recorded_and_judged_by_its_text(work: Path) -> None:
    """So a file of before the choices were shuffled has the same answers."""
    for learner in ("anna", "ben", "cleo"):
        (work / progress.SEED).write_text(learner)
        prediction = predict("Where is it?", choices=WAYS)
        _, answer, row = prediction._form().children
        answer.index = answer.options.index("it moves")
        row.children[0].click()
        assert prediction.judge("it moves", "Why not?").right
        restart()
        _, answer, _ = predict("Where is it?", choices=WAYS)._form().children
        assert answer.value == "it moves"
    lines = [entry for entry in progress.read(work / progress.FILE) if entry.kind == "prediction"]
    assert [entry.answer for entry in lines] == ["it moves"]
