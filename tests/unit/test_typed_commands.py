"""What `%%on` makes of a cell: a command that is wrapped by backslashes is that of one line."""

from __future__ import annotations

import subprocess

import pytest

from labs.jupyter.magics import typed

WRAPPED = [
    ("printf '<%s>' a \\\n    'b c' \\\n    d", "printf '<%s>' a 'b c' d"),
    ("printf '<%s>' a\\\nb", "printf '<%s>' ab"),
    ('printf "<%s>" "a\\\n   b \\\\ c"', 'printf "<%s>" "a   b \\\\ c"'),
    ("printf '<%s>' 'a \\\n b'", None),
    ("# a comment \\\nprintf b", None),
    ("cat <<'END'\na \\\n  b\nEND", None),
    ("printf '<%s>' \\\\ \\' \\\n  a", "printf '<%s>' \\\\ \\' a"),
]


def output(script: str) -> str:
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout


@pytest.mark.parametrize(("cell", "line"), WRAPPED)
def test_a_wrapped_command_is_run_as_the_shell_reads_it(cell: str, line: str | None) -> None:
    """One that a backslash does not continue, as in a comment, stays as it was written."""
    prompt, _, rest = typed(cell).partition("\n")
    assert prompt.startswith("printf '[root@")
    assert output(typed(cell)).endswith(output(cell))
    if line is not None:
        assert rest == f"{line}\n"
        assert typed(cell) == typed(line)
