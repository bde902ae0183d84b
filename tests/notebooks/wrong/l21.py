"""21 Mystery: what people do when they change things before they look."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
RELOAD = "systemctl reload keepalived"


def _typed(hosts: str, *lines: str) -> str:
    """Lines typed at a shell on each of the hosts."""
    script = "\n".join(lines)
    return f"for host in {hosts.split()!r}: lab.run(host, {script!r}, changes=True)"


WRONG = {
    "mystery-1": (
        # One server alone is no cluster.
        Wrong(_typed("web2", "systemctl stop keepalived"), hint="no daemon is running on web2"),
        # The right line, and the daemon has not read it.
        Wrong(
            _typed("web1", f"sed -i 's/router_id 15/router_id 51/' {FILE}"), hint="has not read it"
        ),
    ),
    "mystery-2": (
        Wrong(_typed("web1 web2", "systemctl restart keepalived"), hint="in FAULT: web1"),
        # Only the server that was looked at.
        Wrong(
            _typed("web1", f"sed -i 's/ping -c 1 -W 1 192.168.1.1\"/true\"/' {FILE}", RELOAD),
            hint="in FAULT: web2",
        ),
    ),
    "mystery-3": (
        Wrong(_typed("web2", "systemctl restart keepalived"), hint="what is between"),
        # The rules of the wrong server.
        Wrong(_typed("web1", "nft flush ruleset"), hint="what is between"),
        Wrong("lab.unplug('web2')", hint="cable of web2 is out"),
    ),
    "mystery-4": (
        Wrong(_typed("web1", RELOAD), hint="does nothing, not even a reload"),
        Wrong(_typed("web2", "systemctl stop keepalived"), hint="no daemon is running on web2"),
    ),
    "mystery-5": (
        # A permanent entry survives a flush.
        Wrong(_typed("client", "ip neighbour flush dev eth0"), hint="to which MAC address"),
        # Now web2 has the address, and the client its answers: one server alone.
        Wrong(_typed("web1", "systemctl stop keepalived"), hint="no daemon is running on web1"),
    ),
    "mystery-6": (
        Wrong(
            _typed("web2", f"sed -i 's/priority 100/priority 200/' {FILE}", RELOAD),
            hint="not by web1",
        ),
        Wrong(
            _typed("web2", f"sed -i 's/192.168.1.110/192.168.1.10/' {FILE}"),
            hint="has its daemon read it",
        ),
    ),
}
