"""A run in a tab is a function of its topology, files, actions and the moment: labs/browser."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest

from labs.browser import player, rpc
from labs.browser.run import Act, Run
from labs.browser.topologies import TOPOLOGIES
from labs.errors import LabError

PULL = [[8_250, "unplug", "web1"], [20_000, "plug", "web1"]]


def state(run: Run) -> dict[str, Any]:
    """Whatever can be seen of a run, but for counters."""
    lan = run.lan
    return {
        "now": run.now,
        "holders": lan.holders(),
        "status": {host: daemon.status() for host, daemon in lan.daemons.items()},
        "states": {
            host: [e for e in lines if e["event"] == "state"]
            for host, lines in lan.journals.items()
        },
    }


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_topology_has_one_holder_of_each_address(topology: str) -> None:
    shown = player.start(topology, moment=6.0)
    held = [number for host in shown["network"]["hosts"] for number in _held(shown, host["name"])]
    assert sorted(held) == list(range(len(shown["network"]["addresses"])))


def _held(shown: dict[str, Any], host: str) -> list[int]:
    latest: dict[int, bool] = {}
    for event in shown["events"]:
        if event["k"] == "own" and event["h"] == host:
            latest[event["a"]] = event["on"]
    return sorted(number for number, on in latest.items() if on)


def test_a_run_that_was_watched_and_one_that_was_played_at_once_are_the_same() -> None:
    actions = [Act.of(row) for row in PULL]
    watched = Run("pair", {}, [])
    for moment in range(1, 3601):
        while actions and actions[0].t <= watched.now:
            first = actions.pop(0)
            watched.act(first.verb, first.words)
        due = actions[0].t / 1000 if actions else moment
        watched.to(min(moment, due)).to(moment if due >= moment else due)
    at_once = Run("pair", {}, [Act.of(row) for row in PULL]).to(3600)
    assert [one.row() for one in watched.actions] == [one.row() for one in at_once.actions]
    assert state(watched)["states"] == state(at_once)["states"]
    assert state(watched)["holders"] == state(at_once)["holders"] == ["web1"]


def test_an_action_at_a_past_moment_drops_what_was_done_later() -> None:
    player.start("pair", None, PULL, 30.0)
    found = player.act("stop", "web2", at=10.0)["whole"]
    assert found["now"] == 10.0
    assert found["actions"] == [PULL[0], [10_000, "stop", "web2"]]


def test_a_dropped_packet_is_sent_and_not_received() -> None:
    player.start("pair", moment=7.0)
    last = player.sent(1)[0]
    shown = player.drop(last["host"], last["vrid"], last["t"], at=7.0)["whole"]
    at = [event for event in shown["events"] if event["t"] == last["t"]]
    assert {event["k"] for event in at} & {"adv", "hrd"} == {"adv"}
    others = [event["t"] for event in shown["events"] if event["k"] == "hrd"]
    assert others
    assert last["t"] not in others


def test_three_in_a_row_move_the_address_and_two_do_not() -> None:
    for times, takes_over in ((2, False), (3, True)):
        rows = [[5_500, "drop", "web1"]] * times
        run = Run("pair", {}, [Act.of(row) for row in rows]).to(12)
        states = [line["to"] for line in run.lan.journal("web2") if line["event"] == "state"]
        assert ("MASTER" in states) == takes_over


def test_a_day_is_skipped_and_a_drop_that_waits_is_not_forgotten() -> None:
    player.start("pair", moment=6.0)
    player.act("drop", "web2")  # a BACKUP, which sends nothing for now
    found = player.advance(86_400, budget=60)
    assert found["now"] == 86_406.0
    assert len(found["events"]) < 2000
    player.act("stop", "web1")
    events = player.advance(8)["events"]
    sent = [event["t"] for event in events if event["k"] == "adv" and event["h"] == "web2"]
    assert len(sent) > 2
    assert not [e for e in events if e["k"] == "hrd" and e["t"] == sent[0]]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("player.start", {"topology": "ring"}, "no topology called 'ring'"),
        ("player.start", {"actions": [["soon", "unplug"]]}, "this is not an action"),
        ("player.start", {"moment": -1}, "is not a moment"),
        ("player.act", {"verb": "burn", "host": "web1"}, "no verb called 'burn'"),
        ("player.command", {"host": "web1", "line": "rm -r /"}, "does not run in a tab"),
        ("player.write", {"host": "web1", "text": "#" * 1_000_000}, "1000000 characters"),
        ("player.nothing", {}, "there is no function 'player.nothing'"),
        ("os.getcwd", {}, "there is no function 'os.getcwd'"),
    ],
)
def test_a_call_that_cannot_be_answered_says_why(
    name: str, arguments: dict[str, Any], words: str
) -> None:
    player.start("pair")
    answer = json.loads(rpc.call(name, json.dumps(arguments), print))
    assert answer["ok"] is False
    assert words in answer["text"]
    assert "traceback" not in answer


def test_a_host_answers_as_its_programs_do() -> None:
    player.start("pair", moment=6.0)
    assert "VI_1: MASTER" in player.command("web1", "vrrpctl status")
    assert "inet 192.168.1.10/32" in player.command("web1", "ip address show")
    assert "Entering MASTER STATE" in player.command("web1", "journalctl -u keepalived")
    with pytest.raises(LabError, match="no host called 'web9'"):
        player.log("web9")


def test_a_mistake_is_placed_where_it_was_typed() -> None:
    player.start("pair")
    (found,) = [
        one
        for one in player.check(
            "web1", "vrrp_instance A {\n  priorty 3\n  virtual_router_id 1\n  interface eth0\n}"
        )
        if "priorty" in one["message"]
    ]
    assert (found["line"], found["column"], found["length"]) == (2, 3, 7)
    assert found["suggestion"] == "priority"


def test_two_routers_move_both_addresses_when_the_cable_of_one_network_is_pulled() -> None:
    shown = player.start("routers", moment=6.0)
    assert shown["network"]["switches"] == ["s1", "s2"]
    assert _held(shown, "r1") == [0, 1]
    player.act("unplug", "r1", ["eth1"])
    player.advance(6, budget=60)
    found = player.everything()
    assert (_held(found, "r1"), _held(found, "r2")) == ([], [0, 1])
    assert "eth1: state DOWN" in player.command("r1", "ip address")
    assert "inet 10.0.0.10/24" in player.command("r2", "ip address")
    player.act("plug", "r1", ["eth1"])
    player.advance(6, budget=60)
    assert _held(player.everything(), "r1") == [0, 1]


def test_without_a_sync_group_each_network_of_two_routers_moves_by_itself() -> None:
    player.start("routers", moment=6.0)
    for host in ("r1", "r2"):
        text = player.conf(host)
        start, end = text.index("vrrp_sync_group"), text.index("vrrp_instance")
        player.write(host, text[:start] + text[end:])
    player.act("cut", "r1", ["eth1"])
    player.advance(6, budget=60)
    found = player.everything()
    assert (_held(found, "r1"), _held(found, "r2")) == ([0, 1], [1])  # a split brain outside


def test_an_interface_that_is_not_there_is_named() -> None:
    player.start("routers", moment=6.0)
    with pytest.raises(LabError, match="no interface called 'eth2'"):
        player.act("unplug", "r1", ["eth2"])


def test_two_routers_that_are_left_alone_are_skipped_like_a_pair() -> None:
    day = 86_400.0
    run = Run("routers", {}, [Act.of([round(day * 1000), "unplug", "r1", "eth1"])]).to(day + 6)
    assert run.lan.holders() == ["r2"]
    assert run.lan.clock.skipped > 0


def test_a_run_that_goes_on_takes_no_more_memory_once_all_that_it_keeps_is_full() -> None:
    player.start("pair", moment=6.0)
    for host in ("web1", "web2"):  # ten times as many Advertisements fill everything sooner
        text = player.conf(host).replace("advert_int 1", "version 3\nadvert_int 0.1")
        start, end = text.index("authentication"), text.index("virtual_ipaddress")
        player.write(host, text[:start] + text[end:])

    def most(pieces: int) -> int:
        """The most bytes that were allocated after one of so many pieces of 50 s."""
        held = []
        for _ in range(pieces):
            for _ in range(25):
                player.advance(2.0, budget=60)
            gc.collect()  # whether cycles have been collected by now is the interpreter's business
            held.append(tracemalloc.get_traced_memory()[0])
        return max(held)

    tracemalloc.start()
    try:
        first = most(2)
        full = most(8)
        assert full > first, "nothing is kept: this test measures nothing"
        assert most(4) < 1.1 * full
    finally:
        tracemalloc.stop()
