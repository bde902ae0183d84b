"""The daemon as a process, on this very machine: each test asks the kernel what has become of it.

Every settling happens in a process of its own, so that no other test has to live with it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import HUNG_S, REPOSITORY
from vrrpd.config import loads
from vrrpd.config.globals import Globals
from vrrpd.linux.own_process import (
    LATE,
    UNLOCKED,
    PidFile,
    control_socket,
    enter,
    pid_file,
)

SETTLE = """
import json, os, resource, subprocess, sys
from vrrpd.config import loads
from vrrpd.journal import Log
from vrrpd.linux.own_process import Process
said = []
log = Log()
log.info = said.append
process = Process(log)
for text in sys.argv[1:]:
    process.settle(loads("global_defs {" + text + "}").config.globals)
LOCKED = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmLck")]
CHILD = "import os; print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))"
child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True).stdout
print(json.dumps({
    "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "policy": os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK,
    "real_time": os.sched_getparam(0).sched_priority,
    "limit": resource.getrlimit(resource.RLIMIT_RTTIME),
    "cpus": sorted(os.sched_getaffinity(0)),
    "locked": int(LOCKED[0]),
    "name": open("/proc/self/comm").read().strip(),
    "umask": os.umask(0),
    "child": child.split(),
    "said": said,
}))
"""


def settled(*texts: str) -> dict[str, Any]:
    """How a process looks after it has settled to these `global_defs`, one after the other."""
    command = [sys.executable, "-c", SETTLE, *(text.replace("; ", "\n") for text in texts)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S)
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def needs(number: int, why: str) -> None:
    """Skip unless we have this capability (its number) where it counts."""
    status = Path("/proc/self/status").read_text()
    mask = int(status.split("CapEff:")[1].split()[0], 16)
    initial = Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
    if not (mask >> number & 1 and initial):
        pytest.skip(f"optional: an ordinary user has no {why}")


def test_without_a_word_only_the_umask_changes() -> None:
    found = settled("")
    assert found["said"] == []
    assert found["nice"] == os.getpriority(os.PRIO_PROCESS, 0)
    assert found["real_time"] == 0
    assert found["cpus"] == sorted(os.sched_getaffinity(0))
    assert tuple(found["limit"]) == resource.getrlimit(resource.RLIMIT_RTTIME)
    assert found["umask"] == 0o177  # keepalived's default


@pytest.mark.parametrize(
    ("text", "value"),
    [("umask 022", 0o022), ("umask IWGRP|IWOTH", 0o022), ("umask 077", 0o077)],
)
def test_umask(text: str, value: int) -> None:
    assert settled(text)["umask"] == value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("process_name lonely", "lonely"),
        ("process_names", "keepalived_vrrp"),
        ("process_names; process_name parent", "keepalived_vrrp"),
        ("process_names; vrrp_process_name child", "child"),
        ("vrrp_process_name a_name_that_is_too_long", "a_name_that_is_"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert settled(text)["name"] == name


def test_a_name_that_is_taken_back() -> None:
    assert settled("process_name lonely", "")["name"] == settled("")["name"]


def test_being_nice() -> None:
    nicer = min(os.nice(0) + 3, 19)  # only root can be less nice than before
    assert settled(f"vrrp_priority {nicer}")["nice"] == nicer


def test_cpus() -> None:
    last = max(os.sched_getaffinity(0))
    assert settled(f"vrrp_cpu_affinity {last}")["cpus"] == [last]
    assert settled(f"vrrp_cpu_affinity {last}", "")["cpus"] == sorted(os.sched_getaffinity(0))


def test_a_cpu_that_does_not_exist_costs_a_line_in_the_log() -> None:
    found = settled("vrrp_cpu_affinity 4000; process_name other")
    assert found["said"] == ["vrrp_cpu_affinity is not in force: Invalid argument"]
    assert found["name"] == "other"


def test_a_limit_on_real_time_is_a_soft_one() -> None:
    """At a hard one the kernel kills, without a word."""
    hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
    assert settled("vrrp_rlimit_rttime 5000000")["limit"] == [5000000, hard]
    assert settled("vrrp_rlimit_rttime 5000000", "")["limit"] == settled("")["limit"]


BURST = """
import json, os, resource, sys, time
from vrrpd.config import loads
from vrrpd.journal import Log
from vrrpd.linux.own_process import Process
if sys.argv[1] == "limited":
    resource.setrlimit(resource.RLIMIT_RTTIME, (20000, 20000))
    os.setgid(65534)
    os.setuid(65534)
said, idle = [], []
log = Log()
log.info = said.append
process = Process(log)
process.later = idle.append
settings = "vrrp_rt_priority 20" + (sys.argv[1] == "keyword") * "\\n vrrp_rlimit_rttime 10000"
process.settle(loads("global_defs {\\n" + settings + "\\n}").config.globals)
def scheduled():
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
began = scheduled()
while time.process_time() < 10 and not said:
    sum(range(10000))
burst = scheduled()
for callback in idle:
    callback()
print(json.dumps([began, burst, scheduled(), said]))
"""


def burst(how: str) -> Any:
    command = [sys.executable, "-c", BURST, how]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_using_up_the_limit_is_reported_and_does_not_kill() -> None:
    needs(23, "CAP_SYS_NICE")
    if settled("vrrp_rt_priority 3")["said"]:
        pytest.skip("this machine has no real time for us")
    began, during, after, said = burst("keyword")
    assert (began, during, after) == (os.SCHED_RR, os.SCHED_OTHER, os.SCHED_RR)
    assert said == [LATE]


def test_no_real_time_where_the_kernel_would_kill() -> None:
    """LimitRTTIME= of a unit, or ulimit -R, and no right to raise it."""
    needs(7, "CAP_SETUID")
    began, _, _, said = burst("limited")
    assert began == os.SCHED_OTHER
    assert said == ["vrrp_rt_priority is not in force: RLIMIT_RTTIME kills after 20000 "
                    "microseconds; raise it"]  # fmt: skip


def test_memory_is_locked_no_further_than_later_allocations_allow() -> None:
    code = """
import json, resource, sys
most = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))
if sys.argv[1] == "other":
    import os
    os.setgid(65534)
    os.setuid(65534)
from vrrpd.config import loads
from vrrpd.journal import Log
from vrrpd.linux.own_process import Process
said = []
log = Log()
log.info = said.append
Process(log).settle(loads("global_defs {\\n vrrp_no_swap\\n}").config.globals)
more = bytearray(most + (50 << 20))
print(json.dumps(said))
"""
    needs(7, "CAP_SETUID")
    most, hard = 256 << 20, resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    refused = "vrrp_no_swap is not in force: Cannot allocate memory"
    said = [UNLOCKED.format(most)] if most > 100 << 20 else [refused]
    for who, line in (("root", []), ("other", said)):
        command = [sys.executable, "-c", code, who, str(most)]
        done = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout) == line


def test_real_time_and_the_scripts_have_no_part_in_it() -> None:
    needs(23, "CAP_SYS_NICE")
    found = settled("vrrp_rt_priority 3; vrrp_priority -4")
    if found["said"]:
        pytest.skip(f"this machine has no real time for us: {found['said']}")
    assert (found["policy"], found["real_time"]) == (os.SCHED_RR, 3)
    assert found["nice"] == -4
    assert found["child"] == [str(os.SCHED_OTHER), "0"]
    back = settled("vrrp_rt_priority 3; vrrp_priority -4", "")
    assert (back["policy"], back["real_time"]) == (os.SCHED_OTHER, 0)


def test_in_memory_and_out_of_it() -> None:
    needs(14, "CAP_IPC_LOCK")
    assert settled("vrrp_no_swap")["locked"] > 0
    assert settled("vrrp_no_swap", "")["locked"] == 0


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "/run/vrrpd.pid"),
        ("use_pid_dir", "/run/keepalived/vrrpd.pid"),
        ("instance blue", "/run/keepalived/vrrpd_blue.pid"),
        ("use_pid_dir\ninstance blue", "/run/keepalived/vrrpd_blue.pid"),
        ("net_namespace red", "/run/keepalived/red/vrrpd.pid"),
        ("net_namespace red\ninstance blue", "/run/keepalived/red/vrrpd_blue.pid"),
    ],
)
def test_pid_files(text: str, path: str) -> None:
    assert pid_file(loads(text).config.globals) == path


def test_the_control_socket_is_beside_the_pid_file() -> None:
    assert control_socket(Globals()) == "/run/vrrpd.sock"
    named = loads("net_namespace red\ninstance blue").config.globals
    assert control_socket(named) == "/run/keepalived/red/vrrpd_blue.sock"


def test_a_pid_file_is_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "new" / "vrrpd.pid"
    before = os.umask(0o077)
    try:
        PidFile(str(path)).write()
    finally:
        os.umask(before)
    assert path.read_text() == f"{os.getpid()}\n"
    assert path.stat().st_mode & 0o777 == 0o644


def test_of_two_daemons_one_gets_the_pid_file(tmp_path: Path) -> None:
    """From before the first packet until the process ends, however it ends."""
    path = str(tmp_path / "vrrpd.pid")
    claim = (
        "import sys; from vrrpd.linux.own_process import PidFile; one = PidFile(sys.argv[1]);"
        " print(one.claim(), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", claim, path]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "True\n"
        second = subprocess.run(command, input="", capture_output=True, text=True, check=True)
        assert second.stdout == "False\n"
        first.kill()
    third = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    assert third.stdout == "True\n"


def test_a_pid_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "vrrpd.pid"
    target.write_text("precious")
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        PidFile(str(path)).write()
    assert target.read_text() == "precious"


def test_a_pid_file_of_another_daemon_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "vrrpd.pid"
    own = PidFile(str(path))
    own.write()
    path.unlink()
    path.write_text("1\n")
    own.remove()
    assert path.read_text() == "1\n"
    path.unlink()
    own.remove()


@pytest.mark.parametrize("name", ["", ".", "..", "../netns/a", "no-such-namespace"])
def test_a_namespace_that_cannot_be_entered(name: str) -> None:
    before = os.stat("/proc/self/ns/net").st_ino
    with pytest.raises(OSError):  # noqa: PT011
        enter(name)
    assert os.stat("/proc/self/ns/net").st_ino == before


def test_the_settings_without_any_keyword() -> None:
    assert pid_file(Globals()) == "/run/vrrpd.pid"
