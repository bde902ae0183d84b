"""The workspace that `make lab` opens with: written once, and then the learner's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labs.jupyter import server, workspace
from labs.jupyter.workspace import NAME

HOSTS = ["one", "two", "client"]


def widgets(area: dict[str, object]) -> list[object]:
    """What an area of the dock shows, from left to right and from top to bottom."""
    if area["type"] == "tab-area":
        shown = area["widgets"]
        assert isinstance(shown, list)
        return [shown]
    parts = area["children"]
    assert isinstance(parts, list)
    return [each for part in parts for each in widgets(part)]


def test_the_lesson_is_on_the_left_and_every_host_beside_it() -> None:
    data = workspace.workspace("00-first.ipynb", HOSTS)["data"]
    dock = data["layout-restorer:data"]["main"]["dock"]
    assert dock["orientation"] == "horizontal"
    assert widgets(dock) == [
        ["notebook:00-first.ipynb"],
        ["terminal:one"],
        ["terminal:two", "terminal:client"],
    ]
    assert data["terminal:two"] == {"data": {"name": "two"}}
    assert data["notebook:00-first.ipynb"]["data"]["path"] == "00-first.ipynb"


def test_without_hosts_there_is_the_lesson_alone() -> None:
    dock = workspace.workspace("a.ipynb", [])["data"]["layout-restorer:data"]["main"]["dock"]
    assert widgets(dock) == [["notebook:a.ipynb"]]


# Jupyter's server looks for a library of GNOME, which warns about its own loader.
@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_what_the_learner_arranged_is_kept(tmp_path: Path) -> None:
    path = workspace.lay_out(tmp_path / "workspaces", "a.ipynb", HOSTS)
    assert json.loads(path.read_text())["metadata"]["id"] == NAME
    path.write_text("arranged by hand")
    assert workspace.lay_out(tmp_path / "workspaces", "b.ipynb", HOSTS) == path
    assert path.read_text() == "arranged by hand"


def test_the_address_names_the_workspace_behind_any_prefix() -> None:
    plain, behind = server.address(8888, "t"), server.address(8888, "t", "/user/me/")
    assert plain == f"http://127.0.0.1:8888/lab/workspaces/{NAME}?token=t"
    assert behind == f"http://127.0.0.1:8888/user/me/lab/workspaces/{NAME}?token=t"


def test_a_replay_has_no_hosts_to_type_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_MODE", "replay")
    assert server.hosts_of_the_lessons() == []
    assert server.start_page() == f"/lab/tree/{server.first_lesson()}"


def test_the_notebook_in_sight_is_found_in_what_jupyterlab_saved(tmp_path: Path) -> None:
    path = workspace.lay_out(tmp_path, "00-first.ipynb", HOSTS)
    assert workspace.shown_notebook(path) == "00-first.ipynb"
    saved = json.loads(path.read_text())
    main = saved["data"]["layout-restorer:data"]["main"]
    saved["data"]["notebook:05"] = {"data": {"path": "sub/05-later.ipynb"}}
    stack = main["dock"]["children"][0]
    stack.update(widgets=["notebook:00-first.ipynb", "notebook:05"], currentIndex=1)
    main["current"] = "terminal:one"
    path.write_text(json.dumps(saved))
    assert workspace.shown_notebook(path) == "sub/05-later.ipynb"
    stack.update(widgets=["terminal:three"], currentIndex=0)
    path.write_text(json.dumps(saved))
    assert workspace.shown_notebook(path) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "null", '{"data": {"layout-restorer:data": {"main": {"dock": 5}}}}']
)
def test_a_damaged_workspace_shows_no_notebook(tmp_path: Path, content: str) -> None:
    path = tmp_path / "damaged"
    assert workspace.shown_notebook(path) is None
    path.write_text(content)
    assert workspace.shown_notebook(path) is None
