"""The table of lesson 15, and how a pair of daemons is named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from labs import api
from labs.analysis.timeline import Timeline
from labs.cards import Table
from labs.errors import LabError
from labs.experiments.daemon_comparison import PAIRS, Pairs
from labs.model.facts import Action, Address, Fact, Ping

VIP = "192.168.1.10"


def test_a_table_is_aligned_as_text_and_escaped_as_html() -> None:
    table = Table(("pair", "due"), [("vrrpd", "3.609"), ("a < b", "?")])
    assert repr(table) == "pair   due\nvrrpd  3.609\na < b  ?"
    assert ">a &lt; b</td>" in table._repr_html_()


def test_the_first_name_is_that_of_the_master() -> None:
    assert PAIRS["keepalived + vrrpd"] == {"master": "keepalived", "backup": "vrrpd"}
    assert all(set(daemons) == {"master", "backup"} for daemons in PAIRS.values())


def test_an_unknown_pair_is_refused_before_anything_starts() -> None:
    with pytest.raises(LabError, match="frr"):
        Pairs("basic", ["frr"])


def test_a_takeover_that_comes_before_its_verb_returns_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`stop` waits for the end of a program; backup may have the address by then."""
    stopped = Action(10.0, "stop", "master", "daemon of master stopped")
    taken: list[Fact] = [
        Address(10.6, "master", "eth0", VIP, 32, False),
        Address(10.7, "backup", "eth0", VIP, 32, True),
        Ping(10.8, 1, VIP, "backup", 0.0001),
    ]
    facts: list[Fact] = [Address(5.0, "master", "eth0", VIP, 32, True), stopped, *taken]
    lab = SimpleNamespace(
        now=11.0,
        stop=lambda host: None,
        facts=lambda: facts,
        timeline=lambda: Timeline(facts, VIP, start=0.0, end=11.0),
        close=lambda: None,
    )
    monkeypatch.setattr(api, "lab_class", lambda: lambda *told, **more: lab)
    pairs = Pairs("basic", ["vrrpd"])
    pairs.each("stop", "master")
    assert pairs.takeovers()["vrrpd"].to == "backup"
    pairs.close()
