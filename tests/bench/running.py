"""What daemons do all day: jitter of Advertisements, cost by number of instances, cost of packets.

    jitter()     how far each Advertisement is from its place on a line through all of them
    scale()      processor time and memory with 1, 10, 100, 255 and 1,000 instances, in both states
    receiving()  processor time for an Advertisement that is a repetition, one that is new, and one
                 that is for another router

keepalived and vrrpd run side by side on segments of their own, so that both meet the same noise.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.cost import Meter, cpu, memory
from tests.bench.files import instance, many
from tests.interop.segment import Frame, Host, Segment, network_of
from tests.support import DAEMONS, eventually
from vrrpd.packet import checksum

OWNER = 255
SETTLED, STARTED = 5, 2.0  # intervals and s, after which a start has no part in what is measured
# In place of STARTED, if the interval is below 0.1 s: after packets were lost, as in a start, each
# Advertisement can wake vrrpd for 10 s (docs/quiet-backup.md).
BUSY = 12.0
PAUSE = threading.Event()  # never set: a wait that yields the processor


def jitter(room: Path, interval: float, adverts: int) -> list[dict[str, Any]]:
    """ms between each Advertisement and its place on the line through all, by make."""
    version = 2 if interval >= 1 else 3
    lans = {kind: Segment(room / kind, hosts=1) for kind in DAEMONS}
    try:
        for kind, lan in lans.items():
            config = instance("VI_1", 51, interval, OWNER, ["10.1.0.1"], version=version)
            lan[0].start(kind, config)
        timeout = 20 + 3 * adverts * interval
        for lan in lans.values():
            lan.wait(lambda: len(lan.wire.adverts(0)) > adverts + 3, "adverts", timeout)  # noqa: B023
        return [
            {"kind": kind, "interval": interval, **spread(lan.wire.adverts(0)[3:], interval)}
            for kind, lan in lans.items()
        ]
    finally:
        for lan in lans.values():
            lan.close()


def spread(frames: list[Frame], interval: float) -> dict[str, Any]:
    """Distances (ms) from a line of the nominal slope, and the slope's own error (ppm)."""
    lines = [frame.t - number * interval for number, frame in enumerate(frames)]
    middle = statistics.median(lines)
    slope, _ = statistics.linear_regression(range(len(lines)), lines)
    off = sorted(
        abs(line - middle - slope * (n - len(lines) / 2)) * 1e3 for n, line in enumerate(lines)
    )
    return {
        "n": len(off),
        "median": quantile(off, 0.5),
        "p99": quantile(off, 0.99),
        "max": off[-1],
        "drift_ppm": slope / interval * 1e6,
    }


def quantile(ordered: list[float], part: float) -> float:
    """The value below which that part of the values lies."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def scale(
    room: Path,
    count: int,
    interval: float,
    seconds: float,
    role: str,
    kinds: tuple[str, ...] = DAEMONS,
) -> list[dict[str, Any]]:
    """Processor (percent of one) and memory (bytes) of each make with `count` instances.

    As "BACKUP" it listens to keepalived; as "MASTER" it has no peer.
    """
    cards = ["eth0"] if count <= OWNER else [f"eth{number}" for number in range(count // 250)]
    lans = {kind: Segment(room / kind, hosts=2) for kind in kinds}
    found = []
    try:
        for kind, lan in lans.items():
            for card in cards[1:]:
                second_cable(lan, card)
            if role == "BACKUP":
                lan[1].start("keepalived", many(count, interval, 200, interfaces=cards))
            lan[0].start(kind, many(count, interval, 100, interfaces=cards))
        holder = 1 if role == "BACKUP" else 0
        for lan in lans.values():
            lan.wait(lambda: len(lan[holder].virtual()) >= count, "all to settle")  # noqa: B023
            begun = "BACKUP STATE"
            lan.wait(lambda: lan[0].text().count(begun) >= count, "all to begin")  # noqa: B023
        for lan in lans.values():
            lan.stop_listening()  # to write down every frame would cost more than to send them
        pause = SETTLED * interval + (STARTED if interval >= 0.1 else BUSY)
        calm = time.monotonic() + pause
        eventually(lambda: time.monotonic() > calm, pause + 5)
        meters = {kind: Meter(lan[0]) for kind, lan in lans.items()}
        for meter in meters.values():
            meter.__enter__()
        marks = {kind: takeovers(lan) for kind, lan in lans.items()}
        passing = time.monotonic() + seconds
        eventually(lambda: time.monotonic() > passing, seconds + 5)
        for kind, meter in meters.items():
            meter.__exit__(None, None, None)
            own = takeovers(lans[kind]) - marks[kind]
            found.append(
                {
                    "kind": kind,
                    "role": role,
                    "instances": count,
                    "interval": interval,
                    "cpu": meter.share,
                    "memory": memory(lans[kind][0]),
                    "false_takeovers": own if role == "BACKUP" else 0,
                }
            )
        return found
    finally:
        for lan in lans.values():
            lan.close()


def takeovers(lan: Segment) -> int:
    """How often an instance of host 0 has become MASTER so far."""
    return lan[0].text().count("Entering MASTER STATE")


def second_cable(lan: Segment, card: str) -> None:
    """One more cable between host 0 and host 1, called `card` at both ends."""
    far = f"link add {card} type veth peer name {card} netns {lan[1].holder.pid}"
    number = int(card[3:])
    lan[0].run(
        "ip",
        "-batch",
        "-",
        stdin=f"{far}\nlink set {card} up\naddr add 172.16.{number}.1/24 dev {card}\n",
    )
    lan[1].run(
        "ip", "-batch", "-", stdin=f"link set {card} up\naddr add 172.16.{number}.2/24 dev {card}\n"
    )


def receiving(room: Path, count: int, kinds: tuple[str, ...] = DAEMONS) -> list[dict[str, Any]]:
    """Processor time per packet (µs) of a BACKUP: received again, new, for another VRID, junk."""
    found = []
    for kind in kinds:
        with Segment(room / kind, hosts=2) as lan:
            lan[1].start("keepalived", instance("VI_1", 51, 1, 200, ["10.1.0.1"]))
            lan.wait(lambda: len(lan.wire.adverts(1)) > 3, "a master")
            lan[0].start(kind, instance("VI_1", 51, 1, 100, ["10.1.0.1"]))
            lan.wait(lambda: "BACKUP STATE" in lan[0].text(), "a backup")
            sample = lan.wire.adverts(1)[-1].data
            for what, packets in kinds_of_packets(sample).items():
                with Meter(lan[0]) as idle:
                    flood(lan[1], [], count)
                with Meter(lan[0]) as meter:
                    flood(lan[1], packets, count)
                    settle(lan[0])
                cost = max(0.0, meter.cpu - idle.cpu) / count * 1e6
                found.append({"kind": kind, "packet": what, "microseconds": cost, "n": count})
    return found


def kinds_of_packets(sample: bytes) -> dict[str, list[bytes]]:
    """Frames for a flood, made from one good Advertisement (version 3, IPv4)."""

    def changed(at: int, value: int) -> bytes:
        frame = bytearray(sample)
        frame[at], frame[24:26] = value, bytes(2)
        # The kernel itself would drop a wrong checksum of the IP header.
        frame[24:26] = checksum(bytes(frame[14:34])).to_bytes(2, "big")
        return bytes(frame)

    return {
        "the same again": [sample],
        "for another VRID": [changed(35, 99)],
        "bad checksum": [changed(41, sample[41] ^ 0xFF)],
        "bad TTL": [changed(22, 7)],
    }


def flood(host: Host, packets: list[bytes], count: int) -> None:
    """Send `count` frames from `host`, taking turns among `packets`; none: only look."""
    if not packets:
        return
    with network_of(host.holder.pid):
        one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with one:
        one.bind(("eth0", 0))
        for number in range(count):
            one.send(packets[number % len(packets)])
            if number % 64 == 63:
                # The receiver's buffer is small; what it loses would cost it nothing.
                PAUSE.wait(0.002)


def settle(host: Host) -> None:
    """Until the daemon has nothing left to do."""
    last = [-1.0]

    def still() -> bool:
        before, last[0] = last[0], cpu(host)
        return last[0] - before < 0.0005

    eventually(still, every=0.1)
