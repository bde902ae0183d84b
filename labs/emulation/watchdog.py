"""Watchdog: a thread that notices when a host goes down, and takes down one that runs wild.

    process 1 of web1 ends          (reboot -f, halt, the lab's own hand)
        └─> the watchdog calls      went_down(web1): its cables are removed, the timeline gets it

    a host has more than PROCESSES  (a fork bomb)
        └─> it is taken down        as a server would be by a watchdog timer; the others go on

The thread sleeps in poll(2) on a pidfd of each host, and counts processes once a second.
It is the lab's only poll: without cgroups no event reports that a host has too many.
"""

from __future__ import annotations

import os
import select
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from labs.emulation.nodes import PROCESSES, Host

EVERY = 1.0  # s between two counts


class Watchdog:
    """Watches `hosts` until closed; calls `went_down(host)` once for each, in its own thread."""

    def __init__(self, hosts: Iterable[Host], went_down: Callable[[Host], None]) -> None:
        self._hosts = {host.life: host for host in hosts}
        self._spaces = {os.readlink(f"/proc/{h.pid}/ns/pid"): h for h in self._hosts.values()}
        self._went_down = went_down
        self._reader, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Watch no more, so that the hosts may be ended on purpose; closing twice is harmless."""
        if self._writer < 0:
            return
        os.close(self._writer)
        self._writer = -1
        self._thread.join()
        os.close(self._reader)

    def _watch(self) -> None:
        events = select.poll()
        events.register(self._reader, select.POLLIN)
        for life in self._hosts:
            events.register(life, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in events.poll(EVERY * 1000)}
            if self._reader in ready:
                return
            for life in ready:
                events.unregister(life)
                self._went_down(self._hosts[life])
            if not ready and len(os.listdir("/proc")) > PROCESSES:
                self._count()

    def _count(self) -> None:
        """Take down each host that has too many processes."""
        found: Counter[str] = Counter()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(OSError):  # it has ended meanwhile
                    found[os.readlink(entry / "ns/pid")] += 1
        for space, count in found.items():
            if count > PROCESSES and space in self._spaces:
                self._spaces[space].kill(f"it had more than {PROCESSES} processes")
