"""20 Your servers: one server only, the wrong chain, an open script, no nopreempt, no reload."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
STATE = f"sed -i 's/state MASTER/state BACKUP/' {FILE}"
SECURE = (
    rf"sed -i '/router_id web/a\    script_user root\n    enable_script_security' {FILE}; "
    "systemctl enable keepalived"
)
MODE = "chmod 0755 /etc/keepalived/notify.sh"
RELOAD = "systemctl reload keepalived"
RULE = "nft list chain inet filter {} && nft insert rule inet filter {} ip protocol vrrp accept"
IN, OUT = RULE.format("input", "input"), RULE.format("output", "output")


def _typed(hosts: str, *lines: str) -> str:
    """Lines typed at a shell on each of the hosts."""
    script = "\n".join(lines)
    return f"for host in {hosts.split()!r}: lab.run(host, {script!r}, changes=True)"


WRONG = {
    "handover": (
        Wrong(_typed("web1", STATE, SECURE, MODE, RELOAD, IN), hint="web2: (file|scripts): "),
        # VRRP goes out already, and that is not what is missing.
        Wrong(_typed("web1 web2", STATE, SECURE, MODE, RELOAD, OUT), hint="web1: firewall"),
        Wrong(
            _typed("web1 web2", STATE, SECURE, RELOAD, IN),
            hint="web2: (file|scripts): .*(permissions|write)",
        ),
        # Without nopreempt the checklist has nothing to say.
        Wrong(
            _typed("web1 web2", STATE, f"sed -i /nopreempt/d {FILE}", SECURE, MODE, RELOAD, IN),
            hint="web1 took the address back",
        ),
        # The files are right, and no daemon has read them.
        Wrong(_typed("web1 web2", STATE, SECURE, MODE, IN), hint="web1 took the address back"),
    )
}
