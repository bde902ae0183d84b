"""The recipes of CONTRIBUTING.md: what they name exists, and adding stays local."""

from __future__ import annotations

import re
from importlib import import_module

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


def test_the_names_of_the_recipes_exist() -> None:
    names = {
        "vrrpd.config.model": ["Instance"],
        "vrrpd.fsm": ["Params"],
        "labs.model.fault_verbs": ["Choice", "Draw"],
        "labs.figures.base": ["Figure", "canvas"],
        "labs.lab_api": ["command"],
    }
    for module, members in names.items():
        for name in members:
            assert re.search(rf"`(@|[\w.]*\.)?{name}`", TEXT), name
            assert hasattr(import_module(module), name)
