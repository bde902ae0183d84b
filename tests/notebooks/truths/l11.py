"""11 Twenty VIPs: what became of the 21st address, then and now."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "old-limit": (
        r"(?=.*192\.168\.1\.119/32 *\n)(?=.*it was “nobody holds it”)"
        r".*trunc to the first 20 VIPs.*=> Declare others VIPs into the excluded vip block"
    ),
    "exclude": r"(?=.*it was 20\.).*virtual_ipaddress_excluded \{\n +192\.168\.1\.120\n",
    "count-moved": r"\n23\b",
    "today-count": r"root@web1.*\n23\n.*root@web2.*\n0\b",
    "grow-to": r"\b23 +128 = .*\b255 +1056 = .*it was 1056 bytes",
    "tcpdump": "length 1056",
    "one-more": "it was “held, not advertised”",
    "log-now": r"\(256\) exceeds .*max 255.*moved to eVIPs",
    "check-after": "An old neighbor: done",
}
