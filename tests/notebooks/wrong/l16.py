"""16 Mystery: what people do when they change things before they look."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "mystery-1": (
        # One machine alone is no cluster.
        Wrong("lab.stop('web2')", hint="no daemon runs on web2"),
        # The right line, and no daemon has read it.
        Wrong(
            "text = lab.conf('web1').replace('virtual_router_id 15', 'virtual_router_id 51')\n"
            "lab.conf('web1', text)",
            hint="has not read it",
        ),
    ),
    "mystery-2": (
        Wrong("for host in lab.daemons: lab.stop(host); lab.start(host)", hint="in FAULT: web1"),
        # Only the machine that was looked at.
        Wrong(
            "text = lab.conf('web1').replace('ping -c 1 -W 1 192.168.1.1', 'true')\n"
            "lab.conf('web1', text); lab.reload('web1')",
            hint="in FAULT: web2",
        ),
    ),
    "mystery-3": (
        Wrong("lab.stop('web2'); lab.start('web2')", hint="who stands between"),
        # The rule on the wrong machine.
        Wrong("lab.run('web1', 'nft flush ruleset')", hint="who stands between"),
        Wrong("lab.unplug('web2')", hint="cable of web2 is out"),
    ),
    "mystery-4": (
        Wrong("lab.reload('web1'); lab.start('web1')", hint="does nothing, whatever you tell"),
        Wrong("lab.stop('web2')", hint="no daemon runs on web2"),
    ),
    "mystery-5": (
        # A permanent entry survives a flush.
        Wrong("lab.run('client', 'ip neighbour flush dev eth0')", hint="never to change its mind"),
        # Now web2 has the address, and the client its answers, but who was asked?
        Wrong("lab.stop('web1')", hint="no daemon runs on web1"),
    ),
    "mystery-6": (
        Wrong(
            "text = lab.conf('web2').replace('priority 100', 'priority 200')\n"
            "lab.conf('web2', text); lab.reload('web2')",
            hint="not by web1",
        ),
        Wrong(
            "text = lab.conf('web2').replace('192.168.1.110', '192.168.1.10')\n"
            "lab.conf('web2', text)",
            hint="has its daemon read it",
        ),
    ),
}
