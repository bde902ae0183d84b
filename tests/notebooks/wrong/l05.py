"""05 Failover: the two ways to lose the master that are not polite."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "leave": (
        Wrong("lab.unplug('master'); lab.settle()", hint="cannot say goodbye"),
        Wrong(
            "lab.crash('master'); lab.wait_until(lambda: 'backup' in lab.owners())",
            hint="still with the master",
        ),
    )
}
