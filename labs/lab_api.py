"""What every lab answers to, and which of its methods change it.

    Lab      real hosts                      labs.emulation.lab
    Lan      the same daemon in memory       labs.simulation.lan
    replay   a recorded lesson               labs.replay.replay_lab

    @command             changes the lab: a step of a recording, and its replay goes on from there
    @query               asks: an answer of a recording
    @stream              begins something that goes on by itself, such as a mailbox
    @command_if("text")  a query, and a command when that argument is given

A method is marked where it is defined, so a recording and a replay have no list of names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline

Method = TypeVar("Method", bound=Callable[..., Any])


class LabApi(Protocol):
    """A lab, whichever it is; the fault verbs it can do are in `labs.model.fault_verbs`."""

    watch: str  # the virtual address in question

    @property
    def now(self) -> float:
        """The clock of this lab, in seconds."""

    def holders(self) -> list[str]:
        """The hosts that hold the watched address now."""

    def timeline(self) -> Timeline:
        """What happened to the watched address since the start."""

    def conf(self, host: str, text: str | None = None) -> str:
        """The keepalived.conf of `host`; with `text`, written first."""

    def journal(self, host: str) -> list[dict[str, Any]]:
        """The journal of the daemon on `host`, one dictionary a line."""

    def wait_until(
        self, condition: Callable[[], Any], timeout: float = 15.0, what: str = "the condition"
    ) -> Any:
        """Let time pass until `condition()` is true.  LabError after `timeout` seconds."""


class Kind(Enum):
    """What a method does to its lab."""

    COMMAND = "command"
    QUERY = "query"
    STREAM = "stream"


def command(method: Method) -> Method:
    """Mark a method that changes the lab."""
    return _marked(method, Kind.COMMAND)


def query(method: Method) -> Method:
    """Mark a method that only asks."""
    return _marked(method, Kind.QUERY)


def stream(method: Method) -> Method:
    """Mark a method that begins something that goes on by itself."""
    return _marked(method, Kind.STREAM)


def command_if(argument: str) -> Callable[[Method], Method]:
    """Mark a query that changes the lab when `argument` is given."""

    def mark(method: Method) -> Method:
        return _marked(method, Kind.QUERY, argument)

    return mark


def is_marked(method: object) -> bool:
    """Whether a method has one of the marks."""
    return hasattr(method, "lab_mark")


def kind(method: Callable[..., Any], *args: Any, **options: Any) -> Kind | None:
    """What a call of a bound method does to its lab; None for a method without a mark."""
    if not is_marked(method):
        return None
    found, argument = method.lab_mark  # type: ignore[attr-defined]
    if argument:
        given = inspect.signature(method).bind(*args, **options).arguments
        return Kind.COMMAND if given.get(argument) not in (None, False) else Kind.QUERY
    return Kind(found)


def _marked(method: Method, found: Kind, argument: str = "") -> Method:
    method.lab_mark = (found, argument)  # type: ignore[attr-defined]
    return method
