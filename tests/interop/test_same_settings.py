"""A bad line sets in vrrpd what it sets in keepalived: read from the dump of both (SIGUSR1).

`keepalived -t` says that a line is bad, and not what is in force after it; so one file with an
instance for each bad line is run by both daemons, and what they dump about each instance compared.
An instance that means something else than the one at the other end splits the pair.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.interop.segment import Segment
from tests.interop.test_notifications import dumped

# The lines of a dump that follow from the configuration alone.
SETTINGS = re.compile(
    r"VRRP Version|Using Native|Interface =|Multicast address|Gratuitous ARP|Down timer adverts|"
    r"Send advert|Priority =|Effective priority|Advert interval|Accept|Preempt|Authentication type|"
    r"Virtual IP|Unicast TTL|\S+ (dev \S+ scope|min_ttl|weight) |Using unicast|Tracked"
)
# keepalived takes a bad `preempt_delay` for so many microseconds: none.
NOTHING = re.compile(r"Preempt delay = \S+e-06 secs")
NUMBERS = ("7;", "7s", "-1", "1.5", "0", "99999999999", "7,", "0x10")
# A word without digits is 0 for keepalived where 0 is allowed; there vrrpd ignores the line.
WORDS = ("x", '""')
KEYWORDS = ("priority", "advert_int", "preempt_delay", "down_timer_adverts", "version")
GARP = (
    "garp_master_delay",
    "garp_master_repeat",
    "garp_master_refresh",
    "garp_master_refresh_repeat",
    "garp_lower_prio_delay",
    "garp_lower_prio_repeat",
)
LINES = (
    *(f"{keyword} {number}" for keyword in KEYWORDS for number in (*NUMBERS, *WORDS)),
    *(f"{keyword} {number}" for keyword in GARP for number in NUMBERS),
    "state MASTER\npriority 300",
    "state MASTER\npriority 0",
    "state MASTER\npriority PRIO",
    "state MASTER\npriority 300\npriority 150",
    "state MASTER\npriority 150\npriority 300",
    "state MASTER",
    "state master",
    "state MASTER\nstate backup",
    "priority 150;",
    "preempt_delay 9\npreempt_delay x",
    "down_timer_adverts 9\ndown_timer_adverts x",
    "garp_master_delay 9\ngarp_master_repeat 2",
    "version 3\nadvert_int 0.5s",
    "version 3\nadvert_int 50",
    "version 3;\nadvert_int 0.5",
    "authentication {\nauth_type PASS;\nauth_pass 1111\n}",
    "authentication {\nauth_type PASS\n}",
    "track_interface {\neth1 weight 20x\n}",
    "track_interface {\neth1 weight x\n}",
    "track_interface {\neth1 weight 300\n}",
    "unicast_peer {\n192.168.1.77/24\n}",
    "unicast_peer {\n192.168.1.77-79\n192.168.1.78;\n}",
    "unicast_peer {\n192.168.1.77 min_ttl 20x max_ttl 300\n}",
    "unicast_peer {\n192.168.1.77\n}\nunicast_ttl 7x",
    "unicast_src_ip 192.168.1.11/24\nunicast_peer {\n192.168.1.77\n}",
    "mcast_src_ip 192.168.1.11/24",
    "mcast_src_ip 192.168.1.11;",
    "mcast_dst_ip 224.0.0.55;",
    "mcast_dst_ip 192.168.1.1",
    "virtual_ipaddress {\n10.9.0.1/24;\n10.9.0.3/99\n10.9.0.4;\n10.9.0.5/24x\n}",
    "virtual_ipaddress {\n10.9.0.6/24 dev eth1 scope x label abcdefghijklmnop\n}",
)

# Without the address that the others have: what decides the family, and what is left.
BODIES = (
    "virtual_ipaddress {\n10.0.0.300\nfe80::1\n2001:db8::1/64\n}",
    "virtual_ipaddress {\nnonsense\n}\nvirtual_ipaddress {\nfe80::2\n10.0.0.1\n}",
    "mcast_src_ip fe80::x\nvirtual_ipaddress {\n10.0.0.2\nfe80::3\n}",
    "mcast_dst_ip 10.0.0.3\nvirtual_ipaddress {\nfe80::4\n10.0.0.4\n}",
    "unicast_src_ip 10.0.0.5/24\nvirtual_ipaddress {\nfe80::5\n10.0.0.5\n}",
    "unicast_peer {\nx\nfe80::77\n}\nvirtual_ipaddress {\n10.0.0.6\nfe80::6\n}",
    "virtual_ipaddress {\nfe80::7 label abcdefghijklmnopqrst\n10.0.0.7\n}",
    "native_ipv6 x\nvirtual_ipaddress {\n10.0.0.8\nfe80::8\n}",
    "virtual_ipaddress_excluded {\nfe80::9\n}\nvirtual_ipaddress {\n10.0.0.9\n}",
    "version 2\nvirtual_ipaddress {\n10.0.0.10\n}\nauthentication {\nauth_type PASS x\n}",
)
BASE = "virtual_ipaddress {\n10.1.%d.1/24\n}\n"


def configuration() -> str:
    """One instance for each of the lines."""
    bodies = [BASE % number + lines for number, lines in enumerate(LINES, 1)]
    return "".join(
        f"vrrp_instance V{number} {{\ninterface eth0\nvirtual_router_id {number}\n{body}\n}}\n"
        for number, body in enumerate([*bodies, *BODIES], 1)
    )


def settings(dump: str) -> dict[str, list[str]]:
    """By instance what the dump says about its settings."""
    topology = dump.partition("VRRP Topology")[2].partition("VRRP Sockpool")[0]
    found: dict[str, list[str]] = {}
    for part in topology.split(" VRRP Instance = ")[1:]:
        name, *lines = part.splitlines()
        # " set": the address is there, since the router may be MASTER by now.
        shown = (" ".join(line.removesuffix(" set").split()) for line in lines)
        plain = [line for line in shown if not NOTHING.search(line)]
        found[name] = [line for line in plain if SETTINGS.search(line)]
    return found


def dump_of(room: Path, kind: str, text: str) -> dict[str, list[str]]:
    """The settings of one kind of daemon that runs the whole file."""
    with Segment(room, hosts=1) as lan:
        host = lan[0]
        host.run("ip", "link", "add", "eth1", "type", "bridge")
        host.run("ip", "link", "set", "eth1", "up")
        host.environment["TMPDIR"] = str(host.room)
        host.start(kind, text, "-i", "master")
        lan.wait(lambda: "Startup complete" in host.text(), f"{kind} to start")
        return settings(dumped(lan, host, signal.SIGUSR1, "keepalived.data"))


def test_a_bad_line_leaves_the_same_in_force(tmp_path: Path) -> None:
    text = configuration()
    theirs, ours = (dump_of(tmp_path / kind, kind, text) for kind in ("keepalived", "vrrpd"))
    assert len(theirs) == len(LINES) + len(BODIES)
    differing = []
    for number, lines in enumerate([*LINES, *BODIES], 1):
        left, right = theirs[f"V{number}"], ours.get(f"V{number}", [])
        if left != right:
            theirs_only = [one for one in left if one not in right]
            ours_only = [one for one in right if one not in left]
            differing.append(f"{lines!r}: keepalived {theirs_only}, vrrpd {ours_only}")
    assert not differing, "\n".join(differing)
