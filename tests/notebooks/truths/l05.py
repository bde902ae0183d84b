"""05 Failover: how long, why that long, and what the client saw."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "addresses-after": r"NO-CARRIER.*root@web2.*inet 192\.168\.1\.10/32",
    "judge-who": "it was nobody",
    "judge-gap": r"it was [2-5](\.\d+)? s",
    "arp": r"that is web2.*\[\d+, \d+, \d+, \d+, \d+\]",
    "judge-talk": "it was “a reset”",
    "measured": r"takeover: (3\.[6-9]|[45]\.)\d+ s.*protocol: +3\.609 s",
    "judge-spread": r"it was (0\.9\d*|1(\.0\d*)?) s",
    "crash": "two hold|held 192.168.1.10 at once",
    "judge-death": "it was both",
}
