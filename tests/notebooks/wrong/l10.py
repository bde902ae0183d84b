"""10 Notify scripts: nothing changed, a file not read, the wrong script, a flag removed by hand."""

from tests.notebooks.wrong import Wrong

CONF = "/etc/keepalived/keepalived.conf"
PULL = "lab.unplug('web1'); lab.settle()"


def _typed(*lines: str) -> str:
    return f"lab.settle()\nlab.run('web1', {chr(10).join(lines)!r})"


def _fault(script: str) -> str:
    return rf"sed -i '/notify_backup/a\        notify_fault /etc/keepalived/{script}' {CONF}"


WRONG = {
    "flag": (
        Wrong(f"lab.settle()\n{PULL}", hint="no carrier is FAULT, not BACKUP"),
        Wrong(f"{_typed(_fault('hage.sh'))}\n{PULL}", hint="had the daemon read it"),
        Wrong(
            f"{_typed(_fault('hoge.sh'), 'systemctl reload keepalived')}\n{PULL}",
            hint="had the daemon read it|what does that script do",
        ),
        Wrong(
            f"lab.settle()\n{PULL}\nlab.run('web1', 'rm /run/in-charge')",
            hint="what removes it next time",
        ),
    )
}
