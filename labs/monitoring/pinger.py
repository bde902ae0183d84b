"""The client's pings as the recorder sends them: raw ICMP out, AF_PACKET in.

    sender    a raw ICMP or ICMPv6 socket          an echo request every `interval`
    replies   `labs.monitoring.packet_socket.Frames`                 the replies, with the MAC
    address that sent them

One Pinger looks after one address; IPv4 or IPv6 is decided by how it is written.
"""

from __future__ import annotations

import math
import random
import socket
import struct
import time
from collections import deque
from contextlib import suppress

from labs.monitoring.packet_socket import ETH_P_IP, ETH_P_IPV6, Frames, echo_replies, echo_replies6
from labs.monitoring.wire_format import PING, PONG, Output

REPLY_TIMEOUT = 1.0  # s after which a ping without a reply is unanswered
SOL_RAW, ICMP_FILTER, ICMP6_FILTER = 255, 1, 1
# Offsets of the echo's own sequence number (after Ethernet, IP and ICMP headers).
BODY4, BODY6 = 42, 62


class Pinger:
    """A ping every `interval` seconds from the client's namespace, and what came back.

    `index` says in every record which of the plan's targets it is about.
    """

    def __init__(self, index: int, target: str, interval: float, output: Output) -> None:
        self.index, self.interval, self.output = index, interval, output
        self.ident = random.SystemRandom().randrange(1, 0x10000)
        self.six = ":" in target
        if self.six:
            self.sender, self.replies, self.body = self._over_ipv6()
            # An address of the link itself needs the name of the link.
            scope = socket.if_nametoindex("eth0") if target.lower().startswith("fe80") else 0
            self.to: tuple[str, int] | tuple[str, int, int, int] = (target, 0, 0, scope)
        else:
            self.sender, self.replies, self.body = self._over_ipv4()
            self.to = (target, 0)
        self.sender.setblocking(False)
        self.sequence = 0
        self.waiting: dict[int, float] = {}
        self.expiries: deque[tuple[float, int]] = deque()
        self.due = time.monotonic()

    def _over_ipv4(self) -> tuple[socket.socket, Frames, int]:
        sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        # Replies come in by the other socket, which sees the Ethernet header.
        sender.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("@I", 0xFFFFFFFF))
        return sender, Frames(None, ETH_P_IP, echo_replies(self.ident)), BODY4

    def _over_ipv6(self) -> tuple[socket.socket, Frames, int]:
        sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        sender.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, b"\xff" * 32)
        return sender, Frames(None, ETH_P_IPV6, echo_replies6(self.ident)), BODY6

    def turn(self) -> None:
        """Send what is due and give up on what is overdue."""
        now = time.monotonic()
        if self.expiries and self.expiries[0][0] <= now:
            self.read()  # who was kept waiting himself may find that the reply has long been there
        while self.expiries and self.expiries[0][0] <= now:
            sequence = self.expiries.popleft()[1]
            sent = self.waiting.pop(sequence, None)
            if sent is not None:
                pong = PONG.pack(sequence, math.nan, bytes(6))
                self.output.add(PING, self.index, sent, pong)
        if now >= self.due:
            # Deadlines that a busy machine missed are skipped, not made up for in a burst.
            self.due += self.interval * (1 + (now - self.due) // self.interval)
            self._send(now)

    def _send(self, now: float) -> None:
        self.sequence += 1
        kind = 128 if self.six else 8
        head = struct.pack("!BBHHH", kind, 0, 0, self.ident, self.sequence & 0xFFFF)
        body = struct.pack("!II", self.sequence, 0)
        total = sum(struct.unpack("!8H", head + body))
        total = (total & 0xFFFF) + (total >> 16)
        # For ICMPv6 the kernel computes it, which alone knows the source address.
        check = ~(total + (total >> 16)) & 0xFFFF
        self.expiries.append((now + REPLY_TIMEOUT, self.sequence))
        self.waiting[self.sequence] = time.time()
        # No route, no neighbour, a full queue: this ping will find no answer, and that is the fact.
        with suppress(OSError):
            self.sender.sendto(head[:2] + check.to_bytes(2, "big") + head[4:] + body, self.to)

    def read(self) -> None:
        """Match the replies that have come with the pings that wait for them."""
        for t, _, frame, _ in self.replies.read():
            if len(frame) < self.body + 4:
                continue
            sequence = struct.unpack_from("!I", frame, self.body)[0]
            sent = self.waiting.pop(sequence, None)
            if sent is not None:
                pong = PONG.pack(sequence, max(0.0, t - sent), frame[6:12])
                self.output.add(PING, self.index, sent, pong)
