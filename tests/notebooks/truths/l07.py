"""07 Failover: how long, why that long, and what the client saw."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "pull": (
        r"it was nobody\..*it was [2-5](\.\d+)? s.*here (3\.[6-9]|[45]\.)\d+ s after"
        r".*it was “a reset”"
    ),
    # keepalived logs each gratuitous ARP in a line of its own.
    "addresses-after": {
        "vrrpd": r"NO-CARRIER.*FAULT.*root@web2.*inet 192\.168\.1\.10/32.*MASTER",
        "keepalived": r"NO-CARRIER.*root@web2.*inet 192\.168\.1\.10/32",
    },
    "arp": r"192\.168\.1\.10 .*lladdr",
    "arp-web2": r"eth0.*([0-9a-f]{2}:){5}",
    "crash": r"(two hold|held 192.168.1.10 at once).*it was both",
    "restart": r"192\.168\.1\.10/32.*active \(running\)",
    "thousand-pulls": r"it was (0\.9\d*|1(\.0\d*)?) s",
}
