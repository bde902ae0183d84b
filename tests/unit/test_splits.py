"""Split brains without a network: what each one-way path leads to."""

from __future__ import annotations

from labs.splits import directions, unplugged


def test_who_is_deaf_takes_over_and_who_cannot_be_reached_does_not_notice() -> None:
    found = {row.lost: (row.holders, row.answers) for row in directions().rows}
    assert found == {
        "all from master": (("master", "backup"), "backup"),
        "all to master": (("master",), None),
        "all from backup": (("master",), "master"),
        "all to backup": (("master", "backup"), "master"),
    }


def test_the_table_names_everybody() -> None:
    lines = repr(directions()).splitlines()
    assert len(lines) == 5
    assert lines[2].split("  ")[0] == "all to master"
    assert lines[2].endswith("nobody")


def test_a_pulled_cable_leaves_one_owner() -> None:
    timeline = unplugged()
    assert not timeline.overlaps
    assert timeline.owners_at(timeline.end) == ("backup",)
