"""A command in its own small world: user, mount, network and pid namespaces, with an init.

    python -m labs.sandbox.namespaces -- CMD ARG...

    caller ── keeper ─────────── init (pid 1) ── CMD ── daemons, shells, witnesses ...
              same pid           reaps orphans,
              for the caller;    forwards signals,
              dies with it       leaves with CMD's status

Nothing of a lab can outlive it, whichever process is killed and however:
the kernel kills init when the keeper dies, and everything else when init dies.
Interfaces, mounts and files live in the network and mount namespaces and vanish with them, so there
is no clean-up command to forget.

The lab's files are on a private tmpfs.
It is mounted over an existing directory that nobody in here needs; `directory()` is its path.

An ordinary user becomes root inside, through a user namespace.
Root needs none; where a container denies root the other namespaces, one is tried all the same.

Only the standard library is used: this runs before every kernel and must cost next to nothing.
Python has unshare(2) from 3.12 on, so ctypes calls it, prctl(2) and mount(2).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import shutil
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from labs.errors import LabError
from labs.sandbox import setgroups

# The environment variable that tells a process inside where the lab's own files are.
VARIABLE = "VRRP_LAB_DIR"
# Named so in the process list; `labs ps` and `labs shell` find running labs by it.
INIT_NAME = "vrrp-lab"
# What a lab makes carries its mark: this variable of every process, the source of every mount, the
# alias of every port of a switch, the beginning of a file's name outside of the lab's directory.
MARK = "VRRP_LAB_MARK"
# A file on the private tmpfs: a variable alone could be inherited by somebody outside.
MARKER = ".vrrp-lab"

# Where the programs of a lab are.  Debian's login PATH leaves out those of an administrator, such
# as ifconfig and nft: in here every user is one.
SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

# Directories that the tmpfs may cover: present on every machine, and seldom needed.
PLACES = ("/media", "/srv", "/mnt", "/opt", "/var/opt", "/var/games")

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_CLONE_NEWPID, _CLONE_NEWNET = 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x2, 0x4, 0x8
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1

_RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_PROFILE = Path("/proc/self/attr/apparmor/current")

_FORWARDED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
              signal.SIGUSR2}  # fmt: skip
_HANDLED = _FORWARDED | {signal.SIGCHLD}
# siginfo's si_code when the terminal sent the signal: the whole foreground group already has it.
_SI_KERNEL = 0x80

_libc = ctypes.CDLL(None, use_errno=True)


def inside() -> bool:
    """Whether this process runs in a lab's namespaces."""
    path = os.environ.get(VARIABLE)
    return bool(path) and os.path.exists(os.path.join(str(path), MARKER))


def mark() -> str:
    """The mark of this lab: what $VRRP_LAB_MARK says, "vrrp-lab" by default.

    Whoever finds a mount, interface, process or file with it knows that a lab made it.
    """
    return os.environ.get(MARK) or INIT_NAME


def directory() -> Path:
    """The private directory of the lab; raises LabError outside a lab's namespaces."""
    if not inside():
        raise LabError(
            "a lab runs only in namespaces of its own: choose the notebook kernel 'VRRP Lab', "
            "or start the program with `labs exec -- PROGRAM`"
        )
    return Path(os.environ[VARIABLE])


def run(command: list[str], beside: Callable[[], None] | None = None) -> int:
    """Run `command` in fresh namespaces and return its exit status (128 + N if signal N ended it).

    `beside` is called by init once `command` runs; it may start threads, which end with init.
    Raises LabError when the machine refuses namespaces.
    The calling process becomes the keeper: it is in the new namespaces too and should exit soon.
    """
    parent = os.getppid()
    guard = os.pidfd_open(parent) if parent > 1 else -1
    _unshare()
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    ready_read, ready_write = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(ready_write)
        _init(command, ready_read, guard, beside)
    os.close(ready_read)
    os.write(ready_write, b".")
    os.close(ready_write)
    return _attend(init)


def _leave_with(caller: int) -> NoReturn:
    """End init, and so everything, once the caller's pidfd tells that it is gone.

    PR_SET_PDEATHSIG on the keeper would be one line, but the kernel sends it when the *thread* that
    forked ends, and notebook servers may start kernels from worker threads.
    """
    select.select([caller], [], [])
    os._exit(128 + signal.SIGKILL)


def _attend(child: int) -> int:
    """Forward signals to `child`, reap whoever ends, and return the exit status of `child`."""
    while True:
        info = signal.sigwaitinfo(_HANDLED)
        if info.si_signo != signal.SIGCHLD:
            if info.si_code != _SI_KERNEL:
                os.kill(child, info.si_signo)
            continue
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


def _init(
    command: list[str], ready: int, caller: int, beside: Callable[[], None] | None
) -> NoReturn:
    """Process 1: prepare the small world, start `command`, and leave with its status."""
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _libc.prctl(_PR_SET_NAME, INIT_NAME.encode(), 0, 0, 0)
        # The keeper may have died before the line above: then nobody writes, and we read the end.
        if not os.read(ready, 1):
            os._exit(1)
        os.close(ready)
        _prepare(command)
        child = os.fork()
        if child == 0:
            _exec(command)
        if caller >= 0:
            threading.Thread(target=_leave_with, args=(caller,), daemon=True).start()
        if beside is not None:
            beside()
        os._exit(_attend(child))
    except OSError as error:
        print(f"labs: {_refusal(error)}", file=sys.stderr, flush=True)
    except BaseException as error:
        print(f"labs: {error}", file=sys.stderr, flush=True)
    os._exit(2)


def _prepare(command: list[str]) -> None:
    """Give the new namespaces their own /proc, a loopback that is up, and the private directory."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount(mark(), "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _loopback_up()
    private = _private_directory(command)
    _mount(mark(), private, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=512m")
    Path(private, MARKER).touch()
    os.environ[VARIABLE] = private
    os.environ["PATH"] = system_path(os.environ.get("PATH"))
    # ipykernel watches the parent named here and would leave at once: its parent is init now.
    if "JPY_PARENT_PID" in os.environ:
        os.environ["JPY_PARENT_PID"] = "1"


def system_path(path: str | None) -> str:
    """`path`, a value of PATH, with the system's directories that it lacks at its end."""
    given = path.split(os.pathsep) if path else []
    return os.pathsep.join([*given, *(place for place in SYSTEM_PATH if place not in given)])


def _exec(command: list[str]) -> NoReturn:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        reason = error.strerror
        # With a folder in PATH that is closed to us, a missing program is "Permission denied".
        if error.errno == errno.EACCES and shutil.which(command[0], os.F_OK) is None:
            reason = os.strerror(errno.ENOENT)
        print(f"labs: cannot run {command[0]}: {reason}", file=sys.stderr, flush=True)
    os._exit(127)


def _unshare() -> None:
    """Enter the new namespaces; the pid namespace takes effect for the children."""
    rest = _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWPID
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and _libc.unshare(rest) == 0:
        return
    _ask_apparmor()
    if _libc.unshare(_CLONE_NEWUSER | rest) != 0:
        code = ctypes.get_errno()
        raise LabError(_refusal(OSError(code, os.strerror(code))))
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise LabError(_refusal(error)) from None
    setgroups.answer_for_the_kernel()


def _ask_apparmor() -> None:
    """Take on the profile of packaging/apparmor, if it is loaded: Ubuntu lets others make no lab.

    An unconfined program may choose its profile; the kernel refuses a name that it does not know.
    """
    try:
        if _RESTRICTED.read_text().strip() == "1":
            _PROFILE.write_text("changeprofile vrrp-lab")
    except OSError:
        return  # no such switch here, or no such profile: what follows shows whether it matters


def _refusal(error: OSError) -> str:
    """What the machine refused, which setting is the reason, and the remedy."""
    root = "or use `sudo make lab`, which needs no user namespaces"
    for name, closed, remedy in (
        ("kernel.apparmor_restrict_unprivileged_userns", "1",
         "`labs doctor` prints the two commands that allow them to labs alone"),
        ("kernel.unprivileged_userns_clone", "0",
         "`sudo sysctl -w kernel.unprivileged_userns_clone=1` opens them"),
        ("user.max_user_namespaces", "0",
         "`sudo sysctl -w user.max_user_namespaces=10000` opens them"),
    ):  # fmt: skip
        try:
            value = Path("/proc/sys", name.replace(".", "/")).read_text().strip()
        except OSError:
            continue
        if value == closed:
            return f"this machine refuses user namespaces ({name} = {value}): {remedy}, {root}"
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return (
            f"this container may not make namespaces ({error.strerror}): start it with "
            "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined`, or with --privileged"
        )
    return f"this machine refuses namespaces ({error.strerror}): see `labs doctor`, {root}"


def _private_directory(command: list[str]) -> str:
    """An existing directory that may be covered: nothing that `command` needs lies under it."""
    home = os.environ.get("HOME", "/")
    needed = [os.getcwd(), home, os.environ.get("TMPDIR", "/tmp"), str(Path(__file__).parents[2]),
              sys.prefix, sys.base_prefix, sys.executable]  # fmt: skip
    needed += os.environ.get("PATH", "").split(":") + sys.path
    words = [part for word in command for part in (word, word.partition("=")[2])]
    needed += [os.path.abspath(word) for word in words if "/" in word]
    real = {os.path.realpath(path) for path in needed if path} | {path for path in needed if path}
    for candidate in PLACES:
        covers = any(path == candidate or path.startswith(candidate + "/") for path in real)
        if os.path.isdir(candidate) and not os.path.islink(candidate) and not covers:
            return candidate
    raise LabError("none of /media, /srv, /mnt is free for the lab's files: create /media")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    done = _libc.mount(source.encode(), target.encode(), kind.encode() if kind else None,
                       ctypes.c_ulong(flags), data.encode() or None)  # fmt: skip
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        reply = fcntl.ioctl(sock, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("16xH", reply)
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def main(argv: list[str] | None = None) -> int:
    """`python -m labs.sandbox.namespaces [--] CMD ARG...`"""
    command = list(sys.argv[1:] if argv is None else argv)
    if command[:1] == ["--"]:
        del command[0]
    if not command:
        print("usage: python -m labs.sandbox.namespaces -- COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    try:
        return run(command)
    except LabError as error:
        print(f"labs: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
