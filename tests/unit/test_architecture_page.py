"""docs/architecture.md names what exists: every file, folder, function, module and layer."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from tests.support import REPOSITORY

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text()
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
PLACES = [q for q in QUOTED if re.fullmatch(r"[\w./-]+(?:/|\.py|\.md|\.toml)", q)]
FUNCTIONS = [q for q in QUOTED if re.fullmatch(r"[\w/]+\.py:\w+", q)]
MODULES = [q for q in QUOTED if re.fullmatch(r"(?:labs|vrrpd)(?:\.\w+)*", q)]


def _defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_the_page_names_things() -> None:
    assert len(PLACES) > 40
    assert len(FUNCTIONS) > 15
    assert len(MODULES) > 4


@pytest.mark.parametrize("place", PLACES)
def test_a_place_exists(place: str) -> None:
    assert (REPOSITORY / place).exists()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_exists(name: str) -> None:
    path, function = name.split(":")
    assert function in _defined(REPOSITORY / path)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_exists(name: str) -> None:
    assert importlib.util.find_spec(name)


def test_every_package_of_the_product_is_on_the_page() -> None:
    packages = [
        f"{path.parent.relative_to(REPOSITORY)}/"
        for top in ("labs", "vrrpd")
        for path in (REPOSITORY / top).glob("*/__init__.py")
    ]
    assert [package for package in packages if package not in PLACES] == []
