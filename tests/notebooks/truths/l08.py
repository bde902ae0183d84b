"""08 Notify scripts: which are called, with which words, and what becomes of the bad ones."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "judge-start": "it was “hage.sh, hoge.sh”",
    "judge-pull": "it was nothing",
    "flags": r"root@web1[^\n]*\n/run/in-charge\n.*root@web2[^\n]*\n/run/in-charge\n",
    "do-plug": r"(?=.*hage\.sh on web1)(?=.*hage\.sh on web2)(?=.*hoge\.sh on web1)",
    # The reload called nothing, the four words are for notify alone.  Of two scripts that are
    # started at once, either may be the first to write.
    "do-stop": (
        r"\A(?!.*INSTANCE VI_1 BACKUP)(?=.*web1  hoge\.sh\n)"
        r".*all\.sh INSTANCE VI_1 MASTER 150\n.*all\.sh INSTANCE VI_1 STOP 150\n"
    ),
    "judge-stop": "it was STOP",
    "judge-hang": "it was “advertising as ever”",
    "hanging": "tail -f /dev/null",
    "fail": {
        "vrrpd": r"the address is with web1\n.*exited with status 7",
        "keepalived": r"the address is with web1\s*\Z",
    },
    "no-bit": "not executable",
}
