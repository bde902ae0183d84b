"""A small class by `labs class`, without root: sign up, a failover, one killed, the hub killed.

With forty learners, all of lesson 07 and a table of what it costs: `make class-test`.
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
from labs.sandbox.namespaces import MARK
from tests.class_evening import PROGRAM, Evening, Kernel, Learner, cells, end, evening
from tests.leftovers import left
from tests.notebooks.leftovers import nothing_left
from tests.support import HUNG_S, OrdinaryUser, eventually

# One is killed; the name of the other has what a URL and a CSV have to quote.
NAMES = ("anna", "花子,jun")
LESSON = "07-failover.ipynb"
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


def first_failover(kernel: Kernel) -> str:
    """Run the lesson down to the failover; who held the address before and after."""
    for cell in cells(workbooks.NOTEBOOKS / LESSON)[FIRST]:
        kernel.run(cell)
    return kernel.run("print([t.to for t in lab.timeline().takeovers][-2:], lab.holders())" + LOOK)


def begin(one: Evening, name: str) -> Learner:
    """Sign up and open JupyterLab."""
    learner = Learner(one, name)
    assert learner.sign_up() == ""
    learner.wait_for_the_server()
    return learner


def start_a_lab(kernel: Kernel) -> None:
    """Begin the lesson, and a lab that goes on running."""
    kernel.run("from labs import Lab\nfrom labs.lessons import begin\nbegin('07-failover')")
    kernel.run("lab = Lab('basic')")


def teacher_of(one: Evening) -> Learner:
    """The teacher, logged in."""
    teacher = Learner(one, "teacher")
    assert teacher.log_in(one.teacher) == ""
    return teacher


def wall_for(learner: Learner) -> int:
    """The HTTP status with which the wall is shown."""
    page = learner.session.get(f"{learner.evening.address}/services/wall/", timeout=HUNG_S)
    assert page.status_code != 200 or "Lesson:" in page.text
    return int(page.status_code)


@pytest.mark.timeout(3600)
def test_two_evenings_of_a_class(ordinary_user: OrdinaryUser) -> None:
    """The first ends with its hub killed, the second, in the same folder, with Ctrl-C."""
    folder = ordinary_user.home / "class"
    with nothing_left(ordinary_user, ("class", "class.log", ".npm")) as mark:
        with evening(ordinary_user, folder, len(NAMES), mark) as first:
            with ThreadPoolExecutor(len(NAMES)) as pool:
                anna, other = pool.map(lambda name: begin(first, name), NAMES)
            with anna.kernel(LESSON) as hers, other.kernel(LESSON) as kernel:
                a_server_is_killed(anna, hers, kernel, ordinary_user, mark)
                (hub,) = processes("jupyterhub", str(folder / ".hub" / "jupyterhub_config.py"))
                os.kill(hub, signal.SIGKILL)
                assert first.process.wait(HUNG_S) == 1
        assert "every lab with it" in first.output.read_text()
        eventually(lambda: not left(mark[MARK]), what="the servers and labs to end with the hub")
        (folder / "anna" / LESSON).write_text("her own")
        with evening(ordinary_user, folder, len(NAMES), mark) as second:
            it_goes_on(first, second)
        assert second.process.returncode == 0, second.output.read_text()
        assert "The class has ended" in second.output.read_text()


def a_server_is_killed(
    anna: Learner, hers: Kernel, kernel: Kernel, user: OrdinaryUser, mark: dict[str, str]
) -> None:
    """Anna's server is killed while her lab runs: the other learner sees the failover all the same,
    and her progress is kept.  Meanwhile others are refused."""
    folder = anna.evening.folder
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(first_failover, kernel)
        start_a_lab(hers)
        os.kill(server_of("anna"), signal.SIGKILL)
        who_may_come_in(anna)
        second: list[str | Path] = [PROGRAM, "class", "--folder", folder]
        assert "is running in" in user.run(second, HUNG_S, mark, check=False).stderr
        assert seen.result() == f"['web1', 'web2'] ['web2']\n['{NAMES[1]}']\n"
    assert [entry.kind for entry in read(folder / "anna" / "progress.jsonl")] == ["begin"]
    assert (folder / NAMES[1] / "progress.jsonl").exists()


def who_may_come_in(anna: Learner) -> None:
    """No learner more than there are places, nor under a name that looks the same."""
    one = anna.evening
    late = Learner(one, "late").sign_up()
    assert late == f"the class is full ({len(NAMES)} learners): ask the teacher"
    assert "taken" in Learner(one, "ANNA").sign_up()
    assert [wall_for(anna), wall_for(teacher_of(one))] == [403, 200]


def it_goes_on(first: Evening, second: Evening) -> None:
    """The same words, names, passwords and files; Ctrl-C while a lab runs ends the class."""
    assert (second.word, second.teacher) == (first.word, first.teacher)
    anna = Learner(second, "anna")
    assert anna.log_in("not hers") != ""
    assert anna.log_in() == ""
    anna.wait_for_the_server()
    assert (second.folder / "anna" / LESSON).read_text() == "her own"
    assert len(list(read(second.folder / "anna" / "progress.jsonl"))) == 1
    with anna.kernel(LESSON) as kernel:
        start_a_lab(kernel)
        end(second.process)
