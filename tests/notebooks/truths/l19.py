"""19 The real thing: where the two daemons are the same, and where they part."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "first-bytes": r"it was 1\.",
    "pull": r"it was “(less than 0\.1|0\.1 to 0\.5) s”",
    "table": r"(3\.609 +(3\.[6-9]|[45]\.)\d+.*){4}",
    "ask-both": r"root@web1.*Entering MASTER STATE.*root@web2.*Entering BACKUP STATE",
    "ask-vrrpd": r"BACKUP -> MASTER +.*priority 0",
    "ask-keepalived": "State = MASTER",
    "send-junk": r"it was “web2 takes it again and again”.* [2-9] times from keepalived, and 0 ",
    "run-checklist": (
        r"(?=.*root@web1.*LOOK  firewall.*root@web2)(?=.*root@web2.*LOOK  boot)"
        r"(?=.*LOOK  mail)(?=.*LOOK  password)(?=.*LOOK  state)"
    ),
    "check-end": "Ready for production: done",
}
