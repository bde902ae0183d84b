"""A hub that ends while it starts, as JupyterHub does on a busy machine, is started again."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.jupyter import trial

# Counts how often it was started; the first LATE times it ends, like a hub whose proxy is late.
HUB = """
import sys, threading
from pathlib import Path
count = Path("count")
count.write_text(count.read_text() + "x" if count.exists() else "x")
if len(count.read_text()) <= int(sys.argv[1]):
    print("the proxy is late")
    sys.exit(1)
Path("answers").touch()
never = threading.Event()
while not Path("asked").exists():
    never.wait(0.02)
"""


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """A class has the signals of its process."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def answers(options: trial.Options) -> bool:
    """Whether the hub has come so far; it ends then."""
    found = (options.state / "answers").exists()
    if found:
        (options.state / "asked").touch()
    return found


def serve(place: Path, monkeypatch: pytest.MonkeyPatch, late: int) -> tuple[int, int]:
    """Serve a class whose hub ends `late` times; the status, and how often the hub was started."""
    options = trial.Options(folder=place)
    options.state.mkdir(parents=True)
    command = [sys.executable, "-c", HUB, str(late)]
    monkeypatch.setattr(trial, "_require_open", lambda needed, remedy: None)
    monkeypatch.setattr(trial, "_command", lambda config: command)
    monkeypatch.setattr(trial, "_answers", answers)
    status = trial._serve(options, {"learners": "word", "teacher": "secret"})
    return status, len((options.state / "count").read_text())


def test_a_hub_that_ends_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(tmp_path, monkeypatch, late=2) == (1, 3)
    printed = capsys.readouterr()
    assert "/hub/signup" in printed.out
    assert "did not start" not in printed.err


def test_a_hub_that_always_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(tmp_path, monkeypatch, late=9) == (1, trial.TRIES)
    printed = capsys.readouterr()
    assert "/hub/signup" not in printed.out
    assert printed.err.count("the hub did not start") == 1
    assert "the proxy is late" in printed.err
