"""The scenario language, and every story in tests/sim/scenarios/ under all promises.

A bug that the search finds becomes a file there; the others are stories worth keeping.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labs.cli.main import main
from labs.emulation import start_states
from labs.errors import LabError
from labs.scenarios import model, runner
from labs.scenarios.model import parse

STORIES = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_ends_well(path: Path) -> None:
    lan = runner.simulate(model.load(path))
    assert lan.guard is not None
    assert lan.guard.checks > 20


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_says_what_it_is_about_and_survives_writing(path: Path) -> None:
    told = model.load(path)
    assert told.about
    assert parse(str(told)) == told


def test_the_named_state_of_the_lab() -> None:
    lan = runner.simulate(
        parse("state basic\n0 wait holder web1\n+1 unplug web1\n+9 is web2 MASTER")
    )
    assert lan.holders() == ["web2"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("host a\n", "scenario:1"),
        ("host a 100\nsometimes unplug a\n", "scenario:2.*neither a moment"),
        ("host a 100\n+1\n", "needs a verb"),
        ("host a 100\n+1 wait\n", "wait for what"),
        ("kind v9\n", "scenario:1"),
        ("host a 100\n+1 unplug b\n", "no host called .b."),
        ("host a 100\n+1 dance a\n", "cannot do that"),
        ("host a 100\n+1 lose a much\n", "not a number"),
        ("host a 100\n+1 holder a\n", "is not so"),
        ("host a 100\n+1 wait holder b\n", "b to hold 192.168.1.10 did not come true"),
        ("host a 100\n+1 __init__ a\n", "cannot do that"),
        ("state nowhere\n+1 end\n", "nowhere"),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        runner.simulate(parse(text))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(LabError, match="cannot read"):
        model.load("/nowhere/at/all.txt")


def test_the_command_line_plays_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "story.png"
    assert main(["run", str(STORIES[0]), "--simulated", "--figure", str(figure)]) == 0
    assert figure.stat().st_size > 1000
    assert "took" in capsys.readouterr().out


def test_the_real_lab_obeys_the_same_lines() -> None:
    """A stand-in for Lab that writes down its calls; the lab ring has the real one."""

    class RecordedCalls:
        def __init__(self) -> None:
            self.verbs: list[str] = []

        def __getattr__(self, verb: str):  # type: ignore[no-untyped-def]
            return lambda *words: self.verbs.append(" ".join((verb, *map(str, words))))

        def wait_until(self, condition, timeout: float, what: str) -> None:  # type: ignore[no-untyped-def]
            while not condition():
                pass

        def holders(self) -> list[str]:
            return ["web1"]

    lab: Any = RecordedCalls()
    text = "state basic\n0 wait holder web1\n+0.01 unplug web1\n+0 lose web2 0.5\n+0 holder web1"
    runner.perform(parse(text), lab)
    assert lab.verbs == ["unplug web1", "lose web2 0.5"]
    with pytest.raises(LabError, match="--simulated"):
        runner.perform(parse("host a 100\n+0 end"), lab)


def test_a_line_without_a_moment_happens_at_once() -> None:
    told = parse("state basic\nwait holder web1\n+1 unplug web1\nwait holder web2\n")
    assert [step.text for step in told.steps][0::2] == ["wait holder web1", "wait holder web2"]
    assert runner.simulate(told).holders() == ["web2"]


def test_labs_run_failover_is_one_story_for_both_labs() -> None:
    """`--simulated` used to choose between two stories of one name."""
    told = model.load("failover")
    lan = runner.simulate(told)
    assert [(t.frm, t.to) for t in lan.timeline().takeovers[-2:]] == [
        ("web1", "web2"),
        ("web2", "web1"),
    ]
    assert "web2 -> web1" in runner.table(lan.timeline())


def test_a_state_and_a_scenario_use_the_same_language() -> None:
    """What the `begin` of the state `unplugged` says, played in memory."""
    _, steps = zip(*start_states.read("unplugged").steps, strict=True)
    text = "\n".join(["state basic", *(step.text for step in steps)])
    assert runner.simulate(parse(text)).holders() == ["web2"]


def test_a_command_needs_a_real_lab() -> None:
    with pytest.raises(LabError, match="run web1 ip -br link: Lan cannot do that"):
        runner.simulate(parse("state basic\nrun web1 ip -br link\n"))
