"""The wall's page: plain HTML that fetches its own middle part again every few seconds.

Colour is never alone: each state has a sign, too, and the page is read without its script.
Names are shown only where the address asks for them (?names=1); otherwise learners are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

from labs.lessons import course
from labs.wall import sections, standing
from labs.wall.standing import AT_WORK, DONE, NOT_BEGUN, STUCK, Learner

EVERY = 3  # seconds
_SIGNS = {NOT_BEGUN: "·", AT_WORK: "…", STUCK: "!", DONE: "✓"}
_STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ccc; --soft: #f1f1f1;
  --work: #56b4e9; --stuck: #e69f00; --done: #009e73; --bar: #0072b2; --hit: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #181818; --line: #555;
  --soft: #2a2a2a; --bar: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; font: 16px/1.4 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 1.2rem 0 .3rem; }
nav { margin: .3rem 0 .8rem; } nav a { color: inherit; margin-right: .7rem; }
nav a[aria-current] { font-weight: bold; text-decoration: none; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .15rem .4rem; }
thead th { background: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { text-align: left; font-weight: 400; white-space: nowrap; }
td { text-align: center; min-width: 3rem; white-space: nowrap; }
td.work { background: var(--work); color: #222; } td.stuck { background: var(--stuck); color: #222;
  font-weight: bold; } td.done { background: var(--done); color: #111; }
.note { font-size: .85rem; } .key span { margin-right: 1rem; }
.board { display: grid; gap: 0 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
.bars { display: grid; gap: 2px .5rem;
  grid-template-columns: minmax(4rem, max-content) minmax(0, 1fr); max-width: 40rem; }
.bars > span { text-align: right; overflow-wrap: anywhere; }
.bar { display: flex; align-items: center; gap: .4rem; } .bar i { display: block; height: 1rem;
  background: var(--bar); min-width: 1px; } .hit { outline: 3px solid var(--hit);
  outline-offset: -1px; } .hit b { color: var(--ink); }
"""
_SCRIPT = """
const main = document.querySelector("main"), note = document.querySelector("#lost");
setInterval(async () => {
  try {
    const answer = await fetch(location.href, {headers: {"X-Part": "main"}});
    if (!answer.ok) throw new Error(answer.status);
    const text = await answer.text();
    if (text !== main.dataset.text) { main.dataset.text = text; main.innerHTML = text; }
    note.hidden = true;
  } catch { note.hidden = false; }
}, EVERY);
"""


def newest(learners: Sequence[Learner]) -> str:
    """The lesson in which something was done last; the first if nothing was."""
    known = sections.lessons()
    entries = [e for learner in learners for e in learner.entries[-1:] if e.lesson in known]
    return max(entries, key=lambda e: e.t).lesson if entries else known[0]


def whole(learners: Sequence[Learner], lesson: str, names: bool) -> str:
    """The page."""
    script = _SCRIPT.replace("EVERY", str(EVERY * 1000))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The wall</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>"
        '<p id="lost" role="alert" hidden>The wall does not answer: this is how it was.</p>'
        f"<main>{main(learners, lesson, names)}</main><script>{script}</script></body></html>"
    )


def main(learners: Sequence[Learner], lesson: str, names: bool) -> str:
    """The part of the page that renews itself."""
    found = sections.of(lesson)
    asked = [item for part in found for item in part.items if item.kind == "prediction"]
    drawn = [standing.distribution(item, lesson, learners) for item in asked]
    title = course.lesson(lesson).title
    here = urlencode({"lesson": lesson} if names else {"lesson": lesson, "names": 1})
    links = " ".join(
        f'<a href="?{urlencode({"lesson": each})}"{" aria-current=page" * (each == lesson)}>'
        f"{escape(each[:2])}</a>"
        for each in sections.lessons()
    )
    return (
        f"<h1>{escape(lesson[:2])} {escape(title)}</h1><nav>Lesson: {links} "
        f'<a href="?{here}">{"Hide the names" if names else "Show the names"}</a></nav>'
        f"{_table(learners, lesson, names)}{_key()}"
        f'<div class="board">{"".join(map(_distribution, drawn))}</div>'
    )


def _key() -> str:
    parts = (f"<span>{_SIGNS[state]} {state}</span>" for state in standing.STATES)
    return f'<p class="key note">{"".join(parts)}</p>'


def _table(learners: Sequence[Learner], lesson: str, names: bool) -> str:
    if not learners:
        return "<p>No learner has come yet.</p>"
    parts = sections.of(lesson)
    head = "".join(f"<th>{escape(part.title)}</th>" for part in parts)
    states = [[standing.state(part, lesson, each.entries) for part in parts] for each in learners]
    done = "".join(
        f"<td>{sum(row[n] == DONE for row in states)} of {len(learners)}</td>"
        for n in range(len(parts))
    )
    rows = "".join(
        f"<tr><th>{escape(learner.name) if names else number}"
        f"{f' <span class=note>({escape(learner.note)})</span>' if learner.note else ''}</th>"
        f"{''.join(map(_cell, row))}</tr>"
        for number, (learner, row) in enumerate(zip(learners, states, strict=True), 1)
    )
    return (
        f'<div class="wide"><table><thead><tr><th>Learner</th>{head}</tr></thead>'
        f"<tbody><tr><th>done</th>{done}</tr>{rows}</tbody></table></div>"
    )


def _cell(state: str) -> str:
    kind = {AT_WORK: "work", STUCK: "stuck", DONE: "done"}.get(state, "")
    return f'<td class="{kind}" title="{state}" aria-label="{state}">{_SIGNS[state]}</td>'


def _distribution(found: standing.Distribution) -> str:
    most = max((count for _, count in found.bars), default=0) or 1
    rows = "".join(
        f"<span>{escape(name)}</span><div class='bar{' hit' * (number == found.measured)}'>"
        f"<i style='width: {70 * count / most:.0f}%'></i>{count or ''}"
        f"{'<b>measured</b>' if number == found.measured else ''}</div>"
        for number, (name, count) in enumerate(found.bars)
    )
    said = f"{found.answers} answers" if found.answers != 1 else "1 answer"
    if found.text:
        said += f"; measured: {found.text}"
    if found.verdicts is not None:
        said += f"; {found.right} of {found.verdicts} predicted right, each with own numbers"
    return (
        f"<section><h2>{escape(found.question)}</h2><p class=note>{escape(said)}</p>"
        f"<div class=bars>{rows}</div></section>"
    )
