"""The signals a running vrrpd obeys, under the names that `--signum` knows (keepalived's).

kill -$(vrrpd --signum=DATA) $(cat /run/vrrpd.pid)
"""

from __future__ import annotations

NAMES = ("STOP", "RELOAD", "DATA", "STATS", "STATS_CLEAR", "JSON")


def numbers() -> dict[str, int]:
    """Return the number of each of the signals."""
    import signal  # which makes three enumerations, and only the daemon itself needs them

    values = (
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGRTMAX - 1,
        signal.SIGRTMIN + 2,
    )
    return dict(zip(NAMES, map(int, values), strict=True))
