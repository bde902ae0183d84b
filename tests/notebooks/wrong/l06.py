"""06 More virtual addresses: a server forgotten, not read, restarted, stopped, a bad line."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
EDIT = f"sed -i '/192.168.1.103/d; s/192.168.1.104/192.168.1.105/' {FILE}"
RELOAD, RESTART = "systemctl reload keepalived", "systemctl restart keepalived"


def _typed(host: str, *lines: str) -> str:
    return f"lab.run({host!r}, {chr(10).join(lines)!r})"


def _on_both(*lines: str) -> str:
    return "; ".join(_typed(host, *lines) for host in ("web1", "web2"))


WRONG = {
    "exchange": (
        # One server is forgotten.
        Wrong(_typed("web1", EDIT, RELOAD), hint="the file of web2 lacks"),
        Wrong(_on_both(EDIT), hint="still holds an address"),
        # A daemon that is stopped and started reads its file, too; but the address moves.
        Wrong(_on_both(EDIT, RESTART), hint="it has moved"),
        Wrong(
            f"{_on_both(EDIT, RELOAD)}; {_typed('web2', 'systemctl stop keepalived')}",
            hint="no daemon is running on web2",
        ),
        Wrong(
            _on_both(f"sed -i '/192.168.1.103/d; s/192.168.1.104/192.168.1.1O5/' {FILE}", RELOAD),
            hint="keepalived -t on web1 says",
        ),
    ),
}
