"""The kernel hands over what is for our virtual routers, and everything when asked to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from scapy.layers.inet import IP, IPOption_Router_Alert
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tests.lab.cables import cable
from tests.support import HUNG_S
from vrrpd.fsm import SECOND
from vrrpd.linux.loop import Loop
from vrrpd.linux.sockets import RawChannel, RawWire, filter_for

NEAR, FAR = "narrow0", "narrow1"
GROUPS = {4: "224.0.0.18", 6: "ff02::12"}
SO_GET_FILTER = 26  # linux/socket.h: how many instructions there are comes back as a length


@pytest.fixture
def ends() -> Iterator[None]:
    """Two ends of a cable, with addresses of both families at once usable."""
    with cable(NEAR, FAR, near="10.77.0.1/24", six="fe80::77:"):
        yield


class Ear:
    """What arrives at NEAR, by its VRID."""

    def __init__(self, family: int) -> None:
        self.family = family
        self.loop = Loop()
        self.heard: list[int] = []
        self.wire = RawWire(self.loop)
        self.channel = self.wire.listen(NEAR, family, 112, self.take)

    def take(self, packet: bytes, at: int, times: int = 1) -> None:
        header = (packet[0] & 15) * 4 if self.family == 4 else 40
        message = packet[header:]
        self.heard.append(message[1] if len(message) > 1 else -1)

    def after(self, vrids: list[int], messages: list[bytes]) -> list[int]:
        """What is received of `messages` while only `vrids` are wanted."""
        self.heard.clear()
        if vrids:
            self.channel.only(vrids)
        for message in messages:
            send(self.family, message)
        # The last one gets through in any case.
        send(self.family, b"\x31")
        self.loop.run_until(lambda: -1 in self.heard, HUNG_S * SECOND)
        return self.heard[:-1]

    def close(self) -> None:
        self.channel.close()
        self.wire.close()
        self.loop.close()


def send(family: int, message: bytes, *options: object) -> None:
    """One VRRP message from FAR, to the group; from an address that is not this machine's own."""
    if family == 4:
        header = IP(src="10.77.0.9", dst=GROUPS[4], ttl=255, proto=112, options=list(options))
        frame = Ether(src="02:00:00:00:00:09", dst="01:00:5e:00:00:12") / header / Raw(message)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as one:
            one.bind((FAR, 0))
            one.send(bytes(frame))
        return
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, 112) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, FAR.encode())
        one.sendto(message, (GROUPS[6], 0, 0, socket.if_nametoindex(FAR)))


@pytest.fixture(params=[4, 6])
def ear(request: pytest.FixtureRequest, ends: None) -> Iterator[Ear]:
    """Listens in one family."""
    one = Ear(request.param)
    one.channel.join(ip_address(GROUPS[request.param]))
    yield one
    one.close()


def advert(vrid: int) -> bytes:
    return bytes([0x31, vrid, 100, 1, 0, 100, 0, 0, 10, 77, 0, 9])


@pytest.mark.parametrize("vrids", [[51], [1, 51, 255], list(range(1, 256))], ids=len)
def test_only_our_own_vrids_are_handed_over(ear: Ear, vrids: list[int]) -> None:
    some = [1, 2, 50, 51, 52, 254, 255]
    assert ear.after(vrids, [advert(vrid) for vrid in some]) == [v for v in some if v in vrids]


def test_everything_is_received_until_vrids_are_asked_for_and_again_afterwards(ear: Ear) -> None:
    messages = [advert(vrid) for vrid in (7, 51)]
    assert ear.after([], messages) == [7, 51]
    assert ear.after([51], messages) == [51]
    ear.channel.only(())
    assert ear.after([], messages) == [7, 51]


def test_options_in_the_ip_header_are_skipped(ends: None) -> None:
    ear = Ear(4)
    try:
        ear.channel.join(ip_address(GROUPS[4]))
        ear.channel.only([51])
        for vrid in (52, 51):
            send(4, advert(vrid), IPOption_Router_Alert())
        ear.loop.run_until(lambda: bool(ear.heard), HUNG_S * SECOND)
        assert ear.heard == [51]
    finally:
        ear.close()


def test_the_filter_is_a_program_the_kernel_takes_for_any_number_of_vrids() -> None:
    for number in (1, 2, 255):
        assert len(filter_for(range(1, number + 1), 4)) == 8 * (number + 8)
        assert len(filter_for(range(1, number + 1), 6)) == 8 * (number + 6)


def test_a_channel_behind_an_authentication_header_receives_everything(ends: None) -> None:
    loop = Loop()
    has_filter = {}
    for protocol in (112, 51):
        channel = RawChannel(loop, NEAR, 4, protocol, lambda packet, at, times=1: None)
        channel.only([51])
        program = channel.socket.getsockopt(socket.SOL_SOCKET, SO_GET_FILTER, 128)
        has_filter[protocol] = bool(program)
        channel.close()
    loop.close()
    assert has_filter == {112: True, 51: False}
