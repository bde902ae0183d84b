"""The parts of a lab network, as Mininet classes: Host, Bridge and Cable.

A Host looks like a machine of its own, not like a network namespace of this one:

    network    eth0, lo                         by Mininet
    hostname   web1                             own UTS namespace
    processes  `ps`, `killall keepalived` and   own pid namespace; its shell is process 1,
               pid files see this host only     reaps orphans, and ends every process when it ends
    files      /etc (changes stay here), /etc/keepalived, /root, /run, /tmp, /var/log, /var/tmp
                                                own root directory; on a tmpfs of the lab
    root       root of the host, and nobody     own user namespace
               on the machine

`labs.sandbox.host` makes all of it, and locks it: the machine's files are read-only or not there.
What lies on the tmpfs can also be read from outside, at `host.path("/var/log/vrrpd.log")`.
Each host has a tmpfs of its own, of FILES bytes: one that is full is full for that host alone.
Its processes have the limits of LIMITS; `labs.emulation.watchdog` takes down a host that has too
many.
A host is down when its process 1 has ended, for example after `reboot -f`: see `Host.alive`.
The repository and the venv are reachable where they are even if they lie under /root or /tmp.

A Bridge is a switch in a network namespace of its own: the machine's firewall and its
bridge-nf-call-iptables never see a frame of the lab, and it floods multicast like a plain switch.

A lab waits for its network, so little is asked of the nodes: a switch is made with all its cables
by one ip(8), and `batch` runs those of several nodes at the same time.
"""

from __future__ import annotations

import os
import re
import resource
import select
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from labs.emulation.mininet_modules import Link, LinuxBridge, Node
from labs.emulation.programs import keepalived_unit
from labs.errors import LabError
from labs.sandbox import host as program
from labs.sandbox import namespaces
from labs.sandbox.host import MACHINE, OWN, mount, unmount
from labs.sandbox.hostfile import HostFile

# Programs without which no host or switch can be made, and where a Debian machine gets them.
PROGRAMS = {
    "mnexec": "mininet",
    "ifconfig": "net-tools",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "prlimit": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
}

_NETWORK = 60.0  # s that a program of `Host.network` may take

# What sh(1) runs before the shell of a switch; its standard error is then the terminal again.
# IPv6 addresses of the switch's own would only add chatter to every capture.
_QUIET = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
_READY = f"""test ! -e {_QUIET} || echo 1 >{_QUIET} || exit
echo ready >&2; exec "$@" 2>&1"""

# Where ip(8) of Debian 13 reads the names of the programs that added an address.
_PROTOCOL_NAMES = "/etc/iproute2/rt_addrprotos.d"
# All that hosts see of the machine's /etc/keepalived: keepalived 2.3.3 does not start without it.
_BUILD_OPTIONS = Path("/etc/keepalived/keepalived.config-opts")
# What one host may use.  Without cgroups, which few users may write, memory is bounded for each
# process (RLIMIT_AS) and not for the sum of them; RLIMIT_NPROC counts all hosts of a lab together.
FILES = "size=64m,nr_inodes=20000"  # of its own files, see tmpfs(5)
PROCESSES = 300
LIMITS = tuple(
    f"--{name}={most if hard == resource.RLIM_INFINITY else min(most, hard)}"
    for name, most, hard in (
        ("nproc", 2000, resource.getrlimit(resource.RLIMIT_NPROC)[1]),
        ("as", 4 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]),
        ("core", 0, 0),
    )
)
_PROGRAM = program.__file__
# systemctl, journalctl, service and keepalived of every host, found before the machine's own.
COMMANDS = Path(__file__).with_name("programs") / "bin"
# Directories of the machine that every host must reach, wherever they are.
_KEPT = {str(Path(__file__).parents[2]), sys.prefix, sys.base_prefix}


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a host: `pid` as the lab sees it, and what it was started as."""

    pid: int
    argv: tuple[str, ...]

    @property
    def program(self) -> str:
        """The program's name; of a Python script the script's, not the interpreter's."""
        return keepalived_unit.program(self.argv)


class Host(Node):
    """A Mininet host with its own hostname, processes and files."""

    # Mininet's own check would print and exit; the lab has checked PROGRAMS before.
    isSetup = True
    pid: int

    def __init__(self, name: str, files: Path, names: str = "", **params: Any) -> None:
        """`files`: directory for what this host has for itself; `names`: the text of /etc/hosts."""
        self.files = files
        self._ids = namespaces.host_ids()
        self._root = int(self._ids.split(",")[1])  # the host's root, as the lab sees it
        self.why_down = "its process 1 has ended, as after `reboot -f`"
        self.environment = {
            "HOME": "/root",
            "HOSTNAME": name,
            "LANG": "C.UTF-8",
            "PATH": namespaces.system_path(f"{COMMANDS}:{os.path.dirname(sys.executable)}"),
            "TERM": os.environ.get("TERM", "dumb"),
            "TMPDIR": "/tmp",
            namespaces.MARK: namespaces.mark(),
        }
        self._make_files(name, names)
        super().__init__(name, **params)

    def path(self, path: str) -> HostFile:
        """A file of this host, for the lab to use: an absolute path in /etc or one of `OWN`."""
        under = PurePosixPath(path)
        if ".." in under.parts or not any(map(under.is_relative_to, ("/etc", *OWN))):
            raise LabError(f"{path} is not {self.name}'s own: use /etc, {', '.join(OWN)}")
        return HostFile(self.files, path, self._root)

    @property
    def alive(self) -> bool:
        """Whether this host is up: its process 1 runs, and with it everything else."""
        if self.shell is None:
            return False
        life = select.poll()
        life.register(self._life, select.POLLIN)
        if life.poll(0):
            return False
        # First SIGKILL is pending (it is reboot(2)'s way, too), then it gives its memory back, then
        # the kernel kills all others, and only then it has ended.
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return False
        pending = re.search(r"^SigPnd:\s*(\w+)", status, re.MULTILINE)
        killed = pending is not None and int(pending[1], 16) & 1 << signal.SIGKILL - 1
        return "\nVmSize:" in status and not killed

    @property
    def life(self) -> int:
        """A pidfd of process 1: it becomes readable when the host goes down."""
        return self._life

    def must_be_up(self) -> None:
        """Raise LabError if this host is down."""
        if not self.alive:
            raise LabError(
                f"{self.name} is down ({self.why_down}): lab.reset() starts all hosts again"
            )

    def kill(self, why: str = "the lab has ended it") -> None:
        """Take the host down at once, as a power cut would; `why` is what messages say then."""
        if self.shell is None:
            return
        self.why_down = why
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._life, signal.SIGKILL)

    def _make_files(self, name: str, names: str) -> None:
        remove_files(self.files)
        self.files.mkdir(parents=True)
        try:
            mount("tmpfs", str(self.files), "tmpfs", data=f"mode=755,{FILES}")
        except OSError as error:
            raise LabError(
                f"cannot prepare host {name}: {error.filename}: {error.strerror}; try `labs doctor`"
            ) from None
        protocols = "etc/iproute2", _PROTOCOL_NAMES[1:]
        for own in ("work", "etc/keepalived", *protocols, *(path[1:] for path in OWN)):
            place = self.files / own
            place.mkdir(parents=True)
            os.chown(place, self._root, self._root)
            place.chmod(0o1777 if own.endswith("tmp") else 0o755)
        os.chown(self.files / "etc", self._root, self._root)
        (self.files / "etc").chmod(0o755)  # whatever the umask is: of Debian 13's users, 002
        self.path("/etc/hostname").write_text(f"{name}\n")
        self.path("/etc/hosts").write_text(names)
        # keepalived 2.3.3 adds this name itself: what vrrpd has added is shown the same.
        self.path(f"{_PROTOCOL_NAMES}/keepalived.conf").write_text("18\tkeepalived\n")
        self.install()

    def install(self) -> None:
        """Copy to /etc/keepalived what the machine's keepalived must find there, if anything."""
        with suppress(FileNotFoundError):
            self.path(str(_BUILD_OPTIONS)).write_bytes(_BUILD_OPTIONS.read_bytes())

    # --- Mininet's hooks ---------------------------------------------------------------------

    def startShell(self, mnopts: str | None = None) -> None:
        """Start the host's shell as process 1 of its own namespaces and prepare its files."""
        super().startShell(mnopts)
        # Mininet took the pid of `unshare`, which waits outside; the shell is its only child.
        self.pid = int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text())
        # A number may be given to another process when this one has ended; a pidfd stays its own.
        self._life = os.pidfd_open(self.pid)

    def _popen(self, cmd: list[str], **params: Any) -> subprocess.Popen[Any]:
        """Mininet starts processes here: the shell with mnexec, everything else with popen()."""
        if self.shell is None:
            return self._start(cmd[2:], **params)
        process: subprocess.Popen[Any] = super()._popen(cmd, **params)
        return process

    def _start(self, shell: list[str], **params: Any) -> subprocess.Popen[Any]:
        """Start the shell in namespaces of its own, instead of `mnexec`; LabError if that fails."""
        ours, theirs = os.pipe()
        _require_readable(self._root)
        place = [str(theirs), str(self.files), namespaces.lower_etc(), self.name, self._ids]
        place += map(str, _kept())
        process: subprocess.Popen[Any] = super()._popen(
            ["prlimit", *LIMITS, sys.executable, "-I", "-S", _PROGRAM, *place, "--", *shell],
            **params | {"close_fds": True, "pass_fds": (theirs,)},
            env=self.environment,
            start_new_session=True,
        )
        os.close(theirs)
        _require_started(f"host {self.name}", process, ours)
        return process

    def popen(self, *args: Any, **kwargs: Any) -> subprocess.Popen[Any]:
        """Start a process in all of the host's namespaces, as subprocess.Popen.

        LabError if the host is down.
        """
        self.must_be_up()
        kwargs.setdefault("mncmd", self.enter())
        kwargs.setdefault("env", self.environment)
        process: subprocess.Popen[Any] = super().popen(*args, **kwargs)
        return process

    def enter(self) -> list[str]:
        """The command that runs the words after it inside this host, in its /root."""
        spaces = ["--user", "--net", "--mount", "--uts", "--ipc", "--pid"]
        if self._root == 0:
            spaces.append("--preserve-credentials")
        # nsenter's own --wd is opened before it enters: it would be the /root of this machine.
        enter = ["nsenter", f"--target={self.pid}", *spaces, "env", "--chdir=/root"]
        return [*enter, "prlimit", *LIMITS]

    def network(self, *words: str) -> str:
        """Run a program in the host's network, but with our files; what it prints.

        That works whatever has become of the host's own files.  LabError if the host is down.
        """
        self.must_be_up()
        enter = ["nsenter", f"--target={self.pid}", "--net"]
        done = subprocess.run(
            [*enter, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_NETWORK,
        )
        return done.stdout

    def terminate(self) -> None:
        """End the host and every process in it, at once, and wait until it is gone."""
        if self.shell is None:
            return
        if hasattr(self, "_life"):
            self.kill()
            life, self._life = self._life, -1
            self.cleanup()
            os.close(life)

    def waitReadable(self, timeoutms: float | None = None) -> Any:
        """Mininet waits here for its shell to print; LabError if the host goes down meanwhile."""
        if self.readbuf:
            return None
        ready = select.poll()
        ready.register(self.stdout, select.POLLIN)
        if hasattr(self, "_life"):
            ready.register(self._life, select.POLLIN)
        found = ready.poll(timeoutms)
        if found and self.stdout.fileno() not in dict(found):
            self.waiting = False
            self.must_be_up()
        return found

    def sendCmd(self, *words: Any, **options: Any) -> None:
        """Mininet types a command at its shell here; LabError if the host is down."""
        if hasattr(self, "_life"):
            self.must_be_up()
        super().sendCmd(*words, **options)

    # --- processes ----------------------------------------------------------------------------

    def processes(self) -> list[Process]:
        """Every process of this host except its first shell; none if the host is down."""
        if not self.alive:
            return []
        try:
            mine = os.readlink(f"/proc/{self.pid}/ns/pid")
        except OSError:  # it goes down at this moment
            return []
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self.pid:
                continue
            with suppress(OSError):  # it ended while we looked
                if os.readlink(f"/proc/{entry}/ns/pid") == mine:
                    words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")[:-1]
                    if words:
                        argv = tuple(word.decode(errors="replace") for word in words)
                        found.append(Process(int(entry), argv))
        return found


class Bridge(LinuxBridge):
    """A switch that forwards at once and is out of the machine's sight."""

    isSetup = True
    # Mininet asks for it, but gives one only to switches that share the machine's namespace.
    controlIntf = None

    def __init__(self, name: str, **params: Any) -> None:
        params["inNamespace"] = True
        super().__init__(name, **params)

    def _popen(self, cmd: list[str], **params: Any) -> subprocess.Popen[Any]:
        """Start the shell in a network namespace of its own; LabError if that fails.

        Mininet's mnexec would also mount sysfs, writable, which the kernel refuses where the only
        sysfs in sight is read-only: in a container, in a lab inside a lab.  The switch needs none.
        """
        if self.shell is not None:
            later: subprocess.Popen[Any] = super()._popen(cmd, **params)
            return later
        ours, theirs = os.pipe()
        params |= {"close_fds": True, "stderr": theirs, "start_new_session": True}
        process: subprocess.Popen[Any] = super()._popen(
            ["unshare", "--net", "sh", "-c", _READY, "sh", *cmd[2:]], **params
        )
        os.close(theirs)
        _require_started(f"switch {self.name}", process, ours)
        return process

    def start(self, controllers: object) -> None:
        """Make the bridge and every cable; without snooping it is a plain switch."""
        options = "stp_state 0 forward_delay 0 mcast_snooping 0"
        mine = shlex.quote(namespaces.mark())
        lines = [f"link add {self.name} type bridge {options}"]
        for port in self.intfList():
            if isinstance(port.link, PlannedCable):
                lines.append(port.link.line)
            lines.append(f"link set {port.name} master {self.name} alias {mine} up")
        lines.append(f"link set {self.name} alias {mine} up")
        batch({self: lines}, "make switch")

    def kill(self) -> None:
        """End the switch at once, without waiting for it."""
        if self.shell is not None and self.shell.poll() is None:
            os.killpg(self.shell.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """End the switch and wait until it is gone."""
        self.kill()
        self.cleanup()

    def stop(self, deleteIntfs: bool = True) -> None:
        """End the switch; the kernel removes its interfaces together with the namespace."""
        self.terminate()


class Cable(Link):
    """A veth pair whose ends never have the same interface number.

    The kernel reports a change of carrier at once only where an interface's number differs from its
    peer's; otherwise it saves reports up and gives them once a second (linkwatch_urgent_event).
    In fresh namespaces both ends would be number 2, and a pulled cable noticed up to 1 s late.
    """

    @classmethod
    def makeIntfPair(
        cls,
        intfname1: str,
        intfname2: str,
        addr1: str | None = None,
        addr2: str | None = None,
        node1: Any = None,
        node2: Any = None,
        deleteIntfs: bool = True,
    ) -> None:
        """Create the pair: `intfname1` at the host `node1`, `intfname2` at the switch `node2`."""
        line = _pair(intfname1, intfname2, addr1, addr2, node1)
        batch({node2: [line]}, f"connect {node1.name} to")


class PlannedCable(Cable):
    """A cable that its switch makes when it starts, with all the others at once.

    Its ends know their addresses and have not been given them: see `network.configure_hosts`.
    """

    line: str
    """The line for `batch` that makes the pair."""

    def __init__(self, host: Host, switch: Bridge, addr1: str, addr2: str, **options: Any) -> None:
        for params in ("params1", "params2"):
            # For each end, Mininet would run ifconfig twice.
            options[params] = {**(options.get(params) or {}), "ip": None, "up": None}
        super().__init__(host, switch, addr1=addr1, addr2=addr2, **options)
        self.line = _pair(self.intf1.name, self.intf2.name, addr1, addr2, host)

    @classmethod
    def makeIntfPair(cls, *ends: Any, **options: Any) -> None:
        """Mininet creates the pair here; it is created later."""


def _pair(near: str, far: str, near_mac: str | None, far_mac: str | None, host: Host) -> str:
    """The line for ip(8) that makes a cable: `near` at the host, `far` at the switch it runs in."""
    number = 100 + int(re.sub(r"\D", "", far.rpartition("-")[2]))
    return (
        f"link add name {far} index {number} address {far_mac} type veth "
        f"peer name {near} address {near_mac} netns {host.pid}"
    )


def batch(lines: Mapping[Node, Sequence[str]], doing: str) -> None:
    """Run lines of ip(8) in the networks of some nodes, at the same time and each in its order.

    LabError with what is refused, which ends the lines of that node: "cannot DOING web1: ...".
    """
    running = {}
    for node, commands in lines.items():
        enter = ["nsenter", f"--target={node.pid}", "--net", "ip", "-batch", "-"]
        running[node] = process = subprocess.Popen(
            enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as typed:
            typed.write("\n".join(commands).encode())
    refused = []
    for node, process in running.items():
        with process:
            assert process.stdout is not None
            printed = process.stdout.read().decode(errors="replace")
        if process.returncode:
            refused.append(f"cannot {doing} {node.name}: {printed.strip()}")
    if refused:
        raise LabError("; ".join([*refused, "try `labs doctor`"]))


def remove_files(files: Path) -> None:
    """Take away the tmpfs of a host, and the directory that it covers; harmless if there is none.

    Once every process of the host has ended, that frees its memory.
    """
    while os.path.ismount(files):
        try:
            unmount(str(files))
        except OSError:
            return
    shutil.rmtree(files, ignore_errors=True)


def _require_started(node: str, process: subprocess.Popen[Any], status: int) -> None:
    """Wait for "ready" on the descriptor `status`, and close it; LabError with what came instead.

    Without it Mininet would wait for ever for the prompt of a shell that never started.
    """
    with open(status, "rb") as lines:
        line = lines.readline()
    if line != b"ready\n":
        process.wait()
        reason = line.decode(errors="replace").strip() or "it ended at once"
        raise LabError(f"cannot prepare {node}: {reason}; try `labs doctor`")


def _require_readable(root: int) -> None:
    """Raise LabError if hosts whose root is not the lab's own cannot read what they must."""
    for path in _kept() if root else []:
        if path.stat().st_mode & 0o005 != 0o005:
            raise LabError(
                f"the hosts of a lab of root are nobody on this machine and cannot read {path}: "
                f"`chmod -R o+rX {path}`, or run it as an ordinary user"
            )


def _kept() -> list[Path]:
    """The paths that must be reachable and are not there anyway, outermost first, none twice."""
    found: list[Path] = []
    for path in sorted(map(Path, _KEPT)):
        there = [*found, *(Path("/", name) for name in MACHINE)]
        if not any(path.is_relative_to(other) for other in there):
            found.append(path)
    return found
