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
