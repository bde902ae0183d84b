"""How a command ends: with its exit status, and with one line about what went wrong.

    sys.exit(ended("vrrpctl", lambda: command(arguments)))

    status  after                                           the last line on standard error
    130     Ctrl-C                                          PROGRAM: interrupted
    141     its reader has left, as in `PROGRAM | head -0`  none: that was the reader's wish
    1       an OSError                                      PROGRAM: FILE: No such file or directory

An unexpected error still has its traceback: it is a mistake in the program.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell counts
NO_READER = 141  # 128 + SIGPIPE
# What print() meets on a full disk, on a closed stream and on a terminal that has gone.
_OF_OUTPUT = (errno.ENOSPC, errno.EBADF, errno.EIO)


def ended(program: str, command: Callable[[], int]) -> int:
    """Run `command` and return the exit status; SystemExit, which argparse raises, passes."""
    _open_streams()
    try:
        try:
            status = command()
        except SystemExit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        _report(f"{program}: interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        status = NO_READER
    except OSError as error:
        is_output = error.filename is None and error.errno in _OF_OUTPUT
        _report(f"{program}: {'standard output: ' if is_output else ''}{_reason(error)}")
        status = FAILED
    _discard_output()
    return status


def _reason(error: OSError) -> str:
    """What the system refused, and on which file, if it was one."""
    why = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return why
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
    return f"{name}: {why}"


def _open_streams() -> None:
    """Have all three standard streams, and let no character be one that cannot be written.

    A file that is opened later must not become standard output.  In the place of an output that the
    caller has closed comes one that refuses what is written to it: /dev/null, opened for reading.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDONLY)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.set_inheritable(number, True)
            kind = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, kind, encoding="utf-8", closefd=False))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and name != "stdin":
            stream.reconfigure(errors="backslashreplace")


def _report(sentence: str) -> None:
    with suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def _discard_output() -> None:
    """Have the interpreter's own flush at its end find nothing to complain about."""
    with suppress(OSError, ValueError):
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
