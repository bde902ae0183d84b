"""Raw sockets: Advertisements in and out, and ARP frames.

One raw socket for each interface, shared by all its virtual routers: bound to the interface,
member of 224.0.0.18, multicast loop off, the IP header written by us so that it is keepalived's.
One packet socket for all frames.

    listen("eth0")  -> socket(AF_INET, SOCK_RAW, 112), SO_BINDTODEVICE, IP_ADD_MEMBERSHIP
    announce()      -> socket(AF_PACKET, SOCK_RAW)

Contract: every packet is handed over with the moment at which the kernel took it from the wire
(SO_TIMESTAMPNS), not the moment at which we came to read it.  A busy machine that reads an
Advertisement late would otherwise wait a whole Master_Down_Interval from there.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

from vrrpd.linux.loop import Loop
from vrrpd.packet import GROUP4, PROTOCOL
from vrrpd.ports import Receiver

SO_TIMESTAMPNS = 35
IP_MULTICAST_ALL = 49
LARGEST = 65535
BATCH = 64  # packets read in one go before others get their turn
TIMESPEC = struct.Struct("@ll")
ANCILLARY = socket.CMSG_SPACE(TIMESPEC.size)


class RawChannel:
    """VRRP over IPv4 on one interface."""

    def __init__(self, loop: Loop, interface: str, receiver: Receiver, group: str) -> None:
        self.loop = loop
        self.receiver = receiver
        index = socket.if_nametoindex(interface)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
        try:
            self.prepare(interface, index, group)
        except OSError:
            self.socket.close()
            raise
        loop.add_reader(self.socket.fileno(), self.read)

    def prepare(self, interface: str, index: int, group: str) -> None:
        """Set the socket up; the order matters: bound to the device before it joins."""
        one = self.socket
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 6)  # TC_PRIO_CONTROL
        one.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        one.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        member = socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("@i", index)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, member)

    def send(self, packet: bytes) -> None:
        """Send one IPv4 packet to the destination in its header.  Raises OSError."""
        self.socket.sendto(packet, socket.MSG_DONTROUTE, (socket.inet_ntoa(packet[16:20]), 0))

    def read(self) -> None:
        """Hand over what has arrived, each packet with the moment of its arrival."""
        for _ in range(BATCH):
            try:
                packet, ancillary, _, _ = self.socket.recvmsg(LARGEST, ANCILLARY)
            except BlockingIOError:
                return
            except OSError:  # ENETDOWN and the like: netlink tells the rest of the story
                return
            self.receiver(packet, self.arrival(ancillary))

    def arrival(self, ancillary: Sequence[tuple[int, int, bytes]]) -> int:
        """When the kernel received the packet, in ns of the loop's clock."""
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                whole, rest = TIMESPEC.unpack(data)
                return self.loop.from_wall(whole * 1_000_000_000 + rest)
        return self.loop.now()

    def close(self) -> None:
        """Close the socket; the kernel leaves the group."""
        self.loop.remove_reader(self.socket.fileno())
        self.socket.close()


class RawWire:
    """The Wire of the real machine."""

    def __init__(self, loop: Loop, group: str = str(GROUP4)) -> None:
        self.loop = loop
        self.group = group
        self.frames: socket.socket | None = None

    def listen(self, interface: str, receiver: Receiver) -> RawChannel:
        """Join the group on `interface`.  Raises OSError."""
        return RawChannel(self.loop, interface, receiver, self.group)

    def announce(self, interface: str, frames: Sequence[bytes]) -> None:
        """Send frames back to back.  Raises OSError."""
        if self.frames is None:
            # Protocol 0: this socket only sends, so the kernel need not copy it a thing.
            self.frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        for frame in frames:
            self.frames.sendto(frame, (interface, 0))
