"""The numbers of the explorable figures, compared with `vrrpd.fsm` and the simulated LAN."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import pairwise
from typing import Any

import pytest

from labs.browser import advertisement, election, interval_risk, lost_cable, takeover_moment
from labs.browser.wire import Wire
from labs.model.facts import Address, Advert, State
from labs.simulation.lan import Lan
from vrrpd import fsm, packet, validation
from vrrpd.fsm import SECOND, Params

CONF = """vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int {interval}
    version {version}
    virtual_ipaddress {{
        192.168.1.10
    }}
}}
"""
DOWN = Params(51, 100, IPv4Address("192.168.1.12")).master_down(SECOND) / SECOND


def lan(*priorities: int, interval: float = 1, version: int = 2, seed: int = 0) -> Lan:
    """Simulated hosts web1, web2, ... with these priorities, started at once."""
    hosts = {f"web{n}": f"192.168.1.{10 + n}" for n in range(1, len(priorities) + 1)}
    made = Lan("empty", hosts, ping=None, seed=seed)
    for name, priority in zip(hosts, priorities, strict=True):
        made.conf(name, CONF.format(priority=priority, interval=f"{interval:g}", version=version))
        made.start(name)
    return made


def changes(made: Lan) -> list[tuple[float, str, str]]:
    """(time, host, new state) after the start, in order."""
    facts = (fact for fact in made.facts if isinstance(fact, State) and fact.frm != "INIT")
    return [(round(fact.t, 6), fact.host, fact.to) for fact in facts]


def wire_changes(wire: Wire) -> list[tuple[float, str, str]]:
    own = (change for change in wire.changes if change.frm is not fsm.State.INIT)
    return [(round(c.t / SECOND, 6), f"web{c.router + 1}", c.to.value) for c in own]


def wire(*priorities: int, tick: int = SECOND, version: int = 2) -> Wire:
    first = IPv4Address("192.168.1.11")
    made = Wire(
        [
            Params(51, priority, first + n, advert_interval=tick, version=version)
            for n, priority in enumerate(priorities)
        ]
    )
    made.start()
    return made


# The wire against the simulated LAN, which runs whole daemons.


@pytest.mark.parametrize(
    "priorities", [(150, 100), (100, 100), (90, 200, 90, 200, 1), (7, 7, 7, 7, 7)]
)
def test_routers_on_a_wire_change_state_when_daemons_do(priorities: tuple[int, ...]) -> None:
    real, mine = lan(*priorities), wire(*priorities)
    real.run(12)
    mine.run(12 * SECOND)
    assert changes(real)
    assert wire_changes(mine) == changes(real)


@pytest.mark.parametrize("stall", [1.3, 4.0, 9.7])
def test_a_stalled_router_does_what_a_frozen_daemon_does(stall: float) -> None:
    real, mine = lan(150, 100), wire(150, 100)
    real.run(6.2)
    real.freeze("web1")
    real.run(stall)
    real.thaw("web1")
    real.run(20 - 6.2 - stall)
    mine.run(6_200_000_000)
    mine.stall(0, round(stall * SECOND))
    mine.run(20 * SECOND)
    assert wire_changes(mine) == changes(real)


# (a) the moment of the pull


@pytest.mark.parametrize("moment", [0.05, 0.4, 1.0, 1.999, 2.7])
def test_the_outage_is_the_simulated_one(moment: float) -> None:
    real = lan(150, 100)
    real.run(8)
    zero = next(fact.t for fact in reversed(real.facts) if isinstance(fact, Advert))
    real.run(zero + 3 + moment - real.now)
    real.unplug("web1")
    real.run(5)
    taken = max(fact.t for fact in real.facts if isinstance(fact, Address) and fact.host == "web2")
    found = takeover_moment.takeover(moment)
    assert found["taken"] == pytest.approx(taken - zero - 3, abs=0.0002)
    assert found["outage"] == pytest.approx(found["taken"] - moment)


@pytest.mark.parametrize(("priority", "interval"), [(100, 1), (1, 1), (149, 2), (100, 3)])
def test_the_outage_stays_within_its_range_and_follows_the_moment(
    priority: int, interval: float
) -> None:
    down = Params(51, priority, IPv4Address(1)).master_down(round(interval * SECOND)) / SECOND
    steps = [n * interval / 20 for n in range(60)]
    found = [takeover_moment.takeover(moment, priority, interval) for moment in steps]
    assert {one["master_down"] for one in found} == {down}
    assert {one["most"] for one in found} == {down}
    assert [one["least"] for one in found] == pytest.approx([down - interval] * 60, abs=1e-6)
    for before, after in pairwise(found):
        jump = len(after["adverts"]) - len(before["adverts"])
        assert after["outage"] == pytest.approx(before["outage"] - interval / 20 + jump * interval)


def test_a_stopped_master_costs_one_skew_whenever_it_is_stopped() -> None:
    found = [takeover_moment.takeover(at, ending="stopped")["outage"] for at in (0.1, 0.5, 1, 2.9)]
    assert found == pytest.approx([0.609375] * 4)


def test_the_moment_must_be_one_that_is_shown() -> None:
    with pytest.raises(ValueError, match=r"the moment is 3\.5 s, and can be 0 to 3 s"):
        takeover_moment.takeover(3.5)
    with pytest.raises(ValueError, match="priority is 150"):
        takeover_moment.takeover(1, priority=150)


# (b) the election


def test_the_highest_priority_wins_after_its_own_master_down_interval() -> None:
    found = election.result([150, 100, 200, 50])
    assert found["winner"] == 2
    params = Params(51, 200, IPv4Address(1))
    (held,) = found["routers"][2]["held"]
    assert held[0] == params.master_down(SECOND) / SECOND
    assert [one["skew"] for one in found["routers"]] == [
        Params(51, priority, IPv4Address(1)).skew(SECOND) / SECOND
        for priority in (150, 100, 200, 50)
    ]


def test_of_equal_priorities_the_highest_address_wins_and_both_were_master() -> None:
    found = election.result([100, 100, 90])
    assert (found["winner"], found["tie"]) == (1, [0, 1])
    assert 0 < found["together"] < 0.001
    assert "which has the higher address" in found["routers"][0]["why"]


def test_a_router_that_takes_no_part_does_not_count() -> None:
    found = election.result([150, 100, 200], [True, True, False])
    assert found["winner"] == 0
    assert not found["routers"][2]["held"]
    assert election.result([100], [False])["winner"] is None


def test_an_owner_is_master_at_once() -> None:
    assert election.result([254, 255])["routers"][1]["held"] == [[0.0, None]]


def test_a_priority_that_no_router_has_is_refused() -> None:
    with pytest.raises(ValueError, match="the priority of web2 is 0, and can be 1 to 255"):
        election.result([100, 0])


# (c) outage against false takeovers


def test_without_disturbances_every_outage_is_within_one_interval() -> None:
    found = interval_risk.runs(0.1, loss=0, stall=0, runs=300)
    down = Params(51, 100, IPv4Address(1), version=3).master_down(SECOND // 10) / SECOND
    assert found["master_down"] == down
    assert all(down - 0.1001 <= outage <= down for outage in found["outages"])
    assert (found["false"], found["per_day"]) == (0, None)


def test_the_same_seed_gives_the_same_thousand_runs() -> None:
    one = interval_risk.runs(0.1, 0.2, 0.5, runs=50, seed=3)
    assert one == interval_risk.runs(0.1, 0.2, 0.5, runs=50, seed=3)
    assert one != interval_risk.runs(0.1, 0.2, 0.5, runs=50, seed=4)


@pytest.mark.parametrize(("stall", "each"), [(0.2, 0), (0.24, None), (0.4, 1)])
def test_a_stall_is_a_false_takeover_if_it_outlasts_the_timer(stall: float, each: Any) -> None:
    """Master_Down_Interval is 0.361 s, and up to 0.1 s of it has passed when the stall begins."""
    found = interval_risk.runs(0.1, 0, stall, runs=100)
    stalls = 100 * interval_risk.DISTURBANCES
    if each is None:
        assert 0 <= found["false"] < stalls
    else:
        assert found["false"] == each * stalls


def test_false_takeovers_come_as_often_as_on_the_simulated_lan() -> None:
    """A loss of 30 % makes many; the simulated LAN plays the quiet time, too."""
    real = lan(150, 100, interval=0.1, version=3, seed=5)
    real.run(2)
    real.lose("web2", 0.3)
    before, seconds = len(changes(real)), 400
    real.run(seconds)
    false = [c for c in changes(real)[before:] if c[1:] == ("web2", "MASTER")]
    found = interval_risk.runs(0.1, 0.3, 0, runs=700)
    expected = found["per_day"] * seconds / 86_400
    assert len(false) > 50
    assert len(false) == pytest.approx(expected, rel=0.3)


# (d) three ways to lose a cable


def test_a_pulled_cable_leaves_no_holder_and_a_cut_path_two() -> None:
    pulled, cut = lost_cable.story("pulled"), lost_cable.story("cut")
    assert pulled["nobody"] == pytest.approx(DOWN - 0.4, abs=0.001)
    assert (pulled["both"], cut["nobody"]) == (0, 0)
    assert cut["both"] == pytest.approx(12 - (2 + DOWN), abs=1.01)
    assert [state for _, state, _ in pulled["hosts"]["web1"]["states"]] == [
        "MASTER", "FAULT", "BACKUP", "MASTER",
    ]  # fmt: skip
    assert [state for _, state, _ in cut["hosts"]["web1"]["states"]] == ["MASTER"]


def test_where_nothing_arrives_no_router_notices_and_no_client_is_answered() -> None:
    found = lost_cable.story("nothing-arrives")
    assert found["unanswered"] == pytest.approx(11 - 2.4, abs=0.05)
    assert [len(host["states"]) for host in found["hosts"].values()] == [1, 1]


def test_where_nothing_leaves_both_hold_the_address() -> None:
    assert lost_cable.story("nothing-leaves")["both"] > 5


def test_the_repair_comes_after_the_break() -> None:
    with pytest.raises(ValueError, match="not in order"):
        lost_cable.story("cut", 5, 4)


# (e) an Advertisement, byte by byte


def failed(**fields: Any) -> str:
    """The name of the check that fails, "" if none does."""
    found = advertisement.inspect(**fields)
    checks = [one for one in found["checks"] if one["outcome"] == "failed"]
    assert found["accepted"] == (not checks)
    assert len(checks) < 2
    return checks[0]["name"] if checks else ""


@pytest.mark.parametrize("form", advertisement.FORMS)
def test_what_web1_sends_is_accepted_in_every_form(form: str) -> None:
    assert failed(form=form) == ""
    data = bytes(advertisement.inspect(form)["bytes"])
    assert packet.parse_ip(data).ttl == 255


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"vrid": 52}, "VRID is one of ours"),
        ({"ttl": 254}, "TTL is 255"),
        ({"changed": [[20, 0x31]], "fix_checksum": True}, "version is ours"),
        ({"changed": [[20, 0x22]], "fix_checksum": True}, "type is 1, ADVERTISEMENT"),
        ({"changed": [[23, 2]]}, "length fits the count of addresses"),
        ({"changed": [[22, 200]]}, "checksum is right"),
        ({"changed": [[24, 9]], "fix_checksum": True}, "authentication type exists"),
        ({"changed": [[24, 1]], "fix_checksum": True}, "authentication type is ours"),
        ({"form": "v2-pass", "right_key": False}, "password is ours"),
        ({"form": "v3-hmac", "right_key": False}, "HMAC is right and new"),
        ({"form": "v3-hmac", "replayed": True}, "HMAC is right and new"),
        ({"form": "v3", "addresses": 0}, "there is an address"),
        ({"interval": 2}, "interval is ours"),
        ({"changed": [[19, 12], [16, 192]]}, "sent to the group"),
        ({"changed": [[15, 12]]}, "sender is not this router"),
        ({"changed": [[22, 200]], "fix_checksum": True}, ""),
        ({"form": "v3-ipv6", "changed": [[42, 9]], "fix_checksum": True}, ""),
    ],
)
def test_every_check_can_fail(fields: dict[str, Any], name: str) -> None:
    assert failed(**fields) == name


def test_every_check_of_the_daemon_has_a_name_here() -> None:
    assert {check.__name__ for check in validation.CHECKS} == set(advertisement.NAMES)


def test_the_effect_is_that_of_the_state_machine() -> None:
    params = Params(51, 100, IPv4Address("192.168.1.12"))
    left = {priority: advertisement.inspect(priority=priority)["left"] for priority in (0, 50, 150)}
    assert left[0] == params.skew(SECOND) / SECOND
    assert left[50] == pytest.approx(DOWN - 0.4)
    assert left[150] == DOWN


def test_every_byte_belongs_to_a_field_and_changes_are_marked() -> None:
    found = advertisement.inspect("v3-hmac", changed=[[30, 7]])
    covered = {at for row in found["rows"] for at in range(row["start"], row["end"])}
    assert covered == set(range(len(found["bytes"])))
    assert packet.checksum(bytes(found["bytes"][:20])) == 0
    assert found["differs"] == [30]


def test_a_byte_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="byte 99 cannot be made 1 in a packet of 40"):
        advertisement.inspect(changed=[[99, 1]])
