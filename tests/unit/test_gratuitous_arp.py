"""Gratuitous ARP and unsolicited NA, byte for byte as keepalived sends them (tests/data/wire)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.captures import arps, frames, neighbour_advertisements
from vrrpd.gratuitous_arp import gratuitous_arp, neighbour_advertisement

MAC = bytes.fromhex("02000000000a")


def test_arp_is_keepalived_s() -> None:
    assert set(arps("01")) == {gratuitous_arp(MAC, IPv4Address("192.168.1.10"))}
    assert len(arps("01")) == 10  # 5 at once, 5 after garp_master_delay


def test_arp_of_twenty_addresses_goes_round() -> None:
    """Rounds, not address by address: VIP 1 .. VIP 20, and again."""
    mac = arps("07")[0][6:12]
    one_round = [gratuitous_arp(mac, IPv4Address("192.168.1.101") + n) for n in range(20)]
    assert arps("07")[:100] == one_round * 5


@pytest.mark.parametrize("vip", ["fe80::51", "2001:db8:1::10", "2001:db8:1::11"])
def test_neighbour_advertisement_is_keepalived_s(vip: str) -> None:
    address = IPv6Address(vip)
    ours = neighbour_advertisement(MAC, address)
    theirs = [f for f in neighbour_advertisements("06") if f[22:38] == address.packed]
    assert len(theirs) >= 10
    # The two forwarding hosts of the capture are distinguished by their MAC addresses.
    assert ours in theirs
    assert {frame for frame in theirs if frame[6:12] == MAC} == {ours}


def test_the_router_flag_is_the_only_difference() -> None:
    address = IPv6Address("fe80::51")
    plain = neighbour_advertisement(MAC, address)
    router = neighbour_advertisement(MAC, address, router=True)
    assert plain[58:62] == b"\x20\0\0\0"
    assert router[58:62] == b"\xa0\0\0\0"
    checksums = (56, 57)
    differ = [at for at in range(len(plain)) if plain[at] != router[at]]
    assert [at for at in differ if at not in checksums] == [58]


def test_scapy_finds_nothing_wrong() -> None:
    scapy = pytest.importorskip("scapy.all", reason="scapy is in requirements.lock: make setup")
    frame = scapy.Ether(neighbour_advertisement(MAC, IPv6Address("2001:db8::1"), router=True))
    advertised = frame[scapy.ICMPv6ND_NA]
    assert (advertised.R, advertised.S, advertised.O) == (1, 0, 1)
    assert (advertised.tgt, frame[scapy.IPv6].hlim) == ("2001:db8::1", 255)
    sent = bytes(frame)
    del advertised.cksum
    assert bytes(frame) == sent
    arp = scapy.Ether(gratuitous_arp(MAC, IPv4Address("10.0.0.1")))[scapy.ARP]
    assert (arp.op, arp.psrc, arp.pdst) == (1, "10.0.0.1", "10.0.0.1")
    assert (arp.hwsrc, arp.hwdst) == ("02:00:00:00:00:0a", "ff:ff:ff:ff:ff:ff")


def test_the_bursts_are_where_keepalived_has_them() -> None:
    """The captures themselves: five at once, five 5.0 s later, right behind the advertisement."""
    moments = [t for t, frame in frames("01") if frame[12:14] == b"\x08\x06"]
    first = next(t for t, f in frames("01") if f[12:14] == b"\x08\x00" and f[23] == 112)
    assert all(0 < t - first < 0.01 for t in moments[:5])
    assert all(5.0 <= t - first < 5.01 for t in moments[5:])
