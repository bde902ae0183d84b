"""16 Mystery: what people do when they change things before they look."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "mystery-1": (
        # One machine alone is no cluster.
        Wrong("lab.stop('backup')", hint="no daemon runs on backup"),
        # The right line, and nobody has read it.
        Wrong(
            "text = lab.conf('master').replace('virtual_router_id 15', 'virtual_router_id 51')\n"
            "lab.conf('master', text)",
            hint="has not read it",
        ),
    ),
    "mystery-2": (
        Wrong("for host in lab.daemons: lab.stop(host); lab.start(host)", hint="in FAULT: master"),
        # Only the machine that was looked at.
        Wrong(
            "text = lab.conf('master').replace('ping -c 1 -W 1 192.168.1.1', 'true')\n"
            "lab.conf('master', text); lab.reload('master')",
            hint="in FAULT: backup",
        ),
    ),
    "mystery-3": (
        Wrong("lab.stop('backup'); lab.start('backup')", hint="who stands between"),
        # The rule on the wrong machine.
        Wrong("lab.run('master', 'nft flush ruleset')", hint="who stands between"),
        Wrong("lab.unplug('backup')", hint="cable of backup is out"),
    ),
    "mystery-4": (
        Wrong("lab.reload('master'); lab.start('master')", hint="does nothing, whatever you tell"),
        Wrong("lab.stop('backup')", hint="no daemon runs on backup"),
    ),
    "mystery-5": (
        # A permanent entry survives a flush.
        Wrong("lab.run('client', 'ip neighbour flush dev eth0')", hint="never to change its mind"),
        # Now backup has the address, and the client its answers, but who was asked?
        Wrong("lab.stop('master')", hint="no daemon runs on master"),
    ),
    "mystery-6": (
        Wrong(
            "text = lab.conf('backup').replace('priority 100', 'priority 200')\n"
            "lab.conf('backup', text); lab.reload('backup')",
            hint="not by master",
        ),
        Wrong(
            "text = lab.conf('backup').replace('192.168.1.110', '192.168.1.10')\n"
            "lab.conf('backup', text)",
            hint="has its daemon read it",
        ),
    ),
}
