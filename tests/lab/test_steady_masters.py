"""Advertisements that are sent together, on a real cable and with a real daemon.

sendmmsg(2)                             the frames of the ordinary path, byte for byte
a packet that the firewall refuses      those before it are sent, those after it by themselves
a daemon with several MASTERs           each one's numbers follow each other, whatever happens
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address

import pytest

from tests.interop.segment import Host, Segment
from tests.lab.cables import cable
from tests.support import HUNG_S, REPOSITORY, eventually
from vrrpd.fsm import SECOND
from vrrpd.linux.loop import Loop
from vrrpd.linux.sockets import RawChannel, RawWire
from vrrpd.packet import GROUP4, Advertisement, checksum, encode, ipv4_packet, numbered

NEAR, FAR = "steady0", "steady1"
SOURCE = IPv4Address("10.79.0.1")
OUT = "add table ip mine; add chain ip mine out { type filter hook output priority 0; }"
REFUSE = f"{OUT}; add rule ip mine out ip protocol 112 @nh,168,8 3 drop"  # byte 21: the VRID


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """What arrives at the far end of a cable."""
    with (
        cable(NEAR, FAR, near=f"{SOURCE}/24"),
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as one,
    ):
        one.bind((FAR, 0x0800))
        one.settimeout(HUNG_S)
        yield one


@pytest.fixture
def channel(far: socket.socket) -> Iterator[RawChannel]:
    loop = Loop()
    wire = RawWire(loop)
    yield (one := wire.listen(NEAR, 4, 112, lambda *_: None))
    one.close()
    wire.close()
    loop.close()


def packet(vrid: int, addresses: int = 1) -> bytes:
    vips = tuple(IPv4Address("10.79.1.0") + number for number in range(addresses))
    message = encode(Advertisement(3, vrid, 150, SECOND // 10, vips), SOURCE, GROUP4)
    return ipv4_packet(message, SOURCE, GROUP4, 0)


def frames(far: socket.socket, count: int) -> list[bytes]:
    """The next VRRP frames."""
    found: list[bytes] = []
    while len(found) < count:
        frame = far.recv(2048)
        if frame[23] == 112:
            found.append(frame)
    return found


def test_the_frames_are_those_of_the_ordinary_path(channel: RawChannel, far: socket.socket) -> None:
    several = [packet(1), packet(2, 20), packet(3, 100), packet(4)]
    for idents in ([1, 2, 3, 0xFFFF], [2, 0x1234, 255, 256]):
        before = [(ident - 2) % 0xFFFF + 1 for ident in idents]
        assert channel.batch(several, before).send(0, 4) == 4
        for one, ident in zip(several, idents, strict=True):
            channel.send(numbered(one, ident))
        found = frames(far, 8)
        assert found[:4] == found[4:]


def test_all_virtual_routers_of_an_interface_at_once(
    channel: RawChannel, far: socket.socket
) -> None:
    several = [packet(vrid) for vrid in range(1, 101)]
    assert channel.batch(several, [7] * 100).send(0, 100) == 100
    assert [frame[35] for frame in frames(far, 100)] == list(range(1, 101))


def test_a_channel_that_is_closed_sends_nothing_with_the_next_owner_of_its_number(
    channel: RawChannel, far: socket.socket
) -> None:
    batch = channel.batch([packet(1), packet(2)], [1, 1])
    assert batch.send(0, 1) == 1
    number = channel.number
    channel.close()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as other:
        assert other.fileno() == number
        other.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, NEAR.encode())
        assert batch.send(1, 2) == 0
        other.sendto(packet(3), (str(GROUP4), 0))
    assert [frame[35] for frame in frames(far, 2)] == [1, 3]


def test_a_refused_packet_ends_the_batch_and_costs_no_other(segment: Segment) -> None:
    """One virtual router of five may not send: it is FAULT, the others do not miss an interval."""
    host = segment[0]
    names = {vrid: f"VI_{vrid}" for vrid in (1, 2, 3, 4, 5)}
    host.start("vrrpd", conf(names))
    segment.wait(lambda: all(sent(segment, vrid) for vrid in names), "five MASTERs")
    more(segment, list(names))
    host.run("nft", REFUSE)
    segment.wait(lambda: state(host, "VI_3") == "FAULT", "FAULT")
    assert "(VI_3) cannot send an advertisement: Operation not permitted" in host.text()
    others = [vrid for vrid in names if vrid != 3]
    more(segment, others)
    host.run("nft", "delete table ip mine")
    segment.wait(lambda: state(host, "VI_3") == "MASTER", "MASTER again")
    host.reload(conf(names, {2: 120}))
    segment.wait(lambda: sent(segment, 2)[-1][22] == 120, "another priority")
    more(segment, list(names))
    before = {vrid: len(sent(segment, vrid)) for vrid in names}
    counted = sent_by_counters(host)
    more(segment, list(names))
    host.stop()
    eventually(lambda: all(sent(segment, vrid)[-1][22] == 0 for vrid in names), what="priority 0")
    assert {n for n in names.values() if f"({n}) cannot send" in host.text()} == {"VI_3"}
    for vrid in names:
        check(sent(segment, vrid), gaps=vrid == 3)
        assert before[vrid] <= counted[names[vrid]] <= len(sent(segment, vrid))


def conf(names: Mapping[int, str], priorities: Mapping[int, int] | None = None) -> str:
    """Instances by VRID, at 100 ms, of priority 100 if not given."""
    return "".join(
        f"vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\nversion 3\n"
        f"advert_int 0.1\npriority {(priorities or {}).get(vrid, 100)}\n"
        f"virtual_ipaddress {{\n10.79.1.{vrid}\n}}\n}}\n"
        for vrid, name in names.items()
    )


def sent(segment: Segment, vrid: int) -> list[bytes]:
    """The IP packets of a virtual router so far."""
    return [one.ip for one in segment.wire.adverts(0) if one.vrrp[1] == vrid]


def more(segment: Segment, vrids: Sequence[int]) -> None:
    """Wait until each has sent eight packets more."""
    enough = {vrid: len(sent(segment, vrid)) + 8 for vrid in vrids}
    segment.wait(lambda: all(len(sent(segment, v)) >= n for v, n in enough.items()), "adverts")


def state(host: Host, name: str) -> str:
    """The state that an instance is in."""
    lines = map(json.loads, (host.room / "journal").read_text().splitlines())
    mine = [one["to"] for one in lines if one["event"] == "state" and one["instance"] == name]
    return str(mine[-1])


def sent_by_counters(host: Host) -> dict[str, int]:
    """What `vrrpctl stats` says of each instance."""
    command = (sys.executable, "-S", "-m", "vrrpd.ctl", "stats", "--json")
    environment = ("env", f"PYTHONPATH={REPOSITORY}")
    answer = json.loads(host.run(*environment, *command, "--socket", str(host.room / "sock")))
    return {one["instance"]: one["advertisement-sent"] for one in answer if "instance" in one}


def check(packets: Sequence[bytes], gaps: bool = False) -> None:
    """Each packet is right and, but for its number, like all others of its priority."""
    numbers = [int.from_bytes(one[4:6], "big") for one in packets]
    if gaps:  # what was refused had a number, too
        assert numbers == sorted(set(numbers))
    else:
        assert numbers == list(range(1, len(packets) + 1))
    alike: dict[int, bytes] = {}
    for one in packets:
        assert checksum(one[:20]) == 0
        bare = one[:4] + bytes(2) + one[6:10] + bytes(2) + one[12:]
        assert alike.setdefault(one[22], bare) == bare
