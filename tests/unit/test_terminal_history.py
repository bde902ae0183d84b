"""What a reloaded page gets of a terminal: its text, and no question that it would answer again."""

from __future__ import annotations

import pytest

from labs.jupyter.terminals import History

# What vim 9 asks an xterm when it starts, in this order.
VIM = (
    "\x1b[?1004h\x1b[?12$p\x1b[>c\x1b[6n",
    "\x1b]10;?\x07\x1b]11;?\x07\x1bP+q436f\x1b\\\x1bP$q q\x1b\\",
)


@pytest.mark.parametrize("asked", [*VIM, "\x1b[c", "\x1b[0c", "\x1b[?6n", "\x1b]11;?\x1b\\"])
def test_a_reloaded_page_is_asked_nothing(asked: str) -> None:
    history = History(["root@web1:~# vi x\r\n", asked, "text"])
    assert "".join(history.copy()) == "root@web1:~# vi x\r\ntext"


def test_a_question_may_lie_in_two_pieces() -> None:
    assert "".join(History(["a\x1b]1", "1;?\x07b"]).copy()) == "ab"


def test_what_is_no_question_stays() -> None:
    text = "\x1b[01;32mroot\x1b[0m \x1b]0;title\x07\x1b[?1049h\x1b[2J\x1b[1;1H\x1b[?25h\x1b[?2004h"
    assert "".join(History([text]).copy()) == text


def test_a_long_history_forgets_its_beginning() -> None:
    history = History(maxlen=2)
    for piece in "abc":
        history.append(piece)
    assert "".join(history.copy()) == "bc"
