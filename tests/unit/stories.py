"""Hand-written records of things that happen to two machines, for the tests of the timeline.

Every story is a list of facts with round numbers, as the witnesses would have written it.
The article's cluster: master (priority 150) and backup (100), one Advertisement a second, so that
backup waits 3.609 s and master 3.414 s.
"""

from __future__ import annotations

from labs.model.facts import Action, Address, Advert, Arp, Fact, Heard, Link, Ping, State, in_order

VIP = "192.168.1.10"
PRIORITY = {"master": 150, "backup": 100}
REAL = {"master": "192.168.1.11", "backup": "192.168.1.12"}
WAIT = {"master": 3 + 106 / 256, "backup": 3 + 156 / 256}


def held(t: float, host: str, has: bool = True) -> Address:
    return Address(t, host, "eth0", VIP, 32, has)


def carrier(t: float, host: str, has: bool = True) -> Link:
    return Link(t, host, "eth0", True, has)


def advert(t: float, host: str, priority: int | None = None, interval: float = 1.0) -> Advert:
    prio = PRIORITY[host] if priority is None else priority
    return Advert(t, host, REAL[host], 51, 2, prio, interval, (VIP,), "45c0")


def heard(t: float, host: str, sender: str, priority: int | None = None) -> Heard:
    prio = PRIORITY[sender] if priority is None else priority
    return Heard(t, host, REAL[sender], 51, 2, prio, 1.0)


def adverts(host: str, start: float, stop: float, to: str | None = None) -> list[Fact]:
    """One a second from `start` up to `stop`, heard by `to`."""
    times = [start + i for i in range(int(stop - start) + 1) if start + i < stop]
    facts: list[Fact] = [advert(t, host) for t in times]
    return facts + [heard(t + 2e-5, to, host) for t in times if to]


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
    """master owns, both have carrier."""
    return [held(0.0, "master"), carrier(0.0, "master"), carrier(0.0, "backup")]


def failover_and_failback() -> list[Fact]:
    """The cable of master is pulled at 5.2 and plugged in at 14.0."""
    silence = "no advertisement for 3.609 s (3 × 1 s + skew 0.609 s)"
    over = 4.7 + WAIT["backup"]
    back = 14.05 + WAIT["master"]
    return in_order(
        [
            *beginning(),
            *adverts("master", 0.7, 5.2, to="backup"),
            Action(5.2, "unplug", "master", "cable of master pulled"),
            carrier(5.2004, "master", False),
            held(5.203, "master", False),
            *took(over, "backup", reason=silence),
            *adverts("backup", over, back),
            Action(14.0, "plug", "master", "cable of master plugged in"),
            carrier(14.05, "master"),
            *[heard(over + i, "master", "backup") for i in range(6, 9) if over + i < back],
            *took(back, "master", reason="no advertisement for 3.414 s"),
            held(back + 0.002, "backup", False),
            *adverts("master", back, 21.0, to="backup"),
            *pings(0.0, 5.2, "master"),
            *pings(5.2, 8.31, None),
            *pings(8.32, 17.47, "backup"),
            *pings(17.47, 21.0, "master"),
        ]
    )


def crash() -> list[Fact]:
    """The daemon of master is killed at 4.3; its kernel keeps the address, so two own it."""
    over = 3.7 + WAIT["backup"]
    return in_order(
        [
            *beginning(),
            *adverts("master", 0.7, 4.3, to="backup"),
            Action(4.3, "crash", "master", "daemon of master killed"),
            *took(over, "backup", reason="no advertisement for 3.609 s"),
            *adverts("backup", over, 12.0, to="master"),
            *pings(0.0, 7.32, "master"),
            *pings(7.32, 12.0, "backup"),
        ]
    )


def split_brain() -> list[Fact]:
    """master is cut off at 4.3 and back at 12.0; both own from 7.309 until it is heard again."""
    over = 3.7 + WAIT["backup"]
    return in_order(
        [
            *beginning(),
            *adverts("master", 0.7, 4.3, to="backup"),
            Action(4.3, "cut", "master", "way to master cut"),
            *adverts("master", 4.7, 12.0),
            *took(over, "backup"),
            *adverts("backup", over, 12.7),
            Action(12.0, "mend", "master", "way to master mended"),
            *adverts("master", 12.7, 16.0, to="backup"),
            held(12.702, "backup", False),
            *pings(0.0, 4.3, "master"),
            *pings(4.3, 7.32, None),
            *pings(7.32, 12.71, "backup"),
            *pings(12.71, 16.0, "master"),
        ]
    )


def goodbye() -> list[Fact]:
    """The daemon of master is stopped at 4.3: priority 0, so backup waits only its skew."""
    over = 4.302 + 156 / 256
    return in_order(
        [
            *beginning(),
            *adverts("master", 0.7, 4.3, to="backup"),
            Action(4.3, "stop", "master", "daemon of master stopped"),
            advert(4.302, "master", priority=0),
            heard(4.302, "backup", "master", priority=0),
            held(4.304, "master", False),
            *took(over, "backup", reason="priority 0 from 192.168.1.11"),
            *adverts("backup", over, 9.0, to="master"),
            *pings(0.0, 4.31, "master"),
            *pings(4.31, 4.92, None),
            *pings(4.92, 9.0, "backup"),
        ]
    )


def nobody_at_start() -> list[Fact]:
    """Both daemons are started at 1.0 and 1.2; master is the first whose patience ends."""
    first = 1.15 + WAIT["master"]
    return in_order(
        [
            carrier(0.0, "master"),
            carrier(0.0, "backup"),
            Action(1.0, "start", "master", "daemon of master started"),
            Action(1.2, "start", "backup", "daemon of backup started"),
            State(1.15, "master", "VI_1", "INIT", "BACKUP", "started", 150),
            *took(first, "master", reason="no advertisement for 3.414 s"),
            *adverts("master", first, 9.0, to="backup"),
            *pings(0.0, 4.58, None),
            *pings(4.58, 9.0, "master"),
        ]
    )


def restarts() -> list[Fact]:
    """backup owns; both daemons are restarted at once, and master is ready while nobody owns."""
    ready = 1.79
    first, second = 1.002 + 106 / 256, 1.642 + 156 / 256
    last = ready + WAIT["master"]
    return in_order(
        [
            held(0.0, "backup"),
            carrier(0.0, "master"),
            carrier(0.0, "backup"),
            *adverts("backup", 0.9, 1.0, to="master"),
            Action(1.0, "stop", "backup", "daemon of backup stopped"),
            advert(1.002, "backup", priority=0),
            heard(1.002, "master", "backup", priority=0),
            held(1.004, "backup", False),
            Action(1.02, "start", "backup", "daemon of backup started"),
            State(1.17, "backup", "VI_1", "INIT", "BACKUP", "started", 100),
            *took(first, "master", reason="priority 0 from 192.168.1.12"),
            *adverts("master", first, 1.5, to="backup"),
            Action(1.64, "stop", "master", "daemon of master stopped"),
            advert(1.642, "master", priority=0),
            heard(1.642, "backup", "master", priority=0),
            held(1.644, "master", False),
            Action(1.66, "start", "master", "daemon of master started"),
            State(ready, "master", "VI_1", "INIT", "BACKUP", "started", 150),
            *took(second, "backup", reason="priority 0 from 192.168.1.11"),
            *adverts("backup", second, last, to="master"),
            *took(last, "master", reason="no advertisement for 3.414 s"),
            held(last + 0.002, "backup", False),
            *adverts("master", last, 7.0, to="backup"),
        ]
    )
