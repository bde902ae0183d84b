"""The cheat sheet of the course: the summary and the cheat sheet line of every lesson, on one page.

    python -m tools.cheatsheet FILE     writes the page; `make cheatsheet`: build/cheatsheet.html

    notebooks/NN-name.ipynb, last cell   ## Summary        five lines
                                         **Cheat sheet:**  one line of commands

The page needs nothing but itself, and prints on two sheets of A4.  The book (tools.book) has it.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import mistune

from labs.jupyter.workbooks import lessons

_SUMMARY = re.compile(r"^## Summary\n\n((?:- .*\n)+)", re.M)
_LINE = re.compile(r"^\*\*Cheat sheet:\*\* (.+)$", re.M)

STYLE = """
@page { size: A4; margin: 8mm 9mm; }
* { box-sizing: border-box; }
body { font: 7.4pt/1.26 "DejaVu Sans", Verdana, sans-serif; color: #111; background: #fff;
       max-width: 192mm; margin: 0 auto; }
h1 { font-size: 12pt; margin: 0 0 1mm; }
header p { margin: 0 0 2mm; color: #444; }
main { columns: 2; column-gap: 6mm; }
section { break-inside: avoid; margin: 0 0 2.2mm; }
h2 { font-size: 8.4pt; margin: 0 0 .6mm; border-bottom: .3mm solid #0072b2; }
ul { margin: 0; padding-left: 3.2mm; }
section p { margin: .6mm 0 0; padding: .6mm 1mm; background: #eef4f8; overflow-wrap: anywhere; }
code { font: 7pt "DejaVu Sans Mono", Menlo, monospace; }
@media screen { body { padding: 6mm; zoom: 1.35; } }
@media screen and (max-width: 60rem) { main { columns: 1; } body { max-width: none; } }
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a lesson puts on the sheet, in Markdown: its title, five lines and its commands."""

    title: str
    summary: tuple[str, ...]
    commands: str


def entry(lesson: Path) -> Entry:
    """What `lesson`, a notebook, puts on the sheet.

    Raises ValueError, naming the lesson, if it has no summary or no cheat sheet line.
    """
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    first, last = ("".join(cells[position]["source"]) for position in (0, -1))
    summary, line = _SUMMARY.search(last), _LINE.search(last)
    if not summary or not line:
        raise ValueError(f"{lesson.name}: its last cell has no ## Summary or no **Cheat sheet:**")
    points = tuple(point.removeprefix("- ") for point in summary[1].splitlines())
    return Entry(first.partition("\n")[0].removeprefix("# "), points, line[1])


def whole() -> str:
    """The page of all lessons; ValueError if one of them has nothing for it."""
    return page([entry(lesson) for lesson in lessons()])


def page(entries: list[Entry]) -> str:
    """The whole page, in HTML."""
    sections = "\n".join(map(_section, entries))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>VRRP Lab: cheat sheet</title>\n<style>{STYLE}</style>\n"
        "<header><h1>VRRP and keepalived: cheat sheet</h1>\n"
        "<p>What each lesson of VRRP Lab ends with. Commands are for the servers, as root.</p>"
        f"</header>\n<main>\n{sections}\n</main>\n</html>\n"
    )


def _section(lesson: Entry) -> str:
    points = "".join(f"<li>{inline(point)}</li>" for point in lesson.summary)
    return (
        f"<section><h2>{html.escape(lesson.title)}</h2><ul>{points}</ul>"
        f"<p>{inline(lesson.commands)}</p></section>"
    )


def inline(text: str) -> str:
    """Markdown of one line as HTML, without the paragraph around it."""
    return str(mistune.html(text)).strip().removeprefix("<p>").removesuffix("</p>")


def write(target: Path, text: str) -> None:
    """Write a page, and the folders above it; print its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(f"written: {target}")


def main(arguments: list[str]) -> int:
    """The program; returns its exit status.  argparse ends it for --help and for wrong words."""
    parser = argparse.ArgumentParser("python -m tools.cheatsheet", description="Write the page.")
    parser.add_argument("file", type=Path, metavar="FILE", help="build/cheatsheet.html, say")
    write(parser.parse_args(arguments).file, whole())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
