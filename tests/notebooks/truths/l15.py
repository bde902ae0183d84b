"""15 Faster: what an interval of 100 ms gives, and what it costs."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "write-version": r"root@web1.*version 3.*root@web2.*version 3",
    "write-no-password": r"\A(?!.*(error|does not support)).+",
    "look": "VRRPv3.*intvl 10cs",
    "pull": r"it was (0\.[2-9]\d*|1(\.\d+)?|2\.[0-4]\d*) s",
    "pull-at-ten": r"web2 took 192\.168\.1\.10.*it was \d",
    # Up to 300; a busy machine sends fewer.
    "count-packets": r"\n *([6-9]\d|[12]\d\d|30\d)\b",
    "stall": "held 192.168.1.10 at once.*it was “takes over, and gives back”",
    "lateness": r"quiet: late by.*\nbusy: +late by",
    "loss": r"it was \d+ alarms",
    "count-ten": (
        r"3 missed, every 0\.1 s: takeover after 0\.36 s, [1-9].*10 missed.* 0\.32 s, 0 false"
    ),
    "check-after": "Half a second: done",
}
