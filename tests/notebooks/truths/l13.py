"""13 Beyond one pair: who waits for whom, and what holds two sides together."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "judge-three": r"it was (3\.[6-9]|[45])",
    "lab-both-ways": r"\['web1'\] \['web2'\]",
    "judge-other": r"it was 0(\.[0-4]\d*)? s",
    "ping-through": "via 192.168.1.10.* 0% packet loss",
    "run-torn": r"100% packet loss.*inside: \['r1'\] outside: \['r2'\]",
    "judge-torn": "it was no",
    "run-together": r"predicted 0\.609 s after the Advertisement of priority 0, measured [2-5]\.",
    "judge-together": r"it was [2-5](\.\d+)? s",
    "ping-again": " 0% packet loss",
    "lab-six": r"fe80::.*ff02::12.*fe80::10 .*2001:db8:1::10",
    "run-six": r"predicted 3\.609 s after the last Advertisement, measured (3\.[6-9]|[45]\.)",
}
