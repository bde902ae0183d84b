"""The client's pings, without a network: what counts as answered."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from labs.monitoring.pinger import BODY4, REPLY_TIMEOUT, Pinger
from labs.monitoring.wire_format import PONG, RECORD, Output


class Replies:
    """A socket in which the reply to ping 1 lies, since a millisecond after it was sent."""

    def __init__(self, sent: float) -> None:
        self.frames = [(sent + 0.001, 0, bytes(BODY4) + (1).to_bytes(4, "big"), 0)]

    def read(self) -> Iterator[tuple[float, int, bytes, int]]:
        while self.frames:
            yield self.frames.pop()


def test_a_reply_that_came_in_time_counts_though_it_was_read_late() -> None:
    pinger, now = object.__new__(Pinger), time.monotonic()
    pinger.index, pinger.interval, pinger.output, pinger.body = 0, 0.01, Output(), BODY4
    sent = time.time() - 2 * REPLY_TIMEOUT
    pinger.waiting, pinger.expiries = {1: sent}, deque([(now - REPLY_TIMEOUT, 1)])
    pinger.replies, pinger.due = Replies(sent), now + 60  # type: ignore[assignment]
    pinger.turn()
    _, rtt, _ = PONG.unpack(bytes(pinger.output.buffer[RECORD.size :]))
    assert round(rtt, 6) == 0.001
