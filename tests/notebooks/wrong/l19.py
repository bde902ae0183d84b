"""19 The real thing: half done, two passwords, a restart, and the point that was overlooked."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
FIX = f"sed -i 's/feedforce.jp/example.com/; s/state MASTER/state BACKUP/' {FILE}"
PASSWORD = f"sed -i 's/auth_pass .*/auth_pass r7Kx2mQz/' {FILE}"
OWN = f'sed -i "s/auth_pass .*/auth_pass of-$HOSTNAME/" {FILE}'
REST = (
    "systemctl enable keepalived; nft list chain inet filter input && "
    "nft insert rule inet filter input ip protocol vrrp accept"
)
RELOAD = "systemctl reload keepalived"


def _typed(hosts: str, *lines: str) -> str:
    """Lines typed at a shell on each of the hosts."""
    script = "\n".join(lines)
    return f"for host in {hosts.split()!r}: lab.run(host, {script!r}, changes=True)"


WRONG = {
    "production": (
        Wrong(_typed("web1", FIX, PASSWORD, RELOAD, REST), hint="web2: mail"),
        # The file is right, and the firewall of the master still keeps advertisements out.
        Wrong(
            _typed("web1 web2", FIX, PASSWORD, RELOAD, "systemctl enable keepalived"),
            hint="web1: firewall",
        ),
        # Another password on each.
        Wrong(_typed("web1 web2", FIX, OWN, RELOAD, REST), hint="both hold the address"),
        Wrong(
            _typed("web1 web2", FIX, PASSWORD, REST, "systemctl restart keepalived"),
            hint="the client waited",
        ),
    )
}
