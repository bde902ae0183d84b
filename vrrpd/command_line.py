"""vrrpd's command line: every option of keepalived(8) up to 2.4.3, and ours.

A unit file or a container that starts keepalived starts vrrpd when the name is changed: an option
of keepalived is done, or accepted with one line in the log that says what it does not do.

Contract: `parse()` reads a line as getopt_long(3) does for keepalived.  Flags can be bundled,
long options can be abbreviated, an optional value must be attached (`-tFILE`), and words that
belong to no option are named and ignored.  `OPTIONS` is what the manual pages are made from.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from vrrpd import __version__
from vrrpd.endpoint import SOCKET, Endpoint, endpoint
from vrrpd.record import Record
from vrrpd.signals import NAMES

if TYPE_CHECKING:
    from argparse import ArgumentParser

CONFIG = "/etc/keepalived/keepalived.conf"
PID = "/run/vrrpd.pid"
USER, DAEMON, LOCAL0 = 1, 3, 16  # facilities of syslog(3)
FACILITIES = {
    "user": USER,
    "daemon": DAEMON,
    **{str(number): LOCAL0 + number for number in range(8)},
    **{f"local{number}": LOCAL0 + number for number in range(8)},
}
PERMISSIONS = 0o777
COLUMNS = 98  # of --help


class _Option(Record, kw_only=True):
    """One option.

    `value` is the name of its value, in brackets if it is optional; `settings` are arguments of
    add_argument().  `missing` says what vrrpd does not do of it: logged once at the start.
    """

    names: tuple[str, ...]
    help: str
    value: str = ""
    missing: str = ""
    ours: bool = False
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def optional(self) -> bool:
        """Whether it can be written without its value."""
        return self.value.startswith("[")

    @property
    def dest(self) -> str:
        """The attribute of the parsed command line."""
        return dict(self.settings).get("dest") or self.names[-1].lstrip("-").replace("-", "_")

    def add_to(self, parser: ArgumentParser) -> None:
        """Add it to a parser."""
        settings: dict[str, Any] = dict(self.settings)
        if self.value:
            settings.setdefault("metavar", self.value.strip("[]"))
        elif "action" not in settings:
            settings["action"] = "store_true"
        if self.optional:
            settings.update(nargs="?", const="")
        parser.add_argument(*self.names, help=self.help, **settings)


def umask(text: str) -> int:
    """A umask as strtol(3) reads it: 0 for octal, 0x for hexadecimal, else decimal.

    Raises ValueError.
    """
    octal = text[:1] == "0" and text.isdigit()
    mask = int(text, 8 if octal else 0)
    if mask & ~PERMISSIONS:
        raise ValueError(text)
    return mask


def _option(names: str, help: str, value: str = "", missing: str = "", **settings: Any) -> _Option:
    return _Option(
        names=tuple(names.split()),
        help=help,
        value=value,
        missing=missing,
        settings=tuple(settings.items()),
    )


def _ours(name: str, help: str, value: str, **settings: Any) -> _Option:
    return _Option(
        names=(name,), help=help, value=value, ours=True, settings=tuple(settings.items())
    )


_ONE = "vrrpd is one process: that file is not written"
_BUILD = "a debugging aid of keepalived's own code"
_SNMP = "SNMP is not done; vrrpctl --json and the journal have the same facts"


def _listener(text: str) -> Endpoint:
    """The value of --metrics.  Raises argparse.ArgumentTypeError."""
    try:
        return endpoint(text)
    except ValueError as error:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(str(error)) from None


OPTIONS = (
    _option("-f --use-file", f"configuration ({CONFIG})", "FILE", default=CONFIG),
    _option("-P --vrrp", "run VRRP alone, as vrrpd always does"),
    _option(
        "-C --check",
        "run no VRRP, but the health checkers of LVS alone",
        missing="vrrpd has no health checkers, and --check asks for no VRRP: nothing runs",
        action="store_false",
        dest="run_vrrp",
        default=True,
    ),
    _option("-B --no_bfd", "run no BFD, as vrrpd never does"),
    _option(
        "--all", "run all subsystems: VRRP, whatever -C says", action="store_true", dest="run_vrrp"
    ),
    _option("-l --log-console", "log to standard output, not syslog"),
    _option("-D --log-detail", "log in detail"),
    _option(
        "-S --log-facility",
        "facility of syslog: 0 to 7 or local0 to local7, user, daemon (daemon)",
        "FACILITY",
        default="daemon",
    ),
    _option(
        "-g --log-file",
        "log to a file as well",
        "[FILE]",
        missing="vrrpd logs to syslog or, with -l, to standard output; no file is written",
    ),
    _option("--flush-log-file", "write every line at once", missing="there is no log file"),
    _option("-G --no-syslog", "do not log to syslog"),
    _option("-u --umask", "umask of files; stronger than that of the file", "MASK"),
    _option("-X --release-vips", "remove addresses on leaving MASTER, as vrrpd always does"),
    _option(
        "-V --dont-release-vrrp",
        "leave addresses and routes at the stop",
        missing="the addresses are removed at the stop, or two routers would have them",
    ),
    _option("-I --dont-release-ipvs", "leave the tables of IPVS, which vrrpd never touches"),
    _option("-R --dont-respawn", "do not restart child processes; vrrpd has none"),
    _option("-n --dont-fork", "stay in the foreground, as vrrpd always does"),
    _option("-d --dump-conf", "log the configuration that is in force"),
    _option("-p --pid", f"pid file ({PID})", "FILE"),
    _option("-r --vrrp_pid", "a second pid file, as of keepalived's VRRP process", "FILE"),
    _option(
        "-T --genhash",
        "hash a web page for health checkers of LVS",
        missing="vrrpd has no genhash: see genhash(1)",
    ),
    _option("-c --checkers_pid", "pid file of the health checkers", "FILE", missing=_ONE),
    _option("-b --bfd_pid", "pid file of the BFD process", "FILE", missing=_ONE),
    _option(
        "-a --address-monitoring",
        "log every address that is added or removed",
        missing="only changes of the virtual addresses are logged, with -D",
    ),
    _option("-x --snmp", "answer SNMP", missing=_SNMP),
    _option("-A --snmp-agent-socket", "socket of the SNMP agent", "SOCKET", missing=_SNMP),
    _option("-s --namespace", "run in this network namespace", "NAME"),
    _option("-m --core-dump", "leave a core dump after a crash"),
    _option(
        "-M --core-dump-pattern",
        "the same, and set the pattern of its name",
        "[PATTERN]",
        missing="/proc/sys/kernel/core_pattern is of the whole machine and stays as it is",
    ),
    _option("-e --all-config", "let every included file be there, or refuse the configuration"),
    _option("-i --config-id", "value for @ID lines (host name)", "ID"),
    _option("--signum", f"print the number of a signal: {', '.join(NAMES)}", "NAME"),
    _option(
        "-t --config-test",
        "check the configuration, messages to FILE or standard error, and exit",
        "[FILE]",
    ),
    _option("--ignore-sigint", "do not stop on SIGINT"),
    _option("--config-fd", "keepalived's own way to its children", "FD", missing=_BUILD),
    _option("--perf", "record with perf(1)", "[WHEN]", missing=_BUILD),
    _option("--debug", "log for debugging", "[WHAT]", missing=_BUILD),
    _option("--no-mem-check", "do not check memory", missing=_BUILD),
    _option("-L --mem-check-log", "log allocations", missing=_BUILD),
    _option("-O --openssl-mem-check", "check the memory of OpenSSL", missing=_BUILD),
    _option("-v --version", "print the version", action="version", version=f"vrrpd {__version__}"),
    _ours(
        "--log-format", "text or json: lines of text or JSON", "FORMAT",
        choices=("text", "json"), default="text",
    ),
    _ours("--journal", "append every event to FILE as a line of JSON", "FILE"),
    _ours(
        "--metrics",
        "serve /metrics, /healthz and /readyz over HTTP: PORT on 127.0.0.1, ADDRESS:PORT, "
        "[IPV6]:PORT or the path of a Unix socket",
        "WHERE",
        type=_listener,
    ),
    _ours("--no-quiet-backup", "wake a BACKUP for every Advertisement", ""),
    _ours("--control", f"for vrrpctl ({SOCKET}; beside the pid file)", "SOCKET"),
    _ours(
        "--max-vips",
        "keep only the first N addresses, as keepalived before 1.2.20 did with 20",
        "N",
        type=int,
    ),
)  # fmt: skip


def parse(argv: Sequence[str] | None) -> SimpleNamespace:
    """Read the command line; `missing` is what vrrpd does not do of it, a line each."""
    words = list(sys.argv[1:] if argv is None else argv)
    options, extra = _exact(words), list[str]()
    if options is None:
        options, extra = _any_form(words)
    options.missing = [
        f"{', '.join(one.names)}: {one.missing}"
        for one in OPTIONS
        if one.missing and _used(one, options)
    ]
    if extra:
        text = " ".join(word or '""' for word in extra)
        options.missing.append(f"Unexpected argument(s): {text}; ignored (a file is named with -f)")
    _interpret(options)
    return options


def _exact(words: Sequence[str]) -> SimpleNamespace | None:
    """The options of a line of nothing but whole names and their values; None: it has more.

    Nearly all lines are like that.  To import argparse and to describe sixty options to it would
    take a tenth of the time of `-t`.
    """
    known = {name: (one, dict(one.settings)) for one in OPTIONS for name in one.names}
    found: dict[str, Any] = {}
    for one, settings in known.values():
        if settings.get("action") != "version":
            found.setdefault(one.dest, settings.get("default", None if one.value else False))
    rest = iter(words)
    for word in rest:
        if word not in known:
            return None
        one, settings = known[word]
        if settings.keys() - {"default", "dest", "action"}:
            return None
        value: object = settings.get("action") != "store_false"
        if one.value:
            value = text = "" if one.optional else next(rest, "-")
            if text.startswith("-"):
                return None
        found[one.dest] = value
    return SimpleNamespace(**found)


def _any_form(words: Sequence[str]) -> tuple[SimpleNamespace, list[str]]:
    """The options of any line, and the words that belong to none; a mistake ends the program."""
    parser = command_line()
    options, extra = parser.parse_known_args(attached(words))
    unknown = [word for word in extra if word.startswith("-") and word not in ("-", "--")]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return SimpleNamespace(**vars(options)), extra


def _interpret(options: SimpleNamespace) -> None:
    """Turn values into numbers; one that makes no sense counts for nothing, and is named."""
    name = options.log_facility
    if name not in FACILITIES:
        options.missing.append(f"Invalid log facility '{name}': daemon is used")
    options.log_facility = FACILITIES.get(name, DAEMON)
    given, options.umask = options.umask, None
    if given is not None:
        try:
            options.umask = umask(given)
        except ValueError:
            options.missing.append(f"Invalid --umask option {given}: ignored")


def _used(one: _Option, options: SimpleNamespace) -> bool:
    """Whether the option has been given."""
    value = getattr(options, one.dest)
    return value is not None and value is not dict(one.settings).get("default", False)


def attached(words: Sequence[str]) -> list[str]:
    """The words with an empty value where an optional one is not attached, as getopt(3) has it.

    `-t keepalived.conf` must not take the configuration for the file to write the messages to.
    """
    optional = {name: one.names[-1] for one in OPTIONS if one.optional for name in one.names}
    flags = {name[1] for one in OPTIONS if not one.value for name in one.names if name[1] != "-"}
    done: list[str] = []
    for word in words:
        bundle, last = word[1:-1], f"-{word[-1:]}"
        if word in optional:
            done.append(f"{optional[word]}=")
        elif bundle and last in optional and word[0] == "-" and set(bundle) <= flags:
            done += [f"-{bundle}", f"{optional[last]}="]
        else:
            done.append(word)
    return done


def command_line() -> ArgumentParser:
    """The parser."""
    from argparse import ArgumentParser, HelpFormatter

    parser = ArgumentParser(
        prog="vrrpd",
        description="A VRRP daemon that reads keepalived.conf.",
        epilog="Signals: HUP reload, TERM or INT stop, USR1 dump the state, USR2 statistics.",
        # To ask for the width of the terminal, argparse imports all that shutil can pack with.
        formatter_class=partial(HelpFormatter, width=COLUMNS),
    )
    for one in OPTIONS:
        one.add_to(parser)
    return parser
