"""11 Split brain: how there come to be two masters, what the client sees, what helps."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "judge-who": "it was both",
    "look-at-both": r"root@master.*LOWER_UP.*\.10/32.*root@backup.*LOWER_UP.*\.10/32",
    "judge-heal": r"it was [1-9]\d*(\.\d+)? s",
    "run-heal-better": (
        r"\A(?!.*No answer from \S+ s to \S+ s \([1-9]).*owned 192\.168\.1\.10 at once"
    ),
    "run-directions": (
        r"all from master +master and backup .*all to master +master +nobody\n"
        r".*all from backup +master +master\n.*all to backup +master and backup"
    ),
    "judge-deaf": "it was nobody",
    "run-firewall": r"although master still had it.*owned 192\.168\.1\.10 at once",
    "tcpdump": r"(?=.*192\.168\.1\.12 > 224\.0\.0\.18)(?=.*192\.168\.1\.11 > 224\.0\.0\.18)",
    "logs": "with lower priority 100, ours 150",
    "unicast": r"\['master', 'backup'\]",
    "run-gateway": "it was backup",
}
