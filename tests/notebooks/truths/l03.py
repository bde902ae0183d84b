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
        "auth_pass 1112 +master and backup.*advert_int 2 +master and backup.*"
        "virtual_router_id 52 +master and backup.*priority 120 +master\n.*"
        "priority 200 +backup\n.*state MASTER +master$"
    ),
    "exchange": "it was master",
}
