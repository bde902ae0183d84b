"""Typical wrong answers to the challenge of lesson 04."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

WRITE = """
wanted = ["192.168.1.10", "192.168.1.101", "192.168.1.102", "192.168.1.105"]
for host in hosts:
    change(lab, host, virtual_ipaddress=wanted)
    lab.reload(host)
"""

WRONG = {
    "exchange": (
        # One machine is forgotten.
        Wrong(f"hosts = ['web1']{WRITE}", hint="the file of web2 lacks"),
        # A daemon that is stopped and started reads its file, too; but the address moves.
        Wrong(
            "hosts = ['web1', 'web2']" + WRITE.replace("reload", "stop") + "    lab.start(host)",
            hint="it has moved",
        ),
    ),
}
