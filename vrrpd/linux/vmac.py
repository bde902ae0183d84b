"""Virtual interfaces: macvlan with a virtual MAC address, ipvlan without.

    make(..., link)      create, or take over what is there; IPv6 addresses only ours; up
    block(..., name)     nothing leaves by it, whatever the kernel would send
    unblock(..., name)   it sends again
    remove(..., name)    delete

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
from typing import Protocol

from vrrpd.linux.netlink_attributes import attribute, nested, u32
from vrrpd.linux.routes import FAMILIES
from vrrpd.linux.rtnetlink import (
    IFA_ADDRESS,
    IFA_LOCAL,
    IFADDRMSG,
    IFF_UP,
    IFINFOMSG,
    IFLA_ADDRESS,
    IFLA_AF_SPEC,
    IFLA_GROUP,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    RTM_DELLINK,
    RTM_DELQDISC,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWQDISC,
    RequestSocket,
)
from vrrpd.ports import Interface, VirtualLink

TCMSG = struct.Struct("=B3xiIII")  # family, interface, handle, parent, info
IFLA_MACVLAN_MODE, MACVLAN_PRIVATE = 1, 1
IFLA_IPVLAN_MODE, IPVLAN_L2, IFLA_IPVLAN_FLAGS = 1, 0, 2
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}
IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_NONE, AF_INET6 = 8, 1, 10
TC_H_ROOT, TCA_KIND, BLACKHOLE = 0xFFFFFFFF, 1, b"blackhole\0"
ON_BASE = {"arp_ignore": 1, "arp_filter": 1}
ON_LINK = {"arp_ignore": 1, "accept_local": 1, "rp_filter": 0, "promote_secondaries": 1}


class _LinkTable(Protocol):
    """The interfaces of this host: what must be known of them, and kept up to date."""

    def interface(self, name: str) -> Interface | None:
        """The interface of that name, or None."""

    def index_of(self, name: str) -> int:
        """The index of an interface.  Raises LookupError with its name."""

    def read_events(self) -> None:
        """Read the notifications that have arrived."""

    def drop(self, index: int) -> None:
        """Remove an interface from the table; nothing is reported."""

    def set_switch(self, family: str, interface: str, name: str, value: int) -> list[str]:
        """Set a sysctl of an interface; a line if that is not possible."""


def make(requests: RequestSocket, table: _LinkTable, link: VirtualLink, blocked: bool) -> list[str]:
    """Create or take over `link`, blocked before it can send anything; the refusals as text."""
    if table.interface(link.name) is None:
        flags = NLM_F_CREATE | NLM_F_EXCL
        base = table.interface(link.base)
        group = link.group if link.group is not None or base is None else base.group
        body = creation(link, table.index_of(link.base), group or 0)
        number = requests.ask(RTM_NEWLINK, flags, body)
        if number not in (0, errno.EEXIST):
            return [f"cannot create {link.name} on {link.base}: {os.strerror(number)}"]
        table.read_events()
    there = table.interface(link.name)
    if there is None:
        return [f"cannot create {link.name} on {link.base}: it vanished"]
    problems = block(requests, table, link.name) if blocked else []
    quiet = nested(AF_INET6, attribute(IFLA_INET6_ADDR_GEN_MODE, bytes((ADDR_GEN_NONE,))))
    # Without IPv6 in the kernel there is nothing to keep quiet.
    requests.ask(
        RTM_NEWLINK, 0, IFINFOMSG.pack(0, 0, there.index, 0, 0) + nested(IFLA_AF_SPEC, quiet)
    )
    problems += _switches(table, link)
    number = requests.ask(RTM_NEWLINK, 0, IFINFOMSG.pack(0, 0, there.index, IFF_UP, IFF_UP))
    if number:
        problems.append(f"cannot bring {link.name} up: {os.strerror(number)}")
    problems += _own_address(requests, link, there.index)
    table.read_events()
    return problems


def creation(link: VirtualLink, base: int, group: int = 0) -> bytes:
    """The body of the request that creates `link`, in `group`, on the interface of index `base`."""
    parts = [
        IFINFOMSG.pack(0, 0, 0, 0, 0),
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


def _switches(table: _LinkTable, link: VirtualLink) -> list[str]:
    """Set the sysctls of the link and of its base."""
    problems = []
    if not link.sees(6):
        problems += table.set_switch("ipv6", link.name, "disable_ipv6", 1)
    elif link.kind == "vmac":
        problems += table.set_switch("ipv6", link.name, "accept_ra", 0)
    if link.family == 4 and link.kind == "vmac":
        for interface, wanted in ((link.base, ON_BASE), (link.name, ON_LINK)):
            for name, value in wanted.items():
                problems += table.set_switch("ipv4", interface, name, value)
    elif link.kind == "vmac":  # keepalived from 2.3.3 on
        problems += table.set_switch("ipv4", link.name, "arp_ignore", 1)
    return problems


def _own_address(requests: RequestSocket, link: VirtualLink, index: int) -> list[str]:
    """Give an ipvlan the address that it has all the time."""
    if link.address is None:
        return []
    ip, length = link.address
    body = IFADDRMSG.pack(FAMILIES[ip.version], length, 0, 0, index)
    body += attribute(IFA_LOCAL, ip.packed) + attribute(IFA_ADDRESS, ip.packed)
    number = requests.ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body)
    return [f"cannot add {ip} on {link.name}: {os.strerror(number)}"] if number else []


def block(requests: RequestSocket, table: _LinkTable, name: str) -> list[str]:
    """Drop every frame that interface `name` would send."""
    number = _discipline(requests, table, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, name)
    return [f"cannot keep {name} from sending: {os.strerror(number)}"] if number else []


def unblock(requests: RequestSocket, table: _LinkTable, name: str) -> list[str]:
    """Let `name` send again; another queueing discipline than ours stays."""
    number = _discipline(requests, table, RTM_DELQDISC, 0, name)
    if number in (0, errno.ENOENT, errno.EINVAL):
        return []
    return [f"cannot let {name} send: {os.strerror(number)}"]


def _discipline(
    requests: RequestSocket, table: _LinkTable, kind: int, flags: int, name: str
) -> int:
    """Ask to make or delete the queueing discipline; an errno.  A vanished interface is none."""
    there = table.interface(name)
    if there is None:
        return 0
    body = TCMSG.pack(0, there.index, 0, TC_H_ROOT, 0) + attribute(TCA_KIND, BLACKHOLE)
    return requests.ask(kind, flags, body)


def remove(requests: RequestSocket, table: _LinkTable, name: str) -> None:
    """Delete an interface; harmless if it is gone."""
    there = table.interface(name)
    if there is not None:
        if requests.ask(RTM_DELLINK, 0, IFINFOMSG.pack(0, 0, there.index, 0, 0)) == 0:
            table.drop(there.index)  # before anything else that is waiting is read
        table.read_events()
