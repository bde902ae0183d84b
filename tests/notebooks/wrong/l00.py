"""Typical wrong answers to the challenge of lesson 00."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

WRONG = {
    "home": (
        # To start what already runs brings no cable back.
        Wrong("lab.start('web1')", hint="no cable in web1"),
        # Home it goes, because nobody else is left.
        Wrong("lab.plug('web1'); lab.stop('web2')", hint="no daemon runs on web2"),
    ),
}
