"""How a lesson refuses: one card or one line, never a traceback.

    commit(who)         without an answer: a card, and the cells below do not run
    check(lab, "x")     in a kernel that was restarted: one line, which says what to run first

IPython lets a shell have one handler for chosen exceptions; `install` gives it ours.
Elsewhere (a script, a terminal) the same words come as the last line of an ordinary error.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from labs.cards import OPEN, Card
from labs.errors import LabError


class LessonError(Exception):
    """Not an error: the learner is asked to do something first. Stops the run of a notebook."""

    def __init__(self, title: str, *words: str) -> None:
        super().__init__("; ".join([title, *words]))
        self.card = Card(OPEN, title, words)

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of a traceback where `install` was not called."""
        return [repr(self.card)]


def install(shell: Any = None) -> None:
    """Teach the running IPython our manners; without one, nothing happens. May be repeated."""
    if shell is None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((LessonError, NameError), _handle)


def _handle(shell: Any, kind: type, error: Exception, trace: Any, tb_offset: Any = None) -> None:
    """IPython calls this for the exceptions above; the cell counts as failed whatever it does."""
    if isinstance(error, LessonError):
        from IPython.display import display

        shell._last_traceback = []
        display(error.card)
    elif (words := unknown_name(error, trace, shell.user_ns)) is not None:
        line = LabError(words)
        shell._showtraceback(LabError, line, line._render_traceback_())
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def unknown_name(error: Exception, trace: Any, known: dict[str, Any]) -> str | None:
    """What to run before a cell that uses an undefined name; None if it is not that.

    Only for a name written in the cell itself: one that a module lacks is a fault of the module.
    """
    if trace is None or (trace.tb_next is not None and trace.tb_next.tb_next is not None):
        return None
    found = re.match(r"name '(\w+)' is not defined", str(error))
    if not found:
        return None
    name = found.group(1)
    close = difflib.get_close_matches(name, [each for each in known if each[0] != "_"], 1, 0.75)
    if close:
        return f"there is no `{name}` here: did you mean `{close[0]}`?"
    if name in {"lab", "Lab"}:
        return (
            "this kernel has no lab yet: run the first cell of the lesson, then the one above "
            "that says `lab = Lab(...)`"
        )
    return (
        f"`{name}` is not there yet: first run the cell above that makes it "
        "(after a restart: Run > Run All Above Selected Cell)"
    )
