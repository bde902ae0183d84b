"""02 Who is elected: the election, the return and the rules, as the lesson has them."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
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
