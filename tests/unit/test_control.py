"""The Unix socket behind vrrpctl: every answer, and every client that does not behave."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import advert, cluster, conf, inject
from tests.support import HUNG_S
from vrrpd.control import CLIENTS, Control
from vrrpd.fsm import SECOND
from vrrpd.linux.loop import Loop


class ControlledDaemon:
    """A daemon in memory behind a real socket; `errors` are the loop's."""

    def __init__(self, room: Path) -> None:
        self.lan = cluster(one=conf(150))
        self.lan.run(5)
        self.daemon = self.lan.daemons["one"]
        self.path = str(room / "vrrpd.sock")
        self.errors: list[BaseException] = []
        self.loop = Loop(self.errors.append)
        self.control = Control(self.path, self.loop, self.daemon, self.daemon.journal)
        self.open: list[socket.socket] = []

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(0)
        client.connect(self.path)
        self.open.append(client)
        return client

    def until(self, done: Any) -> None:
        self.loop.run_until(done, HUNG_S * SECOND)
        assert done()

    def lines(self, client: socket.socket, count: int = 1) -> list[dict[str, Any]]:
        """The next `count` answers."""
        data = bytearray()

        def enough() -> bool:
            try:
                while chunk := client.recv(65536):
                    data.extend(chunk)
            except BlockingIOError:
                pass
            return data.count(b"\n") >= count

        self.loop.call_at(0, lambda: None)
        while not enough():
            self.loop.call_at(self.loop.now() + SECOND // 100, lambda: None)
            self.loop.run_until(enough, HUNG_S * SECOND)
        return [json.loads(line) for line in data.splitlines()]

    def ask(self, **request: Any) -> dict[str, Any]:
        client = self.connect()
        client.send(json.dumps(request).encode() + b"\n")
        return self.lines(client)[0]

    def hung_up(self, client: socket.socket) -> bool:
        """Whether the daemon has ended the connection."""
        try:
            return client.recv(1 << 20) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True

    def close(self) -> None:
        for client in self.open:
            client.close()
        self.control.close()
        self.loop.close()


@pytest.fixture
def controlled(tmp_path: Path) -> Iterator[ControlledDaemon]:
    controlled = ControlledDaemon(tmp_path)
    yield controlled
    controlled.close()
    assert controlled.errors == []


def test_status(controlled: ControlledDaemon) -> None:
    answer = controlled.ask(command="status")
    assert answer["ok"] is True
    assert answer["result"][0]["state"] == "MASTER"


def test_why(controlled: ControlledDaemon) -> None:
    assert [line["to"] for line in controlled.ask(command="why")["result"]] == ["BACKUP", "MASTER"]
    assert controlled.ask(command="why", name="VI_1") == controlled.ask(command="why")
    answer = controlled.ask(command="why", name="VI_9")
    assert answer["ok"] is False
    assert "VI_9" in answer["error"]
    assert "VI_1" in answer["error"]


def test_stats(controlled: ControlledDaemon) -> None:
    assert controlled.ask(command="stats")["result"][0]["advertisement-sent"] == 2


def test_reload(controlled: ControlledDaemon) -> None:
    assert controlled.ask(command="reload") == {"ok": True, "result": True}
    controlled.lan.conf("one", "vrrp_instance VI_1 {\n interface eth0\n}\n")
    assert controlled.ask(command="reload") == {"ok": True, "result": False}


def test_watch_shows_the_journal_as_it_is_written(controlled: ControlledDaemon) -> None:
    client = controlled.connect()
    client.send(b'{"command": "watch"}\n')
    assert controlled.lines(client) == [{"ok": True}]
    inject(controlled.lan, "one", advert(200))
    line, second = controlled.lines(client, 2)
    assert (line["event"], line["from"], line["to"]) == ("state", "MASTER", "BACKUP")
    assert second["event"] == "split_brain"


def test_a_journal_line_of_any_bytes_reaches_the_watcher(controlled: ControlledDaemon) -> None:
    client = controlled.connect()
    client.send(b'{"command": "watch"}\n')
    controlled.lines(client)
    controlled.daemon.journal.write("odd", reason="\udcff")
    assert controlled.lines(client)[0]["event"] == "odd"


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0\xff\xfe",
        b"[1]",
        b"3",
        b'"status"',
        b"null",
        b"{}",
        b'{"command": null}',
        b'{"command": ["status"]}',
        b'{"command": "why", "name": {"a": 1}}',
        b'{"command": "why", "name": ["VI_1"]}',
        b'{"command": "format c:"}',
        b"[" * 4000,
        b'{"a":' * 600,
        b"1" * 4090,
    ],
    ids=lambda data: repr(data[:24]),
)
def test_garbage_is_answered_and_harms_no_router(
    controlled: ControlledDaemon, garbage: bytes
) -> None:
    client = controlled.connect()
    client.send(garbage + b'\n{"command": "status"}\n')
    first, second = controlled.lines(client, 2)
    assert first["ok"] is False
    assert second["ok"] is True


def test_a_request_in_pieces_and_two_in_one(controlled: ControlledDaemon) -> None:
    client = controlled.connect()
    client.send(b'{"comm')
    controlled.loop.run_until(lambda: False, SECOND // 100)
    client.send(b'and": "status"}\n{"command": "stats"}\n')
    assert len(controlled.lines(client, 2)) == 2


def test_a_line_without_end_is_cut_off(controlled: ControlledDaemon) -> None:
    client = controlled.connect()
    client.send(b"x" * 10000)
    controlled.until(lambda: controlled.hung_up(client))
    assert controlled.ask(command="status")["ok"]


def test_a_client_that_hangs_up_before_the_answer(controlled: ControlledDaemon) -> None:
    for _ in range(10):
        client = controlled.connect()
        client.send(b'{"command": "status"}\n' * 50)
        client.close()
    assert controlled.ask(command="status")["ok"]
    controlled.until(lambda: len(controlled.control.clients) <= 1)


def test_a_watcher_that_never_reads_is_dropped_and_the_others_are_served(
    controlled: ControlledDaemon,
) -> None:
    deaf, listening = controlled.connect(), controlled.connect()
    for client in (deaf, listening):
        client.send(b'{"command": "watch"}\n')
        controlled.loop.run_until(lambda: False, SECOND // 100)
    assert controlled.lines(listening) == [{"ok": True}]
    told = 0
    while len(controlled.control.clients) == 2:
        controlled.daemon.journal.write("noise", reason="x" * 10000)
        told += len(controlled.lines(listening))
        assert told < 2000, "a deaf client was never dropped"
    assert told > 10
    controlled.daemon.journal.write("still here")
    assert controlled.lines(listening)[-1]["event"] == "still here"


def test_no_more_clients_than_can_be_served(controlled: ControlledDaemon) -> None:
    clients = [controlled.connect() for _ in range(CLIENTS)]
    controlled.until(lambda: len(controlled.control.clients) == CLIENTS)
    late = controlled.connect()
    controlled.until(lambda: controlled.hung_up(late))
    clients[0].close()
    controlled.until(lambda: len(controlled.control.clients) == CLIENTS - 1)
    assert controlled.ask(command="status")["ok"]


def test_the_socket_is_the_owner_s_alone(controlled: ControlledDaemon) -> None:
    mode = os.stat(controlled.path)
    assert stat.S_IMODE(mode.st_mode) == 0o600
    assert os.umask(0o022) != 0o177
    os.umask(0o022)


def test_a_missing_directory_of_the_socket_is_made(tmp_path: Path) -> None:
    controlled = ControlledDaemon(tmp_path / "run")
    try:
        assert stat.S_IMODE(os.stat(tmp_path / "run").st_mode) == 0o755
        assert controlled.ask(command="status")["ok"]
    finally:
        controlled.close()


def test_a_socket_left_behind_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "vrrpd.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    controlled = ControlledDaemon(tmp_path)
    assert controlled.ask(command="status")["ok"]
    controlled.close()
    assert not path.exists()


def test_a_closed_control_no_longer_listens_to_the_journal(tmp_path: Path) -> None:
    controlled = ControlledDaemon(tmp_path)
    controlled.close()
    controlled.daemon.journal.write("after the end")
    assert controlled.errors == []


@pytest.mark.parametrize(
    "make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("/etc/passwd")]
)
def test_what_is_no_socket_is_not_removed_for_one(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "vrrpd.sock"
    make(path)
    with pytest.raises(OSError, match="in use"):
        ControlledDaemon(tmp_path)
    assert path.exists()


def test_many_releases_of_one_client_cost_one_timer(controlled: ControlledDaemon) -> None:
    client = controlled.connect()
    client.send(b'{"command": "release"}\n' * 4)
    assert len(controlled.lines(client, 3)) == 3  # the first one is answered later
    assert [one.waiting for one in controlled.control.clients.values()] == [True]


def test_the_metrics_of_many_instances_arrive_whole(tmp_path: Path) -> None:
    many = "".join(
        conf(150, name=f"V{number}", vrid=number, vips=[f"10.0.{number}.1"])
        for number in range(1, 256)
    )
    controlled = ControlledDaemon(tmp_path)
    controlled.lan.conf("one", many)
    controlled.daemon.reload()
    answer = controlled.ask(command="metrics")
    assert answer["result"].endswith("# EOF\n")
    assert answer["result"].count('vrrp_state="MASTER"') == 255
    controlled.close()
    assert controlled.errors == []
