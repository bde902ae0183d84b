"""16 Beyond one pair: one router for all, numbers that differ, equal priorities, one server."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
# Instances for .10, .20 and .30, each with its VRID and its priority on this host.
WRITE = """cd /etc/keepalived; : > keepalived.conf
for n in 1 2 3; do
    set -- {vrids}; eval vrid=\\$$n
    set -- {priorities}; eval priority=\\$$n
    cat >> keepalived.conf <<EOF
vrrp_instance VI_$n {{
    interface eth0
    virtual_router_id $vrid
    priority $priority
    virtual_ipaddress {{
        192.168.1.${{n}}0
    }}
}}
EOF
done
systemctl reload keepalived"""
PRIORITIES = {"web1": "200 150 100", "web2": "100 200 150", "web3": "150 100 200"}


def _written(vrids: dict[str, str], priorities: dict[str, str]) -> str:
    """Such a file on each of the hosts that `priorities` names."""
    scripts = {
        host: WRITE.format(vrids=vrids.get(host, "51 52 53"), priorities=own)
        for host, own in priorities.items()
    }
    return f"for host, script in {scripts!r}.items(): lab.run(host, script, changes=True)"


WRONG = {
    "three-at-work": (
        # All three in one virtual router.
        Wrong(
            "for host in lab.servers: lab.run(host, \"sed -i '/1\\\\.10$/a 192.168.1.20\\\\n"
            f"192.168.1.30' {FILE}; systemctl reload keepalived\", changes=True)",
            hint="have one virtual router",
        ),
        Wrong(_written({}, {"web1": PRIORITIES["web1"]}), hint="in the file of web2"),
        Wrong(_written({"web3": "51 53 52"}, PRIORITIES), hint="different VRIDs on two servers"),
        # The one that is preferred differs, the others are equal.
        Wrong(
            _written({}, {"web1": "200 100 100", "web2": "100 200 100", "web3": "100 100 200"}),
            hint="the same priority for 192.168.1.10",
        ),
        # web1 is preferred for all of them.
        Wrong(
            _written(
                {},
                dict(zip(PRIORITIES, ("200 200 200", "150 150 150", "100 100 100"), strict=True)),
            ),
            hint="held: 192.168.1.10 by web1, 192.168.1.20 by web1",
        ),
    )
}
