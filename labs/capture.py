"""Frames and neighbours as a host itself has them: a learner's own tcpdump and `ip neighbour`.

with lab.capture("client") as wire:
    lab.stop("master")
    lab.settle()
wire.frames            [Frame(...), ...]; in a notebook, a line for each
wire.save("x.pcap")    for Wireshark

lab.arp("client")      192.168.1.10 is at 02:00:00:00:00:0b, that is master (REACHABLE)
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.frames import ETH_P_ALL, SO_TIMESTAMPNS
from labs.recorder import network_of

if TYPE_CHECKING:
    from labs.node import Host
    from labs.witness import Witness

ETHERNET = 14
ROOM = 1 << 23  # bytes of frames that may wait for this process
SO_RCVBUFFORCE = 33
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


class Capture:
    """Every frame at one card while the context lasts; usable afterwards."""

    def __init__(self, host: Host, interface: str) -> None:
        self.host, self.interface = host.name, interface
        self.frames: list[Frame] = []
        self._ended = threading.Event()
        # Only this thread goes there, and only to open the socket, which stays where it was opened.
        with network_of(host.pid):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        # As much as an ordinary user may have, which the reading thread empties soon enough.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        with suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)

    def of(self, kind: str) -> list[Frame]:
        """Those of one kind: "advert", "arp", "ipv4", "ipv6", "other"."""
        return [frame for frame in self.frames if frame.kind == kind]

    def save(self, path: str | Path) -> None:
        """Write a pcap file, readable by tcpdump and Wireshark."""
        data = bytearray(PCAP)
        for frame in self.frames:
            whole = frame.ethernet + frame.packet
            seconds, rest = divmod(round(frame.t * 1e9), 10**9)
            data += struct.pack("<IIII", seconds, rest, len(whole), len(whole)) + whole
        Path(path).write_bytes(data)

    def __enter__(self) -> Capture:
        self._socket.bind((self.interface, ETH_P_ALL))
        self._socket.settimeout(0.05)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        """Until the context ends and nothing waits any more."""
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(1 << 16, 256)
            except TimeoutError:
                if self._ended.is_set():
                    return
                continue
            except OSError:
                continue  # the card went down: said once, and it may come up again
            seconds, rest = struct.unpack("@ll", ancillary[0][2][:16])
            frame = Frame(seconds + rest * 1e-9, self.host, data[ETHERNET:], data[:ETHERNET])
            self.frames.append(frame)

    def __repr__(self) -> str:
        start = self.frames[0].t if self.frames else 0.0
        lines = [f"{frame.t - start:9.3f} s  {frame.summary}" for frame in self.frames[:30]]
        if len(self.frames) > len(lines):
            lines.append(f"... and {len(self.frames) - len(lines)} more: wire.frames")
        return "\n".join(lines) or f"<capture at {self.interface} of {self.host}: no frames>"


@dataclass(frozen=True, slots=True, repr=False)
class Neighbour:
    """An entry of a host's neighbour table: `mac` and `host` are None where there is none."""

    asked: str
    address: str
    mac: str | None
    host: str | None
    state: str

    def __repr__(self) -> str:
        if self.mac is None:
            state = f" ({self.state})" if self.state else ""
            return f"{self.asked} does not know who has {self.address}{state}"
        who = self.host or "no host of this lab"
        return f"{self.asked}: {self.address} is at {self.mac}, that is {who} ({self.state})"


def neighbour(node: Host, address: str, witness: Witness) -> Neighbour:
    """What the neighbour table of a host says about an address; LabError if it cannot be read."""
    asked = node.popen(["ip", "-j", "neighbour", "show", address]).communicate()
    try:
        found = json.loads(asked[0] or b"[]")
    except ValueError:
        raise LabError(f"{node.name} does not answer: lab.reset() starts over") from None
    entry = found[0] if found else {}
    mac, state = entry.get("lladdr"), " ".join(entry.get("state", ()))
    owners = sorted(witness.hosts_of(mac)) if mac else []
    return Neighbour(node.name, address, mac, " or ".join(owners) or None, state)
