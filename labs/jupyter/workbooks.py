"""The learner's copies of the lessons, and the folder that they live in.

    notebooks/07-failover.ipynb            solved, with a guess in every prediction: the source
        │ copy()
        ▼
    ~/vrrp-lab/07-failover.ipynb           no guesses, no solution, no outputs: the learner's own
    ~/vrrp-lab/solutions/07-failover.ipynb the source as it is, to compare with
    ~/vrrp-lab/progress.jsonl              what was answered and tried (labs.progress)

`hand_out` may be repeated, and is by every `make lab`. It never overwrites work: a copy that is as
it was handed out is renewed when the lesson changes; one that was edited, or run, stays, and the
new one is written beside it as 07-failover.new.ipynb. A copy that was deleted comes back fresh.
While there is an exam in the folder (`labs.exam`), no solutions are handed out.
A copy that Jupyter cannot open (empty, cut off, no notebook) stays as well, and as long as it does,
there is a good one beside it.
"""

from __future__ import annotations

import ast
import copy as copying
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from labs import jsonlines
from labs.errors import LabError
from labs.lesson_names import today
from labs.progress import EXAM, FILE, VARIABLE, read
from labs.shared_files import shared

NOTEBOOKS = shared("notebooks")
SOLUTIONS = "solutions"
# What was handed out: the fingerprint of every file, by its name.
LEDGER = ".handed-out.json"

Notebook = dict[str, Any]


def folder() -> Path:
    """The learner's folder: $LAB_WORK, or vrrp-lab in the home directory.

    Raises LabError if there is no home directory.
    """
    try:
        return Path(os.environ.get(VARIABLE) or Path.home() / "vrrp-lab").expanduser().absolute()
    except RuntimeError:  # neither $HOME nor an account
        raise LabError(
            f"you have no home directory: name a folder, `{VARIABLE}=FOLDER make lab`"
        ) from None


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
    follows = False  # a cell of the solution directly above
    for cell in made["cells"]:
        solution = "solution" in cell["metadata"].get("tags", [])
        above, follows = follows, solution
        if cell["cell_type"] != "code":
            continue
        cell["outputs"], cell["execution_count"] = [], None
        text = "".join(cell["source"])
        if solution:
            cell["metadata"].pop("jupyter", None)
            text = f"# Your turn. To compare afterwards: {SOLUTIONS}/{name}\n"
            if above:  # how many there are is the author's, and says nothing about the task
                text = "# Another cell for you, if you need one.\n"
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
    """The same for two notebooks that look the same to a reader."""
    seen = [
        [cell.get("cell_type"), "".join(cell.get("source", "")), bool(cell.get("outputs"))]
        for cell in notebook.get("cells", [])
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


# --- the folder ----------------------------------------------------------------------------------


def hand_out(place: Path, source: Path = NOTEBOOKS) -> list[str]:
    """Brings the learner's folder up to date; what the learner should know of it, a line each.

    Raises LabError if the folder cannot be written.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        return _hand_out(place, source)
    except OSError as error:
        raise LabError(
            f"{error.filename or place} cannot be written ({error.strerror}): "
            f"name another folder, `{VARIABLE}=FOLDER make lab`"
        ) from None


def _hand_out(place: Path, source: Path) -> list[str]:
    ledger, said = _ledger(place)
    solved_too = not os.path.lexists(place / EXAM)
    if solved_too:
        (place / SOLUTIONS).mkdir(exist_ok=True)
    wanted: dict[str, Notebook | None] = {}
    for lesson in lessons(source):
        names = (lesson.name, f"{SOLUTIONS}/{lesson.name}")
        try:
            solved = _notebook(lesson)
            wanted.update(zip(names, (copy(solved, lesson.name), solved), strict=True))
        except (OSError, ValueError, LookupError, TypeError) as error:
            said.append(f"{lesson} is damaged ({_why(error)}): `git checkout {lesson}` repairs it")
            wanted.update(dict.fromkeys(names))
    if not solved_too:
        wanted = {name: each for name, each in wanted.items() if not _is_solution(name)}
    for name, notebook in wanted.items():
        if notebook is not None:
            said += _deliver(place, name, notebook, ledger)
    for name in sorted(ledger.keys() - wanted.keys()):
        if ".new" in name:
            continue
        if _untouched(place / name, ledger[name]):
            (place / name).unlink()
            del ledger[name]
        elif (present := _present_names(name, wanted)) and os.path.lexists(place / name):
            said.append(f"{name} has your work in it; that lesson is {' and '.join(present)} now")
            del ledger[name]  # the line is printed once
    _write(place / LEDGER, ledger)
    return [*said, *_progress(place)]


def _present_names(name: str, wanted: Iterable[str]) -> list[str]:
    """The files of `wanted` that the lesson in the file `name` has become."""
    present = today(name.removesuffix(".ipynb"))
    return sorted(each for each in wanted if each[3:].removesuffix(".ipynb") in present)


def _is_solution(name: str) -> bool:
    return name.startswith(f"{SOLUTIONS}/")


def remove_solutions(place: Path) -> int:
    """Remove the solutions that are as they were handed out; how many.

    Raises LabError if that cannot be done.
    """
    ledger, _ = _ledger(place)
    removed = 0
    if (place / SOLUTIONS).is_symlink():  # what it leads to may be another learner's
        return 0
    try:
        for name in sorted(filter(_is_solution, ledger)):
            if _untouched(place / name, ledger[name]):
                (place / name).unlink()
                removed += 1
    except OSError as error:
        raise LabError(f"{error.filename} cannot be removed ({error.strerror})") from None
    return removed


def _deliver(place: Path, name: str, notebook: Notebook, ledger: dict[str, str]) -> list[str]:
    """Puts `notebook` where it overwrites nothing; a line if that is not where it belongs."""
    mark = fingerprint(notebook)
    stem = name.removesuffix(".ipynb")
    damage = _damage(place / name)
    if not damage and ledger.get(name) != mark and _untouched(place / name, mark):
        ledger[name] = mark  # the ledger was lost
    names = [name, *(f"{stem}.new{number or ''}.ipynb" for number in range(100))]
    for target in names:
        path = place / target
        is_latest, is_there = ledger.get(target) == mark, os.path.lexists(path)
        if damage:
            found = not _damage(path) and is_there and is_latest
        else:
            # There it is, edited or not; or it was offered before and thrown away.
            found = is_latest and (is_there or target != name)
        if found:
            break
        if not is_there or _untouched(path, ledger.get(target)):
            _write(path, notebook)
            ledger[target] = mark
            break
    if damage:
        return [f"{name} is damaged ({damage}) and left as it is: a good copy is {target}"]
    if target == name or found:
        return []
    return [f"{name} has your work in it; its new version is {target}"]


def _notebook(path: Path) -> Notebook:
    """What a file holds.  Raises OSError or ValueError for what Jupyter would not open."""
    text = jsonlines.whole(path)
    if not text.strip():
        raise ValueError("empty")
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not isinstance(notebook.get("nbformat"), int):
        raise ValueError("not a notebook")
    for cell in cells:
        source = cell.get("source") if isinstance(cell, dict) else None
        lines = source if isinstance(source, list) else [source]
        if not all(isinstance(line, str) for line in lines):
            raise ValueError("not a notebook: a cell without source")
    return dict(notebook)


def _damage(path: Path) -> str:
    """Why Jupyter could not open what is at `path`; "" if it can, or if there is nothing."""
    try:
        if os.path.lexists(path):
            _notebook(path)
    except (OSError, ValueError) as error:
        return _why(error)
    return ""


def _why(error: Exception) -> str:
    """The reason of an error in a few words."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"cut off, or not JSON: line {error.lineno}: {error.msg}"
    return str(getattr(error, "strerror", None) or error)


def _untouched(path: Path, mark: str | None) -> bool:
    """Whether `path` is a notebook just as it was handed out."""
    try:
        return mark is not None and fingerprint(_notebook(path)) == mark
    except (OSError, ValueError):
        return False


def _ledger(place: Path) -> tuple[dict[str, str], list[str]]:
    """What was handed out, and a line if that is not known any more."""
    try:
        told = json.loads(jsonlines.whole(place / LEDGER))
        if not isinstance(told, dict):
            raise ValueError("not a list of files")
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, RecursionError) as error:
        return {}, [
            f"{place / LEDGER} is damaged ({_why(error)}) and written again: lessons that you have "
            "edited are offered once more, beside yours"
        ]
    # Nothing outside of this folder is ours to renew or to remove.
    own = (entry for entry in told.items() if ".." not in Path(entry[0]).parts)
    return {name: mark for name, mark in own if isinstance(mark, str) and name[:1] != "/"}, []


def _progress(place: Path) -> list[str]:
    """What is wrong with the file of answers."""
    file, skipped = place / FILE, list[str]()
    try:
        for _ in read(file, lambda number, why: skipped.append(f"line {number}: {why}")):
            pass
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{file} cannot be read ({_why(error)}): move it away, or no progress is kept"]
    if not skipped:
        return []
    return [f"{file}: {len(skipped)} damaged lines count for nothing, the rest does ({skipped[0]})"]


def _write(path: Path, content: object) -> None:
    """Writes JSON so that a reader finds the old file or the new one, never half of it."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(path)
