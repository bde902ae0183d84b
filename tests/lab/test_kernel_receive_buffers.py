"""Receive buffers of real VRRP sockets, on an interface whose MTU is known."""

from __future__ import annotations

import socket
import subprocess

import pytest

from vrrpd.linux.loop import Loop
from vrrpd.linux.sockets import RawWire


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("size", "mtus", "expected"), [(5000, 0, 5000), (100, 3, 4600)])
def test_receive_buffer(family: int, size: int, mtus: int, expected: int) -> None:
    subprocess.run(["ip", "link", "add", "room0", "type", "veth", "peer", "room1"], check=True)
    try:
        wire = RawWire(Loop())
        channel = wire.listen("room0", family, 112, lambda packet, at, times=1: None)
        channel.set_receive_buffer(size, mtus)
        found = channel.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert found == 2 * expected  # the kernel doubles it
        channel.close()
        wire.close()
    finally:
        subprocess.run(["ip", "link", "delete", "room0"], check=True)
