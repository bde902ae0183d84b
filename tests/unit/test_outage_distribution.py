"""Many pulled cables: the numbers are the protocol's, and figure and text show the same."""

from __future__ import annotations

import numpy as np
import pytest

from labs.emulation.daemons import DAEMONS, choose
from labs.errors import LabError
from labs.experiments.outage_distribution import INTERVAL, MASTER_DOWN, Pull, Spread, simulate


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
