"""18 Trust nobody: protections that do not protect, and one that keeps too many out."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
RELOAD = "systemctl reload keepalived"
CHAIN = "nft add chain inet lock in '{ type filter hook input priority 0; }'"
UNICAST = (
    r"""[ $HOSTNAME = web1 ] && peer=12 || peer=11
sed -i "/virtual_router_id/a unicast_peer {\n192.168.1.$peer\n}" """
    + FILE
)


def _typed(*lines: str) -> str:
    """Lines typed at a shell on both servers."""
    script = "\n".join(lines)
    return f"for host in ('web1', 'web2'): lab.run(host, {script!r}, changes=True)\nlab.settle()"


def _dropping(match: str) -> str:
    rule = f"nft add rule inet lock in ip protocol vrrp {match} drop"
    script = "\n".join(("nft add table inet lock", CHAIN, rule))
    return f"for host in ('web1', 'web2'): lab.run(host, {script!r}, changes=True)"


WRONG = {
    "locked": (
        # A better password is as readable as a bad one.
        Wrong(
            _typed(f"sed -i 's/auth_pass 1111/auth_pass r7Kx2mQz/' {FILE}", RELOAD),
            hint="reads the password in every advertisement: now it is 'r7Kx2mQz'",
        ),
        # A signature is as good as its key.
        Wrong(
            _typed(f"sed -i 's/auth_type PASS/auth_type AH/' {FILE}", RELOAD),
            hint="guessed the password behind your signature from one packet: '1111'",
        ),
        # A filter that keeps everyone out, the other server too.
        Wrong(_dropping("counter"), hint="keeps out too many"),
        # And one that trusts what it reads.
        Wrong(
            _dropping("ip saddr != '{ 192.168.1.11, 192.168.1.12 }'"), hint="writes that of web2"
        ),
        # Unicast, with the password that was multicast before.
        Wrong(_typed(UNICAST, RELOAD), hint="read the password '1111' before"),
    )
}
