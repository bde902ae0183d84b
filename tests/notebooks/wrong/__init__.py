"""Wrong answers to the challenges: two typical ones each, in a module lNN for each lesson.

    WRONG = {"leave": (Wrong("lab.crash('web1')", hint="killed says nothing"), ...)}

A check must distinguish these from a solution, and say what is wrong with them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong attempt of a learner: Python for the cell, and a regex for the first hint then."""

    code: str
    hint: str
