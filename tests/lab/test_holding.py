"""A MASTER holds what it announces, whatever happens to it: on real interfaces, with a real daemon.

    a link that was down             routes are there again (the kernel removes them silently)
    promote_secondaries 0            what goes with an address that a reload removes comes back
    a renamed interface              loses its addresses; the one that has the name now keeps its
    no descriptor for a socket       FAULT, until there is one
    another program that removes     BACKUP and MASTER again, but not for ever so often

`ip` is the observer; every moment is waited for.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.interop.segment import ENVIRONMENT, Host, Segment
from tests.support import HUNG_S, eventually

VIP = "192.168.1.10"


def conf(
    *words: str, name: str = "VI_1", vrid: int = 51, vips: str = VIP, priority: int = 200
) -> str:
    """A quick instance."""
    lines = ["interface eth0", f"virtual_router_id {vrid}", "version 3", "advert_int 0.25"]
    lines += [f"priority {priority}", *words, f"virtual_ipaddress {{\n{vips}\n}}"]
    return f"vrrp_instance {name} {{\n" + "\n".join(lines) + "\n}\n"


def states(host: Host, name: str = "VI_1") -> list[str]:
    """The states that the daemon has entered, oldest first."""
    path = host.room / "journal"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [row["to"] for row in rows if row["event"] == "state" and row["instance"] == name]


def routes(host: Host, *words: str) -> list[str]:
    """The destinations of the daemon's routes."""
    rows = json.loads(host.run("ip", "-j", "-N", "route", "show", "proto", "18", *words) or "[]")
    return [row["dst"] for row in rows]


def put(host: Host, path: str, value: int) -> None:
    """Set a sysctl of IPv4 on this host."""
    host.run("sh", "-c", f"echo {value} >/proc/sys/net/ipv4/conf/{path}")


def test_routes_are_there_again_after_the_link_is(segment: Segment) -> None:
    """`dont_track_primary`: the router stays MASTER, and its routes come back with the link."""
    host = segment[0]
    ways = "virtual_routes {\n192.0.2.0/24 via 192.168.1.2 dev eth0\n2001:db8::/32 dev eth0\n}"
    host.start("vrrpd", conf("dont_track_primary", ways))
    segment.wait(lambda: routes(host) == ["192.0.2.0/24"], "the route")
    for _ in range(3):
        host.run("ip", "link", "set", "eth0", "down")
        segment.wait(lambda: routes(host) == [], "the kernel to remove it")
        host.run("ip", "link", "set", "eth0", "up")
        segment.wait(lambda: routes(host) == ["192.0.2.0/24"], "the route again")
        segment.wait(
            lambda: "2001:db8::/32" in host.run("ip", "-6", "route"), "the IPv6 route again"
        )
    segment.wait(lambda: states(host)[-1] == "MASTER", "MASTER")


def test_routes_are_there_again_after_a_flap_too_short_to_be_seen(segment: Segment) -> None:
    """Down and up in one breath: both notifications are read at once."""
    host = segment[0]
    host.start("vrrpd", conf("dont_track_primary", "virtual_routes {\n192.0.2.0/24 dev eth0\n}"))
    segment.wait(lambda: routes(host) == ["192.0.2.0/24"], "the route")
    host.freeze()
    host.run("ip", "-batch", "-", stdin="link set eth0 down\nlink set eth0 up\n")
    host.thaw()
    segment.wait(lambda: routes(host) == ["192.0.2.0/24"], "the route again")
    assert states(host) == ["BACKUP", "MASTER"]


def test_a_route_that_another_program_replaces_is_put_back(segment: Segment) -> None:
    """The kernel reports no removal, only the new route."""
    host = segment[0]
    host.run("ip", "address", "add", "fd00::2/64", "dev", "eth0", "nodad")
    ways = ["192.0.2.0/24 via 192.168.1.2 dev eth0", "2001:db8::/32 via fd00::1 dev eth0"]
    host.start("vrrpd", conf("\n".join(["virtual_routes {", *ways, "}"])))
    six = ("ip", "-6", "route", "show", "2001:db8::/32")
    segment.wait(lambda: routes(host) == ["192.0.2.0/24"] and host.run(*six), "the routes")
    host.run(*["ip", "route", "replace", "192.0.2.0/24", "via", "192.168.1.3", "dev", "eth0"])
    taken = ("ip", "route", "get", "192.0.2.1")
    segment.wait(lambda: "via 192.168.1.2 " in host.run(*taken), "the route again")
    segment.wait(lambda: states(host).count("MASTER") == 2, "MASTER")
    host.run(*["ip", "-6", "route", "replace", "2001:db8::/32", "via", "fd00::3", "dev", "eth0"])
    segment.wait(lambda: "via fd00::1 " in host.run(*six), "the IPv6 route again")
    segment.wait(lambda: states(host).count("MASTER") == 3, "MASTER")


def test_a_route_that_names_no_interface_is_put_back(segment: Segment) -> None:
    """The kernel has chosen one, and its message about the removal names it."""
    host = segment[0]
    ways = [
        "192.0.2.0/24 via 192.168.1.2",
        "blackhole 198.51.100.0/24",
        "2001:db8::/32 via fd00::1",
    ]
    host.run("ip", "address", "add", "fd00::2/64", "dev", "eth0", "nodad")
    host.start("vrrpd", conf("\n".join(["virtual_routes {", *ways, "}"])))
    there = ["192.0.2.0/24", "198.51.100.0/24"]
    six = ("ip", "-6", "route", "show", "2001:db8::/32")
    segment.wait(lambda: sorted(routes(host)) == there and host.run(*six), "the routes")
    for number, one in enumerate((*there, "2001:db8::/32"), 1):
        host.run("ip", "route", "del", one)
        segment.wait(lambda: states(host).count("MASTER") == number + 1, one)  # noqa: B023
        segment.wait(lambda: sorted(routes(host)) == there and host.run(*six), f"{one} again")


def test_a_reload_that_removes_the_primary_address_keeps_the_others(segment: Segment) -> None:
    """promote_secondaries 0: the kernel removes .2 and .3 with .1, and signs it with our port."""
    host = segment[0]
    for where in ("all", "eth0"):
        put(host, f"{where}/promote_secondaries", 0)
    other = conf(name="VI_2", vrid=52, vips="192.168.9.4/24")
    route = "virtual_routes {\n192.0.2.0/24 via 192.168.9.99 dev eth0\n}"
    three, two = ("\n".join(f"192.168.9.{n}/24" for n in some) for some in ((1, 2, 3), (2, 3)))
    host.start("vrrpd", conf(route, vips=three) + other)
    segment.wait(lambda: len(host.virtual()) == 4, "all addresses")
    segment.wait(lambda: routes(host) == ["192.0.2.0/24"], "the route")
    host.reload(conf(route, vips=two) + other)
    held = {"192.168.9.2", "192.168.9.3", "192.168.9.4"}
    segment.wait(lambda: "Reload complete" in host.text(), "the reload")
    segment.wait(lambda: host.virtual() == held, "the addresses that are left")
    segment.wait(lambda: routes(host) == ["192.0.2.0/24"], "the route")
    assert states(host) == states(host, "VI_2") == ["BACKUP", "MASTER"]


def test_an_instance_that_gives_way_leaves_another_one_its_addresses(pair: Segment) -> None:
    """The other one's are secondaries of its subnet; the route of the other one comes back, too."""
    host = pair[0]
    for where in ("all", "eth0"):
        put(host, f"{where}/promote_secondaries", 0)
    route = "virtual_routes {\n192.0.2.0/24 via 192.168.9.99 dev eth0\n}"
    host.start("vrrpd", conf(vips="192.168.9.1/24", priority=150))
    pair.wait(lambda: host.virtual() == {"192.168.9.1"}, "the primary address")
    two = conf(route, name="VI_2", vrid=52, vips="192.168.9.2/24")
    host.reload(conf(vips="192.168.9.1/24", priority=150) + two)
    pair.wait(lambda: len(host.virtual()) == 2 and routes(host), "both")
    pair[1].start("vrrpd", conf(vips="192.168.9.1/24", priority=200))
    pair.wait(lambda: states(host)[-1] == "BACKUP", "BACKUP")
    pair.wait(lambda: host.virtual() == {"192.168.9.2"}, "the address that was a secondary one")
    pair.wait(lambda: routes(host) == ["192.0.2.0/24"], "the route")
    assert states(host, "VI_2") == ["BACKUP", "MASTER"]


def addresses(host: Host, interface: str) -> set[str]:
    """The addresses on one interface but link-local ones."""
    found = host.run("ip", "-o", "addr", "show", "dev", interface, "scope", "global")
    return {line.split()[3].split("/")[0] for line in found.splitlines()}


@pytest.mark.parametrize("vmac", ["", "use_vmac"])
def test_a_renamed_interface_loses_what_was_added_to_it(pair: Segment, vmac: str) -> None:
    """Another one has its name at once, and the same address: that one is left alone."""
    host = pair[0]
    route = "virtual_routes {\n192.0.2.0/24 dev eth0\n}"
    host.start("vrrpd", conf(vmac, route, vips=f"{VIP}/24 label eth0:vip"))
    pair.wait(lambda: host.has(VIP) and routes(host), "MASTER")
    pair[1].start("vrrpd", conf(priority=100, vips=f"{VIP}/24"))
    host.run(
        "ip",
        "-batch",
        "-",
        stdin=(
            "link set eth0 name net7\n"
            "link add eth0 type veth peer name far\nlink set far up\nlink set eth0 up\n"
            f"addr add {VIP}/24 dev eth0\n"
        ),
    )
    pair.wait(lambda: addresses(host, "net7") == {host.address}, "the address to go")
    pair.wait(lambda: routes(host, "dev", "net7") == [], "the route to go")
    pair.wait(lambda: pair[1].has(VIP), "a takeover")
    assert host.stop() == 0
    assert addresses(host, "net7") == {host.address}
    assert addresses(host, "eth0") == {VIP}
    assert "vrrp.51" not in host.run("ip", "link")


def test_a_virtual_interface_follows_the_name_of_its_base(pair: Segment) -> None:
    """eth0 is another interface now: the virtual one is made again on it, and nothing is left."""
    host = pair[0]
    host.start("vrrpd", conf("use_vmac", "no_accept"))
    pair.wait(lambda: VIP in host.addresses("vrrp.51"), "MASTER")
    host.run(
        "ip",
        "-batch",
        "-",
        stdin=(
            "link set eth0 name net7\naddr flush dev net7\n"
            "link add eth0 type veth peer name far\nlink set far up\nlink set eth0 up\n"
            f"addr add {host.address}/24 dev eth0\n"
        ),
    )
    pair.wait(lambda: "vrrp.51@eth0" in host.run("ip", "link"), "another virtual interface")
    pair.wait(lambda: VIP in host.addresses("vrrp.51"), "MASTER again")
    heard = len(pair.wire.frames)
    pair.wait(lambda: states(host)[-1] == "MASTER", "MASTER")
    assert "packet filter" not in host.text()
    assert '"vrrp.51" : "eth0"' in host.run("nft", "list", "ruleset")
    assert host.stop() == 0
    assert pair.wire.adverts(0, heard) == []  # eth0 leads elsewhere now
    assert "vrrp.51" not in host.run("ip", "link")


def test_a_renamed_interface_has_its_switches_put_back(segment: Segment) -> None:
    """What `promote_secondaries` and `use_vmac` have set is put back by the interface's number."""
    host = segment[0]
    files = [f"/proc/sys/net/ipv4/conf/{{}}/{one}" for one in ("promote_secondaries", "arp_ignore")]

    def values(name: str) -> list[str]:
        return [host.run("cat", one.format(name)).strip() for one in files]

    for where in ("all", "eth0"):
        put(host, f"{where}/promote_secondaries", 0)
    host.start("vrrpd", conf("use_vmac", "promote_secondaries"))
    segment.wait(lambda: VIP in host.addresses("vrrp.51"), "MASTER")
    assert values("eth0")[1] == "1"
    host.run("ip", "link", "set", "eth0", "name", "net7")
    segment.wait(lambda: states(host)[-1] == "FAULT", "FAULT")
    assert host.stop() == 0
    assert values("net7") == ["0", "0"]


def test_an_interface_that_is_made_again_under_its_name(segment: Segment) -> None:
    """Another number: a new socket, and the addresses are added to the new one."""
    host = segment[0]
    host.start("vrrpd", conf("dont_track_primary"))
    segment.wait(lambda: host.has(VIP), "MASTER")
    host.freeze()
    host.run(
        "ip",
        "-batch",
        "-",
        stdin=(
            "link del eth0\nlink add eth0 type veth peer name far\nlink set far up\n"
            f"link set eth0 up\naddr add {host.address}/24 dev eth0\n"
        ),
    )
    host.thaw()
    segment.wait(lambda: host.has(VIP), "MASTER again")
    assert host.stop() == 0
    assert not host.has(VIP)


def test_a_link_that_cannot_be_listened_on_again(pair: Segment) -> None:
    """No descriptor is free when the interface returns: FAULT, tried again until one is."""
    host = pair[0]
    host.start("vrrpd", conf(priority=100))
    pair[1].start("vrrpd", conf(priority=200))
    pair.wait(lambda: pair[1].has(VIP) and states(host)[-1:] == ["BACKUP"], "one MASTER")
    eventually(lambda: (host.room / "pid").exists(), what="the pid")
    pid = int((host.room / "pid").read_text())
    host.run("ip", "link", "set", "eth0", "netns", str(pair.switch.pid))
    pair.wait(lambda: states(host)[-1] == "FAULT", "FAULT")
    # Below every open one: what the daemon still closes frees no number for a new one.
    subprocess.run(["prlimit", f"--pid={pid}", "--nofile=3:4096"], check=True)
    pair.switch.run("ip", "link", "set", "eth0", "netns", str(host.holder.pid))
    host.run(
        "ip", "-batch", "-", stdin=(f"link set eth0 up\naddr add {host.address}/24 dev eth0\n")
    )
    reason = "cannot listen for VRRP on eth0: Too many open files"
    pair.wait(lambda: reason in host.text(), "a line")
    heard = len(pair.wire.adverts(1))
    pair.wait(lambda: len(pair.wire.adverts(1)) > heard + 20, "more than three intervals")
    assert states(host)[-1] == "FAULT"
    subprocess.run(["prlimit", f"--pid={pid}", "--nofile=1024:4096"], check=True)
    pair.wait(lambda: states(host)[-1] == "BACKUP", "BACKUP")
    heard = len(pair.wire.adverts(1))
    pair.wait(lambda: len(pair.wire.adverts(1)) > heard + 20, "more than three intervals")
    assert states(host)[-1] == "BACKUP"  # it receives from the MASTER


def test_a_firewall_that_lets_nothing_out(pair: Segment) -> None:
    """A MASTER that cannot send is FAULT, and leaves the one that can alone."""
    pair[0].start("vrrpd", conf(priority=200))
    pair.wait(lambda: pair.holders(VIP) == [0], "one MASTER")
    pair[1].start("vrrpd", conf(priority=100))
    pair.wait(lambda: states(pair[1]) == ["BACKUP"], "one BACKUP")
    rule = "add table ip mine; add chain ip mine out { type filter hook output priority 0; }"
    pair[0].run("nft", f"{rule}; add rule ip mine out ip protocol 112 drop")
    pair.wait(lambda: pair.holders(VIP) == [1], "the other one")
    pair.wait(lambda: states(pair[0])[-1] == "FAULT", "FAULT")
    assert "cannot send an advertisement: Operation not permitted" in pair[0].text()
    heard = len(pair.wire.frames)
    pair.wait(lambda: states(pair[0])[-3:] == ["FAULT", "BACKUP", "FAULT"], "another attempt")
    assert states(pair[1]) == ["BACKUP", "MASTER"]
    assert [one for one in pair.wire.frames[heard:] if one.is_arp and one.host == 0] == []
    pair[0].run("nft", "delete table ip mine")
    pair.wait(lambda: pair.holders(VIP) == [0], "the first one again")


def test_an_address_that_the_kernel_refuses(pair: Segment) -> None:
    """IPv6 is off on the interface: FAULT with the reason, until it is on."""
    put6 = "echo {} >/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
    host = pair[0]
    host.run("sh", "-c", put6.format(1))
    text = conf("virtual_ipaddress_excluded {\n2001:db8::10\n}")
    host.start("vrrpd", text)
    pair.wait(lambda: states(host)[-1:] == ["FAULT"], "FAULT")
    assert "cannot add 2001:db8::10 on eth0: Permission denied" in host.text()
    assert not host.has(VIP)
    host.run("sh", "-c", put6.format(0))
    pair.wait(lambda: {VIP, "2001:db8::10"} <= host.addresses(), "MASTER")


def test_another_program_that_removes_the_address_again_and_again(segment: Segment) -> None:
    host = segment[0]
    host.start("vrrpd", conf(priority=254))
    segment.wait(lambda: host.has(VIP), "MASTER")
    loop = f"while :; do ip addr del {VIP}/32 dev eth0 2>/dev/null; done"
    with subprocess.Popen(host.holder.inside("timeout", str(HUNG_S), "sh", "-c", loop)) as program:
        try:
            segment.wait(lambda: "FAULT" in states(host), "FAULT")
        finally:
            program.terminate()
    assert f"{VIP} was removed by somebody else 6 times in 10 s" in host.text()
    assert len(states(host)) < 20
    segment.wait(lambda: host.has(VIP), "MASTER again")


@pytest.mark.parametrize("vmac", ["", "use_vmac"])
def test_the_host_s_own_address_among_the_virtual_ones(pair: Segment, vmac: str) -> None:
    """`-t` and the start warn; from first to last the address stays on its interface."""
    host = pair[0]
    own = f"{host.address}/24"
    host.config.write_text(conf(vmac, vips=f"{own}\n{VIP}", priority=150))
    command = [sys.executable, "-m", "vrrpd.cli", "-t", "-f", str(host.config)]
    done = subprocess.run(
        host.holder.inside(*command),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 0, done.stderr
    assert f"{host.address} on eth0 is this host's own address" in done.stderr
    program = host.holder.inside("ip", "-o", "monitor", "address")
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as monitor:
        host.start("vrrpd")
        pair.wait(lambda: host.has(VIP), "MASTER")
        assert f"{host.address} on eth0 is this host's own address" in host.text()
        pair[1].start("vrrpd", conf(priority=200, vips=f"{own}\n{VIP}"))
        pair.wait(lambda: states(host)[-1] == "BACKUP", "BACKUP")
        pair.wait(lambda: not host.has(VIP), "its address given back")
        assert host.stop() == 0
        assert addresses(host, "eth0") == {host.address}
        monitor.terminate()
        output, _ = monitor.communicate()
    lost = [one for one in output.splitlines() if one.startswith("Deleted") and " eth0 " in one]
    assert [one for one in lost if f" {host.address}/" in one] == []


def test_a_unicast_peer_beyond_a_router_is_reached(pair: Segment) -> None:
    """The Advertisement goes to the router of the peer's network, not to the LAN (keepalived)."""
    far = "10.99.0.2"
    pair[0].run("ip", "route", "add", "10.99.0.0/24", "via", pair[1].address)
    pair[0].start("vrrpd", conf(f"unicast_peer {{\n{far}\n}}"))
    pair.wait(lambda: pair.wire.adverts(0), "an advertisement")
    (frame, *_) = pair.wire.adverts(0)
    assert frame.data[:6] == bytes.fromhex("02000000000c")
    assert frame.ip[16:20] == bytes((10, 99, 0, 2))


@pytest.mark.parametrize("switch", ["mtu", "disable_ipv6"])
def test_ipv6_that_was_off_is_received_again(pair: Segment, switch: str) -> None:
    """With an MTU below 1280 the kernel forgets the groups of IPv6, and does not say so."""
    text = "vrrp_instance VI_6 {{\ninterface eth0\nvirtual_router_id 51\nversion 3\n"
    text += "advert_int 0.25\npriority {}\nvirtual_ipaddress {{\nfe80::1:10\n}}\n}}\n"
    for host, priority in zip(pair.hosts, (100, 200), strict=True):
        host.start("vrrpd", text.format(priority))
    pair.wait(lambda: pair[1].has("fe80::1:10") or len(pair.wire.adverts(1)) > 8, "one MASTER")
    host = pair[0]
    pair.wait(lambda: states(host, "VI_6")[-1:] == ["BACKUP"], "BACKUP")
    off, on = {
        "mtu": ("ip link set eth0 mtu 1000", "ip link set eth0 mtu 1500"),
        "disable_ipv6": tuple(
            f"echo {n} >/proc/sys/net/ipv6/conf/eth0/disable_ipv6" for n in (1, 0)
        ),
    }[switch]
    host.run("sh", "-c", off)
    pair.wait(lambda: states(host, "VI_6")[-1] == "FAULT", "FAULT")
    host.run("sh", "-c", on)
    pair.wait(lambda: states(host, "VI_6")[-1] != "FAULT", "an end of FAULT")
    heard = len(pair.wire.frames)
    pair.wait(lambda: len(pair.wire.adverts(1, heard)) > 12, "more than three intervals")
    assert states(host, "VI_6")[-1] == "BACKUP"
    assert pair.wire.adverts(0, heard) == []
