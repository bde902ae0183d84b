"""The learning loop: predictions are judged, checks wait and say why not, quizzes give the reason.

The lab here is a stand-in with the few things that a check looks at; the challenges of the lessons
themselves are tried on a real one, in the notebooks ring.
Refusals are polite: a card or a line that says what to do, and no traceback.
"""

from __future__ import annotations

import linecache
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from labs import waiting
from labs.conf import setting
from labs.emulation.base import Result
from labs.errors import LabError
from labs.jupyter import notebook_errors
from labs.jupyter.notebook_errors import unknown_name
from labs.lessons import (
    Challenge,
    LessonError,
    Question,
    Quiz,
    Report,
    Step,
    begin,
    challenges,
    check,
    commit,
    course,
    predict,
)
from labs.lessons.experiment import run_lines
from labs.lessons.typed_number import number
from labs.progress import memory


@pytest.fixture(autouse=True)
def _new_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_WORK", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    memory.forget()


class FakeObserver:
    """The cables as a test sets them."""

    def __init__(self) -> None:
        self.cables = {"web1": True, "web2": True, "client": True}

    def carrier(self) -> dict[str, bool]:
        return self.cables


class FakeLab:
    """Owners, cables and daemons as a test sets them; time passes at every look."""

    def __init__(self, *holders: str) -> None:
        self.held = list(holders)
        self.watch = "192.168.1.10"
        self.daemons = dict.fromkeys(("web1", "web2"), "vrrpd")
        self.silent: set[str] = set()
        self.witness = FakeObserver()
        self.waited: list[float] = []

    def holders(self) -> list[str]:
        return self.held

    def running(self, host: str) -> bool:
        return host not in self.silent

    def wait_until(self, condition: Any, timeout: float, what: str) -> None:
        self.waited.append(timeout)
        if not condition():
            raise LabError(what)


# --- predictions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guess", "measured", "right"),
    [
        (3.5, 3.61, True),
        (1, 3.61, False),
        (0, 0.0, True),
        ("web1", "web2", False),
        (2, "2", False),
    ],
)
def test_a_guess_is_right_when_an_eye_would_call_it_so(
    guess: float | str, measured: float | str, right: bool
) -> None:
    assert predict("How long?", guess, unit="s").judge(measured).right is right


def test_a_guess_of_what_is_random_is_right_within_its_spread() -> None:
    guesses = {guess: predict("How many?", guess).judge(2.0, spread=1.5) for guess in (0, 1, 3, 4)}
    assert [guess for guess, verdict in guesses.items() if verdict.right] == [1, 3]
    assert repr(guesses[3]).startswith("As you said. You said 3; it was 2.")


def test_each_number_that_chance_may_measure_is_right() -> None:
    judged = {
        guess: predict("After how long?", guess, unit="s").judge(2.8, between=(2.609, 3.609))
        for guess in (0.6, 2, 2.6, 3.1, 3.6, 4)
    }
    assert [guess for guess, verdict in judged.items() if verdict.right] == [2.6, 3.1, 3.6]
    assert repr(judged[3.6]) == "As you said. You said 3.6 s; it was 2.8 s."


def test_a_choice_of_several_words_is_set_apart() -> None:
    asked = predict("What then?", "nothing", choices=("nothing", "it moves"))
    assert "You said nothing; it was “it moves”." in repr(asked.judge("it moves"))


def test_without_a_guess_nothing_is_judged_and_nothing_fails() -> None:
    verdict = predict("How long?", unit="s").judge(3.609, "Three intervals and the skew.")
    assert verdict.right is None
    assert repr(verdict) == "You made no prediction. It was 3.61 s. Three intervals and the skew."


def test_a_verdict_shows_both_answers() -> None:
    verdict = predict("How long?", 1, unit="s").judge(3.609)
    assert repr(verdict) == "A surprise. You said 1 s; it was 3.61 s."
    assert "A surprise" in verdict._repr_html_()


def test_a_guess_outside_the_choices_lists_them() -> None:
    with pytest.raises(LabError, match=r"'mastr'.*web1 or web2"):
        predict("Who?", "mastr", choices=["web1", "web2"])


def test_the_form_records_the_answer() -> None:
    prediction = predict("Who?", choices=["web1", "web2"])
    _, answer, row = prediction._form().children
    answer.value = "web2"
    row.children[0].click()
    assert prediction.guess == "web2"
    assert row.children[1].value == "recorded: web2"
    assert predict("Who?", choices=["web1", "web2"]).guess == "web2"  # the cell, run again


def test_a_choice_that_was_not_confirmed_is_not_recorded() -> None:
    prediction = predict("Who?", choices=["web1", "web2"])
    _, answer, row = prediction._form().children
    answer.value = "web2"
    row.children[0].click()
    answer.value = "web1"
    assert row.children[1].value == "not recorded yet: press the button"
    assert prediction.guess == "web2"


def test_after_a_measurement_the_form_takes_an_answer_for_another_round() -> None:
    prediction = predict("How long?", unit="s")
    _, answer, row = prediction._form().children
    answer.value = "1"
    prediction.judge(3.6)
    again = predict("How long?", unit="s")  # the cell, run again, perhaps in a new kernel
    _, answer, row = again._form().children
    assert row.children[1].value == "you said 1 s; answer again for another round"
    answer.value = "3.6"
    assert row.children[1].value == "recorded: 3.6 s"
    assert again.judge(3.6).right
    assert [entry.answer for entry in memory.entries("verdict", "How long?")] == [1, 3.6]


def test_an_answer_can_be_changed_before_the_run() -> None:
    predict("How long?", unit="s").record(1)
    _, answer, row = predict("How long?", unit="s")._form().children
    assert row.children[1].value == "recorded: 1 s"
    answer.value = "2"
    assert predict("How long?", unit="s").guess == 2


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("3.1", 3.1), ("3,1 s", 3.1), (" about 3 ", 3), (".5", 0.5), ("0", 0), ("３", 3),
        ("500 ms", 0.5), ("500ms", 0.5), ("2 minutes", 120), ("1.5 min", 90), ("1 h", 3600),
        ("3 or so", 3), ("web-3", 3), ("3,609", 3.609), ("1e3", 1000), ("1E-3s", 0.001),
    ],
)  # fmt: skip
def test_a_number_is_found_in_what_people_type(typed: str, found: float) -> None:
    prediction = predict("How long?", unit="s")
    prediction._form().children[1].value = typed
    assert prediction.guess == found


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "a number in digits, please"),
        ("nan", "a number in digits, please"),
        ("none", "a number in digits, please"),
        ("-1", "a number that is not below zero, please"),
        ("about -3 s", "a number that is not below zero, please"),
        ("−3", "a number that is not below zero, please"),
        ("3-4", "one number, please: 3 or 4?"),
        ("3 - 4 s", "one number, please: 3 or 4?"),
        ("3 or 4", "one number, please: 3 or 4?"),
        ("1.2.3", "a number, please: 1.2.3 is not one"),
        ("9" * 400, "a smaller number, please"),
        ("1e308 h", "a smaller number, please"),
    ],
)
def test_what_is_not_one_number_is_refused_with_the_reason(typed: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        number(typed, "s")


def test_a_unit_is_converted_and_a_count_is_not_a_decimal_fraction() -> None:
    assert number("2 s", "ms") == 2000
    assert number("1,060", "bytes") == 1060
    assert number("1.060", "bytes") == 1060
    assert number("0.5", "bytes") == 0.5


@pytest.mark.parametrize(
    ("typed", "unit", "why"),
    [
        ("500 ms", "", "a number without a unit, please: not ms"),
        ("2 s", "", "a number without a unit, please: not s"),
        ("40 minutes", "bytes", "a number of bytes, please: not minutes"),
        ("1 kB", "bytes", "a number of bytes, please: not kB"),
        ("320 bits", "bytes", "a number of bytes, please: not bits"),
        ("9", "of 6", "a number from 0 to 6, please"),
    ],
)
def test_what_does_not_fit_the_unit_is_refused(typed: str, unit: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        number(typed, unit)


def test_a_word_that_is_no_unit_may_follow_a_count() -> None:
    assert number("3 advertisements") == 3
    assert number("56 octets", "bytes") == 56


def test_an_answer_is_shown_as_it_was_typed_not_as_a_power_of_ten() -> None:
    prediction = predict("How many bytes?", unit="bytes")
    prediction._form().children[1].value = "1,060"
    assert prediction._form().children[2].children[1].value == "recorded: 1060 bytes"


def test_an_answer_may_be_typed_with_a_unit_that_has_a_number() -> None:
    """The ticket count of lesson 21 is shown as "4 of 6"."""
    assert number("4 of 6", "of 6") == number("4", "of 6") == 4
    assert number("1060 bytes", "bytes") == 1060


def test_what_a_learner_typed_is_shown_as_text_not_as_html() -> None:
    assert "<script>" not in predict("<script>", 1).judge(1, "<script>")._repr_html_()


# --- checks --------------------------------------------------------------------------------------


LEAVE = Challenge(
    "A faster handover",
    state="basic",
    steps=(
        Step("web1 runs", lambda lab: lab.running("web1"), ("start it",)),
        Step(
            "web2 holds it",
            lambda lab: lab.holders() == ["web2"],
            (lambda lab: f"{lab.holders()[0]} has it", "look at the verbs", "lab.stop('web1')"),
            timeout=5,
        ),
        Step("all is well", lambda lab: bool(lab.journal("web2")), ("nothing to say",)),
    ),
)


@pytest.fixture
def _leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """A course with one challenge."""
    monkeypatch.setattr(course, "challenges", lambda: {"leave": LEAVE})


def looked_at(lab: FakeLab, challenge: Challenge = LEAVE) -> Report:
    return challenges.look(lab, challenge)  # type: ignore[arg-type]


def test_the_first_step_that_is_not_met_gives_the_hints() -> None:
    lab = FakeLab("web1")
    report = looked_at(lab)
    assert not report
    assert report.met == ("web1 runs",)
    assert report.unmet == ("web2 holds it", "all is well")
    assert report.hints == ("web1 has it", "look at the verbs", "lab.stop('web1')")
    assert lab.waited == [5]


def test_a_step_that_waits_by_itself_may_report_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step without a timeout is not announced, so what it waits for must not be kept quiet."""
    shown: list[str] = []
    monkeypatch.setattr(waiting, "show", shown.append)

    def recovers(_: object) -> bool:
        waiting.report("waiting for web1 to recover")
        return True

    waits = Step("well again", recovers, ("wait",))
    lasts = Step("well for a while", recovers, ("wait",), lasts=5)
    assert looked_at(FakeLab("web1"), Challenge("Repair it", state="basic", steps=(waits,)))
    assert shown == ["waiting for web1 to recover"]
    assert looked_at(FakeLab("web1"), Challenge("Repair it", state="basic", steps=(lasts,)))
    assert shown[1:] == ["looking for up to 5 s: well for a while"]


def test_a_report_says_what_is_met_what_comes_next_and_what_the_lab_looks_like() -> None:
    lab = FakeLab("web1")
    lab.silent.add("web2")
    lab.witness.cables["web2"] = False
    assert repr(looked_at(lab)).splitlines() == [
        "A faster handover: 1 of 3",
        "✓ web1 runs",
        "→ web2 holds it",
        "· all is well",
        "Now: 192.168.1.10 is held by web1; no cable in web2; no daemon on web2",
        "Hint: web1 has it",
    ]


def test_the_hints_are_folded_one_within_the_other() -> None:
    page = looked_at(FakeLab("web1"))._repr_html_()
    assert page.count("<details>") == 3
    assert page.index("web1 has it") < page.index("look at the verbs") < page.index("lab.stop(")
    assert page.rstrip().endswith("</details></details></details></div>")


def test_what_cannot_be_looked_at_is_not_met_and_no_error() -> None:
    class Broken(FakeLab):
        def journal(self, host: str) -> list[str]:
            raise LabError("no such host")

    assert looked_at(Broken("web2")).unmet == ("all is well",)


def test_a_hint_that_cannot_look_says_why() -> None:
    def blind(_: Any) -> str:
        raise LabError("web2 has no file: write one")

    challenge = Challenge("A task", "basic", (Step("a goal", lambda _: False, (blind,)),))
    assert looked_at(FakeLab("web1"), challenge).hint == "web2 has no file: write one"


def test_everything_met_is_done() -> None:
    report = Report("A task", ("first", "second"))
    assert report
    assert repr(report) == "A task: done\n✓ first\n✓ second"
    assert "<details>" not in report._repr_html_()


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ("SECURITY VIOLATION - scripts are being executed but script_security not enabled.", False),
        ("Unsafe permissions found for script '/etc/keepalived/a.sh'.", False),
        ("Unsafe permissions found for script '/etc/keepalived/a.sh' - disabling.", True),
        ("WARNING - script `ping` resolved by path search to `/bin/ping`. Please specify", False),
        ("WARNING - script '/a.sh' is not executable for uid:gid 0:0 - disabling.", True),
        ("WARNING - interface eth1 for ip address 192.168.1.10 doesn't exist", True),
        ("(/etc/keepalived/keepalived.conf: Line 24) invalid number '150x'", True),
    ],
)
def test_what_keepalived_does_all_the_same_is_no_fault_of_a_file(line: str, is_fault: bool) -> None:
    class Tested(FakeLab):
        def run(self, _host: str, command: str) -> Result:
            assert command == "keepalived -t"
            return Result(f"{line}\n", 6)

    lab: Any = Tested()
    lab.daemons = {"web1": SimpleNamespace(name="keepalived")}
    assert challenges.rejected(lab) == ({"web1": line} if is_fault else {})


@pytest.mark.usefixtures("_leave")
def test_attempts_are_counted_and_shown() -> None:
    lab: Any = FakeLab("web1")
    assert "tried" not in repr(check(lab, "leave"))  # the untouched start: not an attempt
    assert check(lab, "leave").attempt == 1
    assert "(tried 2 times)" in repr(check(lab, "leave"))


@pytest.mark.usefixtures("_leave")
def test_an_unknown_challenge_lists_the_known_ones() -> None:
    lab: Any = FakeLab()
    with pytest.raises(LabError, match="choose leave"):
        check(lab, "leaf")


def test_a_check_without_a_lab_says_which_cell_to_run() -> None:
    nothing: Any = None
    with pytest.raises(LabError, match=r"lab = Lab\(\.\.\.\)"):
        check(nothing, "leave")


def test_a_check_of_a_lab_that_was_closed_says_which_cell_to_run() -> None:
    lab: Any = FakeLab()
    lab.closed = True
    with pytest.raises(LabError, match=r"lab = Lab\(\.\.\.\)"):
        check(lab, "leave")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("priority 150", "150"),
        ("  priority\t7 # low", "7"),
        ("# priority 150\npriority 3", "3"),
        ("! priority 150", None),
        ("priority_x 150", None),
    ],
)
def test_a_setting_is_read_as_the_daemon_reads_it(text: str, value: str | None) -> None:
    assert setting(text, "priority") == value


# --- quizzes -------------------------------------------------------------------------------------

WHO = Question(
    "Who decides?",
    right="priority",
    why="The higher one wins.",
    wrong={"state": "It is not sent.", "address": "Only between equals."},
)


def test_a_right_answer_gets_its_reason_and_a_wrong_one_another_chance() -> None:
    quiz = Quiz((WHO,))
    assert "The higher one wins." in quiz.answer(0, "priority")
    wrong = quiz.answer(0, "state")
    assert "Not quite" in wrong
    assert "It is not sent." in wrong
    assert "wins" not in wrong
    assert [entry.passed for entry in memory.entries("quiz", WHO.text)] == [True, False]


def test_choosing_in_the_form_shows_the_reason() -> None:
    question, _ = Quiz((WHO,))._form().children
    _, choices, told = question.children
    choices.value = "priority"
    assert "The higher one wins." in told.value


def test_a_quiz_has_an_end() -> None:
    asked = Quiz((WHO, Question("Why?", "so", "That is so.", {"no": "Not that."})))
    *_, score = asked._form().children
    assert score.value == "0 of 2 answered"
    for which, choice in ((0, next(iter(WHO.wrong))), (1, "so"), (0, WHO.right)):
        asked.answer(which, choice)
    assert asked.score() == "All 2 answered, 1 at the first try: this lesson is done."
    again = Quiz(asked.questions)  # the cell, run again
    assert again.score() == asked.score()
    again.answer(0, WHO.right)
    assert again.score() == asked.score()


def test_the_text_of_a_message_has_the_colour_of_the_page() -> None:
    """On a dark page no other dark text is readable."""
    text = predict("How long?", 1, unit="s").judge(3.609)._repr_html_()
    assert not re.search(r"[^-]color:", text)
    assert "border-left:4px solid" in text


def test_without_widgets_the_answers_are_folded_away_or_below() -> None:
    quiz = Quiz((WHO, WHO))
    first, second, third = WHO.choices()
    letter = "abc"[WHO.choices().index("priority")]
    assert repr(quiz).splitlines() == [
        *("1. Who decides?", f"   a) {first}", f"   b) {second}", f"   c) {third}"),
        *("2. Who decides?", f"   a) {first}", f"   b) {second}", f"   c) {third}"),
        f"Answers: 1{letter}  2{letter}",
    ]
    page = quiz._repr_html_()
    assert page.count("<details>") == 2
    assert page.index("priority") < page.index("<details>") < page.index("The higher one")


def test_a_right_choice_among_the_wrong_ones_is_refused() -> None:
    with pytest.raises(ValueError, match="one of them is right"):
        Question("Who?", right="a", why="", wrong={"a": "", "b": ""})


def test_each_learner_has_an_order_of_choices_and_keeps_it() -> None:
    orders = {learner: WHO.choices(learner) for learner in "abcdefghijkl"}
    assert len(set(orders.values())) > 3
    assert orders == {learner: WHO.choices(learner) for learner in orders}
    assert {frozenset(order) for order in orders.values()} == {frozenset(WHO.choices())}


def test_the_right_answers_of_a_learner_have_no_common_place() -> None:
    """A learner who always chooses the same place gets about a third, not most of them."""
    asked = [question for n in course.numbers() for question in course.lesson(n).questions]
    for learner in ("anna", "ben", ""):
        places = [question.choices(learner).index(question.right) for question in asked]
        assert max(map(places.count, range(3))) < 0.5 * len(asked)


# --- the course ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", course.numbers())
def test_every_lesson_says_what_it_asks(number: str) -> None:
    lesson = course.lesson(number)
    assert lesson.title
    assert lesson.question.endswith("?")
    assert all(1 <= len(s.hints) <= 3 for c in lesson.challenges.values() for s in c.steps)


def test_no_two_challenges_have_one_name() -> None:
    assert sum(len(course.lesson(n).challenges) for n in course.numbers()) == len(
        course.challenges()
    )


def test_a_lesson_begins_with_its_question() -> None:
    number = course.numbers()[0]
    opened = begin(number)
    assert course.lesson(number).question in repr(opened)
    assert "minutes" in repr(opened)
    assert memory.lesson == number


def test_a_lesson_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(LabError, match="choose"):
        begin("99-the-end")


# --- refusals ------------------------------------------------------------------------------------


class Shell:
    """What `labs.jupyter.notebook_errors` needs of IPython's shell; records each call."""

    def __init__(self) -> None:
        self.user_ns: dict[str, object] = {"lab": 1, "failover": 2, "_hidden": 3}
        self.shown: list[str] = []
        self.tracebacks = 0

    def set_custom_exc(self, kinds: tuple[type[Exception], ...], handler: Any) -> None:
        self.kinds, self.handler = kinds, handler

    def _showtraceback(self, kind: type, error: Exception, lines: list[str]) -> None:
        self.shown += lines

    def showtraceback(self, *_: Any, **__: Any) -> None:
        self.tracebacks += 1

    def run(self, code: str) -> None:
        """Runs a cell as IPython does: its own frame, then the cell's."""
        notebook_errors.install(self)
        try:
            linecache.cache["<cell>"] = (len(code), None, [f"{code}\n"], "<cell>")
            exec(compile(code, "<cell>", "exec"), dict(self.user_ns))
        except self.kinds as error:
            self.handler(self, type(error), error, sys.exc_info()[2])


@pytest.fixture
def shell() -> Shell:
    return Shell()


def test_commit_passes_when_everything_is_answered() -> None:
    commit(predict("Who?", "web1"), predict("How long?", 3))
    commit()


def test_commit_names_every_question_that_is_open() -> None:
    who, gap = predict("Who?"), predict("How long?", 3)
    with pytest.raises(LessonError) as refused:
        commit(who, gap)
    (line,) = refused.value._render_traceback_()
    assert "First say what you expect" in line
    assert "▸ Who?" in line
    assert "the cells below have not run" in line
    assert "How long?" not in line
    assert "Traceback" not in line


def test_an_answer_given_in_the_form_satisfies_commit() -> None:
    gap = predict("How long?", unit="s")
    _, field, row = gap._form().children
    field.value = "about 3,1"
    row.children[0].click()
    commit(gap)
    assert gap.guess == 3.1


def test_a_form_that_was_not_understood_asks_again() -> None:
    gap = predict("How long?", unit="s")
    _, field, row = gap._form().children
    field.value = "long"
    assert row.children[1].value == "a number in digits, please"
    assert gap.guess is None
    _, _, row = predict("Who?", choices=["a", "b"])._form().children
    row.children[0].click()
    assert row.children[1].value == "choose one"


def test_commit_wants_predictions() -> None:
    with pytest.raises(LabError, match="no prediction"):
        commit(3)  # type: ignore[arg-type]


def test_a_lesson_error_is_html_in_a_notebook(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.user_ns |= {"commit": commit, "who": predict("Who?")}
    shell.run("commit(who)")
    assert shell.tracebacks == 0
    assert "First say what you expect" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("gap.judge(3)", "run the cell above that makes it"),
        ("failovr", "did you mean `failover`"),
        ("labb", "did you mean `lab`"),
    ],
)
def test_a_name_that_is_not_there_yet_says_what_to_run(code: str, words: str, shell: Shell) -> None:
    shell.run(code)
    (line,) = shell.shown
    assert line.startswith("LabError: ")
    assert words in line


def test_a_new_kernel_says_where_the_lab_comes_from(shell: Shell) -> None:
    shell.user_ns = {}
    shell.run("lab.settle()")
    assert "lab = Lab(...)" in shell.shown[0]


class Verbs:
    """The verbs of a lab, of which two are enough."""

    hosts = ("web1", "client")
    holders = plugged = None

    def plug(self, host: str, interface: str = "eth0") -> None:
        """Needs a host."""

    def lose(self, host: str, share: float) -> None:
        """Needs two words."""


MISTAKES = [
    ("lab.plug(web1)", 'needs quotes: "web1"'),
    ("check(lab, home)", 'write it in quotes: "home"'),
    ("lab.plugin('web1')", "a lab has no `plugin`: did you mean `lab.plug"),
    ("lab.wombat()", "a lab has no `wombat`: lesson 00"),
    ("lab.plug()", '`lab.plug` needs host: lab.plug("web1")'),
    ("lab.lose('web1')", '`lab.lose` needs share: lab.lose("web1", SHARE)'),
    ("ping 192.168.1.10", "write `%%on web1` in the line above it, or type it in the terminal"),
    ("ip -brief address", "`ip -brief address` is a shell command"),
    ("hostname", "`hostname` is a shell command"),
    ("ls", "`ls` is a shell command"),
    ("vi /etc/keepalived/keepalived.conf", "cell is Python: type it in the terminal of a host"),
    ("labs terminal web1", "for a shell of your own machine"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words"), MISTAKES)
def test_a_mistake_gets_one_line_that_says_what_to_do(code: str, words: str, shell: Shell) -> None:
    shell.user_ns = {"lab": Verbs(), "check": check}
    shell.run(code)
    (line,) = shell.shown
    assert line.startswith("LabError: ")
    assert words in line
    assert shell.tracebacks == 0


@pytest.mark.parametrize(
    "code",
    ["1 +", "lab.plug(", "len()", "(3).real_part", "ip = lab.nothing.more", "find(1)()", "{}.x"],
)
def test_what_is_not_understood_keeps_its_traceback(code: str, shell: Shell) -> None:
    shell.user_ns = {"lab": Verbs(), "find": lambda n: n}
    shell.run(code)
    if code.startswith("ip ="):  # of the lab, but no line of advice covers the rest
        assert "a lab has no `nothing`" in shell.shown[0]
    else:
        assert shell.tracebacks == 1


# After a restart the kernel knows nothing: the first cell to run is the same whatever is missing.
FORGOTTEN = ["predict('Who?')", "quiz('07')", "check(lab, 'home')", "lab = Lab('basic')", "lab"]


@pytest.mark.parametrize("code", FORGOTTEN)
def test_a_kernel_that_was_restarted_names_the_cell_to_run_first(code: str, shell: Shell) -> None:
    shell.user_ns = {"quit": None}
    shell.run(code)
    (line,) = shell.shown
    assert "run the first cell of the lesson, the one with `from labs import ...`" in line
    assert "did you mean" not in line
    assert ("the one above this that says" in line) == (code == "lab")


def test_an_interrupt_is_one_line(shell: Shell) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    shell.user_ns = {"stop": stop}
    shell.run("stop()")
    assert shell.shown == [f"KeyboardInterrupt: {notebook_errors.INTERRUPTED}"]


def test_a_name_that_an_experiment_lacks_is_one_line(shell: Shell) -> None:
    shell.user_ns = {"run_lines": run_lines, "shell": shell, "send": print}
    shell.run("run_lines(shell, 'send(forged)')")
    (line,) = shell.shown
    assert "`forged` is not there yet: first run the cell above that makes it" in line


def test_a_fault_inside_a_function_keeps_its_traceback(shell: Shell) -> None:
    shell.run("def f():\n    return missing\nf()")
    assert shell.tracebacks == 1
    assert shell.shown == []


def test_other_errors_are_left_alone() -> None:
    assert unknown_name(NameError("something else"), SimpleNamespace(tb_next=None), {}) is None
    assert unknown_name(NameError("name 'x' is not defined"), None, {}) is None
