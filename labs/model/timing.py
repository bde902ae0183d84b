"""Time allowances that several modules make for the same thing, in seconds.

A bound that only one module needs is defined there, with the name of what it bounds and the unit.
"""

from __future__ import annotations

# A busy machine delays what is due by this much: a takeover, and the record of an Advertisement.
BUSY_DELAY_S = 2.0
# A MASTER that receives a higher priority gives its addresses up within this time, and its
# Master_Down_Timer runs from then on.
GIVES_UP_WITHIN_S = 1.0
