"""When a takeover is due, and no observer saw what the daemon saw: say nothing wrong about it."""

from __future__ import annotations

from labs.analysis.takeover_timing import ExpectedTakeover, predict
from labs.model.facts import Action, Address, Fact
from tests.unit.stories import advert, received

WAIT = 3 + 156 / 256  # of priority 100


def held(t: float, host: str, yes: bool) -> Address:
    """The address comes to `host`, or goes."""
    return Address(t, host, "eth0", "192.168.1.10", 32, yes)


def test_a_firewall_on_the_host_drops_what_the_switch_passed_on() -> None:
    last = 0.0
    facts: list[Fact] = [received(float(t), "web2", "web1") for t in range(5)]
    facts += [advert(last + WAIT, "web2")]
    assert predict(facts, "web2", last + WAIT + 0.001) == ExpectedTakeover(
        "web2", "advert", last, WAIT
    )


def test_an_early_takeover_that_no_advertisement_explains_is_early() -> None:
    facts: list[Fact] = [received(1.0, "web2", "web1"), received(2.0, "web2", "web1")]
    facts += [advert(4.2, "web2")]
    found = predict(facts, "web2", 4.2)
    assert found is not None
    assert found.since == 2.0


def test_a_check_that_succeeds_again_is_not_seen() -> None:
    facts: list[Fact] = [
        Action(0.0, "start", "web2", "daemon of web2 started"),
        advert(3.7, "web2"),
        held(3.7, "web2", True),
        held(9.0, "web2", False),  # its check failed; it comes back at some time
        advert(20.0, "web2"),
    ]
    assert predict(facts, "web2", 20.0) is None


def test_a_master_that_gave_way_counts_from_the_better_advertisement() -> None:
    facts: list[Fact] = [
        advert(3.7, "web2"),
        held(3.7, "web2", True),
        received(8.999, "web2", "web1"),
        held(9.0, "web2", False),
        advert(12.6, "web2"),
    ]
    assert predict(facts, "web2", 12.61) == ExpectedTakeover("web2", "advert", 8.999, WAIT)
