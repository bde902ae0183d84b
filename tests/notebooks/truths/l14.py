"""14 Trust nobody: what the attacker gets, and which lock stops it."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "listen": 'auth "1111"',
    "judge-password": "it was “by reading one packet”",
    "judge-gap": r"it was (3\.[4-9]\d*|[45](\.\d+)?) s",
    "send-once": r"predicted 3\.414 s after the last Advertisement",
    "judge-who": "it was attacker",
    "evidence": "lladdr 02:00:00:00:00:42.*higher priority 255",
    "try-ttl": r"TTL 254, expected 255.*\['web1'\]",
    "try-nft": r"\(True, False\)",
    "try-unicast": "kept out: True, after hearing 0 adv.*old password: held by nobody",
    "try-ah": r"replayed.*\['web1'\]",
    "guess": "it was “less than a second”.*'1111'",
    "arp-only": "attacker took 192.168.1.10 at .* although web1 still had it",
    "try-switch": "'web1'.*True True",
}
