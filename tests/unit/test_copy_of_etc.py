"""The copy of /etc that hosts get where its own files are mounts, as in a container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.sandbox import namespaces

MODES = {"etc": 0o755, "etc/keepalived": 0o750, "etc/hosts": 0o644}


@pytest.fixture
def umask() -> Iterator[None]:
    """That of Debian 13's users: the group may write what they make."""
    before = os.umask(0o002)
    yield
    os.umask(before)


def test_its_directories_and_files_have_the_modes_of_the_original(
    umask: None, tmp_path: Path
) -> None:
    source, target = tmp_path / "etc", tmp_path / "copy"
    (source / "keepalived").mkdir(parents=True)
    (source / "hosts").touch()
    (source / "shadow").touch(0o600)
    for name, mode in MODES.items():
        (tmp_path / name).chmod(mode)
    namespaces._copy_readable(source, target)
    found = {"etc": target, **{f"etc/{path.name}": path for path in target.iterdir()}}
    assert {name: path.stat().st_mode & 0o777 for name, path in found.items()} == MODES
