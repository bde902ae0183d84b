"""Hand-written records of things that happen to two machines, for the tests of the timeline.

Every story is a list of facts with round numbers, as the observers would have written it.
The article's cluster: web1 (priority 150) and web2 (100), one Advertisement a second, so that
web2 waits 3.609 s and web1 3.414 s.
"""

from __future__ import annotations

from labs.model.facts import Action, Address, Advert, Arp, Fact, Heard, Link, Ping, State, in_order

VIP = "192.168.1.10"
PRIORITY = {"web1": 150, "web2": 100}
REAL = {"web1": "192.168.1.11", "web2": "192.168.1.12"}
WAIT = {"web1": 3 + 106 / 256, "web2": 3 + 156 / 256}


def held(t: float, host: str, has: bool = True) -> Address:
    return Address(t, host, "eth0", VIP, 32, has)


def carrier(t: float, host: str, has: bool = True) -> Link:
    return Link(t, host, "eth0", True, has)


def advert(t: float, host: str, priority: int | None = None, interval: float = 1.0) -> Advert:
    prio = PRIORITY[host] if priority is None else priority
    return Advert(t, host, REAL[host], 51, 2, prio, interval, (VIP,), "45c0")


def received(t: float, host: str, sender: str, priority: int | None = None) -> Heard:
    prio = PRIORITY[sender] if priority is None else priority
    return Heard(t, host, REAL[sender], 51, 2, prio, 1.0)


def adverts(host: str, start: float, stop: float, to: str | None = None) -> list[Fact]:
    """One a second from `start` up to `stop`, received by `to`."""
    times = [start + i for i in range(int(stop - start) + 1) if start + i < stop]
    facts: list[Fact] = [advert(t, host) for t in times]
    return facts + [received(t + 2e-5, to, host) for t in times if to]


def pings(start: float, stop: float, host: str | None, every: float = 0.01) -> list[Fact]:
    rtt = None if host is None else 0.0002
    count = round((stop - start) / every)
    return [
        Ping(start + i * every, round((start + i * every) / every), VIP, host, rtt)
        for i in range(count)
    ]


def took(t: float, host: str, frm: str = "BACKUP", reason: str = "") -> list[Fact]:
    """`host` becomes MASTER: Advertisement first, then the address, then ARP."""
    return [
        State(t, host, "VI_1", frm, "MASTER", reason, PRIORITY[host]),
        held(t + 0.0008, host),
        Arp(t + 0.001, host, VIP, "02:00:00:00:00:02"),
    ]


def beginning() -> list[Fact]:
    """web1 holds, both have carrier."""
    return [held(0.0, "web1"), carrier(0.0, "web1"), carrier(0.0, "web2")]


def failover_and_failback() -> list[Fact]:
    """The cable of web1 is pulled at 5.2 and plugged in at 14.0."""
    silence = "no advertisement for 3.609 s (3 × 1 s + skew 0.609 s)"
    over = 4.7 + WAIT["web2"]
    back = 14.05 + WAIT["web1"]
    return in_order(
        [
            *beginning(),
            *adverts("web1", 0.7, 5.2, to="web2"),
            Action(5.2, "unplug", "web1", "cable of web1 pulled"),
            carrier(5.2004, "web1", False),
            held(5.203, "web1", False),
            *took(over, "web2", reason=silence),
            *adverts("web2", over, back),
            Action(14.0, "plug", "web1", "cable of web1 plugged in"),
            carrier(14.05, "web1"),
            *[received(over + i, "web1", "web2") for i in range(6, 9) if over + i < back],
            *took(back, "web1", reason="no advertisement for 3.414 s"),
            held(back + 0.002, "web2", False),
            *adverts("web1", back, 21.0, to="web2"),
            *pings(0.0, 5.2, "web1"),
            *pings(5.2, 8.31, None),
            *pings(8.32, 17.47, "web2"),
            *pings(17.47, 21.0, "web1"),
        ]
    )


def crash() -> list[Fact]:
    """The daemon of web1 is killed at 4.3; its kernel keeps the address, so two hold it."""
    over = 3.7 + WAIT["web2"]
    return in_order(
        [
            *beginning(),
            *adverts("web1", 0.7, 4.3, to="web2"),
            Action(4.3, "crash", "web1", "daemon of web1 killed"),
            *took(over, "web2", reason="no advertisement for 3.609 s"),
            *adverts("web2", over, 12.0, to="web1"),
            *pings(0.0, 7.32, "web1"),
            *pings(7.32, 12.0, "web2"),
        ]
    )


def split_brain() -> list[Fact]:
    """web1 is cut off at 4.3 and back at 12.0; both hold from 7.309 until it is received again."""
    over = 3.7 + WAIT["web2"]
    return in_order(
        [
            *beginning(),
            *adverts("web1", 0.7, 4.3, to="web2"),
            Action(4.3, "cut", "web1", "way to web1 cut"),
            *adverts("web1", 4.7, 12.0),
            *took(over, "web2"),
            *adverts("web2", over, 12.7),
            Action(12.0, "mend", "web1", "way to web1 mended"),
            *adverts("web1", 12.7, 16.0, to="web2"),
            held(12.702, "web2", False),
            *pings(0.0, 4.3, "web1"),
            *pings(4.3, 7.32, None),
            *pings(7.32, 12.71, "web2"),
            *pings(12.71, 16.0, "web1"),
        ]
    )


def resignation() -> list[Fact]:
    """The daemon of web1 is stopped at 4.3: priority 0, so web2 waits only its skew."""
    over = 4.302 + 156 / 256
    return in_order(
        [
            *beginning(),
            *adverts("web1", 0.7, 4.3, to="web2"),
            Action(4.3, "stop", "web1", "daemon of web1 stopped"),
            advert(4.302, "web1", priority=0),
            received(4.302, "web2", "web1", priority=0),
            held(4.304, "web1", False),
            *took(over, "web2", reason="priority 0 from 192.168.1.11"),
            *adverts("web2", over, 9.0, to="web1"),
            *pings(0.0, 4.31, "web1"),
            *pings(4.31, 4.92, None),
            *pings(4.92, 9.0, "web2"),
        ]
    )


def no_holder_at_start() -> list[Fact]:
    """Both daemons start at 1.0 and 1.2; web1 is the first whose Master_Down_Timer expires."""
    first = 1.15 + WAIT["web1"]
    return in_order(
        [
            carrier(0.0, "web1"),
            carrier(0.0, "web2"),
            Action(1.0, "start", "web1", "daemon of web1 started"),
            Action(1.2, "start", "web2", "daemon of web2 started"),
            State(1.15, "web1", "VI_1", "INIT", "BACKUP", "started", 150),
            *took(first, "web1", reason="no advertisement for 3.414 s"),
            *adverts("web1", first, 9.0, to="web2"),
            *pings(0.0, 4.58, None),
            *pings(4.58, 9.0, "web1"),
        ]
    )


def restarts() -> list[Fact]:
    """web2 holds; both daemons are restarted at once, and web1 is ready while no host holds."""
    ready = 1.79
    first, second = 1.002 + 106 / 256, 1.642 + 156 / 256
    last = ready + WAIT["web1"]
    return in_order(
        [
            held(0.0, "web2"),
            carrier(0.0, "web1"),
            carrier(0.0, "web2"),
            *adverts("web2", 0.9, 1.0, to="web1"),
            Action(1.0, "stop", "web2", "daemon of web2 stopped"),
            advert(1.002, "web2", priority=0),
            received(1.002, "web1", "web2", priority=0),
            held(1.004, "web2", False),
            Action(1.02, "start", "web2", "daemon of web2 started"),
            State(1.17, "web2", "VI_1", "INIT", "BACKUP", "started", 100),
            *took(first, "web1", reason="priority 0 from 192.168.1.12"),
            *adverts("web1", first, 1.5, to="web2"),
            Action(1.64, "stop", "web1", "daemon of web1 stopped"),
            advert(1.642, "web1", priority=0),
            received(1.642, "web2", "web1", priority=0),
            held(1.644, "web1", False),
            Action(1.66, "start", "web1", "daemon of web1 started"),
            State(ready, "web1", "VI_1", "INIT", "BACKUP", "started", 150),
            *took(second, "web2", reason="priority 0 from 192.168.1.11"),
            *adverts("web2", second, last, to="web1"),
            *took(last, "web1", reason="no advertisement for 3.414 s"),
            held(last + 0.002, "web2", False),
            *adverts("web1", last, 7.0, to="web2"),
        ]
    )
