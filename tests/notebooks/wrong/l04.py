"""04 What the settings mean: one server, no smtp_alert, the old receiver, not read, a reload."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
INTERVAL = f"sed -i 's/advert_int .*/advert_int 3/' {FILE}"
RECEIVER = f"sed -i 's/hogehoge@feedforce.jp/noc@example.com/' {FILE}"
ALERT = f"sed -i '/virtual_router_id/i smtp_alert' {FILE}"
RELOAD = "systemctl reload keepalived"


def _typed(hosts: str, *lines: str) -> str:
    """Lines typed at a shell on each of the hosts."""
    script = "\n".join(lines)
    return f"for host in {hosts.split()!r}: lab.run(host, {script!r}, changes=True)"


WRONG = {
    "two-sites": (
        Wrong(_typed("web1", INTERVAL, RECEIVER, ALERT, RELOAD), hint="the file of web2 has"),
        # Where mail goes, and nothing that sends one.
        Wrong(
            _typed("web1 web2", INTERVAL, RECEIVER, RELOAD),
            hint="the file of web1 and web2 says where mail goes",
        ),
        Wrong(_typed("web1 web2", INTERVAL, ALERT, RELOAD), hint="hogehoge@feedforce.jp"),
        # Written, and no daemon has read it.
        Wrong(_typed("web1 web2", INTERVAL, RECEIVER, ALERT), hint="still say 1 s"),
        # Read on web1 only: web2 drops what it sends.
        Wrong(
            _typed("web1 web2", INTERVAL, RECEIVER, ALERT) + "\n" + _typed("web1", RELOAD),
            hint="web2 drops web1's advertisements",
        ),
        Wrong(
            _typed("web1 web2", f"sed -i 's/advert_int .*/advert_int/' {FILE}", RELOAD),
            hint="keepalived -t on web1 says",
        ),
    ),
}
