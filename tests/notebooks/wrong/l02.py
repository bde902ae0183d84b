"""02 Who is elected: one left running, both killed, all stopped, cables, a priority."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong


def _stop(*hosts: str) -> str:
    return "; ".join(f"lab.run({host!r}, 'systemctl stop keepalived')" for host in hosts)


WRONG = {
    "lowest": (
        # The next in line takes over.
        Wrong(_stop("web2"), hint="receives advertisements of web3"),
        # A daemon that is killed leaves the address where it is.
        Wrong("lab.crash('web2'); lab.crash('web3')", hint="web2 was killed"),
        Wrong(_stop("web1", "web2", "web3"), hint="no daemon is running on web1"),
        Wrong("lab.unplug('web2'); lab.unplug('web3')", hint="cable of web2 and web3 is out"),
        Wrong(
            "lab.run('web1', \"sed -i 's/priority 100/priority 250/' "
            '/etc/keepalived/keepalived.conf; systemctl reload keepalived")',
            hint="the file of web1 has been changed",
        ),
    ),
}
