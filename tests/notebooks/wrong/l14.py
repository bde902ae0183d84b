"""14 Split brain: too early, untouched, a larger weight, a repair, a stop, a priority, no check."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
RELOAD = "systemctl reload keepalived"
STAYS = "stays MASTER, even with priority 1"


def _typed(host: str, *lines: str) -> str:
    return f"lab.run({host!r}, {chr(10).join(lines)!r}, changes=True)"


WRONG = {
    "lonely": (
        # Checked at once, when web2 already holds the address and web1 will take it again.
        Wrong('lab = Lab("lonely")', hint=STAYS),
        Wrong(_typed("web1", f"sed -i 's/weight -60/weight -149/' {FILE}", RELOAD), hint=STAYS),
        Wrong("lab.mend('web1')", hint="not the next one"),
        Wrong(_typed("web1", "systemctl stop keepalived"), hint="must give way by itself"),
        Wrong(_typed("web2", f"sed -i 's/priority 100/priority 200/' {FILE}", RELOAD), hint=STAYS),
        Wrong(
            _typed("web1", f"sed -i '/track_script {{/,/}}/d' {FILE}", RELOAD),
            hint="does not use chk_gateway",
        ),
    )
}
