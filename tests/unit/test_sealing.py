"""Sealed lines: what was changed, lost, added, moved or cut off shows; what was not, does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from labs import sealing
from labs.sealing import Head

KEY, OTHER = b"k" * 32, b"o" * 32
Lines = list[tuple[int, dict[str, Any]]]


def written(times: list[tuple[float, float, str]], key: bytes = KEY) -> Lines:
    """Sealed lines, written at these moments: t, seconds since the start, which start."""
    lines: list[dict[str, Any]] = []
    for number, (t, run, boot) in enumerate(times):
        line = {"t": t, "item": f"item {number}", "answer": number}
        lines.append(sealing.sealed(line, key, sealing.head(lines), run, boot))
    return list(enumerate(lines, 1))


def steady(count: int) -> Lines:
    return written([(1000.0 + 10 * n, 50.0 + 10 * n, "boot") for n in range(count)])


def texts(lines: Lines, seen: Head | None = None, key: bytes = KEY) -> list[tuple[int, str]]:
    return [(fault.number, fault.text) for fault in sealing.faults(lines, key, seen)]


def test_lines_as_they_were_written_have_no_fault() -> None:
    lines = steady(5)
    assert texts(lines) == []
    assert [line["seal"]["n"] for _, line in lines] == [1, 2, 3, 4, 5]


def test_spaces_and_the_order_of_the_fields_do_not_count() -> None:
    read = json.loads(json.dumps(steady(3), indent=2, sort_keys=True, ensure_ascii=True))
    assert texts([(number, line) for number, line in read]) == []


def test_lines_from_before_the_exam_are_none_of_ours() -> None:
    before = (1, {"t": 1.0, "item": "earlier"})
    sealed = [(number + 1, line) for number, line in steady(2)]
    assert texts([before, *sealed]) == []


@pytest.mark.parametrize("field", ["t", "item", "answer", "extra"])
def test_a_changed_line_shows_and_no_other(field: str) -> None:
    lines = steady(4)
    lines[1][1][field] = "changed"
    assert texts(lines) == [(2, "was changed, or written for another learner")]


@pytest.mark.parametrize("field", ["n", "after", "run", "boot", "mac"])
def test_a_changed_seal_shows(field: str) -> None:
    lines = steady(4)
    lines[1][1]["seal"][field] = {"n": 7, "run": 1.0}.get(field, "other")
    assert (2, "was changed, or written for another learner") in texts(lines)


@pytest.mark.parametrize("seal", [None, [], "text", {}, {"mac": 3}, {"n": True}])
def test_what_is_no_seal_is_a_fault_and_no_error(seal: object) -> None:
    lines = steady(3)
    lines[1][1]["seal"] = seal
    assert texts(lines)[0] == (2, "was changed, or written for another learner")


def test_lost_lines_are_counted() -> None:
    lines = steady(6)
    assert texts([*lines[:2], *lines[4:]]) == [(5, "comes after 2 that are missing")]
    assert texts(lines[1:]) == [(2, "comes after 1 that is missing")]


def test_lines_that_changed_places_or_were_repeated_show() -> None:
    lines = steady(4)
    swapped = [lines[0], lines[2], lines[1], lines[3]]
    assert len(texts(swapped)) == 3
    assert texts([*lines, lines[3]]) == [(4, "is number 4, after number 4: moved or repeated")]


def test_a_line_without_a_seal_shows() -> None:
    lines = steady(3)
    added = (9, {"t": 1005.0, "item": "pair", "passed": True})
    assert texts([*lines[:1], added, *lines[1:]]) == [
        (9, "has no seal: the lab has not written it")
    ]


def test_another_learners_lines_show() -> None:
    assert len(texts(steady(3), key=OTHER)) == 3


def test_a_file_that_was_cut_off_shows_by_what_it_once_was() -> None:
    lines = steady(5)
    seen = sealing.head(line for _, line in lines)
    assert seen.n == 5
    assert texts(lines, seen) == []
    assert texts(lines[:3], seen) == [(0, "had 5 sealed lines when it was last looked at, now 3")]
    assert texts([], seen) == [(0, "had 5 sealed lines when it was last looked at, now 0")]


def test_a_file_that_was_put_back_and_went_on_otherwise_shows() -> None:
    first, second = steady(5), written([(1000.0 + 11 * n, 50.0 + 11 * n, "b") for n in range(6)])
    seen = sealing.head(line for _, line in first)
    assert texts(second, seen) == [(0, "has another line 5 than when it was last looked at")]


@pytest.mark.parametrize(
    ("change", "moved"),
    [(lambda t: t + 3600, 3600), (lambda t: t - 3600, -3600), (lambda t: t + 2, 0)],
)
def test_a_clock_that_was_set_shows_by_how_much(
    change: Callable[[float], float], moved: float
) -> None:
    lines = written([(1000.0, 50.0, "b"), (change(1010.0), 60.0, "b"), (change(1020.0), 70.0, "b")])
    found = sealing.faults(lines, KEY)
    assert [(fault.number, fault.moved) for fault in found] == ([(2, moved)] if moved else [])


def test_a_machine_that_was_started_again_is_no_fault() -> None:
    assert texts(written([(1000.0, 5000.0, "one"), (1100.0, 20.0, "two")])) == []


def test_a_clock_that_went_back_over_a_start_is_one() -> None:
    found = sealing.faults(written([(1000.0, 5000.0, "one"), (400.0, 20.0, "two")]), KEY)
    assert [fault.moved for fault in found] == [-600.0]
