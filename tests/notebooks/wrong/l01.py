"""Typical wrong answers to the challenge of lesson 01."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

WRONG = {
    "weakest": (
        # The next in line takes over.
        Wrong("lab.unplug('web2')", hint="as long as it hears web3"),
        # A daemon that is killed leaves the address where it is.
        Wrong("lab.crash('web2'); lab.crash('web3')", hint="web2 was killed"),
    ),
}
