"""05 When a setting is wrong: one slip, a copy, not read, the wrong server, a stop, a bad file."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
VRID = f"sed -i 's/virtual_router_id .*/virtual_router_id 51/' {FILE}"
PASSWORD = f"sed -i 's/auth_pass .*/auth_pass 1111/' {FILE}"
RELOAD = "systemctl reload keepalived"


def _typed(host: str, *lines: str) -> str:
    return f"lab.run({host!r}, {chr(10).join(lines)!r})"


WRONG = {
    "equal": (
        # One slip is found, the other is not.
        Wrong(_typed("web2", VRID, RELOAD), hint="finds another password"),
        # The file of web1 is copied whole: now both have its priority.
        Wrong(
            f"lab.conf('web2', lab.conf('web1')); {_typed('web2', RELOAD)}",
            hint="web2's priority is not lower",
        ),
        # Written, and no daemon has read it.
        Wrong(_typed("web2", VRID, PASSWORD), hint="has not read its own"),
        # The file that was right is made like the other one.
        Wrong(
            _typed("web1", f"sed -i 's/virtual_router_id .*/virtual_router_id 15/' {FILE}", RELOAD),
            hint="the file of web1 has been changed",
        ),
        Wrong(
            _typed("web2", VRID, PASSWORD, "systemctl stop keepalived"),
            hint="no daemon is running on web2",
        ),
        Wrong(
            _typed("web2", f"sed -i 's/virtual_router_id .*/virtual_router_id/' {FILE}", RELOAD),
            hint="keepalived -t on web2 says",
        ),
    ),
}
