"""Experiments of lessons that are run again, from where the learner has left the cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labs import Lab, own_numbers
from labs.conf import setting
from labs.errors import LabError
from labs.lessons.course import l09_swap_roles


@pytest.fixture
def numbers() -> Iterator[None]:
    """Those of lesson 09, as `begin()` sets them."""
    own_numbers.use("swap_roles", l09_swap_roles.OWN_NUMBERS)
    yield
    own_numbers.use("", ())


def test_a_swap_brings_its_own_start_about_and_its_second_half_needs_the_first(
    numbers: None,
) -> None:
    experiments = l09_swap_roles.EXPERIMENTS
    with Lab("steady", beside=True) as lab:
        with pytest.raises(LabError, match="one experiment in two cells: run %%experiment idle"):
            experiments["then-the-holder"].start(lab)
        experiments["idle-first"].start(lab)
        assert [setting(lab.conf(host), "priority") for host in ("web1", "web2")] == ["100", "150"]
        assert lab.holders() == ["web1"]
        lab.restart("web2")
        experiments["then-the-holder"].start(lab)
        lab.restart("web1")
        # Run again, it would count what both runs have done.
        with pytest.raises(LabError, match="one experiment in two cells"):
            experiments["then-the-holder"].start(lab)
        lab.settle()
        experiments["holder-first"].start(lab)
        assert [setting(lab.conf(host), "priority") for host in ("web1", "web2")] == ["150", "100"]
        assert lab.holders() == ["web2"]
