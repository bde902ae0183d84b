"""01 What a router sends: who sends, and what is in it."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "holder": r"root@web1.*192\.168\.1\.10/32.*\nactive.*root@web2(?!.*192\.168\.1\.10/).*\nactive",
    # To the group from web1, four times, and nothing from web2.
    "listen": (
        r"\A(?!.*192\.168\.1\.12 > 224)(?=.*it was “web1 reports it, unasked”)"
        r"(?:.*192\.168\.1\.11 > 224\.0\.0\.18: VRRPv2, .*prio 150){4}"
    ),
    "nothing-out": "0 packets captured",
    "bytes": (
        r"(?=.*it was “the sender's state”)(?=.*readable by everybody on the network: '1111')"
        r'.*ttl 255.*proto VRRP \(112\).*auth "1111"'
    ),
    "check-after": "One virtual router retires: done",
}
