"""What happens on a host by itself and arrives piece by piece: mails, visits, lines that come back.

    stream.pieces()      what has arrived so far, oldest first, a dictionary each
    stream.end()         no more of it; what has arrived stays

A piece says with "t" when it happened (Unix time, s) and, if that is later, with "known" when
anybody could know.

    ProcessLines    a program of ours on a host, which writes a line of JSON for each piece
    MailEvents      the mails that a mail server has put into a directory
    RecordedEvents  the pieces of a recorded run, up to the present moment of its replay
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from labs.emulation.nodes import Host
    from labs.sandbox.hostfile import HostFile

# On a host that sends packets again and again: where the program's number is, and how to end it.
SAYS = "/run/says.pid"
SILENCE = f"[ ! -e {SAYS} ] || kill $(cat {SAYS}); rm -f {SAYS}"
Piece: TypeAlias = dict[str, Any]


class EventStream(Protocol):
    """Anything that arrives piece by piece."""

    def pieces(self) -> list[Piece]:
        """What has arrived so far."""

    def end(self) -> None:
        """Have it end; harmless if it has."""


class ProcessLines:
    """`python -m MODULE ARGUMENT...` on a host; its output is kept under `directory`."""

    def __init__(self, host: Host, directory: Path, module: str, *arguments: str) -> None:
        # A file of its own: another program of the same lab would write into a shared one.
        with tempfile.NamedTemporaryFile(dir=directory, delete=False) as lines:
            self._path = Path(lines.name)
            self._process = host.popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._told = ""

    def pieces(self) -> list[Piece]:
        """As `EventStream`; the last line may be half written, and does not count then."""
        with suppress(FileNotFoundError):  # the lab is closed, and its files are gone
            self._told = self._path.read_text()
        whole = self._told.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]

    def end(self) -> None:
        """As `EventStream`."""
        from labs.emulation import daemons  # needs Mininet, which a replay has not got

        daemons.end(self._process)
        self.pieces()


class MailEvents:
    """The mails in `directory`, in order of arrival; a piece's "text" has a character a byte."""

    def __init__(self, directory: HostFile) -> None:
        self.directory = directory

    def pieces(self) -> list[Piece]:
        """As `EventStream`."""
        letters = [
            self.directory / name for name in self.directory.names() if name.endswith(".eml")
        ]
        return [
            {"t": letter.stat().st_mtime, "text": letter.read_bytes().decode("latin-1")}
            for letter in letters
        ]

    def end(self) -> None:
        """The mail server ends with its host."""


class RecordedEvents:
    """`pieces` of a recording, as far as they were known at `now()`."""

    def __init__(self, pieces: Sequence[Piece], now: Callable[[], float]) -> None:
        self._pieces, self._now = pieces, now

    def pieces(self) -> list[Piece]:
        """As `EventStream`."""
        now = self._now()
        return [piece for piece in self._pieces if known(piece) <= now]

    def end(self) -> None:
        """It ended when it was recorded."""


def known(piece: Piece) -> float:
    """When a piece could be known (Unix time)."""
    return float(piece["known"] if "known" in piece else piece["t"])
