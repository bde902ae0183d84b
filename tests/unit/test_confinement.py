"""A lab cannot touch the machine: what docs/security.md says, and the opposite, tried.

    the machine            a file, a secret, a process, a socket, shared memory of the caller
    └─ labs.sandbox.namespaces      started by root, and by an ordinary user
        ├─ THE PROGRAM     what a notebook could try
        └─ a host          what root on a host could try, command by command

Not in the ring `lab`, which is in a lab's namespaces itself: this starts from the machine.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labs.emulation import discovery
from labs.sandbox.namespaces import BASE
from tests.support import HUNG_S, REPOSITORY, OrdinaryUser, checkout_is_public

NAME = f"vrrp-lab-breach-{os.getpid()}"
KERNEL = ("kernel/core_pattern", "kernel/printk", "kernel/hostname", "vm/swappiness", "fs/file-max")
PLACES = (
    *("/usr/local", "/etc", "/root", "/home", "/var/tmp", "/tmp", "/run", "/var/lib", "/var/log"),
    *("/opt", "/srv", "/boot", "/dev", "/dev/shm", "/"),
)

# A system call that root may make, and that would do nothing then: EPERM and ENOSYS are refusals.
CALL = (
    '$python -c "import ctypes, sys; c = ctypes.CDLL(None, use_errno=True); '
    'sys.exit(c.{} != 0 and ctypes.get_errno() in (1, 38))"'
)
# What the machine has, for the commands: $name $file $secret $home $pid $socket $memory $disk.
# None of them may succeed; should one, it does no harm: a setting is set to what it is.
REFUSED = {
    "write to the system": "touch /usr/local/$name",
    "write to the system, made writable": "mount -o remount,bind,rw /usr; touch /usr/local/$name",
    "uncover the system": "umount /usr || umount -l /usr",
    "uncover what was there": "umount -l /etc && umount -l /tmp || umount -l / && ls $home",
    "write to the system from another namespace":
        "unshare -Urm sh -c 'mount -o remount,bind,rw /usr; touch /usr/local/$name'",
    "write to the lab's own program": "touch $repository/$name",
    "write to a file of the caller": "echo changed >$file",
    "read a file of the caller": "cat $secret",
    "see the caller's home": "ls $home/$name.own",
    "read the passwords": "cat /etc/shadow",
    "set what runs at a crash": "cat $core >/tmp/core; cat /tmp/core >$core",
    "set it by another /proc":
        "mkdir /tmp/p; mount -t proc p /tmp/p && cat /tmp/core >/tmp/p/sys/kernel/core_pattern",
    "set the kernel": "cat $swap >/tmp/swap; cat /tmp/swap >$swap",
    "press the magic key": "echo h >/proc/sysrq-trigger",
    "set what runs at an uevent": "echo >>/sys/kernel/uevent_helper",
    "set what runs for an empty cgroup":
        "mkdir /tmp/c; mount -t cgroup -o memory c /tmp/c && echo /tmp/x >/tmp/c/release_agent",
    "make a cgroup": "mkdir /sys/fs/cgroup/$name",
    "see a disk": "ls /dev/$disk",
    "make a disk": "mknod /tmp/disk b $numbers && head -c 1 /tmp/disk",
    "make the machine's memory": "mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem",
    "mount a disk":
        "mknod /tmp/d b $numbers; mount -o ro /tmp/d /mnt || mount -o ro /dev/$disk /mnt",
    "mount all devices": "mount -t devtmpfs dev /mnt && ls /mnt/$disk",
    "kill a process": "kill -9 $pid",
    "trace a process": "$python -c 'import ctypes, sys; "
        "sys.exit(ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), 0, 0) != 0)' $pid",
    "enter the machine's namespaces": "nsenter --target $pid --mount true 2>/tmp/why",
    "see a process": "test -e /proc/$pid",
    "talk to a service": "$python -c 'import socket, sys; "
        "socket.socket(socket.AF_UNIX).connect(sys.argv[1])' $socket",
    "read shared memory": "ipcs -m -i $memory | grep -q bytes",
    "see an interface": "ip link show $interface",
    "load a module": CALL.format("init_module(b'', 0, b'')"),
    "set the clock": "date -s @$(date +%s)",
    "turn off swap": CALL.format("swapoff(b'/dev/null')"),
    "have the kernel account processes": CALL.format("acct(b'/tmp/acct')"),
    "see the lab's files": "ls -A $lab && ls $lab/*",
}  # fmt: skip

# What a notebook of root must be refused as well.
REFUSED_TO_ROOT = (
    *("write to the system", "set what runs at a crash", "set the kernel", "press the magic key"),
    *("set what runs at an uevent", "see a disk", "make a disk", "make the machine's memory"),
    *("mount all devices", "kill a process", "trace a process", "see a process"),
    *("see an interface", "load a module", "set the clock", "make a cgroup"),
    *("write to a file of the caller", "enter the machine's namespaces", "read shared memory"),
)

PROGRAM = r"""
import json, os, pathlib, subprocess, sys
from labs import Lab, LabError

told = json.loads(sys.argv[1])
words = dict(told["words"], lab=os.environ["VRRP_LAB_DIR"])
environment = {**os.environ, **words}
found = {"host": {}, "here": {}}
lab = Lab("empty")
given = "".join(f"export {name}='{value}'; " for name, value in words.items())
for what, command in told["refused"].items():
    done = lab.run("client", given + command, timeout=600)
    found["host"][what] = [done.status, done.text]
for place in told["places"]:
    lab.run("client", f"touch {place}/{words['name']}; mkdir -p {place}/{words['name']}.d")
for what in told["here"]:
    done = subprocess.run(["sh", "-c", told["refused"][what]], env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=-1, stderr=-2)
    found["here"][what] = [done.returncode, done.stdout]

# Files of a host, opened by the lab.
def outcome(act):
    try:
        return act()
    except LabError as error:
        return f"LabError: {error}"

lab.run("web1", f"ln -sf {words['file']} /etc/keepalived/keepalived.conf")
found["written"] = outcome(lambda: lab.conf("web1", "changed"))
lab.run("web1", f"ln -sf {words['secret']} /etc/keepalived/keepalived.conf")
found["conf"] = outcome(lambda: lab.conf("web1"))
lab.run("web1", f"ln -s {os.path.dirname(words['secret'])} /root/link")
lab.run("web1", "ln -s ../../../.. /root/up")
name = os.path.basename(words["secret"])
found["link"] = outcome(lambda: lab.read("web1", f"/root/link/{name}"))
found["up"] = outcome(lambda: lab.read("web1", f"/root/up{words['secret']}"))
lab.run("web1", "ln -sf /root/mine /root/own; echo mine >/root/mine; mkfifo /root/pipe")
found["own"] = outcome(lambda: lab.read("web1", "/root/own"))
found["pipe"] = outcome(lambda: lab.read("web1", "/root/pipe"))
lab.run("web1", "rm -f /etc/keepalived/keepalived.conf; mkfifo /etc/keepalived/keepalived.conf")
found["pipe written"] = outcome(lambda: lab.conf("web1", "changed"))
log = lab.daemons["web1"].log
lab.run("web1", f"rm -f {log}; ln -s {words['secret']} {log}; rm -f /etc/hosts; "
                  f"ln -s {words['secret']} /etc/hosts")
found["log"] = outcome(lambda: lab.log("web1"))
with lab.capture("web1") as wire:
    pass
found["uid_map"] = lab.run("client", "cat /proc/self/uid_map").text.split()
lesson = pathlib.Path(os.environ["LAB_WORK"], "written")
lesson.write_text("by the notebook")
found["capabilities"] = pathlib.Path("/proc/self/status").read_text()
lab.close()
print(json.dumps(found))
"""


@dataclass
class Tried:
    """What came of the attempts, and what the machine has of them."""

    by_root: bool
    found: dict[str, Any]
    machine: Caller


class Caller:
    """What a caller has on the machine outside of the lab, until `close`."""

    def __init__(self, user: OrdinaryUser | None, home: Path) -> None:
        self.user, self.home = user, home
        self.directory = home / f"{NAME}.own"
        self.directory.mkdir(mode=0o700)
        self.file, self.secret = self.directory / "file", self.directory / "secret"
        self.file.write_text("mine\n")
        self.secret.write_text("a secret\n")
        self.secret.chmod(0o600)
        self.work = self.directory / "work"
        self.work.mkdir()
        self.before = {name: Path("/proc/sys", name).read_text() for name in KERNEL}
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.directory / "socket"))
        self.server.listen()
        for path in (self.directory, *self.directory.iterdir()):
            if user is not None:
                user.give(path)
        self.process = subprocess.Popen(self.command(["sleep", "600"]))
        made = self._run(["ipcmk", "-M", "4096"])
        self.memory = made.split()[-1]

    def command(self, words: list[str], **env: str) -> list[str]:
        """`words` as this caller runs them."""
        if self.user is not None:
            return self.user.command(words, env)
        return ["env", *(f"{name}={value}" for name, value in env.items()), *words]

    def _run(self, words: list[str]) -> str:
        done = subprocess.run(self.command(words), capture_output=True, text=True, check=True)
        return done.stdout

    def environment(self) -> dict[str, str]:
        """What the commands of REFUSED say about it."""
        disk = next(iter(sorted(path.name for path in Path("/sys/class/block").iterdir())), "sda")
        numbers = Path("/sys/class/block", disk, "dev")
        interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
        return {
            "name": NAME, "file": str(self.file), "secret": str(self.secret),
            "home": str(self.home), "pid": str(self.process.pid), "memory": self.memory,
            "core": "/proc/sys/kernel/core_pattern", "swap": "/proc/sys/vm/swappiness",
            "socket": str(self.directory / "socket"), "disk": disk, "python": sys.executable,
            "numbers": numbers.read_text().strip().replace(":", " ") if numbers.exists() else "8 0",
            "interface": next(iter(interfaces), "eth0"), "repository": str(REPOSITORY),
        }  # fmt: skip

    def close(self) -> None:
        """Take all of it away, and what a breach would have left."""
        for place in PLACES:  # a user may not even look into some of them
            with suppress(FileNotFoundError, PermissionError):
                Path(place, NAME).unlink()
            with suppress(FileNotFoundError, PermissionError):
                Path(place, NAME + ".d").rmdir()
        self.process.kill()
        self.process.wait()
        self.server.close()
        self._run(["ipcrm", "-m", self.memory])
        for path in sorted(self.directory.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.directory.rmdir()


@pytest.fixture(scope="module", params=["root", "user"])
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    """A lab of root, and one of an ordinary user, in which everything has been tried."""
    by_root = request.param == "root"
    ids = Path("/proc/self/uid_map").read_text().split()
    if by_root and (os.geteuid() != 0 or ids != ["0", "0", str(2**32 - 1)]):
        pytest.skip("optional: only root can start a lab of root")
    if not by_root and os.geteuid() == 0 and not checkout_is_public():
        pytest.skip("nobody else can read the checkout; remedy: clone it outside /root")
    with ExitStack() as stack:
        user = None if by_root else stack.enter_context(OrdinaryUser())
        machine = Caller(user, Path.home() if user is None else user.home)
        stack.callback(machine.close)
        told = {
            "words": machine.environment(),
            "refused": REFUSED,
            "places": PLACES,
            "here": REFUSED_TO_ROOT if by_root else (),
        }
        command = [sys.executable, "-m", "labs.sandbox.namespaces", "--"]
        command += [sys.executable, "-c", PROGRAM, json.dumps(told)]
        done = subprocess.run(
            machine.command(command, LAB_WORK=str(machine.work)),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=HUNG_S,
        )
        assert done.returncode == 0, done.stderr
        yield Tried(by_root, json.loads(done.stdout), machine)


@pytest.mark.parametrize("what", REFUSED)
def test_root_on_a_host_is_refused(tried: Tried, what: str) -> None:
    status, text = tried.found["host"][what]
    assert status != 0, text


def test_what_a_host_writes_is_not_on_the_machine(tried: Tried) -> None:
    home = str(tried.machine.home)
    found = [place for place in (*PLACES, home) if os.path.exists(f"{place}/{NAME}.d")]
    found += [place for place in PLACES if os.path.exists(f"{place}/{NAME}")]
    assert found == []


def test_the_files_of_the_caller_are_as_they_were(tried: Tried) -> None:
    assert tried.machine.file.read_text() == "mine\n"
    assert tried.machine.secret.read_text() == "a secret\n"


def test_the_kernel_s_settings_are_as_they_were(tried: Tried) -> None:
    assert {name: Path("/proc/sys", name).read_text() for name in KERNEL} == tried.machine.before


def test_the_processes_of_the_caller_go_on(tried: Tried) -> None:
    assert tried.machine.process.poll() is None


@pytest.mark.parametrize("what", REFUSED_TO_ROOT)
def test_a_notebook_of_root_is_refused(tried: Tried, what: str) -> None:
    if tried.by_root:
        status, text = tried.found["here"][what]
        assert status != 0, text


def test_a_notebook_writes_to_the_learner_s_folder(tried: Tried) -> None:
    path = tried.machine.work / "written"
    assert path.read_text() == "by the notebook"
    assert path.stat().st_uid == tried.machine.work.stat().st_uid


def test_the_root_of_a_host_has_no_account_on_the_machine(tried: Tried) -> None:
    first, outside, count = map(int, tried.found["uid_map"])
    if os.geteuid() == 0 and tried.by_root:
        # As the lab sees it, where its own root is 0 and BASE is 1.
        assert (first, outside, count) == (0, 1, 65536)
        assert BASE > 60000
    else:
        assert (first, outside, count) == (0, 0, 1)


@pytest.mark.parametrize("what", ["written", "pipe written"])
def test_the_lab_writes_to_no_file_that_a_host_has_put_there(tried: Tried, what: str) -> None:
    said = tried.found[what]
    assert said.startswith("LabError: ")
    assert "/etc/keepalived/keepalived.conf" in said


@pytest.mark.parametrize("what", ["conf", "link", "up", "log"])
def test_the_lab_reads_no_file_of_the_machine_for_a_host(tried: Tried, what: str) -> None:
    assert "a secret" not in (tried.found[what] or "")


def test_the_lab_follows_a_host_s_links_inside_the_host(tried: Tried) -> None:
    assert tried.found["own"] == "mine\n"


def test_the_lab_does_not_wait_at_a_host_s_pipe(tried: Tried) -> None:
    assert "not a regular file" in tried.found["pipe"]


WAIT = """
import signal
from labs import Lab
lab = Lab("empty")
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("by", ["root", "user"])
def test_root_of_the_machine_gets_a_shell_on_a_host_of_every_lab(by: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("optional: only root may enter the labs of others")
    with ExitStack() as stack:
        command = [
            sys.executable,
            "-m",
            "labs.sandbox.namespaces",
            "--",
            sys.executable,
            "-c",
            WAIT,
        ]
        if by == "user":
            if not checkout_is_public():
                pytest.skip("nobody else can read the checkout; remedy: clone it outside /root")
            command = stack.enter_context(OrdinaryUser()).command(command)
        lab = stack.enter_context(
            subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(lab.kill)
        assert lab.stdout is not None
        assert lab.stdout.readline() == "ready\n"
        (ours,) = (each for each in discovery.find() if each.pid in discovery._descendants(lab.pid))
        words = [sys.executable, "-m", "labs.cli.main", "terminal", "--lab", str(ours.pid)]
        done = subprocess.run(
            [*words, "client", "--", "sh", "-c", "id -u; hostname; ip link set lo up && echo made"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=HUNG_S,
        )
        assert (done.stdout, done.stderr) == ("0\nclient\nmade\n", "")
