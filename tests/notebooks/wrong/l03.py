"""Typical wrong answers to the challenge of lesson 03."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

WRONG = {
    "equal": (
        # One slip is found, the other is not.
        Wrong("change(lab, 'backup', virtual_router_id=51); lab.reload('backup')", "password"),
        # The file of master is copied whole: now both have its priority.
        Wrong(
            "lab.conf('backup', lab.conf('master')); lab.reload('backup')",
            hint="as high a priority as master",
        ),
        # Written, and nobody has read it.
        Wrong("change(lab, 'backup', virtual_router_id=51, auth_pass='1111')", "has not read"),
    ),
}
