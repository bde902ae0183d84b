"""A client: asks an address for its page, again and again, and writes down what came back.

    python -m labs.emulation.programs.http_client 192.168.1.10 0.1        ten visits a second, until
    it is ended

One line of JSON for each visit, when it is over: `t` and `known` (Unix time when it began and when
it was over), `rtt` in seconds, and `page`, the text of the page; the last two are null if none came
within PAGE_TIMEOUT.
A ping asks the machine's kernel, a visit asks the program that the customers want: the difference
between the two is what lesson 12 is about.
Visits overlap, so a server that hangs does not make the client ask less often.
It imports only the standard library, so that it is there at once; `labs.emulation.services` starts
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time

PAGE_TIMEOUT = 1.0  # s after which a visit without a page has failed
REQUEST = b"GET / HTTP/1.0\r\n\r\n"


async def page(address: str, port: int = 80) -> str | None:
    """The text of the page at `address`; None if the answer is anything but 200 and a page.

    Raises OSError when no server can be reached or the connection breaks.
    """
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(REQUEST)
        answer = (await reader.read()).decode(errors="replace")
    finally:
        writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return body.strip() if " 200 " in head.partition("\r\n")[0] else None


async def visit(address: str) -> None:
    """Ask once and write the line."""
    began, clock, text = time.time(), time.monotonic(), None
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        text = await asyncio.wait_for(page(address), PAGE_TIMEOUT)
    rtt = time.monotonic() - clock if text is not None else None
    told = {"t": began, "known": time.time(), "rtt": rtt, "page": text}
    print(json.dumps(told), flush=True)


def visits(address: str, every: float) -> None:
    """Begin a visit every `every` seconds, whatever became of the earlier ones; never returns."""
    loop = asyncio.new_event_loop()
    pending: set[asyncio.Task[None]] = set()

    def begin(due: float) -> None:
        task = loop.create_task(visit(address))
        pending.add(task)
        task.add_done_callback(pending.discard)
        after = max(due + every, loop.time())
        loop.call_at(after, begin, after)

    loop.call_soon(begin, loop.time())
    loop.run_forever()


if __name__ == "__main__":
    visits(sys.argv[1], float(sys.argv[2]))
