"""The signals a running vrrpd obeys, under the names that `--signum` knows (keepalived's).

kill -$(vrrpd --signum=DATA) $(cat /run/vrrpd.pid)
"""

from __future__ import annotations

import signal

NUMBERS: dict[str, int] = {
    "STOP": signal.SIGTERM,
    "RELOAD": signal.SIGHUP,
    "DATA": signal.SIGUSR1,
    "STATS": signal.SIGUSR2,
    "STATS_CLEAR": signal.SIGRTMAX - 1,
    "JSON": signal.SIGRTMIN + 2,
}
