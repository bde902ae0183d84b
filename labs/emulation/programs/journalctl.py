"""journalctl of a lab host: a stand-in that shows the log of one service, keepalived.

    journalctl -u keepalived [-f] [-n N] [--since TIME] [--until TIME] [-e] [-r] [-g PATTERN]
                             [-o short|cat] [--no-pager]

It takes the words of journalctl(1) and prints the daemon's log file in the journal's form:

    in the log    Sun Nov 29 01:36:30 2026: (VI_1) Entering MASTER STATE
    printed       Nov 29 01:36:30 web1 Keepalived_vrrp: (VI_1) Entering MASTER STATE

What it cannot do it refuses with what to do instead.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple, NoReturn

from labs.emulation.programs import keepalived_unit as service
from labs.emulation.programs.keepalived_unit import Unit

DESCRIPTION = """A stand-in of VRRP Lab for journalctl(1): on a lab host it shows the log of one
service, keepalived, whichever of the two daemons (keepalived, vrrpd) this host runs."""
EPILOG = """TIME is a clock time (14:05 or 14:05:30), a date and time ("2026-11-29 14:05"), today,
yesterday, now, -5min, or "5 min ago".  The daemons write whole seconds and no process ids.
Everything else of journalctl is not here: the log itself is a file that `less`, `grep` and `tail`
read, and `systemctl cat keepalived` names it."""

_STAMPED = re.compile(r"(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}): (.*)")
_SPAN = re.compile(r"\s*(\d+)\s*(seconds?|sec|s|minutes?|min|m|hours?|h|days?|d)\s*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_IDENTIFIERS = {"keepalived": "Keepalived_vrrp"}  # as keepalived's own process calls itself
_MANY = 1000  # lines that -e looks at, as journalctl


class Line(NamedTuple):
    """One line of the log: Unix time (s), who wrote it, and the text."""

    t: float
    identifier: str
    text: str


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is not understood, and where to read more; exit status 1, as journalctl's."""
        self.exit(
            1,
            f"journalctl here is a stand-in: {message}; `journalctl --help` lists what it can do\n",
        )


def main(words: list[str]) -> int:
    """Print what `words` ask for; the exit status of journalctl(1)."""
    options = _parser().parse_args(_joined(words))
    for name in options.unit:
        if name.removesuffix(".service") != "keepalived":
            print("-- No entries --")
            print(f"journalctl here is a stand-in and has no log of {name}: it shows keepalived's, "
                  "`journalctl -u keepalived`", file=sys.stderr)  # fmt: skip
            return 1
    unit = service.unit()
    if unit is None:
        print("-- No entries --")
        return 0
    try:
        return _show(unit, options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered has no reader
        return 141


def _joined(words: list[str]) -> list[str]:
    """`words` with each time joined to its option: argparse takes -5min for another option."""
    found = list(words)
    for n, word in enumerate(found[:-1]):
        if word in ("-S", "--since", "-U", "--until"):
            name = "--since" if word in ("-S", "--since") else "--until"
            found[n : n + 2] = [f"{name}={found[n + 1]}"]
            return [*found[: n + 1], *_joined(found[n + 1 :])]
    return found


def _parser() -> _Parser:
    parser = _Parser(
        prog="journalctl", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("-u", "--unit", action="append", default=[], metavar="UNIT", help="keepalived")
    add("-f", "--follow", action="store_true", help="go on with what is logged from now on")
    add("-n", "--lines", type=_count, nargs="?", const=10, metavar="N", help="the last N, or all")
    add("-S", "--since", type=moment, metavar="TIME", help="from then on")
    add("-U", "--until", type=moment, metavar="TIME", help="up to then")
    add("-e", "--pager-end", action="store_true", help="begin at the end, in the pager")
    add("-r", "--reverse", action="store_true", help="newest first")
    add("-g", "--grep", metavar="PATTERN", help="lines that match; capitals count if there are any")
    add("-o", "--output", choices=["short", "cat"], default="short", help="cat: the text alone")
    add("--no-pager", action="store_true", help="print, and do not open less")
    add("-x", "--catalog", action="store_true", help="accepted; there are no explanations")
    add("-b", "--boot", action="store_true", help="accepted; a lab host has had one boot")
    add("-q", "--quiet", action="store_true", help="accepted")
    return parser


def lines(unit: Unit) -> list[Line]:
    """The whole log of the service, oldest line first."""
    return list(_lines(service.read(unit.log).splitlines(), unit))


def short(line: Line) -> str:
    """A line as the journal shows it."""
    stamp = time.strftime("%b %d %H:%M:%S", time.localtime(line.t))
    return f"{stamp} {socket.gethostname()} {line.identifier}: {line.text}"


def _lines(texts: Iterable[str], unit: Unit) -> Iterator[Line]:
    identifier, t = _IDENTIFIERS.get(unit.program, unit.program), time.time()
    for text in texts:
        found = _STAMPED.match(text)
        if found:
            try:
                t = time.mktime(time.strptime(found[1], "%a %b %d %H:%M:%S %Y"))
                text = found[2]
            except (ValueError, OverflowError):
                pass
        # A line without a time goes on with the line before it.
        yield Line(t, identifier, text.rstrip("\n"))


def _show(unit: Unit, options: argparse.Namespace) -> int:
    if options.follow:
        return _follow(unit, options)
    found = _chosen(lines(unit), options)
    count = options.lines
    if count is None and options.pager_end:
        count = _MANY
    if count is not None and count >= 0:
        found = found[len(found) - count :] if count < len(found) else found
    if options.reverse:
        found.reverse()
    text = "\n".join(_worded(each, options) for each in found) or "-- No entries --"
    paged = not options.no_pager and sys.stdout.isatty() and shutil.which("less")
    if not paged:
        print(text)
        return 0
    import subprocess

    less = ["less", "-FRSXMK", *(["+G"] if options.pager_end and not options.reverse else [])]
    subprocess.run(less, input=text + "\n", text=True)
    return 0


def _follow(unit: Unit, options: argparse.Namespace) -> int:
    """Print the last lines, and what comes, until Ctrl-C."""
    import subprocess

    known = _chosen(lines(unit), options)
    count = 10 if options.lines is None else options.lines
    last = known if count < 0 else known[len(known) - count :] if count < len(known) else known
    written = len(service.read(unit.log).splitlines())
    for each in last:
        print(_worded(each, options), flush=True)
    # tail is awakened by the file, and follows one that is made again.
    command = ["tail", "-q", "-F", "-n", f"+{written + 1}", unit.log]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          errors="replace") as tail:  # fmt: skip
        try:
            assert tail.stdout is not None
            for each in _lines(tail.stdout, unit):
                for line in _chosen([each], options):
                    print(_worded(line, options), flush=True)
        finally:
            tail.terminate()
    return 0


def _worded(line: Line, options: argparse.Namespace) -> str:
    return line.text if options.output == "cat" else short(line)


def _chosen(found: list[Line], options: argparse.Namespace) -> list[Line]:
    """The lines within --since and --until that match --grep."""
    since, until, pattern = options.since, options.until, options.grep
    if pattern is not None:
        flags = re.IGNORECASE if pattern == pattern.lower() else 0
        try:
            wanted = re.compile(pattern, flags)
        except re.error as error:
            raise SystemExit(f"Bad pattern {pattern!r}: {error}") from None
        found = [each for each in found if wanted.search(each.text)]
    return [
        each
        for each in found
        # The daemons write whole seconds: what was logged within the second of --since counts.
        if (since is None or each.t >= int(since)) and (until is None or each.t <= until)
    ]


def _count(word: str) -> int:
    """A number of lines; -1 for all of them."""
    if word == "all":
        return -1
    if not word.isdigit():
        raise argparse.ArgumentTypeError(f"'{word}' is not a number of lines, nor `all`")
    return int(word)


def moment(word: str) -> float:
    """Unix time of one of the forms that EPILOG names."""
    now = time.time()
    today = time.strftime("%Y-%m-%d", time.localtime(now))
    text = word.strip()
    if text in ("now", ""):
        return now
    if text in ("today", "yesterday"):
        midnight = time.mktime(time.strptime(today, "%Y-%m-%d"))
        return midnight - (86400 if text == "yesterday" else 0)
    if text.startswith("@") and text[1:].replace(".", "", 1).isdigit():
        return float(text[1:])
    if text.startswith("-") or text.endswith("ago"):
        rest = text.removeprefix("-").removesuffix("ago").strip()
        spans = _SPAN.findall(rest)
        if spans and not _SPAN.sub("", rest):
            return now - sum(int(count) * _SECONDS[unit[0]] for count, unit in spans)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        for candidate in (text, f"{today} {text}"):
            try:
                return time.mktime(time.strptime(candidate, form))
            except (ValueError, OverflowError):
                continue
    raise argparse.ArgumentTypeError(f"'{word}' is not a time that it understands")
