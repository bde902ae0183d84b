"""A BACKUP that did not run while its receive buffer overflowed: a late takeover, no early one.

SIGSTOP ─> more Advertisements than fit ─> longer than Master_Down_Interval ─> SIGCONT
        ─> those that fit are too old, the newer ones are lost: Master_Down_Timer runs once more
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.bench.files import instance
from tests.interop.segment import Segment, network_of
from tests.support import eventually
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, Advertisement, encode, ipv4_packet

VIP, PEER = "192.168.1.100", IPv4Address("192.168.1.12")
INTERVAL = SECOND // 2
DOWN = 2.5  # s; Master_Down_Interval at that interval and any priority is less
ADVERT = Advertisement(3, 51, 200, INTERVAL, (IPv4Address(VIP),))
FRAME = bytes.fromhex("01005e000012 02000000000c 0800") + ipv4_packet(
    encode(ADVERT, PEER, GROUP4), PEER, GROUP4, 1
)


def send(lan: Segment, count: int) -> None:
    """Send the same Advertisement from host 1 so many times."""
    with network_of(lan[1].holder.pid):
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with one:
        one.bind(("eth0", 0))
        for _ in range(count):
            one.send(FRAME)


@contextmanager
def advertised(lan: Segment) -> Iterator[None]:
    """Meanwhile host 1 sends the Advertisement again and again: host 0 is a BACKUP and stays it."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(0.02):
            send(lan, 1)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def lost(lan: Segment) -> int:
    """Packets that raw sockets of host 0 had no space for."""
    lines = lan[0].run("cat", "/proc/net/raw").splitlines()
    return sum(int(line.split()[-1]) for line in lines[1:])


@pytest.mark.parametrize("options", [(), ("--no-quiet-backup",)])
def test_no_takeover_is_early_after_a_receive_buffer_overflowed(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    text = instance("VI_1", 51, 1, 100, [VIP]).replace(
        "version 3", "version 3\nkernel_rx_buf_size 2304"
    )
    with Segment(tmp_path, hosts=2) as lan:
        with advertised(lan):
            lan[0].start("vrrpd", text, *options)
            lan.wait(lambda: "Entering BACKUP STATE" in lan[0].text(), "BACKUP")
            lan[0].freeze()
        send(lan, 200)
        assert lost(lan) > 0
        over = time.monotonic() + DOWN
        eventually(lambda: time.monotonic() > over)
        lan[0].thaw()
        lan.wait(lambda: "Entering MASTER STATE" in lan[0].text(), "the takeover")
        before, _, _ = lan[0].text().partition("Entering MASTER STATE")
        assert "Master_Down_Timers run once more" in before
