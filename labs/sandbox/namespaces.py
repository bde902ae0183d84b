"""A command in its own small world: user, mount, network, IPC and pid namespaces, with an init.

    python -m labs.sandbox.namespaces -- CMD ARG...

    caller ── keeper ─────────── init (pid 1) ── CMD ── daemons, shells, observers ...
              same pid           reaps orphans,
              for the caller;    forwards signals,
              dies with it       leaves with CMD's status

Nothing of a lab can outlive it, whichever process is killed and however:
the kernel kills init when the keeper dies, and everything else when init dies.
Interfaces, mounts and files live in the network and mount namespaces and vanish with them, so there
is no clean-up command to forget.

The lab's files are on a private tmpfs.
It is mounted over an existing directory that nothing inside needs; `directory()` is its path.

Everybody is root inside through a user namespace, and has no capability outside of it:

    started by      root in here is          hosts (labs.sandbox.host) run as
    a user          that user                that user, in a user namespace and files of their own
    root            root without             ids of their own, which no account of the machine has
                    capabilities outside

A notebook of root may change what it needs to (`_writable`) and finds the rest of the machine's
files read-only, without its devices, its sysctls and the sockets in its /run.
That guards the machine against accidents; it is the hosts that are locked in.

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
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from labs.errors import LabError
from labs.sandbox import setgroups
from labs.sandbox.host import bind, mount, read_only, small_dev, terminals

# The environment variable that gives a process inside the place where the lab's own files are.
VARIABLE = "VRRP_LAB_DIR"
# Named so in the process list; `labs ps` and `labs terminal` find running labs by it.
INIT_NAME = "vrrp-lab"
# What a lab makes carries its mark: this variable of every process, the source of every mount, the
# alias of every port of a switch, the beginning of a file's name outside of the lab's directory.
MARK = "VRRP_LAB_MARK"
# A file on the private tmpfs: a variable alone could be inherited by a process outside.
MARKER = ".vrrp-lab"
# Beside it, the copy of /etc that a container needs.
_ETC = "etc"

# Where the programs of a lab are.  Debian's login PATH leaves out those of an administrator, such
# as ifconfig and nft: in here every user is one.
SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

# Directories that the tmpfs may cover: present on every machine, and seldom needed.
PLACES = ("/media", "/srv", "/mnt", "/opt", "/var/opt", "/var/games")

# Where root starts a lab, its hosts get ids that no account of the machine has: of those systemd
# sets aside for containers (https://systemd.io/UIDS-GIDS), the last.
BASE, MOST = 0x6FFF0000, 65536
# What in /proc acts on the whole machine, and needs no capability of root for it.
_MACHINE_WIDE = ("bus", "fs", "irq", "sys", "sysrq-trigger")
_OF_NAMESPACES = ("sys/net", "sys/user")
# What a notebook of root writes of its home; and the environment's names of further places.
_IN_HOME = (".cache", ".config/matplotlib", ".ipython", ".local/share/jupyter")
_PLACES_OF = ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "LAB_WORK", "TMPDIR")
_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/var"),
)

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWIPC = 0x00020000, 0x10000000, 0x08000000
_CLONE_NEWPID, _CLONE_NEWNET = 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x2, 0x4, 0x8
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1

_RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_PROFILE = Path("/proc/self/attr/apparmor/current")

_FORWARDED = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
HANDLED = _FORWARDED | {signal.SIGCHLD}
# siginfo's si_code when the terminal sent the signal: the whole foreground group already has it.
_SI_KERNEL = 0x80

_libc = ctypes.CDLL(None, use_errno=True)


def inside() -> bool:
    """Whether this process runs in a lab's namespaces."""
    path = os.environ.get(VARIABLE)
    return bool(path) and os.path.exists(os.path.join(str(path), MARKER))


def mark() -> str:
    """The mark of this lab: what $VRRP_LAB_MARK says, "vrrp-lab" by default.

    A mount, interface, process or file with it was made by a lab.
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


def lower_etc() -> str:
    """The directory over which the /etc of hosts lies: the machine's, or the lab's copy of it."""
    copy = directory() / _ETC
    return str(copy) if copy.exists() else "/etc"


def run(
    command: list[str],
    beside: Callable[[], None] | None = None,
    writable: Sequence[str] = (),
) -> int:
    """Run `command` in fresh namespaces and return its exit status (128 + N if signal N ended it).

    `writable`: directories that `command` must be able to write, also where root runs it.
    `beside` is called by init once `command` runs; it may start threads, which end with init.
    Raises LabError when the machine refuses namespaces.
    The calling process becomes the keeper: it is in the new namespaces too and should exit soon.
    """
    parent, by_root = os.getppid(), os.geteuid() == 0
    guard = os.pidfd_open(parent) if parent > 1 else -1
    _unshare()
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    ready_read, ready_write = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(ready_write)
        _init(command, ready_read, guard, _writable(writable) if by_root else None, beside)
    os.close(ready_read)
    os.write(ready_write, b".")
    os.close(ready_write)
    return attend(init)


def leave_with(caller: int) -> NoReturn:
    """End init, and so everything, once the caller's pidfd shows that it is gone.

    PR_SET_PDEATHSIG on the keeper would be one line, but the kernel sends it when the *thread* that
    forked ends, and notebook servers may start kernels from worker threads.
    """
    select.select([caller], [], [])
    os._exit(128 + signal.SIGKILL)


def attend(child: int) -> int:
    """Forward signals to `child`, reap orphans, and return the exit status of `child`."""
    while True:
        info = signal.sigwaitinfo(HANDLED)
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
    command: list[str],
    ready: int,
    caller: int,
    writable: list[str] | None,
    beside: Callable[[], None] | None,
) -> NoReturn:
    """Process 1: prepare the small world, start `command`, and leave with its status."""
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _libc.prctl(_PR_SET_NAME, INIT_NAME.encode(), 0, 0, 0)
        # The keeper may have died before the line above: then nothing writes, and we read the end.
        if not os.read(ready, 1):
            os._exit(1)
        os.close(ready)
        _prepare(command, writable)
        child = os.fork()
        if child == 0:
            execute(command)
        if caller >= 0:
            threading.Thread(target=leave_with, args=(caller,), daemon=True).start()
        if beside is not None:
            beside()
        os._exit(attend(child))
    except OSError as error:
        print(f"labs: {refusal(error)}", file=sys.stderr, flush=True)
    except BaseException as error:
        print(f"labs: {error}", file=sys.stderr, flush=True)
    os._exit(2)


def _prepare(command: list[str], writable: list[str] | None) -> None:
    """Give the new namespaces their own /proc, a loopback that is up, and the private directory."""
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    mount(mark(), "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _loopback_up()
    private = _private_directory(command)
    mount(mark(), private, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=512m")
    if _mounts_below("/etc"):
        _copy_readable(Path("/etc"), Path(private, _ETC))
    if writable is not None:
        _guard(private, writable)
    Path(private, MARKER).touch()
    os.environ[VARIABLE] = private
    os.environ["PATH"] = system_path(os.environ.get("PATH"))
    # ipykernel watches the parent named here and would leave at once: its parent is init now.
    if "JPY_PARENT_PID" in os.environ:
        os.environ["JPY_PARENT_PID"] = "1"


def _mounts_below(place: str) -> bool:
    """Whether something is mounted below the directory `place`, as on a container's /etc/hosts.

    Such mounts are locked here, and the kernel lays no overlay over what they cover.
    """
    lines = _text("/proc/self/mountinfo").splitlines()
    return any(line.split()[4].startswith(f"{place}/") for line in lines)


def _copy_readable(source: Path, target: Path) -> None:
    """Copy the directory `source` with what everyone may read of it; the rest is left out."""
    target.mkdir()
    shutil.copymode(source, target)  # whatever the umask is
    with os.scandir(source) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_symlink():
                    os.symlink(os.readlink(entry), target / entry.name)
                elif entry.is_dir():
                    _copy_readable(Path(entry), target / entry.name)
                elif entry.is_file() and entry.stat().st_mode & 0o004:
                    shutil.copy(entry, target / entry.name)


def system_path(path: str | None) -> str:
    """`path`, a value of PATH, with the system's directories that it lacks at its end."""
    given = path.split(os.pathsep) if path else []
    return os.pathsep.join([*given, *(place for place in SYSTEM_PATH if place not in given)])


def execute(command: list[str]) -> NoReturn:
    """Become `command`, with the signals unblocked that `run` blocks; say why not, if not."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        reason = error.strerror
        # With a folder in PATH that is closed to us, a missing program is "Permission denied".
        if error.errno == errno.EACCES and shutil.which(command[0], os.F_OK) is None:
            reason = os.strerror(errno.ENOENT)
        print(f"labs: cannot run {command[0]}: {reason}", file=sys.stderr, flush=True)
    os._exit(127)


def host_ids() -> str:
    """The ids that the lab's hosts get here, as a line of uid_map with commas (user_namespaces(7)).

    Those that root has set aside for them; where there are none, the lab's own one.
    """
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first == 1:
            return f"0,1,{count}"
    return "0,0,1"


def _unshare() -> None:
    """Enter new namespaces, as root of a new user namespace; LabError if the machine refuses."""
    others = _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWIPC
    uid, gid = os.geteuid(), os.getegid()
    ask_apparmor()
    # Only a process that stays outside may give more than the caller's own id.
    this, (entered, tell) = os.getpid(), os.pipe()
    writer = os.fork()
    if writer == 0:
        os.close(tell)
        os._exit(0 if os.read(entered, 1) and _give_ids(this, uid) else 1)
    os.close(entered)
    if _libc.unshare(_CLONE_NEWUSER | others) != 0:
        code = ctypes.get_errno()
        os.close(tell)
        os.waitpid(writer, 0)
        raise LabError(refusal(OSError(code, os.strerror(code))))
    os.write(tell, b".")
    os.close(tell)
    if os.waitpid(writer, 0)[1] == 0:
        return
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise LabError(refusal(error)) from None
    setgroups.answer_for_the_kernel()


def _give_ids(pid: int, uid: int) -> bool:
    """Give the user namespace of `pid` root and the ids for its hosts; False if only root has any.

    In a namespace that has such ids already, as in a lab, they are passed on.
    """
    if uid != 0:
        return False
    try:
        for kind in ("uid", "gid"):
            text = _text(f"/proc/self/{kind}_map")
            known = [tuple(map(int, line.split())) for line in text.splitlines()]
            if known == [(0, 0, 2**32 - 1)]:
                lines = [(0, 0, 1), (1, BASE, MOST)]
                lines += [(MOST + n, own, 1) for n, own in enumerate(_id_ranges(f"st_{kind}"), 1)]
            else:
                lines = [(first, first, count) for first, _, count in known]
                if lines[0][2] > 1:
                    lines[:1] = [(0, 0, 1), (1, 1, lines[0][2] - 1)]
            if len(lines) == 1:
                return False
            told = "".join(f"{first} {outside} {count}\n" for first, outside, count in lines)
            Path(f"/proc/{pid}/{kind}_map").write_text(told)
    except OSError:
        return False
    return True


def _id_ranges(kind: str) -> list[int]:
    """The ids of others than root to whom belongs what a lab of root must reach.

    A checkout in a user's home, say, which is closed to everybody else: the capabilities of a user
    namespace count for the files of the ids it knows.
    """
    needed = [os.getcwd(), str(Path(__file__).parents[2]), sys.prefix, sys.base_prefix]
    needed += [os.environ[name] for name in ("HOME", *_PLACES_OF) if name in os.environ]
    found = set()
    for path in needed:
        for place in (Path(path), *Path(path).parents):
            with suppress(OSError):
                found.add(int(getattr(place.stat(), kind)))
    return sorted(number for number in found if 0 < number < BASE)


def _text(path: str) -> str:
    return Path(path).read_text()


def _guard(private: str, writable: list[str]) -> None:
    """Take the rest of the machine out of reach of root: read-only files, few devices, no /run."""
    kept = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in writable]
    for path, _ in kept:
        bind(path, path)
    # Namespaces made in here get a /proc and a /sys only if some without masks are in sight.
    plain = [f"{private}/proc", f"{private}/sys"]
    for place in plain:
        os.mkdir(place)
    mount("/proc", plain[0], None, _MS_BIND)
    bind("/sys", plain[1])
    for name in (*_MACHINE_WIDE, *_OF_NAMESPACES):
        if os.path.exists(f"/proc/{name}"):
            bind(f"/proc/{name}", f"/proc/{name}")
    read_only("/", recursive=True)
    of_namespaces = [f"/proc/{name}" for name in _OF_NAMESPACES]
    for path in ("/proc", *of_namespaces, private, *plain, *writable):
        with suppress(PermissionError):  # it was read-only before, as in a container
            read_only(path, on=False)
    mount("tmpfs", "/run", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=16m")
    os.mkdir("/run/lock", 0o1777)
    for path, descriptor in kept:
        if path.startswith("/run/"):
            os.makedirs(path)
            bind(f"/proc/self/fd/{descriptor}", path)
        os.close(descriptor)
    os.chdir(os.getcwd())  # from the mount that is read-only now to the one that lies over it
    os.mkdir(f"{private}/dev")
    small_dev(f"{private}/dev")
    terminals(f"{private}/dev/pts")
    bind(f"{private}/dev", "/dev")


def _writable(more: Sequence[str]) -> list[str]:
    """The directories that a notebook of root may write to: its lessons', and what Jupyter needs.

    The folder it is started in is one, unless that belongs to the system.
    """
    home = os.environ.get("HOME", "")
    inside = [os.path.join(home, name) for name in _IN_HOME if home]
    for path in inside:
        with suppress(OSError):
            os.makedirs(path, exist_ok=True)
    asked = [os.getcwd(), *more, *inside, *(os.environ.get(name, "") for name in _PLACES_OF)]
    real = {os.path.realpath(path) for path in asked if path}
    kept = {
        path
        for path in real
        if path not in ("/", "/run") and not any(map(Path(path).is_relative_to, _SYSTEM))
    }
    return sorted(path for path in kept | {"/tmp", "/var/tmp"} if os.path.isdir(path))


def ask_apparmor() -> None:
    """Take on the profile of packaging/apparmor, if it is loaded: Ubuntu lets others make no lab.

    An unconfined program may choose its profile; the kernel refuses a name that it does not know.
    """
    try:
        if _RESTRICTED.read_text().strip() == "1":
            _PROFILE.write_text("changeprofile vrrp-lab")
    except OSError:
        return  # no such switch here, or no such profile: what follows shows whether it matters


def refusal(error: OSError) -> str:
    """What the machine refused, which setting is the reason, and the remedy."""
    replay = "or play the lessons from recorded runs with `LAB_MODE=replay make lab`"
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
            return f"this machine refuses user namespaces ({name} = {value}): {remedy}, {replay}"
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return (
            f"this pod may not make namespaces ({error.strerror}): its container needs the "
            "securityContext of packaging/kubernetes/pod.yaml, and `hostUsers: false`"
        )
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return (
            f"this container may not make namespaces ({error.strerror}): start it with "
            "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined`, or with --privileged"
        )
    return f"this machine refuses namespaces ({error.strerror}): see `labs doctor`, {replay}"


def _private_directory(command: list[str]) -> str:
    """An existing directory that may be covered: nothing that `command` needs lies under it."""
    home = os.environ.get("HOME", "/")
    needed = [
        os.getcwd(),
        home,
        os.environ.get("TMPDIR", "/tmp"),
        str(Path(__file__).parents[2]),
        sys.prefix,
        sys.base_prefix,
        sys.executable,
    ]
    needed += os.environ.get("PATH", "").split(":") + sys.path
    words = [part for word in command for part in (word, word.partition("=")[2])]
    needed += [os.path.abspath(word) for word in words if "/" in word]
    real = {os.path.realpath(path) for path in needed if path} | {path for path in needed if path}
    for candidate in PLACES:
        covers = any(path == candidate or path.startswith(candidate + "/") for path in real)
        if os.path.isdir(candidate) and not os.path.islink(candidate) and not covers:
            return candidate
    raise LabError("none of /media, /srv, /mnt is free for the lab's files: create /media")


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
