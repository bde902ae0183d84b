"""09 Swap roles: what each way of moving the master costs."""

from labs.analysis.master_down_timer import master_down, skew
from tests.notebooks.lessons import own
from tests.notebooks.truths import Truth, between

IDLE = skew(int(own("09-swap-roles")["idle"]), 2, 1.0)
HIGH = master_down(int(own("09-swap-roles")["high"]), 2, 1.0)

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
        rf"predicted {IDLE:.3f} s after the Advertisement of priority 0"
        rf".*it was {between(IDLE - 0.02, IDLE + 2)} s"
    ),
    "do-priority": {
        "vrrpd": (
            rf"predicted {HIGH:.3f} s after the last Advertisement"
            rf".*it was {between(HIGH - 1, HIGH + 2)} s"
        ),
        "keepalived": (
            rf"predicted {HIGH:.3f} s after its daemon was reloaded"
            rf".*it was {between(HIGH - 1, HIGH + 2)} s"
        ),
    },
}
