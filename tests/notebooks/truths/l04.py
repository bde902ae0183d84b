"""04 What the settings mean: how many mails, from whom, and how long the interval makes it."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "unplug-and-count": "it was 0",
    "plug-and-read": r"\[web2\].*Entering BACKUP state",
    "unplug-slow": r"web2 took 192\.168\.1\.10.*it was (6\.[5-9]\d*|7|7\.\d+|8(\.\d+)?) s",
    "costs": r" 1 s +86,400 +5\.\d .* 10 s .*30\.609 s",
    "check-after": "A slow line between two sites: done",
}
