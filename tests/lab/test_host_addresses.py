"""What `-t` asks the kernel once is what the daemon's own table of interfaces has."""

from __future__ import annotations

import subprocess

from tests.lab.cables import cable
from vrrpd.linux.host_addresses import HostAddresses
from vrrpd.linux.kernel import LinuxKernel
from vrrpd.linux.loop import Loop

NEAR, FAR = "asked0", "asked1"
MORE = """
addr add 10.79.0.2/24 dev asked0
addr add 10.79.1.3/32 dev asked0
addr add 10.79.0.2/32 dev asked0
addr add fd79::5/64 dev asked0 nodad
"""


def test_every_interface_has_the_addresses_of_the_daemons_table() -> None:
    with cable(NEAR, FAR, near="10.79.0.1/24", six="fe80::79:"):
        subprocess.run(["ip", "-batch", "-"], input=MORE, text=True, check=True)
        found = HostAddresses.read()
        loop = Loop()
        kernel = LinuxKernel(loop)
        try:
            table = {one.name: one.addresses for one in kernel.interfaces()}
        finally:
            kernel.close()
            loop.close()
    assert {name: one.addresses for name, one in found.items()} == table
    assert {"10.79.0.1", "10.79.0.2", "10.79.1.3", "fd79::5"} <= set(map(str, table[NEAR]))
    assert found.interface(NEAR) == found[NEAR]
    assert found.interface("absent0") is None
