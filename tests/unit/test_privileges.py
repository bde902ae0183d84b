"""Which capabilities a configuration needs, and that more cannot be had later."""

from __future__ import annotations

import pytest

from vrrpd.config import Config, loads
from vrrpd.config.values import Command
from vrrpd.journal import Log
from vrrpd.linux.capabilities import NUMBERS, Privileges, mask
from vrrpd.record import replace
from vrrpd.required_capabilities import ALWAYS, commands, needed

ROOT, OTHER = (0, 0), (1000, 1000)
PLAIN = """\
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.168.1.10
    }
%s
}
"""


def config(words: str = "", settings: str = "") -> Config:
    return loads(f"global_defs {{\n{settings}\n}}\n{PLAIN % words}", config_id="host").config


def with_master(script: Command) -> Config:
    plain = config()
    [one] = plain.instances
    return replace(plain, instances=(replace(one, notify=replace(one.notify, master=script)),))


def test_the_plain_configuration_needs_nothing_more() -> None:
    assert needed(config(), ROOT) == {}


@pytest.mark.parametrize(
    ("setting", "capability"),
    [
        ("vrrp_priority -5", "SYS_NICE"),
        ("vrrp_rt_priority 10", "SYS_NICE"),
        ("vrrp_no_swap", "IPC_LOCK"),
    ],
)
def test_settings_of_the_process(setting: str, capability: str) -> None:
    assert needed(config(settings=setting), ROOT) == {capability: setting.split()[0]}


def test_a_script_of_another_user() -> None:
    script = Command(("/n",), identity=OTHER)
    found = needed(with_master(script), ROOT)
    assert set(found) == {"SETUID", "SETGID", "KILL"}
    assert set(found.values()) == {"/n runs as uid 1000"}
    assert needed(with_master(replace(script, identity=ROOT)), ROOT) == {}
    assert needed(with_master(script), OTHER) == {}


def test_a_fifo_of_another_user() -> None:
    plain = config(settings="vrrp_notify_fifo /f")
    theirs = replace(plain, globals=replace(plain.globals, script_identity=OTHER))
    assert set(needed(theirs, ROOT)) == {"CHOWN", "DAC_OVERRIDE"}
    assert needed(theirs, OTHER) == {}
    nobody = replace(theirs, globals=replace(theirs.globals, vrrp_notify_fifo=None))
    assert needed(nobody, ROOT) == {}


def test_scripts_are_found_wherever_they_are() -> None:
    text = """\
global_defs {
    startup_script /1
    notify_fifo /f
    notify_fifo_script /2
}
vrrp_script c {
    script /3
}
vrrp_sync_group G {
    group {
        VI_1
    }
    notify_fault /4
}
"""
    whole = loads(text + PLAIN % "notify_stop /5\ntrack_script {\nc\n}", config_id="host").config
    assert {one.argv[0] for one in commands(whole)} == {"/1", "/2", "/3", "/4", "/5"}


def test_what_was_given_up_is_lacking() -> None:
    privileges = Privileges(Log())
    assert privileges.lacking({"SETUID": "x"}) is None  # nothing was given up yet
    privileges.kept = {*ALWAYS, "KILL"}
    assert privileges.lacking({"KILL": "x"}) is None
    lacking = privileges.lacking({"KILL": "x", "SETUID": "/n runs as uid 1000"})
    assert lacking is not None
    assert lacking.startswith("/n runs as uid 1000, which needs CAP_SETUID")


def test_the_numbers_are_those_of_linux() -> None:
    """From linux/capability.h; the mask has a bit for each."""
    assert mask(ALWAYS, 0) == 0x3000
    assert mask(ALWAYS, 1) == 0
    assert mask(["CHOWN", "SYS_RESOURCE"], 0) == 1 | 1 << 24
    assert all(number < 32 for number in NUMBERS.values())
