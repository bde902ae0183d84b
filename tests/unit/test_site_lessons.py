"""The lessons' pages of the browser edition: what is on them, and what is kept off them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from labs.browser.lessons import CHALLENGES, judge
from labs.lessons import course
from tests.support import REPOSITORY
from tools.site_lessons import FIGURES, Page, Styles, index

LESSON = Path("07-failover.ipynb")
QUESTION = "One of two: which? A {root} is no place."


def code(text: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    about = {"kind": "code", "text": text, "tags": list(tags), "failed": ""}
    return {**about, "outputs": list(outputs)}


ASKS = {"question": QUESTION, "unit": "", "choices": ["this", "that"], "ordered": False}
MEASURED = {"measured": "that", "because": "It was measured.", "spread": 0.0, "between": None}
VERDICT = {"kind": "verdict", **ASKS, **MEASURED}
REPORT = {"kind": "html", "html": '<div style="color:red">1 of 3</div>'}
CHECK = {"kind": "check", "challenge": "leave", "report": REPORT}
COMMIT = {"kind": "commit", "questions": [QUESTION]}
LINKS = "# A title\n\nSee [05](07-failover.ipynb) and [there](../docs/x.md)."
CELLS = [
    {"kind": "markdown", "text": LINKS},
    code('predict("?", guess="that")', {"kind": "prediction", **ASKS}),
    code("commit(one)", COMMIT, {"kind": "text", "text": "<b> & {root}"}, VERDICT),
    code("check()", CHECK),
    code("%%on web1\nstop it", {"kind": "text", "text": "stopped"}, tags=("solution",)),
    code("check()", CHECK),
    code("quiz()", {"kind": "quiz", "lesson": "07-failover"}),
]


@pytest.fixture
def made(tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """The body of a page, and what it is judged by."""
    body = Page(LESSON, Styles(), tmp_path).body(CELLS)
    judged = (tmp_path / "lessons/07-failover/judged.json").read_text(encoding="utf-8")
    return body, json.loads(judged)


def test_a_number_is_judged_with_what_chance_may_measure(tmp_path: Path) -> None:
    asks = {"question": "After how long?", "unit": "s", "choices": []}
    told = {"measured": 2.8, "because": "Chance.", "spread": 0.0, "between": (2.609, 3.609)}
    page = Page(LESSON, Styles(), tmp_path)
    page.body([code("judge()", {"kind": "verdict", **asks, **told})])
    judged = json.loads((tmp_path / "lessons/07-failover/judged.json").read_text(encoding="utf-8"))
    known = judged["predictions"]["After how long?"]
    del known["choices"], known["nothing"]
    found = {guess: judge("After how long?", guess, **known)["right"] for guess in ("3.6", "4.2")}
    assert found == {"3.6": True, "4.2": False}


def asked(body: str, kind: str) -> dict[str, Any]:
    """What the place of this kind asks."""
    (found,) = re.findall(f'data-kind="{kind}" data-ask="([^"]*)"', body)
    data: dict[str, Any] = json.loads(html.unescape(found))
    return data


def test_a_style_becomes_a_class_and_everything_else_stays_as_it_was() -> None:
    styles = Styles()
    text = '<p class="a" style="color:red">&lt;b&gt; &#x27;<br/><svg viewBox="0 0 1 1"></svg></p>'
    moved = styles.moved(f'{text}<i style="color:red">x</i><pre style="margin:0">y</pre>')
    assert moved == (
        '<p class="a o0">&lt;b&gt; &#x27;<br/><svg viewBox="0 0 1 1"></svg></p>'
        '<i class="o0">x</i><pre tabindex="0" class="o1">y</pre>'
    )
    assert styles.css() == ".out .o0 { color:red }\n.out .o1 { margin:0 }\n"


def test_a_page_has_the_questions_and_not_the_answers(made: tuple[str, dict[str, Any]]) -> None:
    body, judged = made
    assert asked(body, "prediction")["choices"] == ["this", "that"]
    assert "guess" not in body
    assert "It was measured" not in html.unescape(body)
    verdicts = judged["predictions"][QUESTION]["choices"]
    assert [verdicts[each]["right"] for each in ("this", "that")] == [False, True]
    for question, replies in zip(course.lesson("07").questions, judged["quiz"], strict=True):
        assert replies[question.right] == {"passed": True, "text": question.why}
        assert question.why not in html.unescape(body)


def test_what_follows_a_commit_is_behind_its_questions(made: tuple[str, dict[str, Any]]) -> None:
    body, _ = made
    before, _, behind = body.partition('<div class="veil"')
    assert 'data-kind="prediction"' in before
    assert 'data-kind="verdict"' in behind
    assert body.count("<div") == body.count("</div>")


def test_a_challenge_can_be_solved_in_the_page(made: tuple[str, dict[str, Any]]) -> None:
    body, _ = made
    found = asked(body, "challenge")
    assert found["challenge"] == "leave"
    assert found["opening"]["topology"] == "pair"
    assert body.count("What the check reports then") == 1
    assert body.index("A solution") < body.index("What the check reports then")


def test_nothing_on_a_page_is_forbidden_by_its_policy(made: tuple[str, dict[str, Any]]) -> None:
    body, _ = made
    assert not re.search(r'<[^>]*\s(style|on\w+)="', body)
    assert "<script" not in body


def test_links_lead_to_pages_of_the_site_or_nowhere(made: tuple[str, dict[str, Any]]) -> None:
    body, _ = made
    targets = re.findall('href="([^"]*)"', body)
    figure = "{root}explore/outage/index.html"
    assert targets == ["{root}lessons/index.html", "../07-failover/index.html", figure]
    assert "&#123;root}" in body
    assert "{root} is no place" not in body


def test_links_of_the_documents_to_the_site_lead_to_its_pages() -> None:
    texts = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    found = [
        link
        for path in texts
        for link in re.findall(r"\]\(https://vrrp-lab\.example/([^)#]*)", path.read_text())
    ]
    pages = REPOSITORY / "site" / "pages"
    assert "" in found
    for link in set(found) - {"lessons/"}:
        assert (pages / link / "index.html").is_file(), link


def test_a_figure_that_a_lesson_leads_to_is_there() -> None:
    places = REPOSITORY / "site" / "pages" / "explore"
    assert set(FIGURES) <= set(course.numbers())
    assert all((places / name / "index.html").is_file() for name, _ in FIGURES.values())


def test_a_long_line_wraps_and_columns_do_not(tmp_path: Path) -> None:
    line = {"kind": "text", "text": "Replay: nothing runs here. This run was recorded. " * 4}
    columns = {"kind": "text", "text": "web1  MASTER  192.168.1.11"}
    body = Page(LESSON, Styles(), tmp_path).body([code("x", line), code("y", columns)])
    assert re.findall(r'class="out ([a-z ]+)"', body) == ["text prose", "text"]


def test_a_figure_is_a_file_beside_the_page(tmp_path: Path) -> None:
    drawn = '<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="web2 took it" width="9">'
    body = Page(LESSON, Styles(), tmp_path).body([code("x", {"kind": "html", "html": drawn})])
    assert '<img src="1.svg" loading="lazy" alt="web2 took it" width="9">' in body
    assert (tmp_path / "lessons" / LESSON.stem / "1.svg").read_bytes() == b"<svg/>"


def test_every_challenge_of_the_tab_belongs_to_a_lesson() -> None:
    assert set(CHALLENGES) <= set(course.challenges())


def test_the_list_names_every_lesson() -> None:
    found = index([Path(f"{number}-x.ipynb") for number in course.numbers()])
    assert found.count("<li>") == len(course.numbers())
