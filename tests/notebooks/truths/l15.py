"""15 Faster: what an interval of 100 ms gives, and what it costs."""

from labs.analysis.master_down_timer import master_down
from tests.notebooks.lessons import own
from tests.notebooks.truths import Truth, between

INTERVAL = own("15-faster")["interval"]
DOWN = master_down(100, 3, INTERVAL)

TRUE: dict[str, Truth] = {
    "write-version": r"root@web1.*version 3.*root@web2.*version 3",
    "write-no-password": r"\A(?!.*(error|does not support)).+",
    "look": rf"VRRPv3.*intvl {round(100 * INTERVAL)}cs",
    "pull": rf"it was {between(2.6 * INTERVAL, 3.6 * INTERVAL + 2)} s.*{DOWN:.3f} s from the last",
    "pull-at-ten": r"web2 took 192\.168\.1\.10.*it was \d",
    # Up to 300; a busy machine sends fewer.
    "count-packets": r"\n *([6-9]\d|[12]\d\d|30\d)\b",
    "stall": (
        "held 192.168.1.10 at once.*it was “takes over, and gives back”"
        if DOWN < 0.5
        else "it was nothing"
    ),
    "lateness": r"quiet: late by.*\nbusy: +late by",
    "loss": r"it was \d+ alarms",
    "count-ten": (
        r"3 missed, every 0\.1 s: takeover after 0\.36 s, [1-9].*10 missed.* 0\.32 s, 0 false"
    ),
    "check-after": "Half a second: done",
}
