"""Files that change places, and where the story of a changeover begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from labs.analysis.timeline import Timeline
from labs.errors import LabError
from labs.experiments.role_swap import BEFORE, since, story, swap, taken, takeover
from labs.model.facts import Action, Address, Advert, Fact, State

if TYPE_CHECKING:
    from labs.emulation.lab import Lab


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


def held(t: float, host: str, on: bool = True) -> Address:
    return Address(t, host, "eth0", "192.168.1.10", 32, on)


START = (Action(0.1, "start", "web1", ""), held(3.6, "web1"))


def test_swapped_files_are_each_others() -> None:
    cluster = Cluster()
    swap(cast("Lab", cluster))
    assert cluster.files == {"web1": "priority 100\n", "web2": "priority 150\n"}


def test_a_story_begins_a_moment_before_the_first_thing_that_was_done() -> None:
    moved = (held(12.0, "web2"), held(12.0, "web1", on=False))
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


def test_the_first_to_take_the_address_is_the_one_that_was_started() -> None:
    ready = State(0.2, "web1", "VI_1", "INIT", "BACKUP", "started", 150)
    word = Advert(3.61, "web1", "192.168.1.11", 51, 2, 150, 1.0, ("192.168.1.10",), "")
    first = taken(Cluster(START[0], ready, START[1], word).timeline())
    assert (first.to, first.cause) == ("web1", START[0])
    with pytest.raises(LabError, match="nobody has taken the address"):
        taken(Cluster(START[0]).timeline())
