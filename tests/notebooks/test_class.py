"""A small class by `labs class`, without root: sign up, a failover for each, one killed, the end.

With forty learners, all of lesson 05 and a table of what it costs: `make class-test`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labs.jupyter import workbooks
from labs.progress import read
from tests.class_evening import PROGRAM, Evening, Learner, cells, evening
from tests.notebooks.leftovers import nothing_left
from tests.support import OrdinaryUser

# One is killed; the name of the other has what a URL and a CSV have to quote.
NAMES = ("anna", "花子,jun")
LESSON = "05-failover.ipynb"
# The pull of the cable and what the client saw of it: enough for a lab behind the prefix.
FIRST = slice(0, 9)
# What a learner's server sees: the class's folder, the processes, the home directory.
LOOK = """
import os, pathlib
work = pathlib.Path(os.environ["LAB_WORK"])
print(sorted(path.name for path in work.parent.iterdir()))
"""


@pytest.fixture(autouse=True)
def with_jupyterhub() -> None:
    """What `make setup-tests` installs."""
    if not Path(sys.executable).with_name("jupyterhub").exists():
        pytest.skip("JupyterHub is not installed; remedy: make setup-class")
    if shutil.which("configurable-http-proxy") is None:
        pytest.skip(
            "the proxy is missing; remedy: sudo apt-get install node-configurable-http-proxy"
        )


def processes(*words: str, variable: str = "") -> list[int]:
    """The pids whose command line has all `words`, and whose environment has `variable`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        named = all(word.encode() in line for word in words)
        if named and (not variable or variable.encode() in environment):
            found.append(int(entry.name))
    return sorted(found)


def server_of(name: str) -> int:
    """The pid of a learner's server: the process that the hub has started."""
    words = ("labs.jupyter.singleuser", "--class")
    return processes(*words, variable=f"JUPYTERHUB_USER={name}")[0]


def first_failover(learner: Learner) -> str:
    """Run the lesson down to the failover; who held the address before and after."""
    with learner.kernel(LESSON) as kernel:
        for cell in cells(workbooks.NOTEBOOKS / LESSON)[FIRST]:
            kernel.run(cell)
        return kernel.run("print([t.to for t in lab.timeline().takeovers], lab.holders())" + LOOK)


def begin(one: Evening, name: str) -> Learner:
    """Sign up and open JupyterLab."""
    learner = Learner(one, name)
    assert learner.sign_up() == ""
    learner.wait_for_the_server()
    return learner


def teacher_of(one: Evening) -> Learner:
    """The teacher, logged in."""
    teacher = Learner(one, "teacher")
    assert teacher.log_in(one.teacher) == ""
    return teacher


def wall_for(learner: Learner) -> int:
    """The HTTP status with which the wall is shown."""
    page = learner.session.get(f"{learner.evening.address}/services/wall/", timeout=60)
    assert page.status_code != 200 or "Lesson:" in page.text
    return int(page.status_code)


@pytest.mark.timeout(600)
def test_an_evening(ordinary_user: OrdinaryUser) -> None:
    """A learner sees the failover although another's server is killed; Ctrl-C ends all."""
    folder = ordinary_user.home / "class"
    wanted = ("class", "class.log", ".npm")
    with nothing_left(ordinary_user, wanted) as mark:
        with evening(ordinary_user, folder, len(NAMES), mark) as one:
            with ThreadPoolExecutor(len(NAMES)) as pool:
                learners = list(pool.map(lambda name: begin(one, name), NAMES))
            assert (
                Learner(one, "late").sign_up() == "the class is full (2 learners): ask the teacher"
            )
            assert "taken" in Learner(one, "ANNA").sign_up()
            assert [wall_for(learners[0]), wall_for(teacher_of(one))] == [403, 200]
            with learners[0].kernel(LESSON) as kernel:
                kernel.run(
                    "from labs import Lab\nfrom labs.lessons import begin\nbegin('05-failover')"
                )
                kernel.run("lab = Lab('basic')")
                victim = server_of(NAMES[0])
                with ThreadPoolExecutor(len(NAMES)) as pool:
                    others = [pool.submit(first_failover, learner) for learner in learners[1:]]
                    os.kill(victim, signal.SIGKILL)
                    for name, seen in zip(NAMES[1:], others, strict=True):
                        assert seen.result() == f"['web1', 'web2'] ['web2']\n['{name}']\n"
            kinds = [entry.kind for entry in read(folder / "anna" / "progress.jsonl")]
            assert kinds == ["begin"]
        assert one.process.returncode == 0, one.output.read_text()
        assert (folder / NAMES[1] / "progress.jsonl").exists()
        assert "The class has ended" in one.output.read_text()


@pytest.mark.timeout(500)
def test_a_hub_that_is_killed_takes_every_lab_with_it_and_loses_nothing(
    ordinary_user: OrdinaryUser,
) -> None:
    """Started again with the same folder it knows the learner, whose lessons are as they were."""
    folder = ordinary_user.home / "class"
    with nothing_left(ordinary_user, ("class", "class.log", ".npm")) as mark:
        with evening(ordinary_user, folder, 1, mark) as first:
            learner = begin(first, "anna")
            with learner.kernel(LESSON) as kernel:
                kernel.run(
                    "from labs import Lab\nfrom labs.lessons import begin\nbegin('05-failover')"
                )
                kernel.run("lab = Lab('basic')")
                (folder / "anna" / LESSON).write_text("her own")
                second: list[str | Path] = [PROGRAM, "class", "--folder", folder]
                done = ordinary_user.run(second, 60, mark, check=False)
                assert "is running in" in done.stderr
                config = str(folder / ".hub" / "jupyterhub_config.py")
                (hub,) = processes("jupyterhub", config)
                os.kill(hub, signal.SIGKILL)
                assert first.process.wait(30) == 1
        assert "every lab with it" in first.output.read_text()
        with evening(ordinary_user, folder, 1, mark) as again:
            assert (again.word, again.teacher) == (first.word, first.teacher)
            learner = Learner(again, "anna")
            assert learner.log_in("not hers") != ""
            assert learner.log_in() == ""
            learner.wait_for_the_server()
            assert (folder / "anna" / LESSON).read_text() == "her own"
            assert len(list(read(folder / "anna" / "progress.jsonl"))) == 1
