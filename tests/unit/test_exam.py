"""An exam from the teacher's file to the results: numbers, the window, files that were edited."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labs import progress
from labs.cli.main import main
from labs.errors import LabError
from labs.exam import hand_out, paper, results, tasks
from labs.exam.paper import Numbers, Paper
from labs.jupyter import workbooks
from labs.progress import memory

NOW = 1_800_000_000.0
LEARNERS = ("anna", "lee,jun", "花子")


class Clock:
    """The machine's clock, which may be set, and the time since its start, which may not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.t, self.run = NOW, 1000.0
        monkeypatch.setattr(time, "time", lambda: self.t)
        monkeypatch.setattr(time, "clock_gettime", lambda _clock: self.run)

    def passes(self, minutes: float) -> None:
        self.t += 60 * minutes
        self.run += 60 * minutes


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def exam(clock: Clock, tmp_path: Path) -> Paper:
    """From ten minutes after now, for an hour; handed out to a class."""
    made = paper.new("final", NOW + 600, NOW + 4200)
    for name in LEARNERS:
        place = tmp_path / "class" / name
        place.mkdir(parents=True)
        hand_out.hand_out(made, name, place)
    return made


@pytest.fixture
def anna(exam: Paper, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Anna's folder and kernel, five minutes into the exam."""
    place = tmp_path / "class" / "anna"
    monkeypatch.setenv("LAB_WORK", str(place))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    memory.forget()
    clock.passes(15)
    return place


def solve(exam: Paper, learner: str = "anna") -> None:
    """Answer every question rightly, and have both tasks met."""
    numbers = exam.numbers(learner)
    tasks.begin()
    for name, question in tasks.QUESTIONS.items():
        tasks.answer(name, question.right(numbers))
    memory.note("check", "pair", passed=False)
    memory.note("check", "pair", passed=True)
    memory.note("check", "move", passed=True)


def lines(place: Path) -> list[str]:
    return (place / progress.FILE).read_text().splitlines()


def rewrite(place: Path, found: list[str]) -> None:
    (place / progress.FILE).write_text("".join(f"{line}\n" for line in found))


# --- numbers -------------------------------------------------------------------------------------


def test_every_learner_has_numbers_of_their_own_that_stay(exam: Paper) -> None:
    names = [f"learner{number}" for number in range(40)]
    numbers = [exam.numbers(name) for name in names]
    assert len(set(numbers)) == 40
    assert numbers == [exam.numbers(name) for name in names]
    assert numbers != [paper.new("other", NOW, NOW + 60).numbers(name) for name in names]
    assert all(1 < n.vrid < 255 and 0 < n.low < n.high < 255 for n in numbers)


def test_the_right_answers_are_those_of_the_rfc() -> None:
    numbers = Numbers(vrid=17, high=200, low=100, interval=3)
    right = {name: each.right(numbers) for name, each in tasks.QUESTIONS.items()}
    assert right["interval"] == pytest.approx(9 + 156 / 256)
    assert right["skew"] == pytest.approx(3 * 156 / 256, abs=0.01)
    assert right["mac"] == "00:00:5e:00:01:11"
    assert tasks.QUESTIONS["interval"].accepts(9.61, numbers)
    assert not tasks.QUESTIONS["interval"].accepts(9.6, numbers)
    assert not tasks.QUESTIONS["interval"].accepts("9.61", numbers)
    assert tasks.QUESTIONS["mac"].accepts(" 00:00:5E:00:01:11 ", numbers)


def test_the_notebook_asks_with_the_learners_numbers(exam: Paper, tmp_path: Path) -> None:
    text = (tmp_path / "class" / "花子" / hand_out.NOTEBOOK).read_text()
    numbers = exam.numbers("花子")
    for value in (numbers.vrid, numbers.high, numbers.low, numbers.interval):
        assert str(value) in text
    assert exam.secret not in text
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code":
            compile(cell["source"], cell["id"], "exec")


# --- handing out ---------------------------------------------------------------------------------


def test_solutions_go_and_stay_away_until_the_exam_is_over(exam: Paper, anna: Path) -> None:
    (anna / progress.EXAM).unlink()
    workbooks.hand_out(anna)
    number = len(workbooks.lessons())
    (anna / "solutions" / "08-failback.ipynb").write_text("anna's notes")
    line = hand_out.hand_out(exam, "anna", anna)
    assert line.startswith(f"anna: handed out, {number - 1} solutions removed")
    assert [path.name for path in (anna / "solutions").iterdir()] == ["08-failback.ipynb"]
    workbooks.hand_out(anna)
    assert [path.name for path in (anna / "solutions").iterdir()] == ["08-failback.ipynb"]
    assert (anna / "07-failover.ipynb").exists()
    (anna / progress.EXAM).unlink()
    workbooks.hand_out(anna)
    assert (anna / "solutions" / "07-failover.ipynb").exists()


def test_handed_out_again_it_keeps_the_learners_notebook(exam: Paper, anna: Path) -> None:
    (anna / hand_out.NOTEBOOK).write_text("anna's work")
    assert "is kept" in hand_out.hand_out(exam, "anna", anna)
    assert (anna / hand_out.NOTEBOOK).read_text() == "anna's work"


def test_nothing_is_written_through_a_link(exam: Paper, anna: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("not yours")
    (anna / progress.EXAM).unlink()
    (anna / progress.EXAM).symlink_to(other / "file")
    hand_out.hand_out(exam, "anna", anna)
    assert (other / "file").read_text() == "not yours"
    (tmp_path / "link").symlink_to(other)
    with pytest.raises(LabError, match="a learner's folder"):
        hand_out.hand_out(exam, "mallory", tmp_path / "link")


def test_only_the_teacher_can_read_the_paper(tmp_path: Path, exam: Paper) -> None:
    exam.save(tmp_path / "final.exam")
    assert (tmp_path / "final.exam").stat().st_mode & 0o077 == 0
    assert paper.load(tmp_path / "final.exam") == exam


# --- the learner's side --------------------------------------------------------------------------


def test_before_it_begins_nothing_is_taken(
    exam: Paper, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WORK", str(tmp_path / "class" / "anna"))
    memory.forget()
    with pytest.raises(LabError, match=r"the exam begins at .*; it is .* now"):
        tasks.answer("skew", 1.0)


def test_an_answer_is_not_judged(anna: Path) -> None:
    assert repr(tasks.answer("skew", 1.5)) == "skew: recorded\n1.5"
    for wrong in ("shew", "pair"):
        with pytest.raises(LabError, match="choose interval, skew or mac"):
            tasks.answer(wrong, 1.5)
    with pytest.raises(LabError, match="a number or a text"):
        tasks.answer("skew", ...)  # type: ignore[arg-type]


def test_what_was_recorded_is_shown(anna: Path) -> None:
    tasks.answer("skew", 1.5)
    assert [row[:2] for row in tasks.done().rows][:3] == [
        ("interval", ""), ("skew", "1.5"), ("mac", ""),
    ]  # fmt: skip


def test_without_an_exam_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORK", str(tmp_path))
    with pytest.raises(LabError, match="no exam in this folder"):
        tasks.begin()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"title": "x"}', '{"key": 3}'])
def test_a_damaged_exam_costs_a_line_and_keeps_the_answer(
    anna: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (anna / progress.EXAM).write_text(damage)
    with pytest.raises(LabError, match="hand out the exam again"):
        tasks.begin()
    memory.lesson = "07-failover"
    memory.note("check", "leave", passed=True)
    assert "kept without a seal" in capsys.readouterr().err
    assert json.loads(lines(anna)[-1])["item"] == "leave"


def test_every_line_is_sealed_also_of_a_lesson(anna: Path) -> None:
    memory.lesson = "07-failover"
    memory.note("check", "leave", passed=True)
    assert json.loads(lines(anna)[-1])["seal"]["n"] == 1
    assert [entry.item for entry in progress.read(anna / progress.FILE)] == ["leave"]


# --- the results ---------------------------------------------------------------------------------


def test_a_solved_exam_has_all_points(exam: Paper, anna: Path) -> None:
    solve(exam)
    found = results.result(exam, "anna", anna)
    assert (found.points, found.doubtful, found.remarks) == (
        dict.fromkeys(tasks.items(), True), [], [],
    )  # fmt: skip


def test_the_last_answer_counts(exam: Paper, anna: Path) -> None:
    solve(exam)
    tasks.answer("skew", 9.9)
    assert not results.result(exam, "anna", anna).points["skew"]


def test_what_comes_late_is_kept_and_earns_nothing(exam: Paper, anna: Path, clock: Clock) -> None:
    clock.passes(120)
    assert "late: it ended at" in repr(tasks.answer("mac", "00:00:5e:00:01:11"))
    solve(exam)
    found = results.result(exam, "anna", anna)
    assert not any(found.points.values())
    assert all("outside of the exam's time" in remark for remark in found.remarks)


def test_a_late_answer_leaves_the_one_in_time(exam: Paper, anna: Path, clock: Clock) -> None:
    solve(exam)
    clock.passes(120)
    tasks.answer("skew", 9.9)
    assert all(results.result(exam, "anna", anna).points.values())


def test_a_clock_that_is_set_back_after_the_end_leaves_it_to_the_teacher(
    exam: Paper, anna: Path, clock: Clock
) -> None:
    tasks.begin()
    clock.passes(120)
    clock.t -= 3600 * 1.9
    solve(exam)
    found = results.result(exam, "anna", anna)
    assert not any(found.points.values())
    assert found.doubtful == tasks.items()
    assert found.remarks == ["line 2 was written after the clock was set back by 6840 s"]


def test_a_clock_that_jumps_within_the_time_costs_nothing(
    exam: Paper, anna: Path, clock: Clock
) -> None:
    tasks.begin()
    clock.t += 600
    solve(exam)
    found = results.result(exam, "anna", anna)
    assert all(found.points.values())
    assert len(found.remarks) == 1


def edited(found: list[str]) -> list[str]:
    return [line.replace('"passed": false', '"passed": true') for line in found]


def added(found: list[str]) -> list[str]:
    line = {"t": NOW + 1000, "lesson": "exam", "kind": "check", "item": "move", "passed": True}
    return [*found, json.dumps(line)]


@pytest.mark.parametrize(
    ("edit", "remark"),
    [
        (edited, "line 2 was changed, or written for another learner"),
        (added, "line 3 has no seal: the lab has not written it"),
        (lambda found: found[1:], "line 1 comes after 1 that is missing"),
        (lambda found: [found[0], "{half a li"], "line 2 not JSON (column 2: "),
        (lambda found: [found[0], ""], None),
    ],
)
def test_a_file_that_was_edited_by_hand_earns_nothing_by_it(
    exam: Paper, anna: Path, edit: Callable[[list[str]], list[str]], remark: str | None
) -> None:
    tasks.begin()
    memory.note("check", "move", passed=False)
    rewrite(anna, edit(lines(anna)))
    found = results.result(exam, "anna", anna)
    assert not found.points["move"]
    assert [each[: len(remark or "")] for each in found.remarks] == ([remark] if remark else [])


def test_a_file_that_was_put_back_shows_at_the_next_look(exam: Paper, anna: Path) -> None:
    tasks.answer("skew", 1.0)
    before = lines(anna)
    tasks.answer("skew", 2.0)
    first = results.result(exam, "anna", anna)
    rewrite(anna, before)
    second = results.result(exam, "anna", anna, first.head)
    assert second.remarks == ["the file had 2 sealed lines when it was last looked at, now 1"]
    memory.forget()
    tasks.answer("skew", 3.0)
    third = results.result(exam, "anna", anna, second.head)
    assert third.remarks == ["the file has another line 2 than when it was last looked at"]


def test_another_learners_file_earns_nothing(exam: Paper, anna: Path, tmp_path: Path) -> None:
    solve(exam)
    other = tmp_path / "class" / "lee,jun"
    (other / progress.FILE).write_bytes((anna / progress.FILE).read_bytes())
    found = results.result(exam, "lee,jun", other)
    assert not any(found.points.values())
    assert "another learner" in found.remarks[0]


# --- the command line ----------------------------------------------------------------------------


def command(*words: str | Path) -> int:
    return main(["exam", *map(str, words)])


def test_the_teachers_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    file, begin = tmp_path / "final.exam", time.strftime("%Y-%m-%d %H:%M", time.localtime())
    assert command("new", file, "--begin", begin, "--minutes", "90") == 0
    assert command("new", file, "--begin", begin) == 2
    folders = [tmp_path / "class" / name for name in (*LEARNERS, ".hub")]
    for folder in folders:
        folder.mkdir(parents=True)
    assert command("hand-out", file, *folders, tmp_path / "absent") == 1
    assert not (folders[-1] / progress.EXAM).exists()
    monkeypatch.setenv("LAB_WORK", str(folders[2]))
    memory.forget()
    solve(paper.load(file), "花子")
    out = tmp_path / "results.csv"
    assert command("results", file, *folders, "--out", out) == 0
    table = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [(line["learner"], line["points"]) for line in table] == [
        ("anna", "0"), ("lee,jun", "0"), ("花子", "5"),
    ]  # fmt: skip
    assert table[0]["remarks"].startswith("the file cannot be read: No such file")
    (folders[2] / progress.FILE).unlink()
    assert command("results", file, *folders[:3]) == 0
    assert "had 7 sealed lines" in capsys.readouterr().out


def test_collected_files_are_known_by_the_name_of_their_folder(
    exam: Paper, anna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solve(exam)
    exam.save(tmp_path / "final.exam")
    collected = tmp_path / "collected" / "anna"
    collected.mkdir(parents=True)
    (collected / progress.FILE).write_bytes((anna / progress.FILE).read_bytes())
    assert command("results", tmp_path / "final.exam", collected) == 0
    assert "anna,1,1,1,1,1,5,," in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["new", "x.exam", "--begin", "tomorrow"],
        ["new", "x.exam", "--begin", "2026-12-01 10:00", "--minutes", "-5"],
        ["new", "x.exam", "--begin", "2026-12-01 10:00", "--minutes", "1e9"],
        ["new", "no/such/place/x.exam", "--begin", "2026-12-01 10:00"],
        ["results", "x.exam", "."],
        ["hand-out", "damaged.exam", "."],
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.exam").write_text('{"title": "x", "secret": "zz"}')
    assert main(["exam", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.exam"]


def test_lines_written_at_the_same_time_make_one_chain(
    exam: Paper, anna: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two notebooks of one learner write them: each looks at the file, under a lock."""
    children = []
    for number in range(4):
        if (pid := os.fork()) == 0:
            try:
                for each in range(5):
                    memory.note("answer", "skew", float(10 * number + each))
            finally:
                os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    found: list[dict[str, Any]] = [json.loads(line) for line in lines(anna)]
    assert [line["seal"]["n"] for line in found] == list(range(1, 21))
    assert results.result(exam, "anna", anna).remarks == []
