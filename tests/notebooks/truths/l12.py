"""12 Is the service alive?: who notices, and what each remedy does to the address."""

from tests.notebooks.lessons import own
from tests.notebooks.truths import Truth, between

FALL, WEIGHT = (int(own("12-is-the-service-alive")[name]) for name in ("fall", "weight"))

TRUE: dict[str, Truth] = {
    "run-unwatched": (
        r"by ping(?!.*No answer.*for the page).*for the page.*No answer.*it was web1"
    ),
    "run-watcher": r"predicted 0\.609 s after the Advertisement of priority 0",
    "run-second": "it was nobody",
    "run-fault": (
        rf"Advertisement of priority 0.*it was {between(FALL - 1, FALL + 2.5)} s"
        rf".*number {FALL} comes after {FALL - 1} to {FALL} s"
    ),
    "run-back": r"web1 took 192\.168\.1\.10 from web2",
    "run-own-weight": rf"it was {'web2' if WEIGHT > 50 else 'web1'}.*= {150 - WEIGHT}, ",
    "run-weight": r"predicted 3\.609 s after the last Advertisement.*it was later",
    "compare": r"watcher.*FAULT.*weight −60",
    "run-both": "it was web1",
    "run-both-fault": r"[Nn]obody held 192\.168\.1\.10",
    "run-hang": r"LISTEN.*exit status 1",
}
