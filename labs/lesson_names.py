"""What a lesson was called before, so that copies and progress of an earlier course keep working.

    today("05-failover")              ("failover",): only its number has changed
    today("01-vrrp-and-keepalived")   ("what-a-router-sends", "who-is-elected"): it was split

Names here are without their number, which changes when a lesson is added before.
"""

from __future__ import annotations

import re

# What was one lesson: the lessons that it is today.
_SPLIT = {
    "vrrp-and-keepalived": ("what-a-router-sends", "who-is-elected"),
    "what-the-settings-mean": ("what-the-settings-mean", "wrong-settings"),
    "split-brain": ("split-brain", "prevent-split-brain"),
    "beyond-one-pair": ("beyond-one-pair", "routers-and-ipv6"),
}


def today(lesson: str) -> tuple[str, ...]:
    """The names, without a number, of what the lesson ``05-failover`` is today.

    Empty for a name that is a number only, or no lesson's.
    """
    name = _without_number(lesson)
    return _SPLIT.get(name, (name,)) if name else ()


def are_the_same(noted: str, present: str) -> bool:
    """Whether what was noted in the lesson `noted` may belong to the lesson `present`."""
    return noted == present or _without_number(present) in today(noted)


def _without_number(lesson: str) -> str:
    return lesson[3:] if re.match(r"\d\d-", lesson) else ""
