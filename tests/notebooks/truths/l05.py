"""05 When a setting is wrong: what came of each line; the daemons differ in one of them."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "wrong-password": r"although web1 still had it.*it was both",
    "password-log": r"192\.168\.1\.10/32.*\n.*passw",
    "must-be-equal": (
        "auth_pass 1112 +web1 and web2.*advert_int 2 +web1 and web2.*"
        "virtual_router_id 52 +web1 and web2.*priority 120 +web1\n.*"
        "priority 200 +web2$"
    ),
    "exchange": "it was web1",
    "numbers": r"(?=.*192\.168\.1\.11 > 224.* vrid 51)(?=.*192\.168\.1\.21 > 224.* vrid 52)",
    "version-here": {"vrrpd": "Starting vrrpd 0", "keepalived": "Starting Keepalived v2"},
    "copy": {
        "vrrpd": "it was “one of them”",
        "keepalived": lambda it: (
            "it was “one of them”" if it.accepts_other_lists else "it was both"
        ),
    },
    "copied-look": {
        "vrrpd": r"root@web1.*192\.168\.1\.10/32.*root@db1(?!.*192\.168\.1\.20/32)",
        "keepalived": lambda it: (
            r"root@db1(?!.*192\.168\.1\.20/32)" if it.accepts_other_lists else r"192\.168\.1\.20/32"
        ),
    },
}
