"""How a cell of a lesson fails: one message or one line that says what to do, never a traceback.

    commit(who)             without an answer: a card, and the cells below do not run
    lab.plug(web1)          a name without its quotes
    ping 192.168.1.10       a shell command where Python was expected
    !systemctl restart ...  a command that would run beside the lab, on no host of it
    %on web1 ip link        with one % instead of two
    check(lab, "x")         in a kernel that was restarted: which cell to run first

IPython lets a shell have one handler for chosen exceptions; `install` gives it ours, which leaves
alone what it does not understand. Elsewhere (a script, a terminal) the same words come as the last
line of an ordinary error.
"""

from __future__ import annotations

import difflib
import inspect
import linecache
import re
from collections.abc import Callable
from types import MethodType, TracebackType
from typing import Any

from labs.cards import OPEN, Card
from labs.errors import LabError

# What the first cell of a lesson makes known, and what it begins with.
_FIRST_CELL = {"Lab", "show", "begin", "check", "commit", "compare", "doctor", "predict", "quiz"}
_RUN_FIRST_CELL = "run the first cell of the lesson, the one with `from labs import ...`"
# What learners type at a shell. Those in _FULL_SCREEN need a terminal; EDITORS wait for ever
# without one.
EDITORS = {"vi", "vim", "nano", "emacs"}
_FULL_SCREEN = EDITORS | {"less", "more", "man", "top", "htop", "watch"}
_COMMANDS = _FULL_SCREEN | set(
    """
    arp arping bash cat cd chmod chown cp curl date diff dig echo find grep head hostname ifconfig
    ip iptables journalctl keepalived kill ls mkdir mv nc netstat nft nslookup ping ps
    pwd rm route sed service sh ss ssh sudo sysctl systemctl tail tcpdump touch traceroute uptime
    vrrpctl wget which
    """.split()  # noqa: SIM905
)
# Those that mean a host of the lab behind a `!` as well; so does what names /etc/keepalived.
_OF_A_HOST = set(
    """
    arp arping ifconfig ip iptables journalctl keepalived nft ping service ss sysctl systemctl
    tcpdump vrrpctl
    """.split()  # noqa: SIM905
)
# What the lines of a `%%experiment` are called in a traceback.
EXPERIMENT = "<experiment>"
INTERRUPTED = "interrupted: the cell has ended here; what it had done until then stays done"


class LessonError(Exception):
    """Not an error: the learner is asked to do something first. Stops the run of a notebook."""

    def __init__(self, title: str, *words: str) -> None:
        super().__init__("; ".join([title, *words]))
        self.card = Card(OPEN, title, words)

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of a traceback where `install` was not called."""
        return [repr(self.card)]


class _Stays:
    """What `exit` and `quit` are in a notebook: words, instead of the end of the kernel."""

    def __repr__(self) -> str:
        return "this is a notebook, not a shell: Kernel > Shut Down Kernel ends the lab"

    __call__ = __repr__


def install(shell: Any = None) -> None:
    """Teach the running IPython our manners; without one, nothing happens. May be repeated."""
    if shell is None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
    if shell is not None:
        from IPython.core.error import UsageError

        kinds = (LessonError, NameError, SyntaxError, AttributeError, TypeError, KeyboardInterrupt)
        shell.set_custom_exc((*kinds, UsageError), _handle)


def prepare(shell: Any) -> None:
    """Make `shell` a learner's: our manners from the first cell, no command taken for a magic."""
    install(shell)
    shell.automagic = False
    shell.system = _not_beside_the_lab(shell.system, shell.user_ns)
    shell.getoutput = _not_beside_the_lab(shell.getoutput, shell.user_ns)
    shell.user_ns["exit"] = shell.user_ns["quit"] = _Stays()
    formatter = shell.display_formatter.formatters["text/plain"]
    formatter.for_type(MethodType, _show_method)


def program_of(command: str) -> str:
    """The program that a command of a shell runs, by sudo or without; "" for an empty line."""
    words = command.split()
    return words[1] if words[:1] == ["sudo"] and len(words) > 1 else "".join(words[:1])


def _not_beside_the_lab(run: Callable[..., Any], known: dict[str, Any]) -> Callable[..., Any]:
    """`run`, what a `!` does; raises LabError for a command that is meant for a host."""

    def guarded(command: str, *args: Any, **options: Any) -> Any:
        if program_of(command) in _OF_A_HOST or "/etc/keepalived" in command:
            host = next(iter(_hosts(known)), "web1")
            raise LabError(
                f"`!` runs a command beside the lab, on none of its hosts: write `%%on {host}` in "
                f"the first line of the cell, and `{command}` below, or type it in the terminal of "
                f"{host}"
            )
        return run(command, *args, **options)

    return guarded


def _handle(
    shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: Any = None
) -> None:
    """IPython calls this for the exceptions above; the cell counts as failed whatever it does."""
    if isinstance(error, LessonError):
        from IPython.display import display

        shell._last_traceback = []
        display(error.card)
    elif isinstance(error, KeyboardInterrupt):
        shell._showtraceback(kind, error, [f"KeyboardInterrupt: {INTERRUPTED}"])
    elif (words := advice(error, trace, shell.user_ns)) is not None:
        line = LabError(words)
        shell._showtraceback(LabError, line, line._render_traceback_())
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def advice(error: BaseException, trace: TracebackType | None, known: dict[str, Any]) -> str | None:
    """What to do instead of a cell that failed with `error`; None if we do not know.

    `known`: the names of the notebook.
    """
    match error:
        case NameError():
            return unknown_name(error, trace, known)
        case SyntaxError():
            return _shell_command(error.text or "", known)
        case AttributeError():
            return _unknown_verb(error, known)
        case TypeError():
            return _missing_argument(error, known)
    return _one_percent(str(error))


def unknown_name(error: BaseException, trace: Any, known: dict[str, Any]) -> str | None:
    """What to do about an undefined name; None if it is not that.

    Only for a name written in the cell itself: one that a module lacks is a fault of the module.
    """
    if trace is None or not _in_the_cell(trace):
        return None
    found = re.match(r"name '(\w+)' is not defined", str(error))
    if not found:
        return None
    name, line = found.group(1), _line(trace)
    if (words := _shell_command(line, known)) is not None:
        return words
    if name in _hosts(known):
        return f'the name of a host is a text and needs quotes: "{name}"'
    if name in _FIRST_CELL:
        return (
            f"this kernel does not know `{name}` yet: {_RUN_FIRST_CELL}, then this one "
            "(after a restart: Run > Run All Above Selected Cell)"
        )
    if name == "lab":
        return (
            f"this kernel has no lab yet: {_RUN_FIRST_CELL}, then the one above this that says "
            "`lab = Lab(...)`"
        )
    close = difflib.get_close_matches(name, [each for each in known if each[0] != "_"], 1, 0.75)
    if close:
        return f"there is no `{name}` here: did you mean `{close[0]}`?"
    quotes = ""
    if re.search(rf"[(,]\s*{name}\s*[,)]", line):
        quotes = f'; if it is meant as a text, write it in quotes: "{name}"'
    return (
        f"`{name}` is not there yet: first run the cell above that makes it "
        f"(after a restart: Run > Run All Above Selected Cell){quotes}"
    )


def _last(trace: TracebackType) -> TracebackType:
    """The innermost frame of `trace`."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _in_the_cell(trace: TracebackType) -> bool:
    """Whether it happened in a line of the cell: one frame below IPython, or in an experiment."""
    if trace.tb_next is None or trace.tb_next.tb_next is None:
        return True
    return _last(trace).tb_frame.f_code.co_filename == EXPERIMENT


def _line(trace: TracebackType) -> str:
    """The line of the cell in which it happened."""
    last = _last(trace)
    return linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno)


def _lab(known: dict[str, Any]) -> Any:
    """The notebook's lab, or None."""
    lab = known.get("lab")
    return lab if hasattr(lab, "holders") else None


def _hosts(known: dict[str, Any]) -> list[str]:
    return list(getattr(_lab(known), "hosts", ()))


def _shell_command(line: str, known: dict[str, Any]) -> str | None:
    """Where to type the command that begins `line`; None if it begins with none."""
    typed = line.strip()
    first = typed.split(maxsplit=1)[0] if typed else ""
    host = next(iter(_hosts(known)), "web1")
    if first == "labs":
        return f"`{typed}` is for a shell of your own machine, and this cell is Python"
    if first not in _COMMANDS or re.match(r"\s*[=.(\[]", typed[len(first) :]):
        return None
    place = f"type it in the terminal of a host, such as {host}"
    if first not in _FULL_SCREEN:
        place = f"write `%%on {host}` in the line above it, or {place}"
    return f"`{typed}` is a shell command, and this cell is Python: {place}"


def _one_percent(words: str) -> str | None:
    """How to write a magic of a whole cell that was written with one % sign."""
    found = re.match(r"Line magic function `%(on|conf|experiment)` not found", words)
    if found is None:
        return None
    name = found.group(1)
    return f"write `%%{name}`, with two % signs, in the first line of a cell, and the rest below it"


def _unknown_verb(error: AttributeError, known: dict[str, Any]) -> str | None:
    """What a lab has instead of the name that it has not."""
    lab = _lab(known)
    if lab is None or error.obj is not lab:
        return None
    names = [name for name in dir(lab) if name[0] != "_"]
    close = difflib.get_close_matches(str(error.name), names, 1)
    remedy = f"did you mean `lab.{close[0]}`?" if close else "lesson 00 lists the kit's names"
    return f"a lab has no `{error.name}`: {remedy}"


def _missing_argument(error: TypeError, known: dict[str, Any]) -> str | None:
    """How a verb of the lab is called."""
    found = re.match(r"\w+\.(\w+)\(\) missing \d+ required positional arg\w+: (.+)", str(error))
    method = getattr(_lab(known), found.group(1), None) if found else None
    if found is None or method is None:
        return None
    return f"`lab.{found.group(1)}` needs {found.group(2).replace(chr(39), '')}: {_call(method)}"


def _call(method: Any) -> str:
    """An example of how to call it: ``lab.plug("web1")``."""
    needed = [
        '"web1"' if name == "host" else name.upper()
        for name, each in inspect.signature(method).parameters.items()
        if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    return f"lab.{method.__name__}({', '.join(needed)})"


def _show_method(method: MethodType, printer: Any, _cycle: bool) -> None:
    """A verb of the lab that was named and not called says how to call it."""
    if hasattr(method.__self__, "holders"):
        printer.text(f"nothing was done: write {_call(method)}, with the parentheses")
    else:
        printer.text(repr(method))
