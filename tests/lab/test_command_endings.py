"""The commands of a running lab end with one line at most, and an exit status.

`tests/unit/test_command_endings.py` has those that need no lab.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labs.emulation import discovery
from tests.lab.outside import INSIDE
from tests.support import HUNG_S, eventually

LABS = Path(sys.executable).with_name("labs")
WAITING = """
import signal
from labs import Lab
lab = Lab("empty")
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def two() -> Iterator[list[discovery.Running]]:
    """Two labs in programs of their own, oldest first."""
    with ExitStack() as stack:
        for number in (1, 2):
            lab = stack.enter_context(
                subprocess.Popen(
                    [*INSIDE, sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True
                )
            )
            stack.callback(lab.kill)
            assert lab.stdout is not None
            assert lab.stdout.readline() == "ready\n"
            eventually(lambda: len(discovery.find()) == number)  # noqa: B023
        yield discovery.find()


def run(script: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """A shell script in which $L is `labs`, run in an empty folder."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "L": str(LABS)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )


FULL = "standard output: No space left on device"
# A shell script; its exit status; the one line on standard error, if there is any.
TABLE = [
    (
        "$L terminal web1 -- true",
        2,
        r"several labs are running \(\d+, \d+\): choose one with --lab PID",
    ),
    ("$L watch", 2, "several labs are running"),
    ("$L capture web1 | cat; exit ${PIPESTATUS[0]}", 2, "several labs are running"),
    ("$L terminal web1 --lab 1 -- true", 2, "no lab called 1 in this lab: choose"),
    ("$L terminal nobody --lab PID -- true", 2, "no host called 'nobody'"),
    ("$L capture nobody --lab PID | cat; exit ${PIPESTATUS[0]}", 2, "no host called 'nobody'"),
    ("$L capture web1 --interface eth9 --lab PID | cat; exit ${PIPESTATUS[0]}", 2, "eth9"),
    ("$L capture web1 --lab PID | head -c 0; exit ${PIPESTATUS[0]}", 0, ""),
    ("$L capture web1 --lab PID >/dev/full", 1, "No space left on device"),
    ("$L capture web1 --lab PID >&-", 1, "Bad file descriptor"),
    ("$L ps >/dev/full", 1, FULL),
    ("$L ps | head -c 0; exit ${PIPESTATUS[0]}", 141, ""),
    ("$L watch --lab PID >/dev/full", 1, FULL),
    ("$L watch --lab PID | head -c 0; exit ${PIPESTATUS[0]}", 141, ""),
    ("env -u TERM -u HOME $L watch --lab PID", 0, ""),
    ("env -u TERM -u HOME $L terminal web1 --lab PID -- true", 0, ""),
    ("$L terminal web1 --lab PID -- no-such-program", 127, "no-such-program"),
    ("$L cli --state nowhere", 2, "no state called 'nowhere'"),
    ("echo exit | env -u TERM -u HOME -u USER $L cli --state empty", 0, ""),
    ("$L cli --state empty <&-", 0, ""),
    ("echo holders | $L cli --state empty >/dev/full", 1, FULL),
    ("echo holders | $L cli --state empty >&-", 1, "standard output: Bad file descriptor"),
    ("echo holders | $L cli --state empty | head -c 0; exit ${PIPESTATUS[1]}", 141, ""),
    ("$L exec -- no-such-program", 127, "cannot run no-such-program"),
    ("$L exec -- sh -c 'exit 7'", 7, ""),
]


@pytest.mark.parametrize(("script", "status", "line"), TABLE, ids=[row[0][:70] for row in TABLE])
def test_a_command_ends_with_one_line_at_most(
    script: str, status: int, line: str, two: list[discovery.Running], tmp_path: Path
) -> None:
    done = run(script.replace("PID", str(two[0].pid), 1), tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (status, bool(line)), done.stderr
    assert re.search(line, done.stderr), done.stderr


def test_a_folder_that_is_covered_inside_is_still_written(tmp_path: Path) -> None:
    """The lab's files cover one of /media, /srv ...: never one that a command names."""
    said = run("$L exec -- sh -c 'echo $VRRP_LAB_DIR'", tmp_path).stdout
    covered = said.strip()
    up = os.path.relpath(covered, tmp_path)
    for word in (f"--figure={covered}/x/y.png", f"{covered}/x/y.png", f"{up}/x"):
        script = f"$L exec -- sh -c 'echo $VRRP_LAB_DIR' {word}"
        assert run(script, tmp_path).stdout not in ("", said), word


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": []}', b"\xff", None])
def test_a_damaged_lab_json_hides_no_other_lab(
    content: bytes | None, two: list[discovery.Running], tmp_path: Path
) -> None:
    card = two[0].directory / "lab.json"
    before = card.read_bytes()
    try:
        if content is None:
            card.unlink()
            os.mkfifo(card)
        else:
            card.write_bytes(content)
        done = run("$L ps", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [str(two[1].pid)]
        assert run("$L terminal web1 -- hostname", tmp_path).stdout == "web1\n"
    finally:
        card.unlink()
        card.write_bytes(before)


def test_ctrl_c_is_one_line_and_leaves_no_lab(tmp_path: Path) -> None:
    before = {lab.pid for lab in discovery.find()}
    labs = subprocess.Popen(
        [LABS, "run", "failover"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    eventually(lambda: {lab.pid for lab in discovery.find()} - before, what="the lab")
    os.killpg(labs.pid, signal.SIGINT)
    _, said = labs.communicate(timeout=HUNG_S)
    assert (labs.returncode, said) == (130, "labs: interrupted\n")
    eventually(lambda: {lab.pid for lab in discovery.find()} <= before, what="the end of the lab")
    assert list(tmp_path.iterdir()) == []
