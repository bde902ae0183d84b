"""Virtual interfaces: which ones an instance needs, their names and MAC addresses, what is on them.

And the packet filter's text, whose effect is compared with keepalived's in tests/interop.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from labs.simulation.lan import Lan
from tests.cluster import conf
from vrrpd.addresses.vmac import home, slots, virtual_link
from vrrpd.config import loads
from vrrpd.config.globals import Globals
from vrrpd.config.model import Address, Instance
from vrrpd.linux import nftables as nft
from vrrpd.linux.vmac import creation
from vrrpd.ports import DropFilter, InterfaceAddress, VirtualLink
from vrrpd.record import replace


def instance(words: str = "use_vmac", vips: str = "192.168.1.10", excluded: str = "") -> Instance:
    text = (
        f"vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n {words}\n"
        f" virtual_ipaddress {{\n {vips}\n }}\n"
        f" virtual_ipaddress_excluded {{\n {excluded}\n }}\n}}\n"
    )
    return loads(text).config.instances[0]


def links(one: Instance, *others: str) -> dict[tuple[str, int], VirtualLink]:
    """Its virtual interfaces, on a machine where the names of `others` are taken."""
    found: dict[tuple[str, int], VirtualLink] = {}
    taken = set(others)
    for slot in slots(one):
        found[slot] = virtual_link(one, slot, Globals(), taken.__contains__)
        taken.add(found[slot].name)
    return found


@pytest.mark.parametrize(
    ("words", "vips", "mac"),
    [
        ("use_vmac", "192.168.1.10", "00005e000133"),
        ("use_vmac", "fe80::1", "00005e000233"),
        ("use_vmac 02:00:00:00:aa:bb", "192.168.1.10", "02000000aabb"),
        ("use_vmac 02:00:00:00:aa", "192.168.1.10", "02000000aa33"),
    ],
)
def test_the_mac_address_is_the_rfcs_or_the_configured_one(words: str, vips: str, mac: str) -> None:
    (link,) = links(instance(words, vips)).values()
    assert link.mac == bytes.fromhex(mac)


@pytest.mark.parametrize(
    ("words", "vips", "taken", "name"),
    [
        ("use_vmac", "192.168.1.10", (), "vrrp.51"),
        ("use_vmac", "192.168.1.10", ("vrrp.51",), "vrrp1.51"),
        ("use_vmac", "192.168.1.10", ("vrrp.51", "vrrp1.51"), "vrrp2.51"),
        ("use_vmac", "fe80::1", ("vrrp.51",), "vrrp6.51"),
        ("use_vmac", "fe80::1", ("vrrp.51", "vrrp6.51"), "vrrp1.51"),
        ("use_vmac vip0", "192.168.1.10", (), "vip0"),
        ("use_vmac vip0", "192.168.1.10", ("vip0",), "vrrp.51"),
    ],
)
def test_the_name_is_the_first_that_is_free_in_keepaliveds_order(
    words: str, vips: str, taken: tuple[str, ...], name: str
) -> None:
    (link,) = links(instance(words, vips), *taken).values()
    assert link.name == name


def test_without_use_vmac_everything_stays_where_it_is() -> None:
    one = instance("", excluded="fd00::1 dev eth1")
    assert links(one) == {}
    assert [home(one, {}, a).interface for a in (*one.addresses, *one.excluded)] == ["eth0", "eth1"]


def test_addresses_of_the_family_live_on_the_virtual_interface_the_others_do_not() -> None:
    vips = "192.168.1.10\n192.168.1.20 dev eth0\n10.0.0.1 dev eth1"
    one = instance(vips=vips, excluded="fd00::1")
    found = links(one)
    assert list(found) == [("eth0", 4)]
    where = [home(one, found, a).interface for a in (*one.addresses, *one.excluded)]
    assert where == ["vrrp.51", "vrrp.51", "eth1", "eth0"]


def test_use_vmac_addr_makes_one_for_every_interface_and_family() -> None:
    one = instance(
        "use_vmac\n use_vmac_addr", "192.168.1.10\n 10.0.0.1 dev eth1", "fd00::1\n fd01::1 dev eth1"
    )
    found = links(one)
    assert {slot: (link.name, link.mac and link.mac[4]) for slot, link in found.items()} == {
        ("eth0", 4): ("vrrp.51", 1),
        ("eth1", 4): ("vrrp1.51", 1),
        ("eth0", 6): ("vrrp6.51", 2),
        ("eth1", 6): ("vrrp2.51", 2),
    }


def test_a_single_address_can_ask_for_one() -> None:
    one = instance("use_vmac", "192.168.1.10\n 10.0.0.1 dev eth1 use_vmac\n 10.0.0.2 dev eth1")
    found = links(one)
    assert [home(one, found, a).interface for a in one.addresses] == ["vrrp.51", "vrrp1.51", "eth1"]


def test_the_request_for_a_macvlan_says_private() -> None:
    (link,) = links(instance()).values()
    body = creation(link, base=7)
    message = ifinfmsg((len(body) + 16).to_bytes(4, "little") + bytes(12) + body)
    message.decode()
    assert message.get_attr("IFLA_IFNAME") == "vrrp.51"
    assert message.get_attr("IFLA_LINK") == 7
    assert message.get_attr("IFLA_ADDRESS") == "00:00:5e:00:01:33"
    info = message.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "macvlan"
    assert info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_MACVLAN_MODE") == "private"


def test_the_request_names_the_group_of_interfaces() -> None:
    """keepalived 2.3.0: that of the base interface, so that rules of a firewall hold for both."""
    (link,) = links(instance()).values()
    body = creation(link, base=7, group=42)
    message = ifinfmsg((len(body) + 16).to_bytes(4, "little") + bytes(12) + body)
    message.decode()
    assert message.get_attr("IFLA_GROUP") == 42


@pytest.mark.parametrize(
    ("words", "name", "group"),
    [
        ("use_vmac", None, None),
        ("use_vmac group 7", None, 7),
        ("use_vmac group default vone", "vone", 0),
        ("use_vmac name group group 7 netlink_notify_msg", "group", 7),
        ("use_vmac vone netlink_notify_msg 02:00:00:00:aa:bb", "vone", None),
        ("use_ipvlan name bridge vepa group 7", "bridge", 7),
    ],
)
def test_the_words_of_keepalived_2_3(words: str, name: str | None, group: int | None) -> None:
    vmac = instance(words).vmac
    assert vmac is not None
    assert (vmac.name, vmac.group) == (name, group)


@pytest.mark.parametrize("words", ["use_vmac group nonsense", "use_vmac group", "use_vmac name"])
def test_a_bad_group_is_an_error_and_that_of_the_base_is_used(words: str) -> None:
    loaded = loads(
        f"vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n {words}\n"
        " virtual_ipaddress {\n 192.168.1.10\n }\n}\n"
    )
    assert [one.severity for one in loaded.diagnostics] == ["error"]
    vmac = loaded.config.instances[0].vmac
    assert vmac is not None
    assert vmac.group is None


def test_the_request_for_an_ipvlan_says_its_mode() -> None:
    (link,) = links(instance("use_ipvlan ipv0 192.168.1.51/24 vepa")).values()
    assert link.address == (ip_address("192.168.1.51"), 24)
    body = creation(link, base=7)
    message = ifinfmsg((len(body) + 16).to_bytes(4, "little") + bytes(12) + body)
    message.decode()
    info = message.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "ipvlan"
    assert message.get_attr("IFLA_ADDRESS") is None


# The packet filter.


def placed(text: str, interface: str = "eth0") -> InterfaceAddress:
    ip = ip_address(text)
    return InterfaceAddress(interface, Address(ip=ip, prefixlen=ip.max_prefixlen))


def test_nothing_to_filter_makes_no_table() -> None:
    assert [nft.table(DropFilter(), version) for version in (4, 6)] == ["", ""]
    assert not DropFilter()


def test_silent_addresses_are_dropped_both_ways_in_their_own_family() -> None:
    shield = DropFilter(silent=(placed("192.168.1.10"), placed("192.168.1.30")))
    text = nft.table(shield, 4)
    assert "elements = { 192.168.1.10, 192.168.1.30 }" in text
    assert "ip saddr @vips drop" in text
    assert "ip daddr @vips drop" in text
    assert nft.table(shield, 6) == ""


def test_link_local_addresses_are_dropped_on_their_interface_only() -> None:
    text = nft.table(DropFilter(silent=(placed("fe80::7", "eth1"),)), 6)
    assert 'fe80::7 . "eth1"' in text
    assert text.index("@neighbor-discovery accept") < text.index("goto out_link_local")


def test_the_switches_of_global_defs_are_in_the_text() -> None:
    text = nft.table(DropFilter("ha", -5, True, (placed("192.168.1.10"),)), 4)
    assert text.startswith("table ip ha {")
    assert "priority -5;" in text
    assert "counter drop" in text


@pytest.mark.parametrize("name", ["a b", 'x"y', "x;flush ruleset", "", "x\n"])
def test_a_name_that_nft_would_read_otherwise_is_refused(name: str) -> None:
    assert nft.Filter().apply(DropFilter(table=name, silent=(placed("192.168.1.10"),)))
    assert nft.Filter().apply(DropFilter(silent=(placed("fe80::7", name),)))


class Picky(nft.Filter):
    """nftables that knows no table yet and refuses every script with one of these words in it."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words
        self.taken: list[str] = []

    def run(self, script: str) -> tuple[str, str]:
        if any(word in script for word in self.words):
            return "", "Error: Could not process rule"
        self.taken.append(script)
        return "", ""


VMAC = VirtualLink("vrrp.51", "eth0", 6, bytes(6))
BOTH = DropFilter(silent=(placed("192.168.1.10"), placed("2001:db8::7"), placed("fe80::7", "eth1")))


@pytest.mark.parametrize(
    ("refused", "shield", "kept", "lost"),
    [
        ("ip6", BOTH, ["192.168.1.10"], ["anything"]),
        ("eth1", BOTH, ["192.168.1.10", "2001:db8::7"], ["fe80::7"]),
        ("dup to", replace(BOTH, links=(VMAC,)), ["192.168.1.10", "2001:db8::7", "fe80::7"],
         ["the rules of virtual interfaces"]),
    ],
)  # fmt: skip
def test_what_nftables_refuses_costs_no_other_instance_the_filter(
    refused: str, shield: DropFilter, kept: list[str], lost: list[str]
) -> None:
    picky = Picky(refused)
    problems = picky.apply(shield)
    text = "\n".join(picky.taken)
    assert [one for one in kept if one not in text] == []
    assert problems[0] == "the packet filter was refused: Error: Could not process rule"
    assert problems[1:] == [f"the packet filter of ip6 is without {one}" for one in lost]


def test_an_odd_name_of_an_interface_costs_no_other_instance_the_filter() -> None:
    picky = Picky()
    odd = placed("fe80::7", "a*b")
    assert picky.apply(replace(BOTH, silent=(*BOTH.silent, odd))) == [
        "no packet filter: 'a*b' cannot be written in nft"
    ]
    assert "fe80::7" in "".join(picky.taken)
    assert "a*b" not in "".join(picky.taken)


@pytest.mark.parametrize(
    ("line", "name", "errors"),
    [
        ("nftables", "keepalived", 0),
        ('nftables ""', "keepalived", 0),
        ("nftables ha/eth0.1", "ha/eth0.1", 0),
        ("nftables 9x", "keepalived", 1),
        ("nftables set", "keepalived", 1),
        ("nftables a;b", "keepalived", 1),
        ("vrrp_iptables", "keepalived", 0),
    ],
)
def test_there_is_always_a_table_that_nft_can_write(line: str, name: str, errors: int) -> None:
    text = f"global_defs {{\n{line}\n}}\n" + conf(150)
    loaded = loads(text)
    assert loaded.config.globals.nftables == name
    assert sum(one.severity == "error" for one in loaded.diagnostics) == errors


# In memory.


@pytest.fixture
def lan() -> Callable[[str], Lan]:
    def make(words: str) -> Lan:
        one = Lan("basic", ping=None)
        one.conf("web1", one.conf("web1").replace("interface eth0", f"interface eth0\n{words}"))
        one.stop("web1")
        one.start("web1")
        return one

    return make


def test_no_accept_silences_the_addresses_while_master(lan: Callable[[str], Lan]) -> None:
    one = lan("no_accept\npriority 200")
    assert not one.machines["web1"].shield
    one.wait_until(lambda: one.holders() == ["web1"])
    silent = one.machines["web1"].shield.silent
    assert [str(placed_.address.ip) for placed_ in silent] == ["192.168.1.10"]
    one.stop("web1")
    assert not one.machines["web1"].shield


def test_routes_and_rules_come_after_the_addresses_and_go_before(
    lan: Callable[[str], Lan],
) -> None:
    one = lan(
        "priority 200\nvirtual_routes {\n10.0.0.0/8 via 192.168.1.1 dev eth0\n}\n"
        "virtual_rules {\nfrom 192.168.1.10 table 100 preference 5\n}"
    )
    one.wait_until(lambda: one.holders() == ["web1"])
    assert [str(way) for way in one.machines["web1"].ways] == [
        "10.0.0.0/8 via 192.168.1.1 dev eth0",
        "from 192.168.1.10 table 100 preference 5",
    ]
    one.stop("web1")
    assert one.machines["web1"].ways == []


def test_a_virtual_interface_is_made_and_deleted(lan: Callable[[str], Lan]) -> None:
    one = lan("use_vmac\npriority 200")
    card = one.machines["web1"].cards["vrrp.51"]
    assert card.mac == bytes.fromhex("00005e000133")
    one.wait_until(lambda: one.masters() == ["web1"])
    one.stop("web1")
    assert one.machines["web1"].cards == {}


def test_advertisements_leave_the_real_interface_if_only_an_address_has_a_virtual_mac(
    lan: Callable[[str], Lan],
) -> None:
    one = lan("priority 200\nvirtual_ipaddress_excluded {\n192.168.1.30 use_vmac\n}")
    one.wait_until(lambda: one.masters() == ["web1"])
    assert one.machines["web1"].cards["vrrp.51"].mac == bytes.fromhex("00005e000133")
    assert one.daemons["web1"].routers["VI_1"].announcer.advert_interface == "eth0"
