"""04 More virtual addresses: what a reload costs, and what lists that differ do to each daemon."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "write": r"\n\[\]\n.*\+ 192\.168\.1\.104",
    "judge-gap": r"it was 0(\.0\d*)? s",
    "addresses": r"root@web1.*192\.168\.1\.104/32.*root@web2(?!.*192\.168\.1\.10\d?/)",
    "ask": " 0% packet loss",
    "judge-bytes": "it was 56 bytes",
    "judge-differ": {
        "vrrpd": "it was web1",
        "keepalived": lambda it: "it was web1" if it.accepts_other_lists else "it was both",
    },
    "log-differ": {
        "vrrpd": "Starting vrrpd 0.*also has",
        "keepalived": lambda it: f"Starting Keepalived v2.*{it.complaint_of_other_list}",
    },
    "remove": r"\[\[\], \[\], \[\]\]",
    "ask-again": r"192\.168\.1\.102 .* 0% packet loss.*192\.168\.1\.104 .* 100% packet loss",
    "judge-together": "it was “all at once”",
}
