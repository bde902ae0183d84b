"""Lesson 19: what the hints of its challenge say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from labs.experiments.checklist import points_hint
from labs.lessons.course import l19_the_real_thing as production
from labs.model.facts import Action


def test_an_outage_is_put_down_to_what_was_done_before_it() -> None:
    outage = SimpleNamespace(start=10.01, end=14.3, duration=4.29)
    facts = [
        Action(10.0, "stop", "web2", "daemon of web2 stopped"),
        Action(10.04, "start", "web2", "daemon of web2 started"),
        Action(20.0, "reload", "web2", "daemon of web2 reloaded"),
    ]
    held = [SimpleNamespace(start=1.0)]
    seen = SimpleNamespace(facts=facts, outages=[outage], spans=lambda: held)
    lab: Any = SimpleNamespace(timeline=lambda: seen)
    assert "after this: daemon of web2 stopped;" in production._outage_hint(lab)


def test_the_first_point_is_one_with_a_remedy() -> None:
    text = (
        "ok    mail: fine\nLOOK  file: keepalived -t says: no\nLOOK  scripts: write script_user\n"
    )
    lab: Any = SimpleNamespace(servers=["web1"], run=lambda *_: SimpleNamespace(text=text))
    assert points_hint(lab) == "web1: scripts: write script_user (and 1 more)"
