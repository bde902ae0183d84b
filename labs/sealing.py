"""Lines of JSON that are numbered, chained and signed, so that a changed or a lost one shows.

    {"t": ..., "item": ..., "seal": {"n": 7, "after": "3f1c...", "run": 512.3, "boot": "a1b2c3d4",
     "mac": "9e02..."}}

    n       the number of the sealed line, from 1
    after   the mac of the sealed line before; "" for the first
    run     seconds since this machine was started, which cannot be set
    boot    which start that was
    mac     HMAC-SHA256 of all the rest of the line, with the learner's key

`faults` compares each line with its mac, and the lines with each other:

    a changed line      its mac is another
    a lost line         a number is missing
    a line without      it was not written by the lab
    a clock that was set    between two lines, `t` has moved by another time than `run`

A file that was cut off at its end, or put back to what it was, has no fault of its own: its `Head`,
kept elsewhere, shows that.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Seconds by which a clock may be corrected between two lines and still count as the same clock.
CLOCK_SLACK = 5.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
Line = Mapping[str, Any]
_TYPES = {"n": int, "after": str, "run": float, "boot": str, "mac": str}


@dataclass(frozen=True, slots=True)
class Head:
    """The last sealed line of a file: its number and its mac; 0 and "" if there is none."""

    n: int = 0
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a file, at the line `number` of it, from 1; 0: with the whole.

    `moved`: by how many seconds the clock was set before that line; 0 for another fault.
    """

    number: int
    text: str
    moved: float = 0.0


def running() -> tuple[float, str]:
    """Seconds since this machine was started, sleep included, and which start that was."""
    boot = ""
    with suppress(OSError):
        boot = _BOOT_ID.read_text()[:8]
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return (time.monotonic() if clock is None else time.clock_gettime(clock)), boot


def sealed(line: Line, key: bytes, head: Head, run: float, boot: str) -> dict[str, Any]:
    """`line` with its seal, to be written after the line of `head`."""
    seal = {"n": head.n + 1, "after": head.mac, "run": round(run, 3), "boot": boot}
    return {**line, "seal": {**seal, "mac": _mac({**line, "seal": seal}, key)}}


def _mac(line: Line, key: bytes) -> str:
    """The mac of a line whose seal has none yet, whatever the order of its fields."""
    text = json.dumps(line, sort_keys=True, ensure_ascii=True)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_sealed(line: Line, key: bytes) -> bool:
    """Whether a line has the mac that belongs to it."""
    seal = line.get("seal")
    if not isinstance(seal, dict) or not isinstance(line.get("t"), int | float):
        return False
    if {name: type(value) for name, value in seal.items()} != _TYPES:
        return False
    rest = {name: value for name, value in seal.items() if name != "mac"}
    with suppress(ValueError, UnicodeEncodeError):  # a number or a text that JSON cannot hold
        return hmac.compare_digest(seal["mac"].encode(), _mac({**line, "seal": rest}, key).encode())
    return False


def head(lines: Iterable[Line]) -> Head:
    """The head of a file, as its lines give it; whether their macs are right is not looked at."""
    last = Head()
    for line in lines:
        seal = line.get("seal")
        if isinstance(seal, dict) and type(seal.get("n")) is int:
            last = Head(seal["n"], str(seal.get("mac", "")))
    return last


def faults(lines: Iterable[tuple[int, Line]], key: bytes, seen: Head | None = None) -> list[Fault]:
    """What is wrong with numbered lines, in their order.

    Lines before the first sealed one are none of ours.  `seen`: the head that the file had before.
    """
    found: list[Fault] = []
    good: dict[int, str] = {}  # the mac of each line that is as it was written
    begun, before = False, Head()
    last: Line | None = None
    for number, line in lines:
        begun = begun or "seal" in line
        if not begun:
            continue
        if "seal" not in line:
            found.append(Fault(number, "has no seal: the lab has not written it"))
            continue
        if not is_sealed(line, key):
            found.append(Fault(number, "was changed, or written for another learner"))
            n = line["seal"].get("n") if isinstance(line["seal"], dict) else None
            before = Head(n, "") if type(n) is int else Head(before.n + 1, "")
            continue
        seal = line["seal"]
        found += _out_of_order(number, seal, before)
        found += _clock(number, last, line)
        before, last = Head(seal["n"], seal["mac"]), line
        good[seal["n"]] = seal["mac"]
    return [*found, *_cut_off(good, before, seen)]


def _out_of_order(number: int, seal: Mapping[str, Any], before: Head) -> list[Fault]:
    missing = seal["n"] - before.n - 1
    if missing > 0:
        return [Fault(number, f"comes after {missing} that {_are(missing)} missing")]
    if missing < 0:
        return [Fault(number, f"is number {seal['n']}, after number {before.n}: moved or repeated")]
    if before.mac and seal["after"] != before.mac:
        return [Fault(number, "follows another line than it did")]
    return []


def _are(count: int) -> str:
    return "are" if count > 1 else "is"


def _clock(number: int, last: Line | None, line: Line) -> list[Fault]:
    if last is None:
        return []
    moved = line["t"] - last["t"]
    if line["seal"]["boot"] == last["seal"]["boot"]:
        moved -= line["seal"]["run"] - last["seal"]["run"]
    elif moved >= 0:  # the machine was started again: all that is known is that time passed
        return []
    if abs(moved) <= CLOCK_SLACK:
        return []
    way = "forward" if moved > 0 else "back"
    return [
        Fault(number, f"was written after the clock was set {way} by {abs(moved):.0f} s", moved)
    ]


def _cut_off(good: Mapping[int, str], last: Head, seen: Head | None) -> list[Fault]:
    if seen is None or seen.n == 0 or good.get(seen.n) == seen.mac:
        return []
    if last.n < seen.n:
        return [Fault(0, f"had {seen.n} sealed lines when it was last looked at, now {last.n}")]
    return [Fault(0, f"has another line {seen.n} than when it was last looked at")]
