"""Which keywords vrrpd says that it does: a test of one that is not done yet has nothing to test.

The table of keywords is the source; nothing is listed twice.
"""

from __future__ import annotations

from vrrpd.config import keywords


def done(*names: str) -> bool:
    """Whether every one of these keywords is done, in each block that knows it."""
    rows = [row for row in keywords() if row.name in names]
    assert {row.name for row in rows} == set(names), f"unknown keyword among {names}"
    return all(row.status == "done" for row in rows)
