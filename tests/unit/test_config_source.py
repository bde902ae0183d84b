"""Reading the configuration again: what is refused, and how others can see that we read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from labs.simulation.lan import Silent
from tests.cluster import conf
from vrrpd.config import Config, ConfigError, load
from vrrpd.config.globals import Globals
from vrrpd.config_source import ConfigSource

GOOD = conf(150)
MISTAKEN = conf(150).replace("priority 150", "priority 15O")
FATAL = conf(150).replace("virtual_router_id 51", "")


class WatchedFile:
    """A file, and a Source that reads it."""

    def __init__(self, path: Path, text: str = GOOD, namespace: str | None = None) -> None:
        self.path = path
        self.settled: list[Globals] = []
        self.log = Silent(lambda: 0)
        self.while_reading: Callable[[], object] = lambda: None
        self.source = ConfigSource(self.read, self.log, namespace, self.settled.append)
        self.write(text)

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def read(self) -> tuple[Config, list[str]]:
        self.while_reading()
        loaded = load(str(self.path))
        return loaded.config, [str(one) for one in loaded.diagnostics if one.severity == "error"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keepalived.conf"


def options(*words: str) -> str:
    return "global_defs {\n" + "\n".join(words) + "\n}\n"


def test_a_mistake_is_no_reason_not_to_reload(path: Path) -> None:
    watched = WatchedFile(path)
    watched.source()
    watched.write(MISTAKEN)
    assert watched.source().instances[0].priority == 100
    assert len(watched.settled) == 2


@pytest.mark.parametrize("bad", [MISTAKEN, FATAL])
def test_reload_check_config_refuses_every_mistake(path: Path, bad: str) -> None:
    report = path.with_name("report")
    check = options(f"reload_check_config {report}")
    watched = WatchedFile(path, check + GOOD)
    watched.source()
    watched.write(check + bad)
    with pytest.raises(ConfigError, match=r"reload_check_config|virtual_router_id"):
        watched.source()
    assert "vrrp_instance" in report.read_text() or "priority" in report.read_text()
    assert len(watched.settled) == 1
    watched.write(check + GOOD)
    watched.source()
    assert report.read_text() == ""


def test_it_is_the_running_configuration_that_decides(path: Path) -> None:
    watched = WatchedFile(path, options("reload_check_config") + GOOD)
    watched.source()
    watched.write(MISTAKEN)
    with pytest.raises(ConfigError, match="1 mistakes, and reload_check_config"):
        watched.source()
    watched.write(GOOD)
    watched.source()
    watched.write(options("reload_check_config") + MISTAKEN)
    watched.source()


def test_a_report_that_cannot_be_written(path: Path) -> None:
    watched = WatchedFile(path, options("reload_check_config /nowhere/at/all") + GOOD)
    watched.source()
    watched.source()
    said = "cannot write /nowhere/at/all: No such file or directory"
    assert watched.log.lines == [said]


def test_reload_file_is_there_and_empty_while_we_read(path: Path) -> None:
    flag = path.with_name("busy")
    watched = WatchedFile(path, options(f"reload_file {flag}") + GOOD)
    seen: list[str | None] = []
    watched.while_reading = lambda: seen.append(flag.read_text() if flag.exists() else None)
    watched.source()
    flag.write_text("the file is being written")
    watched.source()
    assert seen == [None, ""]
    assert not flag.exists()


def test_reload_file_goes_even_if_the_reload_is_refused(path: Path) -> None:
    flag = path.with_name("busy")
    watched = WatchedFile(path, options(f"reload_file {flag}") + GOOD)
    watched.source()
    watched.write(FATAL)
    with pytest.raises(ConfigError):
        watched.source()
    assert not flag.exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("net_namespace red", "Cannot change network namespace at a reload"),
        ("instance blue", "Cannot change keepalived instance at a reload"),
    ],
)
def test_what_a_running_process_cannot_change(path: Path, line: str, words: str) -> None:
    watched = WatchedFile(path)
    watched.source()
    watched.write(f"{line}\n{GOOD}")
    with pytest.raises(ConfigError, match=words):
        watched.source()
    assert len(watched.settled) == 1
    watched.write(GOOD)
    watched.source()


def test_the_command_line_s_namespace_overrides_the_file_s(path: Path) -> None:
    watched = WatchedFile(path, f"net_namespace red\n{GOOD}", namespace="green")
    assert watched.source().globals.net_namespace == "green"
    watched.write(GOOD)
    assert watched.source().globals.net_namespace == "green"


@pytest.mark.parametrize("keyword", ["reload_check_config", "reload_file"])
def test_what_a_reload_writes_is_not_written_through_a_link(path: Path, keyword: str) -> None:
    """Nor does it wait for a reader of a pipe."""
    victim, place = path.with_name("victim"), path.with_name("place")
    victim.write_text("precious")
    watched = WatchedFile(path, options(f"{keyword} {place}") + GOOD)
    watched.source()
    place.symlink_to(victim)
    watched.source()
    assert victim.read_text() == "precious"
    assert any(str(place) in line for line in watched.log.lines)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    watched.source()
