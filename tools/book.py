"""What `make book` gives to Sphinx: the executed lessons and the documents, in build/book-source.

    notebooks/NN-name.ipynb ── executed in their own kernel ──> lessons/NN-name.ipynb
    docs/*.md ─────────────────────────────────────────────────> docs/
    labs.lessons.course ── titles and questions ───────────────────────> index.md
    last cells of the lessons ── tools.cheatsheet ─────────────> extra/cheatsheet.html

    python -m tools.book                  execute what has changed since the last time, and lay out
    python -m tools.book --check FOLDER   look at the built site: does it stand alone?

A page cannot run widgets, so their static twins stay.
Some lessons are executed at the same time: they mostly wait.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from labs.jupyter.workbooks import lessons
from labs.lessons import course
from tools import cheatsheet

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "build" / "book-source"
EXECUTED = REPOSITORY / "build" / "executed"
EXECUTE = REPOSITORY / "tests" / "notebooks" / "execute.py"
AT_ONCE = 3
WIDGET = "application/vnd.jupyter.widget-view+json"

CONF = """
project = "VRRP Lab"
html_title = "VRRP Lab"
extensions = ["myst_nb"]
html_theme = "furo"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_css_files = ["lab.css"]
html_static_path = ["_static"]
html_extra_path = ["extra"]
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # widgets have static twins; no script comes from elsewhere
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
# Links of the documents to sources lead into the repository, which a site does not have; cells of
# other languages (a configuration file, a shell) are not coloured.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure", "mystnb.unknown_mime_type"]
"""

# Wide tables and terminals scroll by themselves on a telephone, and the page does not.
CSS = """
.output pre, .output .highlight { overflow-x: auto; }
@media (max-width: 40rem) {
  .cell_output > div:has(> img) { overflow-x: auto; }
  .cell_output > div > img { max-width: none !important; width: 42rem; }
}
.cell_output details > pre { font-size: 70%; overflow-x: auto; }
/* By this a figure knows whether the page is dark; on paper it is light. */
body { color-scheme: light; }
@media not print {
  body[data-theme="dark"] { color-scheme: dark; }
  @media (prefers-color-scheme: dark) { body:not([data-theme="light"]) { color-scheme: dark; } }
}
"""


def digest(lesson: Path) -> str:
    """Of a lesson and of all that it may import: what was executed for the same is still right."""
    sources = sorted((REPOSITORY / "labs").rglob("*.py")) + sorted(
        (REPOSITORY / "vrrpd").rglob("*.py")
    )
    whole = hashlib.sha256()
    for path in [lesson, *sources]:
        whole.update(path.read_bytes())
    return whole.hexdigest()


def execute(lesson: Path) -> str:
    """Executes `lesson` unless that was done for the same sources; says what is wrong, if so."""
    result, stamp = EXECUTED / lesson.name, EXECUTED / f"{lesson.stem}.sha256"
    mark = digest(lesson)
    if result.exists() and stamp.exists() and stamp.read_text() == mark:
        return ""
    command = [sys.executable, str(EXECUTE), str(lesson), str(result)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        return f"{lesson.name}: {done.stderr.strip()[-2000:]}"
    stamp.write_text(mark)
    return ""


def page(notebook: dict[str, Any]) -> dict[str, Any]:
    """An executed lesson as a page: no widgets, the solution folded."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        if "solution" in cell["metadata"].get("tags", []):
            cell["metadata"]["tags"].append("hide-input")
        for output in cell["outputs"]:
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def index(found: list[Path]) -> str:
    """The first page: every lesson with its question, and the documents."""
    rows = []
    for lesson in found:
        about = course.lesson(lesson.stem)
        link = f"[{lesson.stem[:2]} {about.title}](lessons/{lesson.name})"
        rows.append(f"| {link} | {about.question} | {about.minutes} |")
    docs = sorted(path.stem for path in (REPOSITORY / "docs").glob("*.md"))
    lines = [
        "# VRRP Lab",
        "",
        "How two servers share one address, and what happens when somebody pulls a cable: lessons "
        "on a real cluster, executed, to be read.",
        "To do them yourself, with your own predictions, clone the repository and run `make lab`.",
        "",
        'To print: the <a href="cheatsheet.html">cheat sheet</a>, two sheets of A4. '
        "To look up: the [glossary](docs/glossary.md), with the Japanese terms.",
        "",
        "Lessons, figures and prose are under CC BY 4.0, code is under the MIT license.",
        "",
        "| lesson | the question it answers | minutes |",
        "| --- | --- | --- |",
        *rows,
        "",
        *("```{toctree}", ":hidden:", ":caption: Lessons"),
        *(f"lessons/{lesson.stem}" for lesson in found),
        *("```", "", "```{toctree}", ":hidden:", ":caption: Documents"),
        *(f"docs/{name}" for name in docs),
        "```",
    ]
    return "\n".join(lines) + "\n"


def lay_out() -> int:
    """Writes build/book-source; 1 if a lesson could not be executed."""
    found = lessons()
    EXECUTED.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = [fault for fault in pool.map(execute, found) if fault]
    for fault in faults:
        print(f"book: {fault}", file=sys.stderr)
    if faults:
        return 1
    shutil.rmtree(SOURCE, ignore_errors=True)
    for name in ("lessons", "_static", "extra"):
        (SOURCE / name).mkdir(parents=True)
    documents = shutil.ignore_patterns("man")
    shutil.copytree(REPOSITORY / "docs", SOURCE / "docs", ignore=documents)
    for lesson in found:
        notebook = page(json.loads((EXECUTED / lesson.name).read_text(encoding="utf-8")))
        (SOURCE / "lessons" / lesson.name).write_text(json.dumps(notebook), encoding="utf-8")
    (SOURCE / "conf.py").write_text(CONF, encoding="utf-8")
    (SOURCE / "_static" / "lab.css").write_text(CSS, encoding="utf-8")
    (SOURCE / "extra" / "cheatsheet.html").write_text(cheatsheet.whole(), encoding="utf-8")
    (SOURCE / "index.md").write_text(index(found), encoding="utf-8")
    return 0


# What a browser fetches by itself when it opens a page; links are for the reader to follow.
FETCHED = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\bsrc=["'](https?:)?//|"""
    r"""<link\b(?=[^>]*rel=["'](?:stylesheet|preload|icon)["'])[^>]*href=["'](?:https?:)?//|"""
    r"""url\(["']?(?:https?:)?//"""
)


def check(site: Path) -> int:
    """Whether the site stands alone: it fetches nothing from elsewhere, and no page is missing."""
    pages = sorted(site.rglob("*.html"))
    attackers = [
        f"{path.relative_to(site)}: {found.group()[:90]}"
        for path in [*pages, *site.rglob("*.css")]
        for found in FETCHED.finditer(path.read_text(encoding="utf-8"))
    ]
    missing = [n.stem for n in lessons() if not (site / "lessons" / f"{n.stem}.html").exists()]
    missing += ["the cheat sheet"] if not (site / "cheatsheet.html").exists() else []
    for complaint in [*attackers, *(f"there is no page of {name}" for name in missing)]:
        print(f"book: {complaint}", file=sys.stderr)
    return 1 if attackers or missing else 0


def main() -> int:
    """The program; returns its exit status."""
    parser = argparse.ArgumentParser(description="Lay out the book, or look at the built one.")
    parser.add_argument("--check", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    return check(options.check) if options.check else lay_out()


if __name__ == "__main__":
    sys.exit(main())
