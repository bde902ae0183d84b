"""When a takeover is due, by RFC 3768 section 6.1, from hand-written facts."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from labs.analysis.master_down_timer import configured, skew
from labs.analysis.takeover_timing import ExpectedTakeover, predict, vrids, with_deliveries
from labs.analysis.timeline import Takeover
from labs.model.facts import Action, Advert, Configured, Fact, Heard, Link, State
from labs.simulation.lan import Lan
from tests.unit.stories import REAL, VIP, WAIT, advert, carrier, received

SKEW_100, SKEW_150 = 156 / 256, 106 / 256


@pytest.mark.parametrize(
    ("priority", "version", "interval", "seconds"),
    [
        (100, 2, 1.0, 0.609375),
        (150, 2, 1.0, 0.4140625),
        (100, 2, 5.0, 0.609375),  # version 2: whatever the interval
        (100, 3, 0.5, 0.3046875),  # version 3: in proportion to it
        (254, 2, 1.0, 0.0078125),
        (255, 2, 1.0, 0.00390625),
    ],
)
def test_skew(priority: int, version: int, interval: float, seconds: float) -> None:
    assert skew(priority, version, interval) == seconds


# web2 (priority 100) sends once, long after, so that its priority is known.
VOICE: list[Fact] = [advert(90.0, "web2")]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            [received(1.0, "web2", "web1"), received(2.0, "web2", "web1")],
            ExpectedTakeover("web2", "advert", 2.0, 3 + SKEW_100),
            id="the last Advertisement counts",
        ),
        pytest.param(
            [received(1.0, "web2", "web1"), received(2.0, "web2", "web1", priority=99)],
            ExpectedTakeover("web2", "respected", 1.0, 3 + SKEW_100),
            id="a lower priority restarts nothing",
        ),
        pytest.param(
            [received(1.0, "web2", "web1"), received(2.0, "web2", "web1", priority=100)],
            ExpectedTakeover("web2", "advert", 2.0, 3 + SKEW_100),
            id="an equal priority does",
        ),
        pytest.param(
            [received(1.0, "web2", "web1"), received(2.0, "web2", "web1", priority=0)],
            ExpectedTakeover("web2", "goodbye", 2.0, SKEW_100),
            id="priority 0: only the skew",
        ),
        pytest.param(
            [received(1.0, "web2", "web1"), received(2.0, "client", "web1")],
            ExpectedTakeover("web2", "advert", 1.0, 3 + SKEW_100),
            id="what others hear does not matter",
        ),
        pytest.param(
            [received(1.0, "web2", "web1"), received(50.0, "web2", "web1")],
            ExpectedTakeover("web2", "advert", 1.0, 3 + SKEW_100),
            id="nor what comes after the takeover",
        ),
        pytest.param(
            [carrier(0.0, "web2"), carrier(5.0, "web2", False), carrier(9.0, "web2")],
            ExpectedTakeover("web2", "carrier", 9.0, 3 + SKEW_100),
            id="carrier regained",
        ),
        pytest.param(
            [carrier(0.0, "web2"), Action(4.0, "start", "web2", "")],
            ExpectedTakeover("web2", "start", 4.0, 3 + SKEW_100),
            id="daemon started; carrier from the beginning is no event",
        ),
        pytest.param(
            [Link(0, "web2", "eth0", False, True), Link(7, "web2", "eth0", True, True)],
            ExpectedTakeover("web2", "carrier", 7.0, 3 + SKEW_100),
            id="set up by the administrator",
        ),
        pytest.param([], None, id="nothing happened"),
        pytest.param(
            [Action(4.0, "start", "web2", ""), State(4.35, "web2", "VI_1", "INIT", "BACKUP")],
            ExpectedTakeover("web2", "ready", 4.35, 3 + SKEW_100),
            id="the journal knows when the daemon was ready",
        ),
        pytest.param(
            [
                Action(4.2, "start", "web2", ""),
                State(4.0, "web2", "VI_1", "INIT", "BACKUP", resolution=1),
            ],
            ExpectedTakeover("web2", "start", 4.2, 3 + SKEW_100),
            id="a log of whole seconds does not",
        ),
        pytest.param([Action(4.0, "start", "web1", "")], None, id="another's daemon"),
    ],
)
def test_predict(facts: list[Fact], expected: ExpectedTakeover | None) -> None:
    assert predict([*facts, *VOICE], "web2", before=10.0) == expected


def test_version_3_counts_in_the_interval_that_was_received() -> None:
    facts: list[Fact] = [
        Heard(1.0, "web2", "192.168.1.11", 51, 3, 150, 0.2),
        Advert(90.0, "web2", "192.168.1.12", 51, 3, 100, 1.0),
    ]
    due = predict(facts, "web2", before=10.0)
    assert due is not None
    assert due.wait == pytest.approx(0.6 + SKEW_100 * 0.2)


def test_the_journal_has_the_priority_of_a_host_that_never_advertised() -> None:
    facts: list[Fact] = [
        State(0.5, "web2", "VI_1", "INIT", "BACKUP", "", 100),
        advert(1.0, "web1"),
        received(1.0, "web2", "web1"),
    ]
    due = predict(facts, "web2", before=10.0)
    assert due == ExpectedTakeover("web2", "advert", 1.0, 3 + SKEW_100)
    assert predict(facts[1:], "web2", before=10.0) is None


def test_the_words_name_the_event_and_the_milliseconds() -> None:
    due = ExpectedTakeover("web2", "advert", 2.0, 3 + SKEW_100)
    assert due.text == "predicted 3.609 s after the last Advertisement"
    assert due.at == 5.609375


def test_without_delivery_facts_every_host_but_the_cut_off_receives() -> None:
    facts: list[Fact] = [
        advert(1.0, "web1"),
        Action(2.0, "cut", "web1", ""),
        advert(3.0, "web1"),
        Action(4.0, "mend", "web1", ""),
        advert(5.0, "web1"),
        Action(6.0, "cut", "web2", ""),
        advert(7.0, "web1"),
    ]
    heards = [f for f in with_deliveries(facts, ["web1", "web2"]) if isinstance(f, Heard)]
    assert [(f.t, f.host, f.source) for f in heards] == [
        (1.0, "web2", "192.168.1.11"),
        (5.0, "web2", "192.168.1.11"),
    ]


def test_recorded_deliveries_are_left_alone() -> None:
    facts: list[Fact] = [advert(1.0, "web1"), received(1.0, "web2", "web1"), advert(2, "web1")]
    assert with_deliveries(facts, ["web1", "web2"]) == facts


def test_virtual_routers_are_found_by_the_address_they_advertise() -> None:
    assert vrids([advert(1.0, "web1")], "192.168.1.10") == {51}
    assert vrids([advert(1.0, "web1")], "192.168.1.99") == set()


def test_a_moment_of_a_whole_second_is_as_exact_as_any_other() -> None:
    """Precision is a field of the fact, not the fraction of a float."""
    facts: list[Fact] = [
        Action(3.6, "start", "web2", ""),
        State(4.0, "web2", "VI_1", "INIT", "BACKUP"),
    ]
    expected = ExpectedTakeover("web2", "ready", 4.0, 3 + SKEW_100)
    assert predict([*facts, *VOICE], "web2", before=10.0) == expected


def test_down_timer_adverts_is_what_the_daemon_counts() -> None:
    """The figure promised 3.609 s where the daemon keeps 5.609 s."""
    lan = Lan("basic")
    lan.wait_until(lambda: lan.holders() == ["web1"])
    lan.conf("web2", lan.conf("web2").replace("priority", "down_timer_adverts 5\npriority"))
    lan.reload("web2")
    lan.run(2.5)
    lan.unplug("web1")
    lan.wait_until(lambda: lan.holders() == ["web2"])
    lan.run(0.5)
    (*_, takeover) = lan.timeline().takeovers
    assert takeover.prediction is not None
    assert takeover.prediction.text == "predicted 5.609 s after the last Advertisement"
    assert takeover.late == pytest.approx(0, abs=0.002)
    assert "no advertisement for 5.609 s" in takeover.reason


def test_advertisements_of_another_vrid_start_no_timer() -> None:
    """Two servers share an address under two VRIDs, as one file of lesson 03 is wrong."""
    facts: list[Fact] = [
        Action(1.0, "start", "web2", ""),
        received(2.0, "web2", "web1"),
        received(2.5, "web2", "web1", priority=0),
        Advert(4.6, "web2", "192.168.1.12", 52, 2, 100, 1.0),
    ]
    expected = ExpectedTakeover("web2", "start", 1.0, 3 + SKEW_100)
    assert predict(facts, "web2", before=4.6) == expected


def preferred(line: str, pull: bool) -> Takeover:
    """How web1 took over, with `line` in its file, after its cable was plugged in again.

    `pull`: because the cable of web2 was pulled then, and not by preemption.
    """
    lan = Lan("basic")
    lan.wait_until(lambda: lan.holders() == ["web1"])
    text = lan.conf("web1").replace("state MASTER", "state BACKUP")
    lan.conf("web1", text.replace("priority", f"{line}\npriority"))
    lan.reload("web1")
    lan.unplug("web1")
    lan.wait_until(lambda: lan.holders() == ["web2"])
    lan.run(0.4)
    lan.plug("web1")
    if pull:
        lan.run(7.2)
        assert lan.holders() == ["web2"]
        lan.unplug("web2")
    lan.wait_until(lambda: lan.holders() == ["web1"])
    lan.run(0.5)
    return lan.timeline().takeovers[-1]


@pytest.mark.parametrize("delay", [3, 4.5])
def test_preempt_delay_is_part_of_the_prediction(delay: float) -> None:
    """The figure promised 3.414 s after the link came up, and measured 7.4 s."""
    takeover = preferred(f"preempt_delay {delay}", pull=False)
    assert takeover.prediction is not None
    assert takeover.prediction.text == (
        "predicted 3.414 s after the last Advertisement within preempt_delay"
    )
    assert takeover.late == pytest.approx(0, abs=0.002)


def test_nopreempt_counts_from_any_advertisement() -> None:
    takeover = preferred("nopreempt", pull=True)
    assert takeover.prediction is not None
    assert takeover.prediction.text == "predicted 3.414 s after the last Advertisement"
    assert takeover.late == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize("counted", [2.0, 3.02])
def test_an_advertisement_during_a_reload_may_be_judged_by_the_former_file(counted: float) -> None:
    """A figure of lesson 09 marked 3.219 s beside 4.2 s: web1 had not read its file by then."""
    facts: list[Fact] = [
        received(1.0, "web2", "web1", priority=150),
        received(2.0, "web2", "web1", priority=150),
        Action(3.0, "reload", "web2", ""),
        *(received(t, "web2", "web1", priority=150) for t in (3.02, 4.02, 5.02, 6.02)),
        Advert(90.0, "web2", "192.168.1.12", 51, 2, 200, 1.0),
    ]
    due = predict(facts, "web2", before=counted + 3 + 56 / 256 + 0.001)
    assert due == ExpectedTakeover("web2", "advert", counted, 3 + 56 / 256)


@pytest.mark.parametrize("received_at", [5.98, 6.02])
def test_at_the_end_of_preempt_delay_the_takeover_shows_what_counted(received_at: float) -> None:
    """An observer's clock cannot say on which side of the end an Advertisement was received."""
    facts: list[Fact] = [
        Configured(0.0, "web2", 51, 100, 3, preempt_delay=3.0),
        *(received(t, "web2", "web1", priority=50) for t in (3.0, 4.0, 5.0, received_at)),
        *VOICE,
    ]
    counted = [predict(facts, "web2", before=t + 3 + SKEW_100 + 0.001) for t in (5.0, received_at)]
    assert [each and each.since for each in counted] == [5.0, received_at]


def test_a_changed_priority_counts_from_the_next_advertisement() -> None:
    lan = Lan("basic")
    lan.wait_until(lambda: lan.holders() == ["web1"])
    lan.conf("web2", lan.conf("web2").replace("priority 100", "priority 50"))
    lan.reload("web2")
    lan.run(2.5)
    lan.unplug("web1")
    lan.wait_until(lambda: lan.holders() == ["web2"])
    lan.run(0.5)
    (*_, takeover) = lan.timeline().takeovers
    assert takeover.prediction is not None
    assert takeover.prediction.wait == 3 + 206 / 256
    assert takeover.late == pytest.approx(0, abs=0.002)


RAISED: list[Fact] = [
    Action(0.0, "start", "web2", ""),
    *(received(float(t), "web2", "web1", priority=150) for t in range(1, 9)),
    Action(8.5, "reload", "web2", "priority 200"),
    received(9.0, "web2", "web1", priority=150),
    advert(90.0, "web2", priority=200),
]


def test_a_backup_that_was_content_before_its_reload_counts_from_the_last_one_it_received() -> None:
    expected = ExpectedTakeover("web2", "advert", 8.0, 3 + 56 / 256)
    assert predict(RAISED, "web2", 50.0) == expected


def test_keepalived_starts_its_timer_again_when_it_reloads() -> None:
    log = State(0.0, "web2", "VI_1", "INIT", "BACKUP", resolution=1)  # keepalived's
    expected = ExpectedTakeover("web2", "reload", 8.5, 3 + 56 / 256)
    assert predict([log, *RAISED], "web2", 50.0) == expected


def test_a_reload_while_it_is_about_to_preempt_changes_nothing() -> None:
    facts: list[Fact] = [
        Action(0.0, "start", "web2", ""),
        received(1.0, "web2", "web1", priority=150),
        Action(1.5, "reload", "web2", ""),
        advert(90.0, "web2", priority=200),
    ]
    assert predict(facts, "web2", 50.0) == ExpectedTakeover("web2", "start", 0.0, 3 + 56 / 256)


def test_a_reload_soon_after_the_start_at_lower_priority_counts_from_what_it_received() -> None:
    facts: list[Fact] = [
        State(0.3, "web2", "VI_1", "INIT", "BACKUP", priority=100),
        received(1.0, "web2", "web1", priority=150),
        Action(1.5, "reload", "web2", ""),
        advert(90.0, "web2", priority=200),
    ]
    assert predict(facts, "web2", 50.0) == ExpectedTakeover("web2", "advert", 1.0, 3 + 56 / 256)


def test_what_it_was_before_another_reload_says_nothing() -> None:
    facts: list[Fact] = [
        State(0.3, "web2", "VI_1", "INIT", "BACKUP", priority=100),
        Action(0.5, "reload", "web2", ""),
        received(1.0, "web2", "web1", priority=150),
        Action(1.5, "reload", "web2", ""),
        advert(90.0, "web2", priority=200),
    ]
    assert predict(facts, "web2", 50.0) == ExpectedTakeover("web2", "ready", 0.3, 3 + 56 / 256)


# --- what a file of the host makes of it ---------------------------------------------------------


def packet(t: float, host: str, sender: str, priority: int, destination: str) -> list[Fact]:
    """An Advertisement of `sender` to that IPv4 address, which the switch passed on to `host`."""
    source = REAL[sender]
    ends = ip_address(source).packed + ip_address(destination).packed
    data = (bytes.fromhex("45c00028000000000ff70000") + ends).hex()
    return [
        Advert(t, sender, source, 51, 2, priority, 1.0, (VIP,), data),
        received(t, host, sender, priority),
    ]


def test_a_check_that_succeeds_again_starts_the_timer() -> None:
    """Both checks of web1 had failed; the figure marked 3.414 s after its daemon was started."""
    facts: list[Fact] = [
        Configured(0.0, "web1", 51, 150, 3),
        Action(0.002, "start", "web1", ""),
        State(3.07, "web1", "VI_1", "INIT", "FAULT", "", 150),
        Action(7.416, "reload", "web1", ""),
        State(7.507, "web1", "VI_1", "FAULT", "BACKUP", "", 150),
        advert(10.921, "web1"),
    ]
    due = predict(facts, "web1", before=10.923)
    assert due == ExpectedTakeover("web1", "recovered", 7.507, WAIT["web1"])
    assert due.text == "predicted 3.414 s after it left the FAULT state"


def test_a_log_of_whole_seconds_does_not_show_when_a_check_succeeded_again() -> None:
    facts: list[Fact] = [
        Action(0.0, "start", "web1", ""),
        State(3.0, "web1", "VI_1", "INIT", "FAULT", "", 150, 1.0),
        State(7.0, "web1", "VI_1", "FAULT", "BACKUP", "", 150, 1.0),
        advert(10.921, "web1"),
    ]
    assert predict(facts, "web1", before=10.923) is None


def test_another_instance_of_the_host_that_recovers_starts_no_timer() -> None:
    facts: list[Fact] = [
        Configured(0.0, "web1", 51, 150, 3, instance="VI_1"),
        Configured(0.0, "web1", 52, 150, 3, instance="VI_2"),
        State(2.9, "web1", "VI_2", "INIT", "FAULT", "", 150),
        State(3.0, "web1", "VI_1", "INIT", "BACKUP", "", 150),
        State(3.2, "web1", "VI_2", "FAULT", "BACKUP", "", 150),
        advert(3 + WAIT["web1"], "web1"),
    ]
    due = predict(facts, "web1", before=6.42)
    assert due == ExpectedTakeover("web1", "ready", 3.0, WAIT["web1"])


def test_the_carrier_is_what_ends_a_fault_that_it_caused() -> None:
    for resolution in (0.0, 1.0):
        facts: list[Fact] = [
            carrier(1.0, "web1", False),
            carrier(5.0, "web1"),
            State(5.004, "web1", "VI_1", "FAULT", "BACKUP", "", 150, resolution),
            advert(8.42, "web1"),
        ]
        due = predict(facts, "web1", before=8.421)
        assert due == ExpectedTakeover("web1", "carrier", 5.0, WAIT["web1"])


def weighted(before: int, after: int) -> ExpectedTakeover | None:
    """When web1, whose check has a weight, was due at 57.4 with priority `after`.

    It had `before` when web2 took over, which advertises priority 100.
    """
    facts: list[Fact] = [
        Configured(0.0, "web1", 51, 150, 3, weighted=True),
        State(50.935, "web1", "VI_1", "MASTER", "BACKUP", "", before),
        Action(51.601, "reload", "web1", ""),
        *(received(t, "web1", "web2") for t in (51.92, 51.94, 51.987, 52.933, 53.935, 54.931)),
        *(received(t, "web1", "web2") for t in (55.931, 56.931)),
        advert(57.352, "web1", after),
    ]
    return predict(facts, "web1", before=57.352)


def test_when_a_weight_has_raised_the_priority_is_not_known() -> None:
    """The figure of lesson 12 marked 55.40 s beside a takeover at 57.35 s."""
    assert weighted(90, 150) is None


def test_a_priority_below_the_sender_all_the_time_counts_from_every_advertisement() -> None:
    expected = ExpectedTakeover("web1", "advert", 56.931, 3 + (256 - 95) / 256)
    assert weighted(90, 95) == expected


def test_a_weight_that_changed_nothing_leaves_the_prediction() -> None:
    """web2 tracks, too, but its check succeeds: it preempts web1, which has priority 90 by now."""
    facts: list[Fact] = [
        Configured(42.424, "web2", 51, 100, 3, weighted=True),
        State(40.332, "web2", "VI_1", "MASTER", "BACKUP", "", 100),
        received(46.327, "web2", "web1"),
        received(47.322, "web2", "web1"),
        *(received(t, "web2", "web1", 90) for t in (48.32, 49.321, 50.326)),
        advert(50.934, "web2"),
    ]
    expected = ExpectedTakeover("web2", "respected", 47.322, WAIT["web2"])
    assert predict(sorted(facts, key=lambda f: f.t), "web2", before=50.936) == expected
    assert expected.text.endswith("after the last Advertisement of equal or higher priority")


@pytest.mark.parametrize("member", [True, False])
def test_a_member_of_a_sync_group_waits_for_what_is_not_predicted(member: bool) -> None:
    """INSIDE resigned, OUTSIDE fell silent: 0.609 s was marked beside a measured 3.5 s."""
    facts: list[Fact] = [
        Configured(23.996, "web2", 51, 100, 3, sync_group=member),
        received(28.697, "web2", "web1"),
        received(28.798, "web2", "web1", priority=0),
        advert(32.307, "web2"),
    ]
    expected = ExpectedTakeover("web2", "goodbye", 28.798, SKEW_100)
    assert predict(facts, "web2", before=32.307) == (None if member else expected)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("224.0.0.18", ExpectedTakeover("web1", "ready", 3.556, 3 + SKEW_150)),
        ("192.168.1.11", ExpectedTakeover("web1", "goodbye", 5.863, SKEW_150)),
    ],
)
def test_a_unicast_router_does_not_receive_what_is_sent_to_the_group(
    destination: str, expected: ExpectedTakeover
) -> None:
    """web2 resigned by multicast when web1 had moved to unicast: the mark was 0.7 s too early."""
    facts: list[Fact] = [
        Configured(3.412, "web1", 51, 150, 3, unicast=True),
        Action(3.412, "reload", "web1", ""),
        State(3.536, "web1", "VI_1", "BACKUP", "INIT", "", 150),
        State(3.556, "web1", "VI_1", "INIT", "BACKUP", "started", 150),
        *packet(4.792, "web1", "web2", 100, destination),
        *packet(5.863, "web1", "web2", 0, destination),
        advert(6.979, "web1"),
    ]
    assert predict(facts, "web1", before=6.98) == expected


def test_what_a_file_says_of_weights_sync_groups_and_unicast_is_a_fact() -> None:
    lan = Lan("basic")
    text = lan.conf("web2")
    plain, *_ = configured(text, "web2", 0.0)
    assert (plain.instance, plain.weighted, plain.sync_group, plain.unicast) == (
        "VI_1", False, False, False,
    )  # fmt: skip
    script = 'vrrp_script check {\nscript "/bin/true"\nweight -60\n}\n'
    tracked = text.replace("priority", "track_script {\ncheck\n}\npriority")
    assert configured(script + tracked, "web2", 0.0)[0].weighted
    assert not configured(script.replace("-60", "0") + tracked, "web2", 0.0)[0].weighted
    peers = text.replace("priority", "unicast_peer {\n192.168.1.11\n}\npriority")
    assert configured(peers, "web2", 0.0)[0].unicast
    second = text[text.index("vrrp_instance") :].replace("VI_1", "VI_2").replace("51", "52")
    second = second.replace("192.168.1.10\n", "192.168.1.20\n")
    group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n"
    assert all(one.sync_group for one in configured(text + second + group, "web2", 0.0))
