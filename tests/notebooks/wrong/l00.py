"""Typical wrong answers to the challenge of lesson 00: one fault of two, and web2 stopped."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

PLUG = "lab.plug('web1')"

WRONG = {
    "home": (
        # To start the daemon brings no cable back.
        Wrong("lab.run('web1', 'systemctl start keepalived')", hint="no cable in web1"),
        Wrong(PLUG, hint="no daemon is running on web1"),
        # web1 has it then, because no other daemon is left.
        Wrong(
            f"{PLUG}\nlab.run('web1', 'systemctl start keepalived')\n"
            "lab.run('web2', 'systemctl stop keepalived')",
            hint="no daemon is running on web2",
        ),
    ),
}
