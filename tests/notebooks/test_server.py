"""`labs notebook` as an ordinary user, lesson 07 in a kernel that it has started, and what it
answers before a page is open: the kernel of lesson 00, and the formats of an export."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.notebooks.leftovers import nothing_left
from tests.notebooks.lessons import LESSONS, of_kind, read
from tests.notebooks.test_lessons import SECONDS, check_pass
from tests.notebooks.through_server import ask
from tests.served import START_SECONDS, served
from tests.support import OrdinaryUser, eventually

PROGRAM = Path(__file__).with_name("through_server.py")
(LESSON,) = (lesson for lesson in LESSONS if lesson.stem.startswith("07-"))
DEEP = "a" * 60


@pytest.mark.timeout(SECONDS + 2 * START_SECONDS)
@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_a_lesson_runs_in_a_kernel_of_the_server(
    transport: str, ordinary_user: OrdinaryUser
) -> None:
    """Over Unix sockets, and over TCP where the paths of those would be too long."""
    runtime = ordinary_user.home / (DEEP if transport == "tcp" else "runtime")
    env = {"JUPYTER_RUNTIME_DIR": str(runtime)}
    result = ordinary_user.home / "result.ipynb"
    # JupyterLab keeps its windows in .jupyter.
    wanted = ("result.ipynb", "server.log", "vrrp-lab", runtime.name, ".jupyter")
    with (
        nothing_left(ordinary_user, wanted) as mark,
        served(ordinary_user, env | mark) as address,
    ):
        words: list[str | Path] = [sys.executable, PROGRAM, address, LESSON, result]
        done = ordinary_user.run(words, SECONDS, env | mark)
    assert done.stdout == f"{transport}\n"
    assert list(runtime.glob("kernel-*")) == [], "sockets or connection files"
    check_pass(LESSON, of_kind(read(result), "code"))


@pytest.mark.timeout(2 * START_SECONDS)
def test_a_server_without_a_page_has_the_kernel_of_the_lesson(ordinary_user: OrdinaryUser) -> None:
    """JupyterLab's page connects to it; and it learns the export formats from another process."""
    with served(ordinary_user) as address:
        (session,) = eventually(lambda: ask(address, "GET", "/api/sessions"), START_SECONDS)
        body = {"path": "00-start-here.ipynb", "name": "", "type": "notebook", "kernel": {}}
        again = ask(address, "POST", "/api/sessions", body)
        kernels = ask(address, "GET", "/api/kernelspecs")
        offered = ask(address, "GET", "/api/nbconvert")
    assert (session["path"], session["kernel"]["name"]) == ("00-start-here.ipynb", "vrrp-lab")
    assert again["kernel"]["id"] == session["kernel"]["id"]
    assert list(kernels["kernelspecs"]) == ["vrrp-lab"]  # no other can run a lesson
    names = {entry.name for entry in entry_points(group="nbconvert.exporters")}
    assert set(offered) == names
    assert offered["html"] == {"output_mimetype": "text/html"}
