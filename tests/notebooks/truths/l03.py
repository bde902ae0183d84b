"""03 What the settings mean: what came of each mistake; the daemons differ in one of them."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "unplug-and-count": "it was 0",
    "plug-and-read": "Entering BACKUP state",
    "judge-slow": r"it was 30\.6 s",
    "price-list": r" 1 s +86,400 +5\.\d ",
    "judge-copied": {
        "vrrpd": "it was “only one”",
        "keepalived": lambda it: "it was “only one”" if it.accepts_other_lists else "it was both",
    },
    "version-here": {"vrrpd": "Starting vrrpd 0", "keepalived": "Starting Keepalived v2"},
    "judge-password": "it was both",
    "password-log": "passw",
    "must-be-equal": (
        "auth_pass 1112 +web1 and web2.*advert_int 2 +web1 and web2.*"
        "virtual_router_id 52 +web1 and web2.*priority 120 +web1\n.*"
        "priority 200 +web2\n.*state MASTER +web1$"
    ),
    "exchange": "it was web1",
}
