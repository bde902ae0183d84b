"""16 Mystery: a drill that fails, and one that does not."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "drills": r"no answer for [3-6]\.\d+ s.*no answer for 0\.[5-8]\d* s",
    "judge-solved": "it was 6 of 6",
}
