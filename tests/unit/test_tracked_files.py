"""`track_file`: the number, the weight, init_file, reload.  Virtual time."""

from __future__ import annotations

import pytest

from labs.simulation.lan import Lan
from tests.cluster import conf, prepared, router, state
from vrrpd.tracking.files import number_in

PATH = "/run/load"


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"", 0),
        (b"\n", 0),
        (b"10\n", 10),
        (b"  \t-7 rest", -7),
        (b"+5", 5),
        (b"0", 0),
        (b"010", 8),
        (b"08", 0),
        (b"0x1F", 31),
        (b"0x", 0),
        (b"-0x10", -16),
        (b"12abc", 12),
        (b"abc12", 0),
        (b"- 3", 0),
        (b"\xff\xfe", 0),
    ],
)
def test_numbers_are_read_as_strtol_reads_them(data: bytes, number: int) -> None:
    assert number_in(data) == number


def tracking(weight: str = "", *words: str) -> str:
    """An instance of priority 100 that tracks PATH."""
    body = "\n".join((f"file {PATH}", *words))
    return f"track_file load {{\n{body}\n}}\n" + conf(100, f"track_file {{\n load {weight}\n}}")


def start(text: str, says: str | None = None) -> Lan:
    """One host with this file, started over what the tracked file says."""
    return prepared(text, lambda host: host.workload.write(PATH, says))


def write(lan: Lan, says: str | None) -> None:
    lan.machines["one"].workload.write(PATH, says)
    lan.run(0)


def weight_of(lan: Lan) -> str | None:
    return lan.machines["one"].workload.files.get(PATH)


def priority(lan: Lan) -> int:
    return router(lan, "one").priority


def test_the_number_is_added_to_the_priority() -> None:
    lan = start(tracking(), "10")
    assert priority(lan) == 110
    write(lan, "-20")
    assert priority(lan) == 80
    write(lan, None)
    assert priority(lan) == 100
    assert lan.logs["one"].lines[-1] == "(VI_1) Changing effective priority from 80 to 100"


def test_weight_0_makes_every_other_number_fault() -> None:
    lan = start(tracking("weight 0"))
    lan.run(4)
    assert state(lan, "one") == "MASTER"
    write(lan, "1")
    assert state(lan, "one") == "FAULT"
    assert router(lan, "one").current.why == "tracked file load says 1"
    write(lan, "2")
    assert state(lan, "one") == "FAULT"
    write(lan, "0")
    assert state(lan, "one") == "BACKUP"


def test_minus_254_is_fault_and_its_end_brings_the_new_priority_with_it() -> None:
    lan = start(tracking("weight 2"))
    lan.run(4)
    write(lan, "-127")
    assert (state(lan, "one"), priority(lan)) == ("FAULT", 100)
    write(lan, "5")
    assert (state(lan, "one"), priority(lan)) == ("BACKUP", 110)
    expected = router(lan, "one").params.master_down(10**9)
    one = router(lan, "one").current
    assert one.deadline is not None
    assert one.deadline - one.armed == expected


def test_a_number_that_is_too_large_is_reported_and_the_old_one_stays() -> None:
    lan = start(tracking(), "7")
    write(lan, "99999999999")
    assert priority(lan) == 107
    line = f"Invalid number 99999999999 read from {PATH} - ignoring"
    assert line in lan.logs["one"].lines


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        ("", None, None),
        ("init_file", None, "0\n"),
        ("init_file 5", None, "5\n"),
        ("init_file 5", "9", "9"),
        ("init_file 5 overwrite", "9", "5\n"),
    ],
)
def test_init_file(words: str, before: str | None, after: str | None) -> None:
    lan = start(tracking("", words), before)
    assert weight_of(lan) == after


def test_a_reload_does_not_overwrite() -> None:
    lan = start(tracking("", "init_file 5 overwrite"))
    write(lan, "9")
    lan.conf("one", tracking("", "init_file 6 overwrite"))
    lan.reload("one")
    assert weight_of(lan) == "9"
    assert priority(lan) == 109


def test_another_weight_and_another_file_count_from_the_reload_on() -> None:
    lan = start(tracking("weight 1"), "10")
    lan.conf("one", tracking("weight 3"))
    lan.reload("one")
    assert priority(lan) == 130
    lan.machines["one"].workload.write("/run/other", "2")
    lan.conf("one", tracking("weight 3").replace(PATH, "/run/other"))
    lan.reload("one")
    assert priority(lan) == 106
    write(lan, "50")
    assert priority(lan) == 106
    lan.conf("one", conf(100))
    lan.reload("one")
    assert priority(lan) == 100
    assert lan.machines["one"].workload.watches == []
