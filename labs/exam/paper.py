"""The teacher's file of an exam, and what is made of it for each learner.

    final.exam      {"title": "final", "secret": "...", "begins": 1796119200, "ends": 1796122800,
                     "learners": {"anna": "/srv/class/anna"}}

The secret stays in this file, which only the teacher can read. A learner's key and numbers are
HMAC-SHA256 of the learner's name with it: the same whenever they are asked for, and of no use to
find those of another learner.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from labs import jsonlines
from labs.errors import LabError

LONGEST_HOURS = 24 * 14


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is different from learner to learner: a VRID, two priorities, advert_int in seconds."""

    vrid: int
    high: int
    low: int
    interval: int


@dataclass(slots=True)
class Paper:
    """An exam; `begins` and `ends` in Unix seconds.

    `learners`: the folder of each learner to whom it was handed out, by name.
    """

    title: str
    secret: str
    begins: float
    ends: float
    learners: dict[str, str] = field(default_factory=dict)

    def key(self, learner: str) -> bytes:
        """The key with which the lines of `learner` are sealed."""
        return self._derived("seal", learner)

    def numbers(self, learner: str) -> Numbers:
        """The numbers of `learner`."""
        dice = random.Random(self._derived("numbers", learner))
        vrid = dice.choice([each for each in range(2, 255) if each not in (51, 52)])
        low = dice.randrange(40, 140)
        return Numbers(vrid, low + dice.randrange(15, 100), low, dice.randrange(2, 6))

    def _derived(self, purpose: str, learner: str) -> bytes:
        text = f"{purpose}\0{learner}".encode()
        return hmac.new(bytes.fromhex(self.secret), text, hashlib.sha256).digest()

    def save(self, path: Path) -> None:
        """Write it, for the teacher alone.  Raises LabError if that fails."""
        half = path.with_name(f".{path.name}.half")
        try:
            half.unlink(missing_ok=True)
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n")
            half.replace(path)
        except OSError as error:
            raise LabError(f"{path} cannot be written ({error.strerror}): name another") from None


def new(title: str, begins: float, ends: float) -> Paper:
    """A new exam.  Raises LabError if it ends before it begins, or lasts too long."""
    if not begins < ends:
        raise LabError(f"it would end ({clock(ends)}) before it begins ({clock(begins)})")
    if ends - begins > LONGEST_HOURS * 3600:
        raise LabError(f"it lasts longer than {LONGEST_HOURS // 24} days: are the dates right?")
    return Paper(title, secrets.token_hex(32), begins, ends)


def load(path: Path) -> Paper:
    """The exam in a file.  Raises LabError that says what is wrong with it."""
    try:
        found: dict[str, Any] = json.loads(jsonlines.whole(path))
        paper = Paper(
            str(found["title"]),
            str(found["secret"]),
            float(found["begins"]),
            float(found["ends"]),
            {str(name): str(place) for name, place in found["learners"].items()},
        )
        bytes.fromhex(paper.secret)
    except OSError as error:
        raise LabError(
            f"{path} cannot be read ({error.strerror}): `labs exam new` makes an exam"
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise LabError(f"{path} is damaged, or not an exam: {error!r}") from None
    return paper


def clock(seconds: float) -> str:
    """A moment as a teacher writes it, in this machine's time zone; raises no error."""
    try:
        return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} s after 1970"


def moment(text: str) -> float:
    """Unix seconds of `2026-12-01 10:00`, in this machine's time zone.

    Raises ValueError for another text.
    """
    return datetime.fromisoformat(text).timestamp()
