"""07 Swap roles: the master restarted while it holds the address, or without its cable."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "maintenance": (
        Wrong(
            "lab.settle(); lab.stop('master'); lab.start('master')\n"
            "lab.wait_until(lambda: lab.owners() == ['master'])",
            hint="so move the address first",
        ),
        Wrong(
            "lab.settle(); lab.unplug('master'); lab.stop('master'); lab.start('master')\n"
            "lab.wait_until(lambda: lab.owners() == ['backup']); lab.plug('master')\n"
            "lab.wait_until(lambda: lab.owners() == ['master'])",
            hint="could not hand over",
        ),
    )
}
