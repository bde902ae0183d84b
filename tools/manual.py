"""The reference pages, made from the sources that the program itself obeys.

    docs/configuration.md     every keyword, from the table of vrrpd/config/grammar/
    docs/not-done.md          what keepalived does for VRRP and vrrpd does not
    docs/man/vrrpd.8          from the options of vrrpd/command_line.py
    docs/man/vrrpctl.8        from the commands of vrrpd/ctl.py
    docs/man/vrrpd.conf.5     the keywords again, as a manual page

    python -m tools.manual            say which of them are not current (exit status 1)
    python -m tools.manual --write    write them

A test holds the pages to what this prints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from vrrpd import __version__, command_line, ctl
from vrrpd.config import Keyword, keywords

DOCS = Path(__file__).resolve().parent.parent / "docs"
MARKS = {"done": "done", "parsed": "understood, **not done**", "skipped": "skipped (LVS, BFD)"}
PLAIN = {"done": "", "parsed": " Understood, not done yet.", "skipped": " Skipped (LVS, BFD)."}


def pages() -> dict[Path, str]:
    """The text of every page by its path."""
    return {
        DOCS / "configuration.md": configuration(),
        DOCS / "not-done.md": not_done(),
        DOCS / "man" / "vrrpd.8": program(command_line.command_line(), 8, SIGNALS),
        DOCS / "man" / "vrrpctl.8": program(ctl.command_line(), 8, COMMANDS),
        DOCS / "man" / "vrrpd.conf.5": keyword_page(),
    }


# Markdown.


def configuration() -> str:
    """docs/configuration.md: one table a block."""
    done, known = count()
    lines = [
        "# keepalived.conf, as vrrpd reads it",
        "",
        "Made by `python -m tools.manual --write` from the table that the reader itself obeys"
        " (`vrrpd/config/grammar/`); do not edit.",
        "The meaning of every keyword is that of the newest keepalived, 2.4.3; *since* is the"
        " version that brought it, and `vrrpd` marks an addition of ours, which keepalived does"
        " not know. [versions.md](versions.md) has what has changed after 2.2.7.",
        f"Of {known} keywords on the VRRP side, {done} are done; a keyword that is understood and"
        " not done says so once when it is read.",
        "",
    ]
    for block, rows in by_block():
        lines += [f"## {title(block)}", ""]
        lines += ["| keyword | argument | default | since | meaning | status |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        lines += [row(one) for one in rows]
        lines.append("")
    return "\n".join([*lines, *options()])


def options() -> list[str]:
    """The options of keepalived(8), a row each, then those that only vrrpd has."""
    lines = [
        "## The command line",
        "",
        "Every option of keepalived(8) up to 2.4.3 is accepted, those of debugging builds included,"
        " so `ExecStart=` and a container's command need nothing but the other name. What vrrpd"
        " does not do of an option is logged in one line at the start. vrrpd always stays in the"
        " foreground: a unit of `Type=forking` becomes `Type=notify`.",
        "",
        "| option | value | meaning | status |",
        "| --- | --- | --- | --- |",
    ]
    for one in command_line.OPTIONS:
        names = ", ".join(f"`{name}`" for name in one.names)
        status = f"accepted, **not done**: {one.missing}" if one.missing else "done"
        cells = (names, one.value, one.help, "ours" if one.ours else status)
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


NOT_DONE = (
    "LVS and its checkers, and BFD: out of scope. Their blocks are skipped whole, with one line"
    " each.",
    "SNMP (AgentX) and D-Bus: `vrrpctl --json`, the journal and the dump files carry the same"
    " facts.",
    "`encap`, `as`, `nat` and `ttl-propagate` in routes: such a route is refused by name.",
    "`use_ipvlan` is written, but was never seen at work: no kernel with ipvlan was at hand."
    " The same holds for the kernel's process connector; /proc is scanned where it is refused.",
    "The children and their pid files: vrrpd is one process and stays in the foreground.",
    "The checksum that versions before 1.3.6 used for unicast, and InfiniBand.",
)


def not_done() -> str:
    """docs/not-done.md: everything missing on one short page."""
    lines = ["# What keepalived does for VRRP and vrrpd does not", ""]
    lines += [f"- {one}" for one in NOT_DONE]
    lines += [
        "",
        "The keywords behind these, and a few more; each says so once when it is read:",
        "",
    ]
    for block, rows in by_block():
        names = [f"`{one.name}`" for one in rows if one.status == "parsed"]
        if names:
            lines.append(f"- {title(block).lower()}: {', '.join(names)}")
    return "\n".join([*lines, "", "Made by `python -m tools.manual --write`.", ""])


def row(one: Keyword) -> str:
    """One keyword as a row."""
    instead = f" Deprecated: write `{one.deprecated}`." if one.deprecated else ""
    default = f"`{one.default}`" if one.default else ""
    name, doc, mark = f"`{one.name}`", one.doc + instead, MARKS[one.status]
    cells = (name, one.expected, default, one.since, doc, mark)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def by_block() -> Iterator[tuple[str, list[Keyword]]]:
    """(block, its keywords) in the table's order."""
    for block, rows in groupby(keywords(), key=lambda one: one.block):
        yield block, list(rows)


def title(block: str) -> str:
    """The heading of a block."""
    return f"In `{block}`" if block else "At the root of the file"


def count() -> tuple[int, int]:
    """(done, known) keywords of the VRRP side."""
    ours = [one for one in keywords() if one.status != "skipped"]
    return sum(one.status == "done" for one in ours), len(ours)


# Manual pages.

SIGNALS = (
    ("SIGNALS", (
        ("SIGHUP", "Read the configuration again; with a mistake in it the old one stays."),
        ("SIGTERM, SIGINT", "Resign with priority 0, remove the addresses, end."),
        ("SIGUSR1", "Write the state to keepalived.data in $TMPDIR or /tmp."),
        ("SIGUSR2", "Write the statistics to keepalived.stats."),
    )),
    ("EXIT STATUS", (
        ("0", "Ended by a signal, or the configuration is valid (-t)."),
        ("1", "It runs already."),
        ("2", "The configuration cannot be used."),
        ("4", "Missing permission; with -t: errors that keepalived would report."),
        ("6", "No configuration file."),
    )),
    ("SEE ALSO", (("vrrpctl(8), vrrpd.conf(5), keepalived(8)", "RFC 3768, RFC 9568."),)),
)  # fmt: skip
COMMANDS = (
    ("EXIT STATUS", (
        ("0", "Done."), ("1", "No such instance, or the reload was refused."), ("2", "No daemon."),
    )),
    ("SEE ALSO", (("vrrpd(8)", "The daemon."),)),
)  # fmt: skip
Sections = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def program(parser: argparse.ArgumentParser, section: int, more: Sections) -> str:
    """The manual page of a program."""
    name = parser.prog
    lines = [
        *head(name, section),
        ".SH NAME",
        roff(f"{name} - {parser.description}"),
        ".SH SYNOPSIS",
    ]
    usage = " ".join(parser.format_usage().split()[2:])
    lines += [f".B {name}", roff(usage), ".SH OPTIONS"]
    for action in parser._actions:
        lines += option(action)
    for heading, items in more:
        lines.append(f".SH {heading}")
        for term, text in items:
            lines += [".TP", f".B {roff(term)}", roff(text)]
    return "\n".join(lines) + "\n"


def option(action: argparse.Action) -> list[str]:
    """One option, or every command of a program that has commands."""
    if isinstance(action, argparse._SubParsersAction):
        lines = []
        for choice in action._choices_actions:
            lines += [".TP", f".B {roff(choice.dest)}", roff(choice.help or "")]
        return lines
    value = f" \\fI{roff(action.metavar)}\\fR" if isinstance(action.metavar, str) else ""
    names = ", ".join(f"\\fB{roff(name)}\\fR" for name in action.option_strings)
    return [".TP", names + value, roff(action.help or "")]


def keyword_page() -> str:
    """vrrpd.conf(5)."""
    lines = [
        *head("vrrpd.conf", 5),
        ".SH NAME",
        roff("vrrpd.conf - keepalived.conf as vrrpd reads it"),
        ".SH DESCRIPTION",
        roff(
            "The file is keepalived's, by default /etc/keepalived/keepalived.conf."
            " Comments begin with # or !, braces may stand anywhere, times are in seconds."
        ),
    ]
    for block, rows in by_block():
        lines.append(f".SH {roff(block.upper() or 'ROOT LEVEL')}")
        for one in rows:
            default = f" Default {one.default}." if one.default else ""
            lines += [".TP", f"\\fB{roff(one.name)}\\fR \\fI{roff(one.expected)}\\fR"]
            lines.append(roff(one.doc + default + PLAIN[one.status]))
    return "\n".join(lines) + "\n"


def head(name: str, section: int) -> list[str]:
    """The first lines of every manual page."""
    return [
        '.\\" Made by python -m tools.manual --write; do not edit.',
        f'.TH {name.upper()} {section} "" "VRRP Lab {__version__}" "VRRP Lab"',
    ]


def roff(text: str) -> str:
    """`text` with what roff would take for itself made harmless."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def stale() -> list[Path]:
    """The pages on disk that are not what they should be."""
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write the pages, or name those that are not current."""
    if "--write" in sys.argv[1:]:
        for path, text in pages().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    for path in stale():
        print(f"{path} is not current; remedy: python -m tools.manual --write")
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main())
