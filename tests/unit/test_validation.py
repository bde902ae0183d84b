"""What a virtual router does with packets it must not believe: nothing, but it counts them.

FAULTY lists one way to fail each check, in the order of the checks; a packet with two faults must
report the one that comes first.  keepalived restarts a MASTER's Adver_Timer for every packet that
it rejects, so junk can silence it; the flood at the end of this file must not silence us.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.simulation.lan import Lan
from tests.captures import packets
from tests.cluster import (
    PASSWORD,
    adverts,
    arps,
    cluster,
    conf,
    held,
    inject,
    router,
    state,
)
from tests.cluster import advert as advertisement
from vrrpd.auth_header import sequence_of
from vrrpd.config.values import Auth
from vrrpd.fsm import SECOND
from vrrpd.packet import Check, Datagram, PacketError, checksum, parse_ip, parse_ipv4
from vrrpd.validation import Expectation, admit

Change = Callable[[bytearray], None]


def put(at: int, value: int) -> Change:
    """Write one byte of the IP packet; 20.. is the VRRP message."""

    def change(packet: bytearray) -> None:
        packet[at] = value

    return change


def longer(packet: bytearray) -> None:
    """Four bytes too many, and the IP header knows of them."""
    packet += bytes(4)
    packet[2:4] = len(packet).to_bytes(2, "big")


# The checks in their order, with one way to fail each.  A right checksum is put in afterwards,
# except for the packet whose fault it is.
FAULTY: dict[Check, Change] = {
    Check.TTL: put(8, 254),
    Check.VERSION: put(20, 0x31),
    Check.TYPE: put(20, 0x22),
    Check.LENGTH: longer,
    Check.CHECKSUM: put(27, 0xAA),
    Check.AUTH_UNKNOWN: put(24, 7),
    Check.AUTH_TYPE: put(24, 0),
    Check.AUTH_DATA: put(-1, 0x41),
    Check.INTERVAL: put(25, 2),
    Check.DESTINATION: lambda packet: packet.__setitem__(slice(16, 20), bytes((192, 168, 1, 12))),
    Check.SOURCE: lambda packet: packet.__setitem__(slice(12, 16), bytes((192, 168, 1, 12))),
}
# One byte cannot fail both ways; everything else can go wrong together.
SAME_BYTE = {(Check.VERSION, Check.TYPE), (Check.AUTH_UNKNOWN, Check.AUTH_TYPE)}
PAIRS = [pair for pair in combinations(FAULTY, 2) if pair not in SAME_BYTE]


def broken(*checks: Check, to: Lan | None = None) -> bytes:
    """A good Advertisement of priority 200 with these faults, for `web2`; `to`: for `web1`."""
    packet = bytearray(advertisement(200, auth=PASSWORD))
    for check in checks:
        FAULTY[check](packet)
    if to is not None and Check.SOURCE in checks:
        packet[12:16] = to.machines["web1"].ip.packed
    if Check.CHECKSUM not in checks:
        packet[26:28] = bytes(2)
        packet[26:28] = checksum(bytes(packet[20:])).to_bytes(2, "big")
    return bytes(packet)


@pytest.fixture
def lan() -> Lan:
    """The article's pair; `web2` is BACKUP, `web1` MASTER, a moment after an Advertisement."""
    lan = cluster(web1=conf(150, password="1111"), web2=conf(100, password="1111"))
    lan.run(10.2)
    assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "BACKUP")
    return lan


@pytest.mark.parametrize("check", list(FAULTY), ids=lambda check: check.name)
@pytest.mark.parametrize("host", ["web1", "web2"])
def test_a_packet_with_one_fault_touches_nothing_but_its_counter(
    lan: Lan, host: str, check: Check
) -> None:
    packet = broken(check, to=lan if host == "web1" else None)
    one = router(lan, host)
    before, sent, counters = one.current, len(lan.facts), one.counters.copy()
    inject(lan, host, packet)
    assert one.current == before
    assert len(lan.facts) == sent
    counters[check.value] += 1
    assert one.counters == counters


def test_the_packet_without_fault_is_believed(lan: Lan) -> None:
    inject(lan, "web1", broken())
    assert state(lan, "web1") == "BACKUP"


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda check: check.name if check else "")
def test_of_two_faults_the_first_is_reported(lan: Lan, first: Check, second: Check) -> None:
    with pytest.raises(PacketError) as caught:
        admit(parse_ipv4(broken(first, second)), router(lan, "web2").expectation)
    assert caught.value.check is first


def test_every_check_of_the_order_is_covered() -> None:
    """Counts, peers and link-local addresses are version 3's or unicast's: tested below.

    Those of auth_hmac are in test_auth_hmac.py and test_auth_hmac_routers.py.
    """
    elsewhere = {Check.VRID, Check.COUNT, Check.ADDRESS}
    elsewhere |= {check for check in Check if check.name.startswith("HMAC_")}
    assert set(FAULTY) | elsewhere == set(Check)
    assert all(pair in PAIRS for pair in pairwise(FAULTY) if pair not in SAME_BYTE)


def test_version_3_without_addresses_or_without_an_interval() -> None:
    """RFC 9568 errata 8299 and 8301; keepalived takes over at once on an interval of 0."""
    lan = cluster(one=conf(100, "version 3"))
    expect = router(lan, "one").expectation
    message = bytearray.fromhex("3133c8000064000000000000")

    def refused(data: bytes) -> Check:
        filled = bytearray(data)
        filled[6:8] = checksum(data).to_bytes(2, "big")
        source, group = IPv4Address("192.168.1.99"), IPv4Address("224.0.0.18")
        with pytest.raises(PacketError) as caught:
            admit(Datagram(source, group, 255, 112, bytes(filled)), expect)
        return caught.value.check

    assert refused(bytes(message[:8])) is Check.COUNT
    message[3], message[4:6] = 1, b"\xf0\x00"  # reserved bits do not make it an interval
    assert refused(bytes(message)) is Check.INTERVAL


def test_the_password_is_compared_whole() -> None:
    lan = cluster(one=conf(100, password="1111"))
    for wrong in (b"1111\0\0\0\1", b"1112\0\0\0\0", b"11111111", bytes(8), b"111\0\0\0\0\0"):
        with pytest.raises(PacketError, match="wrong password"):
            admit(parse_ipv4(advertisement(200, auth=wrong)), router(lan, "one").expectation)


def test_a_password_is_needed_on_both_sides_or_none() -> None:
    with_one, without = cluster(one=conf(100, password="1111")), cluster(one=conf(100))
    for lan, auth in ((with_one, None), (without, PASSWORD)):
        with pytest.raises(PacketError) as caught:
            admit(parse_ipv4(advertisement(200, auth=auth)), router(lan, "one").expectation)
        assert caught.value.check is Check.AUTH_TYPE


def test_junk_authentication_data_of_type_0_is_ignored() -> None:
    packet = bytearray(advertisement(200, auth=b"junkjunk"))
    packet[24] = 0
    packet[26:28] = bytes(2)
    packet[26:28] = checksum(bytes(packet[20:])).to_bytes(2, "big")
    lan = cluster(one=conf(100))
    assert admit(parse_ipv4(bytes(packet)), router(lan, "one").expectation).priority == 200


def test_authentication_headers_are_taken_once_and_in_order() -> None:
    """Captured AH traffic of two keepaliveds: each number is new, and none counts twice."""
    seen = 0
    for packet in packets("03"):
        datagram = parse_ip(packet)
        auth = Auth("AH", PASSWORD)
        expect = Expectation(2, SECOND, auth, IPv4Address("192.168.1.77"), sequence=seen)
        admit(datagram, expect)
        seen = sequence_of(datagram)
        with pytest.raises(PacketError, match="replayed"):
            admit(datagram, Expectation(2, SECOND, auth, IPv4Address("1.1.1.1"), sequence=seen))
        wrong = Auth("AH", b"1112\0\0\0\0")
        with pytest.raises(PacketError, match="password"):
            admit(datagram, Expectation(2, SECOND, wrong, IPv4Address("1.1.1.1")))


def test_other_virtual_routers_are_none_of_our_business(lan: Lan) -> None:
    one = router(lan, "web2")
    before, counters = one.current, one.counters.copy()
    inject(lan, "web2", advertisement(255, vrid=52))
    junk = bytearray(advertisement(255, vrid=52))
    junk[27] ^= 0xFF  # not even verified
    inject(lan, "web2", bytes(junk))
    assert (one.current, one.counters) == (before, counters)
    assert one.listener.counters[Check.VRID.value] == 2


def test_a_list_of_other_addresses_is_accepted_with_a_warning(lan: Lan) -> None:
    """keepalived up to 2.3.2 discards it, and then both are MASTER."""
    inject(lan, "web1", advertisement(200, "192.168.1.99", "192.168.1.77", auth=PASSWORD))
    assert state(lan, "web1") == "BACKUP"
    assert router(lan, "web1").counters["address-list-errors"] == 1
    assert any(
        "192.168.1.99 lacks 192.168.1.10 and also has 192.168.1.77" in line
        for line in lan.logs["web1"].lines
    )


def test_the_order_of_the_addresses_does_not_matter() -> None:
    lan = cluster(one=conf(100, vips=["10.0.0.1", "10.0.0.2"]))
    inject(lan, "one", advertisement(200, "192.168.1.99", "10.0.0.2", "10.0.0.1"))
    assert router(lan, "one").counters["address-list-errors"] == 0


def test_warnings_come_once_a_second_and_say_how_many_were_swallowed(lan: Lan) -> None:
    def lines() -> list[str]:
        return [line for line in lan.logs["web2"].lines if "wrong password" in line]

    for _ in range(100):
        inject(lan, "web2", broken(Check.AUTH_DATA))
    assert len(lines()) == 1
    lan.run(1)
    inject(lan, "web2", broken(Check.AUTH_DATA))
    assert len(lines()) == 2
    assert "99 more like this" in lines()[1]
    assert router(lan, "web2").counters[Check.AUTH_DATA.value] == 101
    drops = [line for line in lan.journal("web2") if line["event"] == "drop"]
    assert len(drops) == 2


def test_a_flood_of_forged_senders_does_not_grow_our_memory(lan: Lan) -> None:
    for number in range(5000):
        source = str(IPv4Address("10.0.0.0") + number)
        inject(lan, "web2", advertisement(200, source, auth=b"badbadba"))
    assert len(lan.logs["web2"].last) <= 1024


@pytest.mark.parametrize("check", list(FAULTY), ids=lambda check: check.name)
def test_junk_does_not_silence_a_master(lan: Lan, check: Check) -> None:
    """Two junk packets a second for ten seconds, each between two Advertisements."""
    before = len(adverts(lan, "web1"))
    for _ in range(20):
        inject(lan, "web1", broken(check, to=lan))
        lan.run(0.5)
    times = [fact.t for fact in adverts(lan, "web1")[before - 1 :]]
    assert len(times) == 11
    assert all(abs(b - a - 1.0) < 1e-9 for a, b in pairwise(times))


def test_junk_does_not_keep_a_backup_waiting(lan: Lan) -> None:
    lan.crash("web1")
    last = adverts(lan, "web1")[-1].t
    for _ in range(30):
        for check in FAULTY:
            inject(lan, "web2", broken(check))
        lan.run(0.1)
    lan.wait_until(lambda: state(lan, "web2") == "MASTER")
    assert adverts(lan, "web2")[0].t == pytest.approx(last + 0.0001 + 3.609375, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_bytes_whatever_raise_or_rob_a_master_of_its_address(data: st.DataObject) -> None:
    lan = cluster(one=conf(255, password="1111"))
    lan.run(1.5)
    for _ in range(data.draw(st.integers(1, 8))):
        packet = bytearray(data.draw(st.one_of(st.binary(max_size=80), st.just(broken()))))
        for _ in range(data.draw(st.integers(0, 3))):
            if packet:
                packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
        inject(lan, "one", bytes(packet))
    assert state(lan, "one") == "MASTER"
    assert held(lan, "one") == {"192.168.1.10"}
    assert arps(lan, "one")


@pytest.mark.parametrize("version", ["version 2", "version 3"])
def test_routers_without_addresses_elect_one_master_if_that_is_intended(version: str) -> None:
    """no_virtual_ipaddress (keepalived 2.2.8): version 3 with a count of 0, which others drop."""
    words = f"interface eth0\n virtual_router_id 51\n {version}\n no_virtual_ipaddress"
    files = {
        name: f"vrrp_instance VI_1 {{\n {words}\n priority {priority}\n}}\n"
        for name, priority in (("web1", 150), ("web2", 100))
    }
    lan = cluster(**files)
    lan.run(10.2)
    assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "BACKUP")
