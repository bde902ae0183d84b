"""A small network for daemons of any make: hosts on one bridge, and a capture of every frame.

    with Segment(tmp_path, hosts=2) as lan:
        lan[0].start("keepalived", "vrrp_instance VI_1 { ... }")
        lan[1].start("vrrpd", "vrrp_instance VI_1 { ... }")
        eventually(lambda: lan[0].has("192.168.1.10"))

    host 0  eth0 192.168.1.11 ──┐ p0
    host 1  eth0 192.168.1.12 ──┤ p1   switch: bridge br0, and a packet socket that gets
    host 2  eth0 192.168.1.13 ──┘ p2   each frame where it comes in, with the kernel's time

Every host and the switch are a network and a mount namespace, held by a process that sleeps;
/etc, /run and /var/log of a host are its own, so daemons do not find each other's files.
MAC addresses depend on the number of the host alone: two segments are equal, byte for byte.

A caller must already be root in namespaces of his own (`python -m labs.sandbox.namespaces
-- ...`).
Everything that was started is ended by its pid; `close()` is enough, and so is a `with`.
Mininet is not used: a run needs dozens of these side by side, each ready in a tenth of a second.
"""

from __future__ import annotations

import ctypes
import ipaddress
import mmap
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests.support import HUNG_S, REPOSITORY, eventually
from vrrpd.linux.rtnetlink import IFA_F_TENTATIVE

KEEPALIVED = "/usr/sbin/keepalived"
# The daemon of this checkout, whatever is installed in the venv.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
# Without site: what the machine itself puts into every Python is not ours.
VRRPD = [sys.executable, "-S", "-m", "vrrpd.cli"]
EVENT_TIMEOUT_S = HUNG_S
SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, TPACKET_V2 = 263, 5, 6, 10, 1
TP_STATUS_USER = 1
PACKET_OUTGOING = 4
ETH_P_ALL = 3
SOLICITED = 0x40  # a flag of a neighbour advertisement (RFC 4861 section 4.4)
CLONE_NEWNET = 0x40000000
PREFIX = "192.168.1."

STATE = re.compile(r"\((\w+)\) Entering (MASTER|BACKUP|FAULT|STOP) STATE")

# What a host writes below these is gone with it: keepalived 2.3.3 writes into /etc/iproute2, too.
OWN_FILES = """
mount -t tmpfs none /run
mkdir -p /run/.etc/upper /run/.etc/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/.etc/upper,workdir=/run/.etc/work none /etc
mount -t tmpfs none /var/log
echo
exec cat
"""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Frame:
    """One Ethernet frame: Unix time in seconds, the number of the host it came from, its bytes."""

    t: float
    host: int
    data: bytes

    @property
    def ethertype(self) -> int:
        """0x0800, 0x0806, 0x86dd ..."""
        return int.from_bytes(self.data[12:14], "big")

    @property
    def protocol(self) -> int:
        """The IP protocol (of IPv6: the next header), or -1."""
        if self.ethertype == 0x0800:
            return self.data[23]
        return self.data[20] if self.ethertype == 0x86DD else -1

    @property
    def is_advert(self) -> bool:
        """VRRP, plain or behind an authentication header."""
        return self.protocol in (112, 51)

    @property
    def is_arp(self) -> bool:
        """ARP, whichever."""
        return self.ethertype == 0x0806

    @property
    def is_neighbour_advert(self) -> bool:
        """ICMPv6 type 136."""
        return self.protocol == 58 and self.data[54] == 136

    @property
    def ip(self) -> bytes:
        """The IP packet without padding."""
        if self.ethertype == 0x86DD:
            return self.data[14 : 54 + int.from_bytes(self.data[18:20], "big")]
        return self.data[14 : 14 + int.from_bytes(self.data[16:18], "big")]

    @property
    def vrrp(self) -> bytes:
        """The VRRP message."""
        if self.ethertype == 0x86DD:
            return self.ip[40:]
        header = (self.ip[0] & 15) * 4
        if self.protocol == 51:
            header += (self.ip[header + 1] + 2) * 4
        return self.ip[header:]

    @property
    def priority(self) -> int:
        """What the Advertisement says."""
        return self.vrrp[2]


def run(*command: str, stdin: str | None = None) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=HUNG_S)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


@contextmanager
def network_of(pid: int) -> Iterator[None]:
    """This thread is in the network namespace of `pid`, for sockets to be made there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        if _libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        _libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


class Holder:
    """A network and mount namespace, alive as long as a sleeping process."""

    def __init__(self) -> None:
        # The child says when it is inside: only then may anybody follow.
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-ec", OWN_FILES],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"\n", "unshare was refused"
        self.pid = self.process.pid

    def inside(self, *command: str) -> list[str]:
        """`command` as it is run in here."""
        return ["nsenter", "-t", str(self.pid), "--net", "--mount", "--", *command]

    def run(self, *command: str, stdin: str | None = None) -> str:
        """The output of a command that must succeed in here."""
        return run(*self.inside(*command), stdin=stdin)

    def close(self) -> None:
        """Let the namespace go."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Ring:
    """The frames of a network, in memory shared with the kernel (packet(7), TPACKET_V2).

    A socket's buffer would be too small for the ARP bursts of 255 addresses, and only the
    machine's root may ask for a larger one; a ring may be as large as one likes.
    Each slot is 2 KiB: a header of the kernel's, the sockaddr_ll at byte 32, the frame.
    """

    SLOT, SLOTS, BLOCK = 2048, 8192, 1 << 20

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        size = self.SLOT * self.SLOTS
        request = struct.pack("4I", self.BLOCK, size // self.BLOCK, self.SLOT, self.SLOTS)
        self.socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
        self.memory = mmap.mmap(self.socket.fileno(), size)
        self.next = 0

    def take(self) -> Iterator[tuple[float, int, int, bytes]]:
        """What has come since: Unix time in seconds, ifindex, packet type, bytes."""
        while True:
            at = self.next * self.SLOT
            status, _, length, mac, _, seconds, nanoseconds = struct.unpack_from(
                "3I2H2I", self.memory, at
            )
            if not status & TP_STATUS_USER:
                return
            index, kind = struct.unpack_from("4xi2xB", self.memory, at + 32)
            data = self.memory[at + mac : at + mac + length]
            struct.pack_into("I", self.memory, at, 0)  # the slot is the kernel's again
            self.next = (self.next + 1) % self.SLOTS
            yield seconds + nanoseconds / 1e9, index, kind, data

    def lost(self) -> int:
        """How many frames found the ring full, since the last call."""
        return int(struct.unpack("2I", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1])

    def close(self) -> None:
        """Stop receiving."""
        self.memory.close()
        self.socket.close()


@dataclass
class Capture:
    """Every frame that comes into the switch, each once, in the order of arrival."""

    pid: int
    ports: dict[str, int]
    frames: list[Frame] = field(default_factory=list)
    lost: int = 0  # frames that came faster than they were taken; known once it is closed

    def __post_init__(self) -> None:
        with network_of(self.pid):
            self.ring = Ring()
            self.hosts = {socket.if_nametoindex(port): host for port, host in self.ports.items()}
        self.wake, self.woken = os.pipe()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            ends: list[socket.socket | int] = [self.ring.socket, self.wake]
            ready, _, _ = select.select(ends, [], [])
            if self.wake in ready:
                return
            for t, index, kind, data in self.ring.take():
                if kind != PACKET_OUTGOING and index in self.hosts:
                    self.frames.append(Frame(t, self.hosts[index], data))

    def close(self) -> None:
        """Stop listening; `frames` stays."""
        if not self.thread.is_alive():
            return
        os.write(self.woken, b".")
        self.thread.join()
        self.lost = self.ring.lost()
        self.ring.close()
        os.close(self.wake)
        os.close(self.woken)

    def adverts(self, host: int | None = None, since: int = 0) -> list[Frame]:
        """The VRRP frames, of one host or of all."""
        return [f for f in self.frames[since:] if f.is_advert and host in (None, f.host)]

    def arps(self, host: int | None = None) -> list[Frame]:
        """The ARP frames, of one host or of all."""
        return [f for f in self.frames if f.is_arp and host in (None, f.host)]

    def neighbour_adverts(self, host: int | None = None) -> list[Frame]:
        """The neighbour advertisements, of one host or of all."""
        return [f for f in self.frames if f.is_neighbour_advert and host in (None, f.host)]

    def save(self, path: Path) -> None:
        """A pcap file with nanoseconds, for tcpdump."""
        with path.open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
            for one in list(self.frames):
                whole = int(one.t)
                size = len(one.data)
                file.write(struct.pack("<IIII", whole, int((one.t - whole) * 1e9), size, size))
                file.write(one.data)


# The reason of a test that is skipped for want of what `may_change_groups` asks about.
NO_SCRIPTS = "optional: in an ordinary user's namespaces there is nobody to run scripts as"


def may_change_groups() -> bool:
    """Whether the kernel lets a process become another user: not in an ordinary user's namespaces.

    There is no other user there.  `labs.sandbox.namespaces` answers setgroups(2) all the same, so
    keepalived runs scripts, but not those that security or `script_user` gives to others.
    """
    return Path("/proc/self/setgroups").read_text().strip() == "allow"


class Host:
    """One machine with an eth0, and at most one daemon."""

    def __init__(self, segment: Segment, number: int) -> None:
        self.segment = segment
        self.number = number
        self.holder = Holder()
        self.room = segment.room / f"host{number}"
        self.room.mkdir(parents=True)
        self.config = self.room / "keepalived.conf"
        self.log = self.room / "log"
        self.notified = self.room / "notified"
        self.script = self.room / "notify.sh"
        self.script.write_text(f'#!/bin/sh\necho "$@" >>{self.notified}\n')
        self.script.chmod(0o755)
        self.address = f"{PREFIX}{11 + number}"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.kind = ""
        self.environment: dict[str, str] = {}

    @property
    def port(self) -> str:
        """The other end of the cable, in the switch."""
        return f"p{self.number}"

    def run(self, *command: str, stdin: str | None = None) -> str:
        """The output of a command that must succeed on this host."""
        return self.holder.run(*command, stdin=stdin)

    def addresses(self, interface: str = "") -> set[str]:
        """Every address but loopback and link-local ones, without prefix lengths."""
        found = set()
        for line in self.run("ip", "-o", "addr", "show").splitlines():
            words = line.split()
            text = words[3].split("/")[0]
            if words[1] != "lo" and interface in ("", words[1]):
                found.add(text)
        return found

    def virtual(self) -> set[str]:
        """The addresses that the host was not born with."""
        return {
            one
            for one in self.addresses() - {self.address}
            if not ipaddress.ip_address(one).is_link_local or "fe80::1:" in one
        }

    def has(self, address: str) -> bool:
        """Whether the host holds `address`."""
        return address in self.addresses()

    def has_link_local(self) -> bool:
        """Whether eth0 has an IPv6 link-local address that is not tentative."""
        lines = Path(f"/proc/{self.holder.pid}/net/if_inet6").read_text().splitlines()
        for address, _, _, _, flags, name in (line.split() for line in lines):
            if name == "eth0" and address.startswith("fe80"):
                return not int(flags, 16) & IFA_F_TENTATIVE
        return False

    def calls(self) -> list[str]:
        """The states that the notify script was called with, in order: "VI_1 MASTER".

        Where keepalived cannot run scripts, they are those in its log.
        """
        if self.kind == "keepalived" and not may_change_groups():
            return [" ".join(found) for found in STATE.findall(self.text())]
        if not self.notified.exists():
            return []
        rows = [line.split() for line in self.notified.read_text().splitlines()]
        return [f"{row[1]} {row[2]}" for row in rows if len(row) >= 3]

    def start(self, kind: str, config: str | None = None, *options: str) -> None:
        """Start a daemon with this configuration (None: the one that is there)."""
        assert self.daemon is None, "one daemon a host"
        if config is not None:
            self.config.write_text(config)
        where = ("-f", str(self.config), "-p", str(self.room / "pid"))
        command = {
            "keepalived": [KEEPALIVED, "-n", "-l", "-D", "-P", "-G", *where,
                           "-r", str(self.room / "vrrp.pid"), *options],
            "vrrpd": [*VRRPD, "-n", "-l", "-D", "-G", *where,
                      "--journal", str(self.room / "journal"),
                      "--control", str(self.room / "sock"), *options],
        }[kind]  # fmt: skip
        self.kind = kind
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                self.holder.inside(*command),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, env={**ENVIRONMENT, **self.environment},
            )  # fmt: skip

    def processes(self) -> list[int]:
        """The pids of the daemon and its descendants, parents first."""
        if self.daemon is None:
            return []
        found = [self.daemon.pid]
        for pid in found:
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
                found += map(int, children.split())
        return found

    def ended(self) -> bool:
        """Whether the daemon has gone by itself."""
        return self.daemon is None or self.daemon.poll() is not None

    def signal(self, number: int) -> None:
        """A signal to the daemon."""
        assert self.daemon is not None
        self.daemon.send_signal(number)

    def reload(self, config: str) -> None:
        """Another file, and SIGHUP."""
        self.config.write_text(config)
        self.signal(signal.SIGHUP)

    def stop(self) -> int:
        """SIGTERM, and wait; the exit status."""
        assert self.daemon is not None
        self.daemon.terminate()
        try:
            status = self.daemon.wait(EVENT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.crash()
            raise AssertionError(f"{self.kind} did not stop:\n{self.text()}") from None
        self.daemon = None
        if self.kind == "keepalived" and not may_change_groups():
            # It logs every state but this one.
            names = dict.fromkeys(name for name, _ in STATE.findall(self.text()))
            with self.log.open("a") as log:
                log.writelines(f"({name}) Entering STOP STATE\n" for name in names)
        return status

    def freeze(self) -> None:
        """SIGSTOP to all of its processes, the parent first."""
        for pid in self.processes():
            with suppress(ProcessLookupError):  # a script may have ended by itself
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to all its processes, the children first: none is restarted or reported."""
        for pid in reversed(self.processes()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def crash(self) -> None:
        """SIGKILL to all of its processes.

        keepalived's child would resign if its parent died first, and the parent would start a new
        child if the child died first; so the parent is held while the children die.
        """
        assert self.daemon is not None
        self.freeze()
        for pid in reversed(self.processes()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.daemon.wait()
        self.daemon = None

    def text(self) -> str:
        """The daemon's log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def unplug(self) -> None:
        """Pull the cable: no carrier here."""
        self.segment.switch.run("ip", "link", "set", self.port, "down")

    def plug(self) -> None:
        """Put the cable back."""
        self.segment.switch.run("ip", "link", "set", self.port, "up")

    def cut(self) -> None:
        """Break the line further away: the carrier stays, no frame passes."""
        self._forwarding("0")

    def mend(self) -> None:
        """Repair what `cut` broke."""
        self._forwarding("3")

    def _forwarding(self, state: str) -> None:
        self.segment.switch.run("bridge", "link", "set", "dev", self.port, "state", state)

    def close(self) -> None:
        """End the daemon and let the namespace go."""
        if self.daemon is not None:
            self.crash()
        self.holder.close()


class Segment:
    """Hosts on one bridge; `room` is where their files are."""

    def __init__(self, room: Path, hosts: int = 2) -> None:
        self.room = room
        self.switch = Holder()
        self.hosts: list[Host] = []
        self.capture: Capture | None = None
        try:
            self.hosts += [Host(self, number) for number in range(hosts)]
            self._wire()
        except BaseException:
            self.close()
            raise

    def _wire(self) -> None:
        lines = ["link add br0 type bridge mcast_snooping 0 forward_delay 0 stp_state 0"]
        for host in self.hosts:
            mac = f"02:00:00:00:00:{11 + host.number:02x}"
            peer = f"peer name eth0 address {mac} netns {host.holder.pid}"
            lines.append(f"link add {host.port} type veth {peer}")
            lines.append(f"link set {host.port} master br0")
        # Only the hosts may send: the switch has no IPv6 addresses of its own.
        self.switch.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
        self.switch.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
        # On one bridge port after another: enslaving creates the address already.
        self.capture = Capture(self.switch.pid, {host.port: host.number for host in self.hosts})
        up = ["link set br0 up", *(f"link set {host.port} up" for host in self.hosts)]
        self.switch.run("ip", "-batch", "-", stdin="\n".join(up) + "\n")
        for host in self.hosts:
            # Without duplicate address detection the link-local address is usable at once.
            host.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad;"
                     "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad")  # fmt: skip
            host.run("ip", "-batch", "-", stdin="link set lo up\nlink set eth0 up\n"
                     f"addr add {host.address}/24 dev eth0\n")  # fmt: skip
        # The kernel adds it from a work queue: on a busy machine some time after the link is up.
        # A keepalived that starts before does not recover where it sends by unicast.
        for host in self.hosts:
            eventually(host.has_link_local, EVENT_TIMEOUT_S, "a link-local address", every=0.01)

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts)

    def __getitem__(self, number: int) -> Host:
        return self.hosts[number]

    @property
    def wire(self) -> Capture:
        """What was received."""
        assert self.capture is not None
        return self.capture

    def holders(self, address: str) -> list[int]:
        """The numbers of the hosts that hold `address`."""
        return [host.number for host in self.hosts if host.has(address)]

    def logs(self) -> str:
        """What all daemons logged, for the message of a failure."""
        return "\n".join(f"--- host {h.number} ({h.kind})\n{h.text()}" for h in self.hosts)

    def wait(
        self, condition: Callable[[], object], what: str, timeout: float = EVENT_TIMEOUT_S
    ) -> None:
        """Until `condition()` holds; the logs are in the message if it does not."""

        def holds() -> object:
            gone = [host.kind for host in self.hosts if host.daemon and host.daemon.poll()]
            assert not gone, f"{gone} ended while waiting for {what}"
            return condition()

        try:
            eventually(holds, timeout, what, every=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def close(self) -> None:
        """End everything that was started here."""
        for host in self.hosts:
            host.close()
        self.stop_listening()
        self.switch.close()

    def stop_listening(self) -> None:
        """Receive no more frames; those that were received stay."""
        if self.capture is not None:
            self.capture.close()

    def __enter__(self) -> Segment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def without(data: bytes, *spans: tuple[int, int]) -> bytes:
    """`data` with the bytes of each span (from, to) zeroed."""
    changed = bytearray(data)
    for begin, end in spans:
        changed[begin:end] = bytes(end - begin)
    return bytes(changed)


def comparable(frame: Frame) -> bytes:
    """The frame without what may differ between two runs of the very same daemon.

    IPv4: identification and header checksum; with AH also its sequence number and ICV.
    IPv6: the flow label, which the kernel draws.  The VRRP checksum covers none of these.
    """
    if frame.ethertype == 0x0800:
        spans = [(18, 20), (24, 26)]
        if frame.protocol == 51:
            header = 14 + (frame.data[14] & 15) * 4
            spans.append((header + 8, header + 24))
        return without(frame.data, *spans)
    if frame.ethertype == 0x86DD:
        return (
            without(frame.data[:14], (0, 0))
            + bytes([frame.data[14], frame.data[15] & 0xF0, 0, 0])
            + frame.data[18:]
        )
    return frame.data


def is_announcement(frame: Frame) -> bool:
    """A gratuitous ARP or an unsolicited neighbour advertisement.

    A solicited one is the kernel's: it answers a neighbour who probes after some seconds.
    """
    if frame.is_arp:
        return frame.data[28:32] == frame.data[38:42]
    return frame.is_neighbour_advert and not frame.data[58] & SOLICITED


def distinct(frames: Sequence[Frame]) -> list[bytes]:
    """The frames, comparable, without repeating one that has been there."""
    return list(dict.fromkeys(comparable(one) for one in frames))


def now() -> float:
    """Unix time, the clock of the captures."""
    return time.time()
