"""The table of lesson 15, and how a pair of daemons is named."""

from __future__ import annotations

import pytest

from labs.comparison import PAIRS, Pairs, Table
from labs.errors import LabError


def test_a_table_is_aligned_as_text_and_escaped_as_html() -> None:
    table = Table(("pair", "due"), [("vrrpd", "3.609"), ("a < b", "?")])
    assert repr(table) == "pair   due\nvrrpd  3.609\na < b  ?"
    assert '<td style="text-align:left">a &lt; b</td>' in table._repr_html_()


def test_the_first_name_is_that_of_the_master() -> None:
    assert PAIRS["keepalived + vrrpd"] == {"master": "keepalived", "backup": "vrrpd"}
    assert all(set(daemons) == {"master", "backup"} for daemons in PAIRS.values())


def test_an_unknown_pair_is_refused_before_anything_starts() -> None:
    with pytest.raises(LabError, match="frr"):
        Pairs("basic", ["frr"])
