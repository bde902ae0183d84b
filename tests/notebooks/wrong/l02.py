"""02 Basic set-up: one file forgotten, and both files changed but not reloaded."""

from tests.notebooks.wrong import Wrong

BOTH = """
for host in ("web1", "web2"):
    lab.conf(host, lab.conf(host).replace("virtual_router_id 51", "virtual_router_id 52"))
"""

WRONG = {
    "vrid": (
        Wrong(BOTH.replace('("web1", "web2")', '("web1",)'), hint="the file of web2"),
        Wrong(BOTH, hint="reads its file when it starts"),
    )
}
