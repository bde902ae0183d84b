"""Real named pipes: made, written without waiting, removed if they are ours."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from vrrpd.linux.named_pipes import ATOMIC, NamedPipes


def test_a_pipe_is_made_with_its_mode_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    mask = os.umask(0o077)
    try:
        pipe = NamedPipes().open(str(path), None, 0o644)
    finally:
        os.umask(mask)
    found = path.stat()
    assert stat.S_ISFIFO(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o644
    pipe.close()
    assert not path.exists()


def test_lines_arrive_in_order_and_then_the_end(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    pipe = NamedPipes().open(str(path), None, 0o600)
    with path.open() as reader:
        assert pipe.write("one\n") is None
        assert pipe.write("two\n") is None
        pipe.close()
        assert reader.read() == "one\ntwo\n"


def test_lines_without_a_reader_are_lost_and_logged(tmp_path: Path) -> None:
    """A full pipe takes no half lines, and no router waits for it."""
    path = tmp_path / "fifo"
    pipe = NamedPipes().open(str(path), None, 0o600)
    line = "x" * 999 + "\n"
    written = 0
    while (problem := pipe.write(line)) is None:
        written += 1
    assert "nobody reads" in problem
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        pipe.close()
        assert reader.read() == line * written


def test_a_line_that_could_not_be_written_whole(tmp_path: Path) -> None:
    pipe = NamedPipes().open(str(tmp_path / "fifo"), None, 0o600)
    assert str(ATOMIC) in str(pipe.write("x" * ATOMIC + "\n"))
    pipe.close()


def test_a_pipe_of_another_program_stays(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    NamedPipes().open(str(path), None, 0o600).close()
    assert path.exists()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_something_else_in_its_place_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "fifo"
    if kind == "file":
        path.write_text("mine")
    elif kind == "directory":
        path.mkdir()
    else:
        os.mkfifo(tmp_path / "other")
        path.symlink_to("other")
    with pytest.raises(OSError, match=r"no named pipe"):
        NamedPipes().open(str(path), None, 0o600)
    assert os.path.lexists(path)


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        NamedPipes().open(str(tmp_path / "no" / "fifo"), None, 0o600)
