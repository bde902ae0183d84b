"""What happens once in a while: start, the test of a file, a reload, a lab.

start()      seconds from execve to the first Advertisement of an owner
checking()   seconds that `-t` takes for so many instances with so many addresses
reload()     the longest time for which an instance says nothing while a large file is read
lab()        seconds until Lab("basic") can be used, and to close it, one at a time
labs()       the same for many labs at once; memory of each
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench.files import instance, many
from tests.bench.running import second_cable
from tests.interop.segment import ENVIRONMENT, KEEPALIVED, VRRPD, Segment
from tests.support import DAEMONS, REPOSITORY, eventually

OWNER = 255


def start(room: Path, runs: int) -> list[dict[str, Any]]:
    """Seconds from the start of the process to its first Advertisement, priority 255."""
    found = []
    for number in range(runs):
        for kind in DAEMONS:
            with Segment(room / f"{kind}{number}", hosts=1) as lan:
                began = time.time()
                lan[0].start(kind, instance("VI_1", 51, 1, OWNER, ["10.1.0.1"]))
                lan.wait(partial(lan.wire.adverts, 0), "the first Advertisement")
                found.append({"kind": kind, "seconds": lan.wire.adverts(0)[0].t - began})
    return found


def checking(room: Path, instances: int, vips: int, runs: int) -> list[dict[str, Any]]:
    """Seconds of `-t` for a file of that size."""
    room.mkdir(parents=True, exist_ok=True)
    path = room / "large.conf"
    cards = [f"eth{number}" for number in range(-(-instances // 250))]
    path.write_text(many(instances, 1, 100, vips, cards))
    commands = {
        "keepalived": [KEEPALIVED, "-t", "-f", str(path)],
        "vrrpd": [*VRRPD, "-t", "-f", str(path)],
    }
    found = []
    with Segment(room / "lan", hosts=1) as lan:
        for card in cards[1:]:
            lan[0].run("ip", "link", "add", card, "type", "veth", "peer", "name", f"far{card}")
        for _ in range(runs):
            for kind, command in commands.items():
                began = time.monotonic()
                done = subprocess.run(
                    lan[0].holder.inside(*command), capture_output=True, env=ENVIRONMENT
                )
                found.append(
                    {
                        "kind": kind,
                        "instances": instances,
                        "addresses": instances * vips,
                        "seconds": time.monotonic() - began,
                        "status": done.returncode,
                    }
                )
    return found


def reload(room: Path, instances: int, vips: int, runs: int) -> list[dict[str, Any]]:
    """ms of the longest silence of one instance around a reload, at an interval of 100 ms."""
    found = []
    cards = [f"eth{number}" for number in range(-(-instances // 255))]
    config = many(instances, 0.1, OWNER, vips, cards)
    for kind in DAEMONS:
        with Segment(room / kind, hosts=2) as lan:
            for card in cards[1:]:
                second_cable(lan, card)
            lan[0].start(kind, config)
            lan.wait(lambda: len(lan[0].virtual()) >= instances * vips, "addresses", 120)
            for _ in range(runs):
                since = len(lan.wire.frames)
                lan.wait(lambda: adverts_since(lan, since) >= 5, "the pace before", 60)  # noqa: B023
                lan[0].reload(config)
                mark = len(lan.wire.frames)
                lan.wait(lambda: adverts_since(lan, mark) >= 15, "the pace after", 60)  # noqa: B023
                mine = [f.t for f in lan.wire.adverts(0, since) if f.vrrp[1] == 1]
                silence = max(b - a for a, b in pairwise(mine))
                found.append(
                    {
                        "kind": kind,
                        "instances": instances,
                        "addresses": instances * vips,
                        "silence_ms": silence * 1e3,
                    }
                )
    return found


def adverts_since(lan: Segment, since: int) -> int:
    """How often the first instance has advertised."""
    return sum(1 for frame in lan.wire.adverts(0, since) if frame.vrrp[1] == 1)


MANY_LABS = """
import sys, time
from labs import Lab
import labs.figures.plot
began = time.monotonic()
lab = Lab("basic")
print("ready", time.monotonic() - began, flush=True)
lab.settle()
since = lab.timeline().end
print("settled", flush=True)
sys.stdin.readline()
moves = [move for move in lab.timeline().takeovers if move.at > since]
print("moves", len(moves), flush=True)
began = time.monotonic()
lab.close()
print("closed", time.monotonic() - began, flush=True)
"""


def lab(runs: int) -> list[dict[str, Any]]:
    """Seconds until a lab can be used, and until it is closed, one after the other."""
    found = [labs(1, 0.0) for _ in range(runs)]
    return [{"ready": one["ready"][0], "closed": one["closed"][0]} for one in found]


def labs(count: int, seconds: float) -> dict[str, Any]:
    """`count` labs at once for `seconds`: the time to start, memory of each, false takeovers."""
    crowd = []
    ready: list[float] = []
    closed: list[float] = []
    before = available()
    try:
        for _ in range(count):
            program = [sys.executable, "-c", MANY_LABS]
            command = [sys.executable, "-m", "labs.sandbox.namespaces", "--", *program]
            crowd.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=REPOSITORY,
                    env=ENVIRONMENT,
                )
            )
            ready.append(float(printed(crowd[-1], "ready")[0]))
        for one in crowd:
            printed(one, "settled")
        each = (before - available()) / count
        passing = time.monotonic() + seconds
        eventually(lambda: time.monotonic() > passing, seconds + 5, every=1)
        moves = 0
        for one in crowd:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
            moves += int(printed(one, "moves")[0])
            closed.append(float(printed(one, "closed")[0]))
    finally:
        for one in crowd:
            assert one.stdin is not None
            assert one.stdout is not None
            one.stdin.close()
            one.wait(60)
            one.stdout.close()
    return {
        "labs": count,
        "seconds": seconds,
        "ready": sorted(ready),
        "closed": sorted(closed),
        "memory": each,
        "carried": int(before // each) if each > 0 else 0,
        "false_takeovers": moves,
    }


def printed(one: subprocess.Popen[str], word: str) -> list[str]:
    """The words behind `word`, which the program says next."""
    assert one.stdout is not None
    words = one.stdout.readline().split()
    assert words[:1] == [word], f"{word} expected, not {words}"
    return words[1:]


def available() -> int:
    """Bytes of memory that this machine has left."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no MemAvailable in /proc/meminfo")
