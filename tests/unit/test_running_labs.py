"""Which of the running labs a command of the shell means."""

from __future__ import annotations

import pytest

from labs.emulation import discovery
from labs.emulation.discovery import Running
from labs.errors import LabError

OLD, NEW = Running(7, 9.0, "attacker", used=1.0), Running(7, 9.0, "inherited", used=2.0)
OTHER = Running(8, 3.0, "basic", used=3.0)


def test_of_a_program_with_several_labs_it_is_the_one_used_last() -> None:
    assert discovery.choose([OLD, NEW]) is NEW
    assert discovery.choose([NEW, OLD]) is NEW
    assert discovery.choose([OLD, NEW, OTHER], 7) is NEW


def test_each_program_is_named_once() -> None:
    with pytest.raises(LabError, match=r"several labs are running \(7, 8\)"):
        discovery.choose([OLD, NEW, OTHER])
    with pytest.raises(LabError, match=r"no lab called 9 in this lab: choose 7 or 8"):
        discovery.choose([OLD, NEW, OTHER], 9)
