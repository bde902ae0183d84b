"""The workspace that JupyterLab opens with: the lesson, and the hosts' terminals beside it.

+----------------------------+------------------+
| the lesson                 | web1             |     JupyterLab saves in it what the learner
|                            |                  |     changes, and that is not overwritten
|                            +------------------+
|                            | web2 | client    |
+----------------------------+------------------+
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Its address is /lab/workspaces/NAME.
NAME = "vrrp-lab"
_LIST_SHARE = 0.15  # of the window's width: the list of lessons
_LESSON_SHARE = 0.6  # of the rest: the lesson


def lay_out(folder: Path, lesson: str, hosts: Sequence[str]) -> Path:
    """Write the workspace into `folder` unless JupyterLab has saved one there; its path.

    `hosts`: whose terminals stand beside `lesson`: the first above, the others below it.
    """
    from jupyterlab_server.workspaces_handler import (
        WORKSPACE_EXTENSION,
        slugify,
    )

    path = folder / (slugify(NAME) + WORKSPACE_EXTENSION)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(workspace(lesson, hosts)))
    return path


def workspace(lesson: str, hosts: Sequence[str]) -> dict[str, Any]:
    """The content of the workspace, as JupyterLab saves it."""
    notebook, terminals = f"notebook:{lesson}", [f"terminal:{name}" for name in hosts]
    dock: dict[str, Any] = _tabs([notebook])
    if terminals:
        groups = [group for group in (terminals[:1], terminals[1:]) if group]
        beside = _split("vertical", [0.5] * len(groups), [_tabs(group) for group in groups])
        dock = _split("horizontal", [_LESSON_SHARE, 1 - _LESSON_SHARE], [_tabs([notebook]), beside])
    data: dict[str, Any] = {
        "layout-restorer:data": {
            "main": {"dock": dock, "current": notebook},
            "down": {"size": 0, "widgets": []},
            "left": {"collapsed": False, "visible": True, "current": "filebrowser"},
            "right": {"collapsed": True, "visible": True},
            "relativeSizes": [_LIST_SHARE, 1 - _LIST_SHARE, 0],
        },
        notebook: {"data": {"path": lesson, "factory": "Notebook"}},
    }
    for host, terminal in zip(hosts, terminals, strict=True):
        data[terminal] = {"data": {"name": host}}
    return {"data": data, "metadata": {"id": NAME}}


def shown_notebook(path: Path) -> str | None:
    """The notebook that JupyterLab shows when it opens the workspace of this file, if it shows one.

    With several in sight, the one with the focus.  None for a damaged file, too.
    """
    try:
        data = json.loads(path.read_text())["data"]
        main = data["layout-restorer:data"]["main"]
        seen = [main.get("current"), *_in_front(main["dock"])]
        notebooks = [widget for widget in seen if str(widget).startswith("notebook:")]
        return str(data[notebooks[0]]["data"]["path"]) if notebooks else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _in_front(area: dict[str, Any]) -> list[Any]:
    """The widgets in sight in a part of the dock: of each stack of tabs the one in front."""
    if area["type"] == "tab-area":
        return [area["widgets"][area["currentIndex"]]]
    return [widget for part in area["children"] for widget in _in_front(part)]


def _tabs(widgets: list[str]) -> dict[str, Any]:
    return {"type": "tab-area", "currentIndex": 0, "widgets": widgets}


def _split(orientation: str, sizes: list[float], children: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "split-area", "orientation": orientation, "sizes": sizes, "children": children,
    }  # fmt: skip
