"""The README's list of lessons, as the lessons' own modules put it.

    python -m tools.contents            prints the table
    python -m tools.contents --write    puts it between the marks in README.md

A test fails as long as the README says something else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from labs.jupyter.workbooks import lessons
from labs.lessons import course

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- lessons -->", "<!-- end of lessons -->"


def table() -> str:
    """One row for each lesson: its link, its question, its minutes."""
    rows = ["| lesson | the question it answers | minutes |", "| --- | --- | --- |"]
    for path in lessons():
        about = course.lesson(path.stem)
        title = f"[{path.stem[:2]} {about.title}](notebooks/{path.name})"
        rows.append(f"| {title} | {about.question} | {about.minutes} |")
    return "\n".join(rows)


def written(text: str) -> str:
    """`text` with the table between the marks; ValueError if it has no marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END} in the text")
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"


def main(arguments: list[str]) -> int:
    """The program; returns its exit status."""
    if arguments == ["--write"]:
        README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
