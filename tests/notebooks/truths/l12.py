"""12 Is the service alive?: who notices, and what each remedy does to the address."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "run-unwatched": (
        r"by ping(?!.*No answer.*for the page).*for the page.*No answer.*it was web1"
    ),
    "run-watcher": r"predicted 0\.609 s after the Advertisement of priority 0",
    "run-second": "it was nobody",
    "run-fault": r"Advertisement of priority 0.*it was [1-4](\.\d+)? s",
    "run-back": r"web1 took 192\.168\.1\.10 from web2",
    "run-weight": r"predicted 3\.609 s after the last Advertisement.*it was later",
    "compare": r"watcher.*FAULT.*weight −60",
    "run-both": "it was web1",
    "run-both-fault": r"[Nn]obody held 192\.168\.1\.10",
    "run-hang": r"LISTEN.*exit status 1",
}
