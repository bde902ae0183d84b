"""How fast is too fast: outage against false takeovers for one Advertisement interval.

One run: web1 (MASTER) and web2 (BACKUP) work, and `DISTURBANCES` times something goes wrong that
is not a failure: an Advertisement is lost on web2's cable, or web1's process does not run for
`stall` seconds.  web2 becomes MASTER in some of these: a false takeover.  Then web1's cable is
pulled at a random moment, and the time until web2 is MASTER is the outage.

The quiet time between two disturbances is drawn, not played: an Advertisement that arrives changes
nothing but the deadline of Master_Down_Timer.  Lost Advertisements are independent of each other;
stalls come `STALLS_PER_SECOND` times a second on average, web1 alone.
Both routers use version 3, which can count in hundredths of a second.  `vrrpd.fsm` is the protocol.
"""

from __future__ import annotations

import math
import random
from ipaddress import IPv4Address
from statistics import median, quantiles
from typing import Any

from labs.browser.wire import Wire
from vrrpd.fsm import SECOND, Params, State

RUNS = 1000
DISTURBANCES = 3
STALLS_PER_SECOND = 1 / 60
DAY = 86_400
SHORTEST, LONGEST = 0.01, 40.95  # s: what version 3 can carry
INTERVALS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0)
WEB1, WEB2 = IPv4Address("192.168.1.11"), IPv4Address("192.168.1.12")


def intervals() -> list[float]:
    """The intervals (s) that the figure compares."""
    return list(INTERVALS)


def runs(
    interval: float, loss: float, stall: float, runs: int = RUNS, seed: int = 1
) -> dict[str, Any]:
    """Play `runs` runs; return the outages (s) and how often a false takeover happened.

    `interval` and `stall` in seconds, `loss` as a share (0..0.5); `low` and `high` leave out the
    lowest and the highest twentieth of the outages.  `per_day` is None if nothing
    could go wrong (neither loss nor stalls); `observed` is in seconds, quiet time included.
    Raises ValueError for what version 3 cannot carry.
    """
    if not SHORTEST <= interval <= LONGEST:
        raise ValueError(f"interval is {interval:g} s, and can be {SHORTEST} to {LONGEST} s")
    if not 0 <= loss <= 0.5 or stall < 0 or runs < 2:
        raise ValueError(
            f"loss {loss:g} (0 to 0.5), stall {stall:g} s (from 0), {runs} runs (from 2)"
        )
    pair = _Pair(interval, loss, stall, seed)
    outages, false, observed = [], 0, 0
    for _ in range(runs):
        takeovers, time = pair.disturbed(DISTURBANCES)
        false += takeovers
        observed += time
        outages.append(pair.outage() / SECOND)
    twentieths = quantiles(outages, n=20)
    quiet = not loss and not stall
    return {
        "interval": interval,
        "runs": runs,
        "outages": [round(one, 5) for one in outages],
        "disturbances": 0 if quiet else runs * DISTURBANCES,
        "median": median(outages),
        "low": twentieths[0],
        "high": twentieths[-1],
        "false": false,
        "observed": observed / SECOND,
        "per_day": None if quiet else false * DAY * SECOND / observed,
        "master_down": pair.master_down / SECOND,
    }


class _Pair:
    """web1 and web2, again and again from the same quiet state: web1 has just advertised."""

    def __init__(self, interval: float, loss: float, stall: float, seed: int) -> None:
        self.tick = round(interval * 100) * SECOND // 100
        self.loss, self.stall = loss, round(stall * SECOND)
        self.dice = random.Random(seed)
        self.params = [
            Params(51, priority, source, advert_interval=self.tick, version=3)
            for priority, source in ((150, WEB1), (100, WEB2))
        ]
        self.master_down = self.params[1].master_down(self.tick)
        wire = Wire(self.params, latency=0)
        wire.start()
        while wire.received[1] is None:
            wire.play(100 * (self.tick + SECOND))
        self.quiet, self.zero = list(wire.routers), wire.now

    def disturbed(self, disturbances: int) -> tuple[int, int]:
        """Return the false takeovers in this many disturbances, and the time (ns) it all took."""
        if not self.loss and not self.stall:
            return 0, 0
        takeovers = observed = 0
        for _ in range(disturbances):
            # The number of Advertisements before the next lost one is geometric.
            sure = math.inf
            if self.loss:
                sure = math.log(1 - self.dice.random()) // math.log(1 - self.loss) * self.tick
            stall = self.dice.expovariate(STALLS_PER_SECOND) * SECOND if self.stall else math.inf
            wire = self._wire()
            if stall < sure:
                wire.run(self.zero + int(stall) % self.tick)
                wire.stall(0, self.stall)
                observed += int(stall) // self.tick * self.tick
            else:
                wire.drop = 1
                observed += int(sure)
            observed += self._recover(wire)
            takeovers += sum(c.router == 1 and c.to is State.MASTER for c in wire.changes)
        return takeovers, observed

    def outage(self) -> int:
        """Return how long (ns) no router is MASTER after web1's cable is pulled."""
        wire = self._wire()
        pulled = self.zero + 3 * self.tick + self.dice.randrange(self.tick)
        wire.run(pulled)
        wire.connected.discard(0)
        while wire.routers[1].state is not State.MASTER:
            wire.play(pulled + 100 * self.master_down)
        return max(0, wire.now - pulled)

    def _wire(self) -> Wire:
        wire = Wire(self.params, latency=0, loss=self.loss, dice=self.dice)
        wire.routers, wire.now = list(self.quiet), self.zero
        return wire

    def _recover(self, wire: Wire) -> int:
        """Play until web1 is MASTER and web2 has received it as a BACKUP; return the time (ns)."""
        begun = wire.now
        while True:
            wire.play(begun + 1000 * (self.tick + self.stall))
            heard = wire.received[1]
            calm = heard is not None and heard == wire.now > begun
            if calm and wire.masters() == [0] and wire.quiet:
                return wire.now - self.zero
