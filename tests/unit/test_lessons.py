"""The learning loop: predictions are kept and judged, challenges tell right from wrong and say why.

The lab here is a stand-in with the few things that a challenge looks at; the lessons themselves run
on a real one, in the notebooks ring.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labs import course
from labs.errors import LabError
from labs.facts import Advert
from labs.lessons import Report, check, predict, setting
from labs.progress import memory
from labs.timeline import Takeover

CONF = (
    "vrrp_instance VI_1 {{\n  state {state}\n  virtual_router_id {vrid}\n  priority {priority}\n}}"
)
BASIC = {
    "master": {"state": "MASTER", "vrid": 51, "priority": 150},
    "backup": {"state": "BACKUP", "vrid": 51, "priority": 100},
}


@pytest.fixture(autouse=True)
def _new_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_WORK", raising=False)
    memory.forget()


class FakeLab:
    """Files, owners, cables and the last takeover, as a test sets them."""

    def __init__(self, owners: tuple[str, ...] = ("master",), **files: dict[str, Any]) -> None:
        self.files = {host: CONF.format(**{**BASIC[host], **files.get(host, {})}) for host in BASIC}
        self.held = list(owners)
        self.watch = "192.168.1.10"
        self.daemons = BASIC
        self.cables = {"master": True, "backup": True}
        self.witness = SimpleNamespace(carrier=lambda: self.cables)
        self.vrid = 51
        self.takeovers: list[Takeover] = []

    def conf(self, host: str) -> str:
        return self.files[host]

    def running(self, host: str) -> bool:
        return host in self.files

    def owners(self) -> list[str]:
        return self.held

    def facts(self) -> list[Advert]:
        return [Advert(0.0, host, "192.168.1.11", self.vrid, 2, 150, 1, (), "") for host in BASIC]

    def timeline(self) -> Any:
        return SimpleNamespace(takeovers=self.takeovers)

    def wait_until(self, condition: Any, timeout: float, what: str) -> None:
        if not condition():
            raise LabError(what)


# --- predictions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guess", "measured", "right"),
    [
        (3.5, 3.61, True),
        (1, 3.61, False),
        (0, 0.0, True),
        ("master", "backup", False),
        (2, "2", False),
    ],
)
def test_a_guess_is_right_when_an_eye_would_call_it_so(
    guess: float | str, measured: float | str, right: bool
) -> None:
    assert predict("How long?", guess, unit="s").judge(measured).right is right


def test_without_a_guess_nothing_is_judged_and_nothing_fails() -> None:
    verdict = predict("How long?", unit="s").judge(3.609, "Three intervals and the skew.")
    assert verdict.right is None
    assert repr(verdict) == "You made no prediction. It was 3.61 s. Three intervals and the skew."


def test_a_verdict_shows_both_answers() -> None:
    verdict = predict("How long?", 1, unit="s").judge(3.609)
    assert repr(verdict) == "A surprise. You said 1 s; it was 3.61 s."
    assert "A surprise" in verdict._repr_html_()


def test_a_guess_outside_the_choices_lists_them() -> None:
    with pytest.raises(LabError, match=r"'mastr'.*master or backup"):
        predict("Who?", "mastr", choices=["master", "backup"])


def test_the_form_records_the_answer() -> None:
    prediction = predict("Who?", choices=["master", "backup"])
    _, answer, row = prediction._form().children
    answer.value = "backup"
    row.children[0].click()
    assert prediction.guess == "backup"
    assert row.children[1].value == "recorded: backup"


def test_what_a_learner_typed_is_shown_as_text_not_as_html() -> None:
    assert "<script>" not in predict("<script>", 1).judge(1, "<script>")._repr_html_()


# --- challenges ----------------------------------------------------------------------------------


def looked_at(lab: FakeLab, challenge: str) -> Report:
    return check(lab, challenge)  # type: ignore[arg-type]


@pytest.mark.parametrize("challenge", ["vrid", "leave", "favourite"])
def test_no_challenge_is_met_at_the_start(challenge: str) -> None:
    report = looked_at(FakeLab(), challenge)
    assert not report
    assert report.hint


def test_an_unknown_challenge_lists_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"leave.* favourite"):
        looked_at(FakeLab(), "vrids")


def test_the_vrid_challenge_names_the_file_that_was_forgotten() -> None:
    report = looked_at(FakeLab(master={"vrid": 52}), "vrid")
    assert report.hint == "the file of backup names another virtual_router_id"


def test_the_vrid_challenge_notices_a_daemon_with_the_old_file() -> None:
    lab = FakeLab(master={"vrid": 52}, backup={"vrid": 52})
    assert "reads its file when it starts" in looked_at(lab, "vrid").hint


def test_the_vrid_challenge_notices_two_owners() -> None:
    lab = FakeLab(("master", "backup"), master={"vrid": 52}, backup={"vrid": 52})
    lab.vrid = 52
    assert "do not hear each other" in looked_at(lab, "vrid").hint


def test_the_vrid_challenge_can_be_met() -> None:
    lab = FakeLab(master={"vrid": 52}, backup={"vrid": 52})
    lab.vrid = 52
    assert looked_at(lab, "vrid")


def takeover(after: float, verb: str) -> Takeover:
    cause: Any = SimpleNamespace(verb=verb)
    return Takeover("master", "backup", at=10.0, after=after, cause=cause)


@pytest.mark.parametrize(
    ("verb", "words"), [("unplug", "cannot say goodbye"), ("crash", "which signal"), ("x", "reset")]
)
def test_the_hint_for_a_slow_handover_knows_what_was_done(verb: str, words: str) -> None:
    lab = FakeLab(("backup",))
    lab.takeovers = [takeover(3.609, verb)]
    assert words in looked_at(lab, "leave").hint


def test_a_quick_handover_is_accepted() -> None:
    lab = FakeLab(("backup",))
    lab.takeovers = [takeover(0.61, "stop")]
    assert looked_at(lab, "leave")


@pytest.mark.parametrize(
    ("files", "cable", "owners", "words"),
    [
        ({"backup": {"state": "MASTER"}}, True, ("master",), "alone"),
        ({}, True, ("backup",), "highest priority"),
        ({"backup": {"priority": 200}}, False, ("backup",), "plug"),
        ({"backup": {"priority": 200}}, True, ("master",), "reads its file"),
    ],
)
def test_the_favourite_challenge_says_what_is_still_wrong(
    files: dict[str, Any], cable: bool, owners: tuple[str, ...], words: str
) -> None:
    lab = FakeLab(owners, **files)
    lab.cables["master"] = cable
    assert words in looked_at(lab, "favourite").hint


def test_the_favourite_may_win_by_either_file() -> None:
    assert looked_at(FakeLab(("backup",), backup={"priority": 200}), "favourite")
    assert looked_at(FakeLab(("backup",), master={"priority": 50}), "favourite")


def test_a_report_lists_what_is_met_and_what_is_not() -> None:
    report = Report("Task", ("first",), ("second", "third"), ("look again",), "all is dark")
    assert repr(report).splitlines() == [
        *("Task: 1 of 3", "✓ first", "→ second", "· third", "Now: all is dark", "Hint: look again")
    ]


def test_every_step_has_a_hint() -> None:
    steps = [step for challenge in course.challenges().values() for step in challenge.steps]
    assert steps
    assert all(1 <= len(step.hints) <= 3 for step in steps)


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
