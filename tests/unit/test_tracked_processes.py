"""`vrrp_track_process`: who counts, how many, how long.  Virtual time."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from labs.simulation.lan import Lan
from labs.simulation.machine import SimulatedHost
from tests.cluster import conf, prepared, router, state, states
from tests.support import HUNG_S
from vrrpd.config.model import TrackProcess
from vrrpd.fsm import SECOND
from vrrpd.journal import Log
from vrrpd.linux.loop import Loop
from vrrpd.linux.process_table import (
    COMM,
    EXEC,
    EXIT,
    FORK,
    ProcessTable,
    acknowledged,
    decode,
    request,
)
from vrrpd.ports import Process
from vrrpd.tracking.processes import matches


def process(*argv: str, name: str | None = None) -> Process:
    return Process(7, (name or argv[0].rpartition("/")[2])[:15], argv)


NGINX = process("/usr/sbin/nginx", "-g", "daemon off;")


@pytest.mark.parametrize(
    ("words", "whom", "counts"),
    [
        ({"process": "nginx"}, NGINX, True),
        ({"process": "/usr/sbin/nginx"}, NGINX, False),
        ({"process": "ngin"}, NGINX, False),
        ({"process": "a-very-long-name-indeed"}, process("a-very-long-name-indeed"), True),
        ({"process": "/usr/sbin/nginx", "full_command": True}, NGINX, True),
        ({"process": "nginx", "full_command": True}, NGINX, False),
        ({"process": "x", "full_command": True}, Process(7, "x"), False),
    ],
)
def test_names(words: dict[str, object], whom: Process, counts: bool) -> None:
    assert matches(TrackProcess(name="p", **words), whom) is counts  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("match", "exact", "more", "begun", "fewer", "other"),
    [
        ("exact", True, False, False, False, False),
        ("partial", True, True, False, False, False),
        ("initial", True, True, True, False, False),
    ],
)
def test_arguments(
    match: str, exact: bool, more: bool, begun: bool, fewer: bool, other: bool
) -> None:
    config = TrackProcess(name="p", process="/p", params=("-a", "b"), param_match=match)  # type: ignore[arg-type]
    found = [
        matches(config, process("/p", *arguments))
        for arguments in (("-a", "b"), ("-a", "b", "c"), ("-a", "bc"), ("-a",), ("-x", "b"))
    ]
    assert found == [exact, more, begun, fewer, other]


def tracking(*words: str) -> str:
    body = "\n".join(("process nginx", *words))
    tracks = "track_process {\n web\n}"
    return f"vrrp_track_process web {{\n{body}\n}}\n" + conf(100, tracks)


def start(text: str, running: int = 0) -> tuple[Lan, list[int]]:
    """One host on which so many nginx run before the daemon starts."""
    pids: list[int] = []

    def spawn_all(host: SimulatedHost) -> None:
        pids.extend(host.workload.spawn("/usr/sbin/nginx") for _ in range(running))

    return prepared(text, spawn_all), pids


def spawn(lan: Lan, *argv: str) -> int:
    pid = lan.machines["one"].workload.spawn(*(argv or ("/usr/sbin/nginx",)))
    lan.run(0)
    return pid


def end(lan: Lan, pid: int) -> None:
    lan.machines["one"].workload.end(pid)
    lan.run(0)


def test_no_such_process_is_fault_and_its_start_ends_it() -> None:
    lan, _ = start(tracking())
    assert states(lan, "one") == ["FAULT"]
    why = "tracked process web: 0 running, at least 1 wanted"
    assert router(lan, "one").current.why == why
    spawn(lan, "/bin/other")
    assert state(lan, "one") == "FAULT"
    pid = spawn(lan)
    assert state(lan, "one") == "BACKUP"
    end(lan, pid)
    assert state(lan, "one") == "FAULT"
    assert "Quorum lost for tracked process web" in lan.logs["one"].lines


@pytest.mark.parametrize(
    ("words", "up"),
    [
        ((), [False, True, True, True, True]),
        (("quorum 2",), [False, False, True, True, True]),
        (("quorum 2", "quorum_max 3"), [False, False, True, True, False]),
        (("quorum_max 0",), [True, False, False, False, False]),
        (("quorum_max 1",), [False, True, False, False, False]),
    ],
)
def test_quorum(words: tuple[str, ...], up: list[bool]) -> None:
    for count, expected in enumerate(up):
        lan, _ = start(tracking(*words), running=count)
        assert (state(lan, "one") == "BACKUP") is expected, count
    lan, _ = start(tracking(*words))
    seen = [state(lan, "one") != "FAULT"]
    pids = []
    for _ in up[1:]:
        pids.append(spawn(lan))
        seen.append(state(lan, "one") != "FAULT")
    assert seen == up
    for pid, expected in zip(pids, up[-2::-1], strict=True):
        end(lan, pid)
        assert (state(lan, "one") != "FAULT") is expected


def test_delays_make_a_change_last_before_it_counts() -> None:
    lan, pids = start(tracking("fork_delay 2", "terminate_delay 3"), running=1)
    assert state(lan, "one") == "BACKUP", "no delay at the start"
    end(lan, pids[0])
    lan.run(2.9)
    assert state(lan, "one") != "FAULT"
    lan.run(0.2)
    assert state(lan, "one") == "FAULT"
    spawn(lan)
    lan.run(1.9)
    assert state(lan, "one") == "FAULT"
    lan.run(0.2)
    assert state(lan, "one") == "BACKUP"


def test_a_restart_within_the_delay_is_not_noticed() -> None:
    lan, pids = start(tracking("terminate_delay 3"), running=1)
    lan.run(5)
    end(lan, pids[0])
    lan.run(2)
    again = spawn(lan)
    lan.run(5)
    assert "FAULT" not in states(lan, "one")
    end(lan, again)
    lan.run(2.9)
    assert "FAULT" not in states(lan, "one"), "the delay begins again"


def test_a_reload_counts_again_and_reports_nothing() -> None:
    lan, pids = start(tracking(), running=1)
    lan.run(5)
    before = states(lan, "one")
    more = "vrrp_track_process db {\n process postgres\n quorum_max 0\n}\n"
    lan.conf("one", more + tracking().replace("\n web\n", "\n web\n db\n"))
    lan.reload("one")
    lan.run(1)
    assert states(lan, "one") == before
    spawn(lan, "/usr/bin/postgres")
    assert state(lan, "one") == "FAULT"
    lan.conf("one", conf(100))
    lan.reload("one")
    assert state(lan, "one") == "BACKUP"
    assert lan.machines["one"].workload.watcher is None
    end(lan, pids[0])


# The kernel's process connector, byte by byte (linux/cn_proc.h).


def report(what: int, *words: int) -> bytes:
    body = struct.pack("=IIQ", what, 0, 0) + struct.pack(f"={len(words)}I", *words)
    inner = struct.pack("=IIIIHH", 1, 1, 0, 0, len(body), 0) + body.ljust(40, b"\0")
    return struct.pack("=IHHII", 16 + len(inner), 3, 0, 0, 0) + inner


def test_reports_of_processes_are_understood_and_those_of_threads_left_out() -> None:
    assert decode(report(FORK, 10, 10, 20, 20)) == (FORK, 20, 10)
    assert decode(report(FORK, 10, 10, 21, 20)) is None
    assert decode(report(EXEC, 20, 20)) == (EXEC, 20, 0)
    assert decode(report(COMM, 20, 20)) == (COMM, 20, 0)
    assert decode(report(EXIT, 20, 20, 0, 17)) == (EXIT, 20, 0)
    assert decode(report(EXIT, 21, 20, 0, 17)) is None
    assert decode(report(4, 20, 20)) is None
    assert decode(report(EXEC, 20, 20)[:50]) is None


def test_the_kernels_answer_to_our_request() -> None:
    assert acknowledged(report(0, 0)) == 0
    assert acknowledged(report(0, 1)) == 1
    assert acknowledged(b"") != 0
    assert len(request(1)) == 16 + 20 + 4


class FirstFails:
    """A ProcessWatcher that raises at the first process."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def process_seen(self, process: Process) -> None:
        self.seen.append(process.name)
        if len(self.seen) == 1:
            raise LookupError

    def process_gone(self, pid: int) -> None:
        pass


def test_processes_are_looked_for_again_after_a_failure(tmp_path: Path) -> None:
    errors: list[BaseException] = []
    loop, watcher = Loop(errors.append), FirstFails()
    table = ProcessTable(loop, Log(), connector=False, proc=str(tmp_path))
    table.watch(watcher)
    for pid, name in ((5, "one"), (6, "two")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_bytes(b"")
        (tmp_path / str(pid) / "stat").write_text(f"{pid} ({name}) S")
        loop.run_until(lambda name=name: name in watcher.seen, HUNG_S * SECOND)  # type: ignore[misc]
    assert watcher.seen == ["one", "two"]
    assert [type(error) for error in errors] == [LookupError]
    table.close()
    loop.close()
