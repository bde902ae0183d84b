"""The kernel's interfaces and addresses for real, on one end of a veth pair.

`ip` is the reference: what it prints is what the kernel has; what it does is what others do.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.support import HUNG_S
from vrrpd.config.model import Address
from vrrpd.config.routes_model import Hop, Route
from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND
from vrrpd.linux.kernel import LinuxKernel
from vrrpd.linux.loop import Loop
from vrrpd.linux.nftables import Filter
from vrrpd.ports import DropFilter, InterfaceAddress

CARD = "vlab0"


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def held(interface: str = CARD, family: str = "-4") -> list[str]:
    """The addresses that the kernel has on the interface, in its order."""
    shown = json.loads(ip("-json", family, "address", "show", "dev", interface))
    return [
        f"{one['local']}/{one['prefixlen']}"
        for link in shown
        for one in link["addr_info"]
        if one["scope"] != "link"
    ]


def placed(
    text: str, prefixlen: int | None = None, interface: str = CARD, **more: Any
) -> InterfaceAddress:
    address = ip_address(text)
    length = address.max_prefixlen if prefixlen is None else prefixlen
    return InterfaceAddress(interface, Address(ip=address, prefixlen=length, **more))


class WatchedKernel:
    """A LinuxKernel and what it has reported."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.kernel = LinuxKernel(self.loop)
        self.changes: list[str] = []
        self.losses: list[tuple[str, str]] = []
        self.collateral: list[str] = []
        self.kernel.watch(self)

    def interface_changed(self, name: str) -> None:
        self.changes.append(name)

    def address_removed(self, interface: str, address: IPAddress, ours: bool = False) -> None:
        self.losses.append((interface, str(address)))
        if ours:
            self.collateral.append(str(address))

    def route_removed(self, route: object) -> None:
        raise AssertionError("nobody has any")

    def until(self, done: Any) -> None:
        self.loop.run_until(done, HUNG_S * SECOND)
        assert done()

    def settle(self) -> None:
        """Take in everything that the kernel has reported so far: it reports before it answers."""
        self.kernel.read_events()

    def close(self) -> None:
        self.kernel.close()
        self.loop.close()


def plug_in() -> None:
    """The interface, with something at the other end: not every kernel has dummy interfaces."""
    ip("link", "add", CARD, "type", "veth", "peer", "name", f"{CARD}far")
    ip("link", "set", f"{CARD}far", "up")
    ip("link", "set", CARD, "up")


@pytest.fixture
def interface() -> Iterator[str]:
    plug_in()
    yield CARD
    subprocess.run(["ip", "link", "del", CARD], capture_output=True)


@pytest.fixture
def watched(interface: str) -> Iterator[WatchedKernel]:
    watched = WatchedKernel()
    yield watched
    watched.close()


def test_after_lost_notifications_half_a_table_is_not_reported(
    watched: WatchedKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interface without its addresses is FAULT, and 10,000 addresses once came down for it."""
    ip("address", "add", "10.9.0.1/24", "dev", CARD)
    watched.settle()
    seen: list[tuple[object, ...]] = []

    def look(name: str) -> None:
        one = watched.kernel.interface(name)
        seen.append((name, () if one is None else one.addresses))

    monkeypatch.setattr(watched, "interface_changed", look)
    generation = watched.kernel.generation
    watched.kernel.overflow()
    assert [there for name, there in seen if name == CARD] == [
        watched.kernel.interface(CARD).addresses  # type: ignore[union-attr]
    ]
    assert (CARD, ()) not in seen
    assert watched.kernel.generation == generation  # what was prepared still fits


def test_what_was_removed_in_notifications_that_were_lost_is_reported(
    watched: WatchedKernel,
) -> None:
    watched.kernel.change([placed("10.9.0.10", 32)], [])
    ip("address", "add", "10.9.0.1/24", "dev", CARD)
    watched.settle()
    watched.kernel.events.setblocking(True)
    ip("address", "del", "10.9.0.10/32", "dev", CARD)
    watched.kernel.events.recv(1 << 16)  # lost
    watched.kernel.events.setblocking(False)
    watched.kernel.overflow()
    watched.settle()
    assert watched.losses == [(CARD, "10.9.0.10")]


def test_an_interface_as_the_kernel_has_it(watched: WatchedKernel) -> None:
    ip("address", "add", "10.9.0.1/24", "dev", CARD)
    # The kernel has its carrier at once and says so a little later.
    watched.until(lambda: (watched.kernel.interface(CARD) or pytest.fail("gone")).carrier)
    watched.settle()
    one = watched.kernel.interface(CARD)
    assert one is not None
    assert (one.up, one.carrier, one.mtu) == (True, True, 1500)
    assert one.mac.hex(":") in ip("link", "show", CARD)
    assert one.addresses == (ip_address("10.9.0.1"),) or ip_address("10.9.0.1") in one.addresses
    assert watched.kernel.interface("nothing") is None


def test_add_and_remove(watched: WatchedKernel) -> None:
    one, two = placed("10.9.1.1"), placed("10.9.1.2", 24)
    assert watched.kernel.change([one, two], []) == []
    assert held() == ["10.9.1.1/32", "10.9.1.2/24"]
    assert watched.kernel.change([], [one]) == []
    assert held() == ["10.9.1.2/24"]


def test_adding_twice_and_removing_twice_is_no_refusal(watched: WatchedKernel) -> None:
    one = placed("10.9.1.1")
    for _ in range(2):
        assert watched.kernel.change([one], []) == []
    for _ in range(2):
        assert watched.kernel.change([], [one]) == []
    assert held() == []


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("10.9.1.1/32", placed("10.9.1.1", 32)),
        ("2001:db8::1/128", placed("2001:db8::1", 64, nodad=True, preferred_lft=0)),
    ],
)
def test_an_address_of_the_host_keeps_its_flags_and_lifetimes(
    watched: WatchedKernel, host: str, ours: InterfaceAddress
) -> None:
    """As with keepalived: it is there, which is no refusal, and stays as the host has it."""
    lifetimes = ("valid_lft", "5000", "preferred_lft", "4000")
    ip("address", "add", host, "dev", CARD, *lifetimes)

    def shown() -> list[object]:
        [one] = [
            address
            for link in json.loads(ip("-json", "address", "show", "dev", CARD))
            for address in link["addr_info"]
            if address["local"] == str(ours.address.ip)
        ]
        return [one["prefixlen"], one.get("nodad"), one["preferred_life_time"] in range(1, 4001)]

    before = shown()
    assert watched.kernel.change([ours], []) == []
    assert shown() == before == [int(host.partition("/")[2]), None, True]


def test_removing_comes_before_adding(watched: WatchedKernel) -> None:
    """A new mask for an old address: it is not there twice, and it is there in the end."""
    watched.kernel.change([placed("10.9.1.1", 32)], [])
    assert watched.kernel.change([placed("10.9.1.1", 24)], [placed("10.9.1.1", 32)]) == []
    assert held() == ["10.9.1.1/24"]


def test_three_hundred_in_one_go(watched: WatchedKernel) -> None:
    def known() -> int:
        one = watched.kernel.interface(CARD)
        return 0 if one is None else len([a for a in one.addresses if a.version == 4])

    every = [placed(str(ip_address("10.9.2.0") + n)) for n in range(1, 301)]
    assert watched.kernel.change(every, []) == []
    assert held() == [f"{one.address.ip}/32" for one in every]
    watched.until(lambda: known() == 300)
    assert watched.kernel.change([], every) == []
    assert held() == []


@pytest.mark.parametrize("family", [4, 6])
def test_our_own_changes_are_not_reported(watched: WatchedKernel, family: int) -> None:
    text = "10.9.1.1" if family == 4 else "2001:db8::1"
    one = placed(text, nodad=family == 6)
    for _ in range(5):
        assert watched.kernel.change([one], []) == []
        assert watched.kernel.change([], [one]) == []
        watched.settle()
    assert watched.losses == []


@pytest.mark.parametrize("family", [4, 6])
def test_what_another_program_removes_is_reported(watched: WatchedKernel, family: int) -> None:
    text = "10.9.1.1" if family == 4 else "2001:db8::1"
    one = placed(text, nodad=family == 6)
    for _ in range(3):
        watched.kernel.change([one], [])
        watched.settle()
        watched.losses.clear()
        ip("address", "del", str(one.address), "dev", CARD)
        watched.until(lambda: watched.losses)
        assert watched.losses == [(CARD, text)]
        # Our removal of what is gone already must not hide the next one, another program's.
        watched.kernel.change([], [one])
        watched.settle()


def promote(value: int) -> None:
    """Whether the kernel keeps secondary addresses when their primary one is removed."""
    for where in ("all", CARD):
        Path(f"/proc/sys/net/ipv4/conf/{where}/promote_secondaries").write_text(f"{value}\n")


def test_what_goes_with_our_own_removal_is_reported(watched: WatchedKernel) -> None:
    """promote_secondaries 0: the kernel removes .2 and .3 with .1, and signs it with our port."""
    promote(0)
    three = [placed(f"10.9.1.{n}", 24) for n in (1, 2, 3)]
    watched.kernel.change(three, [])
    watched.settle()
    watched.kernel.change([], three[:1])
    assert held() == []
    watched.settle()
    assert watched.losses == [(CARD, "10.9.1.2"), (CARD, "10.9.1.3")]
    assert watched.collateral == ["10.9.1.2", "10.9.1.3"]


def test_what_is_there_again_is_not_reported(watched: WatchedKernel) -> None:
    """All of them removed, or the others added again in the same breath: nothing is lost."""
    promote(0)
    three = [placed(f"10.9.1.{n}", 24) for n in (1, 2, 3)]
    watched.kernel.change(three, [])
    watched.settle()
    watched.kernel.change(three[1:], three[:1])
    watched.settle()
    assert held() == ["10.9.1.2/24", "10.9.1.3/24"]
    assert watched.losses == []


def test_an_address_that_is_there_twice_is_lost_only_with_the_second(
    watched: WatchedKernel,
) -> None:
    """The kernel keeps 10.9.1.1/24 and 10.9.1.1/32 apart."""
    watched.kernel.change([placed("10.9.1.1", 32)], [])
    ip("address", "add", "10.9.1.1/24", "dev", CARD)
    watched.settle()
    ip("address", "del", "10.9.1.1/24", "dev", CARD)
    watched.settle()
    assert watched.losses == []
    ip("address", "del", "10.9.1.1/32", "dev", CARD)
    watched.until(lambda: watched.losses)


def test_what_was_added_is_removed_where_it_was_added(watched: WatchedKernel) -> None:
    """By number: the interface has another name by now, and another one has its name."""
    things = [placed("10.9.1.1", 24, label=f"{CARD}:vip"), placed("2001:db8::1", 64, nodad=True)]
    route = Route(words=(), to=ip_network("10.8.0.0/16"), family=4, hops=(Hop(dev=CARD),))
    assert watched.kernel.change([*things, route], []) == []
    ip("link", "set", CARD, "name", "vlab1")
    ip("link", "add", CARD, "type", "veth", "peer", "name", "vlab2")
    try:
        watched.until(lambda: watched.kernel.interface("vlab1") is not None)
        ip("address", "add", "10.9.1.1/24", "dev", CARD)  # another program's
        assert watched.kernel.change([], [route, *things]) == []
        assert held("vlab1") == held("vlab1", "-6") == []
        assert "10.8.0.0" not in ip("route", "show", "dev", "vlab1")
        assert held() == ["10.9.1.1/24"]
    finally:
        ip("link", "del", "vlab1")
        ip("link", "del", CARD)


def test_addresses_of_others_are_reported_as_a_change(watched: WatchedKernel) -> None:
    ip("address", "add", "10.9.0.1/24", "dev", CARD)
    watched.until(lambda: CARD in watched.changes)
    one = watched.kernel.interface(CARD)
    assert one is not None
    assert ip_address("10.9.0.1") in one.addresses


def test_up_and_down(watched: WatchedKernel) -> None:
    ip("link", "set", CARD, "down")
    watched.until(lambda: not (watched.kernel.interface(CARD) or pytest.fail("gone")).up)
    assert CARD in watched.changes
    ip("link", "set", CARD, "up")
    watched.until(lambda: (watched.kernel.interface(CARD) or pytest.fail("gone")).up)


def test_deleted_and_made_again(watched: WatchedKernel) -> None:
    first = watched.kernel.interface(CARD)
    assert first is not None
    assert watched.kernel.change([placed("10.9.1.1")], []) == []
    ip("link", "del", CARD)
    watched.until(lambda: watched.kernel.interface(CARD) is None)
    assert watched.kernel.change([], [placed("10.9.1.1")]) == []
    problems = list(map(str, watched.kernel.change([placed("10.9.1.1")], [])))
    assert problems == [f"cannot add 10.9.1.1 on {CARD}: no interface {CARD}"]
    plug_in()
    watched.until(lambda: watched.kernel.interface(CARD) is not None)
    second = watched.kernel.interface(CARD)
    assert second is not None
    assert second.index != first.index
    assert watched.kernel.change([placed("10.9.1.1")], []) == []
    assert held() == ["10.9.1.1/32"]


def test_a_new_name(watched: WatchedKernel) -> None:
    ip("link", "set", CARD, "down")
    ip("link", "set", CARD, "name", "vlab1")
    try:
        watched.until(lambda: watched.kernel.interface("vlab1") is not None)
        assert watched.kernel.interface(CARD) is None
        assert {CARD, "vlab1"} <= set(watched.changes)
    finally:
        ip("link", "set", "vlab1", "name", CARD)


def test_a_refusal_has_words(watched: WatchedKernel) -> None:
    ip("link", "set", CARD, "mtu", "1000")  # IPv6 needs 1280
    watched.settle()
    problems = watched.kernel.change([placed("2001:db8::1"), placed("10.9.1.1")], [])
    assert len(problems) == 1
    assert str(problems[0]).startswith(f"cannot add 2001:db8::1 on {CARD}: ")
    assert held() == ["10.9.1.1/32"]  # the others are not held back


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_refusal_among_others_is_that_of_its_own_request(watched: WatchedKernel, at: int) -> None:
    """The kernel answers the last request, and before it those that fail."""
    things = [placed(f"192.168.9.{n}") for n in range(3)]
    things[at] = placed("192.168.9.9", 33)
    refused = watched.kernel.change(things, [])
    assert [one.thing for one in refused] == [things[at]]
    assert len(held()) == 2
    watched.kernel.change([], [one for one in things if one is not things[at]])
    assert held() == []


def test_an_answer_left_unread_is_not_taken_for_another(watched: WatchedKernel) -> None:
    """It is left over when waiting for it has ended in an error."""
    kernel, there = watched.kernel, placed("192.168.9.1")
    noop = struct.pack("=IHHII", 16, 1, 0x5, kernel.command.numbers(1)[0], 0)
    kernel.command.send(noop)
    assert [one.thing for one in kernel.change([placed("192.168.9.9", 33)], [])]
    kernel.command.send(noop)
    assert kernel.change([there], []) == []
    assert held() == ["192.168.9.1/32"]
    kernel.warm_up()
    assert kernel.change([], [there]) == []
    assert held() == []


def test_a_leftover_answer_does_not_delay_a_takeover(watched: WatchedKernel) -> None:
    """warm_up() ends with the answer to its own request and waits for no other."""
    kernel, reads = watched.kernel, list[int]()
    real = kernel.command.receive

    def receive(size: int) -> bytes:
        reads.append(size)
        return real(size)

    kernel.command.send(struct.pack("=IHHII", 16, 1, 0x5, kernel.command.numbers(1)[0], 0))
    kernel.command.receive = receive  # type: ignore[method-assign]
    kernel.warm_up()
    assert len(reads) == 2, "the leftover answer, and its own"


def test_the_words_behind_an_address_arrive(watched: WatchedKernel) -> None:
    one = placed("10.9.1.1", 24, label=f"{CARD}:vip", broadcast=ip_address("10.9.1.255"))
    assert watched.kernel.change([one], []) == []
    shown = ip("-4", "address", "show", "dev", CARD)
    ours = re.sub(r" proto (keepalived|0x12)", "", shown)  # ip(8) of Debian 13 shows it
    assert f"inet 10.9.1.1/24 brd 10.9.1.255 scope global {CARD}:vip" in ours


def test_a_deprecated_address_without_duplicate_detection(watched: WatchedKernel) -> None:
    one = placed("2001:db8::1", nodad=True, preferred_lft=0)
    assert watched.kernel.change([one], []) == []
    (line,) = [one for one in ip("-6", "-o", "address").splitlines() if "2001:db8::1" in one]
    assert "deprecated" in line
    assert "tentative" not in line


def test_lost_notifications_are_made_up_for(watched: WatchedKernel) -> None:
    """More than the socket holds, by another program: the table is right all the same."""

    def known() -> int:
        one = watched.kernel.interface(CARD)
        return 0 if one is None else len([a for a in one.addresses if a.version == 4])

    commands = "".join(
        f"address add {ip_address('10.64.0.0') + n}/32 dev {CARD}\n" for n in range(1, 2001)
    )
    subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True)
    watched.until(lambda: known() == 2000)
    assert CARD in watched.changes


def test_what_was_prepared_is_of_no_use_on_another_interface_of_that_name(
    watched: WatchedKernel,
) -> None:
    one = placed("10.9.1.1")
    ready = watched.kernel.prepare([one])
    assert watched.kernel.change([one], [], ready) == []
    assert held() == ["10.9.1.1/32"]
    ip("link", "delete", CARD)
    plug_in()
    watched.until(lambda: watched.kernel.interface(CARD) is not None)
    watched.settle()
    assert watched.kernel.change([one], [], ready) == []
    assert held() == ["10.9.1.1/32"]


def test_what_was_prepared_for_other_things_is_not_used(watched: WatchedKernel) -> None:
    one, two = placed("10.9.1.1"), placed("10.9.1.2")
    assert watched.kernel.change([two], [], watched.kernel.prepare([one])) == []
    assert held() == ["10.9.1.2/32"]


@pytest.mark.parametrize("family", ["ip", "ip6"])
def test_a_packet_filter_that_is_left_over_goes_and_without_one_no_library_is_loaded(
    family: str,
) -> None:
    own, other = Filter(), Filter()
    assert own.apply(DropFilter()) == []
    assert own.library is None
    assert other.run(f"add table {family} keepalived") == ("", "")
    assert own.apply(DropFilter(table="another")) == []
    assert own.library is None
    assert own.apply(DropFilter()) == []
    assert "keepalived" not in other.run("list tables")[0]
