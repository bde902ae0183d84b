"""A lesson's Lab that only remembers: what it answers, what it refuses, and that it needs no lab.

The recordings are those that are shipped; the programs run where no namespaces can be made.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from labs.errors import LabError
from labs.lessons import begin
from labs.panel.sources import OfReplay
from labs.progress import memory
from labs.replay import recording
from labs.replay.replay_lab import ReplayLab
from tests.support import HUNG_S, REPOSITORY

pytestmark = pytest.mark.skipif("07-failover" not in recording.lessons(), reason="not recorded")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> ReplayLab:
    monkeypatch.setenv("LAB_MODE", "replay")
    return ReplayLab("basic")


def test_it_says_that_it_is_a_replay(
    lab: ReplayLab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ReplayLab("basic")
    assert capsys.readouterr().out.startswith("Replay: nothing runs here. This run was recorded on")
    assert repr(lab).startswith("<Replay of Lab('basic')")
    assert "REPLAY" in repr(begin("07-failover"))


def test_a_pulled_cable_moves_the_address_as_it_did(lab: ReplayLab) -> None:
    assert lab.settle() == "web1"
    lab.unplug("web1")
    assert lab.settle() == "web2"
    move = lab.timeline().takeovers[-1]
    assert (move.frm, move.to) == ("web1", "web2")
    assert move.after == pytest.approx(3.609, abs=0.1)
    assert lab.witness.carrier()["web1"] is False


def test_what_is_done_chooses_the_run(lab: ReplayLab) -> None:
    lab.settle()
    lab.cut("web1")
    lab.wait_until(lambda: len(lab.holders()) == 2)
    assert lab.running("web1")
    lab.cut("web1")  # again: nothing changes


def test_time_passes_only_while_one_waits(lab: ReplayLab) -> None:
    lab.settle()
    before = lab.now
    lab.holders()
    assert lab.now == before
    with pytest.raises(LabError, match="this is a replay; it goes on with"):
        lab.wait_until(lambda: False, what="what never was")
    assert lab.now > before


def test_what_was_not_done_is_refused_with_what_was_done(lab: ReplayLab) -> None:
    lab.settle()
    with pytest.raises(LabError, match=r"nobody did lab\.freeze\('client'\).*lab\.unplug\('web1'"):
        lab.freeze("client")
    with pytest.raises(LabError, match=r"nobody typed this on web1.*Lan\(\)\.bench\(\)"):
        lab.run("web1", "rm -rf /")
    with pytest.raises(LabError, match="no run of Lab"):
        ReplayLab("no such state")
    with pytest.raises(LabError, match="only where the lab itself runs"):
        lab.net  # noqa: B018


def test_in_a_challenge_a_refusal_does_not_give_the_answer_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAB_MODE", "replay")
    monkeypatch.setattr(memory, "lesson", "")
    monkeypatch.setattr(recording, "challenged", set())
    begin("08-failback")
    first, challenge = ReplayLab("unplugged"), ReplayLab("unplugged")
    for lab, said in (
        (first, "it goes on with a command on web1 or lab.plug"),
        (challenge, "for you to find"),
    ):
        monkeypatch.setattr(lab, "_now", lab.until())
        assert said in OfReplay(lab).waits()
        refusals: list[Callable[[ReplayLab], object]] = [
            lambda lab: lab.freeze("web2"),
            lambda lab: lab.run("web1", "rm -rf /"),
            lambda lab: lab.wait_until(lambda: False, what="what never was"),
        ]
        for refused in refusals:
            with pytest.raises(LabError) as error:
                refused(lab)
            line = str(error.value)
            assert said in line
            assert "\n" not in line
            assert ("Lan().bench()" in line) == ("nobody" in line)
            assert lab is first or not re.search(r"plug|sed |systemctl|preempt", line)


def test_a_replay_needs_neither_mininet_nor_pyroute2_nor_a_namespace() -> None:
    program = """
import sys
for name in ("mininet", "pyroute2", "fcntl"):
    sys.modules[name] = None
import os
def refuse(*_): raise PermissionError
os.unshare = os.setns = refuse
from labs import Lab
lab = Lab("basic")
lab.settle(); lab.unplug("web1")
print(lab.settle(), lab.timeline().takeovers[-1].to)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "LAB_MODE": "replay"},
        timeout=HUNG_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "web2 web2"
