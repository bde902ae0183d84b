"""A router that knows its peers by address joins no multicast group; one that does not joins it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.segment import KINDS, Segment
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("how", "joins"), [("", True), (UNICAST, False)])
def test_only_who_multicasts_joins_the_group(
    tmp_path: Path, kind: str, how: str, joins: bool
) -> None:
    with Segment(tmp_path, hosts=1) as lan:
        lan[0].start(kind, CONFIG % how)
        eventually(lambda: lan[0].has("192.168.1.10"))
        assert (GROUP in lan[0].run("ip", "maddress", "show", "dev", "eth0")) is joins
