"""18 Trust nobody: what the attacker gets, and which protection stops it."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "listen": '(?=.*auth "1111")(?=.*it was “by reading one packet”)',
    "send-once": (
        r"predicted 3\.414 s after the last Advertisement.*it was (3\.[4-9]\d*|[45](\.\d+)?) s"
    ),
    "steal": "it was attacker",
    "evidence": "higher priority 255",
    "evidence-arp": "lladdr 02:00:00:00:00:42",
    "ttl-log": "TTL 254, expected 255",
    "try-filter-own": "sent as 192.168.1.66: web1 keeps the address",
    "try-filter-borrowed": "sent as 192.168.1.12: web1 gave the address up",
    "try-unicast": "sent as 192.168.1.12: web1 gave the address up",
    "try-password": "sent as 192.168.1.12: web1 keeps the address",
    "guess": "it was “less than a second”.*'1111'",
    "arp-only": "attacker took 192.168.1.10 at .* although web1 still had it",
    "locked-port": "it was web1",
    "try-switch": "web1 keeps the address",
    "check-end": "Lock it out: done",
}
