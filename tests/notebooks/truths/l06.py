"""06 More virtual addresses: what a reload costs, and what lists that differ do to each daemon."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "write": (
        r"root@web1.*192\.168\.1\.10\n +192\.168\.1\.101\n +192\.168\.1\.102\n +192\.168\.1\.103\n"
        r" +192\.168\.1\.104\n.*192\.168\.1\.10/32(?!.*192\.168\.1\.104/32)"
    ),
    "reload-both": r"it was 0(\.0\d*)? s",
    "addresses": r"root@web1.*192\.168\.1\.104/32.*root@web2(?!.*192\.168\.1\.10\d?/)",
    "ask": r" 0% packet loss.*192\.168\.1\.104 .*lladdr 02:00:00:00:00:0b",
    "show-after": r"192\.168\.1\.101.*192\.168\.1\.104.*it was 56 bytes",
    "look-label": r"192\.168\.1\.104/24.*eth0:vip",
    "listen": r"it was “it fails and ends”.*Cannot assign requested address",
    "nonlocal-bind": r"root@web2.*net\.ipv4\.ip_nonlocal_bind = 1",
    "listen-again": r"Serving HTTP on 192\.168\.1\.101",
    "version-here": {"vrrpd": "Starting vrrpd 0", "keepalived": "Starting Keepalived v2"},
    "reload-one": {
        "vrrpd": "it was web1",
        "keepalived": lambda it: "it was web1" if it.accepts_other_lists else "it was both",
    },
    "log-differ": {
        "vrrpd": "also has",
        "keepalived": lambda it: it.complaint_of_other_list,
    },
    "ask-again": (
        r"192\.168\.1\.104 .*lladdr 02:00:00:00:00:0[bc].*192\.168\.1\.102 .* 0% packet loss"
        r".*192\.168\.1\.104 .* 100% packet loss"
    ),
    "unplug": "it was “all at once”",
}
