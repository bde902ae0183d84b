"""The state machine as a table, found by asking `vrrpd.fsm.step()` itself
(`labs.figures.transition_table`).

    python -m tools.transitions          print the table in Markdown
    python tools/transitions.py --write    put it into README.md between its two marks

Every state is shown every kind of event; a row is what came of it.  Events that mean nothing in a
state have no row.  A test holds README.md to this output.
"""

from __future__ import annotations

import sys
from pathlib import Path

from labs.figures.transition_table import rows

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- transitions -->\n", "<!-- end of transitions -->\n"


def table() -> str:
    """The whole table in Markdown, one line for each row."""
    head = ("state", "event", "actions, in order", "timer", "next state")
    lines = [head, ("---",) * len(head), *rows()]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def written(text: str) -> str:
    """`text` with the present table between the marks.  Raises ValueError without marks."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no {BEGIN.strip()} ... {END.strip()}")
    return before + BEGIN + "\n" + table() + "\n" + END + after


def main() -> None:
    """Print the table, or write it where readers find it."""
    if "--write" in sys.argv[1:]:
        README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()
