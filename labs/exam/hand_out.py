"""Puts an exam into a learner's folder, as the teacher.

    FOLDER/exam.ipynb     the tasks with the learner's numbers; a copy that is there is kept
    FOLDER/.exam.json     the window, the numbers, the key that seals the lines of progress.jsonl
    FOLDER/solutions      goes, but for what the learner has edited

The folder is the learner's, who may have put links in it: nothing is written through one.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labs.errors import LabError
from labs.exam import tasks
from labs.exam.paper import Numbers, Paper, clock
from labs.jupyter import workbooks
from labs.progress import EXAM

NOTEBOOK = "exam.ipynb"
_IMPORTS = "from labs import Lab\nfrom labs.exam.tasks import answer, begin, done, submit"


def hand_out(paper: Paper, learner: str, folder: Path) -> str:
    """Give `learner` the exam; what was done, in a line.

    Raises LabError if the folder is none, or cannot be written.
    """
    numbers = paper.numbers(learner)
    content = {
        "title": paper.title,
        "learner": learner,
        "key": paper.key(learner).hex(),
        "begins": paper.begins,
        "ends": paper.ends,
        "numbers": asdict(numbers),
    }
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _write(place, EXAM, json.dumps(content, ensure_ascii=False) + "\n", 0o600)
            kept = _exists(place, NOTEBOOK)
            if not kept:
                text = json.dumps(notebook(paper, numbers), ensure_ascii=False, indent=1) + "\n"
                _write(place, NOTEBOOK, text, 0o644)
        finally:
            os.close(place)
    except OSError as error:
        raise LabError(
            f"{folder}: the exam cannot be put there ({error.strerror}): is it a learner's folder?"
        ) from None
    removed = workbooks.remove_solutions(folder)
    paper.learners[learner] = os.path.realpath(folder)
    note = f", {NOTEBOOK} was there and is kept" if kept else ""
    return f"{learner}: handed out, {removed} solutions removed{note}"


def _exists(place: int, name: str) -> bool:
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=place, follow_symlinks=False)
        return True
    return False


def _write(place: int, name: str, text: str, mode: int) -> None:
    """Put a file into an open directory, whole or not at all, for the directory's user."""
    half = f".{name}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(half, flags, mode, dir_fd=place)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        if os.geteuid() == 0:
            user = os.fstat(place)
            os.fchown(descriptor, user.st_uid, user.st_gid)
    os.replace(half, name, src_dir_fd=place, dst_dir_fd=place)


def notebook(paper: Paper, numbers: Numbers) -> dict[str, Any]:
    """The notebook of an exam for the learner who has these numbers."""
    asked = tasks.wording(numbers)
    times = f"{clock(paper.begins)} to {clock(paper.ends)}"
    cells = [
        _text("title", f"# {paper.title}\n\n{times}. The numbers are your own."),
        _code("begin", f"{_IMPORTS}\n\nbegin()"),
    ]
    for name in tasks.QUESTIONS:
        cells += [
            _text(f"ask-{name}", asked[name]),
            _code(f"answer-{name}", f'answer("{name}", ...)'),
        ]
    cells += [
        _text("cluster", "Two servers without a keepalived.conf. Use their terminals."),
        _code("start", 'lab = Lab("empty")\nlab.bench()'),
    ]
    for name in tasks.tasks(numbers):
        cells += [
            _text(f"ask-{name}", asked[name]),
            _code(f"submit-{name}", f'submit(lab, "{name}")'),
        ]
    cells += [_text("end", "What has been recorded:"), _code("done", "done()")]
    kernel = {"display_name": "VRRP Lab", "language": "python", "name": "vrrp-lab"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _text(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def _code(name: str, text: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": name, "metadata": {}, "source": text}
    return {**cell, "execution_count": None, "outputs": []}
