"""09 Swap roles: what each way of moving the master costs."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "do-reload": (
        r"web2 took 192\.168\.1\.10 from web1 .*predicted 3\.414 s.*it was 0(\.[0-4]\d?)? s"
    ),
    "addresses": r"root@web2.*state BACKUP.*priority 150.*192\.168\.1\.10/32",
    "failover": (
        r"web1 took 192\.168\.1\.10 from web2 .*pulled.*"
        r"web2 took 192\.168\.1\.10 from web1 .*plugged in"
    ),
    "do-busy": r"web1 took 192\.168\.1\.10 from web2.*after the Advertisement of priority 0",
    "do-busy-then": "it was 3",
    "do-idle": r"\A(?!.*web2 took).+",
    "do-idle-then": (
        r"predicted 0\.414 s after the Advertisement of priority 0"
        r".*it was (0\.[4-9]\d?|[12](\.\d+)?) s"
    ),
    "do-priority": {
        "vrrpd": (
            r"predicted 3\.219 s after the last Advertisement, measured (3\.[2-9]|[45]\.)"
            r".*it was [2-5](\.\d+)? s"
        ),
        "keepalived": (
            r"predicted 3\.219 s after its daemon was reloaded, measured (3\.[2-9]|[45]\.)"
            r".*it was [2-5](\.\d+)? s"
        ),
    },
}
