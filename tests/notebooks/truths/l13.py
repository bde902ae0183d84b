"""13 Split brain: how two masters come about, and what shows them."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "cut": "it was both",
    "look-at-both": r"root@web1.*LOWER_UP.*\.10/32.*root@web2.*LOWER_UP.*\.10/32",
    "deaf": "it was nobody",
    "directions": (
        r"all from web1 +web1 and web2 .*all to web1 +web1 +nobody\n"
        r".*all from web2 +web1 +web1\n.*all to web2 +web1 and web2"
    ),
    "firewall": r"although web1 still had it.*held 192\.168\.1\.10 at once",
    "tcpdump": r"(?=.*192\.168\.1\.12 > 224\.0\.0\.18)(?=.*192\.168\.1\.11 > 224\.0\.0\.18)",
    "logs": "with lower priority 100, ours 150",
    "who-has": r"(?=.*is-at 02:00:00:00:00:0b)(?=.*is-at 02:00:00:00:00:0c)",
    "alarm": "web1: split brain.*web1: split brain",
    "check-after": "The firewall stays: done",
}
