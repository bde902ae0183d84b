"""05 Failover: the two ways to lose the master that are not polite."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "leave": (
        Wrong("lab.unplug('web1'); lab.settle()", hint="cannot say goodbye"),
        Wrong(
            "lab.crash('web1'); lab.wait_until(lambda: 'web2' in lab.holders())",
            hint="still with the master",
        ),
    )
}
