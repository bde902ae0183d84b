"""`track_file`: a number in a file, multiplied with a weight.

    echo 10 > /run/load        weight 1: priority + 10        weight -2: priority - 20
                               weight 0: any number but 0 is FAULT

The number is what strtol(3) finds at the beginning of the file: decimal, 0x hexadecimal or 0
octal, after blanks, with a sign; what follows does not matter.  No file, an empty one or no number
is 0.  A number beyond 32 bits is reported, and the one before it stays (keepalived).

Contract: the file is read when a program has finished writing it, and never otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vrrpd.config.model import Track, TrackFile
from vrrpd.journal import Journal, Log
from vrrpd.ports import Files, Pending
from vrrpd.tracking.effect import Effect, effect_of_number

NUMBER = re.compile(rb"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))")
LIMIT = 1 << 31


class TrackedFile:
    """One tracked file; `value` is the number in it."""

    def __init__(
        self,
        config: TrackFile,
        files: Files,
        journal: Journal,
        log: Log,
        changed: Callable[[TrackedFile], None],
    ) -> None:
        self.config = config
        self.files = files
        self.journal = journal
        self.log = log
        self.changed = changed
        self.value = 0
        self.watched: Pending | None = None

    @property
    def name(self) -> str:
        """The name of the `track_file` block."""
        return self.config.name

    @property
    def reason(self) -> str:
        """How it stands, as text."""
        return f"tracked file {self.name} says {self.value}"

    def effect(self, track: Track) -> Effect:
        """What it does to a router."""
        return effect_of_number(track, self.value)

    def start(self, reload: bool = False) -> None:
        """Create the file if that is wanted, read it, and watch it."""
        self.prepare(reload)
        self.watched = self.files.watch(self.config.file, self.look)
        self.value = self.read()

    def prepare(self, reload: bool) -> None:
        """`init_file`: create it; with `overwrite` also if it exists, but not at a reload."""
        one = self.config
        if not one.init_file:
            return
        exists = self.files.read(one.file) is not None
        if exists and (reload or not one.init_overwrite):
            return
        problem = self.files.write(one.file, f"{one.init_value}\n")
        if problem is not None:
            self.log.info(f"Unable to initialise track file {self.name}: {problem}")

    def renew(self, config: TrackFile) -> None:
        """Go on with another block of the same name, or begin what was not possible before."""
        if config != self.config or self.watched is None:
            self.stop()
            self.config = config
            self.start(reload=True)

    def read(self) -> int:
        """The number that the file holds now."""
        data = self.files.read(self.config.file) or b""
        number = number_in(data)
        if not -LIMIT <= number < LIMIT:
            self.log.info(f"Invalid number {number} read from {self.config.file} - ignoring")
            return self.value
        return number

    def look(self) -> None:
        """A program has written, moved or removed the file."""
        before, self.value = self.value, self.read()
        if self.value == before:
            return
        text = f"{self.reason} (before: {before})"
        self.log.detail(text)
        self.journal.write("file", None, file=self.name, value=self.value, reason=text)
        self.changed(self)

    def stop(self) -> None:
        """Watch it no more."""
        if self.watched is not None:
            self.watched.cancel()
            self.watched = None


def number_in(data: bytes) -> int:
    """What strtol(3) with base 0 makes of it; 0 if there is no number."""
    found = NUMBER.match(data)
    if found is None:
        return 0
    sign, hexadecimal, octal, decimal = found.groups()
    if hexadecimal is not None:
        size = int(hexadecimal, 16)
    elif octal is not None:
        size = int(octal or b"0", 8)
    else:
        size = int(decimal)
    return -size if sign == b"-" else size
