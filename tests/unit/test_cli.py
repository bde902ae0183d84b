"""vrrpd's command line: -t and its exit statuses, --help, -v, and what cannot start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import vrrpd
import vrrpd.startup
from tests.cluster import cluster, conf, held
from tests.support import HUNG_S, REPOSITORY, eventually
from vrrpd.cli import main
from vrrpd.command_line import parse
from vrrpd.journal import Log
from vrrpd.startup import journal_of, running

GOOD = conf(150)


def vrrpd_run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vrrpd.cli", *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keepalived.conf"


def test_the_process_itself(file: Path) -> None:
    """One real process for all that the others do in this one."""
    file.write_text(GOOD)
    done = vrrpd_run("-t", "-f", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("article", ["article-master.conf", "article-backup.conf"])
def test_the_article_s_files_are_valid(article: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = REPOSITORY / "tests" / "data" / "conf" / article
    main(["-t", "-f", str(path)])
    assert "error" not in capsys.readouterr().err.lower()


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (GOOD, 0, ""),
        (GOOD.replace("priority 150", "priority 15O"), 4, "priority"),
        (GOOD.replace("priority 150", "prioritiy 150"), 4, "priority"),
        (GOOD.replace("virtual_router_id 51", ""), None, "virtual_router_id"),
        (GOOD.replace("priority 150", "priority"), 2, "priority"),
    ],
)
def test_a_checked_file(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    status: int | None,
    words: str,
) -> None:
    file.write_text(text)
    found = main(["-t", "-f", str(file)])
    err = capsys.readouterr().err
    assert found == status if status is not None else found != 0
    assert words in err
    assert bool(err) == (found != 0)
    if err:
        assert "keepalived.conf" in err  # the place of the mistake


def test_messages_to_a_file(file: Path, tmp_path: Path) -> None:
    file.write_text(GOOD.replace("priority 150", "prioritiy 150"))
    assert main(["-f", str(file), f"--config-test={tmp_path / 'messages'}"]) == 4
    assert "prioritiy" in (tmp_path / "messages").read_text()
    before = (tmp_path / "messages").read_text()
    file.write_text(GOOD)
    assert main(["-f", str(file), f"-t{tmp_path / 'messages'}"]) == 0
    assert (tmp_path / "messages").read_text() == before  # keepalived appends as well


def test_a_file_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-t", "-f", str(tmp_path / "absent")]) != 0
    assert "absent" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("-v", "--version"):
        with pytest.raises(SystemExit) as caught:
            main([word])
        assert caught.value.code == 0
    assert capsys.readouterr().out == f"vrrpd {vrrpd.__version__}\n" * 2


def test_help_names_every_pinned_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for words in (
        "-f, --use-file -t, --config-test -l, --log-console -D, --log-detail -n, --dont-fork",
        "-p, --pid -i, --config-id -d, --dump-conf -v, --version -h, --help",
        "--journal --control --max-vips --log-format",
    ):
        for option in words.replace(", ", ",").split():
            assert option.replace(",", ", ").split(", ")[-1] in out


def test_an_unknown_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--frobnicate"])
    assert caught.value.code != 0
    assert "frobnicate" in capsys.readouterr().err


@pytest.mark.parametrize("pid", ["", "x", "0", "-1", "1", "99999999999"])
def test_a_pid_file_of_another_process_is_no_daemon(tmp_path: Path, pid: str) -> None:
    path = tmp_path / "vrrpd.pid"
    path.write_text(pid)
    assert running(str(path)) is None


@pytest.mark.parametrize(
    ("words", "daemon"),
    [
        (["vi", "/etc/vrrpd.conf", "vrrpd"], False),
        (["sh", "-c", "apt install ./vrrpd_0.2.0_all.deb"], False),
        (["python3", "check.py", "/run/vrrpd.pid"], False),
        (["python3", "-S", "-m", "vrrpd.cli", "-n"], True),
        (["/usr/bin/python3", "/usr/bin/vrrpd", "-n"], True),
        (["/opt/bin/vrrpd"], True),
    ],
)
def test_only_the_program_itself_is_the_daemon(
    tmp_path: Path, words: list[str], daemon: bool
) -> None:
    """A pid is used again: by a program that may be about vrrpd."""
    path = tmp_path / "vrrpd.pid"
    argv = [words[0], "-c", "read -r line", *words[1:]]  # of a shell that waits
    with subprocess.Popen(argv, executable="/bin/sh", stdin=subprocess.PIPE) as process:
        path.write_text(str(process.pid))
        eventually(Path(f"/proc/{process.pid}/cmdline").read_bytes)  # execve(2) has come so far
        found = running(str(path))
        process.communicate(b"\n")
    assert found == (process.pid if daemon else None)


def test_no_pid_file_is_no_daemon(tmp_path: Path) -> None:
    assert running(str(tmp_path / "absent")) is None


def test_a_journal_that_cannot_be_written_is_logged_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, lines = Log(), list[str]()
    monkeypatch.setattr(log, "info", lines.append)
    for path, line in (
        ("gone/journal", "No such file or directory"),
        (".", "Is a directory"),
        ("good", ""),
    ):
        lines.clear()
        journal_of(parse(["--journal", str(tmp_path / path)]), log)
        assert lines == ([f"no journal {tmp_path / path}: {line}"] if line else [])


def test_a_stop_that_raises_is_logged_and_does_not_keep_the_process_from_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What follows it: the last scripts, shutdown_script, the removal of our sockets."""
    lan = cluster(one=conf(150))
    lan.run(5)
    daemon = lan.daemons["one"]

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(daemon.notifier, "ended", fail)
    vrrpd.startup._stop(daemon, "stopped by a signal", daemon.log)
    assert held(lan, "one") == set()
    assert any("ZeroDivisionError" in line for line in lan.logs["one"].lines)
