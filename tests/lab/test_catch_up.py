"""Catching up on a real cluster: section 2 of lesson 08 begins as the lesson leaves section 1."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from labs.lessons import begin, catch_up
from labs.progress import FILE, memory, read


def test_the_solution_brings_the_lab_to_a_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WORK", str(tmp_path))
    memory.forget()
    shell = InteractiveShell.instance()
    shell.extension_manager.load_extension("labs.jupyter.magics")
    try:
        begin("08-failback")
        shown = catch_up.magic(shell, "2")
        lab = shell.user_ns["lab"]
        assert lab.state == "unplugged"  # where web1's cable is out
        assert lab.witness.carrier()["web1"]
        assert lab.holders() == ["web1"]
        lab.close()
    finally:
        InteractiveShell.clear_instance()
        memory.forget()
    assert "Keep the address where it is" in repr(shown)
    kinds = [entry.kind for entry in read(tmp_path / FILE)]
    assert kinds == ["begin", "catch-up"]
