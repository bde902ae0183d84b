"""A command on the machine's own network, with pid and mount namespaces of its own.

    caller ── keeper ── init (pid 1) ── COMMAND ── whatever it starts

What `labs.sandbox.namespaces` is for a lab, this is for a server: it must be reached over TCP, so
the network is the machine's, and the user stays who it is.  Two promises:

    nothing outlives it     the kernel ends init when the keeper ends, and all others when init does
    nothing else is seen    no process of others; and below the folders that are `covered` only
                            what is `shown` (as it is) or `readable` (read-only)

Root needs no user namespace for it, an ordinary user gets one in which its id is its own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from labs.errors import LabError
from labs.sandbox import namespaces
from labs.sandbox.host import bind, mount, read_only

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x2, 0x4, 0x8
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1
_SOURCE = "vrrp-lab-class"  # of every mount that is made here

_libc = ctypes.CDLL(None, use_errno=True)


def run(
    command: Sequence[str],
    covered: Sequence[Path] = (),
    shown: Sequence[Path] = (),
    readable: Sequence[Path] = (),
) -> int:
    """Run `command` as a tree that ends as a whole; its exit status (128 + N after signal N).

    `covered`: folders that are empty for it, but for those of `shown` and `readable` below them.
    Raises LabError when the machine refuses namespaces.
    The calling process becomes the keeper and should exit soon.
    """
    parent = os.getppid()
    guard = os.pidfd_open(parent) if parent > 1 else -1
    _unshare()
    signal.pthread_sigmask(signal.SIG_BLOCK, namespaces.HANDLED)
    ready_read, ready_write = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(ready_write)
        _init(list(command), ready_read, guard, (covered, shown, readable))
    os.close(ready_read)
    os.write(ready_write, b".")
    os.close(ready_write)
    return namespaces.attend(init)


_Folders = tuple[Sequence[Path], Sequence[Path], Sequence[Path]]


def _unshare() -> None:
    """Enter a new mount namespace, and for children a new pid namespace; LabError if refused."""
    spaces, uid, gid = _CLONE_NEWNS | _CLONE_NEWPID, os.geteuid(), os.getegid()
    if uid != 0:
        namespaces.ask_apparmor()
        spaces |= _CLONE_NEWUSER
    if _libc.unshare(spaces) != 0:
        code = ctypes.get_errno()
        raise LabError(namespaces.refusal(OSError(code, os.strerror(code))))
    if uid == 0:
        return
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    except OSError as error:
        raise LabError(namespaces.refusal(error)) from None


def _init(command: list[str], ready: int, caller: int, folders: _Folders) -> NoReturn:
    """Process 1: mount, start `command`, and leave with its status."""
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The keeper may have ended before the line above: then the pipe is at its end.
        if not os.read(ready, 1):
            os._exit(1)
        os.close(ready)
        mount("none", "/", None, _MS_REC | _MS_PRIVATE)
        mount(_SOURCE, "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
        _cover(*folders)
        child = os.fork()
        if child == 0:
            namespaces.execute(command)
        if caller >= 0:
            threading.Thread(target=namespaces.leave_with, args=(caller,), daemon=True).start()
        os._exit(namespaces.attend(child))
    except OSError as error:
        print(f"labs: {namespaces.refusal(error)}", file=sys.stderr, flush=True)
    except BaseException as error:
        print(f"labs: {error}", file=sys.stderr, flush=True)
    os._exit(2)


def _cover(covered: Sequence[Path], shown: Sequence[Path], readable: Sequence[Path]) -> None:
    """Mount an empty file system over each of `covered`, and in it what is kept."""
    places = sorted({path.resolve() for path in covered if path.is_dir()})
    kept = [(path.resolve(), path in readable) for path in (*readable, *shown)]
    opened = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path, _ in kept]
    for place in places:
        if not any(place.is_relative_to(other) for other in places if other != place):
            mode = "1777" if place.stat().st_mode & 0o1000 else "755"
            options = f"mode={mode},size=64m"
            mount(_SOURCE, str(place), "tmpfs", _MS_NOSUID | _MS_NODEV, options)
    for (path, is_readable), descriptor in zip(kept, opened, strict=True):
        if any(path.is_relative_to(place) for place in places):
            path.mkdir(parents=True, exist_ok=True)
        bind(f"/proc/self/fd/{descriptor}", str(path))
        os.close(descriptor)
        if is_readable:
            read_only(str(path))
    os.chdir(os.getcwd())  # from the directory that is covered now to the one that is shown
