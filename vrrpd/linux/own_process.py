"""The daemon as a process: how it is scheduled, where it may run, what it is called.

    vrrp_priority        nice(2)                     vrrp_cpu_affinity    sched_setaffinity(2)
    vrrp_rt_priority     SCHED_RR                    vrrp_no_swap         mlockall(2)
    vrrp_rlimit_rttime   RLIMIT_RTTIME, soft         umask                umask(2)
    vrrp_process_name, process_names, process_name   prctl(PR_SET_NAME)
    net_namespace        setns(2), before any socket is opened
    instance, use_pid_dir                            the name of the pid file

Contract: `Process.settle()` brings the process into line with the settings, at the start and after
a reload; what the host refuses costs a line in the log each.  Only a network namespace that
cannot be entered is an error: a VRRP daemon in the wrong network is worse than none.

The scripts that we start do not inherit real time or a negative nice value, because the kernel
resets both; the CPUs and the umask they do inherit.  It is the same with keepalived 2.2.7.
"""

from __future__ import annotations

import atexit
import ctypes
import errno
import fcntl
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress

from vrrpd.config.globals import Globals
from vrrpd.journal import Log

PR_SET_NAME = 15
MCL_CURRENT, MCL_FUTURE = 1, 2
CLONE_NEWNET = 0x40000000
RUN, PID_DIRECTORY, PID = "/run", "/run/keepalived", "vrrpd.pid"
PID_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
NAMESPACES = "/run/netns"  # where ip-netns(8) keeps them
LONGEST_NAME = 15  # characters, TASK_COMM_LEN without the final 0
VRRP_NAME = "keepalived_vrrp"  # what keepalived's `process_names` calls its VRRP process

LIBC = ctypes.CDLL(None, use_errno=True)
LATE = "vrrp_rlimit_rttime is used up without a pause: not real-time until there is one"
UNLOCKED = "what is allocated from now on can be swapped: RLIMIT_MEMLOCK is {} bytes"
BORN = Globals(umask=-1)  # a process that is not settled yet


def checked(result: int) -> None:
    """Raise OSError if a call of the C library has failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Process:
    """This process; it remembers what it was given, so that a reload can take it back."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.now = BORN
        self.name = _own_name()
        self.nice = os.getpriority(os.PRIO_PROCESS, 0)
        self.cpus = os.sched_getaffinity(0)
        self.limits = resource.getrlimit(resource.RLIMIT_RTTIME)
        self.later: Callable[[Callable[[], None]], object] | None = None  # at the next pause

    def settle(self, settings: Globals) -> None:
        """Go over to these settings; what has not changed is not touched."""
        before, self.now = self.now, settings
        os.umask(settings.umask)
        steps: dict[Callable[[Globals], None], tuple[str, ...]] = {
            self._be_called: ("process_name", "vrrp_process_name", "process_names"),
            self._run_on: ("vrrp_cpu_affinity",),
            self._be_nice: ("vrrp_priority",),
            self._limit: ("vrrp_rlimit_rttime",),
            self._be_real_time: ("vrrp_rt_priority", "vrrp_priority"),
            self._stay_in_memory: ("vrrp_no_swap",),
        }
        for step, names in steps.items():
            if all(getattr(before, name) == getattr(settings, name) for name in names):
                continue
            try:
                step(settings)
            except (OSError, ValueError, OverflowError) as error:
                text = getattr(error, "strerror", None) or str(error)
                self.log.info(f"{names[0]} is not in force: {text}")

    def _be_called(self, settings: Globals) -> None:
        """Change the name that ps(1) shows; we are parent and VRRP process in one."""
        ours = VRRP_NAME if settings.process_names else None
        name = settings.vrrp_process_name or ours or settings.process_name or self.name
        checked(LIBC.prctl(PR_SET_NAME, name.encode()[:LONGEST_NAME] + b"\0", 0, 0, 0))

    def _run_on(self, settings: Globals) -> None:
        """Run on these CPUs only."""
        os.sched_setaffinity(0, settings.vrrp_cpu_affinity or self.cpus)

    def _be_nice(self, settings: Globals) -> None:
        """Take a nice value."""
        nice = self.nice if settings.vrrp_priority is None else settings.vrrp_priority
        os.setpriority(os.PRIO_PROCESS, 0, nice)

    def _limit(self, settings: Globals) -> None:
        """Receive SIGXCPU when so much real time is used up without a pause.

        keepalived has SIGXCPU at half the limit and is killed at it; reading a large file
        would be the end of us, and of the addresses with us.  So the hard limit stays as it is.
        """
        if settings.vrrp_rlimit_rttime is not None:
            signal.signal(signal.SIGXCPU, lambda *_: self._overrun())
            # The interpreter's own end takes longer, and without our handler.
            atexit.register(lambda: resource.setrlimit(resource.RLIMIT_RTTIME, self.limits))
        self._set_limit(settings)

    def _set_limit(self, settings: Globals) -> None:
        """Set it, or set it again."""
        most, (soft, hard) = settings.vrrp_rlimit_rttime, self.limits
        if most is not None:
            soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_RTTIME, (soft, hard))

    def _overrun(self) -> None:
        """Leave the CPU to others for the rest of what is being done."""
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        self._set_limit(self.now)  # the kernel has raised it by a second
        self.log.limited(("rttime",), LATE)
        if self.later is not None:
            self.later(self.resume)

    def resume(self) -> None:
        """Be what the settings say again, now that there is a pause."""
        if self.now.vrrp_rt_priority is not None:
            with suppress(OSError):
                self._be_real_time(self.now)

    def _be_real_time(self, settings: Globals) -> None:
        """Run before all that is not real-time; nothing of this is for our children.

        Where a hard limit of RLIMIT_RTTIME is in force already (LimitRTTIME= of the unit) the
        kernel would kill us in the middle of something: raise it, or stay as we are.
        """
        priority = settings.vrrp_rt_priority
        if priority is not None and self.limits[1] != resource.RLIM_INFINITY:
            try:
                most = resource.RLIM_INFINITY
                resource.setrlimit(resource.RLIMIT_RTTIME, (self.limits[0], most))
            except (OSError, ValueError):
                problem = f"RLIMIT_RTTIME kills after {self.limits[1]} microseconds; raise it"
                raise OSError(errno.EPERM, problem) from None
            self.limits = (self.limits[0], most)
            self._set_limit(settings)
        policy = os.SCHED_OTHER if priority is None else os.SCHED_RR
        parameters = os.sched_param(priority or 0)
        os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, parameters)

    def _stay_in_memory(self, settings: Globals) -> None:
        """Have no page of ours written to a disk."""
        if not settings.vrrp_no_swap:
            checked(LIBC.munlockall())
            return
        most = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
        unlimited = _locks_beyond_limits()
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))
        if most == resource.RLIM_INFINITY or unlimited:
            checked(LIBC.mlockall(MCL_CURRENT | MCL_FUTURE))
            return
        # With MCL_FUTURE we could allocate nothing any more once the limit is reached.
        checked(LIBC.mlockall(MCL_CURRENT))
        self.log.info(UNLOCKED.format(most))


def _locks_beyond_limits() -> bool:
    """Whether RLIMIT_MEMLOCK is not for us (CAP_IPC_LOCK on the host, not in a namespace)."""
    limits = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    byte = ctypes.create_string_buffer(1)
    where, length = ctypes.c_void_p(ctypes.addressof(byte)), ctypes.c_size_t(1)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, limits[1]))
    try:
        done: bool = LIBC.mlock(where, length) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, limits)
    if done:
        LIBC.munlock(where, length)
    return done


def trim_heap() -> None:
    """Return to the kernel the memory that the start has freed and the C library keeps."""
    trim = getattr(LIBC, "malloc_trim", None)  # glibc's own
    if trim is not None:
        trim(0)


def dump_core() -> None:
    """Leave a core dump after a crash.  Raises OSError."""
    try:
        most = resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    except ValueError:  # not for us to raise
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _own_name() -> str:
    """What ps(1) calls us."""
    with open("/proc/self/comm", encoding="utf-8", errors="replace") as file:
        return file.read().rstrip("\n")


def pid_file(settings: Globals) -> str:
    """Where our pid goes unless the command line says.

    keepalived's rules with our name: daemons with a name or a network of their own get a directory.
    """
    folder = PID_DIRECTORY if settings.use_pid_dir or settings.instance else RUN
    if settings.net_namespace:
        folder = os.path.join(PID_DIRECTORY, settings.net_namespace)
    return os.path.join(folder, f"vrrpd_{settings.instance}.pid" if settings.instance else PID)


def control_socket(settings: Globals) -> str:
    """Where vrrpctl finds us unless the command line says: beside our pid file."""
    return pid_file(settings).removesuffix(".pid") + ".sock"


class PidFile:
    """The file with our pid, locked from before anything is done until this process ends.

    Of two daemons that are started at the same moment one gets the lock (keepalived 2.3.2).
    A lock of fcntl(2) belongs to the process: a child that outlives us does not keep it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd: int | None = None

    def claim(self) -> bool:
        """Lock the file; False: another process has done so.  Raises OSError."""
        os.makedirs(os.path.dirname(self.path) or ".", 0o755, exist_ok=True)
        while self.fd is None:
            fd = os.open(self.path, PID_FLAGS, 0o644)
            try:
                fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(fd)
                if error.errno in (errno.EACCES, errno.EAGAIN):
                    return False
                raise
            if self._is_there(fd):
                self.fd = fd
            else:  # removed by its owner between our open and our lock
                os.close(fd)
        return True

    def _is_there(self, fd: int) -> bool:
        """Whether the path leads to the open file."""
        try:
            there, ours = os.stat(self.path), os.fstat(fd)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def write(self) -> None:
        """Write our pid for everybody to read.  Raises OSError."""
        if self.fd is None and not self.claim():
            raise OSError(errno.EAGAIN, "another process has locked it")
        assert self.fd is not None
        os.fchmod(self.fd, 0o644)  # whatever the umask is
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)

    def remove(self) -> None:
        """Take it away, if it is ours; its lock ends with us."""
        if self.fd is not None and self._is_there(self.fd):
            with suppress(OSError):
                os.unlink(self.path)


def enter(namespace: str) -> None:
    """Move this process into a named network namespace.  Raises OSError."""
    if "/" in namespace or namespace in ("", ".", ".."):
        raise OSError(22, f"'{namespace}' is no name of a network namespace")
    fd = os.open(f"{NAMESPACES}/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        checked(LIBC.setns(fd, CLONE_NEWNET))
    finally:
        os.close(fd)
