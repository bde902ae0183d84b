"""A learner's way: `make lab`, open a copy of the failover lesson, Run All Cells, be asked.

The one test that goes through everything: the server as `make lab` starts it, Jupyter's page in a
real browser, the kernel in its own namespaces, the lab, the figure.
It answers the forms as a learner would, solves the challenge, answers a question of the quiz, and
finds all of it in the report for the teacher.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from labs.lessons import course
from tests.browser.windows import LONG_SECONDS, screenshot
from tests.notebooks.lessons import of_kind, read
from tests.served import START_SECONDS
from tests.support import REPOSITORY, OrdinaryUser

LESSON = "07-failover"
CHALLENGE, SOLUTION = "leave", "%%on web1 --changes\nsystemctl stop keepalived"
# More than a lesson has cells that want a prediction.
MOST_STOPS = 8
REFUSED = "First say what you expect"


def guesses() -> dict[str, str]:
    """The questions of the lesson and what its author would answer."""
    found = {}
    for cell in of_kind(read(REPOSITORY / "notebooks" / f"{LESSON}.ipynb"), "code"):
        if " = predict(" in cell["text"]:
            call = next(n for n in ast.walk(ast.parse(cell["text"])) if isinstance(n, ast.Call))
            options = {keyword.arg: keyword.value for keyword in call.keywords}
            question = ast.literal_eval(call.args[0])
            found[question] = str(ast.literal_eval(options["guess"]))
    return found


def answer(form: Locator, guess: str) -> None:
    """Fills in one form, which may still have to appear, and presses its button."""
    expect(form.get_by_role("button", name="That is my guess")).to_be_visible()
    field = form.get_by_placeholder("a number")
    if field.count():
        field.fill(guess)
    else:
        form.get_by_label(guess, exact=True).check()
    form.get_by_role("button", name="That is my guess").click()
    expect(form.get_by_text("recorded: ")).to_be_attached()


def run(page: Page, what: str) -> None:
    """Chooses an entry of the menu Run."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text(what, exact=True).click()


def go_through(page: Page, last: Locator) -> int:
    """Runs all, answers what is asked and goes on, until `last` is there; how often it stopped."""
    known = guesses()
    forms = page.locator(".jp-OutputArea-output:has(button)").filter(has_text="Predict before")
    asked = page.locator(".jp-CodeCell").filter(has_text=REFUSED)
    run(page, "Run All Cells")
    for stops in range(MOST_STOPS):
        expect(asked.first.or_(last).first).to_be_attached()
        if not asked.count():
            return stops
        expect(asked).to_contain_text(f"▸ {next(iter(known))}" if not stops else "▸")
        expect(asked).to_contain_text("the cells below have not run")
        expect(asked.locator(".jp-OutputArea-output")).to_be_in_viewport()
        told = asked.text_content() or ""
        for question in [question for question in known if question in told]:
            answer(forms.filter(has_text=question), known[question])
        screenshot(page, f"asked-{stops}.png")
        asked.locator(".jp-InputPrompt").first.click()
        run(page, "Run Selected Cell and All Below")
        expect(asked).to_have_count(0)
    raise AssertionError("it asks and asks")


def solve(page: Page) -> None:
    """Writes the solution where the copy has the place for it, and runs what follows."""
    page.locator(".jp-CodeCell").filter(has_text="# Your turn").locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(SOLUTION)
    run(page, "Run Selected Cell and All Below")


@pytest.mark.timeout(LONG_SECONDS)
def test_a_learner_answers_runs_solves_and_is_reported(
    address: str, page: Page, ordinary_user: OrdinaryUser
) -> None:
    about = course.lesson(LESSON)
    task, first = about.challenges[CHALLENGE].task, about.questions[0]
    base, _, query = address.partition("?")
    base = base.split("/lab")[0].rstrip("/")
    page.goto(f"{base}/lab/tree/{LESSON}.ipynb?{query}&reset")
    status = page.locator("#jp-bottom-panel")  # "VRRP Lab | Idle"
    expect(status).to_contain_text("| Idle")
    quiz = page.locator(".jp-OutputArea-output:has(input[type=radio])").filter(has_text=first.text)
    try:
        assert go_through(page, quiz) >= 1, "nothing was asked"
        picture = page.locator(".jp-OutputArea-output img").first
        expect(picture).to_be_visible()
        size = picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert min(size) > 200
        expect(page.get_by_text(re.compile(rf"{task}: \d of \d")).first).to_be_attached()
        solve(page)
        done = page.get_by_text(f"{task}: done")
        expect(done).to_be_attached()
        expect(status).to_contain_text("| Idle")
        quiz.get_by_label(first.right, exact=True).first.check()
        expect(quiz.get_by_text(first.why).first).to_be_attached()
        assert page.locator(".jp-OutputArea-output[data-mime-type*='stderr']").count() == 0
        assert page.locator(".jp-RenderedError, [data-mime-type*='error']").count() == 0
        picture.scroll_into_view_if_needed()
    except (AssertionError, Error):
        screenshot(page, "failover-failed.png")
        raise
    screenshot(page, "failover.png")
    labs = Path(sys.executable).with_name("labs")
    report = ordinary_user.run([labs, "report"], START_SECONDS).stdout
    assert re.search(rf"{LESSON},{CHALLENGE},check,yes,", report), report
    assert re.search(rf"{LESSON},.*,quiz,yes,1,", report), report
    assert len(re.findall(r",prediction,(?:yes|no),1,", report)) == len(guesses()), report
