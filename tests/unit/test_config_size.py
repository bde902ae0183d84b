"""A configuration of any size: refused with a word, or read; a reload of it ends no daemon."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from labs.simulation.lan import Silent
from tests.cluster import conf
from vrrpd.cli import main
from vrrpd.config import ConfigError, load, loads
from vrrpd.config.diagnostics import EXIT_CONFIG, EXIT_ERRORS, MOST_KEPT, MOST_SHOWN, Reporter
from vrrpd.config.include import MAX_BYTES
from vrrpd.config.reader import MAX_LINES
from vrrpd.config.source_text import SourceLine
from vrrpd.config_reading import Work, here, read
from vrrpd.config_source import ConfigSource
from vrrpd.linux.forked_worker import ChildFailed

Write = Callable[[Path], object]


def comments(path: Path) -> None:
    path.write_bytes(b"# nothing at all\n" * (MAX_BYTES // 17 + 1))


def one_line(path: Path) -> None:
    path.write_bytes(b"#" * (MAX_BYTES + 1))


def empty_lines(path: Path) -> None:
    path.write_bytes(b"\n" * (MAX_LINES + 1))


def nul_lines(path: Path) -> None:
    path.write_bytes(b"\0\n" * 2_000_000)


def sparse(path: Path) -> None:
    """A terabyte, of which the disk knows nothing."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


def by_includes(path: Path) -> None:
    """No file is too large, all of them are."""
    part = path.with_name("part")
    part.write_bytes(b"\n" * 1000)
    path.write_text(conf() + f"include {part}\n" * (MAX_LINES // 1000 + 1))


def an_include(path: Path) -> None:
    large = path.with_name("large")
    one_line(large)
    path.write_text(conf() + f"include {large}\n")


LARGE: list[Write] = [comments, one_line, empty_lines, nul_lines, sparse, by_includes, an_include]


@pytest.mark.parametrize("write", LARGE)
def test_too_large_is_fatal_and_says_what_the_limit_is(write: Write, tmp_path: Path) -> None:
    write(tmp_path / "x.conf")
    with pytest.raises(ConfigError, match=r"more than (8 MiB|100000 lines), with all that is"):
        load(tmp_path / "x.conf")


@pytest.mark.parametrize("write", LARGE)
def test_a_check_of_it_ends_with_a_line(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "x.conf")
    assert main(["-t", "-f", str(tmp_path / "x.conf")]) == EXIT_CONFIG
    assert len(capsys.readouterr().err.splitlines()) < 3 * MOST_SHOWN


@pytest.mark.parametrize("path", ["/dev/zero", "fifo", "."])
def test_what_has_no_end_is_no_file(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match="regular file"):
        load(tmp_path / path)
    (tmp_path / "x.conf").write_text(conf() + f"include {tmp_path / path}\n")
    assert any("regular file" in one.message for one in load(tmp_path / "x.conf").diagnostics)


@pytest.mark.parametrize("bad", ["\0", "nonsense", "}", '"', "include nowhere/*"])
def test_of_many_mistakes_twenty_are_shown_and_the_others_counted(
    bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.conf").write_text(conf() + f"{bad}\n" * 20_000)
    assert main(["-t", "-f", str(tmp_path / "x.conf")]) in (0, EXIT_CONFIG, EXIT_ERRORS)
    told = capsys.readouterr().err
    assert len(told) < 100 * 1000
    assert told.count("x.conf:") <= 2 * MOST_SHOWN
    *_, last = told.splitlines()
    assert int(last.removeprefix("and ").removesuffix(" more")) > 10_000


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text(conf() + "nonsense\n" * 5000)
    found = load(tmp_path / "x.conf").diagnostics
    assert len(found) == MOST_KEPT + 1
    assert sum(one.others or 1 for one in found) >= 5000


# Reading it again.


class RunningFile:
    """A file that a daemon is running with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = Silent(lambda: 0)
        self.run: Callable[[Work], list[object]] = here
        options = SimpleNamespace(
            use_file=str(path),
            config_id=None,
            max_vips=None,
            dump_conf=False,
            all_config=None,
            umask=None,
            run_vrrp=True,
            missing=[],
        )
        self.source = ConfigSource(
            partial(read, options, self.log, lambda _: None, self.call), self.log
        )
        path.write_text(conf())
        self.source()

    def call(self, work: Work) -> list[object]:
        return self.run(work)


@pytest.fixture
def running_file(tmp_path: Path) -> RunningFile:
    return RunningFile(tmp_path / "keepalived.conf")


@pytest.mark.parametrize(
    "error", [ChildFailed("the process that did it was killed by SIGKILL"), MemoryError(),
              RecursionError("too deep"), ValueError("a mistake of ours"), InterruptedError("stop")]
)  # fmt: skip
def test_whatever_keeps_it_from_being_read_refuses_the_reload(
    running_file: RunningFile, error: Exception
) -> None:
    def fail(_: Work) -> list[object]:
        raise error

    running_file.run = fail
    with pytest.raises(ConfigError, match="not read to its end"):
        running_file.source()


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# gone\n", "global_defs {\n router_id x\n}\n", "\0", "include nothing*\n"]
)
def test_a_file_that_was_emptied_is_refused(running_file: RunningFile, text: str) -> None:
    """As it is for a moment while it is being written; keepalived gives up all addresses."""
    running_file.path.write_text(text)
    with pytest.raises(ConfigError, match=r"no vrrp_instance is left"):
        running_file.source()
    running_file.path.write_text(conf(120))
    assert running_file.source().instances[0].priority == 120


def test_of_many_mistakes_twenty_are_logged(running_file: RunningFile) -> None:
    running_file.path.write_text(conf() + "nonsense\n" * 5000)
    running_file.source()
    assert len(running_file.log.lines) == MOST_SHOWN + 1
    assert running_file.log.lines[-1] == "and 4980 more"


def cost(work: Callable[[], object]) -> float:
    """The least processor time of three runs, in seconds."""
    spent = []
    for _ in range(3):
        begin = time.process_time()
        with suppress(ConfigError):
            work()
        spent.append(time.process_time() - begin)
    return min(spent)


LONG: dict[str, Callable[[int], str]] = {
    "a long word in a message": lambda size: ("a" * 1000 + "\n") * 2 * size,
    "closing braces": lambda size: ("}" * 1000 + "\n") * size,
    "peers": lambda size: conf(100, "unicast_peer {\n" + numbered(50 * size) + "}\n"),
    "plain lines": lambda size: ("priority 100\n" * 20) * size,
    "blanks before a comment": lambda size: " " * (30 * size) + "#\n",
}


def numbered(count: int) -> str:
    return "".join(f"10.0.{at >> 8}.{at & 255}\n" for at in range(count))


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_time_grows_with_the_length_and_not_with_its_square(text: Callable[[int], str]) -> None:
    few, many = (partial(loads, text(size)) for size in (10, 80))
    assert cost(many) < 30 * cost(few)  # a square would be 64 times


def test_a_long_word_is_redacted_in_linear_time() -> None:
    def render(size: int) -> None:
        report = Reporter()
        report.at("error", SourceLine("x", 1, "a" * size), "wrong")

    assert cost(lambda: render(16_000)) < 30 * cost(lambda: render(1_000))  # not 256 times
