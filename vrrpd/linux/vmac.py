"""Virtual interfaces: macvlan with a virtual MAC address, ipvlan without.

    make(netlink, link)      create, or take over what is there; IPv6 addresses only ours; up
    block(netlink, name)     nothing leaves by it, whatever the kernel would send
    unblock(netlink, name)   it sends again
    remove(netlink, name)    delete

A macvlan is `private`: what it sends goes to the LAN and not to its siblings on the same base.
A blocked one has the queueing discipline `blackhole`, which every kernel with traffic control has
and which needs no packet filter: MLD and IGMP reports, solicitations, answers are dropped.
The switches are keepalived's, for IPv4: the base must not answer ARP for addresses that are on the
macvlan (arp_ignore, arp_filter), the macvlan accepts packets from our own addresses
(accept_local), is not filtered by where replies would go (rp_filter) and keeps its other addresses
when the first is removed (promote_secondaries).  Over IPv6 it takes no address from Router
Advertisements (accept_ra): all routers would make the same one of the virtual MAC.
"""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

from vrrpd.linux.netlink_attributes import attribute, nested, u32
from vrrpd.linux.routes import FAMILIES
from vrrpd.ports import VirtualLink

if TYPE_CHECKING:
    from vrrpd.linux.kernel import Netlink

IFINFO = struct.Struct("=BxHiII")  # family, type, index, flags, change
IFADDR = struct.Struct("=BBBBI")
TCMSG = struct.Struct("=B3xiIII")  # family, interface, handle, parent, info
RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR = 16, 17, 20
RTM_NEWQDISC, RTM_DELQDISC = 36, 37
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINK, IFLA_LINKINFO, IFLA_AF_SPEC = 1, 3, 5, 18, 26
IFLA_GROUP = 27
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_MACVLAN_MODE, MACVLAN_PRIVATE = 1, 1
IFLA_IPVLAN_MODE, IPVLAN_L2, IFLA_IPVLAN_FLAGS = 1, 0, 2
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}
IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_NONE, AF_INET6 = 8, 1, 10
IFA_ADDRESS, IFA_LOCAL = 1, 2
TC_H_ROOT, TCA_KIND, BLACKHOLE = 0xFFFFFFFF, 1, b"blackhole\0"
IFF_UP = 1
ON_BASE = {"arp_ignore": 1, "arp_filter": 1}
ON_LINK = {"arp_ignore": 1, "accept_local": 1, "rp_filter": 0, "promote_secondaries": 1}


def make(netlink: Netlink, link: VirtualLink, blocked: bool) -> list[str]:
    """Create or take over `link`, blocked before it can send anything; the refusals in words."""
    if netlink.interface(link.name) is None:
        flags = NLM_F_CREATE | NLM_F_EXCL
        base = netlink.interface(link.base)
        group = link.group if link.group is not None or base is None else base.group
        body = creation(link, netlink.index_of(link.base), group or 0)
        number = netlink.ask(RTM_NEWLINK, flags, body)
        if number not in (0, errno.EEXIST):
            return [f"cannot create {link.name} on {link.base}: {os.strerror(number)}"]
        netlink.hear()
    there = netlink.interface(link.name)
    if there is None:
        return [f"cannot create {link.name} on {link.base}: it vanished"]
    problems = block(netlink, link.name) if blocked else []
    quiet = nested(AF_INET6, attribute(IFLA_INET6_ADDR_GEN_MODE, bytes((ADDR_GEN_NONE,))))
    # Without IPv6 in the kernel there is nothing to keep quiet.
    netlink.ask(RTM_NEWLINK, 0, IFINFO.pack(0, 0, there.index, 0, 0) + nested(IFLA_AF_SPEC, quiet))
    problems += switches(netlink, link)
    number = netlink.ask(RTM_NEWLINK, 0, IFINFO.pack(0, 0, there.index, IFF_UP, IFF_UP))
    if number:
        problems.append(f"cannot bring {link.name} up: {os.strerror(number)}")
    problems += own_address(netlink, link, there.index)
    netlink.hear()
    return problems


def creation(link: VirtualLink, base: int, group: int = 0) -> bytes:
    """The body of the request that creates `link`, in `group`, on the interface of index `base`."""
    parts = [
        IFINFO.pack(0, 0, 0, 0, 0),
        attribute(IFLA_IFNAME, link.name.encode() + b"\0"),
        u32(IFLA_LINK, base),
        u32(IFLA_GROUP, group),
    ]
    if link.kind == "vmac":
        assert link.mac is not None
        parts.append(attribute(IFLA_ADDRESS, link.mac))
        kind, data = b"macvlan\0", u32(IFLA_MACVLAN_MODE, MACVLAN_PRIVATE)
    else:
        kind = b"ipvlan\0"
        data = attribute(IFLA_IPVLAN_MODE, struct.pack("=H", IPVLAN_L2))
        data += attribute(IFLA_IPVLAN_FLAGS, struct.pack("=H", IPVLAN_FLAGS[link.mode]))
    info = attribute(IFLA_INFO_KIND, kind) + nested(IFLA_INFO_DATA, data)
    return b"".join((*parts, attribute(IFLA_LINKINFO, info)))


def switches(netlink: Netlink, link: VirtualLink) -> list[str]:
    """Set the sysctls of the link and of its base."""
    problems = []
    if not link.sees(6):
        problems += netlink.set_switch("ipv6", link.name, "disable_ipv6", 1)
    elif link.kind == "vmac":
        problems += netlink.set_switch("ipv6", link.name, "accept_ra", 0)
    if link.family == 4 and link.kind == "vmac":
        for interface, wanted in ((link.base, ON_BASE), (link.name, ON_LINK)):
            for name, value in wanted.items():
                problems += netlink.set_switch("ipv4", interface, name, value)
    elif link.kind == "vmac":  # keepalived from 2.3.3 on
        problems += netlink.set_switch("ipv4", link.name, "arp_ignore", 1)
    return problems


def own_address(netlink: Netlink, link: VirtualLink, index: int) -> list[str]:
    """Give an ipvlan the address that it has all the time."""
    if link.address is None:
        return []
    ip, length = link.address
    body = IFADDR.pack(FAMILIES[ip.version], length, 0, 0, index)
    body += attribute(IFA_LOCAL, ip.packed) + attribute(IFA_ADDRESS, ip.packed)
    number = netlink.ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body)
    return [f"cannot add {ip} on {link.name}: {os.strerror(number)}"] if number else []


def block(netlink: Netlink, name: str) -> list[str]:
    """Drop every frame that interface `name` would send."""
    number = _discipline(netlink, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, name)
    return [f"cannot keep {name} from sending: {os.strerror(number)}"] if number else []


def unblock(netlink: Netlink, name: str) -> list[str]:
    """Let `name` send again; another queueing discipline than ours stays."""
    number = _discipline(netlink, RTM_DELQDISC, 0, name)
    if number in (0, errno.ENOENT, errno.EINVAL):
        return []
    return [f"cannot let {name} send: {os.strerror(number)}"]


def _discipline(netlink: Netlink, kind: int, flags: int, name: str) -> int:
    """Ask to make or delete the queueing discipline; an errno.  A vanished interface is none."""
    there = netlink.interface(name)
    if there is None:
        return 0
    body = TCMSG.pack(0, there.index, 0, TC_H_ROOT, 0) + attribute(TCA_KIND, BLACKHOLE)
    return netlink.ask(kind, flags, body)


def remove(netlink: Netlink, name: str) -> None:
    """Delete an interface; harmless if it is gone."""
    there = netlink.interface(name)
    if there is not None:
        if netlink.ask(RTM_DELLINK, 0, IFINFO.pack(0, 0, there.index, 0, 0)) == 0:
            netlink.drop(there.index)  # before anything else that is waiting is heard
        netlink.hear()
