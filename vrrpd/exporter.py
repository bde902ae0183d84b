"""What `--metrics` serves over HTTP.

    /metrics    OpenMetrics text (metrics.py)
    /healthz    200: the daemon's loop runs and answers
    /readyz     200: every instance is MASTER, or BACKUP and able to become MASTER
                503: a line for each one that is not, with the reason

Contract: read only.  Between two pieces of an answer the loop does what is due, so that a long
answer delays no timer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vrrpd import metrics
from vrrpd.daemon import Daemon
from vrrpd.endpoint import Page
from vrrpd.fsm import SILENT, State, seconds

PLAIN = "text/plain; charset=utf-8"


def pages(daemon: Daemon) -> dict[str, Callable[[], Page]]:
    """The functions that make the three pages, by path."""
    return {
        "/metrics": partial(_exposition, daemon),
        "/healthz": partial(_health, daemon),
        "/readyz": partial(_readiness, daemon),
    }


def _exposition(daemon: Daemon) -> Page:
    """The metrics."""
    return 200, metrics.CONTENT_TYPE, metrics.breathing(daemon)


def _health(daemon: Daemon) -> Page:
    """A loop that answers is alive."""
    return 200, PLAIN, ["ok\n"]


def _readiness(daemon: Daemon) -> Page:
    """Whether every instance can do its work."""
    missing = not_ready(daemon)
    return (503, PLAIN, [f"{line}\n" for line in missing]) if missing else (200, PLAIN, ["ok\n"])


def not_ready(daemon: Daemon) -> list[str]:
    """Why the daemon cannot do all of its work, a line for each reason."""
    left = daemon.begins - daemon.ports.clock.now()
    found = [f"start-up delay: {seconds(left)} left"] if left > 0 else []
    if not daemon.routers:
        found.append("no instance is configured")
    for router in daemon.routers.values():
        if router.state in SILENT:
            found.append(f"{router.name}: {router.state.value}: {router.current.why}")
        elif router.released and router.state is State.BACKUP:
            found.append(f"{router.name}: released by vrrpctl")
    return found
