"""vrrpd's command line: read the options, and do what they ask for.

The options are keepalived's, all of them, so that what starts keepalived starts vrrpd; see
`command_line.py`.  vrrpd always stays in the foreground: systemd, a container or a shell's `&` does
the rest.

    -t          check the configuration: 0 valid, 4 not (see docs for the others)
    --signum    print the number of a signal
    otherwise   run the daemon: `startup.py`

What each of them needs is imported when it is clear which one it is, with the garbage collector
off: to look through all that an import makes, again and again, takes a tenth of the time of `-t`.
"""

from __future__ import annotations

import gc
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

from vrrpd.command import ended

if TYPE_CHECKING:
    from vrrpd.config import Config

EXIT_FATAL = 1
EXIT_ERRORS = 4  # of -t
EXIT_INSECURE = 6  # of -t: scripts would run without script_security


def main(argv: list[str] | None = None) -> int:
    """Run vrrpd; return the exit status."""
    gc.disable()  # nothing of what is imported, read and built is garbage
    try:
        return ended("vrrpd", lambda: _perform(argv))
    finally:
        gc.freeze()  # nor is it when Python collects once more at its end
        gc.enable()


def _perform(argv: list[str] | None) -> int:
    """Do what the options ask for; return the exit status."""
    from vrrpd.command_line import parse

    options = parse(argv)
    if options.signum is not None:
        return _signum(options.signum)
    if options.genhash:
        print(options.missing[0], file=sys.stderr)
        return EXIT_FATAL
    if options.config_test is not None:
        return _check(options)
    from vrrpd.startup import start

    return start(options)


def _signum(name: str) -> int:
    """`--signum`: print a number, for `kill`."""
    from vrrpd.signals import NAMES, numbers

    if name not in NAMES:
        print(f"Unknown sigfunc {name}", file=sys.stderr)
        return EXIT_FATAL
    print(numbers()[name])
    return 0


def _check(options: SimpleNamespace) -> int:
    """`-t`: print what is wrong with the configuration and exit."""
    from vrrpd.config import ConfigError, load
    from vrrpd.config.diagnostics import EXIT_CONFIG, shown
    from vrrpd.linux.accounts import Accounts
    from vrrpd.script_security import first, secure

    try:
        loaded = load(
            options.use_file,
            config_id=options.config_id,
            max_vips=options.max_vips,
            all_files=options.all_config,
        )
        lines, status = shown(loaded.diagnostics), loaded.exit_status
        _, findings, violated = secure(loaded.config, Accounts())
        lines += first([one for one in findings if one.counts])
        lines += _own_addresses(options, loaded.config)
        if violated:
            status = EXIT_INSECURE
        elif status == 0 and any(one.counts for one in findings):
            status = EXIT_ERRORS
    except ConfigError as error:
        lines, status = [str(error)], error.exit_status
    except MemoryError:
        lines, status = [f"{options.use_file}: not enough memory to read it"], EXIT_CONFIG
    lines = [*options.missing, *lines]
    if not options.config_test:
        sys.stderr.writelines(f"{line}\n" for line in lines)
    else:
        from vrrpd.journal import APPEND

        flags = APPEND | os.O_NOFOLLOW  # keepalived's; an older report is not lost
        with open(os.open(options.config_test, flags, 0o644), "a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    return status


def _own_addresses(options: SimpleNamespace, config: Config) -> list[str]:
    """Warnings of virtual addresses that this host has as its own, as far as it can be seen."""
    from vrrpd.linux.host_addresses import HostAddresses
    from vrrpd.own import warnings

    if options.namespace or config.globals.net_namespace:
        return []  # another network, which takes privileges to enter
    try:
        return warnings(config, HostAddresses.read())
    except OSError:
        return []


if __name__ == "__main__":
    sys.exit(main())
