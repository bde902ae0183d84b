"""What an experiment of a lesson begins with, brought about where it is not so.

    Experiment(..., start=starts.web1_holds)

Each says what it does before it waits, so that a cell that is run again is not silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs import own_numbers
from labs.conf import setting
from labs.errors import LabError

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

SERVERS = ("web1", "web2")


def web1_holds(lab: Lab) -> None:
    """Let both cables be in, both daemons run and web1 alone hold the address.

    LabError if that does not come about in time.
    """
    connect(lab, *SERVERS)
    wait_for_holder(lab, "web1")


def connect(lab: Lab, *hosts: str) -> None:
    """Put the cables of `hosts` back and start their daemons, where that is not so."""
    for host in hosts:
        if not lab.witness.carrier().get(host):
            print(f"{host}'s cable is out: putting it back")
            lab.plug(host)
        if not lab.running(host):
            print(f"no daemon is running on {host}: starting it")
            lab.start(host)


def wait_for_holder(lab: Lab, host: str) -> None:
    """Wait until `host` alone holds the address; LabError if that takes longer than 15 s."""
    lab.wait_until(lambda: lab.holders() == [host], what=f"{host} to hold the address")


def cable_out(lab: Lab) -> None:
    """Let web1's cable be out and web2 alone hold the address.

    LabError if that does not come about in time.
    """
    if lab.witness.carrier().get("web1"):
        print("web1's cable is in: pulling it, and waiting until web2 holds the address (4 s)")
        lab.unplug("web1")
    lab.wait_until(lambda: lab.holders() == ["web2"], what="web2 to hold the address")


def _number(text: str | None) -> float | None:
    """The number that `text` is, however it is written; None if it is none."""
    try:
        return float(text or "")
    except ValueError:
        return None


def has_value(text: str, keyword: str, value: str) -> bool:
    """Whether a keepalived.conf has `value` for `keyword`; a number may be 0.1 or 0.10."""
    found = setting(text, keyword)
    return found == value or (_number(found) is not None and _number(found) == _number(value))


def has_own(lab: Lab, keyword: str, value: str, *hosts: str) -> None:
    """LabError unless the files of `hosts` have `value`, such as "{delay}", for `keyword`."""
    wanted = own_numbers.fill(value)
    for host in hosts:
        if not has_value(lab.conf(host), keyword, wanted):
            found = setting(lab.conf(host), keyword)
            raise LabError(
                f"your own number for {keyword} is {wanted}, and {host}'s file says "
                f"{found or 'nothing'}: write and reload it as in the cell above, then run this one"
            )
