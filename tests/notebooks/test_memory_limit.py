"""A learner whose kernel needs more memory than there is: it ends, with a line that says why."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from labs.jupyter import ended
from labs.jupyter.kernel import NAME, install, specification
from labs.progress import FILE, VARIABLE, read
from tests.support import HUNG_S, eventually

LIMIT = 500_000_000  # bytes: a kernel with a lab has a third of it
BEGIN = """
import os
from labs import Lab
from labs.lessons import begin
begin("07-failover")
lab = Lab("empty")
print(os.getpid(), len(lab.hosts))
"""


def group_with_a_limit() -> Path | None:
    """A new cgroup whose processes have LIMIT bytes, as a unit of systemd or a pod has one."""
    for place, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                         ("/sys/fs/cgroup", "memory.max")):  # fmt: skip
        group = Path(place, f"vrrp-lab-test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        with suppress(OSError):
            (group / limit).write_text(str(LIMIT))
            return group
        group.rmdir()
    return None


@pytest.fixture
def limited() -> Iterator[Path]:
    """The cgroup, which ends with the test."""
    group = group_with_a_limit()
    if group is None:
        pytest.skip(
            "optional: a cgroup with a limit of memory needs root, and cgroups that can be written"
        )
    yield group
    eventually(lambda: not (group / "cgroup.procs").read_text(), what="the end of its processes")
    group.rmdir()


@contextmanager
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: Path | None) -> Iterator[Any]:
    """A kernel as Jupyter's server starts it for a learner, in a cgroup; its manager."""
    install(str(tmp_path / "prefix"))
    (runtime := tmp_path / "runtime").mkdir()
    (tmp_path / "anna").mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix/share/jupyter"))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "anna"))
    manager = KernelManager(kernel_name=NAME, transport="ipc")
    manager.connection_file = str(runtime / "kernel.json")
    if group is not None:
        first = ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
        manager.kernel_spec.argv = first + specification()["argv"]  # type: ignore[union-attr]
    manager.start_kernel(cwd=str(tmp_path))
    try:
        yield manager
    finally:
        manager.shutdown_kernel(now=True)
    assert list(runtime.iterdir()) == []


def printed(manager: KernelManager, code: str) -> str:
    """What a cell prints in the kernel."""
    said: list[str] = []
    client = manager.client()
    client.start_channels(hb=False)
    try:
        client.wait_for_ready(timeout=HUNG_S)
        client.execute_interactive(
            code,
            timeout=HUNG_S,
            output_hook=lambda each: said.append(each["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
    return "".join(said)


def wait_and_restart(manager: KernelManager) -> None:
    """What Jupyter's server does when a kernel has died."""
    eventually(lambda: not manager.is_alive(), what="the end of the kernel")
    manager.restart_kernel(now=True, newports=False)


def test_memory_runs_out(limited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab ends with the kernel; what was answered stays; the next cell says what happened."""
    with notebook(tmp_path, monkeypatch, limited) as manager:
        assert printed(manager, BEGIN).endswith(" 3\n")
        client = manager.client()
        client.start_channels(hb=False)
        client.execute(f"a = b'x' * {2 * LIMIT}")
        wait_and_restart(manager)
        client.stop_channels()
        assert printed(manager, "print(6 * 7)") == f"{ended._MEMORY}\n42\n"
        assert printed(manager, "print(6 * 7)") == "42\n"
        (lines,) = [list(read(tmp_path / "anna" / FILE))]
        assert [line.kind for line in lines] == ["begin"]


def test_a_kernel_that_was_killed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "killed_for_memory", lambda: 0)
    file = str(tmp_path / "kernel.json")
    ended.leave(file, 1, 0)
    ended.take(file)
    assert ended.VARIABLE not in os.environ
    ended.leave(file, 128 + signal.SIGKILL, 0)
    ended.take(file)
    assert os.environ.pop(ended.VARIABLE) == ended._OTHER
    assert list(tmp_path.iterdir()) == []
