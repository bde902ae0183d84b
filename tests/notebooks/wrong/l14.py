"""14 Trust nobody: locks that look like locks."""

from tests.notebooks.wrong import Wrong

CHANGED = """
for host in ("web1", "web2"):
    text = lab.conf(host).replace("{old}", "{new}")
    lab.conf(host, text.replace("auth_pass 1111", "auth_pass {word}"))
    lab.reload(host)
lab.settle()
"""
FIREWALL = """
for host in ("web1", "web2"):
    lab.run(host, "nft add table inet lock")
    lab.run(host, "nft 'add chain inet lock in {{ type filter hook input priority 0; }}'")
    lab.run(host, "nft 'add rule inet lock in ip protocol vrrp {match} drop'")
"""

WRONG = {
    "locked": (
        # A better password is as readable as a bad one.
        Wrong(
            CHANGED.format(old="auth_type PASS", new="auth_type PASS", word="r7Kx2mQz"),
            hint="reads the password in every advertisement: now it is 'r7Kx2mQz'",
        ),
        # A signature is as good as its key.
        Wrong(
            CHANGED.format(old="auth_type PASS", new="auth_type AH", word="1111"),
            hint="guessed the password behind your signature from one packet: '1111'",
        ),
        # A firewall that keeps everybody out, the other server too.
        Wrong(FIREWALL.format(match="counter"), hint="keeps out too many"),
        # And one that believes what it reads.
        Wrong(
            FIREWALL.format(match="ip saddr != { 192.168.1.11, 192.168.1.12 }"),
            hint="writes that of web2",
        ),
    )
}
