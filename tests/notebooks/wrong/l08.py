"""08 Failback: no change, nopreempt where it is ignored, one not read, and a forced return."""

from tests.notebooks.wrong import Wrong

NOPREEMPT = r"sed -i '/virtual_router_id/i\        nopreempt' /etc/keepalived/keepalived.conf"
BACKUP = "sed -i 's/state MASTER/state BACKUP/' /etc/keepalived/keepalived.conf"
RELOAD = "systemctl reload keepalived"
PLUG = "lab.plug('web1'); lab.wait_until(lambda: lab.holders() == ['web1'])"


def _typed(*lines: str) -> str:
    return f"lab.run('web1', {chr(10).join(lines)!r})"


WRONG = {
    "stay": (
        Wrong(PLUG, hint="so it preempts"),
        Wrong(
            f"{_typed(NOPREEMPT, RELOAD)}\n{PLUG}", hint="ignores `nopreempt` with `state MASTER`"
        ),
        Wrong(f"{_typed(NOPREEMPT, BACKUP)}\n{PLUG}", hint="had the daemon read it"),
        Wrong(
            f"{_typed(NOPREEMPT, BACKUP, RELOAD)}\nlab.plug('web1'); lab.settle()",
            hint="still respects every advertisement",
        ),
        Wrong(
            f"{_typed(NOPREEMPT, BACKUP, RELOAD)}\nlab.plug('web1'); lab.settle()\n"
            "lab.run('web2', 'systemctl stop keepalived'); lab.settle()",
            hint="a daemon was stopped",
        ),
    )
}
