"""13 Split brain: no firewall at all, a stop, a priority, a rule too late, the wrong protocol."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
RELOAD = "systemctl reload keepalived"


def _typed(host: str, *lines: str) -> str:
    return f"lab.run({host!r}, {chr(10).join(lines)!r}, changes=True)"


WRONG = {
    "filtered": (
        Wrong(_typed("web2", "nft flush ruleset"), hint="the rule that drops multicast is gone"),
        Wrong(_typed("web2", "systemctl stop keepalived"), hint="no failover any more"),
        Wrong(
            _typed("web2", f"sed -i 's/priority 100/priority 200/' {FILE}", RELOAD),
            hint="the file of web2 has been changed",
        ),
        # Below the rule that drops.
        Wrong(
            _typed("web2", "nft add rule inet filter input ip protocol vrrp accept"),
            hint="the first rule that matches",
        ),
        Wrong(
            _typed("web2", "nft insert rule inet filter input udp dport 112 accept"),
            hint="web2 still receives no advertisement",
        ),
    )
}
