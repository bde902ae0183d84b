"""Files of other people: a damaged line costs that line, and none keeps its reader waiting.

    for number, value in jsonlines.read(path, bad):    the JSON objects, by the number of the line
    text = jsonlines.whole(path)                       a small text file

bad(7, "not JSON: ...") is called for each line that holds something else.  What is no regular file
(a directory, a named pipe, a device) is an OSError that says so, at once.
"""

from __future__ import annotations

import errno
import io
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Bytes. What the kit writes has lines of some hundred, and files of some ten thousand.
LONGEST_LINE = 1 << 20
LONGEST_FILE = 64 << 20

Bad = Callable[[int, str], object]


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading; raises OSError for all else, and never waits."""
    # As open() of a pipe or a device would wait.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return open(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "Not a regular file", str(path))


def whole(path: Path) -> str:
    """The text of a file.

    Raises OSError, and ValueError (as UnicodeDecodeError) for what is no text or too long for one.
    """
    with open_regular(path) as file:
        content = file.read(LONGEST_FILE + 1)
    if len(content) > LONGEST_FILE:
        raise ValueError(f"longer than {LONGEST_FILE >> 20} MiB")
    return content.decode()


def read(path: Path, bad: Bad) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each line that holds a JSON object, from 1, and the object.

    Empty lines are skipped. Raises OSError if the file cannot be read.
    """
    with open_regular(path) as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    pass
                bad(number, f"longer than {LONGEST_LINE >> 20} MiB")
                continue
            if not line.strip():
                continue
            try:
                yield number, parse(line)
            except ValueError as error:
                bad(number, str(error))


def parse(line: bytes) -> dict[str, Any]:
    """The JSON object on a line.  Raises ValueError that says why there is none."""
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON (column {error.colno}: {error.msg})") from None
    except ValueError as error:  # a number of thousands of digits
        raise ValueError(f"not JSON ({error})") from None
    except RecursionError:
        raise ValueError("not JSON of ours (nested too deep)") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
