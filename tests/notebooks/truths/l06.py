"""06 Failback: why the address comes back, when it does not, and when later."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "plug": r"master took 192\.168\.1\.10 from backup .*predicted 3\.414 s after its link came up",
    "addresses": r"root@master(?!.*root@backup.*192\.168\.1\.10/32).*192\.168\.1\.10/32",
    "judge-who": "it was master",
    "judge-gap": r"it was 0(\.[0-4]\d?)? s",
    "measured": (
        r"(?=.*takeover: +(3\.[4-9]|[45]\.)\d+ s\n.*protocol: 3\.414 s)"
        r"(?=.*echoed by backup; then silence; broken .*reset)"
    ),
    "nopreempt-alone": r"\(VI_1\).*nopreempt.*MASTER",
    "judge-stay": "it was “backup, then master”",
    "figure-nopreempt": r"stopped .*predicted 0\.414 s after the Advertisement of priority 0",
    # Three seconds from an advertisement on, then 3.414 s from the last one that still counted.
    "judge-delay": r"it was [5-9](\.\d+)? s",
    "figure-delay": r"predicted 3\.414 s after its link came up, measured [5-9]\.",
}
