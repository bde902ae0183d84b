"""vrrpctl against a daemon behind a real socket: output, exit statuses 0, 1 and 2, --json."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import advert, cluster, conf, inject
from tests.unit.test_metrics import parse
from vrrpd import ctl
from vrrpd.control import Control
from vrrpd.ctl import main
from vrrpd.linux.loop import Loop


class Served:
    """A daemon that a thread serves; `path` is its socket."""

    def __init__(self, room: Path) -> None:
        self.lan = cluster(one=conf(150, name="VI_1"))
        self.lan.run(5)
        inject(self.lan, "one", advert(50))
        self.path = str(room / "vrrpd.sock")
        self.loop = Loop()
        daemon = self.lan.daemons["one"]
        self.control = Control(self.path, self.loop, daemon, daemon.journal)
        self.wake, self.end = os.pipe()
        self.loop.add_reader(self.wake, self.loop.stop)
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        os.write(self.end, b"x")
        self.thread.join()
        os.close(self.wake)
        os.close(self.end)
        self.control.close()
        self.loop.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.close()


def run(served: Served, *words: str) -> int:
    return main([*words, "--socket", served.path])


def test_status(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "status") == 0
    out = capsys.readouterr().out
    assert out.startswith("VI_1: MASTER   eth0 vrid 51 priority 150\n")
    assert "why        no advertisement for 3.414 s" in out
    assert "addresses  192.168.1.10" in out
    assert "Adver_Timer" in out
    assert "heard      192.168.1.99 priority 50" in out


@pytest.mark.parametrize(("state", "said"), [("MASTER", True), ("BACKUP", False)])
def test_a_router_that_gave_way_is_not_split(
    state: str, said: bool, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(served, "status", "--json") == 0
    (status,) = json.loads(capsys.readouterr().out)
    assert (status["state"], status["split_brain"]) == ("MASTER", True)
    ctl._show_status([{**status, "state": state}])
    assert ("SPLIT" in capsys.readouterr().out) is said


def test_status_as_json(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "status", "--json") == 0
    (status,) = json.loads(capsys.readouterr().out)
    assert (status["state"], status["vrid"]) == ("MASTER", 51)


def test_why(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "why", "VI_1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "INIT -> BACKUP" in lines[0]
    assert "BACKUP -> MASTER" in lines[1]
    assert "no advertisement for 3.414 s (3 × 1 s + skew 0.414 s)" in lines[1]


def test_an_instance_that_does_not_exist(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(served, "why", "VI_9") == 1
    err = capsys.readouterr().err
    assert err == "vrrpctl: no instance VI_9; there is VI_1\n"


def test_stats(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "stats") == 0
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["VI_1"] in words
    assert ["advertisement-sent", "3"] in words


def test_reload_done_and_refused(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "reload") == 0
    assert capsys.readouterr().out == "reloaded\n"
    served.lan.conf("one", "vrrp_instance VI_1 {\n interface eth0\n}\n")
    assert run(served, "reload") == 1
    assert "the running configuration stays in force" in capsys.readouterr().out
    assert run(served, "reload", "--json") == 1
    assert json.loads(capsys.readouterr().out) is False


@pytest.mark.parametrize("command", ["status", "why", "stats", "reload", "watch"])
def test_no_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "--socket", str(tmp_path / "nobody")]) == 2
    err = capsys.readouterr().err
    assert "no daemon at" in err
    assert "No such file or directory" in err


def test_a_socket_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left"))
    left.close()
    assert main(["status", "--socket", str(tmp_path / "left")]) == 2
    assert "Connection refused" in capsys.readouterr().err


def test_it_finds_the_daemon_that_has_a_name_and_asks_which_of_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = str(tmp_path / "vrrpd.sock")
    monkeypatch.setattr(ctl, "SOCKET", usual)
    monkeypatch.setattr(ctl, "OTHERS", (str(tmp_path / "vrrpd_*.sock"),))
    assert ctl.listening() == [usual]
    with socket.socket(socket.AF_UNIX) as left, socket.socket(socket.AF_UNIX) as blue:
        left.bind(usual)  # a daemon that was killed: no process listens
        blue.bind(str(tmp_path / "vrrpd_blue.sock"))
        blue.listen()
        assert ctl.listening() == [str(tmp_path / "vrrpd_blue.sock")]
        left.listen()
        assert main(["status"]) == 2
    told = capsys.readouterr().err
    assert f"--socket {usual} or {tmp_path}/vrrpd_blue.sock" in told


def test_a_daemon_that_hangs_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "rude"))
        server.listen(1)
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        assert main(["status", "--socket", str(tmp_path / "rude")]) == 2
        thread.join()
    assert "vrrpctl: no daemon at" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["dance"], ["why", "a", "b"]])
def test_wrong_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: vrrpctl" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("status", "why", "watch", "stats", "reload"))


def test_release_says_that_no_other_router_is_there_and_resume_ends_it(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(served, "release", "VI_1") == 0
    out = capsys.readouterr().out
    assert out.startswith("VI_1: released, BACKUP: no other router has advertised")
    assert run(served, "status") == 0
    assert "released   stays BACKUP until `vrrpctl resume VI_1`" in capsys.readouterr().out
    assert run(served, "why") == 0
    assert "released by vrrpctl" in capsys.readouterr().out
    assert run(served, "resume", "VI_1") == 0
    assert capsys.readouterr().out == "VI_1: in service, BACKUP: takes part in the election again\n"


def test_release_of_an_instance_that_does_not_exist(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("release", "resume"):
        assert run(served, command, "VI_9") == 1
        assert capsys.readouterr().err == "vrrpctl: no instance VI_9; there is VI_1\n"


def test_drain_as_json(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "drain", "--json") == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert (answer["was"], answer["state"], answer["released"]) == ("MASTER", "BACKUP", True)
    assert answer["taken"] is False


def test_metrics(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "metrics") == 0
    assert "vrrp_state" in parse(capsys.readouterr().out)
