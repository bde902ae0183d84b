"""The comparer on a small folder: what it finds, how it sorts it, what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import conf
from tests.interop.compare import (
    AGREE,
    UNEXPLAINED,
    Comparison,
    files,
    instances,
    interfaces,
    main,
)
from tests.interop.traces import Run
from tests.support import eventually


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "good.conf").write_text(conf(150))
    (tmp_path / "deep" / "bad").write_text(conf(150).replace("priority", "prioritiy"))
    tracked = conf(150).replace("priority", "track_interface {\n eth0\n }\n priority")
    (tmp_path / "known.conf").write_text(tracked)
    (tmp_path / "readme").write_text("nothing to configure: vrrp_instance")
    return tmp_path


def test_a_folder_is_sorted_into_classes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [
        ["2", AGREE],
        ["1", "an instance's own interface among those that it tracks"],
    ]
    assert lines[-1] == ["3", "files: 2 agree, 0 of the others are unexplained"]


def test_what_is_left_on_a_network_is_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--run", "20", str(folder / "good.conf")]) == 0
    assert "1 of 1 do the same on the network" in capsys.readouterr().out


def test_what_is_done_on_a_network_is_seen(folder: Path) -> None:
    """The address, its route, the advertisement and the announcement of a MASTER."""
    text = (folder / "good.conf").read_text()
    (instance,) = instances(folder / "good.conf")
    run = Run("vrrpd", folder / "good.conf", interfaces([text]), [instance])
    try:
        eventually(lambda: run.states().get("VI_1") == "MASTER", what="MASTER")
        eventually(lambda: len(run.traces()["sent"]) == 2, what="both frames")
        found = run.traces()
    finally:
        run.close()
    mac = "eth0 02:00:00:01:00:00"
    (address,) = found["addresses"]  # newer versions of ip(8) show its protocol number, too
    assert address.replace(" proto keepalived", "") == "eth0 inet 192.168.1.10/32 scope global eth0"
    assert found["sent"] == {
        f"{mac} announces 192.168.1.10",
        f"{mac} 192.168.1.11 > 224.0.0.18 ttl 255 v2 vrid 51 priority 150 auth 0 "
        "0000000000000000 interval 1 192.168.1.10",
    }


def test_a_difference_is_named_or_not_explained() -> None:
    said = "error: (VI_1) 10.0.0.1 again (first in line 3); ignored"
    lines = ("sent: only vrrpd: eth0", "addresses: only vrrpd: eth0")
    one = Comparison(Path("x"), [], [], lines, said)
    assert one.left_by_class() == {
        "addresses that are listed twice": [lines[0]],
        UNEXPLAINED: [lines[1]],
    }


def test_the_files_and_their_interfaces(folder: Path) -> None:
    found = list(files([folder]))
    assert [path.name for path in found] == ["bad", "good.conf", "known.conf"]
    text = "interface eth0\nuse_vmac vip0\ndev vip0\n10.0.0.1 dev br-lan\ninterface lo\n"
    assert interfaces([text]) == ["br-lan", "eth0"]


def test_what_no_class_explains_is_reported() -> None:
    one = Comparison(Path("x"), ["a mistake nobody knows"], [])
    assert one.classes() == [UNEXPLAINED]
    assert Comparison(Path("x"), [], []).classes() == [AGREE]
