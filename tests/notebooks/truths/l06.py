"""06 Failback: why the address comes back, when it does not, and when later."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "plug": r"web1 took 192\.168\.1\.10 from web2 .*predicted 3\.414 s after its link came up",
    "addresses": r"root@web1(?!.*root@web2.*192\.168\.1\.10/32).*192\.168\.1\.10/32",
    "judge-who": "it was web1",
    "judge-gap": r"it was 0(\.[0-4]\d?)? s",
    "measured": (
        r"(?=.*takeover: +(3\.[4-9]|[45]\.)\d+ s\n.*protocol: 3\.414 s)"
        r"(?=.*echoed by web2; then silence; broken .*reset)"
    ),
    "nopreempt-alone": r"\(VI_1\).*nopreempt.*MASTER",
    "judge-stay": "it was “web2, then web1”",
    "figure-nopreempt": r"stopped .*predicted 0\.414 s after the Advertisement of priority 0",
    # Three seconds from an advertisement on, then 3.414 s from the last one that still counted.
    "judge-delay": r"it was [5-9](\.\d+)? s",
    "figure-delay": r"predicted 3\.414 s after its link came up, measured [5-9]\.",
}
