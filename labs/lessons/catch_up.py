"""For a learner who has fallen behind: bring the lab to the start of a section.

    %catch_up             the sections of the lesson, with their numbers
    %catch_up 3           run what the solved lesson does before section 3, as the checkpoint

What is run is the solved notebook from its last `lab = Lab(...)` before the section: commands,
files, cables, experiments to their end. Nothing is asked, judged
or drawn, and no prediction is made in the learner's place. The progress file has a line for it, so
that the report says which sections were reached so.

A section that starts a lab of its own needs none of this: its first cell is the checkpoint.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from labs import jsonlines
from labs.cards import OPEN, RIGHT, Card
from labs.errors import LabError
from labs.jupyter import workbooks
from labs.lesson_names import today
from labs.lessons.experiment import run_lines
from labs.progress import exam, memory

# Functions of a lesson that ask, judge or show, and change no lab.
_ASKING = {
    "begin",
    "bench",
    "check",
    "commit",
    "compare",
    "display",
    "predict",
    "print",
    "quiz",
    "show",
}
_LABS = {"Lab", "Lan", "Pairs"}
_EXPERIMENT = re.compile(r"%%experiment +(\S+)\n")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a lesson with a heading of level 2, and its code cells, each with its name."""

    title: str
    cells: list[tuple[str, str]] = field(default_factory=list)


def sections(lesson: str, notebooks: Path = workbooks.NOTEBOOKS) -> list[Section]:
    """The sections of a lesson, solved; the first has no title and is before all headings.

    Raises LabError if the notebook cannot be read.
    """
    path = notebooks / f"{lesson}.ipynb"
    if not path.exists():  # a copy that was handed out before the lesson got another number
        present = today(lesson)
        path = next((p for p in sorted(notebooks.glob("*.ipynb")) if p.stem[3:] in present), path)
    try:
        cells = json.loads(jsonlines.whole(path))["cells"]
    except (OSError, ValueError, LookupError):
        raise LabError(f"no solved lesson in {path}: run begin(...) of a lesson first") from None
    found = [Section("")]
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found[-1].cells.append((cell["id"], text))
        else:
            found += [Section(line[3:].strip()) for line in text.splitlines() if line[:3] == "## "]
    return [found[0], *(section for section in found[1:] if section.cells)]


def before(parts: Sequence[Section], number: int) -> list[tuple[str, str]]:
    """What to run to be at the start of section `number`: the cells by name, in their order.

    Imports of the whole part before it, and all cells since the last one that starts a lab.
    """
    earlier = [cell for section in parts[:number] for cell in section.cells]
    if _begins_with_a_lab(parts[number]):
        first = len(earlier)
    else:
        first = max((n for n, (_, text) in enumerate(earlier) if _starts(text)), default=0)
    found = [(name, text) for name, text in _imports(earlier[:first])]
    for name, text in earlier[first:]:
        if text := _acts(text):
            found.append((name, text))
    return found


def _tree(text: str) -> ast.Module | None:
    """A cell as Python; None for a magic."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _called(node: ast.AST) -> set[str]:
    """The names of all functions and methods that are called in it."""
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return {ast.unparse(each).rpartition(".")[2] for each in calls}


def _starts(text: str) -> bool:
    tree = _tree(text)
    return tree is not None and bool(_called(tree) & _LABS)


def _begins_with_a_lab(section: Section) -> bool:
    """Whether a section starts a lab before it touches one."""
    for _, text in section.cells:
        if _starts(text):
            return True
        if text.startswith("%") or _acts(text):
            return False
    return True


def _imports(cells: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, text in cells:
        tree = _tree(text)
        body = tree.body if tree else []
        lines = [
            ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        if lines:
            yield name, "\n".join(lines)


def _acts(text: str) -> str:
    """A cell of Python without what only asks, judges or shows; "" if nothing is left."""
    tree = _tree(text)
    if tree is None:
        return text
    left: list[ast.stmt] = []
    asked: set[str] = set()
    for node in tree.body:
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        called = _called(node)
        if isinstance(node, ast.Assign) and "predict" in called:
            asked |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        elif not (names & asked or "judge" in called or _only_shows(node, called)):
            left.append(node)
    return "\n".join(map(ast.unparse, left))


def _only_shows(node: ast.stmt, called: set[str]) -> bool:
    return isinstance(node, ast.Expr) and (not called or bool(called & _ASKING))


# --- in the notebook -----------------------------------------------------------------------------


def magic(shell: Any, line: str) -> Card:
    """Do what `%catch_up` says; without a number, list the sections.

    Raises LabError for another number, in an exam, and if a cell fails on the way.
    """
    parts = sections(memory.lesson)
    if not line.strip():
        rows = (f"%catch_up {n}   {each.title}" for n, each in enumerate(parts[1:], 1))
        return Card(OPEN, "To the start of a section", tuple(rows))
    if not line.strip().isdecimal() or not 0 < int(line) < len(parts):
        raise LabError(f"%catch_up {line}: write the number of a section, 1 to {len(parts) - 1}")
    if exam() is not None:
        raise LabError("there is an exam in this folder: solutions are run when it is over")
    number = int(line)
    title = parts[number].title
    try:
        _run(shell, before(parts, number))
    except LabError:
        memory.note("catch-up", title, passed=False)
        raise
    memory.note("catch-up", title, passed=True)
    way = "The solution has done what comes before it; the report says so."
    if _begins_with_a_lab(parts[number]):
        way = "It needs nothing of what comes before: begin with its first cell."
    return Card(RIGHT, f"You are at the start of “{title}”", (way, "lab.bench() shows the panel."))


def _run(shell: Any, cells: Sequence[tuple[str, str]]) -> None:
    from labs.api import lab_class
    from labs.lessons import course

    for name, text in cells:
        print(f"▸ {name}", flush=True)
        try:
            found = _EXPERIMENT.match(text)
            if found is None:
                with redirect_stdout(StringIO()):
                    run_lines(shell, text)
                continue
            lab, experiment = lab_class().current(), course.experiment(found[1], memory.lesson)
            experiment.start(lab)
            with redirect_stdout(StringIO()):
                run_lines(shell, text[found.end() :])
            experiment.happened(lab, found[1])
        except LabError as error:
            raise LabError(f"the cell {name!r} of the solved lesson failed: {error}") from None
