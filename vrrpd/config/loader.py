"""`load` and `loads`: the way in.

text -> Reader -> lines -> parse -> statements -> build -> Config
                      problems on the way -> Reporter -> diagnostics
"""

from __future__ import annotations

import os

from vrrpd.config.builder import build
from vrrpd.config.diagnostics import ConfigError, Diagnostic, Reporter, exit_status
from vrrpd.config.model import Config
from vrrpd.config.parser import parse
from vrrpd.config.reader import Reader
from vrrpd.config.vip_limit import Limits
from vrrpd.record import Record


class Loaded(Record):
    """A configuration that can run, and everything there is to say about it."""

    config: Config
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def exit_status(self) -> int:
        """What `vrrpd -t` exits with: 0, or 4 if there are errors."""
        return exit_status(self.diagnostics)


def load(
    path: str | os.PathLike[str],
    *,
    config_id: str | None = None,
    max_vips: int | None = None,
    mtu: int = 1500,
    all_files: bool = False,
) -> Loaded:
    """Read the file and everything it includes.

    `config_id` decides about `@ID` lines (default: the host name up to the first dot); `max_vips`
    drops surplus addresses as keepalived did up to 1.2.19; `mtu` in bytes bounds the
    advertisement; with `all_files` an included file that is missing is fatal (keepalived's `-e`).
    Raises ConfigError, carrying all diagnostics, if nothing can run.
    """
    report = Reporter()
    reader = Reader(report, _config_id(config_id), all_files)
    reader.read_main(os.fspath(path))
    return _finish(reader, report, Limits(mtu, max_vips))


def loads(
    text: str | bytes,
    *,
    name: str = "keepalived.conf",
    config_id: str | None = None,
    max_vips: int | None = None,
    mtu: int = 1500,
) -> Loaded:
    """Like `load`, for a text; includes are relative to the working directory."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    report = Reporter()
    reader = Reader(report, _config_id(config_id))
    reader.read_text(data, name, os.curdir)
    return _finish(reader, report, Limits(mtu, max_vips))


def _config_id(given: str | None) -> str:
    return os.uname().nodename.split(".")[0] if given is None else given


def _finish(reader: Reader, report: Reporter, limits: Limits) -> Loaded:
    config = build(parse(reader.lines, report), limits, report)
    diagnostics = report.in_order()
    if any(one.severity == "fatal" for one in diagnostics):
        raise ConfigError(diagnostics)
    return Loaded(config, diagnostics)
