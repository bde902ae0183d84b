"""01 VRRP and keepalived: the message, the election and the rules, as the lesson has them."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    # To the group from web1, and nothing from web2.
    "listen": (
        r"^(?!.*192\.168\.1\.12 > 224).*192\.168\.1\.11 > 224\.0\.0\.18 VRRPv2 router 51, "
        r"priority 150, every 1 s: 192\.168\.1\.10"
    ),
    "judge-how": "it was “web1 says so, unasked”",
    "show-packet": r"32-39 .*readable by everybody on the network: '1111'",
    "judge-election": "it was web3",
    "judge-votes": "it was 0",
    "show-machine": "MASTER.*FAULT|FAULT.*MASTER",
    "ask-backup": (
        r"priority 150 .*stays BACKUP; .*again, 3\.609 s.*priority 50 .*stays BACKUP; "
        r".*runs on.*3\.609 s runs out.*becomes MASTER"
    ),
    "ask-master": "it was BACKUP.*becomes BACKUP",
    # Lower, equal with the higher address, resignation: answered, obeyed, the skew alone.
    "ask-tie": r"it stays MASTER.*it becomes BACKUP.*it stays BACKUP.* 0\.609 s",
}
