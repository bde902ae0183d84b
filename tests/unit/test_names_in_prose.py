"""What docs, docstrings and comments call a file or a module is one: names outlive no move.

    `listener.py`, `vrrpd/fsm.py`, `tests/unit/`     a file or folder, by its path or its name
    `tests/unit/test_x.py::test_y`                   a test in it
    `labs.model.facts.Action`                        a module and what it defines

Drawings name files without quotes, so every word that looks like one of these is looked up.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import REPOSITORY

PACKAGES = ("vrrpd", "labs", "topologies", "tests", "tools")
PLACES = (*PACKAGES, "docs", "notebooks", "packaging")
FILE = re.compile(r"(?<![\w./*<~-])([\w-][\w./-]*\.py)(?:::(\w+))?(?![\w*])")
PATH = re.compile(rf"(?<=`)((?:{'|'.join(PLACES)})/[\w./-]*)`")
MODULE = re.compile(rf"(?<=`)((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?:\(.*?\))?`")
# Named, but not here, with the reason.
ELSEWHERE = {
    "test_vrrp.py": "VPP's own tests, from which cases were taken",
    "vrrpd.pid": "a PID file",
    "tests/unit/test_x.py::test_y": "an example",
}
# The files of the lesson that docs/authoring.md makes, and of the one that gets another number for
# it; a test of that page compares them with the program.
EXAMPLE_LESSON = re.compile(r".*/(l?22([-_](gateways|mystery))?\.(ipynb|py)|states/gateways/.*)")


@cache
def files() -> frozenset[str]:
    """Every file that a text may name, by its path from the top of the repository."""
    found = [path for place in PLACES for path in (REPOSITORY / place).rglob("*")]
    found += REPOSITORY.glob("*")
    return frozenset(str(path.relative_to(REPOSITORY)) for path in found if path.is_file())


@cache
def folders() -> frozenset[str]:
    return frozenset(str(parent) for name in files() for parent in Path(name).parents)


@cache
def ends() -> frozenset[str]:
    """Every path and what is left of it without its first folders: `dump/data.py`, `data.py`."""
    parts = [name.split("/") for name in files()]
    return frozenset("/".join(part[cut:]) for part in parts for cut in range(len(part)))


@cache
def identifiers(name: str) -> frozenset[str]:
    """The identifiers in a Python file."""
    return frozenset(re.findall(r"\w+", (REPOSITORY / name).read_text()))


def is_module(name: str) -> bool:
    """Whether a dotted name is a module, or a name that occurs in its longest module."""
    parts = name.split(".")
    if "/".join(parts) in folders():
        return True
    for length in range(len(parts), 0, -1):
        path = "/".join(parts[:length])
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if file in files():
                return set(parts[length:]) <= identifiers(file)
    return False


def stale(text: str) -> list[str]:
    """The names in a text that lead nowhere."""
    found = [name for name in MODULE.findall(text) if not is_module(name)]
    found += [name for name in PATH.findall(text) if name.rstrip("/") not in files() | folders()]
    for name, test in FILE.findall(text):
        if name not in ends() or (test and name in files() and test not in identifiers(name)):
            found.append(f"{name}::{test}" if test else name)
    found = [name for name in found if not EXAMPLE_LESSON.fullmatch(name)]
    return sorted({name for name in found if name not in ELSEWHERE})


def prose(path: Path) -> Iterator[str]:
    """The docstrings and the comments of a Python file; the whole of any other."""
    if path.suffix != ".py":
        yield path.read_text()
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    with tokenize.open(path) as lines:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type == tokenize.COMMENT:
                yield token.string


def texts() -> list[str]:
    pages = [f for f in files() if re.fullmatch(r"(docs/)?[\w-]+\.md|docs/man/.*", f)]
    sources = [f for f in files() if f.endswith(".py") and f.startswith(PACKAGES)]
    return sorted({*pages, *sources} - {"CHANGELOG.md"})  # it is about its time


def test_every_file_and_module_that_is_named_exists() -> None:
    found = [
        f"{name}: {', '.join(wrong)}"
        for name in texts()
        if (wrong := stale("\n".join(prose(REPOSITORY / name))))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("`vrrpd/fsm.py`, `fsm.py` and `dump/data.py` exist", []),
        ("a drawing ──> fsm.py, and (see packet.py).", []),
        ("`tests/unit/`, `labs.model.facts.Action`, `labs.lessons`, `vrrpd.cli.main()`", []),
        (
            "tests/unit/test_fsm.py::test_" + "nothing",
            ["tests/unit/test_fsm.py::test_" + "nothing"],
        ),
        ("`receive" + ".py`", ["receive.py"]),
        ("a drawing ──> receive" + ".py", ["receive.py"]),
        ("`vrrpd/linux/" + "gone`", ["vrrpd/linux/" + "gone"]),
        ("`labs." + "lateness`", ["labs." + "lateness"]),
        ("`labs.model.facts." + "Gone()`", ["labs.model.facts." + "Gone"]),
    ],
)
def test_the_rule_notices(text: str, wrong: list[str]) -> None:
    assert stale(text) == wrong
