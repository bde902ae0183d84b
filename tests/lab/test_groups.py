"""An ordinary user's lab lets programs give up groups, as a server does, and nothing more."""

from __future__ import annotations

import os

import pytest

from labs.sandbox.setgroups import CALLS
from tests.lab.outside import start
from tests.support import OrdinaryUser

PROGRAM = """
import os
os.setgroups([0])
try:
    os.setgid(1)
    print("another group")
except OSError:
    print("still refused")
"""
KEEPALIVED = """
from labs import Lab
with Lab("empty", daemon="keepalived") as lab:
    lab.conf("web1", '''vrrp_instance VI_1 {
        interface eth0
        virtual_router_id 51
        version 3
        advert_int 0.1
        priority 255
        state MASTER
        notify_master "/usr/bin/touch /run/called"
        virtual_ipaddress {
            192.168.1.10
        }
    }''')
    lab.start("web1")
    lab.wait_until(lambda: lab.run("web1", "test -e /run/called").status == 0, timeout=600)
    print("called")
"""
needs_numbers = pytest.mark.skipif(
    os.uname().machine not in CALLS, reason="optional: the number of setgroups is not known here"
)


def logged(program: str, user: OrdinaryUser) -> str:
    """What a Python program prints in an ordinary user's namespaces."""
    with start(program, user.command([])) as process:
        return process.communicate(timeout=600)[0]


@needs_numbers
def test_setgroups_is_answered_where_the_kernel_would_refuse(ordinary_user: OrdinaryUser) -> None:
    assert logged(PROGRAM, ordinary_user) == "still refused\n"


@needs_numbers
def test_keepalived_runs_its_scripts(ordinary_user: OrdinaryUser) -> None:
    assert logged(KEEPALIVED, ordinary_user) == "called\n"
