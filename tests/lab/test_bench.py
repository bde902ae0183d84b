"""The live panel on a real lab: it sees what happens, obeys, survives a reset, and ends in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from labs import Lab
from labs.api.panel_widget import Bench
from labs.errors import LabError
from labs.panel.sources import OfLab
from tests.support import HUNG_S, eventually


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every message to the page."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(Bench, "send", lambda self, content, buffers=None: messages.append(content))
    return messages


@pytest.fixture
def bench(cluster: Lab, logged: list[dict[str, Any]]) -> Iterator[Bench]:
    """A panel that is shown."""
    made = cluster.bench()
    made._message(None, {"type": "hello"}, None)
    yield made
    made.close()


def holders(bench: Bench) -> list[str]:
    record = bench.record
    hosts = record.at(record.end)["hosts"]
    return [name for name in hosts if 0 in hosts[name]["held"]]


def test_it_knows_what_happened_before_it_was_opened(cluster: Lab, bench: Bench) -> None:
    assert holders(bench) == ["web1"]
    record = bench.record
    hosts = record.at(record.end)["hosts"]
    assert [hosts[name]["dmn"] for name in ("web1", "web2")] == ["runs", "runs"]


def test_a_click_on_a_cable_moves_the_address_and_starts_no_timer_without_carrier(
    cluster: Lab, bench: Bench, logged: list[dict[str, Any]]
) -> None:
    timers = eventually(
        lambda: bench.record.at(bench.record.end)["hosts"]["web2"]["tmr"], what="a timer"
    )
    assert next(iter(timers.values()))[1] == pytest.approx(3 + 156 / 256, abs=0.001)
    bench._message(None, {"type": "do", "verb": "unplug", "host": "web1", "id": 7}, None)
    assert {"type": "answer", "id": 7, "ok": True, "text": ""} in logged
    eventually(lambda: holders(bench) == ["web2"], what="web2 to hold the address")
    assert bench.record.at(bench.record.end)["links"]["web1 eth0"] == [True, False]

    def sent_verbs() -> list[str]:
        events = [event for message in [*logged] for event in message.get("events", ())]
        return [event["v"] for event in events if event["k"] == "act"]

    eventually(lambda: sent_verbs()[-1:] == ["unplug"], what="the page to be told")


def test_a_reset_begins_a_new_record(
    cluster: Lab, bench: Bench, logged: list[dict[str, Any]]
) -> None:
    before = bench.record.start
    cluster.reset()
    eventually(lambda: bench.record.start > before, what="a new record")
    eventually(
        lambda: any(m["type"] == "all" and m["start"] > before for m in logged), what="all of it"
    )


def test_a_command_and_a_file_of_a_host(
    cluster: Lab, bench: Bench, logged: list[dict[str, Any]]
) -> None:
    bench._message(None, {"type": "run", "host": "web2", "command": "hostname", "id": 1}, None)
    bench._message(None, {"type": "conf", "host": "web2", "id": 2}, None)
    bench._message(None, {"type": "run", "host": "nobody", "command": "ls", "id": 3}, None)
    answers = {message["id"]: message for message in logged if message["type"] == "answer"}
    assert answers[1]["text"].strip() == "web2"
    assert "vrrp_instance" in answers[2]["text"]
    assert not answers[3]["ok"]


def test_closing_the_lab_ends_the_thread(logged: list[dict[str, Any]]) -> None:
    with Lab("basic", beside=True) as lab:
        bench = lab.bench()
        bench._message(None, {"type": "hello"}, None)
        thread = bench._thread
        assert thread is not None
        assert thread.is_alive()
    thread.join(HUNG_S)
    assert not thread.is_alive()
    with pytest.raises(LabError, match="closed"):
        OfLab(lab).do("unplug", "web1")
