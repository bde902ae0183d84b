"""A flood fills a socket's queue; what is in it when a timer comes due is still read first.

A Master_Down_Timer that fires with the MASTER's Advertisement unread behind some hundred forged
ones would be a takeover for nothing.  A reader takes a batch at a time, so one batch is not enough.
"""

from __future__ import annotations

import socket

from vrrpd.linux.loop import Loop
from vrrpd.linux.sockets import BATCH

QUEUE = 300  # small datagrams that the kernel's usual 212,992 bytes hold, roughly


def test_a_timer_waits_for_the_whole_queue() -> None:
    loop, seen = Loop(), []
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    near.setblocking(False)
    far.setblocking(False)
    sent = 0

    def read() -> None:
        nonlocal sent
        for _ in range(BATCH):
            try:
                seen.append(near.recv(64))
            except BlockingIOError:
                return
            if sent < QUEUE:  # the queue of a Unix socket is short: it is filled up as it empties
                far.send(b"forged")
                sent += 1

    far.send(b"forged")
    loop.add_reader(near.fileno(), read)
    loop.call_at(loop.now() - 1, loop.stop)
    loop.run()
    assert len(seen) == QUEUE + 1
    loop.close()
    near.close()
    far.close()


def test_a_reader_that_is_never_done_does_not_keep_timers_waiting() -> None:
    loop, calls = Loop(), []
    near, far = socket.socketpair()
    far.send(b"x")
    loop.add_reader(near.fileno(), lambda: calls.append(1))  # takes nothing: ready for ever
    loop.call_at(loop.now() - 1, loop.stop)
    loop.run()
    assert 1 < len(calls) < 100
    loop.close()
    near.close()
    far.close()
