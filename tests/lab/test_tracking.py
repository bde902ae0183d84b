"""Trackers and sync groups on the real machine: real scripts, files, processes and interfaces.

Each behaviour that keepalived has is asked of both daemons, so that what vrrpd does is what
keepalived does; track_process is vrrpd's alone here, because a namespace has no process events.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.segment import NO_SCRIPTS, Host, may_change_groups
from tests.interop.versions import expected
from tests.support import eventually

VIP = "192.168.1.10"


@pytest.fixture
def _scripts(any_daemon: str) -> None:
    """Skip the test if this daemon cannot run scripts here."""
    if any_daemon == "keepalived" and not may_change_groups():
        pytest.skip(NO_SCRIPTS)


runs_scripts = pytest.mark.usefixtures("_scripts")


def instance(host: Host, *words: str, name: str = "VI_1", vrid: int = 51, vip: str = VIP) -> str:
    """A quick instance (version 3, 4 advertisements a second) that reports its states."""
    lines = ["interface eth0", f"virtual_router_id {vrid}", "priority 100", "version 3",
             "advert_int 0.25", f'notify "{host.script}"', *words,
             f"virtual_ipaddress {{\n {vip}\n}}"]  # fmt: skip
    return f"vrrp_instance {name} {{\n" + "\n".join(lines) + "\n}\n"


def defaults() -> str:
    return "global_defs {\n script_user root\n}\n"


def script(host: Host, name: str, body: str) -> Path:
    path = host.room / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def master(host: Host, vip: str = VIP) -> None:
    eventually(lambda: host.has(vip), what=f"MASTER:\n{host.text()}")
    # The scripts are called after the addresses are there, and take their time.
    eventually(lambda: last(host) == "MASTER", what=f"its notification:\n{host.text()}")


def fault(host: Host, name: str = "VI_1") -> None:
    eventually(lambda: last(host, name) == "FAULT", what=f"FAULT of {name}:\n{host.text()}")
    eventually(lambda: not host.virtual(), what="the addresses to be gone")


def last(host: Host, name: str = "VI_1") -> str:
    """The state last notified for an instance."""
    states = [call.split()[1] for call in host.calls() if call.startswith(f"{name} ")]
    return states[-1] if states else ""


def log_has(host: Host, text: str) -> None:
    eventually(lambda: text in host.text(), what=f"{text!r} in the log:\n{host.text()}")


# Scripts.


@runs_scripts
def test_a_script_that_fails_and_recovers(host: Host, any_daemon: str) -> None:
    flag = host.room / "broken"
    check = script(host, "chk", f"test ! -e {flag}")
    block = f'vrrp_script chk {{\n script "{check}"\n interval 1\n timeout 20\n fall 2\n}}\n'
    host.start(any_daemon, defaults() + block + instance(host, "track_script {\n chk\n}"))
    master(host)
    flag.touch()
    fault(host)
    flag.unlink()
    master(host)
    text = host.text()
    assert "VRRP_Script(chk) succeeded" in text
    assert "VRRP_Script(chk) failed (exited with status 1)" in text
    assert "Script `chk` now returning 1" in text
    expected = ["VI_1 MASTER", "VI_1 FAULT", "VI_1 BACKUP", "VI_1 MASTER"]
    eventually(lambda: host.calls()[-4:] == expected, what=f"{expected}, not {host.calls()}")
    if any_daemon == "vrrpd":
        assert "tracked script chk failed (exit 1, 2 of 2)" in text


@runs_scripts
def test_a_script_that_hangs_is_ended_with_all_it_has_started(host: Host, any_daemon: str) -> None:
    """SIGTERM goes to the process group: the grandchild dies too."""
    pid = host.room / "pid of sleep"
    check = script(host, "chk", f"sleep 300 &\necho $! >'{pid}'\nwait")
    block = f'vrrp_script chk {{\n script "{check}"\n interval 60\n timeout 5\n}}\n'
    host.start(any_daemon, defaults() + block + instance(host, "track_script {\n chk\n}"))
    log_has(host, "VRRP_Script(chk) timed_out")
    fault(host)
    number = pid.read_text().strip()
    eventually(lambda: not alive(number), what=f"the end of {number}")


def test_a_script_that_ignores_sigterm_is_killed(host: Host) -> None:
    pid = host.room / "number"
    check = script(host, "chk", f"trap '' TERM\necho $$ >{pid}\nwhile :; do sleep 0.1; done")
    block = f'vrrp_script chk {{\n script "{check}"\n interval 60\n timeout 5\n}}\n'
    host.start("vrrpd", defaults() + block + instance(host, "track_script {\n chk\n}"))
    log_has(host, "tracked script chk failed (no result within 5 s, first result)")
    number = pid.read_text().strip()
    eventually(lambda: not alive(number), what=f"the end of {number}")


def test_a_script_that_is_ended_by_a_signal_or_is_not_there(host: Host) -> None:
    check = script(host, "chk", "kill -KILL $$")
    blocks = f'vrrp_script chk {{\n script "{check}"\n}}\n'
    blocks += f'vrrp_script none {{\n script "{host.room}/none"\n}}\n'
    tracks = "track_script {\n chk weight 1\n none weight 1\n}"
    host.start("vrrpd", defaults() + blocks + instance(host, tracks))
    log_has(host, "VRRP_Script(chk) failed (due to signal 9)")
    log_has(host, "Disabling track script none since not found/accessible: it counts as failed")
    master(host)


def test_a_router_whose_check_is_not_there_is_not_master(host: Host) -> None:
    block = f'vrrp_script none {{\n script "{host.room}/none"\n}}\n'
    host.start("vrrpd", defaults() + block + instance(host, "track_script {\n none\n}"))
    log_has(host, "tracked script none failed (not started: Script")
    fault(host)


@runs_scripts
def test_a_redirection_instead_of_a_program(host: Host, any_daemon: str) -> None:
    """As in the samples: a file that can be opened is success; /bin/sh tries it."""
    flag = host.room / "up"
    flag.touch()
    block = f'vrrp_script chk {{\n script "<{flag}"\n interval 1\n timeout 20\n}}\n'
    host.start(any_daemon, defaults() + block + instance(host, "track_script {\n chk\n}"))
    master(host)
    flag.unlink()
    fault(host)


def test_a_script_that_writes_megabytes_does_not_block(host: Host) -> None:
    check = script(host, "chk", "head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2")
    block = f'vrrp_script chk {{\n script "{check}"\n timeout 30\n}}\n'
    host.start("vrrpd", defaults() + block + instance(host, "track_script {\n chk\n}"))
    master(host)


@runs_scripts
def test_a_weight_moves_the_priority(host: Host, any_daemon: str) -> None:
    flag = host.room / "broken"
    check = script(host, "chk", f"test ! -e {flag}")
    block = f'vrrp_script chk {{\n script "{check}"\n interval 1\n timeout 20\n weight -20\n}}\n'
    host.start(any_daemon, defaults() + block + instance(host, "track_script {\n chk\n}"))
    master(host)
    flag.touch()
    log_has(host, "(VI_1) Changing effective priority from 100 to 80")
    flag.unlink()
    log_has(host, "(VI_1) Changing effective priority from 80 to 100")
    assert "VI_1 FAULT" not in host.calls()


@runs_scripts
def test_results_survive_a_reload_without_a_flap(host: Host, any_daemon: str) -> None:
    check = script(host, "chk", "exit 0")
    # A script that takes long to start on a busy machine has not failed.
    block = f'vrrp_script chk {{\n script "{check}"\n interval 1\n timeout 30\n}}\n'
    config = defaults() + block + instance(host, "track_script {\n chk\n}")
    host.start(any_daemon, config)
    master(host)
    before = host.calls()
    slow = script(host, "slow", "sleep 2; exit 0")
    host.reload(config.replace(str(check), str(slow)).replace("interval 1", "interval 5"))
    remembers = any_daemon == "vrrpd" or expected().remembers_changed_scripts
    sign = "considered successful on reload" if remembers else "Reload complete"
    log_has(host, sign)
    log_has(host, "Reload complete")  # keepalived may lose a SIGHUP that comes before
    runs = host.text().count(sign)
    host.reload(config)
    eventually(lambda: host.text().count(sign) > runs, what="the second reload")
    assert host.has(VIP)
    assert host.calls() == before


# Files.


def write(path: Path, text: str) -> None:
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    new = path.with_name("new")
    new.write_text(text)
    new.rename(path)


@pytest.mark.parametrize("how", [write, replace])
def test_a_file_moves_the_priority(
    host: Host, any_daemon: str, how: Callable[[Path, str], None]
) -> None:
    path = host.room / "load"
    block = f"track_file load {{\n file {path}\n weight 2\n}}\n"
    host.start(any_daemon, block + instance(host, "track_file {\n load\n}"))
    master(host)
    how(path, "10\n")
    log_has(host, "(VI_1) Changing effective priority from 100 to 120")
    how(path, "-5\n")
    log_has(host, "(VI_1) Changing effective priority from 120 to 90")
    path.unlink()
    log_has(host, "(VI_1) Changing effective priority from 90 to 100")


def test_a_file_without_weight_is_fault(host: Host, any_daemon: str) -> None:
    path = host.room / "broken"
    block = f"track_file broken {{\n file {path}\n weight 0\n init_file 0\n}}\n"
    host.start(any_daemon, block + instance(host, "track_file {\n broken\n}"))
    master(host)
    assert path.read_text() == "0\n"
    path.write_text("1\n")
    fault(host)
    path.write_text("0\n")
    master(host)


def test_a_directory_that_appears_later(host: Host) -> None:
    path = host.room / "later" / "load"
    block = f"track_file load {{\n file {path}\n}}\n"
    host.start("vrrpd", block + instance(host, "track_file {\n load\n}"))
    master(host)
    path.parent.mkdir()
    path.write_text("7")
    log_has(host, "(VI_1) Changing effective priority from 100 to 107")
    path.unlink()
    log_has(host, "(VI_1) Changing effective priority from 107 to 100")
    path.parent.rmdir()
    path.parent.mkdir()
    path.write_text("8")
    log_has(host, "(VI_1) Changing effective priority from 100 to 108")


# Processes.


def alive(pid: str | int) -> bool:
    """Whether a process runs and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that end with the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        one.kill()
        one.wait()


def test_a_process_that_starts_and_ends(
    host: Host, processes: list[subprocess.Popen[bytes]]
) -> None:
    program = host.room / "worker"
    os.symlink("/bin/sleep", program)
    block = f"vrrp_track_process worker {{\n process {program} 1000\n quorum 2\n}}\n"
    host.start("vrrpd", block + instance(host, "track_process {\n worker\n}"))
    eventually(lambda: last(host) == "FAULT", what=host.text())
    log_has(host, "tracked process worker: 0 running, at least 2 wanted")
    for arguments in ("1000", "999", "1000"):
        processes.append(subprocess.Popen([str(program), arguments]))
    master(host)
    processes[1].kill()
    os.kill(processes[0].pid, signal.SIGKILL)  # not waited for: a zombie has ended
    fault(host)
    log_has(host, "tracked process worker: 1 running, at least 2 wanted")


# Interfaces.


def add_interface(host: Host, address: str | None = None) -> None:
    """Another interface, eth1, with its cable plugged in."""
    host.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "far")
    if address is not None:
        host.run("ip", "addr", "add", address, "dev", "eth1")
    host.run("ip", "link", "set", "far", "up")
    host.run("ip", "link", "set", "eth1", "up")


def test_a_tracked_interface_and_one_that_is_deleted_and_made_again(
    host: Host, any_daemon: str
) -> None:
    add_interface(host)
    config = "global_defs {\n dynamic_interfaces\n}\n"
    host.start(any_daemon, config + instance(host, "track_interface {\n eth1\n}"))
    master(host)
    host.run("ip", "link", "set", "far", "down")
    fault(host)
    host.run("ip", "link", "set", "far", "up")
    master(host)
    host.run("ip", "link", "set", "eth1", "down")
    fault(host)
    host.run("ip", "link", "set", "eth1", "up")
    master(host)
    host.run("ip", "link", "delete", "eth1")
    fault(host)
    add_interface(host)
    master(host)


def test_the_instances_own_interface_vanishes_and_returns(host: Host, any_daemon: str) -> None:
    """The socket of an interface that is gone is of no use to the one that returns."""
    add_interface(host, "192.168.2.11/24")
    config = instance(host).replace("interface eth0", "interface eth1")
    host.start(any_daemon, "global_defs {\n dynamic_interfaces\n}\n" + config)
    master(host)
    host.run("ip", "link", "delete", "eth1")
    fault(host)
    add_interface(host, "192.168.2.11/24")
    master(host)


# Groups.


@runs_scripts
def test_a_group_moves_as_one(host: Host, any_daemon: str) -> None:
    flag = host.room / "broken"
    check = script(host, "chk", f"test ! -e {flag}")
    block = f'vrrp_script chk {{\n script "{check}"\n interval 1\n timeout 20\n}}\n'
    config = defaults() + block
    config += instance(host, "track_script {\n chk\n}")
    config += instance(host, name="VI_2", vrid=52, vip="192.168.1.20")
    config += "vrrp_sync_group VG_1 {\n group {\n  VI_1\n  VI_2\n }\n"
    host.start(any_daemon, config + f' notify "{host.script}"\n}}\n')
    master(host)
    master(host, "192.168.1.20")
    flag.touch()
    names = ("VI_1", "VI_2", "VG_1")  # each has a script of its own, and they overtake each other
    eventually(lambda: {last(host, name) for name in names} == {"FAULT"}, what=host.text())
    flag.unlink()
    eventually(lambda: {last(host, name) for name in names} == {"MASTER"}, what=host.text())
    assert host.virtual() == {VIP, "192.168.1.20"}
    log_has(host, "VRRP_Group(VG_1) Syncing instances to FAULT state")
    for name in names:
        states = [call.split()[1] for call in host.calls() if call.startswith(f"{name} ")]
        assert states == ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"], host.calls()
