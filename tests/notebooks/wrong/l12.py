"""12 Faster: a fraction of a second in version 2, and an interval that is too nervous."""

from tests.notebooks.wrong import Wrong

FILES = """
for host in lab.servers:
    lab.conf(host, lab.conf(host).replace("advert_int 1", "{lines}"))
    lab.stop(host)
    lab.start(host)
lab.settle()
"""

WRONG = {
    "half-a-second": (
        Wrong(
            'lab.conf("web1", lab.conf("web1").replace("advert_int 1", "version 3"))\n'
            'lab.reload("web1")',
            hint="do not understand each other",
        ),
        Wrong(FILES.format(lines="version 3\\n        advert_int 0.05"), hint="too long"),
    )
}
