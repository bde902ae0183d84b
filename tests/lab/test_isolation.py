"""A lab leaves nothing behind, disturbs no program, and needs no root."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labs import Lab, LabError
from labs.emulation import network
from labs.sandbox import namespaces
from tests.lab.outside import INSIDE, READY, calm, no_more_than, picture, start
from tests.support import HUNG_S, LOGIN_PATH, REPOSITORY, OrdinaryUser, eventually


@contextmanager
def running(prefix: list[str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A lab in a process of its own, ready; killed at the end if the test has not done so."""
    process = start(READY, prefix)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready web1\n"
        yield process
    finally:
        world = descendants(process.pid)
        process.kill()
        process.communicate()
        eventually(lambda: not any(map(comm, world)), what="the end of its processes")


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, as far as this namespace sees them."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has just ended
    return [p for child in map(int, children) for p in (child, *descendants(child))]


def test_a_lab_starts_in_a_lab_in_a_lab() -> None:
    """Down there the only sysfs in sight is read-only, as in many containers."""
    program = 'from labs import Lab; print(sorted(Lab("empty").hosts))'
    nested = [*INSIDE, *INSIDE, *INSIDE, sys.executable, "-c", program]
    done = subprocess.run(nested, cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S)
    assert (done.stdout, done.returncode) == ("['client', 'web1', 'web2']\n", 0), done.stderr


def test_a_switch_that_cannot_start_is_an_error_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "unshare"
    fake.write_text(
        '#!/bin/sh\n[ "$1" != --net ] || { echo unshare: no >&2; exit 1; }\n'
        'exec /usr/bin/unshare "$@"\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    before = calm()
    with pytest.raises(LabError, match=r"cannot prepare switch s1: unshare: no; try `labs doctor`"):
        Lab("empty", beside=True)
    eventually(lambda: no_more_than(before), what="the end of the hosts that did start")


def test_an_interrupted_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its nodes start in threads, and go on starting while the interrupt is on its way."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = calm()
    monkeypatch.setattr(network, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Lab("empty", beside=True)
    eventually(lambda: no_more_than(before), what="the end of the nodes that were starting")


@pytest.mark.parametrize("victim", ["keeper", "init", "lab"])
def test_killing_any_of_its_processes_leaves_nothing(victim: str) -> None:
    before = calm()
    with running() as keeper:
        init = descendants(keeper.pid)[0]
        inside = descendants(init)[0]
        assert len(descendants(init)) > 10
        assert picture()["interfaces"] == before["interfaces"]
        assert picture()["mounts"] == before["mounts"]
        os.kill({"keeper": keeper.pid, "init": init, "lab": inside}[victim], signal.SIGKILL)
        keeper.wait(HUNG_S)
        eventually(lambda: no_more_than(before), what="the machine as it was before")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_keeper_ends_the_lab(number: signal.Signals) -> None:
    before = calm()
    with running() as keeper:
        keeper.send_signal(number)
        assert keeper.wait(HUNG_S) != 0
        eventually(lambda: no_more_than(before), what="the machine as it was before")


def test_a_lab_ends_with_the_program_that_started_it() -> None:
    before = calm()
    program = f"import subprocess; subprocess.run({[*INSIDE, sys.executable, '-c', READY]!r})"
    caller = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == "ready web1\n"
    caller.kill()
    caller.communicate()
    eventually(lambda: no_more_than(before), what="the machine as it was before")


def test_a_closed_lab_leaves_nothing() -> None:
    before = calm()
    with Lab("basic", daemon="keepalived", beside=True) as lab:
        lab.run("client", "sleep 5555 &")
        place = lab.directory
        shells = [Path(f"/proc/{host.pid}") for host in lab.hosts.values()]
    assert not [shell for shell in shells if shell.exists()]
    eventually(lambda: no_more_than(before), what="everything as it was before")
    assert not place.exists()
    with pytest.raises(LabError, match="this lab is closed: start another"):
        lab.unplug("web1")


def test_labs_of_two_processes_do_not_meet() -> None:
    with running() as one, running() as other:
        one.kill()
        one.wait(HUNG_S)
        assert len(programs(other.pid, "keepalived")) == 4
        # Left to the background, it may not have got as far when the lab says "ready".
        eventually(lambda: len(programs(other.pid, "sleep")) == 1)
        assert len(programs(other.pid, "keepalived")) == 4


def programs(keeper: int, name: str) -> list[int]:
    """The processes of a lab that are called so."""
    inits = [pid for pid in descendants(keeper) if comm(pid) == namespaces.INIT_NAME]
    return [pid for init in inits for pid in descendants(init) if comm(pid) == name]


def comm(pid: int) -> str:
    """The name of a process; "" if that has ended in the meantime."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_two_labs_in_one_process() -> None:
    with Lab("empty", beside=True) as one, Lab("empty", beside=True) as other:
        one.run("web1", "ip address add 192.168.1.10/32 dev eth0")
        one.wait_until(lambda: one.holders() == ["web1"])
        assert other.holders() == []
        one.unplug("web1")
        one.wait_until(lambda: not one.witness.carrier()["web1"])
        assert other.witness.carrier()["web1"]
        eventually(lambda: other.run("client", "ping -c 1 -W 1 web1").status == 0)


def test_a_new_lab_closes_the_one_before() -> None:
    with Lab("empty") as one, Lab("empty") as other:
        assert repr(one) == "<Lab 'empty', closed>"
        assert Lab.current() is other
    with pytest.raises(LabError, match="no lab is running here: run the cell above"):
        Lab.current()


def test_a_new_lab_closes_those_beside_the_one_before() -> None:
    with Lab("empty") as one, Lab("empty", beside=True) as other, Lab("empty") as last:
        assert repr(one) == repr(other) == "<Lab 'empty', closed>"
        assert Lab.current() is last


def test_an_ordinary_user_needs_no_root(ordinary_user: OrdinaryUser) -> None:
    before = calm()
    with running(ordinary_user.command([])):
        pass
    eventually(lambda: no_more_than(before), what="the machine as it was before")


def test_an_ordinary_user_sees_a_failover(ordinary_user: OrdinaryUser) -> None:
    program = f"""
from labs import Lab
with Lab("basic", daemon="keepalived") as lab:
    lab.wait_until(lambda: lab.holders() == ["web1"], {HUNG_S})
    lab.unplug("web1")
    lab.wait_until(lambda: lab.holders() == ["web2"], {HUNG_S})
    print(lab.timeline().takeovers[-1].to)
"""
    with start(program, ordinary_user.command([])) as process:
        assert process.communicate(timeout=HUNG_S)[0] == "web2\n"


def test_a_lab_outside_of_namespaces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(namespaces.VARIABLE)
    with pytest.raises(LabError, match=r"choose the notebook kernel 'VRRP Lab', or .*labs exec"):
        Lab("empty")


def test_the_exit_status_is_the_programs() -> None:
    for script, status in (("exit 7", 7), ("kill -KILL $$", 137), ("true", 0)):
        assert subprocess.run([*INSIDE, "sh", "-c", script]).returncode == status


@pytest.mark.parametrize("closed", [False, True], ids=["", "closed-folder-in-PATH"])
def test_a_program_that_is_missing_is_one_line(closed: bool, tmp_path: Path) -> None:
    tmp_path.chmod(0o000 if closed else 0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*INSIDE, "no-such-program"], capture_output=True, text=True, env=os.environ | path
    )
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "labs: cannot run no-such-program: No such file or directory\n"


def test_refused_namespaces_are_one_line_with_the_remedy() -> None:
    """A user namespace that allows no further ones is what a hardened machine looks like."""
    script = (
        "echo 0 >/proc/sys/user/max_user_namespaces && "
        'exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$@"'
    )
    harden = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "harden"]
    done = subprocess.run(
        [*harden, *INSIDE, "true"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "user.max_user_namespaces = 0" in done.stderr
    assert "`LAB_MODE=replay make lab`" in done.stderr
    assert "sudo make lab" not in done.stderr


def test_the_limits_of_the_machine_stay() -> None:
    """Mininet would raise them."""
    names = ("net/ipv4/tcp_rmem", "net/core/netdev_max_backlog", "fs/file-max", "kernel/pty/max")
    paths = [path for name in names if (path := Path("/proc/sys", name)).exists()]
    before = [path.read_text() for path in paths]
    with Lab("empty", beside=True):
        assert [path.read_text() for path in paths] == before


def test_the_topology_runs_under_plain_mininet() -> None:
    command = [
        # Out of its reach are the limits of the machine, which another test looks at.
        "sh", "-ec", 'mount -n -o bind,ro /proc/sys /proc/sys; exec "$@"', "mn",
        "mn", "--custom", "topologies/ha_pair.py", "--topo", "ha_pair",
        "--switch", "lxbr", "--controller", "none", "--test", "pingall",
    ]  # fmt: skip
    done = subprocess.run(
        [*INSIDE, *command], cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S
    )
    assert "0% dropped (6/6 received)" in done.stderr + done.stdout


def test_every_program_of_the_system_is_in_a_labs_path() -> None:
    """Debian's login PATH has no /sbin; what the caller has in front stays in front."""
    for path, first in ((LOGIN_PATH,) * 2, ("/first:/usr/sbin",) * 2, ("", "/usr/local")):
        told = subprocess.run(
            [
                *INSIDE,
                "/bin/sh",
                "-c",
                "echo $PATH; for each in ifconfig nft ip; do "
                "command -v $each >/dev/null || echo $each is missing; done",
            ],
            capture_output=True,
            text=True,
            check=True,
            cwd=REPOSITORY,
            env={"PATH": path},
        ).stdout.splitlines()
        assert told[0].startswith(first)
        assert told[1:] == []
        assert told[0].split(":").count("/usr/sbin") == 1
