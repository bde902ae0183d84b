"""What the sections of the RFCs ask for, in a few lines each, to be read beside our source.

    section("RFC 3768 §6.4.2")     Section(title="Backup", points=("the timer fires: ...", ...))

These are summaries in our words, complete as far as a lesson needs them; `link` leads to the text.
RFC 9568 says Active Router where RFC 3768, keepalived and this course say MASTER.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A section of an RFC: `points` is empty where this module has no summary of it."""

    rfc: int
    number: str
    title: str = ""
    points: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """Where the text itself is."""
        return f"https://www.rfc-editor.org/rfc/rfc{self.rfc}#section-{self.number}"

    @property
    def name(self) -> str:
        """``RFC 3768 §6.4.2, Backup``."""
        return f"RFC {self.rfc} §{self.number}" + (f", {self.title}" if self.title else "")


_TIMES = (
    "Advertisement_Interval: seconds between two ADVERTISEMENTs; 1 if nothing else is said",
    "Skew_Time: (256 − Priority) / 256 seconds, so that a higher priority is sooner",
    "Master_Down_Interval: 3 × Advertisement_Interval + Skew_Time",
    "Preempt_Mode: whether a higher priority takes over from a working MASTER; True by default",
)
_SECTIONS = {
    (3768, "5.2.3"): (
        "TTL",
        (
            "an ADVERTISEMENT is sent with a TTL of 255",
            "one that arrives with another TTL is dropped: a router has passed it on",
        ),
    ),
    (3768, "6.1"): ("Parameters per virtual router", _TIMES),
    (3768, "6.2"): (
        "Timers",
        (
            "Master_Down_Timer: fires when no ADVERTISEMENT has come for Master_Down_Interval",
            "Adver_Timer: fires when the next ADVERTISEMENT is to be sent",
        ),
    ),
    (3768, "6.4.1"): (
        "Initialize",
        (
            "waits for a Startup event",
            "priority 255 (IP address owner): send an ADVERTISEMENT and a gratuitous ARP "
            "for each address, start Adver_Timer, become MASTER",
            "otherwise: Master_Down_Timer to Master_Down_Interval, become BACKUP",
        ),
    ),
    (3768, "6.4.2"): (
        "Backup",
        (
            "does not answer ARP for the addresses, and accepts no packet for them",
            "Shutdown: stop the timer, become Initialize",
            "Master_Down_Timer fires: send an ADVERTISEMENT, a gratuitous ARP for each address, "
            "start Adver_Timer, become MASTER",
            "ADVERTISEMENT of priority 0: Master_Down_Timer to Skew_Time",
            "ADVERTISEMENT of a priority not below its own, or any if Preempt_Mode is False: "
            "Master_Down_Timer to Master_Down_Interval",
            "any other ADVERTISEMENT: ignored",
        ),
    ),
    (3768, "6.4.3"): (
        "Master",
        (
            "answers ARP for the addresses",
            "Shutdown: stop Adver_Timer, send an ADVERTISEMENT of priority 0, become Initialize",
            "Adver_Timer fires: send an ADVERTISEMENT, start it again",
            "ADVERTISEMENT of priority 0: send one at once, start Adver_Timer again",
            "ADVERTISEMENT of a higher priority, or the same one from a higher address: stop "
            "Adver_Timer, Master_Down_Timer to Master_Down_Interval, become BACKUP",
            "any other ADVERTISEMENT: ignored",
        ),
    ),
    (3768, "7.1"): (
        "Receiving VRRP packets",
        (
            "the TTL must be 255, the version 2, the packet whole, the checksum right",
            "the virtual router ID must be configured here, and we must not own the addresses",
            "the advertisement interval must be ours; otherwise the packet is dropped",
            "differing addresses may be reported",
        ),
    ),
    (9568, "6.1"): (
        "Parameters per virtual router",
        (
            "Advertisement_Interval: in hundredths of a second; 100 if nothing else is said",
            "Active_Adver_Interval: the interval that the ADVERTISEMENTs of the MASTER carry",
            "Skew_Time: (256 − Priority) × Active_Adver_Interval / 256",
            "Active_Down_Interval: 3 × Active_Adver_Interval + Skew_Time",
            "Preempt_Mode: as in RFC 3768",
        ),
    ),
    (9568, "6.4.2"): (
        "Backup",
        (
            "as RFC 3768 §6.4.2, and: the interval that an ADVERTISEMENT carries is taken over "
            "before a timer is computed",
            "IPv6: unsolicited neighbour advertisements stand in for gratuitous ARP",
        ),
    ),
    (9568, "6.4.3"): (
        "Active (MASTER)",
        (
            "as RFC 3768 §6.4.3, and: to an ADVERTISEMENT that loses it answers with its own at "
            "once, so that the other hears who is MASTER",
        ),
    ),
    (9568, "7.1"): (
        "Receiving VRRP packets",
        (
            "TTL or hop limit 255, version 3, the packet whole, the checksum right",
            "the virtual router ID must be configured here, and we must not own the addresses",
            "a differing interval is no reason to drop it: it is used",
        ),
    ),
    (9568, "8.3.2"): (
        "Recommendations regarding setting priority values",
        ("leave room between priorities: equal or adjoining ones make ties and late surprises",),
    ),
}


def section(words: str) -> Section:
    """The section that `words` name, such as "RFC 3768 §6.4.2".

    Raises ValueError for words that name none.
    """
    found = re.fullmatch(r"RFC\s*(\d+)\s*(?:§|,?\s*[Ss]ection)\s*([\d.]+)", words.strip())
    if found is None:
        raise ValueError(f"{words!r} names no section: write it as 'RFC 3768 §6.4.2'")
    rfc, number = int(found[1]), found[2].rstrip(".")
    title, points = _SECTIONS.get((rfc, number), ("", ()))
    return Section(rfc, number, title, points)
