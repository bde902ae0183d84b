"""04 What the settings mean: how many mails, from whom, and how long the interval makes it."""

from labs.analysis.master_down_timer import master_down
from tests.notebooks.lessons import own
from tests.notebooks.truths import Truth, between

DOWN = master_down(100, 2, own("04-what-the-settings-mean")["interval"])

TRUE: dict[str, Truth] = {
    "unplug-and-count": "it was 0",
    "plug-and-read": r"\[web2\].*Entering BACKUP state",
    "unplug-slow": rf"web2 took 192\.168\.1\.10.*it was {between(DOWN, DOWN + 2)} s",
    "costs": r" 1 s +86,400 +5\.\d .* 10 s .*30\.609 s",
    "check-after": "A slow line between two sites: done",
}
