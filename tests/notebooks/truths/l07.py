"""07 Swap roles: what each way of moving the master costs."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "judge-gap": r"it was 0(\.[0-4]\d?)? s",
    "do-reload": r"web2 took 192\.168\.1\.10 from web1 .*predicted 3\.414 s",
    "addresses": r"root@web2.*state MASTER.*priority 150.*192\.168\.1\.10/32",
    "failover": (
        r"web1 took 192\.168\.1\.10 from web2 .*pulled.*"
        r"web2 took 192\.168\.1\.10 from web1 .*plugged in"
    ),
    "judge-moves": "it was 3",
    "figure-restart": r"predicted 0\.609 s.*predicted 0\.609 s.*predicted 3\.414 s",
    "judge-idle": r"it was (0\.[4-9]\d?|[12](\.\d+)?) s",
    "figure-idle": r"predicted 0\.414 s after the Advertisement of priority 0",
    "judge-priority": r"it was [2-5](\.\d+)? s",
    "figure-priority": {
        "vrrpd": r"predicted 3\.219 s after the last Advertisement, measured (3\.[2-9]|[45]\.)",
        "keepalived": (
            r"predicted 3\.219 s after its daemon was reloaded, measured (3\.[2-9]|[45]\.)"
        ),
    },
}
