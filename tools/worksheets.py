"""Worksheets to print, one for each lesson, and the teacher's page with the answers.

    python -m tools.worksheets FOLDER [LESSON ...]    `make worksheets`: into build

    notebooks/NN-name.ipynb   title, aim, predictions, tasks     FOLDER/worksheets.html
    docs/predictions.md       answers, wrong answers to expect   FOLDER/worksheets-teacher.html

For a class on paper: each lesson begins on a new sheet of A4, with space for the predictions, for
what was measured and for the commands of the challenge.  There are no answers on it.
The pages need nothing but themselves, and are light whatever the screen prefers.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
from pathlib import Path

import mistune

from labs import own_numbers
from labs.errors import LabError
from labs.jupyter.workbooks import lessons
from labs.lessons import course
from tools import predictions
from tools.cheatsheet import inline, write
from tools.predictions import Asked, asked

_AIM = re.compile(r"^\*\*Afterwards you can\*\* (.+)$", re.M)
_TASK = re.compile(r"^## (Challenge.*)\n\n((?:.|\n)+)", re.M)
# Ruled lines for the commands of a challenge, and for those of each where there are several.
_LINES, _FEWER_LINES = 7, 4
# Ruled lines for notes: the more predictions, the fewer, so that most lessons have a single sheet.
_NOTES, _FEWEST_NOTES = 8, 2

STYLE = """
@page { size: A4; margin: 13mm 14mm; }
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 9.5pt/1.35 "DejaVu Sans", Verdana, sans-serif; color: #111; background: #fff;
       max-width: 182mm; margin: 0 auto; }
header { display: flex; gap: 6mm; font-size: 8.5pt; color: #444; white-space: nowrap; }
header span { flex: 1; border-bottom: .25mm solid #888; }
h1 { font-size: 15pt; margin: 4mm 0 1mm; }
h2 { font-size: 11pt; margin: 4mm 0 1mm; break-after: avoid; }
p { margin: 0 0 1.2mm; }
section + section { break-before: page; }
table { border-collapse: collapse; width: 100%; margin-top: 2mm; }
th, td { border: .25mm solid #888; padding: 1.2mm 1.6mm; text-align: left; vertical-align: top; }
th { font-size: 8.5pt; color: #444; font-weight: normal; }
tr { break-inside: avoid; }
.sheet td { height: 16.5mm; }
.sheet col:nth-child(1) { width: 35%; } .sheet col:nth-child(2) { width: 25%; }
.sheet col:nth-child(3) { width: 14%; }
small { display: block; color: #444; font-size: 8pt; }
.choice { display: block; padding-left: 4.6mm; text-indent: -4.6mm; }
.choice::before { content: ""; display: inline-block; width: 3mm; height: 3mm; margin-right: 1.6mm;
                  border: .3mm solid #111; vertical-align: -.4mm; }
.number { display: block; margin-top: 7mm; border-top: .25mm solid #111; text-align: right; }
.task { break-inside: avoid; }
.lines i { display: block; height: 7.5mm; border-bottom: .25mm solid #bbb; }
blockquote { margin: 0 0 1mm; padding-left: 3mm; border-left: .6mm solid #888; }
code { font: 8.5pt "DejaVu Sans Mono", Menlo, monospace; }
a { color: inherit; text-decoration: none; }
.teacher p { break-after: avoid; } .teacher table { margin: 0 0 4mm; }
.teacher td:first-child { width: 28%; }
@media screen { body { padding: 6mm; max-width: 194mm; } section + section { margin-top: 16mm; } }
"""


def sheets(chosen: list[Path]) -> str:
    """The worksheets of the lessons `chosen`, in HTML; ValueError if a lesson states no aim."""
    return _page("worksheets", "\n".join(map(_sheet, chosen)))


def teacher() -> str:
    """docs/predictions.md as a page to print."""
    text = mistune.create_markdown(plugins=["table"])(predictions.page(predictions.answers()))
    return _page("the predictions and their answers", f"<main class=teacher>{text}</main>")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>VRRP Lab: {title}</title>\n<style>{STYLE}</style>\n{body}\n</html>\n"
    )


def _sheet(lesson: Path) -> str:
    about = course.lesson(lesson.stem)
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    aim = _AIM.search(texts[0])
    if not aim:
        raise ValueError(f"{lesson.name}: its first cell has no **Afterwards you can**")
    found = asked(lesson)
    rows = "".join(_row(n, each, about.own) for n, each in enumerate(found, 1))
    notes = _lines(max(_NOTES - len(found), _FEWEST_NOTES))
    tasks = [task for text in texts if (task := _TASK.match(text))]
    ruled = _lines(_LINES if len(tasks) == 1 else _FEWER_LINES)
    return (
        "<section class=sheet><header>VRRP Lab, worksheet<span>Name: </span><span>Date: </span>"
        f"</header>\n<h1>{lesson.stem[:2]} {html.escape(about.title)}</h1>\n"
        f"<p><em>{html.escape(about.question)}</em></p>\n"
        f"<p><strong>Afterwards you can</strong> {inline(aim[1])}</p>\n"
        "<table><colgroup><col><col><col><col></colgroup>"
        "<tr><th>question</th><th>I predict</th><th>measured</th><th>why?</th></tr>"
        f"{rows}</table>\n"
        + "\n".join(
            f"<div class=task><h2>{inline(task[1])}</h2>{mistune.html(task[2])}"
            f"<p><small>my commands</small></p>{ruled}</div>"
            for task in tasks
        )
        + f"\n<div class=task><h2>Notes</h2>{notes}</div></section>"
    )


def _row(number: int, each: Asked, own: tuple[dict[str, float], ...]) -> str:
    """A prediction: its question with the numbers of the recording, and space for the answers."""
    question = own_numbers.recorded(each.question, own)
    remark = "" if question == each.question else "<small>my own number: ______</small>"
    way = "".join(f"<span class=choice>{html.escape(choice)}</span>" for choice in each.choices)
    way = way or f"<span class=number>{html.escape(each.unit) or '&nbsp;'}</span>"
    return f"<tr><td>{number}. {inline(question)}{remark}</td><td>{way}</td><td></td><td></td></tr>"


def _lines(count: int) -> str:
    return f"<div class=lines>{'<i></i>' * count}</div>"


def main(arguments: list[str]) -> int:
    """The program; returns its exit status.  argparse ends it for --help and for wrong words."""
    parser = argparse.ArgumentParser(
        "python -m tools.worksheets",
        description="Write worksheets.html and worksheets-teacher.html.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write them")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="07, say; all without one")
    asks = parser.parse_args(arguments)
    try:
        wanted = {course.number_of(course.lesson(name).name) for name in asks.lessons}
    except LabError as error:
        parser.error(str(error))
    chosen = [each for each in lessons() if not wanted or each.stem[:2] in wanted]
    write(asks.folder / "worksheets.html", sheets(chosen))
    write(asks.folder / "worksheets-teacher.html", teacher())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
