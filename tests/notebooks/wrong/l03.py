"""Typical wrong answers to the challenge of lesson 03."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

WRONG = {
    "equal": (
        # One slip is found, the other is not.
        Wrong("change(lab, 'web2', virtual_router_id=51); lab.reload('web2')", "password"),
        # The file of web1 is copied whole: now both have its priority.
        Wrong(
            "lab.conf('web2', lab.conf('web1')); lab.reload('web2')",
            hint="as high a priority as web1",
        ),
        # Written, and no daemon has read it.
        Wrong("change(lab, 'web2', virtual_router_id=51, auth_pass='1111')", "has not read"),
    ),
}
