"""The lessons' own experiments (`labs/experiments`), without a network."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from labs import api
from labs.analysis.timeline import Timeline
from labs.cards import Table
from labs.emulation.daemons import DAEMONS, choose
from labs.errors import LabError
from labs.experiments.advert_size import Growth, of, vips
from labs.experiments.daemon_comparison import PAIRS, Pairs
from labs.experiments.election import receives, timer_expires
from labs.experiments.outage_distribution import INTERVAL, MASTER_DOWN, Pull, Spread, simulate
from labs.experiments.role_swap import BEFORE, since, story, swap, taken, takeover
from labs.experiments.split_brain import BEFORE as BEFORE_THE_SPLIT
from labs.experiments.split_brain import directions, heal, unplugged
from labs.experiments.timer_tradeoff import Point, Setting, Tradeoff, count, tradeoff
from labs.experiments.what_if import differences, interval_costs, what_if
from labs.model.facts import Action, Address, Advert, Configured, Fact, Ping, State
from tests.unit.stories import failover_and_failback

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

# election: one question to the state machine, answered as RFC 3768 section 6.4 does.


@pytest.mark.parametrize(
    ("state", "advert", "after", "timer"),
    [
        ("BACKUP", 150, "BACKUP", 3.609375),  # 6.4.2: greater or equal resets Master_Down_Timer
        ("BACKUP", 100, "BACKUP", 3.609375),
        ("BACKUP", 50, "BACKUP", None),  # lower, and Preempt_Mode: discard
        ("BACKUP", 0, "BACKUP", 0.609375),  # resigned: Skew_Time
        ("MASTER", 150, "BACKUP", 3.609375),  # 6.4.3
        ("MASTER", 0, "MASTER", 1.0),
    ],
)
def test_what_is_received_decides(state: str, advert: int, after: str, timer: float | None) -> None:
    answer = receives(state, advert, own=100)
    assert (answer.state, answer.timer) == (after, timer)


def test_a_tie_between_masters_goes_to_the_higher_address() -> None:
    assert receives("MASTER", 100, source="192.168.1.13", me="192.168.1.12").state == "BACKUP"
    assert receives("MASTER", 100, source="192.168.1.11", me="192.168.1.12").state == "MASTER"


def test_an_expired_timer_makes_a_master_that_sends_before_it_takes() -> None:
    answer = timer_expires("BACKUP", own=150)
    assert answer.state == "MASTER"
    assert answer.deeds[0] == "it advertises priority 150"
    assert "adds the addresses" in answer.deeds[1]
    assert "3.414 s expires" in repr(answer)


def test_the_words_distinguish_the_timer_from_the_state() -> None:
    assert "stays BACKUP; its timer runs on" in repr(receives("BACKUP", 50))
    told = " ".join(repr(receives("MASTER", 150)).split())
    assert "Master_Down_Timer starts again, 3.609 s" in told


@pytest.mark.parametrize("call", [lambda: receives("FAULT", 1), lambda: receives("BACKUP", 256)])
def test_impossible_questions_are_refused(call: object) -> None:
    with pytest.raises(LabError):
        call()  # type: ignore[operator]


# role_swap: files that change places, and where the story of a changeover begins.


class Cluster:
    """As much of a Lab as these functions need."""

    def __init__(self, *facts: Fact) -> None:
        self.files = {"web1": "priority 150\n", "web2": "priority 100\n"}
        self.facts = facts

    def conf(self, host: str, text: str | None = None) -> str:
        if text is not None:
            self.files[host] = text
        return self.files[host]

    def timeline(self) -> Timeline:
        return Timeline(self.facts, hosts=("web1", "web2"), start=0.0, end=20.0)


def address(t: float, host: str, on: bool = True) -> Address:
    return Address(t, host, "eth0", "192.168.1.10", 32, on)


START = (Action(0.1, "start", "web1", ""), address(3.6, "web1"))


def test_swapped_files_are_each_others() -> None:
    cluster = Cluster()
    swap(cast("Lab", cluster))
    assert cluster.files == {"web1": "priority 100\n", "web2": "priority 150\n"}


def test_a_story_begins_a_moment_before_the_first_thing_that_was_done() -> None:
    moved = (address(12.0, "web2"), address(12.0, "web1", on=False))
    cluster = Cluster(*START, Action(9.0, "reload", "web2", ""), *moved)
    told = story(cast("Lab", cluster))
    assert (told.start, told.end) == (9.0 - BEFORE, 20.0)
    assert [takeover.to for takeover in told.takeovers] == ["web2"]


def test_a_story_never_begins_before_a_host_had_the_address() -> None:
    told = story(cast("Lab", Cluster(*START, Action(3.7, "stop", "web1", ""))))
    assert told.start == 3.6
    assert told.takeovers == []


def test_the_last_action_of_a_verb_is_the_one_that_counts() -> None:
    cluster = Cluster(*START, Action(5.0, "plug", "web1", ""), Action(9.0, "plug", "web1", ""))
    assert since(cast("Lab", cluster), "plug").start == 9.0 - BEFORE
    with pytest.raises(LabError, match="nobody has done `unplug`"):
        since(cast("Lab", cluster), "unplug")


def test_where_nothing_has_moved_there_is_no_takeover_to_look_at() -> None:
    with pytest.raises(LabError, match="has not moved here yet"):
        takeover(Cluster(*START).timeline())


def test_a_takeover_that_nothing_predicts_is_still_one() -> None:
    """web2 is in a sync group, which lesson 17 asks about."""
    group = Configured(0.0, "web2", 51, 100, 3, sync_group=True)
    facts = [group, *failover_and_failback()]
    timeline = Timeline([fact for fact in facts if fact.t < 14.0])
    (moved,) = timeline.takeovers
    assert moved.prediction is None
    assert takeover(timeline) == taken(timeline) == moved
    assert "predicted" not in timeline.text()
    assert "web2 took 192.168.1.10 from web1 at 8.31 s" in timeline.text()
    written = {text.get_text() for axes in timeline.figure().axes for text in axes.texts}
    assert not any("predicted" in text for text in written)


def test_the_first_to_take_the_address_is_the_one_that_was_started() -> None:
    ready = State(0.2, "web1", "VI_1", "INIT", "BACKUP", "started", 150)
    word = Advert(3.61, "web1", "192.168.1.11", 51, 2, 150, 1.0, ("192.168.1.10",), "")
    first = taken(Cluster(START[0], ready, START[1], word).timeline())
    assert (first.to, first.cause) == ("web1", START[0])
    with pytest.raises(LabError, match="nobody has taken the address"):
        taken(Cluster(START[0]).timeline())


# what_if: what an interval costs, and which lines must be equal.


def test_a_longer_interval_costs_less_and_is_slower() -> None:
    once, twice = interval_costs([1, 2])
    assert (once.adverts, twice.adverts) == (86_400, 43_200)
    assert once.octets == 86_400 * 60  # 14 + 40 bytes, filled up to the shortest frame
    # The skew of priority 100 is 0.609 s whatever the interval (RFC 3768 section 6.1).
    assert once.takeover == pytest.approx(3.609, abs=0.01)
    assert twice.takeover == pytest.approx(6.609, abs=0.01)


@pytest.mark.parametrize(
    ("line", "holders"),
    [
        ({"auth_pass": "1112"}, ("web1", "web2")),
        ({"advert_int": 2}, ("web1", "web2")),
        ({"virtual_router_id": 52}, ("web1", "web2")),
        ({"state": "MASTER"}, ("web1",)),
        ({"priority": 200}, ("web2",)),
    ],
)
def test_some_lines_must_be_equal(line: dict[str, object], holders: tuple[str, ...]) -> None:
    [row] = what_if(line)  # type: ignore[arg-type]
    assert row.holders == holders


def test_both_show_themselves_as_tables() -> None:
    assert "86,400" in repr(interval_costs([1]))
    assert "web1 and web2" in repr(what_if({"auth_pass": "1112"}))


def test_the_lines_of_the_lesson_are_those_that_must_be_equal_and_those_that_need_not() -> None:
    held_by_two = [row.line for row in differences() if len(row.holders) == 2]
    assert held_by_two == ["auth_pass 1112", "advert_int 2", "virtual_router_id 52"]
    assert len(differences()) == 5


# timer_tradeoff: false alarms, by the formula and by real daemons in memory.


def test_master_down_interval_is_that_of_version_3() -> None:
    assert Setting(0.1, 0.0).master_down_interval == pytest.approx(0.3609375)
    assert Setting(0.1, 0.0, missed=10).master_down_interval == pytest.approx(1.0609375)


def test_no_false_alarm_where_nothing_is_lost() -> None:
    assert count(0.1, loss=0.0, adverts=500).alarms == 0


def test_the_formula_says_what_the_daemons_do() -> None:
    point = count(0.1, loss=0.3, adverts=4000)  # 75 alarms are expected, ± 9
    assert point.per_day == pytest.approx(point.setting.expected, rel=0.5)


def test_a_larger_count_forgives_what_three_do_not() -> None:
    assert count(0.1, loss=0.2, adverts=1500, missed=10).alarms == 0
    assert count(0.1, loss=0.2, adverts=1500, missed=3).alarms > 0


def test_only_what_a_short_run_can_show_is_counted() -> None:
    found = tradeoff(intervals=(0.1,), losses=(0.01, 0.2))
    assert [point.setting.loss for point in found.points] == [0.2]


def test_the_table_has_every_number_of_the_figure() -> None:
    setting = Setting(0.1, 0.2)
    text = Tradeoff((setting,), (Point(setting, 38, 600.0),)).text()
    assert "100 ms" in text
    assert "0.361 s" in text
    assert "5,500 (5,500)" in text


def test_a_notebook_shows_the_figure_as_an_image() -> None:
    assert tradeoff(intervals=(1.0, 0.1), losses=(0.01,))._repr_html_().startswith("<img ")


# outage_distribution: many pulled cables.


@pytest.fixture(scope="module")
def spread() -> Spread:
    return simulate(100, seed=3)


def test_no_host_holds_until_three_intervals_and_the_skew_after_the_last_advertisement(
    spread: Spread,
) -> None:
    for pull in spread.simulated:
        assert pull.phase + pull.gap == pytest.approx(MASTER_DOWN, abs=0.005)


def test_the_pulls_are_spread_over_the_whole_interval(spread: Spread) -> None:
    assert spread.longest - spread.shortest > 0.9 * INTERVAL
    assert len({round(pull.phase, 1) for pull in spread.simulated}) >= 10


def test_the_same_seed_gives_the_same_pulls() -> None:
    assert simulate(5, seed=1) == simulate(5, seed=1) != simulate(5, seed=2)


def test_the_text_counts_every_pull_and_names_the_real_ones(spread: Spread) -> None:
    text = Spread(spread.simulated, (Pull(0.25, 3.36),)).text()
    counts = [int(line.split()[-1]) for line in text.splitlines() if "█" in line]
    assert sum(counts) == len(spread.simulated)
    assert "pulled 0.25 s after an Advertisement, nobody held for 3.36 s" in text


def test_the_figure_has_a_point_for_every_pull(spread: Spread) -> None:
    figure = Spread(spread.simulated, (Pull(0.25, 3.36), Pull(0.5, 3.11))).figure()
    clouds = figure.axes[0].collections
    assert [len(np.asarray(cloud.get_offsets())) for cloud in clouds] == [len(spread.simulated), 2]


def test_a_daemon_may_be_named_with_options_of_its_own() -> None:
    chosen = choose({"web1": "vrrpd --max-vips 20"}, ["web1", "web2"])
    assert chosen["web1"].command == DAEMONS["vrrpd"].command + " --max-vips 20"
    assert chosen["web2"].command == DAEMONS["vrrpd"].command
    with pytest.raises(LabError, match="vrrpx"):
        choose("vrrpx --max-vips 20", ["web1"])


# advert_size: the length of an Advertisement, from real bytes.


def advert_of(count: int) -> Advert:
    """One with `count` addresses and as many bytes as the format asks for."""
    addresses = tuple(vips(count))
    return Advert(0.0, "web1", "192.168.1.11", 51, 2, 150, 1.0, addresses, "00" * (36 + 4 * count))


def test_the_addresses_are_the_articles_and_then_all_different() -> None:
    assert vips(23) == ["192.168.1.10", *(f"192.168.1.{last}" for last in range(101, 123))]
    assert len(set(vips(300))) == 300
    assert not {"192.168.1.11", "192.168.1.12", "192.168.1.100"} & set(vips(300))


def test_the_text_says_what_the_bytes_say() -> None:
    text = of([advert_of(1), advert_of(255)]).text()
    assert "1     40 = 36 + 4 × 1" in text
    assert "1056 = 36 + 4 × 255" in text


def test_every_bar_is_as_long_as_its_packet() -> None:
    figure = Growth({1: 40, 20: 116}).figure()
    ends: dict[float, float] = {}
    for bar in figure.axes[0].patches:
        assert isinstance(bar, Rectangle)
        row = bar.get_y()
        ends[row] = max(ends.get(row, 0.0), bar.get_x() + bar.get_width())
    assert sorted(ends.values()) == [40, 116]


# daemon_comparison: the table of lesson 19, and how a pair of daemons is named.


VIP = "192.168.1.10"


def test_a_table_is_aligned_as_text_and_escaped_as_html() -> None:
    table = Table(("pair", "due"), [("vrrpd", "3.609"), ("a < b", "?")])
    assert repr(table) == "pair   due\nvrrpd  3.609\na < b  ?"
    assert ">a &lt; b</td>" in table._repr_html_()


def test_the_first_name_is_that_of_the_master() -> None:
    assert PAIRS["keepalived + vrrpd"] == {"web1": "keepalived", "web2": "vrrpd"}
    assert all(set(daemons) == {"web1", "web2"} for daemons in PAIRS.values())


def test_an_unknown_pair_is_refused_before_anything_starts() -> None:
    with pytest.raises(LabError, match="frr"):
        Pairs("basic", ["frr"])


def test_a_takeover_that_comes_before_its_verb_returns_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`stop` waits for the end of a program; web2 may have the address by then."""
    stopped = Action(10.0, "stop", "web1", "daemon of web1 stopped")
    taken: list[Fact] = [
        Address(10.6, "web1", "eth0", VIP, 32, False),
        Address(10.7, "web2", "eth0", VIP, 32, True),
        Ping(10.8, 1, VIP, "web2", 0.0001),
    ]
    facts: list[Fact] = [Address(5.0, "web1", "eth0", VIP, 32, True), stopped, *taken]
    lab = SimpleNamespace(
        now=11.0,
        stop=lambda host: None,
        facts=lambda: facts,
        timeline=lambda: Timeline(facts, VIP, start=0.0, end=11.0),
        close=lambda: None,
    )
    monkeypatch.setattr(api, "lab_class", lambda: lambda *told, **more: lab)
    pairs = Pairs("basic", ["vrrpd"])
    pairs.each("stop", "web1")
    assert pairs.takeovers()["vrrpd"].to == "web2"
    pairs.close()


# split_brain: what each one-way path leads to.


T = TypeVar("T")


def test_who_is_deaf_takes_over_and_who_cannot_be_reached_does_not_notice() -> None:
    found = {row.lost: (row.holders, row.answers) for row in directions().rows}
    assert found == {
        "all from web1": (("web1", "web2"), "web2"),
        "all to web1": (("web1",), None),
        "all from web2": (("web1",), "web1"),
        "all to web2": (("web1", "web2"), "web1"),
    }


def test_the_table_names_everybody() -> None:
    lines = repr(directions()).splitlines()
    assert len(lines) == 5
    assert lines[2].split("  ")[0] == "all to web1"
    assert lines[2].endswith("nobody")


def test_a_pulled_cable_leaves_one_owner() -> None:
    timeline = unplugged()
    assert not timeline.overlaps
    assert timeline.holders_at(timeline.end) == ("web2",)


class Slow:
    """A split lab whose first `mend` takes longer than the master is silent for (times in s)."""

    watch = "192.168.1.10"

    def __init__(self) -> None:
        self.now, self.mended = 0.0, 0.0
        self.done: list[str] = []
        self.witness = self

    def of(self, _kind: object) -> list[Advert]:
        """web2 sends at every whole second, web1 0.4 s later."""
        spoken = [("web2", float(n)) for n in range(1, 20)]
        spoken += [("web1", n + 0.4) for n in range(20)]
        known = sorted((t, host) for host, t in spoken if t <= self.now)
        return [Advert(t, host, "", 51, 2, 100, 1.0) for t, host in known]

    def facts(self, since: float) -> list[Ping]:
        return [Ping(since, 1, self.watch, "web1", 0.001)]

    def holders(self) -> list[str]:
        """web2 gives way to the first advertisement of web1 after the repair."""
        heard = self.mended and self.now > self.mended + 1
        return ["web1"] if heard else ["web1", "web2"]

    def mend(self, host: str) -> None:
        self.done.append(f"mend {host}")
        self.now += 0.1 if self.done.count("mend web1") > 1 else 0.6
        self.mended = self.now

    def cut(self, host: str) -> None:
        self.done.append(f"cut {host}")
        self.mended = 0.0

    def wait_until(self, condition: Callable[[], T], **_timeout: object) -> T:
        while not (value := condition()):
            self.now += 0.05
        return value

    def timeline(self) -> Timeline:
        return Timeline([], self.watch, ["web1", "web2"], start=0.0, end=self.now)


def test_a_repair_that_comes_too_late_is_made_once_more() -> None:
    lab = Slow()
    healed = heal(lab, after="web2")  # type: ignore[arg-type]
    assert lab.done == ["mend web1", "cut web1", "mend web1"]
    assert healed.start == pytest.approx(2 - BEFORE_THE_SPLIT)
