"""A server as `make lab` starts it, for the tests that use one as a learner does.

with served(user) as address:       http://127.0.0.1:40001/lab/tree/00-start-here.ipynb?token=...
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import HUNG_S, OrdinaryUser, eventually

START_SECONDS = HUNG_S


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def served(user: OrdinaryUser, env: dict[str, str] | None = None) -> Iterator[str]:
    """The address, token included, that `labs notebook` prints; one Ctrl-C ends the server."""
    log = user.home / "server.log"
    command: list[str | Path] = [Path(sys.executable).with_name("labs"), "notebook", "--no-browser"]
    with log.open("wb") as output:
        server = user.popen(
            [*command, "--port", str(free_port())],
            env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def printed() -> str | None:
        text = log.read_text(errors="replace")
        assert server.poll() is None, f"the server ended\n{text}"
        found = re.search(r"http://(?:127\.0\.0\.1|localhost):\d+/\S*token=\w+", text)
        return found.group() if found else None

    try:
        yield eventually(printed, START_SECONDS, "the server to print its address")
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(HUNG_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise AssertionError("one Ctrl-C did not end the server") from None
