"""Calls from a page: by name, with JSON in and JSON out.

    call("election.result", '{"priorities": [150, 100]}', part)  ->  '{"ok": true, "result": ...}'

Every public function of every module in this package can be called.  One that is a generator
reports while it works: each value that it yields goes to `part` as JSON, its return value is the
result.  An error that is meant for people (LabError, ConfigError, PacketError, ValueError) comes
back as `{"ok": false, "kind": "LabError", "text": "..."}`; any other also has its traceback.
"""

from __future__ import annotations

import importlib
import inspect
import json
import traceback
from collections.abc import Callable
from typing import Any

from labs.errors import LabError
from vrrpd.config import ConfigError
from vrrpd.packet import PacketError

EXPECTED = (LabError, ConfigError, PacketError, ValueError)


def call(name: str, arguments: str, part: Callable[[str], object]) -> str:
    """Call the function `module.function` with keyword arguments; never raises."""
    try:
        found = _function(name)(**json.loads(arguments))
        if inspect.isgenerator(found):
            found = _exhausted(found, part)
        return _json({"ok": True, "result": found})
    except EXPECTED as error:
        return _json({"ok": False, "kind": type(error).__name__, "text": str(error)})
    except Exception as error:
        kind, text = type(error).__name__, f"{type(error).__name__}: {error}"
        trace = traceback.format_exc()
        return _json({"ok": False, "kind": kind, "text": text, "traceback": trace})


def _function(name: str) -> Callable[..., Any]:
    """The public function of that name.  Raises LabError if there is none."""
    module_name, _, function_name = name.partition(".")
    if module_name.isidentifier() and function_name.isidentifier() and function_name[0] != "_":
        place = f"{__package__}.{module_name}"
        try:
            module = importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name != place:
                raise
        else:
            function = getattr(module, function_name, None)
            if inspect.isfunction(function) and function.__module__ == place:
                return function
    raise LabError(f"there is no function {name!r} in {__package__}")


def _exhausted(steps: Any, part: Callable[[str], object]) -> Any:
    while True:
        try:
            part(_json(next(steps)))
        except StopIteration as end:
            return end.value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
