"""What judges whether a lab left anything: it sees what a lab left, and nothing of other people."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from labs import Lab
from labs.sandbox import namespaces
from labs.sandbox.namespaces import MARK
from tests.lab.outside import INSIDE, READY
from tests.leftovers import left, new_mark
from tests.notebooks.leftovers import nothing_left
from tests.support import REPOSITORY, OrdinaryUser, eventually

KINDS = ("process", "mount", "interface", "file")


def run(*command: str) -> None:
    subprocess.run(command, check=True)


@contextmanager
def leftover(kind: str, mark: str, room: Path) -> Iterator[None]:
    """Something with `mark`, of one of KINDS, and its end."""
    with ExitStack() as undo:
        if kind == "process":
            environment = {**os.environ, MARK: mark}
            sleep = subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True)
            undo.callback(sleep.wait)
            undo.callback(sleep.kill)
            # Popen may return in the middle of execve(2), before there is an environment to read.
            eventually(lambda: Path(f"/proc/{sleep.pid}/environ").read_bytes())
        elif kind == "mount":
            place = room / mark
            place.mkdir()
            run("mount", "-n", "-t", "tmpfs", mark, str(place))
            undo.callback(run, "umount", "-n", str(place))
        elif kind == "interface":
            run("ip", "link", "add", "left0", "type", "bridge")
            undo.callback(run, "ip", "link", "delete", "left0")
            run("ip", "link", "set", "left0", "alias", mark)
        else:
            file = Path("/tmp", f"{mark}-file")
            file.touch()
            undo.callback(file.unlink)
        yield


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_is_found_until_it_is_gone(kind: str, tmp_path: Path) -> None:
    mark = new_mark()
    assert left(mark) == []
    with leftover(kind, mark, tmp_path):
        (found,) = left(mark)
        assert found.startswith(kind)
    assert left(mark) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_lesson_that_leaves_something_fails(kind: str, tmp_path: Path) -> None:
    with OrdinaryUser() as user, ExitStack() as until_judged:

        def lesson() -> None:
            with nothing_left(user, timeout=0.2) as environment:
                until_judged.enter_context(leftover(kind, environment[MARK], tmp_path))

        with pytest.raises(AssertionError, match=kind):
            lesson()


def test_what_other_people_do_is_their_business(tmp_path: Path) -> None:
    """Whatever began meanwhile is still there when the lesson is judged."""
    with OrdinaryUser() as user, ExitStack() as stack, nothing_left(user, timeout=0.2):
        for kind in KINDS:
            stack.enter_context(leftover(kind, new_mark(), tmp_path))


def test_everything_a_lab_makes_carries_its_mark() -> None:
    mark = namespaces.mark()
    with Lab("basic", beside=True) as lab:
        ports = json.loads(lab.at_switch("s1", "ip -j link show"))
        aliases = {port["ifname"]: port.get("ifalias") for port in ports if port["ifname"] != "lo"}
        assert len(aliases) == 1 + len(lab.hosts)
        assert set(aliases.values()) == {mark}
        for host in lab.hosts.values():
            for pid in (host.pid, *(process.pid for process in host.processes())):
                words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                assert f"{MARK}={mark}".encode() in words, Path(f"/proc/{pid}/cmdline").read_text()
            mounts = Path(f"/proc/{host.pid}/mountinfo").read_text().splitlines()
            own = [line.split()[4] for line in mounts if f" {mark} " in line]
            assert {"/proc", "/etc"} <= set(own)


# A lab whose mounts are not private, where the caller's are shared: what it mounts stays with us.
# But for /proc, which would be of no use to the judge once the lab has ended.
def test_a_lab_that_leaves_a_mount_is_found() -> None:
    """Its user namespace keeps a lab from that; so the mount is made as a lab makes its own."""
    mark = new_mark()
    judge = f"from tests.leftovers import left; print(*left({mark!r}), sep=chr(10))"
    script = 'mount -n -t tmpfs "$1" /tmp; exec "$2" -c "$3"'
    apart = ["unshare", "--mount", "sh", "-c", script, "sh"]
    done = subprocess.run(
        [*apart, mark, sys.executable, judge],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    found = done.stdout.splitlines()
    assert found, done.stderr
    assert all(line.startswith("mount /") for line in found)


def test_a_lab_that_runs_on_is_found() -> None:
    mark = new_mark()
    lab = subprocess.Popen(
        [*INSIDE, sys.executable, "-c", READY],
        cwd=REPOSITORY,
        env={**os.environ, MARK: mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    with lab:
        assert lab.stdout is not None
        assert lab.stdout.readline() == "ready web1\n"
        commands = "\n".join(left(mark))
        assert "keepalived" in commands
        assert "sleep 4444" in commands
        assert not re.search("^(mount|file) ", commands, re.MULTILINE)
        lab.kill()
    eventually(lambda: not left(mark), what="the end of the lab")
