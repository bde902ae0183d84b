"""12 Faster: what an interval of 100 ms gives, and what it costs."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "judge-gap": r"it was (0\.[2-9]\d*|1(\.\d+)?|2\.[0-4]\d*) s",
    "count-packets": r"\b([5-9]\d|10\d) advertisements a second",
    "run-stall": "held 192.168.1.10 at once",
    "judge-stall": "it was “takes over, and gives back”",
    "stall-slow": r"\A\['web1'\]\s*\Z",
    "judge-loss": r"it was \d+ alarms",
    "count-ten": r"3 missed, every 0\.1 s: after 0\.36 s, [1-9].*10 missed.* 0\.32 s, 0 alarms",
}
