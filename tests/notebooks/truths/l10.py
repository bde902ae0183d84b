"""10 Notify scripts: which are run, with which words, and what becomes of the bad ones."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "restart": "it was “hage.sh, hoge.sh”",
    "do-pull": "it was nothing",
    "flags": r"root@web1[^\n]*\n/run/in-charge\n.*root@web2[^\n]*\n/run/in-charge\n",
    "do-plug": r"(?=.*hage\.sh on web1)(?=.*hage\.sh on web2)(?=.*hoge\.sh on web1)",
    "security": r"SECURITY VIOLATION.*exit status 6",
    "do-stop": r"all\.sh INSTANCE VI_1 STOP 150.*it was STOP",
    "do-hang": "it was “advertising as ever”",
    "hanging": "tail -f /dev/null",
    "fail": "web1",
    "fail-log": {"vrrpd": "exited with status 7", "keepalived": r"No entries"},
    "no-bit-log": "not executable",
}
