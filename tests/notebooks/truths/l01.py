"""01 VRRP and keepalived: the message, the election and the rules, as the lesson has them."""

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
    "priorities": (
        r"root@web1.*priority 100.*root@web2.*priority 200.*192\.168\.1\.10/32"
        r".*root@web3.*priority 150"
    ),
    "pull": r"web3 took 192\.168\.1\.10 from web2.*it was web3.*it was 0",
    "election-log": r"root@web3.*MASTER STATE",
    "plug": r"web2 took 192\.168\.1\.10 from web3.*it was “it becomes BACKUP”",
    "back-log": "BACKUP STATE",
    "show-states": "MASTER.*FAULT|FAULT.*MASTER",
    "ask-backup": (
        r"priority 150 .*stays BACKUP; .*again, 3\.609 s.*priority 50 .*stays BACKUP; "
        r".*runs on.*3\.609 s expires.*becomes MASTER"
    ),
    # Lower, equal with the higher address, resignation: answered, obeyed, the skew alone.
    "ask-master": r"it stays MASTER.*it becomes BACKUP.*it stays BACKUP.* 0\.609 s",
}
