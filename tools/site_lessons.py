"""The lessons of the browser edition, for `make site`: executed from their recordings.

    .venv/bin/python -m tools.site_lessons PAGES TARGET

    notebooks/NN-name.ipynb ── executed with LAB_MODE=replay ──> build/replayed/NN-name.json
    that ──> PAGES/lessons/NN-name/index.html                    the body of a page (site/build.mjs)
             TARGET/lessons/NN-name/judged.json, *.svg           what is not on the page at first
             TARGET/lessons/output.css                           the styles of what cells printed

Everything on a page comes from the notebook, its course module and its recording.  No guess of the
author's is on it: predictions and the quiz are answered in the page (site/pages/lessons).
A page has no answers: they are in judged.json, which is fetched when there is something to judge.
A lesson is executed again only if the notebook or a source has changed.
A cell that fails is shown as one that was not executed, and named here on stderr.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import sys
from html.parser import HTMLParser
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import mistune
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import BashLexer, PythonLexer

from labs.browser.lessons import CHALLENGES
from labs.jupyter.workbooks import lessons, without_guess
from labs.lessons import course
from labs.lessons.predictions import Prediction, Verdict
from tools import replayed
from tools.book import digest
from tools.openings import opening

REPOSITORY = Path(__file__).resolve().parents[1]
REPLAYED = REPOSITORY / "build" / "replayed"
AT_ONCE = 2
PRELOAD = ("IPython.core.interactiveshell", "matplotlib.pyplot", "labs.figures.plot")
STYLE = re.compile(r'\sstyle="([^"]*)"')
CLASS = re.compile(r'\sclass="([^"]*)"')
LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)
# What may be wider than a telephone is scrolled by keyboard, too.
SCROLLED = 'tabindex="0" role="region" aria-label="{}"'
# What is laid out in columns or drawn in characters, and must not be broken into lines.
COLUMNS = re.compile(r"\S {2,}\S|[│─█░▒▓]")
IMAGE = re.compile(r'src="data:image/svg\+xml;base64,([^"]*)"')
# The explorable figure that goes on where a lesson ends, with its question.
FIGURES = {
    "01": ("advertisement", "What is in an Advertisement, and who believes it?"),
    "02": ("election", "Who becomes MASTER, and why without a vote?"),
    "07": ("outage", "Why does a failover take as long as it does?"),
    "09": ("election", "Who becomes MASTER, and why without a vote?"),
    "13": ("cable", "How many ways are there to lose a cable?"),
    "15": ("interval", "How fast is too fast?"),
    "18": ("advertisement", "What is in an Advertisement, and who believes it?"),
}


def replay(lesson: Path) -> dict[str, Any]:
    """The cells of a lesson with their outputs, executed unless that was done for the same."""
    made = REPLAYED / f"{lesson.stem}.json"
    mark = hashlib.sha256(digest(lesson).encode())
    for path in (REPOSITORY / f"labs/recordings/{lesson.stem}.json.gz", Path(replayed.__file__)):
        mark.update(path.read_bytes() if path.exists() else b"")
    if made.exists():
        known: dict[str, Any] = json.loads(made.read_text(encoding="utf-8"))
        if known["mark"] == mark.hexdigest():
            return known
    found = {"mark": mark.hexdigest(), "cells": replayed.execute(lesson)}
    made.write_text(json.dumps(found), encoding="utf-8")
    return found


class Styles:
    """Inline styles as classes: the pages' policy allows no style attribute."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def name(self, style: str) -> str:
        """The class that has these declarations."""
        return self.names.setdefault(style, f"o{len(self.names)}")

    def moved(self, text: str) -> str:
        """HTML without style attributes; what may be wider than the page can be scrolled."""
        parser = _Restyled(self)
        parser.feed(text)
        parser.close()
        return "".join(parser.parts)

    def css(self) -> str:
        """The classes."""
        rules = (f".out .{name} {{ {style} }}" for style, name in self.names.items())
        return "\n".join(rules) + "\n"


class _Restyled(HTMLParser):
    """Copies HTML and replaces the style of each tag by a class."""

    def __init__(self, styles: Styles) -> None:
        super().__init__(convert_charrefs=False)
        self.styles = styles
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag, as it was written but for its style."""
        text = self.get_starttag_text() or ""
        if style := STYLE.search(text):
            names = [self.styles.name(html.unescape(style[1]))]
            text = STYLE.sub("", text)
            if before := CLASS.search(text):
                names.insert(0, before[1])
                text = CLASS.sub("", text)
            text = text.replace(f"<{tag}", f'<{tag} class="{" ".join(names)}"', 1)
        if tag == "pre":
            text = text.replace("<pre", '<pre tabindex="0"', 1)
        self.parts.append(text)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that ends with "/>"."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """The end of a tag."""
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Text."""
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        """A character by its name."""
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """A character by its number."""
        self.parts.append(f"&#{name};")


class Page:
    """One lesson: its HTML, and what is written beside it."""

    def __init__(self, lesson: Path, styles: Styles, target: Path) -> None:
        self.name = lesson.stem
        self.about = course.lesson(lesson.stem)
        self.styles = styles
        self.place = target / "lessons" / lesson.stem
        self.place.mkdir(parents=True)
        self.judged: dict[str, Any] = {"predictions": {}, "quiz": []}
        self.figures = self.runs = 0
        self.checked: set[str] = set()
        self.veiled = 0

    def body(self, cells: list[dict[str, Any]]) -> str:
        """The whole body, and the files beside it."""
        parts = [part for cell in cells for part in self._cell(cell)]
        text = "\n".join(parts).replace("{root}", "&#123;root}")  # the build replaces that
        # Behind the predictions: the figure gives their answers away.
        text += "\n".join([self._see_live(), *["</div>"] * self.veiled])
        judged = json.dumps(self.judged, ensure_ascii=False)
        (self.place / "judged.json").write_text(judged, encoding="utf-8")
        head = (
            f"title: {self.name[:2]} {self.about.title}\n"
            f"description: {self.about.question}\nprogram: ../page\noutputs: ../output.css\n"
        )
        around = (
            f'<main id="main" class="lesson" data-lesson="{self.name}">\n'
            '<p class="crumb"><a href="{root}lessons/index.html">All lessons</a></p>\n'
            '<p class="note">The outputs on this page are a replay: they were recorded on a real '
            "lab and are shown as they were. Panels with a cluster are simulated in this tab. "
            "Your answers stay in this browser.</p>\n"
        )
        forget = (
            '<p class="forget"><button type="button" id="forget">Forget my answers</button></p>'
        )
        return f"<!--\n{head}-->\n{around}{text}\n{forget}\n</main>\n"

    def _see_live(self) -> str:
        if self.name[:2] not in FIGURES:
            return ""
        place, question = FIGURES[self.name[:2]]
        link = f'<a href="{{root}}explore/{place}/index.html">{question}</a>'
        return f'<p class="note">See it live: {link}</p>'

    def _cell(self, cell: dict[str, Any]) -> list[str]:
        if cell["kind"] == "markdown":
            return [self._prose(cell["text"])]
        outputs = "".join(self._output(one) for one in cell["outputs"])
        if cell["failed"]:
            outputs += '<p class="note">This cell was not executed for this page.</p>'
        code = self._code(without_guess(cell["text"]))
        if "solution" in cell["tags"]:
            code = f"<details><summary>A solution</summary>{code}{outputs}</details>"
            outputs = ""
        opened = [one for one in cell["outputs"] if one["kind"] == "commit"]
        return [*(self._veil(one["questions"]) for one in opened), code, outputs]

    def _veil(self, questions: list[str]) -> str:
        """What comes after a commit() is shown when its questions have answers."""
        self.veiled += 1
        wanted = html.escape(json.dumps(questions, ensure_ascii=False))
        return f'<div class="veil" data-questions="{wanted}">'

    @staticmethod
    def _code(text: str) -> str:
        lexer = BashLexer() if text.startswith("%%on") else PythonLexer()
        found = highlight(text, lexer, HtmlFormatter(nowrap=True))
        return f'<pre class="code" tabindex="0" aria-label="code">{found}</pre>'

    def _prose(self, text: str) -> str:
        render = mistune.create_markdown(escape=False, plugins=["table"])
        found = str(render(text)).replace(
            "<table>", f'<div class="wide-table" {SCROLLED.format("table")}><table>'
        )
        found = found.replace("</table>", "</table></div>")
        return LINK.sub(self._link, found)

    @staticmethod
    def _link(found: re.Match[str]) -> str:
        target, words = found.groups()
        if target.endswith(".ipynb"):
            return f'<a href="../{Path(target).stem}/index.html">{words}</a>'
        return found[0] if target.startswith("https://") else words

    # --- outputs ---------------------------------------------------------------------------------

    def _output(self, output: dict[str, Any]) -> str:
        made = getattr(self, f"_{output['kind']}")(output)
        return str(made)

    def _commit(self, _output: dict[str, Any]) -> str:
        return ""

    def _text(self, output: dict[str, Any]) -> str:
        text = html.escape(output["text"].rstrip())
        kind = "text" if COLUMNS.search(text) else "text prose"
        return f'<div class="out {kind}"><pre tabindex="0" aria-label="output">{text}</pre></div>'

    def _html(self, output: dict[str, Any]) -> str:
        found = self.styles.moved(IMAGE.sub(self._file, output["html"]))
        return f'<div class="out" {SCROLLED.format("output")}>{found}</div>'

    def _file(self, image: re.Match[str]) -> str:
        """A figure as a file beside the page, which need not hold all of them."""
        self.figures += 1
        name = f"{self.figures}.svg"
        (self.place / name).write_bytes(base64.b64decode(image[1]))
        return f'src="{name}" loading="lazy"'

    def _prediction(self, output: dict[str, Any]) -> str:
        data = {key: output[key] for key in ("question", "unit", "choices", "ordered")}
        return _widget("prediction", data, output["question"])

    def _verdict(self, output: dict[str, Any]) -> str:
        question, unit = output["question"], output["unit"]
        told = {key: output[key] for key in ("measured", "because", "spread", "between")}
        verdicts = {}
        for choice in output["choices"]:
            guessed = Prediction(question, choice, unit, tuple(output["choices"]))
            verdict = Verdict(guessed, **told)
            verdicts[choice] = {"right": verdict.right, "text": repr(verdict)}
        nothing = repr(Verdict(Prediction(question, None, unit), **told))
        self.judged["predictions"][question] = {
            "unit": unit, **told, "choices": verdicts, "nothing": nothing,
        }  # fmt: skip
        return _widget("verdict", {"question": question}, "The comparison")

    def _quiz(self, output: dict[str, Any]) -> str:
        asked = []
        for question in course.lesson(output["lesson"]).questions:
            asked.append({"text": question.text, "choices": sorted(question.choices())})
            replies = {question.right: {"passed": True, "text": question.why}}
            for choice, why in question.wrong.items():
                replies[choice] = {"passed": False, "text": why}
            self.judged["quiz"].append(replies)
        return _widget("quiz", {"questions": asked}, "The questions")

    def _panel(self, output: dict[str, Any]) -> str:
        if output["opening"] is not None:
            return _widget("cluster", output["opening"], "A cluster to try it")
        self.runs += 1
        name = f"run-{self.runs}.json"
        (self.place / name).write_text(json.dumps(output["run"]), encoding="utf-8")
        return _widget("recorded", {"run": name}, "The recorded run")

    def _check(self, output: dict[str, Any]) -> str:
        name, report = output["challenge"], self._html(output["report"])
        then = "What the check reports then" if name in self.checked else "What the check reports"
        folded = f"<details><summary>{then}</summary>{report}</details>"
        if name in self.checked:
            return folded
        self.checked.add(name)
        return self._challenge(name) + folded if name in CHALLENGES else report

    def _challenge(self, name: str) -> str:
        """A challenge to solve in the tab."""
        found = course.challenge(name, self.name)
        start = opening(found.state, drawn=False)  # its steps look at all addresses
        if start is None:
            raise ValueError(f"{self.name}: a tab cannot play the state of the challenge {name}")
        data = {"challenge": name, "task": found.task, "opening": start}
        return _widget("challenge", data, f"{found.task}: to solve in the tab")


def _widget(kind: str, data: dict[str, Any], words: str) -> str:
    """A place that the page's program fills; without it there are the words alone."""
    asked = html.escape(json.dumps(data, ensure_ascii=False))
    return (
        f'<div class="ask {kind}" data-kind="{kind}" data-ask="{asked}">'
        f"<p>{html.escape(words)}</p></div>"
    )


def index(found: list[Path]) -> str:
    """The list of all lessons."""
    rows = []
    for lesson in found:
        about = course.lesson(lesson.stem)
        rows.append(
            f'<li><a class="card" href="{lesson.stem}/index.html"><b>{lesson.stem[:2]} '
            f"{html.escape(about.title)}</b><span>{html.escape(about.question)}</span>"
            f'<span class="soft">{about.minutes} minutes</span></a></li>'
        )
    return (
        "<!--\ntitle: Lessons\ndescription: VRRP and keepalived in twenty-two lessons, to read and "
        "to predict.\nnav: Lessons\norder: 4\noutputs: page.css\n-->\n"
        '<main id="main"><h1>Lessons</h1><p class="lead">A question, your prediction, the '
        "experiment, the comparison. What was measured is a replay of real runs.</p>"
        f'<ul class="lessons">{"".join(rows)}</ul></main>\n'
    )


def replays(found: list[Path]) -> list[dict[str, Any]]:
    """`replay` of each of the lessons `found`, in their order, each in a process of its own."""
    REPLAYED.mkdir(parents=True, exist_ok=True)
    os.environ["LAB_MODE"] = "replay"
    # A process has one shell; what every lesson imports is imported once.
    context = get_context("forkserver")
    context.set_forkserver_preload(["tools.replayed", "labs.api.replay", "labs.lessons", *PRELOAD])
    with context.Pool(AT_ONCE, maxtasksperchild=1) as pool:
        return pool.map(replay, found, chunksize=1)


def main() -> int:
    """The program; returns its exit status."""
    pages, target = map(Path, sys.argv[1:3])
    found = lessons()
    styles = Styles()
    for lesson, made in zip(found, replays(found), strict=True):
        for cell in made["cells"]:
            if cell["kind"] == "code" and cell["failed"]:
                print(f"site: {lesson.name}: {cell['failed']}", file=sys.stderr)
        place = pages / "lessons" / lesson.stem
        place.mkdir(parents=True)
        text = Page(lesson, styles, target).body(made["cells"])
        (place / "index.html").write_text(text, encoding="utf-8")
    (pages / "lessons" / "index.html").write_text(index(found), encoding="utf-8")
    (target / "lessons" / "output.css").write_text(styles.css(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
