"""02 Basic set-up: who holds the address after each start, and what the machines show."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "addresses-before": r"^(?!.*192\.168\.1\.10/).*root@web1.*root@web2",
    "judge-wait": r"it was (3\.[4-9]|[45])",
    "judge-who": "it was web1",
    "addresses-after": r"root@web1.*inet 192\.168\.1\.10/32.*root@web2(?!.*192\.168\.1\.10/)",
    "ask": r" 0% packet loss.*192\.168\.1\.10 .*lladdr",
    "judge-later": "it was “web1 takes it”",
}
