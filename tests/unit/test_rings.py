"""The runner of the rings reports what happened, above all when a ring did not even start."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import rings
from tests.rings import NO_TESTS, OPENED, Outcome, closed_above, closing_line, counted, main
from tests.support import HUNG_S, eventually

REPORT = """<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2"/></testsuites>"""


def test_the_counts_come_from_the_report(tmp_path: Path) -> None:
    (tmp_path / "ring.xml").write_text(REPORT)
    assert counted(tmp_path / "ring.xml") == (5, 2, 2)


def test_no_report_counts_nothing(tmp_path: Path) -> None:
    assert counted(tmp_path / "absent.xml") == (0, 0, 0)


def test_the_last_line_looks_like_pytests_own() -> None:
    line = closing_line([Outcome("unit", 0, 40, 0, 1, 2.5), Outcome("lab", 1, 3, 2, 0, 7.5)], 8)
    assert line.strip("= ") == "2 failed, 43 passed, 1 skipped in 8.00s"
    assert len(line) == 80


@pytest.mark.parametrize(
    ("status", "words"), [(0, "ok"), (NO_TESTS, "no tests"), (2, "could not run")]
)
def test_a_ring_that_did_not_pass_says_why(status: int, words: str) -> None:
    assert words in Outcome("lab", status, 0, 0, 0, 1.0).line()


def test_a_ring_that_could_not_run_is_an_error_in_the_sum() -> None:
    assert "1 errors" in closing_line([Outcome("lab", 2, 0, 0, 0, 1.0)], 1)


def test_an_unknown_ring_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unti"]) == 2
    assert "unti" in capsys.readouterr().err


@dataclass
class Run:
    """How a ring was started: printing `apart` or to the terminal, with a lower priority or not."""

    word: str
    apart: bool
    nice: bool


def recorded_runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Which rings are run from here on; none is run in truth."""
    runs: list[Run] = []

    def run_ring(word: str, report: Path, apart: bool = False, nice: bool = False) -> Outcome:
        runs.append(Run(word, apart, nice))
        rings.printed(report).write_text(f"{word} printed this\n")
        return Outcome(word, 0, 1, 0, 0, 1.0)

    monkeypatch.setattr(rings, "run_ring", run_ring)
    return runs


def test_rings_that_compute_have_a_lower_priority_than_those_that_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    runs = recorded_runs(monkeypatch)
    words = ["unit", "interop", "lab", "tests/sim/test_lan.py", "notebooks", "browser"]
    outcomes = rings.run_all(words, tmp_path)
    assert [outcome.ring for outcome in outcomes] == words
    assert {run.word for run in runs if run.nice} == {"unit", "tests/sim/test_lan.py"}
    assert [run.word for run in runs if not run.apart] == ["interop", "lab"]
    printed = capfdbinary.readouterr().out
    assert [printed.count(f"{run.word} printed this".encode()) for run in runs if run.apart] == [
        1, 1, 1, 1,
    ]  # fmt: skip


def test_lanes_run_at_the_same_time_and_the_rings_of_a_lane_one_after_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at_work: set[str] = set()
    everyone = threading.Barrier(len(rings.LANES), timeout=HUNG_S)

    def run_ring(word: str, report: Path, apart: bool = False, nice: bool = False) -> Outcome:
        (lane,) = (lane for lane in rings.LANES if word in lane)
        assert not at_work & set(lane)
        at_work.add(word)
        if word == lane[0]:
            everyone.wait()
        rings.printed(report).write_text("")
        at_work.remove(word)
        return Outcome(word, 0, 1, 0, 0, 1.0)

    monkeypatch.setattr(rings, "run_ring", run_ring)
    assert len(rings.run_all(list(rings.RINGS), tmp_path)) == len(rings.RINGS)


def test_after_an_interrupt_no_further_ring_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun: list[str] = []
    futures: list[Future[Outcome]] = []

    class Pool(ThreadPoolExecutor):
        def submit(self, *call: Any, **options: Any) -> Future[Any]:
            futures.append(super().submit(*call, **options))
            return futures[-1]

    def run_ring(word: str, report: Path, apart: bool = False, nice: bool = False) -> Outcome:
        begun.append(word)
        if word == "lab":
            raise KeyboardInterrupt
        eventually(futures[-1].cancelled, what="the next ring to be called off")
        return Outcome(word, 0, 1, 0, 0, 1.0)

    monkeypatch.setattr(rings, "run_ring", run_ring)
    monkeypatch.setattr(rings, "ThreadPoolExecutor", Pool)
    with pytest.raises(KeyboardInterrupt):
        rings.run_all(["lab", "unit", "sim"], tmp_path)
    assert "sim" not in begun


def test_the_site_is_built_before_the_rings_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def run(command: list[str], **_: object) -> None:
        assert os.environ[rings.SITE_RUN]
        done.append(command[-1])

    def run_all(words: list[str], _: Path) -> list[Outcome]:
        done.extend(words)
        return []

    monkeypatch.setattr(rings, "compile_packages", lambda: None)
    monkeypatch.setattr(rings, "run_all", run_all)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv(rings.SITE_RUN, "")
    assert main(["unit"]) == 0
    assert main(["browser", "unit"]) == 0
    assert done == ["unit", "from tests.browser.site import build; build()", "browser", "unit"]


def test_every_ring_is_in_one_lane() -> None:
    assert sorted(ring for lane in rings.LANES for ring in lane) == sorted(rings.RINGS)


def test_rings_that_compute_run_as_usual_without_one_that_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs = recorded_runs(monkeypatch)
    rings.run_all(["unit", "sim"], tmp_path)
    assert runs == [Run("unit", False, False), Run("sim", False, False)]


@pytest.mark.parametrize(
    ("word", "ring"),
    [
        ("lab", "lab"),
        ("tests/lab/test_hosts.py", "lab"),
        (str(rings.TESTS / "interop" / "test_article.py"), "interop"),
        ("tests/lab/test_no_such.py", None),
        ("tests/conftest.py", None),
        ("README.md", None),
    ],
)
def test_a_file_is_run_as_its_ring_is(word: str, ring: str | None) -> None:
    assert rings.ring_of(word) == ring


def test_a_checkout_below_a_closed_directory_is_found_out(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    checkout = tmp_path / "closed" / "open" / "checkout"
    checkout.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    closed = closed_above(checkout)
    assert closed is not None
    assert closed in (tmp_path / "closed").parents or closed == tmp_path / "closed"
    assert closed_above(Path("/usr/bin")) is None


@pytest.mark.parametrize("mask", ["022", "002", "077"])
def test_a_closed_directory_is_opened_for_one_command_only(tmp_path: Path, mask: str) -> None:
    closed = tmp_path / "closed"
    checkout = closed / "deep" / "checkout"
    checkout.mkdir(parents=True)
    (checkout / "file").write_text("the checkout")
    closed.chmod(0o700)
    masked = ["sh", "-ec", 'umask "$1"; shift; exec "$@"', "umask", mask]
    script = [*masked, "sh", "-ec", OPENED, "rings", str(checkout), str(closed)]
    look = ["sh", "-c", f"stat -c %a {closed} {closed}/deep; cat file"]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "--propagation", "private", *script, *look],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n") == ["755", "755", "the checkout"]
    assert closed.stat().st_mode & 0o777 == 0o700


def test_rings_that_wait_do_so_side_by_side_in_namespaces_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TEST_WORKERS", raising=False)
    pytest_of = ["python", "-m", "pytest"]
    *same, spread, workers = rings.side_by_side("lab", pytest_of)
    assert (same, spread) == (pytest_of, "--dist=worksteal")
    place = f"{sys.executable} -m labs.sandbox.namespaces -- {sys.executable}"
    assert workers == f"--tx={rings.WORKERS['lab']}*popen//python={place}"
    assert rings.side_by_side("browser", pytest_of)[-3:-1] == rings.DISTRIBUTION["browser"]
    monkeypatch.setenv("TEST_WORKERS", "1")
    assert rings.side_by_side("lab", pytest_of) == [*place.split()[:-1], *pytest_of]
