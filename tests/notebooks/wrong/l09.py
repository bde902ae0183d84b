"""09 Swap roles: the holder restarted as it is, or without its cable; a number left as it was."""

from tests.notebooks.wrong import Wrong

RAISE = "sed -i 's/priority 100/priority 200/' /etc/keepalived/keepalived.conf"
AWAY = f"lab.settle(); lab.run('web2', {RAISE!r} + '; systemctl reload keepalived'); lab.settle()"
RESTART = "lab.run('web1', 'systemctl restart keepalived'); lab.settle()"

WRONG = {
    "maintenance": (
        Wrong(f"lab.settle(); {RESTART}", hint="so move the address first"),
        Wrong(
            "lab.settle(); lab.unplug('web1'); lab.stop('web1'); lab.start('web1')\n"
            "lab.wait_until(lambda: lab.holders() == ['web2']); lab.plug('web1')\n"
            "lab.wait_until(lambda: lab.holders() == ['web1'])",
            hint="could not hand over",
        ),
        Wrong(AWAY, hint="still runs the daemon"),
        Wrong(f"{AWAY}; {RESTART}", hint="priority of web2"),
    )
}
