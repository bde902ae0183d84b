"""The magics of a lesson: %%conf, %%on and %mn act on the running lab of the notebook.

    %%conf web1            the cell becomes /etc/keepalived/keepalived.conf of web1
    %%on web1 web2         the cell's lines are typed at a shell on each
    %%on web2 --changes    the same; a replay goes on with what they change (labs.lab_api)
    %mn link s1 web1 down
                           a line for Mininet's prompt

A name in braces that is one of the learner's own numbers stands for it (`labs.own_numbers`).
A mistake is one line that says what to do, not a traceback.
The kernel "VRRP Lab" loads this module by itself; elsewhere, `%load_ext labs.jupyter.magics`.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from labs import own_numbers, waiting
from labs.bounded_output import left_out
from labs.conf import diagnose, setting
from labs.errors import CommandTimeout, LabError
from labs.jupyter import ended, notebook_errors

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

CHANGES = "--changes"  # an option of %%on
# What a lesson writes into the first line of a cell.
CELL_MAGICS = {"%%on", "%%conf", "%%experiment"}
SHOWN = 100_000  # characters of a command's output that a cell prints
# What a shell on a host shows before each line: [root@web1 ~]#
_PROMPT = """printf '[root@%s %s]# %s\\n' "$HOSTNAME" "$(basename "${{PWD/#$HOME/\\~}}")" {line}"""

# A comment, what is quoted or escaped, and a backslash that continues a line.
_CONTINUED = re.compile(
    r"""(?<!\S)\#[^\n]* | '[^']*' | "(?:[^"\\]|\\.)*" | \\[^\n] | [ \t]*\\\n[ \t]*""", re.X | re.S
)


def magic_comes_first(lines: list[str]) -> list[str]:
    """The `lines` of a cell without the comments and the indentation in front of a `%%on web1`.

    Raises LabError, before anything of the cell runs, for a `%%on` below the first line: IPython
    would take it for Python, and a shell of the host above it for a command.  The lines below a
    magic of IPython's, such as %%capture, are left alone.
    """
    begin = next((n for n, line in enumerate(lines) if not _blank(line)), 0)
    if lines and _magic(lines[begin]):
        lines = [lines[begin].lstrip(), *lines[begin + 1 :]]
    first, *below = lines or [""]
    if _magic(first) == "%%experiment":
        return [first, *magic_comes_first(below)]
    if _magic(first) in {"", *CELL_MAGICS}:
        for line in below:
            if _magic(line) in CELL_MAGICS:
                raise LabError(
                    f"`{line.strip()}` works in the first line of a cell only, and nothing of this "
                    "cell has run: move it into a cell of its own, with the commands that belong "
                    "to it"
                )
    return lines


# It raises errors: no question for whether a line is complete.
magic_comes_first.has_side_effects = True  # type: ignore[attr-defined]


def _magic(line: str) -> str:
    """The `%%on` that `line` begins with; "" if it begins with no magic of a cell."""
    words = line.split(maxsplit=1)
    return words[0] if words and words[0].startswith("%%") else ""


def _blank(line: str) -> bool:
    """Whether nothing of `line` would run."""
    return not line.strip() or line.lstrip().startswith("#")


def _lab() -> Lab:
    from labs.api import lab_class

    return lab_class().current()


@magics_class
class LabMagics(Magics):
    """%%conf HOST, %%on HOST..., %mn COMMAND."""

    @cell_magic
    def conf(self, line: str, cell: str) -> None:
        """Write this cell to keepalived.conf of a host, and say what is wrong with it."""
        lab, names, cell = _lab(), line.split(), own_numbers.fill(cell)
        if not names:
            raise LabError(f"which host? write %%conf {' or %%conf '.join(lab.daemons)}")
        for name in names:
            verb = "reload" if lab.running(name) else "start"
            lab.conf(name, cell if cell.endswith("\n") else cell + "\n")
            for remark in diagnose(cell, name):
                print(remark)
            interface, known = setting(cell, "interface"), lab.layout.interfaces(name)
            if interface is not None and interface not in known:
                print(f"{name} has no interface {interface}: it has {', '.join(known)}")
            print(
                f"keepalived.conf of {name} written; "
                f"`systemctl {verb} keepalived` on {name} puts it to use"
            )

    @cell_magic
    def on(self, line: str, cell: str) -> None:
        """Type the lines of this cell at a shell on each of the hosts.

        With --changes they change their host: a replay goes on with them in their place.
        """
        lab, names = _lab(), line.split()
        changes = CHANGES in names
        names = [name for name in names if name != CHANGES]
        if not names:
            raise LabError(f"which host? write %%on {' or %%on '.join(lab.hosts)}")
        commands, rest = _commands(own_numbers.fill(cell))
        for command in commands:
            _refuse(command, names[0])
        script = _as_typed(commands, rest)
        for name in names:
            shown = _Shown()
            try:
                lab.run(name, script, show=shown.take, changes=changes)
            except CommandTimeout as error:
                raise LabError(
                    f"ended on {name} after {error.seconds:g} s: give the command a limit, such as "
                    f"`ping -c 3` or `timeout 9 tcpdump ...`, or type it in {name}'s terminal"
                ) from None
            finally:
                shown.end()

    @cell_magic
    def experiment(self, line: str, cell: str) -> None:
        """What begin(...) of a lesson replaces: LabError, which says to run that first."""
        raise _not_begun(f"%%experiment {line}")

    @line_magic
    def catch_up(self, line: str) -> None:
        """As `experiment`."""
        raise _not_begun(f"%catch_up {line}".rstrip())

    @line_magic
    def mn(self, line: str) -> None:
        """Give a line to Mininet's prompt and show what it prints."""
        lab = _lab()
        if not hasattr(lab, "net"):
            raise LabError(
                "this is a replay, and Mininet is there only where the lab itself runs: "
                'lab.link("web1", "down") goes on with the recording if somebody did that'
            )
        from labs.emulation.mininet_prompt import command

        print(command(lab, line), end="")


def _not_begun(what: str) -> LabError:
    return LabError(
        f"this kernel has not begun a lesson, to which `{what}` belongs: run the cells above, from "
        "the first (Run > Run All Above Selected Cell)"
    )


class _Shown:
    """Prints what a command prints, as it comes, up to SHOWN characters, and says what it cut."""

    def __init__(self) -> None:
        self._count = 0

    def take(self, text: str) -> None:
        """Print the next piece, or so much of it as fits."""
        room = SHOWN - self._count
        self._count += len(text)
        if room > 0:
            print(text[:room], end="", flush=True)
        if 0 <= room < len(text):
            print("\n[... more follows, which is not shown; ■ (interrupt) ends the command]")

    def end(self) -> None:
        """Say how much was cut, if any was."""
        if self._count > SHOWN:
            print(left_out(self._count - SHOWN, "characters"))


def typed(cell: str) -> str:
    """A shell script that runs the commands of `cell` and shows each after a prompt, as typed."""
    return _as_typed(*_commands(cell))


def _as_typed(commands: list[str], rest: list[str]) -> str:
    """The script of `commands`, each shown after a prompt, and of the lines of the last one."""
    script = [f"{_PROMPT.format(line=shlex.quote(command))}\n{command}" for command in commands]
    return "\n".join([*script, *rest]) + "\n"


def _commands(cell: str) -> tuple[list[str], list[str]]:
    """The commands of `cell`, of a line or of several each, and the lines of one without an end."""
    commands = []
    pending: list[str] = []
    for line in cell.strip("\n").splitlines():
        pending.append(line)
        chunk = "\n".join(pending)
        if not chunk.strip():
            pending = []
        elif _complete(chunk):
            commands.append(_joined(chunk))
            pending = []
    return commands, pending


def _refuse(command: str, host: str) -> None:
    """Raise LabError for an editor, which would wait for its keyboard until it is interrupted."""
    program = notebook_errors.program_of(command)
    if program in notebook_errors.EDITORS:
        raise LabError(
            f"`{program}` needs a terminal, and a cell has none: type it in the terminal of {host}"
        )


def _joined(chunk: str) -> str:
    """A command that a backslash continues on the next line, in one line, as a shell reads it.

    So a line may be wrapped in a lesson, and its recording finds it all the same.
    What a here-document holds stays as it is.
    """

    def joined(found: re.Match[str]) -> str:
        text = found[0]
        if text.startswith('"'):
            return re.sub(r"\\(.)", lambda one: "" if one[1] == "\n" else one[0], text, flags=re.S)
        if text.startswith(("'", "#")) or "\\\n" not in text:
            return text
        return "" if text == "\\\n" else " "

    return chunk if "<<" in chunk else _CONTINUED.sub(joined, chunk)


def _complete(chunk: str) -> bool:
    """Whether a shell would run this or wait for more: a loop, a quote, a here-document."""
    if chunk.endswith("\\"):
        return False
    try:
        checked = subprocess.run(["bash", "-n", "-c", chunk], capture_output=True)
    except FileNotFoundError:
        return True  # a replay on a machine without a shell: most lines are whole
    return checked.returncode == 0 and not checked.stderr


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython: make the magics known."""
    shell.register_magics(LabMagics)
    notebook_errors.prepare(shell)
    shell.input_transformers_cleanup.append(magic_comes_first)
    waiting.show = partial(print, flush=True)
    shell.events.register("pre_run_cell", _come_to_the_front)
    ended.announce(shell)


def _come_to_the_front(_info: object) -> None:
    """Mark the lab of this notebook as the one used last: the terminals of hosts go there."""
    module = sys.modules.get("labs.emulation.lab")  # not loaded: there is no lab yet
    if module is not None:
        with suppress(LabError, OSError):
            module.Lab.current().come_to_the_front()
