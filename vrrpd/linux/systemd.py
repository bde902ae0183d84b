"""The state of the daemon for systemd: sd_notify(3), which is one datagram.

    READY=1        everything has started: units that wait for us may go on
    RELOADING=1    SIGHUP is being obeyed; READY=1 when that is done
    STOPPING=1     we are on our way out
    WATCHDOG=1     we are not stuck, sent twice in every WatchdogSec=

Contract: without $NOTIFY_SOCKET nothing happens, and what goes wrong is ignored: a
supervisor that does not listen must not stop a router.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from vrrpd.ports import Clock


class SystemdNotifier:
    """The service manager that has started us, if one has."""

    def __init__(self, clock: Clock, environment: Mapping[str, str] = os.environ) -> None:
        self.clock = clock
        path = environment.get("NOTIFY_SOCKET", "")
        self.address = "\0" + path[1:] if path.startswith("@") else path
        self.watchdog_timeout = watchdog_timeout(environment)

    def notify(self, *lines: str) -> None:
        """Send these assignments."""
        if not self.address.startswith(("/", "\0")):
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), self.address)

    def ready(self, status: str) -> None:
        """Everything runs; `status` says so to people."""
        self.notify("READY=1", f"MAINPID={os.getpid()}", f"STATUS={status}")
        self._bark()

    def reload(self, reload: Callable[[], bool]) -> None:
        """Report that a reload begins, do it, and report that it is over, whatever it raises."""
        stamp = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.notify("RELOADING=1", f"MONOTONIC_USEC={stamp}")
        status = "Running, reload not finished"
        try:
            status = "Running" if reload() else "Running, reload refused"
        finally:  # a unit whose reload is never over cannot be reloaded again
            self.notify("READY=1", f"STATUS={status}")

    def stopping(self) -> None:
        """The end begins."""
        self.notify("STOPPING=1", "STATUS=Stopping")

    def _bark(self) -> None:
        """Show life now, and again in time."""
        if self.watchdog_timeout is not None:
            self.notify("WATCHDOG=1")
            self.clock.call_at(self.clock.now() + self.watchdog_timeout // 2, self._bark)


def watchdog_timeout(environment: Mapping[str, str]) -> int | None:
    """How long (ns) we may be silent, if that is watched and we are the one who is watched."""
    text, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not text.isdecimal() or (pid and pid != str(os.getpid())):
        return None
    return int(text) * 1000 or None
