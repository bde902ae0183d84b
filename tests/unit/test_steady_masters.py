"""Which MASTERs leave their Advertisements to a Cycle, and what ends that.

`tests/sim/test_steady_masters.py` compares whole days; here each cause is tried by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from itertools import pairwise
from typing import Any

import pytest

from labs.simulation.lan import Lan
from labs.simulation.ports import HostChannel
from tests.batches import SimulatedBatch, with_batches
from tests.cluster import advert, cluster, conf, inject, router
from vrrpd.events import IPAddress
from vrrpd.fsm import SECOND
from vrrpd.router import VirtualRouter

QUICK = ("version 3", "advert_int 0.1")
AH = "authentication {\nauth_type AH\nauth_pass 1111\n}"
PASS = "authentication {\nauth_type PASS\nauth_pass 1111\n}"
HMAC = "auth_hmac {\nkey 1 32-bytes-at-least-for-every-key-x\nactive_key 1\n}"
PEERS = "unicast_peer {\n192.168.1.12\n}"
EXPIRED = ("nopreempt", "timer_expired_backup 90")


@pytest.fixture(autouse=True)
def _batches(monkeypatch: pytest.MonkeyPatch) -> None:
    with_batches(monkeypatch)


def master(*words: str, vip: str = "192.168.1.10") -> tuple[Lan, VirtualRouter]:
    """A router that has been MASTER for some seconds, and its LAN."""
    lan = cluster(one=conf(100, *words, vips=[vip]))
    lan.run(9)
    one = router(lan, "one")
    assert one.state.value == "MASTER"
    return lan, one


def several(count: int) -> tuple[Lan, list[VirtualRouter]]:
    """So many MASTERs in one Cycle, and their LAN."""
    texts = [
        conf(100, *QUICK, name=f"VI_{n}", vrid=n, vips=[f"10.0.0.{n}"]) for n in range(1, count + 1)
    ]
    lan = cluster(one="".join(texts))
    lan.run(2)
    routers = list(lan.daemons["one"].routers.values())
    assert all(one.cycle is routers[0].cycle is not None for one in routers)
    return lan, routers


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bytes]]:
    """Moment (ns) and bytes of every packet that is sent."""
    found: list[tuple[int, bytes]] = []
    send = HostChannel.send

    def record(channel: HostChannel, packet: bytes) -> None:
        send(channel, packet)
        found.append((channel.machine.clock.now(), packet))

    monkeypatch.setattr(HostChannel, "send", record)
    return found


@pytest.mark.parametrize("words", [QUICK, ("advert_int 1",), ("advert_int 1", PASS)])
def test_a_steady_master_has_no_timer_and_sends_all_the_same(
    words: Sequence[str], sent: list[tuple[int, bytes]]
) -> None:
    lan, one = master(*words)
    assert one.cycle is not None
    assert one.timer is None
    interval = one.params.advert_interval
    sent.clear()
    together = SimulatedBatch.together
    lan.run(10 * interval / SECOND)
    assert SimulatedBatch.together == together + len(sent) == together + 10
    assert {b[0] - a[0] for a, b in pairwise(sent)} == {interval}
    numbers = [int.from_bytes(packet[4:6], "big") for _, packet in sent]
    assert numbers == list(range(numbers[0], numbers[0] + 10))


@pytest.mark.parametrize(
    ("words", "vip"),
    [
        ((AH,), "192.168.1.10"),
        ((*QUICK, HMAC), "192.168.1.10"),
        ((*QUICK, PEERS), "192.168.1.10"),
        ((*QUICK, *EXPIRED), "192.168.1.10"),
        (QUICK, "fe80::10"),
    ],
)
def test_others_have_timers(words: Sequence[str], vip: str) -> None:
    _, one = master(*words, vip=vip)
    assert one.cycle is None
    assert one.timer is not None


def test_deadline_number_and_counter_are_exact_at_any_time() -> None:
    lan, one = master(*QUICK)
    for _ in range(7):
        before, due = one.counters["advertisement-sent"], one.current.deadline
        assert due is not None
        assert lan.clock.now() < due <= lan.clock.now() + SECOND // 10
        lan.run(0.3)
        assert one.counters["advertisement-sent"] == one.advertiser.ident == before + 3
        assert one.current.deadline == due + 3 * SECOND // 10
        assert one.cycle is not None, "to look changes nothing"


def test_counters_that_are_cleared_begin_at_zero() -> None:
    lan, one = master(*QUICK)
    one.counters.clear()
    assert one.counters["advertisement-sent"] == 0
    lan.run(0.5)
    assert one.counters["advertisement-sent"] == 5


def test_the_identification_begins_again_at_1() -> None:
    lan, one = master(*QUICK)
    one.act_alone()
    one.advertiser.ident = 0xFFFF - 3
    lan.run(0.2)
    assert one.cycle is not None
    lan.run(0.5)
    assert one.counters["advertisement-sent"] > 0
    assert one.advertiser.ident == 4


def weigh(lan: Lan, one: VirtualRouter) -> None:
    one.set_weight("x", -10)


def receive(lan: Lan, one: VirtualRouter) -> None:
    inject(lan, "one", advert(250))


def move(lan: Lan, one: VirtualRouter) -> None:
    other: IPAddress = IPv4Address("192.168.1.77")
    one.set_source_address(other)


def send(lan: Lan, one: VirtualRouter) -> None:
    one.send(one.params.priority)


def unplug(lan: Lan, one: VirtualRouter) -> None:
    lan.unplug("one")
    lan.run(0.01)


def release(lan: Lan, one: VirtualRouter) -> None:
    lan.daemons["one"].release()


def reload(*words: str, vips: Sequence[str]) -> Callable[[Lan, VirtualRouter], None]:
    def act(lan: Lan, one: VirtualRouter) -> None:
        lan.conf("one", conf(100, *words, vips=vips))
        lan.reload("one")

    return act


ADDRESSES = reload("advert_int 1", vips=["192.168.1.10", "192.168.1.20"])
INTERVAL = reload("advert_int 2", vips=["192.168.1.10"])
EVENTS: dict[str, Callable[[Lan, VirtualRouter], None]] = {
    "another priority": weigh,
    "an Advertisement": receive,
    "another source address": move,
    "an Advertisement sent in between": send,
    "other virtual addresses": ADDRESSES,
    "another interval": INTERVAL,
    "an interface that is down": unplug,
    "released by vrrpctl": release,
    "the end": lambda lan, _: lan.stop("one"),
}


@pytest.mark.parametrize("event", EVENTS)
def test_whatever_happens_a_router_acts_by_itself(event: str) -> None:
    lan, one = master("advert_int 1")
    cycle = one.cycle
    assert cycle is not None
    EVENTS[event](lan, one)
    assert one.cycle is None
    assert one not in cycle.members


@pytest.mark.parametrize(
    ("event", "part"),
    [
        ("another priority", slice(22, 23)),
        ("another source address", slice(12, 16)),
        ("other virtual addresses", slice(23, 24)),
        ("another interval", slice(25, 26)),
    ],
)
def test_nothing_of_the_old_packet_is_sent_after_a_change(
    event: str, part: slice, sent: list[tuple[int, bytes]]
) -> None:
    lan, one = master("advert_int 1")
    before = sent[-1][1][part]
    EVENTS[event](lan, one)
    sent.clear()
    lan.run(9)
    assert len(sent) > 3
    assert before not in {packet[part] for _, packet in sent}
    assert one.cycle is not None, "nothing happens any more"


def test_no_advertisement_follows_a_resignation(sent: list[tuple[int, bytes]]) -> None:
    lan, one = master(*QUICK)
    lan.run(0.05)
    one.stop("the end")
    lan.run(1)
    assert [packet[22] for _, packet in sent][-1] == 0


def test_a_refused_packet_is_sent_again_by_its_router(sent: list[tuple[int, bytes]]) -> None:
    """The failure is counted and logged there; those before it are not sent twice."""
    lan, routers = several(5)
    record = HostChannel.send

    def refuse(channel: HostChannel, packet: bytes) -> None:
        if packet[21] == 3:
            raise OSError(105, "No buffer space available")
        record(channel, packet)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostChannel, "send", refuse)
        sent.clear()
        lan.run(0.1)
        assert [packet[21] for _, packet in sent] == [1, 2, 4, 5]
        assert [one.counters["send-errors"] for one in routers] == [0, 0, 1, 0, 0]
        assert routers[2].upkeep.failures == 1
        assert [one.cycle is None for one in routers] == [False, False, True, False, False]
    lan.run(0.2)
    assert all(one.cycle is not None for one in routers)
    assert len({one.current.deadline for one in routers}) == 1


def test_without_a_socket_every_router_acts_by_itself() -> None:
    lan, routers = several(3)
    routers[0].listener.close()
    lan.run(0.1)
    assert all(one.cycle is None for one in routers)
    assert all(one.counters["send-errors"] for one in routers)


def test_a_new_socket_needs_new_packets() -> None:
    """The old ones are for a descriptor that is closed."""
    lan, routers = several(3)
    listener = routers[0].listener
    before = listener.channel
    index = listener.index
    listener.close()
    listener.attend(index)
    assert listener.channel is not before
    lan.run(0.5)
    cycle = routers[0].cycle
    assert cycle is not None
    assert cycle.channel is listener.channel


def test_whatever_goes_wrong_every_router_has_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    lan, routers = several(3)

    def fail(batch: SimulatedBatch, first: int, end: int) -> int:
        raise ValueError

    monkeypatch.setattr(SimulatedBatch, "send", fail)
    with pytest.raises(ValueError):  # noqa: PT011  # ours, just above
        lan.run(0.1)
    assert all(one.cycle is None and one.timer is not None for one in routers)


def test_a_mistake_with_one_router_leaves_none_of_them_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan, routers = several(3)
    count = VirtualRouter.repeated

    def fail(one: VirtualRouter, times: int, last: int) -> None:
        if one is routers[0]:
            raise ValueError
        count(one, times, last)

    monkeypatch.setattr(VirtualRouter, "repeated", fail)
    routers[0].listener.close()
    with pytest.raises(ValueError):  # noqa: PT011  # ours, just above
        lan.run(0.1)
    assert all(one.cycle is None and one.timer is not None for one in routers)


def test_routers_that_are_due_at_different_moments_keep_them(
    sent: list[tuple[int, bytes]],
) -> None:
    """Also when one of them has come in after the others of its turn have sent."""
    lan, routers = several(4)
    for number, one in enumerate(routers):
        one.act_alone()
        assert one.current.deadline is not None
        one._current = one.current._replace(deadline=one.current.deadline + number * 7_000_000)
        one.arm()
    lan.run(0.5)
    sent.clear()
    lan.run(1)
    for one in routers:
        mine = [at for at, packet in sent if packet[21] == one.instance.vrid]
        assert {b - a for a, b in pairwise(mine)} == {SECOND // 10}
        assert len(mine) == 10
    assert len({one.cycle for one in routers}) == 1


def test_packets_are_not_made_ready_for_each_that_comes_or_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hundreds of routers that are due at moments of their own would take too long for that."""
    lan, routers = several(8)
    for number, one in enumerate(routers):
        one.act_alone()
        assert one.current.deadline is not None
        one._current = one.current._replace(deadline=one.current.deadline + number * 9_000_000)
        one.arm()
    lan.run(0.3)
    made = 0
    make = HostChannel.batch

    def count(channel: HostChannel, packets: Sequence[bytes], idents: Sequence[int]) -> Any:
        nonlocal made
        made += 1
        return make(channel, packets, idents)

    monkeypatch.setattr(HostChannel, "batch", count)
    before = [one.counters["advertisement-sent"] for one in routers]
    for number in range(100):
        routers[number % 8].act_alone()
        lan.run(0.01)
    assert made <= 15, "for 100 that left and came back in 10 intervals"
    assert [one.counters["advertisement-sent"] for one in routers] == [n + 10 for n in before]


def test_what_another_timer_may_change_is_not_sent_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that is late: of four that are due, two come before another timer."""
    _, routers = several(4)
    cycle = routers[0].cycle
    assert cycle is not None
    cycle._arrange()
    begin = cycle.due[0]
    cycle.due = [begin, begin + 10, begin + 20, begin + 30]
    monkeypatch.setattr(cycle.clock, "now", lambda: begin + 100, raising=False)
    monkeypatch.setattr(cycle.clock, "next_call", lambda: begin + 15, raising=False)
    cycle.expire()
    assert cycle.place == 2
    assert cycle.wake == begin + 20
