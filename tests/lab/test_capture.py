"""Captures: pcapng with names, read back by tcpdump, and streamed out of a running lab."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from labs import Lab, LabError
from labs.capture import pcapng
from labs.emulation import discovery
from tests.lab.outside import LABS
from tests.support import HUNG_S, REPOSITORY, eventually


def tcpdump(path: Path, *words: str) -> str:
    """What tcpdump reads in a file."""
    done = subprocess.run(
        ["tcpdump", "-Z", "root", "-n", "-r", str(path), *words],
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_cable_at_once(cluster: Lab, tmp_path: Path) -> None:
    with cluster.capture() as wires:
        cluster.stop("web1")
        cluster.settle()
    # The resignation left by web1's cable and reached the others.
    assert {frame.host for frame in wires.of("advert")} == {"web1", "web2", "client"}
    shown = repr(wires)
    assert re.search(r"VRRPv2 router 51, priority 0, .* \[web1-eth0 ", shown)
    assert "pings and" in shown
    assert wires["web2"].frames
    with pytest.raises(LabError, match="choose web1-eth0, web2-eth0 or client-eth0"):
        wires["mastr"]
    files = wires.save(tmp_path / "wires")
    assert [path.name for path in files] == [
        "web1-eth0.pcapng",
        "web2-eth0.pcapng",
        "client-eth0.pcapng",
    ]
    assert "vrid 51, prio 0" in tcpdump(files[0], "proto", "112")
    (whole,) = wires.save(tmp_path / "all.pcapng")
    told = tcpdump(whole, "-c", "100000").count("\n")
    assert told == len(wires.frames)
    raw = whole.read_bytes()
    for said in (b"web1-eth0", b"cable to s1-eth1", b"daemon of web1 stopped",
                 b"\xc0\xa8\x01\x0bweb1\0", b"\xc0\xa8\x01\x0avip\0"):  # fmt: skip
        assert said in raw


def test_times_survive_to_the_microsecond(cluster: Lab, tmp_path: Path) -> None:
    with cluster.capture("client") as wire:
        cluster.wait_until(lambda: wire.of("advert"))
    wire.save(tmp_path / "x.pcapng")
    first = tcpdump(tmp_path / "x.pcapng", "-tt", "-c", "1").split()[0]
    assert float(first) == pytest.approx(min(frame.t for frame in wire.frames), abs=2e-6)
    shown = wire._repr_html_()
    assert "<details" in shown
    assert "###[ Ethernet ]###" in shown


def test_a_running_lab_streams_into_a_pipe(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*LABS, "cli"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=REPOSITORY
    ) as prompt:
        eventually(lambda: prompt.pid in [lab.pid for lab in discovery.find()])
        capture = [*LABS, "capture", "--lab", str(prompt.pid)]
        # Who reads leaves after three packets of web1's, and the capture ends with it.
        with subprocess.Popen([*capture, "web2"], stdout=subprocess.PIPE) as source:
            reader = subprocess.run(
                [
                    "tcpdump",
                    "-Z",
                    "root",
                    "-n",
                    "-c",
                    "3",
                    "-r",
                    "-",
                    "proto 112 and src host 192.168.1.11",
                ],
                stdin=source.stdout,
                capture_output=True,
                text=True,
                timeout=HUNG_S,
            )
            assert source.stdout is not None
            source.stdout.close()
            assert source.wait(HUNG_S) == 0
        assert reader.stdout.count("192.168.1.11 > 224.0.0.18: VRRPv2") == 3
        for words, remedy in (
            (["mastr"], "choose web1, web2 or client"),
            (["web1", "--interface", "eth7"], "choose lo or eth0|choose eth0"),
        ):
            done = subprocess.run(
                [*capture, *words], capture_output=True, text=True, timeout=HUNG_S
            )
            assert done.returncode == 2
            assert re.search(remedy, done.stderr)
        # Into a file, until the lab ends.
        with (tmp_path / "x.pcapng").open("wb") as file:
            source = subprocess.Popen([*capture, "web1"], stdout=file)
        eventually(lambda: (tmp_path / "x.pcapng").stat().st_size > 2000)
        assert prompt.stdin is not None
        prompt.stdin.close()
        assert prompt.wait(HUNG_S) == 0
        assert source.wait(HUNG_S) == 0
    assert "192.168.1.10" in tcpdump(tmp_path / "x.pcapng")


def test_names_come_from_the_hosts_file() -> None:
    text = "127.0.0.1\tlocalhost\n::1 localhost\n# no\n192.168.1.11\tweb1\nfd00::a vip\n"
    assert pcapng.hosts(text) == {"192.168.1.11": "web1", "fd00::a": "vip"}


def test_blocks_are_whole_words_and_say_their_length_twice() -> None:
    for block in (
        pcapng.section("x"), pcapng.interface("web1-eth0"), pcapng.names({"10.0.0.1": "a"}),
        pcapng.packet(1.5, b"\x00" * 61, 3, "a comment"),
    ):  # fmt: skip
        assert len(block) % 4 == 0
        assert int.from_bytes(block[4:8], "little") == len(block)
        assert block[4:8] == block[-4:]
