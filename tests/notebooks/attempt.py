"""Tries the challenges of a lesson: untouched, wrongly and rightly; prints the checks' reports.

    python -m labs.sandbox.namespaces -- python tests/notebooks/attempt.py
    notebooks/07-failover.ipynb leave

One JSON object a line: {"try": "untouched" | "wrong 1" | ... | "solution", "passed": false,
"hint": "...", "report": "...", "story": "..."}, the story being the last seconds as text.
Every try has a lab of its own, in the start state of the challenge.
A wrong answer and the solution are run as cells are, magics included, with the imports of the
lesson at hand.
"""

from __future__ import annotations

import ast
import json
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from labs import Lab, LabError
from labs.lessons import challenges, course
from tests.notebooks.lessons import Cell, checked, of_kind, read, tagged
from tests.notebooks.wrong import Wrong

SETTLE_SECONDS = 15
STORY_SECONDS = 15


def imports(cells: list[Cell]) -> str:
    """The import statements of the lesson's cells."""
    lines = []
    for cell in of_kind(cells, "code"):
        with suppress(SyntaxError):  # a magic
            for node in ast.parse(cell["text"]).body:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    lines.append(ast.unparse(node))
    return "\n".join(lines)


def solution(cells: list[Cell], challenge: str) -> list[str]:
    """The sources of the solution cells between the two checks of `challenge`."""
    code = of_kind(cells, "code")
    first, last = (n for n, cell in enumerate(code) if checked(cell) == challenge)
    between = [cell["text"] for cell in code[first + 1 : last] if tagged(cell, "solution")]
    assert between, f"no solution of {challenge} between its two checks"
    return between


class Notebook:
    """An IPython with the magics, without a kernel."""

    def __init__(self, cells: list[Cell]) -> None:
        self.shell = InteractiveShell.instance()
        self.shell.extension_manager.load_extension("labs.jupyter.magics")
        self.run("from labs import Lab\n" + imports(cells))

    def run(self, code: str) -> None:
        """Runs a cell; what it raises is raised here."""
        self.shell.run_cell(code, store_history=False).raise_error()

    def attempt(self, name: str, challenge: challenges.Challenge, cells: list[str]) -> None:
        """Starts a lab, runs `cells` in it and prints what the check says then."""
        lab = Lab(challenge.state)
        if any(lab.running(host) for host in lab.daemons):
            with suppress(LabError):  # a state may be one that never settles
                lab.settle(timeout=SETTLE_SECONDS)
        self.shell.user_ns["lab"] = lab
        for code in cells:
            self.run(code)
        lab = self.shell.user_ns["lab"]
        report = challenges.look(lab, challenge)
        told = {"try": name, "passed": report.passed, "hint": report.hint, "report": repr(report)}
        told["story"] = lab.timeline().last(STORY_SECONDS).text()
        print(json.dumps(told), file=sys.__stdout__, flush=True)
        lab.close()


def main(path: str, name: str) -> None:
    lesson = Path(path)
    cells = read(lesson)
    wrong: tuple[Wrong, ...] = import_module(f"tests.notebooks.wrong.l{lesson.stem[:2]}").WRONG[
        name
    ]
    challenge = course.challenges()[name]
    room = Notebook(cells)
    room.attempt("untouched", challenge, [])
    for number, answer in enumerate(wrong, 1):
        room.attempt(f"wrong {number}", challenge, [answer.code])
    room.attempt("solution", challenge, solution(cells, name))


if __name__ == "__main__":
    sys.stdout = sys.stderr  # what cells print is not our answer
    main(*sys.argv[1:])
