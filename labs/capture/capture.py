"""Frames and neighbours as a host itself has them: a learner's own tcpdump and `ip neighbour`.

with lab.capture("client") as wire:
    lab.stop("web1")
    lab.settle()
wire                   a line for each frame; in a notebook, each unfolds to all its fields
wire.frames            [Frame(...), ...]
wire.save("x.pcapng")  for Wireshark, with the names of hosts and what was done as comments

with lab.capture() as wires: ...       the same at every cable of the lab
wires["web2"].frames                   one of them
wires.save("folder")                   a pcapng for each cable; "x.pcapng": all in one

lab.arp("client")      192.168.1.10 is at 02:00:00:00:00:0b, that is web1 (REACHABLE)
"""

from __future__ import annotations

import struct
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from labs.capture import pcapng
from labs.errors import unknown
from labs.model.facts import Action

if TYPE_CHECKING:
    pass

ETHERNET = 14
# Bytes of memory that a capture may take, and that a frame takes besides its own bytes.
ROOM, FRAME = 128 << 20, 300
# https://www.tcpdump.org/manpages/pcap-savefile.5.html: nanoseconds, Ethernet.
PCAP = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 16, 1)


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """An IP (or ARP) `packet` seen at `t` (Unix time) at or from `host`.

    `ethernet` is the header in front of it, empty where it was not kept.
    """

    t: float
    host: str
    packet: bytes
    ethernet: bytes = b""

    @property
    def kind(self) -> str:
        """ "advert", "arp", "ipv4", "ipv6" or "other"."""
        if self.ethernet[12:14] == b"\x08\x06":
            return "arp"
        version = self.packet[0] >> 4 if self.packet else 0
        at = {4: 9, 6: 6}.get(version, 0)
        if at and len(self.packet) > at and self.packet[at] in (112, 51):
            return "advert"
        return {4: "ipv4", 6: "ipv6"}.get(version, "other")

    @property
    def summary(self) -> str:
        """One line, by scapy: what it is and who talks to whom."""
        import scapy.layers.vrrp  # noqa: F401  it makes VRRP known to the others
        from scapy.layers.inet import IP
        from scapy.layers.inet6 import IPv6
        from scapy.layers.l2 import Ether

        if self.ethernet:
            return str(Ether(self.ethernet + self.packet).summary())
        six = self.packet[:1] and self.packet[0] >> 4 == 6
        return str((IPv6 if six else IP)(self.packet).summary())

    def __repr__(self) -> str:
        return f"<{self.host} at {self.t:.3f}: {self.summary}>"


@dataclass(frozen=True, slots=True)
class Around:
    """What a file says of the lab besides its frames: a title, names of addresses, and actions."""

    title: str
    names: dict[str, str]
    actions: list[Action]


class Capture:
    """Every frame at one interface while the context lasts, up to ROOM; usable afterwards.

    `port` is where its cable ends at the switch, `pid` a process in its network.
    """

    def __init__(self, host: str, interface: str, port: str, around: Around, pid: int = 0) -> None:
        self.host, self.interface, self.port = host, interface, port
        self.begun = 0.0
        self.dropped = 0  # frames beyond ROOM
        self._last, self._room = 0.0, ROOM
        self._around, self._pid = around, pid
        self._seen: list[Frame] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)

    @property
    def name(self) -> str:
        """``web1-eth0``, as Wireshark calls the interface."""
        return f"{self.host}-{self.interface}"

    @property
    def frames(self) -> list[Frame]:
        """What has passed so far, oldest first."""
        return self._seen

    def of(self, kind: str) -> list[Frame]:
        """Those of one kind: "advert", "arp", "ipv4", "ipv6", "other"."""
        return [frame for frame in self.frames if frame.kind == kind]

    def save(self, path: str | Path) -> None:
        """Write a file for tcpdump and Wireshark: pcapng, or pcap if `path` ends so."""
        if Path(path).suffix == ".pcapng":
            _write(Path(path), [self], self._around)
            return
        data = bytearray(PCAP)
        for frame in self.frames:
            whole = frame.ethernet + frame.packet
            seconds, rest = divmod(round(frame.t * 1e9), 10**9)
            data += struct.pack("<IIII", seconds, rest, len(whole), len(whole)) + whole
        Path(path).write_bytes(data)

    def __enter__(self) -> Capture:
        from labs.capture import stream
        from labs.monitoring.recorder import network_of

        # Only this thread goes there, and only to open the socket, which stays where it was opened.
        with network_of(self._pid):
            self._socket = stream.listen(self.interface)
        self._socket.settimeout(0.05)
        self.begun = time.time()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._last = time.time()
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        """Until the context ends and nothing waits any more."""
        from labs.capture import stream

        while True:
            ending = self._ended.is_set()
            if ending:  # what waits is taken, but no wait for more
                self._socket.setblocking(False)
            try:
                t, data = stream.receive(self._socket)
            except (TimeoutError, BlockingIOError):
                if ending:
                    return
                continue
            except OSError:
                continue  # the interface went down: reported once, and it may come up again
            if ending and t > self._last:  # in a flood there is always another one
                return
            self._room -= len(data) + FRAME
            if self._room < 0:
                self.dropped += 1
            else:
                self._seen.append(Frame(t, self.host, data[ETHERNET:], data[:ETHERNET]))

    def __repr__(self) -> str:
        from labs.capture.packet_list import listing

        return listing([self]) or f"<capture at {self.interface} of {self.host}: no frames>"

    def _repr_html_(self) -> str:
        from labs.capture.packet_list import page

        return page([self])


class Captures:
    """A Capture at every cable of a lab; what passes the switch is in several of them."""

    def __init__(self, wires: list[Capture], around: Around) -> None:
        self.wires, self._around = wires, around
        self._open = ExitStack()

    def __getitem__(self, host: str) -> Capture:
        """That of a host's first cable, or of an interface by its name ``web1-eth1``."""
        for wire in self.wires:
            if host in (wire.host, wire.name):
                return wire
        raise unknown("cable", host, [wire.name for wire in self.wires])

    @property
    def frames(self) -> list[Frame]:
        """Those of all cables, in order of time."""
        return sorted((frame for wire in self.wires for frame in wire.frames), key=lambda f: f.t)

    def of(self, kind: str) -> list[Frame]:
        """Those of one kind, as `Capture.of`."""
        return [frame for frame in self.frames if frame.kind == kind]

    def save(self, path: str | Path) -> list[Path]:
        """Write one file of all interfaces if `path` ends in .pcapng, else one for each into it."""
        place = Path(path)
        if place.suffix == ".pcapng":
            _write(place, self.wires, self._around)
            return [place]
        place.mkdir(parents=True, exist_ok=True)
        for wire in self.wires:
            wire.save(place / f"{wire.name}.pcapng")
        return [place / f"{wire.name}.pcapng" for wire in self.wires]

    def __enter__(self) -> Captures:
        for wire in self.wires:
            self._open.enter_context(wire)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def __repr__(self) -> str:
        from labs.capture.packet_list import listing

        return listing(self.wires) or f"<captures at {len(self.wires)} cables: no frames>"

    def _repr_html_(self) -> str:
        from labs.capture.packet_list import page

        return page(self.wires)


def _write(path: Path, wires: list[Capture], around: Around) -> None:
    """A pcapng file; what was done is a comment of the first frame after it."""
    blocks = [pcapng.section(around.title), pcapng.names(around.names)]
    blocks += [pcapng.interface(wire.name, f"cable to {wire.port}") for wire in wires]
    seen = [(frame, card) for card, wire in enumerate(wires) for frame in wire.frames]
    seen.sort(key=lambda pair: pair[0].t)
    start = min(wire.begun for wire in wires)
    waiting = sorted((one for one in around.actions if one.t >= start), key=lambda one: one.t)
    for frame, card in seen:
        said = [action.text for action in waiting if action.t <= frame.t]
        waiting = waiting[len(said) :]
        whole = frame.ethernet + frame.packet
        blocks.append(pcapng.packet(frame.t, whole, card, "; ".join(said)))
    path.write_bytes(b"".join(blocks))
