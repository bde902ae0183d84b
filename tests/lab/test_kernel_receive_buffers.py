"""Receive buffers of real VRRP sockets, on an interface whose MTU is known."""

from __future__ import annotations

import socket

import pytest

from tests.lab.cables import cable
from vrrpd.linux.loop import Loop
from vrrpd.linux.sockets import RawWire


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("size", "mtus", "expected"), [(5000, 0, 5000), (100, 3, 4600)])
def test_receive_buffer(family: int, size: int, mtus: int, expected: int) -> None:
    with cable("buffer0", "buffer1"):
        wire = RawWire(Loop())
        channel = wire.listen("buffer0", family, 112, lambda packet, at, times=1: None)
        channel.set_receive_buffer(size, mtus)
        found = channel.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert found == 2 * expected  # the kernel doubles it
        channel.close()
        wire.close()
