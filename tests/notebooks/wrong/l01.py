"""01 What a router sends: the sender alone, both killed, cables, a file, and all four stopped."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong


def _stop(*hosts: str) -> str:
    return "; ".join(f"lab.run({host!r}, 'systemctl stop keepalived')" for host in hosts)


WRONG = {
    "retire": (
        # The one that sent nothing takes over.
        Wrong(_stop("db1"), hint="db2 takes part in virtual router 52, too"),
        # A daemon that is killed leaves the address where it is.
        Wrong("lab.crash('db1'); lab.crash('db2')", hint="was killed"),
        Wrong(_stop("web1", "web2", "db1", "db2"), hint="no daemon is running on web1 and web2"),
        Wrong("lab.unplug('db1'); lab.unplug('db2')", hint="cable of db1 and db2 is out"),
        Wrong(
            "lab.run('db1', \"sed -i 's/router_id 52/router_id 51/' "
            '/etc/keepalived/keepalived.conf; systemctl reload keepalived")',
            hint="the file of db1 has been changed",
        ),
    ),
}
