"""What an experiment's cell checks around its lines: a calm start, and that something was done."""

from __future__ import annotations

import pytest

from labs import Lan
from labs.errors import LabError
from labs.lessons.experiment import calm, require_done
from labs.model.facts import Action
from labs.replay import recording
from labs.replay.replay_lab import ReplayLab


def settled() -> Lan:
    """The article's pair, after the first election."""
    lan = Lan("basic")
    lan.run(10)
    return lan


def test_the_second_before_an_experiment_shows_nothing_of_its_start() -> None:
    """A cell that is run again puts the cable back first; its figure begins a second before."""
    lan = settled()
    lan.unplug("web1")
    lan.run(10)
    before = lan.now
    lan.plug("web1")
    lan.wait_until(lambda: lan.holders() == ["web1"])
    moved = lan.timeline().takeovers[-1].at
    assert lan.now < moved + 1
    calm(lan, before)
    assert lan.now > moved + 1


def test_a_start_that_had_nothing_to_do_costs_no_time() -> None:
    lan = settled()
    before = lan.now
    calm(lan, before)
    assert lan.now == before


@pytest.mark.parametrize(
    "cell",
    [
        "%%on web1 --changes\nkeepalived -t && systemctl reload keepalived\n",
        'lab.unplug("web1")\n',
        "%%on web2\nsystemctl stop keepalived\n",
    ],
)
def test_a_command_that_was_not_reached_is_not_judged(cell: str) -> None:
    """`keepalived -t` has found an error, so no reload followed; there was one a minute ago."""
    lan = settled()
    lan.reload("web1")
    lan.run(5)
    begun = lan.now
    with pytest.raises(LabError, match="was not done"):
        require_done(lan, cell, begun)
    lan.reload("web1")
    assert [act.t >= begun for act in lan.timeline().of(Action)][-1]
    require_done(lan, cell, begun)


@pytest.mark.parametrize(
    "cell", ["%%on web2\ntcpdump -c 1 vrrp\n", "lab.holders()\n", "%%on web1\nsystemctl status\n"]
)
def test_a_cell_that_only_looks_needs_nothing_done(cell: str) -> None:
    lan = settled()
    require_done(lan, cell, lan.now)


def test_in_a_replay_a_cell_that_is_run_again_shows_what_it_showed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There the second run changes nothing, and the recording knows that all was done."""
    monkeypatch.setenv(recording.VARIABLE, recording.REPLAY)
    with ReplayLab("unplugged") as lab:
        for _ in range(2):
            begun = lab.now
            lab.plug("web1")
            require_done(lab, 'lab.plug("web1")\n', begun)
