"""00 Start here: one failover and one failback, as the pictures are explained."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "doctor": "this machine can run the labs",
    "look": r"root@web1.*\nweb1\n.*inet 192\.168\.1\.10/32.*\bactive\b",
    "pull": r"it was web2\..*it was [2-5](\.\d+)? s",
    "after": r"root@web1(?!.*root@web2.*root@web1)(?=.*root@web2.*192\.168\.1\.10/32)",
    "plug": (
        r"web1 took 192\.168\.1\.10 .*the client (noticed nothing|had no answer for 0\.[0-4])"
    ),
}
