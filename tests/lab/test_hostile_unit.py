"""The systemd unit: a good grade, and everything that vrrpd does is still allowed.

The grade is systemd's own; the system calls are those of a real life, seen by strace(1), held
against what the unit's SystemCallFilter= lets through.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.interop.segment import Segment
from tests.lab.hardship import RELOADED, VIP, conf
from tests.support import REPOSITORY, eventually

UNIT = REPOSITORY / "packaging" / "vrrpd.service"
GOOD = 4.9  # what systemd-analyze calls OK; 10 is everything, 0 is nothing
STRICT = UNIT.with_name("vrrpd.service.d") / "no-scripts.conf"
BETTER = 3.0

analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="optional: systemd-analyze is not installed"
)
strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="optional: strace is not installed"
)


def settings() -> dict[str, list[str]]:
    """Every line of [Service]; a setting may be there more than once."""
    lines = UNIT.read_text().partition("[Service]")[2].partition("[Install]")[0].splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@analyze
@pytest.mark.parametrize(("parts", "most"), [([UNIT], GOOD), ([UNIT, STRICT], BETTER)])
def test_the_grade(tmp_path: Path, parts: list[Path], most: float) -> None:
    """Of the unit, and of the unit with the drop-in for those who have no scripts."""
    unit = tmp_path / "vrrpd.service"
    unit.write_text("\n".join(part.read_text() for part in parts))
    # It makes /run/systemd, which an ordinary user may not where systemd has not been started.
    own_run = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh"]
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run([*own_run, *command], capture_output=True, text=True)
    grade = re.search(r"Overall exposure level for vrrpd.service: ([\d.]+) ", said.stdout)
    assert grade, said
    assert float(grade[1]) <= most, said


def test_the_bounding_set_is_what_the_daemon_may_ask_for() -> None:
    from vrrpd.linux.capabilities import NUMBERS

    [allowed] = settings()["CapabilityBoundingSet"]
    assert set(allowed.split()) == {f"CAP_{name}" for name in NUMBERS}


@cache
def group(name: str) -> frozenset[str]:
    """The system calls in a group of systemd's, the groups in it included."""
    command = ["systemd-analyze", "syscall-filter", name]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = [line.strip() for line in said.splitlines()[1:] if not line.strip().startswith("#")]
    found: set[str] = set()
    for word in filter(None, words):
        found |= group(word) if word.startswith("@") else {word}
    return frozenset(found)


def allowed() -> set[str]:
    """What the unit's filter lets through."""
    found: set[str] = set(group("@default"))
    for line in settings()["SystemCallFilter"]:
        named = set[str]().union(*(group(word) for word in line.removeprefix("~").split()))
        found = found - named if line.startswith("~") else found | named
    return found


@analyze
@strace
def test_all_that_vrrpd_does_is_allowed(pair: Segment) -> None:
    """A life with scripts, a FIFO, a tracked file and process, virtual MAC, dumps and a reload."""
    host = pair[0]
    trace = host.room / "trace"
    before = (
        f"global_defs {{\nscript_user root\nvrrp_notify_fifo {host.room}/fifo\n"
        "vrrp_priority -5\nvrrp_rt_priority 10\nvrrp_no_swap\nvrrp_cpu_affinity 0\n}\n"
        'vrrp_script chk {\nscript "/usr/bin/true"\ninterval 1\n}\n'
        f"track_file level {{\nfile {host.room}/level\ninit_file 0\n}}\n"
        "vrrp_track_process me {\nprocess sleep\nquorum 0\n}\n"
    )
    words = (
        "use_vmac",
        "vmac_xmit_base",
        "track_script {\nchk\n}",
        "track_file {\nlevel\n}",
        f'notify "{host.script}"',
    )
    host.environment = {"TMPDIR": str(host.room)}
    inside = host.holder.inside
    host.holder.inside = lambda *command: inside(  # type: ignore[method-assign]
        "strace", "-qq", "-o", str(trace), "-e", "trace=all", *command
    )
    host.start("vrrpd", conf(150, *words, before=before))
    host.holder.inside = inside  # type: ignore[method-assign]
    pair.wait(lambda: host.has(VIP), "MASTER")
    pid = int((host.room / "pid").read_text())
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
        os.kill(pid, number)
    pair.wait(lambda: RELOADED in host.text(), "the reload")
    os.kill(pid, signal.SIGTERM)
    eventually(host.ended, what="the end")
    host.daemon = None
    calls = set(re.findall(r"^(\w+)\(", trace.read_text(errors="replace"), re.M))
    assert {"socket", "capset", "timerfd_settime", "sched_setscheduler", "mlockall"} <= calls
    assert calls - allowed() == set()


def test_the_unit_can_be_read() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(UNIT)
    assert unit["Service"]["ExecStart"].startswith("/usr/bin/vrrpd --dont-fork")
