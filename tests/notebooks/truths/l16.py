"""16 Beyond one pair: who waits for whom, and whose clients notice."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "run-three": r"it was (3\.[6-9]|[45])",
    "run-other": r"it was 0(\.[0-4]\d*)? s",
    "check-after": "Three at work: done",
}
