"""A promise that was not kept in a simulated LAN, and the moment."""

from __future__ import annotations


class InvariantViolation(Exception):
    """`promise` is the name of the check (docs/guarantees.md), `text` what was seen.

    `at` is the virtual time in seconds; the runner of the scenario fills it in.
    """

    def __init__(self, promise: str, text: str, at: float | None = None) -> None:
        super().__init__(promise, text)
        self.promise = promise
        self.text = text
        self.at = at

    def __str__(self) -> str:
        when = "" if self.at is None else f" at {self.at:.6f} s"
        return f"broken promise `{self.promise}`{when}: {self.text}"
