"""rtnetlink(7) as a transport: constants, the framing of messages, and a socket for requests.

    requests = RequestSocket()
    requests.ask(RTM_NEWLINK, NLM_F_CREATE, body)    one request, its errno
    requests.dump(RTM_GETLINK, AF_UNSPEC)            everything the kernel has of a kind
    requests.send(data); requests.replies()          a batch, and what comes back for it

Contract: nothing here knows what an address, a route or a virtual interface is.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ERROR = struct.Struct("=IHHIIi")  # the same, and the negative errno of an NLMSG_ERROR
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE = 1, 2, 3
LAST_SEQUENCE = 0xFFFFFFFF  # the largest number of a request
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK = 270, 1, 10

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTM_NEWRULE, RTM_DELRULE = 32, 33
RTM_NEWQDISC, RTM_DELQDISC = 36, 37

IFINFOMSG = struct.Struct("=BxHiII")  # family, type, index, flags, change
IFF_UP, IFF_RUNNING, IFF_LOWER_UP = 0x1, 0x40, 0x10000
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_LINKINFO = 1, 3, 4, 5, 18
IFLA_AF_SPEC, IFLA_GROUP, IFLA_LINK_NETNSID = 26, 27, 37
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2

IFADDRMSG = struct.Struct("=BBBBI")  # family, prefixlen, flags, scope, index
IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST = 1, 2, 3, 4
IFA_CACHEINFO, IFA_FLAGS, IFA_PROTO = 6, 8, 11
IFA_F_DADFAILED, IFA_F_TENTATIVE = 0x08, 0x40

BUFFER = 1 << 20  # bytes that the kernel keeps for a socket
READ_SIZE = 1 << 16  # bytes read at once; the kernel sends no more than half of that
ANSWER_SIZE = 1 << 10  # of an answer without the request that it is for (NETLINK_CAP_ACK)
# A timeval for the kernel's answer, which is there before send(2) returns.
ANSWER_TIMEOUT = struct.pack("@ll", 2, 0)

_Message = tuple[int, int, int, bytes]
"""Type, sequence number, port and the whole message with its header."""


def split(data: bytes) -> Iterator[_Message]:
    """Yield every message in a buffer."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, _, sequence, port = HEADER.unpack_from(data, at)
        if length < HEADER.size:
            return
        yield kind, sequence, port, data[at : at + length]
        at += (length + 3) & ~3


def acknowledges(data: bytes, sequence: int) -> bool:
    """Whether a datagram is the acknowledgment of this request, and nothing else.

    Faster than `split()`: in a takeover the first gratuitous ARP waits for it.
    """
    if len(data) < ERROR.size:
        return False
    length, kind, _, number, _, error = ERROR.unpack_from(data)
    return (length, kind, number, error) == (len(data), NLMSG_ERROR, sequence, 0)


def error_number(message: bytes) -> int:
    """The errno of an NLMSG_ERROR; 0 is an acknowledgment."""
    return -int.from_bytes(message[16:20], sys.byteorder, signed=True)


class RequestSocket:
    """The socket that asks and commands; `port` is its address, `sequence` its last number.

    `protocol` is that of netlink(7).
    """

    def __init__(self, protocol: int = socket.NETLINK_ROUTE) -> None:
        self.sequence = 0
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.bind((0, 0))
        # Not settimeout(): Python would ask poll(2) before each call.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, ANSWER_TIMEOUT)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.port: int = self.socket.getsockname()[0]

    def numbers(self, count: int) -> range:
        """Sequence numbers for `count` requests."""
        if self.sequence + count > LAST_SEQUENCE:
            self.sequence = 0
        first = self.sequence + 1
        self.sequence += count
        return range(first, first + count)

    def send(self, data: bytes) -> None:
        """Send requests that are already encoded.  Raises OSError."""
        self.socket.send(data)

    def receive(self, size: int) -> bytes:
        """Receive one datagram of the kernel, at most `size` bytes.  Raises OSError."""
        return self.socket.recv(size)

    def replies(self, size: int = READ_SIZE) -> Iterator[_Message]:
        """Yield the messages of one datagram of the kernel.  Raises OSError."""
        return split(self.socket.recv(size))

    def ask(self, kind: int, flags: int, body: bytes) -> int:
        """Send one request and return the kernel's answer: an errno, 0 for success."""
        sequence = self._request(kind, flags | NLM_F_REQUEST | NLM_F_ACK, body)
        while True:
            for answer, number, _, message in self.replies(ANSWER_SIZE):
                if answer == NLMSG_ERROR and number == sequence:
                    return error_number(message)

    def dump(self, kind: int, family: int) -> Iterator[tuple[int, bytes]]:
        """Yield (type, message) of everything the kernel has of this kind."""
        body = struct.pack("=B15x", family) if kind == RTM_GETLINK else struct.pack("=B7x", family)
        sequence = self._request(kind, NLM_F_REQUEST | NLM_F_DUMP, body)
        while True:
            for answer, number, _, message in self.replies():
                if number != sequence:
                    continue
                if answer in (NLMSG_DONE, NLMSG_ERROR):
                    return
                yield answer, message

    def _request(self, kind: int, flags: int, body: bytes) -> int:
        """Send one request; its sequence number."""
        (sequence,) = self.numbers(1)
        self.send(HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body)
        return sequence

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()
