"""What a takeover costs beyond the protocol's own timers.

    one pair of the same make, and a client     master (200)   backup (100)   client
    the fault                                   SIGKILL, SIGTERM or the master's cable
    the protocol's moment                       last advert on the wire + 3 × interval + skew
                                                (priority 0 on the wire + skew)
    measured after that moment, in ms           first advert and first gratuitous ARP of the backup
                                                (kernel time, at the switch), last of its addresses
                                                (netlink, on the backup), first echo reply that
                                                the client gets again

Makes take turns, run by run, each on a segment of its own that stays up in between: what
else the machine does hits all of them alike.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.interop.segment import ENVIRONMENT, EVENT_TIMEOUT_S, Host, Segment, is_announcement, now
from tests.support import REPOSITORY, eventually

VIP = "192.168.1.10"
MASTER, BACKUP, CLIENT = 0, 1, 2
PRIORITY = {MASTER: 200, BACKUP: 100}
EVERY = 0.0005  # s between the client's pings


@dataclass(frozen=True)
class Scenario:
    """One way to lose a master: VRRP `version`, `interval` in s, number of addresses, fault."""

    version: int
    interval: float
    vips: int
    fault: str  # kill, term or unplug

    def __str__(self) -> str:
        pace = f"{self.interval:g} s" if self.interval >= 1 else f"{self.interval * 1000:g} ms"
        return f"v{self.version} {pace}, {self.vips} VIP{'s' * (self.vips > 1)}, {self.fault}"

    @property
    def skew(self) -> float:
        """Skew_Time of the backup in seconds (RFC 3768 section 6.1, RFC 9568 section 6.1)."""
        unit = 1.0 if self.version == 2 else self.interval
        return (256 - PRIORITY[BACKUP]) * unit / 256

    def config(self, host: int) -> str:
        """keepalived.conf of the master or the backup."""
        vips = "\n".join(vip(number) for number in range(self.vips))
        return (
            f"vrrp_instance VI_1 {{\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n"
            f"version {self.version}\npriority {PRIORITY[host]}\nadvert_int {self.interval:g}\n"
            f"virtual_ipaddress {{\n{vips}\n}}\n}}\n"
        )


@dataclass(frozen=True)
class Sample:
    """One takeover: milliseconds after the protocol's moment; None where it was not measured."""

    kind: str
    scenario: str
    advert: float
    arp: float
    addresses: float | None
    ping: float | None


def vip(number: int) -> str:
    """The address of that number, from 0; none is a host's own."""
    return VIP if number == 0 else f"192.168.{2 + number // 200}.{1 + number % 200}"


class Observer:
    """A process on a host that stamps what happens there; `events` are its lines, split."""

    def __init__(self, host: Host, *words: str) -> None:
        self.events: list[list[str]] = []
        command = host.holder.inside(sys.executable, "-m", "tests.bench.observer", *words)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=ENVIRONMENT,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(line.split())

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(EVENT_TIMEOUT_S)
        self.thread.join()
        self.process.stdout.close()


class Pair:
    """Two daemons of one make on a segment, again and again master and backup."""

    def __init__(self, room: Path, kind: str, scenario: Scenario, luck: random.Random) -> None:
        self.kind, self.scenario, self.luck = kind, scenario, luck
        self.lan = Segment(room, hosts=3)
        self.observers: list[Observer] = []
        try:
            for number in (BACKUP, MASTER):
                self._start(number)
            self.addresses = self._observe(BACKUP, "addresses")
            self.pings = self._observe(CLIENT, "pings", VIP, str(EVERY)) if self._asks() else None
            self._rest()
        except BaseException:
            self.close()
            raise

    def _start(self, number: int) -> None:
        """Start the daemon of a host."""
        self.lan[number].start(self.kind, self.scenario.config(number))

    def _resting(self) -> bool:
        """Whether the backup holds nothing."""
        return not self.lan[BACKUP].has(VIP)

    def _taken(self) -> bool:
        """Whether the backup holds everything."""
        return self.lan[BACKUP].virtual() >= {vip(n) for n in range(self.scenario.vips)}

    @property
    def skew(self) -> float:
        """Skew_Time in seconds as this make counts it."""
        return self.scenario.skew

    def _asks(self) -> bool:
        # A killed daemon leaves its addresses behind, and its kernel goes on answering.
        return self.scenario.fault == "unplug"

    def _observe(self, host: int, *words: str) -> Observer:
        self.observers.append(Observer(self.lan[host], *words))
        return self.observers[-1]

    def _rest(self) -> None:
        """Until the master is MASTER, the backup holds nothing and all has been quiet a while."""
        wire = self.lan.wire

        def quiet() -> bool:
            last = [f.host for f in wire.adverts()[-4:]]
            return last == [MASTER] * 4 and self._resting()

        self.lan.wait(quiet, f"{self.kind} at rest")
        # Somewhere between two adverts, so that no fault is in step with the timers.
        eventually(lambda: self.luck.random() < 0.3, every=self.scenario.interval / 7)

    def _begin(self) -> float:
        """Forget what was seen so far, at rest; when that was."""
        wire = self.lan.wire
        while True:
            self._rest()  # in the turn of the other makes, a busy machine may have cost a master
            last_words = max(n for n, f in enumerate(wire.frames) if f.is_advert)
            del wire.frames[:last_words]
            began = now()
            self.addresses.events.clear()
            if self.pings:
                self.pings.events.clear()
            # Who has taken over since was at rest, and the news of it has just been thrown away.
            if wire.frames[0].host == MASTER and self._resting():
                return began

    def run(self) -> Sample:
        """One takeover and back; what it cost."""
        wire, fault = self.lan.wire, self.scenario.fault
        began = self._begin()
        self._break(fault)
        self.lan.wait(self._taken, "the takeover")
        self.lan.wait(lambda: self._arps(began), "a gratuitous ARP")
        first = min(f.t for f in wire.adverts(BACKUP) if f.t > began)
        last = [f for f in wire.adverts(MASTER) if f.t < first][-1]
        wait = 0.0 if last.priority == 0 else 3 * self.scenario.interval
        due = last.t + wait + self.skew
        sample = Sample(
            self.kind,
            str(self.scenario),
            _ms(first - due),
            _ms(self._arps(began)[0] - due),
            self._last_address(due),
            self._answered(due),
        )
        self._repair(fault)
        self._rest()
        return sample

    def _arps(self, since: float) -> list[float]:
        frames = self.lan.wire.frames
        return [f.t for f in frames if f.host == BACKUP and f.t > since and is_announcement(f)]

    def _last_address(self, due: float) -> float | None:
        """When the last of the addresses was there."""

        def all_reported() -> bool:
            return sum(int(count) for _, count in list(self.addresses.events)) >= self.scenario.vips

        eventually(all_reported, EVENT_TIMEOUT_S, "the word of netlink")
        left = self.scenario.vips
        for t, count in self.addresses.events:
            left -= int(count)
            if left <= 0:
                return _ms(float(t) - due)
        raise AssertionError("unreachable: they were counted")

    def _answered(self, due: float) -> float | None:
        """When the client had its first answer from the new owner."""
        if self.pings is None:
            return None
        asked = self.pings

        def replies() -> list[float]:
            return [float(t) for (t,) in list(asked.events) if float(t) > due - 0.001]

        eventually(replies, EVENT_TIMEOUT_S, "an answer for the client")
        return _ms(min(replies()) - due)

    def _break(self, fault: str) -> None:
        master = self.lan[MASTER]
        if fault == "unplug":
            master.unplug()
        elif fault == "kill":
            master.crash()
        else:
            master.stop()

    def _repair(self, fault: str) -> None:
        master = self.lan[MASTER]
        if fault == "unplug":
            master.plug()
        else:
            self._start(MASTER)

    def close(self) -> None:
        """End the daemons and the segment."""
        for observer in self.observers:
            observer.close()
        self.lan.close()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 4)


class FramesLost(Exception):
    """The host was too busy for the capture: nothing was measured."""


def measure(
    room: Path,
    scenario: Scenario,
    kinds: list[str],
    runs: int,
    seed: int,
    told: Callable[[str], None] = lambda _: None,
) -> list[dict[str, object]]:
    """`runs` takeovers of each make, in turns; `told` is called after each with a few words."""
    luck = random.Random(seed)
    from tests.bench.frr import FrrPair

    makes = {"frr": FrrPair}
    pairs = [makes.get(kind, Pair)(room / kind, kind, scenario, luck) for kind in kinds]
    samples: list[dict[str, object]] = []
    try:
        for number in range(runs):
            for pair in pairs:
                samples.append(asdict(pair.run()))
                told(f"{scenario}: {pair.kind} {number + 1} of {runs}")
    finally:
        for pair in pairs:
            pair.close()
    lost = {pair.kind: pair.lan.wire.lost for pair in pairs if pair.lan.wire.lost}
    if lost:
        why = "frames were lost by the capture, so the first may not be the first"
        raise FramesLost(f"{why}: {lost}; measure again on a quieter machine")
    return samples
