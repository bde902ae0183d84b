"""20 Your servers: two faults that nothing shows, an upgrade, and a BACKUP that is lost."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "do-plug": "it was web1",
    "rules": r"policy drop.*output.*vrrp accept",
    "let-in": "ip protocol vrrp accept",
    "do-plug-again": r"\A(?=.*plug web1)(?!.*web1 took)",
    "open-script": r"rwxrwxrwx.*SECURITY VIOLATION",
    "do-secure": "it was nothing",
    "secure-log": "disabling",
    "close-script": r"exit status 0.*exit status 0",
    "do-holder": "it was 1",
    "do-loss": "it was “not at all”",
    "both-alive": r"root@web1.*\nactive.*root@web2.*\ninactive",
    "checklist": r"\A(?!.*LOOK).*ok +firewall.*ok +firewall",
    "check-end": "Take over two servers: done",
}
