"""07 Failover: three ways to take web1 out without a resignation, or not at all."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "leave": (
        Wrong("lab.unplug('web1'); lab.settle()", hint="cannot resign"),
        Wrong(
            "lab.crash('web1'); lab.wait_until(lambda: 'web2' in lab.holders())",
            hint="still holds the address",
        ),
        Wrong("lab.run('web1', 'systemctl restart keepalived')", hint="still holds the address"),
    )
}
