"""What the kernel writes in this host's byte order, on a host that has the other one."""

from __future__ import annotations

import socket
import sys
from typing import Literal

import pytest

from vrrpd.linux.netlink_attributes import number
from vrrpd.linux.rtnetlink import error_number
from vrrpd.linux.sockets import _with_header


@pytest.mark.parametrize("order", ["little", "big"])
def test_numbers_are_read_in_the_byte_order_of_the_host(
    order: Literal["little", "big"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "byteorder", order)
    assert number((1500).to_bytes(4, order)) == 1500
    assert error_number(bytes(16) + (-17).to_bytes(4, order, signed=True)) == 17
    hops = (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, (255).to_bytes(4, order))
    assert _with_header(b"", [hops], "fe80::1")[7] == 255
