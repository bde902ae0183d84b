"""vrrpctl: ask a running vrrpd.

    vrrpctl status            state, reason, timers and addresses of every instance
    vrrpctl why [NAME]        the last changes of state and why they happened
    vrrpctl watch             the journal as it is written, until Ctrl-C
    vrrpctl stats             the counters (names from RFC 8347)
    vrrpctl reload            read the configuration again
    vrrpctl metrics           state and counters as OpenMetrics text
    vrrpctl release [NAME]    resign, and stay BACKUP until `resume`; NAME: instance or sync group
    vrrpctl drain             the same for all, also for instances that a reload adds
    vrrpctl resume [NAME]     take part in the election again

Without --socket it asks the one vrrpd that runs here; daemons with an `instance` name or a
`net_namespace` listen under names of their own, and of several one has to be chosen.

Exit status: 0 done, 1 no such instance (or reload refused), 2 no daemon.  `--json` prints the
daemon's answer as it came.
"""

from __future__ import annotations

import argparse
import errno
import glob
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from vrrpd.command import ended
from vrrpd.endpoint import SOCKET

# Where daemons with a name or a network of their own listen: beside their pid files.
OTHERS = ("/run/keepalived/vrrpd*.sock", "/run/keepalived/*/vrrpd*.sock")
NAMED = "one instance with its sync group, or one sync group"
NOT_FOUND = 1
NO_DAEMON = 2


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    return ended("vrrpctl", lambda: _run(parse(argv)))


def _run(arguments: argparse.Namespace) -> int:
    """Ask the daemon, print the answer; return the exit status."""
    sockets = [arguments.socket] if arguments.socket else listening()
    if len(sockets) > 1:
        print(
            f"vrrpctl: several daemons run here: --socket {' or '.join(sockets)}", file=sys.stderr
        )
        return NO_DAEMON
    try:
        answers = _ask(sockets[0], arguments.command, getattr(arguments, "name", None))
        first = next(answers)
        accepted = bool(first["ok"])
    except StopIteration:
        return _no_daemon(sockets[0], "it hung up")
    except OSError as error:
        return _no_daemon(sockets[0], error.strerror or str(error))
    except (ValueError, TypeError, KeyError):
        return _no_daemon(sockets[0], "what listens there is another program")
    if not accepted:
        print(f"vrrpctl: {first['error']}", file=sys.stderr)
        return NOT_FOUND
    if arguments.command == "watch":
        _follow(answers, arguments.json)
        return 0
    result = first["result"]
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        SHOW[arguments.command](result)
    return 0 if result is not False else NOT_FOUND


def _no_daemon(path: str, why: str) -> int:
    """Say so; return the exit status."""
    print(f"vrrpctl: no daemon at {path}: {why}", file=sys.stderr)
    return NO_DAEMON


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line, read."""
    return command_line().parse_args(argv)


def command_line() -> argparse.ArgumentParser:
    """The commands and their options; the manual page is made from them."""
    parser = argparse.ArgumentParser(
        prog="vrrpctl", description="Ask a running vrrpd what it does and why."
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print the answer as JSON")
    shared.add_argument("--socket", help=f"the daemon's socket ({SOCKET})")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("status", parents=[shared], help="state, timers and addresses")
    why = commands.add_parser("why", parents=[shared], help="the last changes and their reasons")
    why.add_argument("name", nargs="?", metavar="NAME", help="one instance only")
    commands.add_parser("watch", parents=[shared], help="follow the journal")
    commands.add_parser("stats", parents=[shared], help="counters")
    commands.add_parser("reload", parents=[shared], help="read the configuration again")
    commands.add_parser("metrics", parents=[shared], help="state and counters as OpenMetrics text")
    release = commands.add_parser(
        "release", parents=[shared], help="resign and stay BACKUP until resume"
    )
    release.add_argument("name", nargs="?", metavar="NAME", help=f"{NAMED}; else all there are")
    commands.add_parser("drain", parents=[shared], help="release all, also what a reload adds")
    resume = commands.add_parser("resume", parents=[shared], help="end release and drain")
    resume.add_argument("name", nargs="?", metavar="NAME", help=f"{NAMED}; else all")
    return parser


def listening() -> list[str]:
    """The sockets of the daemons that run here; the usual one if there is none."""
    paths = sorted(path for pattern in (SOCKET, *OTHERS) for path in glob.glob(pattern))
    return [path for path in paths if _answers_at(path)] or [SOCKET]


def _answers_at(path: str) -> bool:
    """Whether any daemon listens there; one that was killed leaves its file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        return connection.connect_ex(path) != errno.ECONNREFUSED


def _ask(path: str, command: str, name: str | None) -> Iterator[dict[str, Any]]:
    """Yield the daemon's answers.  Raises OSError if there is no daemon."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        request = {"command": command, "name": name}
        connection.sendall(json.dumps(request).encode() + b"\n")
        for line in connection.makefile(encoding="utf-8"):
            yield json.loads(line)


def _follow(lines: Iterator[dict[str, Any]], raw: bool) -> None:
    """Print journal lines until the daemon ends or the reader has had enough."""
    try:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False) if raw else _sentence(line), flush=True)
    except KeyboardInterrupt:  # that is how it ends
        return


def _sentence(line: dict[str, Any]) -> str:
    """A journal line for people: time, instance, what happened and why."""
    clock = time.strftime("%H:%M:%S", time.localtime(line["t"]))
    moment = f"{clock}.{int(line['t'] % 1 * 1000):03d}"
    what = line["event"]
    if what == "state":
        what = f"{line['from']} -> {line['to']}"
    told = line.get("reason") or line.get("command") or ""
    return f"{moment}  {line.get('instance') or '-':<8} {what:<18} {told}".rstrip()


def _show_status(result: list[dict[str, Any]]) -> None:
    """One paragraph for every instance."""
    for one in result:
        where = f"{one['interface']} vrid {one['vrid']} priority {one['priority']}"
        print(f"{one['instance']}: {one['state']}   {where}")
        print(f"  why        {one['reason']}")
        print(f"  addresses  {', '.join(one['addresses']) or 'none'}")
        if one["timer"]:
            print(f"  timer      {one['timer']['name']} {one['timer']['remaining']} s")
        heard = one["last_heard"]
        if heard:
            print(
                f"  heard      {heard['source']} priority {heard['priority']}, {heard['ago']} s ago"
            )
        for fault in one["faults"]:
            print(f"  fault      {fault}")
        # A router that gave way to the other, as in every failback, is not split from it any more.
        if one.get("split_brain") and one["state"] == "MASTER":
            print("  SPLIT      another MASTER is advertising: `vrrpctl why` has its address")
        if one.get("released"):
            print(f"  released   stays BACKUP until `vrrpctl resume {one['instance']}`")


def _show_why(result: list[dict[str, Any]]) -> None:
    """One line for every change of state, the latest last."""
    for line in result:
        print(_sentence(line))


def _show_stats(result: list[dict[str, Any]]) -> None:
    """One counter a line under its instance or interface."""
    for one in result:
        counters = dict(one)
        name = counters.pop("instance", None) or counters.pop("interface", None)
        print(name)
        for key, value in sorted(counters.items()):
            print(f"  {key:<28}{value:>8}")


def _show_reload(result: bool) -> None:
    """Whether the new configuration is in force."""
    print("reloaded" if result else "refused: the running configuration stays in force")


def _show_metrics(result: str) -> None:
    """The text as it is."""
    print(result, end="")


def _show_release(result: list[dict[str, Any]]) -> None:
    """One line for every instance that is released or in service again."""
    for one in result:
        word = "released" if one["released"] else "in service"
        print(f"{one['instance']}: {word}, {one['state']}: {one['text']}")
    if not result:
        print("there is no instance")


SHOW: dict[str, Callable[[Any], None]] = {
    "status": _show_status,
    "why": _show_why,
    "stats": _show_stats,
    "reload": _show_reload,
    "metrics": _show_metrics,
    "release": _show_release,
    "drain": _show_release,
    "resume": _show_release,
}


if __name__ == "__main__":
    sys.exit(main())
