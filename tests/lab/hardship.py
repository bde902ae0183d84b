"""Bad days for real daemons: kill, reload, flood, starve; what was tried and what came out.

    HARDSHIPS["crashes"]("vrrpd", 100, room)  ->  Outcome(tried=100, kept=True, figure="...")

The same functions serve three masters: the tests (`test_hostile.py`, few rounds, vrrpd and
keepalived), the soak (`make soak-real`, many) and the table in the documentation, which the soak
writes.  vrrpd has to keep every promise; what keepalived does is written down beside it.

Two hosts and sometimes an attacker on a bridge, see `tests/interop/segment.py`:

    A  priority 150, MASTER      B  priority 100, BACKUP      attacker: a process that sends frames

Bounds are the protocol's own times, in units of its intervals, never a speed of the machine.
"""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path

from labs.capture.stream import receive
from labs.monitoring.packet_socket import SO_TIMESTAMPNS
from tests.interop.segment import Host, Segment, network_of, run
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, PROTOCOL, Advertisement, AuthType, encode, ipv4_packet

VIP = "192.168.1.10"
# Seconds.  A machine that stands still for one or two must not look like a silent MASTER; the soak,
# which has the machine to itself, sets 0.25.
INTERVAL = float(os.environ.get("HARDSHIP_INTERVAL", "1"))
DOWN = 3 * INTERVAL + INTERVAL * (256 - 100) / 256  # Master_Down_Interval of B
GROWTH = 1024  # KiB: more than that in a run is a leak
SPARE = 4  # descriptors: a script or a dump may be under way when they are counted
RELOADED = "Reload complete"
SO_ATTACH_FILTER = 26
# Frames a second in a flood: a test must not depend on how fast others are; the soak sets 0.
PACE = os.environ.get("HARDSHIP_PACE", "10000")
STARTED = {"vrrpd": "Startup complete", "keepalived": "Entering BACKUP STATE (init)"}
RTMGRP_IPV4_IFADDR, RTM_NEWADDR, RTM_DELADDR, IFA_LOCAL = 0x10, 20, 21, 2
SEED = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a hardship showed: rounds tried, promise kept or not, and the figure for the table."""

    tried: int
    kept: bool
    figure: str


@dataclass(frozen=True, slots=True)
class Hardship:
    """One promise, how it is put to the test, and what makes one round of it."""

    promise: str
    bound: str
    run: Callable[[str, int, Path], Outcome]
    few: int  # rounds in `make test`
    many: int  # rounds in `make soak-real`


def conf(priority: int, *words: str, before: str = "", interval: float = INTERVAL) -> str:
    """An instance of version 3."""
    lines = [
        "interface eth0",
        "virtual_router_id 51",
        f"priority {priority}",
        "version 3",
        f"advert_int {interval}",
        *words,
        f"virtual_ipaddress {{\n{VIP}\n}}",
    ]
    return f"{before}vrrp_instance VI_1 {{\n" + "\n".join(lines) + "\n}\n"


# Observers.


@dataclass
class Holdings:
    """When each host got and lost the address, from the kernel of each: (seconds, host, held)."""

    hosts: list[Host]
    events: list[tuple[float, int, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sockets = []
        for host in self.hosts:
            with network_of(host.holder.pid):
                one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            one.bind((0, RTMGRP_IPV4_IFADDR))
            one.settimeout(0.2)
            self.sockets.append(one)
        self.over = threading.Event()
        self.threads = [
            threading.Thread(target=self._listen, args=pair, daemon=True)
            for pair in zip(self.hosts, self.sockets, strict=True)
        ]
        for thread in self.threads:
            thread.start()

    def _listen(self, host: Host, one: socket.socket) -> None:
        while not self.over.is_set():
            with suppress(TimeoutError):
                data = one.recv(65536)
                now = time.monotonic()
                self.events += [(now, host.number, held) for held in changes(data)]

    def first_loss(self, host: Host) -> float:
        """When a host lost the address for the first time."""
        return next(t for t, who, held in self.events if who == host.number and not held)

    @classmethod
    @contextmanager
    def of(cls, hosts: list[Host]) -> Iterator[Holdings]:
        """Listen until the block ends."""
        one = cls(hosts)
        try:
            yield one
        finally:
            one.close()

    def close(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()
        for one in self.sockets:
            one.close()


def changes(data: bytes) -> Iterator[bool]:
    """True for each report that the VIP was added, False for removed."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        place, end = at + 24, at + length
        while place + 4 <= end:
            size, attribute = struct.unpack_from("=HH", data, place)
            if attribute == IFA_LOCAL and data[place + 4 : place + 8] == socket.inet_aton(VIP):
                yield kind == RTM_NEWADDR
            place += max(4, (size + 3) & ~3)
        at += max(16, (length + 3) & ~3)


def gaps(lan: Segment, since: float, host: int = 0) -> list[float]:
    """The times between the advertisements of a host since a moment (Unix time)."""
    times = [frame.t for frame in lan.wire.adverts(host) if frame.t >= since]
    return [b - a for a, b in pairwise(times)]


def daemons(host: Host) -> list[int]:
    """The processes of the daemon without its scripts."""
    found: list[int] = []
    for pid in host.processes():
        with suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text()
            if not found or "keepalived" in name:
                found.append(pid)
    return found


def memory(host: Host) -> int:
    """Kilobytes of all processes of the daemon."""
    total = 0
    for pid in daemons(host):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
    return total


def descriptors(host: Host) -> int:
    """Open files of all processes of the daemon."""
    total = 0
    for pid in daemons(host):
        with suppress(OSError):
            total += len(os.listdir(f"/proc/{pid}/fd"))
    return total


def processor(host: Host) -> float:
    """Seconds of processor time used by the daemon."""
    total = 0.0
    for pid in daemons(host):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return total


def entries(host: Host, state: str) -> int:
    """How often the daemon has entered a state."""
    return host.text().count(f"Entering {state} STATE")


@contextmanager
def pair(kind: str, room: Path, *words: str, before: str = "", hosts: int = 2) -> Iterator[Segment]:
    """A is MASTER and B is BACKUP, and the first bursts are over."""
    with Segment(room, hosts=hosts) as lan:
        lan[0].start(kind, conf(150, *words, before=before))
        lan.wait(lambda: lan[0].has(VIP), "the first MASTER")
        if hosts > 1:
            lan[1].start(kind, conf(100))
            lan.wait(lambda: STARTED[kind] in lan[1].text(), "the BACKUP")
        began = time.time()
        lan.wait(lambda: len(gaps(lan, began)) >= 4, "advertisements")
        yield lan


def pause(seconds: float) -> None:
    """Let that much time pass: the hardship goes on meanwhile."""
    threading.Event().wait(seconds)


# The hardships.


def crashes(kind: str, rounds: int, room: Path) -> Outcome:
    """kill -9 at a random moment, and start again once the other has taken over."""
    rng = random.Random(SEED)
    stale = overlap = 0.0
    with pair(kind, room) as lan, Holdings.of(lan.hosts) as witness:
        for _ in range(rounds):
            victim = lan[rng.randrange(2)]
            other = lan[1 - victim.number]
            pause(rng.uniform(0, 4 * INTERVAL))
            victim.crash()
            lan.wait(lambda: other.has(VIP), "the other to take over")  # noqa: B023
            lives = victim.text().count(STARTED[kind])
            left = victim.has(VIP)
            witness.events.clear()
            victim.start(kind)
            lan.wait(lambda: victim.text().count(STARTED[kind]) > lives, "a new life")  # noqa: B023
            up = gone = time.monotonic()
            lan.wait(lambda: lan.holders(VIP) == [0], "A to be MASTER again")
            if left:  # what was left over counts as stale, not as a second holder
                gone = witness.first_loss(victim)
                stale = max(stale, gone - up)
            holding = [(gone, victim.number, False), (gone, other.number, True)]
            later = [event for event in witness.events if event[0] > gone]
            overlap = max(overlap, both(holding + later, time.monotonic()))
    words = "before it listens" if stale <= 0 else f"{stale:.2f} s after it listens"
    figure = f"leftovers gone {words}; two holders for {overlap:.3f} s at most"
    return Outcome(rounds, stale < DOWN and overlap < DOWN, figure)


def both(events: list[tuple[float, int, bool]], until: float) -> float:
    """The longest time in which both hosts held the address."""
    longest, since, held = 0.0, 0.0, [False, False]
    for t, who, has in [*sorted(events), (until, 0, False)]:
        longest = max(longest, t - since) if all(held) else longest
        held[who], since = has, t
    return longest


def reloads(kind: str, rounds: int, room: Path) -> Outcome:
    """SIGHUP after SIGHUP, with another file each time, while a client pings the address."""
    with pair(kind, room, hosts=3) as lan:
        client = lan[2].holder.inside("ping", "-q", "-i", "0.02", VIP)
        taken, began = entries(lan[1], "MASTER"), time.time()
        with running(client):
            for number in range(rounds):
                done = lan[0].text().count(RELOADED)
                lan[0].reload(conf(150, f"garp_master_delay {number % 5 + 1}"))
                lan.wait(lambda: lan[0].text().count(RELOADED) > done, "a reload")  # noqa: B023
            lan.wait(lambda: len(gaps(lan, began)) >= 4, "advertisements")
        silence = max(gaps(lan, began))
        flaps = entries(lan[1], "MASTER") - taken
        kept = flaps == 0 and lan.holders(VIP) == [0] and silence < DOWN
    figure = f"{flaps} takeovers; longest silence {silence / INTERVAL:.1f} intervals"
    return Outcome(rounds, kept, figure)


def renumbered(kind: str, rounds: int, room: Path) -> Outcome:
    """A reload with other addresses each time, none of them ever seen before."""
    with pair(kind, room) as lan:
        taken, began = entries(lan[1], "MASTER"), time.time()
        sizes: list[tuple[int, int]] = []
        for number in range(rounds):
            done = lan[0].text().count(RELOADED)
            others = [f"10.{number >> 8}.{number & 255}.{n}/32" for n in range(1, number % 7 + 2)]
            more = "\n".join(["virtual_ipaddress_excluded {", *others, "}"])
            lan[0].reload(conf(150, more))
            lan.wait(lambda: lan[0].text().count(RELOADED) > done, "a reload")  # noqa: B023
            if number >= rounds // 4:  # what is done for the first time may cost
                sizes.append((memory(lan[0]), descriptors(lan[0])))
        lan.wait(lambda: len(gaps(lan, began)) >= 4, "advertisements")
        late = max(0.0, max(gaps(lan, began)) - INTERVAL)
        left = sum(one.startswith("10.") for one in lan[0].addresses())
        flaps = entries(lan[1], "MASTER") - taken
        half = len(sizes) // 2  # a reload needs memory for a moment: the peaks are compared
        grown, files = (max(one[half:]) - max(one[:half]) for one in zip(*sizes, strict=True))
    figure = f"memory {grown:+d} KiB, descriptors {files:+d}, {flaps} takeovers, "
    figure += f"oldest due timer {late * 1000:.0f} ms"
    flat = grown < GROWTH and files <= SPARE
    kept = flat and flaps == 0 and left == len(others) and late < 2 * INTERVAL
    return Outcome(rounds, kept, figure)


def flaps(kind: str, rounds: int, room: Path) -> Outcome:
    """The cable of the MASTER pulled and plugged again at once, over and over."""
    rng = random.Random(SEED)
    with pair(kind, room) as lan:
        sizes: list[tuple[int, int]] = []
        for number in range(rounds):
            lan[0].unplug()
            pause(rng.uniform(0, INTERVAL / 10))
            lan[0].plug()
            pause(rng.uniform(0, INTERVAL / 10))
            if number >= rounds // 4:
                sizes.append((sum(sizes_of(lan)), descriptors(lan[0]) + descriptors(lan[1])))
        lan.wait(lambda: lan.holders(VIP) == [0], "A to take it back")
        grown, files = (max(one) - one[0] for one in zip(*sizes, strict=True))
    figure = f"memory {grown:+d} KiB, descriptors {files:+d}"
    return Outcome(rounds, grown < GROWTH and files <= SPARE, figure)


def weak(kind: str, rounds: int, room: Path) -> Outcome:
    """Valid Advertisements of a lower priority, as many as one core can send, for as many s."""
    sender, vip = IPv4Address("192.168.1.13"), IPv4Address(VIP)
    said = Advertisement(3, 51, 50, round(INTERVAL * SECOND), (vip,))
    message = encode(said, sender, GROUP4)
    packet = ipv4_packet(message, sender, GROUP4, 1)
    frame = bytes.fromhex("01005e000012 0200000000aa 0800") + packet
    with pair(kind, room, hosts=3) as lan, Adverts.of(lan, lan[0]) as heard:
        taken, sizes = entries(lan[1], "MASTER"), sizes_of(lan)
        files = descriptors(lan[0]) + descriptors(lan[1])
        attack = lan[2].holder.inside(sys.executable, "-c", FLOOD, PACE, frame.hex())
        with running(attack) as flood:
            assert flood.stdout is not None
            assert flood.stdout.readline() == "ready\n"
            pause(rounds)
            flood.terminate()
            sent = int(flood.stdout.read())
        growth = max(now - then for now, then in zip(sizes_of(lan), sizes, strict=True))
        files = descriptors(lan[0]) + descriptors(lan[1]) - files
        changed = entries(lan[1], "MASTER") - taken
        silence = max((b - a for a, b in pairwise(heard.times)), default=float(rounds))
    kept = changed == 0 and growth < GROWTH and files <= SPARE and silence < 3 * INTERVAL
    figure = f"{sent // rounds:,} frames/s: {changed} takeovers, memory +{max(0, growth)} KiB"
    return Outcome(rounds, kept, f"{figure}, longest silence {silence / INTERVAL:.1f} intervals")


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that lives as long as the block."""
    one = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield one
    finally:
        one.terminate()
        one.communicate()


# Sends argv[2:] over and over, at most argv[1] a second (0: as many as one core can).
FLOOD = """
import signal, socket, sys, threading, time
one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
one.bind(("eth0", 0))
most, never = int(sys.argv[1]), threading.Event()
frames, count, over = [bytes.fromhex(text) for text in sys.argv[2:]] * 20, 0, []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
print("ready", flush=True)
began = time.monotonic()
while not over:
    for frame in frames:
        try:
            one.send(frame)
            count += 1
        except OSError:
            pass
    if most:
        never.wait(max(0, began + count / most - time.monotonic()))
print(count)
"""


def forged() -> list[str]:
    """Frames of an attacker that must change no state, in hexadecimal."""
    attacker, vip = IPv4Address("192.168.1.13"), IPv4Address(VIP)
    passed = b"wrong\0\0\0"

    def frame(priority: int = 255, ttl: int = 255, vrid: int = 51, spoil: bytes = b"") -> str:
        advert = Advertisement(2, vrid, priority, SECOND, (vip,), AuthType.PASS.value, passed)
        message = encode(advert, attacker, GROUP4)
        message = message[:6] + spoil + message[8:] if spoil else message
        packet = ipv4_packet(message, attacker, GROUP4, 1, ttl)
        return (bytes.fromhex("01005e000012 0200000000aa 0800") + packet).hex()

    return [frame(), frame(priority=0), frame(ttl=64), frame(vrid=52), frame(spoil=b"\xde\xad")]


def flood(kind: str, rounds: int, room: Path) -> Outcome:
    """Forged and malformed Advertisements, as many as one core can send; a round is a second.

    Version 2 with a password, since a sender of a right Advertisement is a router.
    """
    secret = "authentication {\nauth_type PASS\nauth_pass 1111\n}"
    config = conf(150, secret, interval=1).replace("version 3", "version 2")
    with Segment(room, hosts=3) as lan:
        lan[0].start(kind, config)
        lan.wait(lambda: lan[0].has(VIP), "the first MASTER")
        lan[1].start(kind, config.replace("150", "100"))
        lan.wait(lambda: STARTED[kind] in lan[1].text(), "the BACKUP")
        began = time.time()
        lan.wait(lambda: len(gaps(lan, began)) >= 2, "advertisements")
        # The observer listens to A's port alone: it is not to be flooded itself.
        with Adverts.of(lan, lan[0]) as heard, Holdings.of(lan.hosts[:2]) as witness:
            before, sizes = [h.text().count("Entering") for h in lan.hosts[:2]], sizes_of(lan)
            attack = lan[2].holder.inside(sys.executable, "-c", FLOOD, PACE, *forged())
            with running(attack) as attacker:
                assert attacker.stdout is not None
                assert attacker.stdout.readline() == "ready\n"
                pause(rounds)
                times = list(heard.times)
                attacker.terminate()
                sent = int(attacker.stdout.read())
            after, grown = [h.text().count("Entering") for h in lan.hosts[:2]], sizes_of(lan)
        changed = sum(after) - sum(before) + len(witness.events)
        growth = max(now - then for now, then in zip(grown, sizes, strict=True))
    silence = max((b - a for a, b in pairwise(times)), default=float(rounds))
    kept = changed == 0 and silence < 3 and growth < GROWTH
    figure = f"{sent // rounds:,} frames/s: {changed} changes, memory +{max(0, growth)} KiB"
    return Outcome(rounds, kept, f"{figure}, longest silence {silence:.1f} intervals")


def sizes_of(lan: Segment) -> list[int]:
    """The memory of A and of B in kilobytes."""
    return [memory(host) for host in lan.hosts[:2]]


@dataclass
class Adverts:
    """When a host sent Advertisements (Unix time), filtered by the kernel: no flood reaches us."""

    one: socket.socket
    times: list[float] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(cls, lan: Segment, host: Host) -> Iterator[Adverts]:
        """Listen at the port of `host` until the block ends, and from now on to no other."""
        lan.stop_listening()
        with network_of(lan.switch.pid):
            one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        attach(one, host.address)
        one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        one.bind((host.port, 3))
        one.settimeout(0.1)
        witness, over = cls(one), threading.Event()

        def listen() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    witness.times.append(receive(one)[0])

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield witness
        finally:
            over.set()
            thread.join()
            one.close()


def attach(one: socket.socket, address: str) -> None:
    """Let the kernel keep only VRRP from this address: a program of classic BPF."""
    source = int(IPv4Address(address))
    program = [
        (0x28, 0, 0, 12), (0x15, 0, 5, 0x0800),  # EtherType IPv4
        (0x20, 0, 0, 26), (0x15, 0, 3, source),  # source address
        (0x30, 0, 0, 23), (0x15, 0, 1, PROTOCOL),  # protocol
        (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0),
    ]  # fmt: skip
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
    descriptor = struct.pack("HL", len(program), ctypes.addressof(code))
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, descriptor)


def scripts(kind: str, rounds: int, room: Path) -> Outcome:
    """Scripts that never end, print without end, and leave children: a round is one of each."""
    room.mkdir(parents=True, exist_ok=True)
    pids = room / "pids"
    pids.touch()
    bodies = {
        "hangs": "exec sleep 3000",
        "prints": "exec yes",
        "forks": f"for i in 1 2 3 4 5; do sleep 3000 & echo $! >>{pids}; done; wait",
        "ignores": "trap '' TERM; while :; do sleep 1; done",
    }
    blocks, tracks = "global_defs {\nscript_user root\n}\n", ""
    for name, body in bodies.items():
        path = room / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        blocks += f'vrrp_script {name} {{\nscript "{path}"\ninterval 3\ntimeout 1\n}}\n'
        tracks += f"{name} weight 1\n"
    with pair(kind, room, f"track_script {{\n{tracks}}}", before=blocks) as lan:
        began, files = time.time(), descriptors(lan[0])
        pause(3 * rounds)
        expired = "VRRP_Script(forks) timed_out"
        lan.wait(lambda: expired in lan[0].text(), "the scripts to be timed out")
        lan.wait(lambda: len(pids.read_text().split()) > 5, "children of a second run")
        started = pids.read_text().split()
        old = started[:-5]
        lan.wait(lambda: not any(map(alive, old)), "the children of earlier runs to be ended")
        silence, grown = max(gaps(lan, began)), descriptors(lan[0]) - files
        kept = lan.holders(VIP) == [0] and silence < DOWN and grown <= SPARE
    figure = f"no child left, descriptors {grown:+d}"
    return Outcome(rounds, kept, f"{figure}, longest silence {silence / INTERVAL:.1f} intervals")


def alive(pid: str) -> bool:
    """Whether a process runs and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def full_disk(kind: str, rounds: int, room: Path) -> Outcome:
    """No byte left where journal, log, pid file and dumps are; a round is a failover there."""
    with Segment(room, hosts=2) as lan:
        small = room / "small"
        small.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=256k", "none", str(small))
        host, kept, failovers = lan[0], True, 0
        try:
            host.log = small / "log"
            host.environment = {"TMPDIR": str(small)}
            options = ("--journal", str(small / "journal")) if kind == "vrrpd" else ()
            host.start(kind, conf(150), *options)
            lan.wait(lambda: host.has(VIP), "the first MASTER")
            lan[1].start(kind, conf(100))
            lan.wait(lambda: STARTED[kind] in lan[1].text(), "the BACKUP")
            with suppress(OSError), (small / "ballast").open("wb", buffering=0) as ballast:
                while True:
                    ballast.write(bytes(4096))
            for _ in range(rounds):
                for number in (signal.SIGUSR1, signal.SIGUSR2):
                    host.signal(number)
                host.unplug()
                lan.wait(lambda: lan[1].has(VIP) and not host.has(VIP), "B to take over")
                host.plug()
                lan.wait(lambda: lan.holders(VIP) == [0], "A to take it back")
                failovers += 1
            (small / "ballast").unlink()
            began = time.time()
            lan.wait(lambda: len(gaps(lan, began)) >= 4, "advertisements")
            status = host.stop()
            kept = status == 0
        finally:
            if host.daemon is not None:
                host.crash()
            run("umount", "-l", str(small))
    return Outcome(rounds, kept, f"{failovers} failovers as ever; exit status {status}")


def starved(kind: str, rounds: int, room: Path) -> Outcome:
    """Not one descriptor left to open; a round is a second without."""
    room.mkdir(parents=True, exist_ok=True)
    check = room / "chk"
    check.write_text("#!/bin/sh\nexit 0\n")
    check.chmod(0o755)
    # The script may take its time: it is not what is put to the test.
    words = f'script "{check}"\ninterval 1\ntimeout 30'
    block = f"global_defs {{\nscript_user root\n}}\nvrrp_script chk {{\n{words}\n}}\n"
    with pair(kind, room, "track_script {\nchk\n}", before=block) as lan:
        host = lan[0]
        pids = daemons(host)
        limits = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
        changes = host.text().count("Entering")
        for pid, (_, hard) in limits.items():
            used = len(os.listdir(f"/proc/{pid}/fd"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, hard))
        clients = []
        if kind == "vrrpd":
            for _ in range(4):  # they wait in the queue: accept(2) has no descriptor for them
                clients.append(socket.socket(socket.AF_UNIX))
                clients[-1].connect(str(host.room / "sock"))
        began, spent = time.time(), processor(host)
        host.signal(signal.SIGUSR1)
        pause(rounds)
        share = (processor(host) - spent) / (time.time() - began)
        silence = max(gaps(lan, began), default=float(rounds))
        for one in clients:
            one.close()
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        changed = host.text().count("Entering") - changes
        kept = lan.holders(VIP) == [0] and silence < DOWN and changed == 0 and share < 0.8
    figure = f"{changed} changes; longest silence {silence / INTERVAL:.1f} intervals"
    return Outcome(rounds, kept, f"{figure}; {share:.0%} of a processor")


def cards(kind: str, rounds: int, room: Path) -> Outcome:
    """The interface of the instance is deleted and made again under the same name."""
    dynamic = "global_defs {\ndynamic_interfaces\n}\n"
    with Segment(room, hosts=1) as lan:
        host = lan[0]
        add_interface(host)
        host.start(kind, dynamic + conf(150).replace("eth0", "eth1"))
        lan.wait(lambda: host.has(VIP), "the first MASTER")
        files = descriptors(host)
        for _ in range(rounds):
            faults = entries(host, "FAULT")
            host.run("ip", "link", "delete", "eth1")
            lan.wait(lambda: entries(host, "FAULT") > faults, "FAULT")  # noqa: B023
            add_interface(host)
            lan.wait(lambda: host.has(VIP), "MASTER")
        grown = descriptors(host) - files
    return Outcome(rounds, grown <= SPARE, f"MASTER again each time; descriptors {grown:+d}")


def add_interface(host: Host) -> None:
    """Another interface, eth1, with an address and its cable plugged in."""
    host.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "far")
    host.run("ip", "addr", "add", "192.168.2.11/24", "dev", "eth1")
    host.run("ip", "link", "set", "far", "up")
    host.run("ip", "link", "set", "eth1", "up")


def failovers(kind: str, rounds: int, room: Path) -> Outcome:
    """Cables pulled and plugged, daemons frozen and thawed: memory and descriptors stay flat."""
    rng = random.Random(SEED)
    with pair(kind, room) as lan:
        host = lan[0]
        sizes: list[tuple[int, int]] = []
        for number in range(rounds):
            pull, put_back = rng.choice([(host.unplug, host.plug), (host.freeze, host.thaw)])
            pull()
            lan.wait(lambda: lan[1].has(VIP), "B to take over")
            put_back()
            lan.wait(lambda: lan.holders(VIP) == [0], "A to take it back")
            if number >= rounds // 4:  # what is done for the first time may cost
                sizes.append((sum(sizes_of(lan)), descriptors(host) + descriptors(lan[1])))
        grown, files = (max(one) - one[0] for one in zip(*sizes, strict=True))
    figure = f"memory {grown:+d} KiB, descriptors {files:+d}"
    return Outcome(rounds, grown < GROWTH and files <= SPARE, figure)


HARDSHIPS = {
    "crashes": Hardship(
        "kill -9 at a random moment, then a new start: no stale address, one holder",
        "Master_Down_Interval",
        crashes, 4, 100,
    ),
    "reloads": Hardship(
        "reload under traffic: no advertisement comes too late, nobody takes over",
        "Master_Down_Interval",
        reloads, 10, 1000,
    ),
    "flood": Hardship(
        "a second of forged and malformed advertisements: nothing changes, none of its own is lost",
        "3 intervals",
        flood, 5, 60,
    ),
    "scripts": Hardship(
        "scripts that hang, print without end, fork, ignore SIGTERM",
        "Master_Down_Interval",
        scripts, 2, 20,
    ),
    "full disk": Hardship(
        "failover without a byte free for log, journal, dump", "takes place",
        full_disk, 2, 20,
    ),
    "descriptors": Hardship(
        "a second without a descriptor to open", "Master_Down_Interval",
        starved, 3, 60,
    ),
    "interface": Hardship(
        "the interface deleted and made again", "MASTER again",
        cards, 3, 100,
    ),
    "failovers": Hardship(
        "failover and failback: memory and descriptors stay flat", f"{1024} KiB",
        failovers, 4, 400,
    ),
    "renumbered": Hardship(
        "reloads with other addresses each time: memory, descriptors and timers stay flat",
        "2 intervals",
        renumbered, 12, 2000,
    ),
    "flaps": Hardship(
        "the cable pulled and plugged at once: memory and descriptors stay flat", f"{1024} KiB",
        flaps, 12, 1000,
    ),
    "weak flood": Hardship(
        "a second of valid advertisements of a lower priority: nobody takes over", "3 intervals",
        weak, 5, 60,
    ),
}  # fmt: skip
