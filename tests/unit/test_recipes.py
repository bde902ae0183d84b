"""The recipes of CONTRIBUTING.md: what they name exists, and adding stays local."""

from __future__ import annotations

import re

import pytest

from tests.support import REPOSITORY

TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text()
# The most files that a recipe may have one write or change, its tests and generated pages apart.
MOST = {"keyword": 5, "fault verb": 3, "figure": 1, "lesson": 3}


def recipe(thing: str) -> str:
    """The section "Adding a ..."."""
    found = re.search(rf"^## Adding a {thing}\n(.*?)^## ", TEXT, re.M | re.S)
    assert found, f"there is no recipe for a {thing}"
    return found[1]


def steps(thing: str) -> list[str]:
    """The numbered lines of a recipe."""
    return re.findall(r"^\d+\. (.*)$", recipe(thing), re.M)


def paths(text: str) -> list[str]:
    """The files and directories that a text names."""
    return [
        name for name in re.findall(r"`([^`]+)`", text) if re.fullmatch(r"[\w./-]+/[\w./-]*", name)
    ]


def test_every_recipe_is_checked() -> None:
    assert re.findall(r"^## Adding a (.*)$", TEXT, re.M) == list(MOST)


@pytest.mark.parametrize("thing", MOST)
def test_what_is_added_touches_few_files(thing: str) -> None:
    assert len(steps(thing)) <= MOST[thing]
    assert all(paths(step) for step in steps(thing))


@pytest.mark.parametrize("thing", MOST)
def test_the_files_of_a_recipe_exist(thing: str) -> None:
    assert [name for name in paths(recipe(thing)) if not (REPOSITORY / name).exists()] == []


# What a recipe names of Python, in its steps: a function with brackets, a class, or these.
MEMBERS = ("real", "simulated", "usage", "_done")


def members(step: str) -> list[str]:
    """The functions and classes that a step names, and those fields of MEMBERS."""
    found = re.findall(r"`(?:with )?@?(?:[\w.]*\.)?(\w+)(\([^`]*)?`", step)
    return [name for name, call in found if call or name[0].isupper() or name in MEMBERS]


@pytest.mark.parametrize("thing", ["keyword", "fault verb", "figure"])
def test_what_a_step_names_is_in_one_of_its_files(thing: str) -> None:
    asked = 0
    for step in re.findall(r"^(?:\d+\. |One whose).*$", recipe(thing), re.M):
        files = [REPOSITORY / name for name in paths(step) if name.endswith(".py")]
        text = "\n".join(file.read_text() for file in files)
        for name in members(step):
            asked += 1
            defined = rf"^\s*(def|class) {name}\b|^\s*{name}\s*[:=]"
            called = rf"\.{name}\("
            assert re.search(rf"{defined}|{called}", text, re.M), f"{name}: not in {files}"
    assert asked >= 3


def test_a_keyword_needs_no_other_file_than_the_recipe_names() -> None:
    """Every file that names one, but for the dumps, which show what keepalived's show."""
    named = {name for name in paths(recipe("keyword")) if name.startswith("vrrpd/")}
    having = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "vrrpd").rglob("*.py")
        if "higher_prio_send_advert" in path.read_text() and path.parent.name != "dump"
    }
    assert having == named
