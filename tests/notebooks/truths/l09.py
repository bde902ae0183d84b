"""09 Twenty VIPs: what became of the 21st address, then and now."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "settle": "it was “nobody holds it”",
    "log-then": r"trunc to the first 20 VIPs.*=> Declare others VIPs into the excluded vip block",
    "client-then": r"bytes from 192\.168\.1\.119.*192\.168\.1\.120 .* 0 received",
    "judge-count": "it was 20",
    "excluded-move": "web2 holds 23 addresses",
    "today-start": r"\.119': \['web1'\].*\.122': \['web1'\]",
    "judge-bytes": "it was 1056 bytes",
    "growth": r"\b1 +40 = .*\b255 +1056 = ",
    "judge-more": "it was “held, not advertised”",
    "log-now": r"\(256\) exceeds .*max 255.*moved to eVIPs",
}
