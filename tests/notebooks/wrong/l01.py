"""Typical wrong answers to the challenge of lesson 01."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

WRONG = {
    "weakest": (
        # The next in line takes over.
        Wrong("lab.unplug('node2')", hint="as long as it hears node3"),
        # A daemon that is killed leaves the address where it is.
        Wrong("lab.crash('node2'); lab.crash('node3')", hint="node2 was killed"),
    ),
}
