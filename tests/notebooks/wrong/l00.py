"""Typical wrong answers to the challenge of lesson 00."""

from __future__ import annotations

from tests.notebooks.wrong import Wrong

WRONG = {
    "home": (
        # To start what already runs brings no cable back.
        Wrong("lab.start('master')", hint="no cable in master"),
        # Home it goes, because nobody else is left.
        Wrong("lab.plug('master'); lab.stop('backup')", hint="no daemon runs on backup"),
    ),
}
