"""21 Mystery: a drill that fails, and one that does not."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "drills": r"Nobody held \S+ from 0\.\d+ s to 4\.\d+ s.*the last.*no answer for [01]\.",
    "judge-solved": "it was 6 of 6",
}
