"""The learner's copies of the lessons, and the folder that they live in.

    notebooks/05-failover.ipynb            solved, with a guess in every prediction: the source
        │ copy()
        ▼
    ~/vrrp-lab/05-failover.ipynb           no guesses, no solution, no outputs: the learner's own
    ~/vrrp-lab/solutions/05-failover.ipynb the source as it is, to compare with
    ~/vrrp-lab/progress.jsonl              what was answered and tried (labs.progress)

`hand_out` may be repeated, and is by every `make lab`. It never overwrites work: a copy that is as
it was handed out is renewed when the lesson changes; one that was edited, or run, stays, and the
new one is laid beside it as 05-failover.new.ipynb. A copy that was deleted comes back fresh.
"""

from __future__ import annotations

import ast
import copy as copying
import hashlib
import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from labs.errors import LabError
from labs.progress import VARIABLE

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SOLUTIONS = "solutions"
# What was handed out: the fingerprint of every file, by its name.
LEDGER = ".handed-out.json"

Notebook = dict[str, Any]


def folder() -> Path:
    """The learner's folder: $LAB_WORK, or vrrp-lab in the home directory."""
    return Path(os.environ.get(VARIABLE) or Path.home() / "vrrp-lab").expanduser().absolute()


def lessons(source: Path = NOTEBOOKS) -> list[Path]:
    """The solved notebooks in the course's order; LabError if there are none."""
    found = sorted(source.glob("[0-9][0-9]-*.ipynb"))
    if not found:
        raise LabError(f"there are no lessons in {source}: run this from a clone of the repository")
    return found


# --- one notebook --------------------------------------------------------------------------------


def copy(notebook: Notebook, name: str) -> Notebook:
    """The learner's copy of a solved notebook, whose file is called `name`."""
    made = copying.deepcopy(notebook)
    for cell in made["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["outputs"], cell["execution_count"] = [], None
        text = "".join(cell["source"])
        if "solution" in cell["metadata"].get("tags", []):
            cell["metadata"].pop("jupyter", None)
            text = f"# Your turn. To compare afterwards: {SOLUTIONS}/{name}\n"
        cell["source"] = without_guess(text).splitlines(keepends=True)
    return made


def without_guess(text: str) -> str:
    """Python without the `guess=` of its calls of `predict`; anything else stays as it is."""
    if "predict(" not in text:
        return text
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a magic
        return text
    # The positions of ast count bytes.
    raw = text.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for begin, end in sorted(_guesses(calls, starts), reverse=True):
        raw = raw[:begin] + raw[end:]
    return raw.decode()


def _guesses(calls: list[ast.Call], starts: list[int]) -> Iterator[tuple[int, int]]:
    """First and last byte of every `guess=`, with the comma before it."""

    def last(node: ast.expr | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return starts[node.end_lineno - 1] + node.end_col_offset

    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id == "predict":
            given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
            for before, here in pairwise(given):
                if isinstance(here, ast.keyword) and here.arg == "guess":
                    yield last(before), last(here)


def fingerprint(notebook: Notebook) -> str:
    """The same for two notebooks that nobody could tell apart by reading them."""
    seen = [
        [cell.get("cell_type"), "".join(cell.get("source", "")), bool(cell.get("outputs"))]
        for cell in notebook.get("cells", [])
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


# --- the folder ----------------------------------------------------------------------------------


def hand_out(place: Path, source: Path = NOTEBOOKS) -> list[str]:
    """Brings the learner's folder up to date; what somebody should know of it, a line each.

    Raises LabError if the folder cannot be written.
    """
    try:
        (place / SOLUTIONS).mkdir(parents=True, exist_ok=True)
        return _hand_out(place, source)
    except OSError as error:
        raise LabError(
            f"{error.filename or place} cannot be written ({error.strerror}): "
            f"name another folder, `{VARIABLE}=FOLDER make lab`"
        ) from None


def _hand_out(place: Path, source: Path) -> list[str]:
    ledger = _ledger(place)
    said = []
    wanted: dict[str, Notebook] = {}
    for lesson in lessons(source):
        solved = json.loads(lesson.read_text(encoding="utf-8"))
        wanted[lesson.name] = copy(solved, lesson.name)
        wanted[f"{SOLUTIONS}/{lesson.name}"] = solved
    for name, notebook in wanted.items():
        said += _deliver(place, name, notebook, ledger)
    for name in sorted(ledger.keys() - wanted.keys()):
        if ".new" not in name and _untouched(place / name, ledger[name]):
            (place / name).unlink()
            del ledger[name]
    _write(place / LEDGER, ledger)
    return said


def _deliver(place: Path, name: str, notebook: Notebook, ledger: dict[str, str]) -> list[str]:
    """Puts `notebook` where it overwrites nothing; a line if that is not where it belongs."""
    mark = fingerprint(notebook)
    stem = name.removesuffix(".ipynb")
    names = [name, *(f"{stem}.new{number or ''}.ipynb" for number in range(100))]
    for target in names:
        path = place / target
        is_latest = ledger.get(target) == mark
        if is_latest and (path.exists() or target != name):
            return []  # there it is, edited or not; or it was offered before and thrown away
        if not path.exists() or _untouched(path, ledger.get(target)):
            _write(path, notebook)
            ledger[target] = mark
            break
    return [] if target == name else [f"{name} has your work in it; its new version is {target}"]


def _untouched(path: Path, mark: str | None) -> bool:
    """Whether `path` is a notebook just as it was handed out."""
    try:
        return mark is not None and fingerprint(json.loads(path.read_text("utf-8"))) == mark
    except (OSError, ValueError, AttributeError):
        return False


def _ledger(place: Path) -> dict[str, str]:
    try:
        return dict(json.loads((place / LEDGER).read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _write(path: Path, content: object) -> None:
    """Writes JSON so that a reader finds the old file or the new one, never half of it."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(path)
