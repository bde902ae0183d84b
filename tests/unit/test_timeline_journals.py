"""vrrpd's journal and keepalived's log become the same kind of facts."""

from __future__ import annotations

import dataclasses
import json
import time

import pytest

from labs.model.facts import State
from labs.monitoring.daemon_logs import complaint, states

JOURNAL = {
    "t": 1795367244.125,
    "mono": 12.5,
    "host": "web2",
    "instance": "VI_1",
    "event": "state",
    "from": "BACKUP",
    "to": "MASTER",
    "reason": "no advertisement for 3.609 s",
    "priority": 100,
}

# As keepalived 2.2.7 wrote it with -n -l -D.
LOG = """\
Sun Nov 22 17:07:20 2026: Starting Keepalived v2.2.7 (01/16,2022)
Sun Nov 22 17:07:20 2026: (VI_1) Entering BACKUP STATE (init)
Sun Nov 22 17:07:24 2026: (VI_1) Receive advertisement timeout
Sun Nov 22 17:07:24 2026: (VI_1) Entering MASTER STATE
Sun Nov 22 17:07:24 2026: (VI_1) setting VIPs.
Sun Nov 22 17:07:31 2026: Netlink reports eth0 down
Sun Nov 22 17:07:31 2026: (VI_1) Entering FAULT STATE
Sun Nov 22 17:07:31 2026: (VI_1) sent 0 priority
"""


def local(text: str) -> float:
    return time.mktime(time.strptime(text, "%a %b %d %H:%M:%S %Y"))


def test_a_journal_line_becomes_a_state() -> None:
    assert states([json.dumps(JOURNAL)], "web2") == [
        State(
            1795367244.125,
            "web2",
            "VI_1",
            "BACKUP",
            "MASTER",
            "no advertisement for 3.609 s",
            100,
        )
    ]


def test_journal_lines_about_other_things_are_skipped() -> None:
    other = [{**JOURNAL, "event": "advert"}, {**JOURNAL, "to": "BACKUP"}]
    assert states(map(json.dumps, other), "web2") == []


def test_a_line_still_being_written_is_skipped() -> None:
    assert states([json.dumps(JOURNAL)[:40]], "web2") == []


def test_the_log_of_keepalived() -> None:
    told = [
        State(local("Sun Nov 22 17:07:20 2026"), "web1", "VI_1", "INIT", "BACKUP"),
        State(
            local("Sun Nov 22 17:07:24 2026"),
            "web1",
            "VI_1",
            "BACKUP",
            "MASTER",
            "Receive advertisement timeout",
        ),
        State(
            local("Sun Nov 22 17:07:31 2026"),
            "web1",
            "VI_1",
            "MASTER",
            "FAULT",
            "Netlink reports eth0 down",
        ),
    ]
    # Its lines have whole seconds.
    expected = [dataclasses.replace(each, resolution=1.0) for each in told]
    assert states(LOG.splitlines(), "web1") == expected


def test_days_before_the_tenth_are_padded_with_a_blank() -> None:
    line = "Sun Nov  1 07:07:24 2026: (VI_1) Entering MASTER STATE"
    assert [s.t for s in states([line], "web1")] == [local("Sun Nov 1 07:07:24 2026")]


def test_a_daemon_that_is_started_again_has_received_nothing_yet() -> None:
    log = [
        "Sun Nov 22 17:07:20 2026: (VI_1) Entering MASTER STATE",
        "Sun Nov 22 17:07:24 2026: (VI_1) Entering BACKUP STATE (init)",
        "Sun Nov 22 17:07:28 2026: (VI_1) Entering MASTER STATE",
        "Sun Nov 22 17:07:32 2026: (VI_1) Entering BACKUP STATE",
    ]
    befores = [(s.frm, s.to) for s in states(log, "web2")]
    assert befores[1:] == [("INIT", "BACKUP"), ("BACKUP", "MASTER"), ("MASTER", "BACKUP")]


def test_instances_are_followed_apart() -> None:
    log = [
        "Sun Nov 22 17:07:20 2026: (VI_1) Entering BACKUP STATE (init)",
        "Sun Nov 22 17:07:20 2026: (VI_2) Entering BACKUP STATE (init)",
        "Sun Nov 22 17:07:24 2026: (VI_2) Entering MASTER STATE",
    ]
    assert [(s.instance, s.frm, s.to) for s in states(log, "web1")] == [
        ("VI_1", "INIT", "BACKUP"),
        ("VI_2", "INIT", "BACKUP"),
        ("VI_2", "BACKUP", "MASTER"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '{"event": "state"}',
        '{"event": "state", "t": "x", "from": "BACKUP", "to": "MASTER"}',
        '{"event": "state", "t": NaN, "from": "BACKUP", "to": "MASTER"}',
        '{"event": "state", "t": null, "from": "BACKUP", "to": "MASTER"}',
        '{"event": "state", "t": 1, "from": "BACKUP", "to": "MASTER", "priority": "high"}',
        '{"t": 1, "event": "sta',
        '{"a":' * 10_000,
        "Sun Nov 99 17:07:24 2026: (VI_1) Entering MASTER STATE",
    ],
)
def test_a_line_that_is_not_a_daemons_costs_that_line(line: str) -> None:
    good = '{"event": "state", "t": 1, "from": "BACKUP", "to": "MASTER"}'
    assert [state.t for state in states([good, line, good], "web1")] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["(VI_1) Entering FAULT STATE (interface eth1 does not exist)", "Startup complete"],
         "(VI_1) Entering FAULT STATE (interface eth1 does not exist)"),
        (["Netlink reports eth0 down", "(VI_1) Entering FAULT STATE"],
         "(VI_1) Entering FAULT STATE (Netlink reports eth0 down)"),
        (["(VI_1) Entering FAULT STATE", "(VI_1) Entering BACKUP STATE"], ""),
        (["(VI_1) Entering MASTER STATE", "(VI_1) received an invalid passwd!", "Reloading"],
         "(VI_1) received an invalid passwd!"),
        (["(VI_1) received an invalid passwd!", "(VI_1) Entering BACKUP STATE"], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_the_line_that_explains_a_log_is_found(lines: list[str], line: str) -> None:
    assert complaint("\n".join(f"Sun Nov 22 17:07:20 2026: {each}" for each in lines)) == line
