"""Every lab answers to `LabApi`: Lab, Lan and ReplayLab by mypy, RecordingLab by passing calls on.

mypy judges `labs_of_each_kind`, which is never called; what it cannot see is asked here.
"""

from __future__ import annotations

import inspect

import pytest

from labs.emulation.lab import Lab
from labs.lab_api import LabApi, is_marked
from labs.replay.recording_lab import RecordingLab
from labs.replay.replay_lab import ReplayLab
from labs.simulation.lan import Lan

MEMBERS = [name for name in vars(LabApi) if not name.startswith("_")]


def labs_of_each_kind(real: Lab, in_memory: Lan, replay: ReplayLab) -> list[LabApi]:
    """A class that lacks a method, or has it with other arguments, is an error of mypy here."""
    return [real, in_memory, replay]


@pytest.mark.parametrize("lab", [Lab, Lan, ReplayLab])
def test_a_method_takes_what_the_protocol_says_in_its_order(lab: type) -> None:
    """mypy does not look at the default values."""
    for name in MEMBERS:
        wanted, found = getattr(LabApi, name), inspect.getattr_static(lab, name)
        assert isinstance(found, property) == isinstance(wanted, property), name
        if isinstance(wanted, property):
            continue
        has = inspect.signature(getattr(lab, name)).parameters
        for parameter in inspect.signature(wanted).parameters.values():
            assert has[parameter.name].default == parameter.default, f"{name}({parameter.name})"


def test_a_recording_passes_on_all_that_it_does_not_write_down_itself() -> None:
    class Real:
        watch = "192.168.1.10"

        def holders(self) -> list[str]:
            return ["web1"]

    recording = RecordingLab.__new__(RecordingLab)
    recording.lab = Real()  # type: ignore[assignment]
    assert (recording.watch, recording.holders()) == ("192.168.1.10", ["web1"])
    own = {name for name in vars(RecordingLab) if is_marked(getattr(Lab, name, None))}
    assert own.isdisjoint(MEMBERS)
