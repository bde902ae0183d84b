"""docs/security.md claims nothing that no test holds."""

from __future__ import annotations

import re

import pytest

from tests.support import REPOSITORY

PAGE = (REPOSITORY / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/\S+?\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_test_exists(path: str, name: str) -> None:
    text = (REPOSITORY / path).read_text()
    assert re.search(rf"^def {name}\(", text, re.M), f"{path} has no {name}"


def test_every_row_of_a_claim_names_a_test() -> None:
    rows = PAGE.partition("## A hostile LAN")[2].splitlines()
    claims = [row for row in rows if row.startswith("| ") and not row.startswith(("| ---", "| |"))]
    assert len(claims) > 25
    assert [row for row in claims if "::" not in row] == []


def test_the_grades_are_those_that_the_tests_allow() -> None:
    from tests.lab.test_hostile_unit import BETTER, GOOD

    found = re.search(r"graded ([\d.]+) \(OK\).*, and ([\d.]+) with", PAGE)
    assert found
    assert float(found[1]) <= GOOD
    assert float(found[2]) <= BETTER
