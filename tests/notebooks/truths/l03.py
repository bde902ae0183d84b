"""03 Basic setup: which server holds the address after each start, and what the servers show."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "addresses-before": r"^(?!.*192\.168\.1\.10/).*root@web1.*root@web2",
    "test-web1": "\nthe file is valid",
    "start-web1": r"it was (3\.[4-9]|[45])",
    "start-web2": r"it was web1\.",
    "addresses-after": r"root@web1.*inet 192\.168\.1\.10/32.*root@web2(?!.*192\.168\.1\.10/)",
    "ask": r" 0% packet loss.*192\.168\.1\.10 .*lladdr",
    "start-web1-last": r"web1 took 192\.168\.1\.10 from web2.*it was “web1 takes it”",
}
