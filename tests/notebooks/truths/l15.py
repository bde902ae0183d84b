"""15 The real thing: where the two daemons are the same, and where they part."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "judge-bytes": "it was 1",
    "judge-spread": r"it was “(less than 0\.1|0\.1 to 0\.5) s”",
    "table": r"(3\.609 +(3\.[6-9]|[45]\.)\d+.*){4}",
    "ask-vrrpd": r"BACKUP -> MASTER +no advertisement for 3\.609 s",
    "ask-keepalived": "State = MASTER.*Receive advertisement timeout",
    "judge-junk": r"it was “it goes back and forth”.*'vrrpd': 0",
}
