"""02 Basic set-up: one file forgotten, and both files changed with nobody reading them."""

from tests.notebooks.wrong import Wrong

BOTH = """
for host in ("master", "backup"):
    lab.conf(host, lab.conf(host).replace("virtual_router_id 51", "virtual_router_id 52"))
"""

WRONG = {
    "vrid": (
        Wrong(BOTH.replace('("master", "backup")', '("master",)'), hint="the file of backup"),
        Wrong(BOTH, hint="reads its file when it starts"),
    )
}
