"""--metrics over real sockets: the pages, where it listens, and clients that do not behave."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import advert, cluster, conf, inject
from tests.support import HUNG_S
from tests.unit.test_metrics import parse
from vrrpd.command_line import parse as command_line
from vrrpd.endpoint import Endpoint, endpoint
from vrrpd.exporter import not_ready, pages
from vrrpd.fsm import SECOND
from vrrpd.linux import http_server
from vrrpd.linux.http_server import CLIENTS, LONGEST, HttpServer
from vrrpd.linux.loop import Loop

TICK = SECOND // 100


class ExportingDaemon:
    """A daemon in memory whose metrics are served on a real Unix socket."""

    def __init__(self, room: Path, text: str = conf(150)) -> None:
        self.lan = cluster(one=text)
        self.lan.run(5)
        self.daemon = self.lan.daemons["one"]
        self.path = str(room / "metrics.sock")
        self.errors: list[BaseException] = []
        self.loop = Loop(self.errors.append)
        self.server = HttpServer(Endpoint(path=self.path), self.loop, pages(self.daemon))
        self.open: list[socket.socket] = []

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(0)
        client.connect(self.path)
        self.open.append(client)
        return client

    def turn(self) -> None:
        """One turn of the loop, or a few."""
        self.loop.run_until(lambda: False, TICK)

    def answer(self, client: socket.socket) -> bytes:
        """All that the server sends until it ends the connection."""
        data, end = bytearray(), self.loop.now() + 30 * SECOND
        while self.loop.now() < end:
            self.turn()
            try:
                while chunk := client.recv(1 << 20):
                    data += chunk
                return bytes(data)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return bytes(data)
        raise AssertionError("the server did not end the connection")

    def get(self, path: str = "/metrics", method: str = "GET") -> tuple[int, dict[str, str], str]:
        client = self.connect()
        client.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = self.answer(client).decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body

    def close(self) -> None:
        for client in self.open:
            client.close()
        self.server.close()
        self.loop.close()


@pytest.fixture
def exporting(tmp_path: Path) -> Iterator[ExportingDaemon]:
    exporting = ExportingDaemon(tmp_path)
    yield exporting
    exporting.close()
    assert exporting.errors == []


def test_metrics(exporting: ExportingDaemon) -> None:
    status, headers, body = exporting.get("/metrics?x=1")
    assert status == 200
    assert headers["Content-Type"] == ("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert int(headers["Content-Length"]) == len(body.encode())
    assert "vrrp_state" in parse(body)


def test_head_has_no_body(exporting: ExportingDaemon) -> None:
    status, headers, body = exporting.get("/healthz", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "3", "")


def test_healthz_and_readyz(exporting: ExportingDaemon) -> None:
    assert exporting.get("/healthz")[::2] == (200, "ok\n")
    assert exporting.get("/readyz")[::2] == (200, "ok\n")
    exporting.lan.unplug("one")
    exporting.lan.run(1)
    assert exporting.get("/healthz")[0] == 200
    status, _, body = exporting.get("/readyz")
    assert status == 503
    assert body.startswith("VI_1: FAULT: ")


def test_a_backup_is_ready_and_a_released_router_is_not(exporting: ExportingDaemon) -> None:
    inject(exporting.lan, "one", advert(200))
    assert exporting.get("/readyz")[0] == 200
    exporting.daemon.release("VI_1")
    assert exporting.get("/readyz")[::2] == (503, "VI_1: released by vrrpctl\n")
    exporting.daemon.resume()
    assert exporting.get("/readyz")[0] == 200


def test_not_ready_without_instances_and_before_the_start_up_delay_ends() -> None:
    lan = cluster(one="", two="global_defs {\n vrrp_startup_delay 20\n}\n" + conf(100))
    assert not_ready(lan.daemons["one"]) == ["no instance is configured"]
    assert not_ready(lan.daemons["two"]) == ["start-up delay: 20 s left"]
    lan.run(21)
    assert not_ready(lan.daemons["two"]) == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"DELETE / HTTP/1.1\r\n\r\n", 405),
        (b"GET /other HTTP/1.1\r\n\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"\0\xff\xfe \x80 HTTP/1.1\r\n\r\n", 405),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics SMTP/1.1\r\n\r\n", 400),
        (b"x" * (LONGEST + 1), 431),
        (b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 2000, 431),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_refused(exporting: ExportingDaemon, request_: bytes, status: int) -> None:
    client = exporting.connect()
    client.send(request_)
    assert exporting.answer(client).startswith(f"HTTP/1.1 {status} ".encode())
    assert exporting.get("/healthz")[0] == 200


def test_a_request_in_pieces(exporting: ExportingDaemon) -> None:
    client = exporting.connect()
    for piece in (b"GE", b"T /healthz HT", b"TP/1.0\r\n", b"\r\n"):
        client.send(piece)
        exporting.turn()
    assert exporting.answer(client).endswith(b"\r\n\r\nok\n")


def test_more_clients_than_are_served_are_turned_away(exporting: ExportingDaemon) -> None:
    waiting = [exporting.connect() for _ in range(CLIENTS)]
    exporting.loop.run_until(lambda: len(exporting.server.clients) == CLIENTS, HUNG_S * SECOND)
    late = exporting.connect()
    assert exporting.answer(late) == b""
    waiting[0].send(b"GET /healthz HTTP/1.1\r\n\r\n")
    assert exporting.answer(waiting[0]).startswith(b"HTTP/1.1 200 ")
    assert exporting.get("/healthz")[0] == 200


def test_a_client_that_says_nothing_or_reads_nothing_is_cut_off(
    exporting: ExportingDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "TIMEOUT", SECOND // 5)
    monkeypatch.setattr(
        exporting.server, "pages", {"/big": lambda: (200, "x/y", ["x" * (8 << 20)])}
    )
    silent, deaf = exporting.connect(), exporting.connect()
    deaf.send(b"GET /big HTTP/1.1\r\n\r\n")
    exporting.loop.run_until(lambda: len(exporting.server.clients) == 2, 10 * SECOND)
    exporting.loop.run_until(lambda: not exporting.server.clients, HUNG_S * SECOND)
    assert not exporting.server.clients
    assert exporting.answer(silent) == b""
    assert len(exporting.answer(deaf)) < 8 << 20


def test_an_answer_larger_than_the_socket_s_buffer_arrives_whole(
    exporting: ExportingDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        exporting.server, "pages", {"/big": lambda: (200, "x/y", ["x" * (8 << 20)])}
    )
    client = exporting.connect()
    client.send(b"GET /big HTTP/1.1\r\n\r\n")
    assert len(exporting.answer(client).partition(b"\r\n\r\n")[2]) == 8 << 20


def test_a_timer_that_becomes_due_while_a_page_is_made_is_called_meanwhile(
    exporting: ExportingDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(
        exporting.daemon.ports.clock, "breathe", exporting.loop.breathe, raising=False
    )
    exporting.loop.call_at(exporting.loop.now() + SECOND // 50, lambda: done.append("timer"))

    def pieces() -> Iterator[str]:
        while not done:
            exporting.daemon.ports.clock.breathe()
            yield ""
        done.append("page")

    monkeypatch.setattr(exporting.server, "pages", {"/slow": lambda: (200, "x/y", pieces())})
    client, other = exporting.connect(), exporting.connect()
    for one in (client, other):
        one.send(b"GET /slow HTTP/1.1\r\n\r\n")
    assert exporting.answer(client).startswith(b"HTTP/1.1 200 ")
    assert exporting.answer(other).startswith(b"HTTP/1.1 200 ")
    assert done[:2] == ["timer", "page"]


def test_the_metrics_of_many_instances_breathe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "".join(
        conf(150, name=f"V{number}", vrid=number, vips=[f"10.0.{number}.1"])
        for number in range(1, 60)
    )
    exporting, breaths = ExportingDaemon(tmp_path, many), []
    clock = type(exporting.daemon.ports.clock)
    monkeypatch.setattr(clock, "breathe", lambda self: breaths.append(1))
    assert len(parse(exporting.get()[2])["vrrp_state"].samples) == 4 * 59
    assert len(breaths) > 59
    exporting.close()
    assert exporting.errors == []


def test_a_page_that_fails_is_an_answer_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporting = ExportingDaemon(tmp_path)
    monkeypatch.setitem(exporting.server.pages, "/broken", lambda: 1 // 0)
    assert exporting.get("/broken")[0] == 500
    assert exporting.get("/healthz")[0] == 200
    assert [type(error) for error in exporting.errors] == [ZeroDivisionError]
    exporting.close()


def test_the_socket_file_is_for_everybody_and_goes_with_the_server(
    exporting: ExportingDaemon,
) -> None:
    assert stat.S_IMODE(os.stat(exporting.path).st_mode) == 0o666
    exporting.server.close()
    assert not os.path.exists(exporting.path)
    exporting.server = HttpServer(
        Endpoint(path=exporting.path), exporting.loop, pages(exporting.daemon)
    )


def test_a_file_that_is_not_a_socket_is_never_removed(
    exporting: ExportingDaemon, tmp_path: Path
) -> None:
    precious = tmp_path / "keepalived.conf"
    precious.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        HttpServer(Endpoint(path=str(precious)), exporting.loop, pages(exporting.daemon))
    assert precious.read_text() == "precious"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("9650", "127.0.0.1:9650"),
        (":9650", "127.0.0.1:9650"),
        ("localhost:9650", "127.0.0.1:9650"),
        ("0.0.0.0:9650", "0.0.0.0:9650"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("[::1]:9650", "[::1]:9650"),
        ("/run/m.sock", "/run/m.sock"),
    ],
)
def test_where(text: str, where: str) -> None:
    assert str(endpoint(text)) == where
    assert str(command_line(["--metrics", text]).metrics) == where


@pytest.mark.parametrize(
    "text", ["", ":", "x", "0", "65536", "host.example:9650", "::1:9650", "[1.2.3.4]:9650",
             "1.2.3.4", "1.2.3.4:", "1.2.3.4:-1", "1.2.3.4:٣", "m.sock"],
)  # fmt: skip
def test_where_not(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="expected PORT"):
        endpoint(text)
    with pytest.raises(SystemExit) as ended:
        command_line(["--metrics", text])
    assert ended.value.code == 2
    assert "expected PORT" in capsys.readouterr().err


def test_off_by_default() -> None:
    assert command_line([]).metrics is None
