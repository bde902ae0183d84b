"""A daemon that is stopped while it is still starting gives back what it has taken."""

from __future__ import annotations

from labs import Lab
from labs.model.facts import Advert
from tests.support import eventually

OWNER = """
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 255
    virtual_ipaddress {
        192.168.1.10
    }
}
"""


def test_a_signal_in_the_first_moments_leaves_no_address() -> None:
    with Lab("empty", daemon="vrrpd", beside=True) as lab:
        lab.conf("web1", OWNER)
        for _ in range(5):
            before = len(lab.witness.of(Advert))
            lab.start("web1")
            lab.wait_until(lambda: lab.holders() == ["web1"])
            lab.stop("web1")
            lab.wait_until(lambda: lab.holders() == [])
            eventually(lambda: 0 in priorities(lab)[before:], what="the resignation")  # noqa: B023


def priorities(lab: Lab) -> list[int]:
    """Of all Advertisements so far."""
    return [advert.priority for advert in lab.witness.of(Advert)]
