"""A router that knows its peers by address joins no multicast group; one that does not joins it."""

from __future__ import annotations

import pytest

from tests.interop.segment import Host
from tests.support import eventually

CONFIG = """vrrp_instance VI_1 {
 interface eth0
 virtual_router_id 51
 %s
 virtual_ipaddress {
  192.168.1.10
 }
}
"""
UNICAST = "unicast_peer {\n192.168.1.12\n}"
GROUP = "224.0.0.18"


@pytest.mark.parametrize(("how", "joins"), [("", True), (UNICAST, False)])
def test_only_who_multicasts_joins_the_group(
    host: Host, any_daemon: str, how: str, joins: bool
) -> None:
    host.start(any_daemon, CONFIG % how)
    eventually(lambda: host.has("192.168.1.10"))
    assert (GROUP in host.run("ip", "maddress", "show", "dev", "eth0")) is joins
