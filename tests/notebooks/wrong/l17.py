"""17 Two routers, and IPv6: the wrong family, no link-local address, unbound, one file only."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
RELOAD = "systemctl reload keepalived"
INSTANCE = (
    "cat >> {file} <<EOF\n"
    "vrrp_instance VI_6 {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nversion 3\n"
    "virtual_ipaddress {{\n{addresses}\n}}\n}}\n{group}EOF"
)
GROUP = "vrrp_sync_group BOTH {\ngroup {\nVI_1\nVI_6\n}\n}\n"
BOTH = "fe80::10/64\n2001:db8:1::10/64"


def _typed(hosts: str, *lines: str) -> str:
    """Lines typed at a shell on each of the hosts."""
    script = "\n".join(lines)
    return f"for host in {hosts.split()!r}: lab.run(host, {script!r}, changes=True)"


def _instance(addresses: str = BOTH, group: str = GROUP, priority: str = "100") -> str:
    return INSTANCE.format(file=FILE, addresses=addresses, group=group, priority=priority)


WRONG = {
    "families": (
        # In the list of the IPv4 addresses.
        Wrong(
            _typed("web1 web2", f"sed -i '/1\\.10$/a 2001:db8:1::10/64' {FILE}", RELOAD),
            hint="keepalived -t on web1 says",
        ),
        Wrong(
            _typed("web1 web2", _instance("2001:db8:1::10/64"), RELOAD),
            hint="not link-local|keepalived -t on web1 says",
        ),
        Wrong(_typed("web1", _instance(), RELOAD), hint="file of web2"),
        Wrong(_typed("web1 web2", _instance(group=""), RELOAD), hint="belong together"),
        # web2 has the higher priorities.
        Wrong(
            _typed("web1", _instance(), RELOAD)
            + "\n"
            + _typed(
                "web2",
                f"sed -i 's/priority 100/priority 200/' {FILE}",
                _instance(priority="200"),
                RELOAD,
            ),
            hint="compare the priorities",
        ),
    )
}
