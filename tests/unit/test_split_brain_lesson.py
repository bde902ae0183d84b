"""Split brains without a network: what each one-way path leads to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from labs.analysis.timeline import Timeline
from labs.experiments.split_brain import BEFORE, directions, heal, unplugged
from labs.model.facts import Advert, Ping

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
    assert healed.start == pytest.approx(2 - BEFORE)
