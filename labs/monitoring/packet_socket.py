"""Frames as the recorder receives them: AF_PACKET sockets behind classic BPF filters.

A filter is a tuple of steps (code, jump if true, jump if false, operand), as struct sock_filter.
Frames carry the kernel's own time of arrival (SO_TIMESTAMPNS).
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import time
from collections.abc import Iterator

# Constants of <linux/...> that the socket module lacks.
SO_ATTACH_FILTER, SO_TIMESTAMPNS, SO_RXQ_OVFL = 26, 35, 40
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD

Program = tuple[tuple[int, int, int, int], ...]

# Classic BPF: (code, jump if true, jump if false, operand).
LD_W, LD_H, LD_B, TAX, JEQ, JEQ_X, RET = 0x20, 0x28, 0x30, 0x07, 0x15, 0x1D, 0x06
VRRP_AND_ARP = (
    (LD_H, 0, 0, 12),  # 0  EtherType
    (JEQ, 0, 4, 0x0806),  # 1  ARP: is the sender's address the target's?
    (LD_W, 0, 0, 28),
    (TAX, 0, 0, 0),
    (LD_W, 0, 0, 38),
    (JEQ_X, 10, 11, 0),
    (JEQ, 0, 3, 0x0800),  # 6  IPv4: protocol 112, or 51 (AH)
    (LD_B, 0, 0, 23),
    (JEQ, 7, 0, 112),
    (JEQ, 6, 7, 51),
    (JEQ, 0, 6, 0x86DD),  # 10 IPv6: 112, or a neighbour advertisement
    (LD_B, 0, 0, 20),
    (JEQ, 3, 0, 112),
    (JEQ, 0, 3, 58),
    (LD_B, 0, 0, 54),
    (JEQ, 0, 1, 136),
    (RET, 0, 0, 0xFFFF),  # 16 keep
    (RET, 0, 0, 0),  # 17 drop
)


def echo_replies(ident: int) -> Program:
    """The filter for IPv4 echo replies (no options) to our own pings."""
    return (
        (LD_B, 0, 0, 23),
        (JEQ, 0, 5, socket.IPPROTO_ICMP),
        (LD_B, 0, 0, 34),
        (JEQ, 0, 3, 0),
        (LD_H, 0, 0, 38),
        (JEQ, 0, 1, ident),
        (RET, 0, 0, 0xFFFF),
        (RET, 0, 0, 0),
    )


def echo_replies6(ident: int) -> Program:
    """The same for ICMPv6, directly after the IPv6 header."""
    return (
        (LD_B, 0, 0, 20),
        (JEQ, 0, 5, socket.IPPROTO_ICMPV6),
        (LD_B, 0, 0, 54),
        (JEQ, 0, 3, 129),
        (LD_H, 0, 0, 58),
        (JEQ, 0, 1, ident),
        (RET, 0, 0, 0xFFFF),
        (RET, 0, 0, 0),
    )


class Frames:
    """An AF_PACKET socket behind a filter, on one `interface` or (None) on all there are."""

    def __init__(self, interface: str | None, protocol: int, program: Program) -> None:
        # Protocol 0 receives nothing; Python can bind to an interface later, but not to "all".
        heard = 0 if interface else socket.htons(protocol)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, heard)
        attach(self.socket, program)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self.socket.setblocking(False)
        self.dropped = 0
        if interface:
            self.socket.bind((interface, protocol))
        else:
            for _ in self.read():
                pass  # what slipped in before the filter

    def read(self) -> Iterator[tuple[float, int, bytes, int]]:
        """(time, packet type, frame, frames lost before it) of each frame that is waiting."""
        while True:
            try:
                frame, ancillary, _, address = self.socket.recvmsg(1 << 16, 256)
            except BlockingIOError:
                return
            except OSError as error:
                # The interface went down or away: reported once, and by netlink, too.
                if error.errno not in (errno.ENETDOWN, errno.ENXIO, errno.ENODEV):
                    raise
                continue
            t, lost = time.time(), 0
            for _, kind, data in ancillary:
                if kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("@ll", data[:16])
                    t = seconds + nanoseconds * 1e-9
                elif kind == SO_RXQ_OVFL:
                    dropped = struct.unpack("@I", data[:4])[0]
                    lost, self.dropped = (dropped - self.dropped) % (1 << 32), dropped
            yield t, address[2], frame, lost


def attach(sock: socket.socket, program: Program) -> None:
    """Give a socket a classic BPF filter (struct sock_fprog)."""
    code = b"".join(struct.pack("@HBBI", *step) for step in program)
    keep = ctypes.create_string_buffer(code)
    fprog = struct.pack("@HP", len(program), ctypes.addressof(keep))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)
