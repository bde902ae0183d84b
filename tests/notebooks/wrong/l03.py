"""03 Basic setup: one file forgotten, both files changed and not read, one read and one not."""

from tests.notebooks.wrong import Wrong

EDIT = "sed -i 's/virtual_router_id 51/virtual_router_id 52/' /etc/keepalived/keepalived.conf"
BOTH = f"lab.run('web1', {EDIT!r}); lab.run('web2', {EDIT!r})"

WRONG = {
    "vrid": (
        Wrong(f"lab.run('web1', {EDIT!r})", hint="web2's config still has another"),
        Wrong(BOTH, hint="reads its file when it starts or reloads"),
        Wrong(
            f"{BOTH}; lab.run('web2', 'systemctl restart keepalived'); "
            "lab.wait_until(lambda: len(lab.holders()) == 2)",
            hint="reads its file when it starts or reloads",
        ),
    )
}
