"""What the daemon may do once it runs, and what its scripts may: read from /proc, not believed.

plain configuration         CAP_NET_ADMIN and CAP_NET_RAW, in every set of every thread
scripts of another user     as well what it takes to become that user
a reload that needs more    refused; what runs goes on running
the control socket          answers its owner and no other user
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests import accounts
from tests.interop.segment import ENVIRONMENT, Host
from tests.support import HUNG_S, REPOSITORY, OrdinaryUser, eventually

VIP = "192.168.1.10"
ADMIN, RAW, CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 12, 1 << 13, 1 << 0, 1 << 1, 1 << 2
SETUID, SETGID, KILL = 1 << 7, 1 << 6, 1 << 5
NOBODY = 65534

other_users = pytest.mark.skipif(
    not accounts.other_ids(),
    reason="optional: an ordinary user's namespace has no other users",
)


def conf(*words: str, before: str = "", vip: str = VIP) -> str:
    """A quick instance."""
    lines = ["interface eth0", "virtual_router_id 51", "version 3", "advert_int 0.25", *words]
    return (
        f"{before}vrrp_instance VI_1 {{\n"
        + "\n".join(lines)
        + (f"\nvirtual_ipaddress {{\n{vip}\n}}\n}}\n")
    )


def daemon_pid(host: Host) -> int:
    """The pid that it has written, which is when it is set up."""
    path = host.room / "pid"
    eventually(path.exists, what=f"a pid file\n{host.text()}")
    return int(eventually(path.read_text, what="a pid"))


def logged(host: Host, words: str) -> bool:
    """Whether the log of a host's daemon has these words."""
    return words in host.text()


def sets(pid: int) -> set[tuple[str, int]]:
    """The capability sets of all the threads of a process, without the bounding set."""
    found: set[tuple[str, int]] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has just ended
            text = (task / "status").read_text()
            masks = re.findall(r"^Cap(\w+):\s*(\w+)$", text, re.M)
            found.update((name, int(mask, 16)) for name, mask in masks if name != "Bnd")
    return found


def keeps(host: Host, *capabilities: int) -> None:
    """The daemon has exactly these."""
    pid, kept = daemon_pid(host), sum(capabilities)
    wanted = {("Inh", 0), ("Amb", 0), ("Eff", kept), ("Prm", kept)}
    eventually(lambda: sets(pid) == wanted, what=f"{wanted}, not {sets(pid)}\n{host.text()}")


def master(host: Host, vip: str = VIP) -> None:
    eventually(lambda: host.has(vip), what=f"MASTER:\n{host.text()}")


def script(host: Host, name: str, body: str) -> Path:
    """A script that everybody may run."""
    for path in (host.room, *host.room.parents):
        if path.owner() == "root" and path.stat().st_mode & 0o077 != 0o055 and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o055)
    path = host.room / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_two_capabilities_are_left(host: Host) -> None:
    host.start("vrrpd", conf())
    keeps(host, ADMIN, RAW)
    master(host)


def test_they_are_enough_for_a_whole_life(host: Host) -> None:
    """Addresses, a virtual MAC with sysctls, an interface, reload, resignation, files removed."""
    host.start("vrrpd", conf("use_vmac", "vmac_xmit_base"))
    keeps(host, ADMIN, RAW)
    master(host)
    host.reload(conf(vip="192.168.1.20"))
    master(host, "192.168.1.20")
    eventually(lambda: not host.has(VIP), what="the old address to go")
    pid = host.room / "pid"
    assert host.stop() == 0
    assert host.virtual() == set()
    assert not pid.exists()
    assert not (host.room / "sock").exists()
    assert "Operation not permitted" not in host.text()
    assert "Permission denied" not in host.text()


def test_a_script_of_root_has_what_root_has(host: Host) -> None:
    told = host.room / "told"
    check = script(host, "chk", f"grep Cap /proc/self/status >{told}.new && mv {told}.new {told}")
    block = f'global_defs {{\nscript_user root\n}}\nvrrp_script chk {{\nscript "{check}"\n}}\n'
    host.start("vrrpd", conf("track_script {\nchk\n}", before=block))
    keeps(host, ADMIN, RAW)
    eventually(told.exists, what="the script to run")
    told.unlink()  # that may have been before the capabilities were given up
    eventually(told.exists, what="the script to run again")
    masks = dict(re.findall(r"Cap(\w+):\s*(\w+)", told.read_text()))
    assert masks["Eff"] == masks["Bnd"]
    assert int(masks["Eff"], 16) & (SETUID | DAC_OVERRIDE)


@other_users
def test_a_script_of_the_user_nobody_has_no_privileges(host: Host) -> None:
    told = host.room / "told"
    check = script(host, "chk", f"(id -u; id -G; grep Cap /proc/self/status) >{told}")
    told.touch()
    told.chmod(0o666)
    block = f'vrrp_script chk {{\nscript "{check}"\nuser nobody nogroup\n}}\n'
    host.start("vrrpd", conf("track_script {\nchk\n}", before=block))
    keeps(host, ADMIN, RAW, SETUID, SETGID, KILL)
    master(host)  # the script has succeeded, or this would be FAULT

    def output() -> str:
        """All of them; the script is run again and again, and its file empty each time."""
        text = told.read_text()
        return text if "CapAmb" in text and text.endswith("\n") else ""

    uid, groups, *lines = eventually(output, what="the script's words").splitlines()
    assert (uid, groups) == (str(NOBODY), str(NOBODY))
    masks = dict(re.findall(r"Cap(\w+):\s*(\w+)", "\n".join(lines)))
    assert {int(masks[one], 16) for one in ("Inh", "Prm", "Eff", "Amb")} == {0}


@other_users
def test_a_hanging_script_of_the_user_nobody_is_ended(host: Host) -> None:
    """A signal to another user's process takes CAP_KILL."""
    pid = host.room / "its pid"
    pid.touch()
    pid.chmod(0o666)
    check = script(host, "chk", f"echo $$ >'{pid}'; exec sleep 300")
    block = f'vrrp_script chk {{\nscript "{check}"\ntimeout 5\ninterval 60\nuser nobody\n}}\n'
    host.start("vrrpd", conf("track_script {\nchk\n}", before=block))
    eventually(lambda: "timed_out" in host.text(), what=host.text())
    number = pid.read_text().strip()
    eventually(lambda: not Path(f"/proc/{number}").exists(), what=f"the end of {number}")


@other_users
def test_a_reload_that_needs_more_is_refused(host: Host) -> None:
    check = script(host, "chk", "exit 0")
    host.start("vrrpd", conf())
    keeps(host, ADMIN, RAW)
    master(host)
    block = f'vrrp_script chk {{\nscript "{check}"\nuser nobody\n}}\n'
    host.reload(conf("track_script {\nchk\n}", before=block, vip="192.168.1.20"))
    for words in ("Reload refused", "runs as uid 65534, which needs CAP_SETUID",
                  "please restart vrrpd"):  # fmt: skip
        eventually(partial(logged, host, words), what=f"{words}:\n{host.text()}")
    assert host.has(VIP)
    host.reload(conf(vip="192.168.1.30"))
    master(host, "192.168.1.30")


@other_users
def test_a_file_of_another_user_can_still_be_read(host: Host) -> None:
    """Whether root without capabilities can read a file is tried out before they are given up."""
    level = host.room / "level"
    level.write_text("7\n")
    level.chmod(0o600)
    os.chown(level, NOBODY, NOBODY)
    block = f"track_file level {{\nfile {level}\nweight 1\n}}\n"
    host.start("vrrpd", conf("track_file {\nlevel\n}", before=block))
    keeps(host, ADMIN, RAW, DAC_READ_SEARCH)
    master(host)
    level.write_text("9\n")
    eventually(lambda: "effective priority from 107 to 109" in host.text(), what=host.text())


@other_users
def test_a_fifo_of_another_user_can_still_be_written(host: Host) -> None:
    settings = "global_defs {\nscript_user nobody\nvrrp_notify_fifo %s\n}\n"
    fifo = host.room / "fifo"
    host.start("vrrpd", conf(before=settings % fifo))
    keeps(host, ADMIN, RAW, CHOWN, DAC_OVERRIDE)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert os.fstat(reader).st_uid == NOBODY
        heard: list[bytes] = []

        def notified() -> bool:
            with suppress(BlockingIOError):
                heard.append(os.read(reader, 4096))
            return b'"VI_1" MASTER' in b"".join(heard)

        eventually(notified, what=f"the FIFO to tell of MASTER\n{host.text()}")
    finally:
        os.close(reader)


# The control socket.

ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    client.sendall(b'{"command": "reload"}\\n')
    print(client.recv(4096).decode())
"""


@other_users
def test_the_control_socket_refuses_others(host: Host, ordinary_user: OrdinaryUser) -> None:
    """Only the owner of the socket may connect and reload the daemon."""
    script(host, "unused", "")  # opens the directory: it must be the socket that refuses
    host.start("vrrpd", conf())
    master(host)
    path = host.room / "sock"
    eventually(path.exists, what="the socket")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    command = [sys.executable, "-c", ASK, str(path)]
    attacker = ordinary_user.run(command, HUNG_S, check=False)
    assert attacker.returncode != 0
    assert "PermissionError" in attacker.stderr
    assert "Reloading" not in host.text()
    owner = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(owner.stdout) == {"ok": True, "result": True}


def without_end(connection: socket.socket, words: bytes) -> None:
    """Send the same again and again."""
    while True:
        connection.sendall(words)


def test_clients_that_talk_without_end_or_never_read_cost_nothing(host: Host) -> None:
    """A long line ends the connection, and so do answers that are not read; there are 16 places."""
    host.start("vrrpd", conf())
    master(host)
    path = str(host.room / "sock")
    with socket.socket(socket.AF_UNIX) as endless:
        endless.connect(path)
        with pytest.raises(OSError):  # noqa: PT011  (a broken pipe or a reset)
            without_end(endless, b"x" * 4096)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(path)
        with pytest.raises(OSError):  # noqa: PT011
            without_end(deaf, b'{"command": "stats"}\n' * 100)
    many = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    try:
        for one in many:
            one.connect(path)
        assert eventually(lambda: any(refused(one) for one in many), what="one turned away")
    finally:
        for one in many:
            one.close()
    command = [sys.executable, "-m", "vrrpd.ctl", "status", "--socket", path]

    def answers() -> bool:
        done = subprocess.run(command, env=ENVIRONMENT, cwd=REPOSITORY, capture_output=True)
        return done.returncode == 0

    eventually(answers, what="an answer for the next")
    assert host.has(VIP)


def refused(one: socket.socket) -> bool:
    """Whether the other end has closed."""
    try:
        one.setblocking(False)
        return one.recv(1) == b""
    except OSError:
        return False


# Started without what is needed.

LACKING = {
    "CAP_NET_RAW": ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"],
    "CAP_NET_ADMIN": ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"],
    "CAP_NET_ADMIN and CAP_NET_RAW": [
        "setpriv", "--bounding-set=-net_raw,-net_admin", "--inh-caps=-net_raw,-net_admin",
    ],
}  # fmt: skip


@pytest.mark.parametrize("lacking", LACKING)
def test_a_daemon_without_a_capability_does_not_start(host: Host, lacking: str) -> None:
    """Exit status 4, one line that names it, no script run and not a frame sent."""
    told = host.room / "told"
    touch = script(host, "touch", f"echo $@ >>{told}")
    before = f"global_defs {{\nscript_user root\nstartup_script {touch}\n}}\n"
    host.config.write_text(conf(f'notify "{touch}"', "priority 255", before=before))
    leftover = f"{VIP}/32"
    host.run("ip", "addr", "add", leftover, "dev", "eth0")
    heard = len(host.segment.wire.frames)
    command = [sys.executable, "-m", "vrrpd.cli", "-n", "-l", "-G", "-f", str(host.config)]
    done = subprocess.run(
        host.holder.inside(*LACKING[lacking], *command),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 4, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if "CAP_" in line]
    assert len(lines) == 1
    assert f"vrrpd needs {lacking} in its network" in lines[0]
    assert not told.exists()
    assert host.has(VIP)
    assert [f for f in host.segment.wire.frames[heard:] if f.is_advert or f.is_arp] == []


@other_users
def test_an_ordinary_user_cannot_start_it(host: Host, ordinary_user: OrdinaryUser) -> None:
    """It has no capability at all: exit status 4, and no notify script says MASTER."""
    told = host.room / "told"
    touch = script(host, "touch", f"echo $@ >>{told}")
    host.config.write_text(conf(f'notify "{touch}"', "priority 255"))
    host.config.chmod(0o644)
    command = [sys.executable, "-m", "vrrpd.cli", "-n", "-l", "-G", "-f", str(host.config)]
    done = subprocess.run(
        host.holder.inside(*ordinary_user.command(command)),
        capture_output=True,
        text=True,
        timeout=HUNG_S,
        cwd=REPOSITORY,
    )
    assert done.returncode == 4, done.stdout + done.stderr
    assert "vrrpd needs CAP_NET_ADMIN and CAP_NET_RAW" in done.stdout
    assert not told.exists()
