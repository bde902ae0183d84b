"""Records: what `vrrpd/record.py` promises of a value: its fields, equality, and that it stays."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from vrrpd.record import Record, replace


class Point(Record, uncompared=("where",)):
    """A place in the plane; `where` it was written makes no difference."""

    x: int
    y: int = 0
    where: str = ""


class Other(Record):
    """The fields of a Point in another class."""

    x: int
    y: int = 0
    where: str = ""


class Named(Record, kw_only=True):
    """Fields that are given by name only."""

    x: int
    y: int = 0


class Empty(Record):
    """No field at all."""


def test_fields_are_given_by_place_or_by_name_and_defaults_are_filled_in() -> None:
    assert Point._fields == ("x", "y", "where")
    for point in (Point(1, 2), Point(1, y=2), Point(y=2, x=1), replace(Point(1), y=2)):
        assert (point.x, point.y, point.where) == (1, 2, "")


def test_equal_are_records_of_one_class_with_equal_fields() -> None:
    assert Point(1, where="a") == Point(1, 0, "b")
    assert hash(Point(1, where="a")) == hash(Point(1, 0, "b"))
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert Other(1, where="a") != Other(1, where="b")
    assert Empty() == Empty()
    assert Point(1) != (1, 0, "")


@pytest.mark.parametrize(
    ("make", "values", "named", "says"),
    [
        (Point, (), {}, r"Point: no fields \[\], no values for \['x'\]"),
        (Point, (1,), {"z": 2}, r"Point: no fields \['z'\], no values for \[\]"),
        (Point, (1,), {"x": 2}, "Point: 2 values, some for no field"),
        (Point, (1, 2, "", 4), {}, "Point: 4 values, some for no field"),
        (Named, (1,), {}, "Named: 1 values, some for no field"),
        (replace, (Point(1),), {"z": 2}, r"Point: no fields \['z'\]"),
    ],
)
def test_a_field_that_is_missing_unknown_or_given_twice_is_refused(
    make: Callable[..., object], values: tuple[object, ...], named: dict[str, object], says: str
) -> None:
    with pytest.raises(TypeError, match=says):
        make(*values, **named)


def test_a_record_does_not_change() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    assert point == Point(1)


def test_a_record_prints_every_field_and_can_be_pickled_and_matched() -> None:
    point = Point(1, where="a")
    assert repr(point) == "Point(x=1, y=0, where='a')"
    assert pickle.loads(pickle.dumps(point)).where == "a"
    match point:
        case Point(x, y):
            assert (x, y) == (1, 0)
