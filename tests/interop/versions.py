"""What tests expect of keepalived where its versions differ: one table, a column a version.

    expected()              of the keepalived on this machine
    expected("2.2.7")       of that version
    expected("2.4.3")       NoExpectations: no expectations for keepalived 2.4.3: nearest is ...

Each value was measured with that version, as Debian builds it (2.2.7: Debian 12; 2.3.3: Debian 13).
What is not here is the same in all of them.  vrrpd follows the newest, except where
docs/deviations.md says otherwise, so a test compares vrrpd with what `as_...` makes of it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from tests.support import HUNG_S

KEEPALIVED = "/usr/sbin/keepalived"


class NoExpectations(AssertionError):
    """There is no column for this version, or no version to look up."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One version's column."""

    # Whether an advertisement with another list of addresses counts, and what the log says of it.
    accepts_other_lists: bool
    complaint_of_other_list: str
    # Whether an address or a peer that is listed twice is an error, and the second one ignored.
    refuses_twins: bool
    # The outcome of a probe of behaviour.py, by its name, where it is not that of 2.2.7.
    outcomes: Mapping[str, str] = field(default_factory=dict)
    # Frames for three IPv4 and two IPv6 addresses, five rounds each, with a pause between frames:
    # 2.2.7 does not queue an address again that is queued already.
    paced: Mapping[str, int]
    # Whether `ip address` shows `proto keepalived` (rt_addrprotos) for what keepalived has added.
    marks_addresses: bool
    # Whether a virtual interface is kept from announcing its base's link-local address, from
    # answering ARP for other interfaces' addresses, and from sending reports of MLDv1.
    guards_virtual_interfaces: bool
    # Whether the second and later recipients of a mail are on lines of their own.
    folds_recipients: bool
    # Lines of the data dump where it is not vrrpd's: patterns of ours, and what stands there.
    dump: tuple[tuple[str, str], ...] = ()
    # Whether the log says that a track_script keeps its result over a reload that changes its
    # command; either way the router stays what it is until the next result.
    remembers_changed_scripts: bool


TABLE: dict[str, Expected] = {
    "2.2.7": Expected(
        accepts_other_lists=False,
        complaint_of_other_list="ip number",
        refuses_twins=False,
        paced={"ARP": 4, "NA": 3},
        marks_addresses=False,
        guards_virtual_interfaces=False,
        folds_recipients=False,
        remembers_changed_scripts=True,
    ),
    "2.3.3": Expected(
        accepts_other_lists=True,
        refuses_twins=True,
        complaint_of_other_list=r"expected \d+ VIPs but received \d+",
        outcomes={
            "another address in the list": "BACKUP",
            "one address more": "BACKUP",
            "no addresses, count 0": "BACKUP",
        },
        paced={"ARP": 15, "NA": 10},
        marks_addresses=True,
        guards_virtual_interfaces=True,
        folds_recipients=True,
        dump=(
            (
                r"   Number of interface and track script faults = (\d+)\n",
                r"   Number of tracker faults = \1\n   Flags of interface faults - (none)\n",
            ),
            (r"(   Advert interval = .*\n)", r"\1   Last advert sent = \n"),
        ),
        remembers_changed_scripts=False,
    ),
}


@cache
def installed() -> str:
    """The version of keepalived on this machine, "2.2.7".  Raises NoExpectations without one."""
    try:
        done = subprocess.run(
            [KEEPALIVED, "--version"], capture_output=True, text=True, timeout=HUNG_S
        )
    except OSError as error:
        raise NoExpectations(f"cannot ask {KEEPALIVED} for its version: {error}") from None
    text = done.stdout + done.stderr
    found = re.search(r"Keepalived v(\d+(?:\.\d+)+)", text)
    if found is None:
        raise NoExpectations(f"{KEEPALIVED} --version names no version: {text[:200]!r}")
    return found[1]


def expected(version: str | None = None) -> Expected:
    """The column of `version`, or of the keepalived on this machine.  Raises NoExpectations."""
    version = version or installed()
    if version not in TABLE:
        raise NoExpectations(
            f"no expectations for keepalived {version}: nearest is {nearest(version)}; "
            "compare the two and add a column to tests/interop/versions.py"
        )
    return TABLE[version]


def nearest(version: str) -> str:
    """The latest version of the table that is not later than `version`, or the oldest."""
    earlier = [one for one in TABLE if numbers(one) <= numbers(version)]
    return max(earlier, key=numbers) if earlier else min(TABLE, key=numbers)


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, to compare: (2, 2, 7)."""
    return tuple(map(int, version.split(".")))


VERSIONS = sorted(TABLE, key=numbers)
