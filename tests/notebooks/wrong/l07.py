"""07 Swap roles: the master restarted while it holds the address, or without its cable."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "maintenance": (
        Wrong(
            "lab.settle(); lab.stop('web1'); lab.start('web1')\n"
            "lab.wait_until(lambda: lab.holders() == ['web1'])",
            hint="so move the address first",
        ),
        Wrong(
            "lab.settle(); lab.unplug('web1'); lab.stop('web1'); lab.start('web1')\n"
            "lab.wait_until(lambda: lab.holders() == ['web2']); lab.plug('web1')\n"
            "lab.wait_until(lambda: lab.holders() == ['web1'])",
            hint="could not hand over",
        ),
    )
}
