"""Scenarios: what a learner does in a lesson, done by the kit itself. `labs run failover` runs one.

failover    wait for the master, pull its cable, wait for the backup, plug it in, wait again
"""

from __future__ import annotations

from collections.abc import Callable

from labs.analysis.timeline import Timeline
from labs.emulation.lab import Lab
from labs.model.facts import Advert


def failover(lab: Lab) -> Timeline:
    """The article's failover and failback: about 11 s, nearly all of it the protocol's timers."""
    _owned_by(lab, "master")
    lab.unplug("master")
    _owned_by(lab, "backup")
    lab.plug("master")
    _owned_by(lab, "master")
    return lab.timeline()


SCENARIOS: dict[str, Callable[[Lab], Timeline]] = {"failover": failover}


def table(timeline: Timeline) -> str:
    """Each takeover, predicted and measured, as lines of text; times count from the start."""
    lines = ["  takeover             predicted   measured   difference"]
    for takeover in timeline.takeovers:
        who = f"{takeover.frm or 'nobody'} -> {takeover.to}"
        at = takeover.at - timeline.start
        if takeover.predicted is None or takeover.late is None:
            lines.append(f"  {who:<20}         -   {at:7.3f} s")
        else:
            due = takeover.predicted - timeline.start
            lines.append(f"  {who:<20} {due:7.3f} s  {at:7.3f} s  {takeover.late * 1000:+8.1f} ms")
    return "\n".join(lines)


def _owned_by(lab: Lab, host: str) -> None:
    """Wait until only `host` holds the address and has said so once more since."""
    lab.wait_until(lambda: lab.owners() == [host], what=f"{host} to hold {lab.watch}")
    before = _adverts(lab, host)
    lab.wait_until(lambda: _adverts(lab, host) > before, what=f"an Advertisement of {host}")


def _adverts(lab: Lab, host: str) -> int:
    return sum(1 for advert in lab.witness.of(Advert) if advert.host == host)
