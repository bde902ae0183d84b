"""10 Is the service alive?: who notices, and what each remedy does to the address."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "run-unwatched": r"by ping(?!.*No answer.*for the page).*for the page.*No answer",
    "judge-who": "it was web1",
    "run-watcher": r"predicted 0\.609 s after the Advertisement of priority 0",
    "run-second": "it was nobody",
    "run-fault": r"Advertisement of priority 0, .*web1 took 192\.168\.1\.10 from web2",
    "judge-fault": r"it was [1-4](\.\d+)? s",
    "judge-weight": "it was later",
    "run-weight": r"weight −60.*predicted 3\.609 s after the last Advertisement",
    "run-both": "it was web1",
    "run-both-fault": "is held by nobody",
    "run-hang": "the port is open, but no page",
}
