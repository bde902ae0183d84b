"""What the customers see: a client that asks for pages, beside the one that pings.

    web, visits = serve(lab)   a web server on each server; from now on the client asks for
                               http://192.168.1.10/ ten times a second
    visits.timeline()          lab.timeline() as the monitor sees it: in the client's lane,
                               a page that came or did not come stands where a ping stood
    visits.last, .failed       the page of the latest visit; how many in a row brought none

Pings are answered by a machine's kernel, pages by a program on it.
The lanes of the hosts and all else of the timeline are the same; only who is asked differs.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from labs.analysis.timeline import Timeline
from labs.errors import LabError
from labs.model.facts import Fact, Ping

if TYPE_CHECKING:
    from labs.emulation.lab import Lab
    from labs.emulation.website import Website

EVERY = 0.1  # s from visit to visit


def serve(lab: Lab) -> tuple[dict[str, Website], Visits]:
    """Start a web server on each server of `lab` and a client; the web servers by their hosts.

    Waits for the first visit to be over, whatever it brought.
    """
    return {host: lab.web(host) for host in lab.servers}, Visits(lab)


class Visits:
    """Visits of the client of `lab` to its watched address, one each `every` seconds.

    They go on until `close()`, or until the lab is closed, which ends every process of its hosts.
    """

    def __init__(self, lab: Lab, every: float = EVERY) -> None:
        self.lab = lab
        self._told = lab.visitor(every)
        lab.wait_until(lambda: self.facts(), what="the first visit to be over")

    def facts(self) -> list[Ping]:
        """A visit as a fact of the kind that pings are, `answered_by` the server of the page."""
        found = []
        for number, told in enumerate(self._told.pieces()):
            host = _signed(told["page"], list(self.lab.daemons))
            found.append(Ping(told["t"], number, self.lab.watch, host, told["rtt"]))
        return found

    @property
    def last(self) -> str | None:
        """Who answered the latest visit that is over; None if none did."""
        return max(self.facts(), key=lambda visit: visit.t).answered_by

    @property
    def failed(self) -> int:
        """How many of the latest visits, in a row, brought no page."""
        latest = sorted(self.facts(), key=lambda visit: -visit.t)
        return sum(1 for _ in takewhile(lambda visit: visit.answered_by is None, latest))

    def timeline(self) -> Timeline:
        """The lab's timeline with visits in the place of pings."""
        seen = self.lab.timeline()
        kept: list[Fact] = [fact for fact in seen.facts if not isinstance(fact, Ping)]
        return Timeline(
            [*kept, *self.facts()], seen.address, seen.hosts, start=seen.start, end=seen.end
        )

    def failure(self, seconds: float = 7.0) -> Timeline:
        """The timeline from a second before the longest time without a page, `seconds` at most.

        Raises LabError if every visit has brought its page.
        """
        whole = self.timeline()
        begun = [part for part in whole.service if part.host is not None][:1]
        seen = whole.between(begun[0].start, whole.end) if begun else whole
        if not seen.outages:
            raise LabError("every visit brought a page: stop a web server, and wait")
        worst = max(seen.outages, key=lambda part: part.duration)
        return whole.between(worst.start - 1, min(whole.end, worst.start - 1 + seconds))

    def close(self) -> None:
        """Ask no more; what was seen stays."""
        self._told.end()

    def __repr__(self) -> str:
        visits = self.facts()
        answered = sum(visit.rtt is not None for visit in visits)
        return f"<{len(visits)} visits to http://{self.lab.watch}/, {answered} of them answered>"


def _signed(page: str | None, hosts: list[str]) -> str | None:
    """The host that a page names; None for no page, or one that names no host."""
    return next((host for host in hosts if page is not None and host in page), None)
