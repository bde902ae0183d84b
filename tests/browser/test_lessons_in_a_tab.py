"""The lessons of the browser edition: asked, judged and played in the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from labs.conf import with_setting
from labs.experiments import advert_size
from labs.lessons import course
from labs.lessons.predictions import Prediction, Verdict
from tests.browser.site import SITE, Visit, violations, visiting
from tests.browser.windows import CHROMIUM, screenshot
from tests.support import REPOSITORY

pytestmark = pytest.mark.timeout(2400)
LESSONS = [path.stem for path in sorted((REPOSITORY / "notebooks").glob("[0-9][0-9]-*.ipynb"))]
LESSON = "07-failover"


@pytest.fixture(scope="module")
def visit(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The built site in one browser profile."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; remedy: sudo apt-get install chromium")
    with visiting(playwright, tmp_path_factory.mktemp("profile")) as visit:
        yield visit


@pytest.fixture
def page(visit: Visit) -> Iterator[Page]:
    """A lesson that this profile has answered nothing of."""
    page = visit.open(f"lessons/{LESSON}/")
    page.evaluate("() => localStorage.clear()")
    page.reload()
    yield page
    page.close()


def judged(lesson: str = LESSON) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SITE / f"lessons/{lesson}/judged.json").read_text())
    return found


def asks(place: Locator) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.get_attribute("data-ask") or "")
    return found


def predict(place: Locator) -> tuple[str, str]:
    """Answer a prediction, with its last choice or with 3.1; the question and the answer."""
    asked = asks(place)
    if asked["choices"]:
        answer = asked["choices"][-1]
        place.get_by_label(answer, exact=True).check()
    else:
        answer = "3.1"
        place.get_by_role("textbox").fill(f"about 3,1 {asked['unit']}")
    place.get_by_role("button").click()
    expect(place.locator(".reply")).to_contain_text(f"Your prediction: {answer}")
    return asked["question"], answer


def expected(question: str, answer: str) -> str:
    """What labs.lessons.predictions says of an answer."""
    known = judged()["predictions"][question]
    if answer in known["choices"]:
        return str(known["choices"][answer]["text"])
    guessed = Prediction(question, float(answer), known["unit"])
    told = {key: known[key] for key in ("measured", "because", "spread", "between")}
    return repr(Verdict(guessed, **told))


def test_predictions_are_asked_first_and_judged_by_the_lessons_own_code(page: Page) -> None:
    veil = page.locator(".veil").first
    expect(veil).to_be_hidden()
    wanted = json.loads(veil.get_attribute("data-questions") or "")
    places = page.locator(".prediction")
    answers = {}
    for number in range(places.count()):
        if asks(places.nth(number))["question"] in wanted:
            expect(veil).to_be_hidden()
            question, answer = predict(places.nth(number))
            answers[question] = answer
    assert set(answers) == set(wanted)
    assert "3.1" in answers.values()  # a number goes to Python
    expect(veil).to_be_visible()
    for number in range(page.locator(".verdict").count()):
        place = page.locator(".verdict").nth(number)
        question = asks(place)["question"]
        if question in answers:
            text = expected(question, answers[question])
            expect(place.locator(".reply")).to_have_text(text)
    expect(places.first.get_by_role("button")).to_be_disabled()  # what was compared stays
    page.reload()
    expect(page.locator(".veil").first).to_be_visible()
    expect(places.first.locator(".reply")).to_contain_text("Your prediction")
    page.locator("#forget").click()
    expect(page.locator(".veil").first).to_be_hidden()
    expect(places.first.locator(".reply")).to_be_empty()


def plain(text: str) -> str:
    """A text as a page shows it: what is between backticks is code."""
    return text.replace("`", "")


def test_a_wrong_answer_of_the_quiz_says_why_and_a_right_one_is_remembered(page: Page) -> None:
    page.get_by_role("button", name="Show it without a prediction").first.click()
    for number, question in enumerate(course.lesson(LESSON).questions):
        place = page.locator(".quiz fieldset").nth(number)
        expect(place.locator("legend")).to_contain_text(plain(question.text))
        for choice, why in question.wrong.items():
            place.get_by_label(choice, exact=True).check()
            expect(place.locator(".reply")).to_contain_text(f"Not quite. {plain(why)}")
        place.get_by_label(question.right, exact=True).check()
        expect(place.locator(".reply")).to_have_text(f"Yes. {plain(question.why)}")
        texts = question.text + question.why
        expect(place.locator("code")).to_have_text(re.findall("`([^`]+)`", texts))
    page.reload()
    place = page.locator(".quiz fieldset").first
    expect(place.get_by_label(course.lesson(LESSON).questions[0].right)).to_be_checked()
    stored = page.evaluate("async () => [document.cookie, (await indexedDB.databases()).length]")
    assert stored == ["", 0]
    assert page.evaluate("() => Object.keys(localStorage)") == [f"vrrp-lab {LESSON}"]


def test_choices_have_an_order_of_this_browser_which_a_reload_keeps(page: Page) -> None:
    def shown() -> list[list[str]]:
        places = [page.locator(".prediction").first, page.locator(".quiz fieldset").first]
        return [place.locator(".choice").all_text_contents() for place in places]

    orders = []
    for _ in range(6):
        page.evaluate("() => localStorage.clear()")
        page.reload()
        orders.append(shown())
        page.reload()
        assert shown() == orders[-1]
    for number in range(2):
        assert len({tuple(order[number]) for order in orders}) > 1
        assert len({frozenset(order[number]) for order in orders}) == 1


def test_two_tabs_of_a_lesson_keep_what_each_was_answered(page: Page, visit: Visit) -> None:
    other = visit.open(f"lessons/{LESSON}/")
    here, _ = predict(page.locator(".prediction").first)
    there, _ = predict(other.locator(".prediction").nth(1))
    expect(other.locator(".prediction").first.locator(".reply")).to_contain_text("Your prediction")
    stored = json.loads(other.evaluate("(key) => localStorage[key]", f"vrrp-lab {LESSON}"))
    assert set(stored["predictions"]) == {here, there}
    other.close()


def test_a_browser_that_refuses_to_store_answers_asks_and_judges_all_the_same(visit: Visit) -> None:
    page = visit.context.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } });"
    )
    page.goto(f"{visit.address}lessons/{LESSON}/")
    question, answer = predict(page.locator(".prediction").first)
    page.get_by_role("button", name="Show it without a prediction").first.click()
    places = page.locator(".verdict")
    found = [n for n in range(places.count()) if asks(places.nth(n))["question"] == question]
    reply = places.nth(found[0]).locator(".reply")
    expect(reply).to_have_text(expected(question, answer))
    page.close()


def started(place: Locator) -> None:
    """Start the cluster of a place and wait until it is live."""
    place.get_by_role("button", name="Start this cluster in the tab").click()
    expect(place.locator(".vb-chip")).to_have_text("LIVE")


def test_a_cluster_is_played_in_the_state_of_the_lesson(visit: Visit) -> None:
    page = visit.open("lessons/08-failback/")
    place = page.locator(".cluster").first
    started(place)
    expect(place.locator(".vb-title")).to_contain_text("is held by web2")
    page.evaluate("() => document.querySelector('.cluster .vb').bench.clock.hurry(10)")
    place.locator('.vb-cable[data-host="web1"]').click()
    expect(place.locator(".vb-title")).to_contain_text("is held by web1")
    assert violations(page) == []
    screenshot(page, "lesson-cluster.png")
    page.close()


def test_a_challenge_is_solved_in_the_tab_and_judged_by_its_own_steps(page: Page) -> None:
    page.get_by_role("button", name="Show it without a prediction").first.click()
    place = page.locator(".challenge").first
    started(place)
    check, report = place.get_by_role("button", name="Check", exact=True), place.locator(".report")
    check.click()
    expect(report).to_contain_text(": 0 of ")
    hint = report.get_by_text("Hint", exact=True)
    hint.click()
    expect(report.locator("details p").first).to_be_visible()
    place.locator('.vb-host[data-host="web1"]').press("Enter")
    page.get_by_role("menuitem", name="Stop the daemon").click()
    expect(place.locator(".vb-title")).to_contain_text("is held by web2")
    check.click()
    expect(report.locator(".reply")).to_contain_text("done.")
    expect(place).to_contain_text("You have solved this challenge in this browser.")
    place.get_by_role("button", name="Start again").click()
    expect(place.locator(".vb-title")).to_contain_text("is held by web1")


CONF = """async (host) => (await document.querySelector(".challenge .vb").bench.ask(
    { type: "conf", host })).text"""
ANSWERED = "() => document.querySelector('.challenge .vb').bench.connection.open.size === 0"


def exchanged(text: str) -> str:
    return with_setting(
        text, "virtual_ipaddress", [f"192.168.1.{last}" for last in (10, 101, 102, 105)]
    )


def excluding(text: str) -> str:
    every = advert_size.vips(23)
    shorter = with_setting(text, "virtual_ipaddress", [*every[:1], *every[4:]])
    return with_setting(shorter, "virtual_ipaddress_excluded", every[1:4])


@pytest.mark.parametrize(
    ("lesson", "corrected"), [("06-more-vips", exchanged), ("11-twenty-vips", excluding)]
)
def test_two_files_are_corrected_in_the_editor_while_time_stands_still(
    visit: Visit, lesson: str, corrected: Callable[[str], str]
) -> None:
    page = visit.open(f"lessons/{lesson}/")
    page.get_by_role("button", name="Show it without a prediction").first.click()
    place = page.locator(".challenge").first
    started(place)
    place.locator(".vb-play").click()
    for host in ("web1", "web2"):
        text = corrected(page.evaluate(CONF, host))
        place.locator(f'.vb-host[data-host="{host}"]').press("Enter")
        page.get_by_role("menuitem", name="Edit keepalived.conf").click()
        place.locator(".cm-content").press("Control+a")
        page.keyboard.insert_text(text)
        place.get_by_role("button", name="Write it, and reload the daemon").click()
        page.wait_for_function(ANSWERED)
    page.evaluate("() => document.querySelector('.challenge .vb').bench.clock.hurry(10)")
    place.locator(".vb-play").click()
    place.get_by_role("button", name="Check", exact=True).click()
    expect(place.locator(".report .reply")).to_contain_text("done.")
    page.close()


def test_the_list_leads_to_every_lesson(visit: Visit) -> None:
    page = visit.open("lessons/")
    links = page.locator(".lessons a")
    assert links.count() == len(LESSONS)
    assert violations(page) == []
    page.close()


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_fits_a_phone_is_accessible_and_keeps_the_policy(
    visit: Visit, lesson: str
) -> None:
    page = visit.open(f"lessons/{lesson}/")
    scheme = "dark" if int(lesson[:2]) % 2 else "light"
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 900})
    expect(page.locator("[data-ask] > p:only-child")).to_have_count(0)  # every place is filled
    veiled = page.get_by_role("button", name="Show it without a prediction").first
    if veiled.is_visible():
        veiled.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page) == []
    page.close()
    visit.check()
