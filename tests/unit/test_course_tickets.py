"""Lesson 21: what the last hints say, and which tickets are counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labs.errors import LabError
from labs.lessons.course import l21_mystery as mystery

EXCLUDED = """vrrp_instance VI_1 {{
    virtual_router_id {vrid}
    virtual_ipaddress_excluded {{
        {address}
    }}
}}
"""
SCRIPT = 'vrrp_script a {{\n    script "/bin/ping -c 1 -W 1 {}"\n}}\n'


def with_file(text: str) -> Any:
    return SimpleNamespace(conf=lambda _host: text)


def test_the_last_hint_does_not_call_a_repaired_file_wrong() -> None:
    wrong = EXCLUDED.format(vrid=15, address="192.168.1.110")
    right = EXCLUDED.format(vrid=51, address="192.168.1.10")
    for hint in (mystery._drill_answer, mystery._vrid_answer):
        assert hint(with_file(right)).endswith(", systemctl reload keepalived")
        assert "is right" in hint(with_file(right))
        assert "is right" not in hint(with_file(wrong))
    assert "192.168.1.1," in mystery._script_answer(with_file(SCRIPT.format("192.168.1.1")))
    assert "is right" in mystery._script_answer(with_file(SCRIPT.format("192.168.1.100")))


def test_tickets_that_were_not_tried_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"mystery-{number}": [False, True] for number in range(1, 7)}
    monkeypatch.setattr(
        mystery,
        "memory",
        SimpleNamespace(
            entries=lambda _kind, item: [SimpleNamespace(passed=each) for each in known[item]]
        ),
    )
    assert mystery._solved_at_once(SimpleNamespace()) == 6  # type: ignore[arg-type]
    known |= {"mystery-2": [False, False, True], "mystery-3": [True]}
    assert mystery._solved_at_once(SimpleNamespace()) == 5  # type: ignore[arg-type]
    known |= {"mystery-4": [False], "mystery-5": []}
    with pytest.raises(LabError, match="not tried yet: ticket 4, 5"):
        mystery._solved_at_once(SimpleNamespace())  # type: ignore[arg-type]
