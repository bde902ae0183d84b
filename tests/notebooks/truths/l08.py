"""08 Failback: why the address comes back, when it does not, and when later."""

from tests.notebooks.lessons import own
from tests.notebooks.truths import Truth, between

DELAY = own("08-failback")["delay"]

TRUE: dict[str, Truth] = {
    "plug": (
        r"web1 took 192\.168\.1\.10 from web2 .*predicted 3\.414 s after its link came up"
        r".*it was web1\..*it was 0(\.[0-4]\d?)? s"
    ),
    "addresses": r"root@web1(?!.*root@web2.*192\.168\.1\.10/32).*192\.168\.1\.10/32",
    "nopreempt-alone": r"\(VI_1\).*nopreempt.*MASTER",
    "plug-again": r"\A(?!.*web1 took).*plug web1",
    "stop": (
        r"stopped .*predicted 0\.414 s after the Advertisement of priority 0"
        r".*it was “after its Skew_Time”"
    ),
    # The delay begins with an advertisement, within a second; then 3.414 s from the last one
    # that still counted.
    "plug-delay": (
        r"predicted 3\.414 s after the last Advertisement within preempt_delay"
        rf".*it was {between(DELAY + 2.4, DELAY + 6.5)} s"
        rf".*delay of {DELAY:g} s .*Interval of 3\.414 s"
    ),
    "compare": r"preempt.*nopreempt.*preempt_delay",
}
