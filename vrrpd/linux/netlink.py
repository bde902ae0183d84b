"""The kernel's interfaces and addresses, over rtnetlink.

Two sockets.  One asks and commands; the other hears what changes, whoever changed it.

    change(add, remove)   all messages in one send(2), all answers read after it
    interface(name)       from a table that the second socket keeps current
    watch(watcher)        interface_changed(), address_removed()

pyroute2 knows the formats; the sockets are plain ones, because a batch of addresses in a single
system call is what makes a takeover with hundreds of them quick.  A message is encoded once for
each address and kept.

Contract: a change of ours is never reported back as somebody else's: the kernel marks every
notification with the socket that caused it.  If notifications were lost (ENOBUFS) the table is
read afresh and everybody is told to look again.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any

from pyroute2.netlink import nlmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from vrrpd.config.model import Address
from vrrpd.events import IPAddress
from vrrpd.linux import sysctl
from vrrpd.linux.loop import Loop
from vrrpd.ports import Interface, Placed, Watcher

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_CREATE = 0x100, 0x400
SOL_NETLINK, NETLINK_CAP_ACK = 270, 10
GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
IFF_UP, IFF_LOWER_UP, IFF_RUNNING = 0x1, 0x10000, 0x40
IFA_F_TENTATIVE = 0x40
IFA_F_NODAD, IFA_F_HOMEADDRESS, IFA_F_MANAGETEMPADDR = 0x02, 0x10, 0x100
IFA_F_NOPREFIXROUTE, IFA_F_MCAUTOJOIN = 0x200, 0x400
FOREVER = 0xFFFFFFFF
BUFFER = 1 << 20
PATIENCE = 2.0  # s for the kernel's answer, which is there before send(2) returns

Wanted = tuple[int, int, Placed]


def flags_of(address: Address) -> int:
    """IFA_FLAGS for the words written behind an address."""
    return (
        (IFA_F_NODAD if address.nodad else 0)
        | (IFA_F_HOMEADDRESS if address.home else 0)
        | (IFA_F_MANAGETEMPADDR if address.mngtmpaddr else 0)
        | (IFA_F_NOPREFIXROUTE if address.noprefixroute else 0)
        | (IFA_F_MCAUTOJOIN if address.autojoin else 0)
    )


def encode_address(kind: int, index: int, address: Address) -> bytes:
    """Return the body of RTM_NEWADDR or RTM_DELADDR for `address` on interface `index`."""
    message = ifaddrmsg()
    message["family"] = socket.AF_INET if address.ip.version == 4 else socket.AF_INET6
    message["prefixlen"] = address.prefixlen
    message["index"] = index
    message["scope"] = address.scope or 0
    far = str(address.peer or address.ip)
    attributes: list[tuple[str, Any]] = [("IFA_LOCAL", str(address.ip)), ("IFA_ADDRESS", far)]
    if kind == RTM_NEWADDR:
        if address.broadcast is not None:
            attributes.append(("IFA_BROADCAST", str(address.broadcast)))
        if flags_of(address):
            attributes.append(("IFA_FLAGS", flags_of(address)))
        if address.preferred_lft is not None:
            life = {"ifa_preferred": address.preferred_lft, "ifa_valid": FOREVER}
            attributes.append(("IFA_CACHEINFO", {**life, "cstamp": 0, "tstamp": 0}))
    if address.label is not None:
        attributes.append(("IFA_LABEL", address.label))
    message["attrs"] = attributes
    message.encode()
    return bytes(message.data)[HEADER.size :]


def split(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield (type, sequence, port, message with its header) for every message in a buffer."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, _, sequence, port = HEADER.unpack_from(data, at)
        if length < HEADER.size:
            return
        yield kind, sequence, port, data[at : at + length]
        at += (length + 3) & ~3


def read_attributes(message: nlmsg) -> dict[str, Any]:
    """The attributes of a decoded message by name, the first of each."""
    found: dict[str, Any] = {}
    for attribute in message.get("attrs", ()):
        found.setdefault(attribute[0], attribute[1])
    return found


class Netlink:
    """The Kernel of the real machine."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.links: dict[int, Interface] = {}
        self.watcher: Watcher | None = None
        self.sequence = 0
        self.encoded: dict[Wanted, bytes] = {}
        # The kernel signs its IPv6 notifications with no port: our own removals are counted here.
        self.expected: Counter[tuple[int, IPAddress]] = Counter()
        self.command = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.command.bind((0, 0))
        self.command.settimeout(PATIENCE)
        self.command.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.command.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.port = self.command.getsockname()[0]
        self.events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.events.bind((0, GROUPS))  # subscribed before the dump, so that nothing is missed
        self.events.setblocking(False)
        loop.add_reader(self.events.fileno(), self.hear)
        self.refresh()

    # Asking.

    def interface(self, name: str) -> Interface | None:
        """The present state of the interface of that name."""
        return next((one for one in self.links.values() if one.name == name), None)

    def refresh(self) -> None:
        """Read all links and addresses."""
        self.links.clear()
        for kind, family in ((RTM_GETLINK, socket.AF_UNSPEC), (RTM_GETADDR, socket.AF_UNSPEC)):
            for answer, message in self.dump(kind, family):
                self.learn(answer, message)

    def dump(self, kind: int, family: int) -> Iterator[tuple[int, bytes]]:
        """Yield (type, message) of everything the kernel has of this kind."""
        self.sequence += 1
        body = struct.pack("=B15x", family) if kind == RTM_GETLINK else struct.pack("=B7x", family)
        flags = NLM_F_REQUEST | NLM_F_DUMP
        self.command.send(
            HEADER.pack(HEADER.size + len(body), kind, flags, self.sequence, 0) + body
        )
        while True:
            for answer, sequence, _, message in split(self.command.recv(BUFFER)):
                if sequence != self.sequence:
                    continue
                if answer in (NLMSG_DONE, NLMSG_ERROR):
                    return
                yield answer, message

    # Commanding.

    def change(self, add: Sequence[Placed], remove: Sequence[Placed]) -> list[str]:
        """Remove, then add, all in one send(2); one line for each refusal of the kernel."""
        wanted: dict[int, Wanted] = {}
        problems: list[str] = []
        batch: list[bytes] = []
        for kind, placed in ((RTM_DELADDR, remove), (RTM_NEWADDR, add)):
            for one in placed:
                link = self.interface(one.interface)
                if link is not None:
                    self.sequence += 1
                    wanted[self.sequence] = (kind, link.index, one)
                    batch.append(self.request(wanted[self.sequence]))
                elif kind == RTM_NEWADDR:
                    problems.append(f"cannot add {one.address.ip}: no interface {one.interface}")
        if batch:
            try:
                self.command.send(b"".join(batch))
                problems += self.answers(wanted)
            except OSError as error:
                problems.append(f"cannot change addresses: {error.strerror or error}")
        return problems

    def request(self, wanted: Wanted) -> bytes:
        """One request, its sequence number the latest, its body encoded once and kept."""
        kind, index, placed = wanted
        body = self.encoded.get(wanted)
        if body is None:
            body = self.encoded[wanted] = encode_address(kind, index, placed.address)
        flags = NLM_F_REQUEST | NLM_F_ACK
        if kind == RTM_NEWADDR:
            flags |= NLM_F_CREATE | NLM_F_REPLACE
        return HEADER.pack(HEADER.size + len(body), kind, flags, self.sequence, 0) + body

    def answers(self, wanted: dict[int, Wanted]) -> list[str]:
        """Read the kernel's answer to every request; return the refusals in words."""
        problems = []
        open_ = set(wanted)
        while open_:
            for kind, sequence, _, message in split(self.command.recv(BUFFER)):
                if kind != NLMSG_ERROR or sequence not in open_:
                    continue
                open_.remove(sequence)
                number = -int.from_bytes(message[16:20], "little", signed=True)
                verb, index, one = wanted[sequence]
                if verb == RTM_DELADDR and not number and one.address.ip.version == 6:
                    self.expected[index, one.address.ip] += 1
                # What we want gone and is gone already, even with its interface, is no refusal.
                gone = verb == RTM_DELADDR and number in (errno.EADDRNOTAVAIL, errno.ENODEV)
                if number and not gone:
                    word = "add" if verb == RTM_NEWADDR else "remove"
                    where = f"{one.address.ip} on {one.interface}"
                    problems.append(f"cannot {word} {where}: {os.strerror(number)}")
        return problems

    def forwards(self, name: str) -> bool:
        """Whether this machine is an IPv6 router on the interface."""
        return sysctl.read("ipv6", name, "forwarding") == "1"

    # Hearing.

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` from now on."""
        self.watcher = watcher

    def hear(self) -> None:
        """Take in what has changed, and tell the watcher."""
        while True:
            try:
                data = self.events.recv(BUFFER)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.overflow()
                continue
            for kind, _, port, message in split(data):
                self.learn(kind, message, ours=port == self.port)

    def overflow(self) -> None:
        """Notifications were lost: look at everything again."""
        self.refresh()
        for name in [link.name for link in self.links.values()]:
            self.changed(name)

    def learn(self, kind: int, message: bytes, ours: bool = False) -> None:
        """Bring the table up to date with one message."""
        if kind in (RTM_NEWLINK, RTM_DELLINK):
            self.learn_link(kind, message)
        elif kind in (RTM_NEWADDR, RTM_DELADDR):
            self.learn_address(kind, message, ours)

    def learn_link(self, kind: int, message: bytes) -> None:
        """An interface appeared, vanished or changed."""
        link = ifinfmsg(message)
        link.decode()
        attributes = read_attributes(link)
        index, flags = link["index"], link["flags"]
        before = self.links.get(index)
        if kind == RTM_DELLINK:
            if before is not None and link["family"] == socket.AF_UNSPEC:
                del self.links[index]
                self.encoded = {key: body for key, body in self.encoded.items() if key[1] != index}
                self.changed(before.name)
            return
        self.links[index] = after = Interface(
            name=attributes["IFLA_IFNAME"],
            index=index,
            mac=bytes.fromhex((attributes.get("IFLA_ADDRESS") or "").replace(":", "")),
            up=bool(flags & IFF_UP),
            carrier=bool(flags & IFF_LOWER_UP and flags & IFF_RUNNING),
            mtu=attributes.get("IFLA_MTU", 1500),
            addresses=before.addresses if before is not None else (),
        )
        if after != before:
            self.changed(after.name)
            if before is not None and before.name != after.name:
                self.changed(before.name)

    def learn_address(self, kind: int, message: bytes, ours: bool) -> None:
        """An address came or went."""
        body = ifaddrmsg(message)
        body.decode()
        attributes = read_attributes(body)
        text = attributes.get("IFA_LOCAL") or attributes.get("IFA_ADDRESS")
        link = self.links.get(body["index"])
        if link is None or text is None:
            return
        ip = ip_address(text)
        if attributes.get("IFA_FLAGS", body["flags"]) & IFA_F_TENTATIVE and kind == RTM_NEWADDR:
            return  # not ours to speak from until duplicate address detection is over
        rest = tuple(one for one in link.addresses if one != ip)
        if kind == RTM_NEWADDR:
            addresses = link.addresses if ip in link.addresses else (*link.addresses, ip)
        else:
            addresses = rest
        self.links[link.index] = Interface(
            link.name, link.index, link.mac, link.up, link.carrier, link.mtu, addresses
        )
        if kind == RTM_DELADDR and self.expected[link.index, ip] > 0:
            self.expected[link.index, ip] -= 1
            ours = True
        if ours:
            return
        if addresses != link.addresses:
            self.changed(link.name)
        if kind == RTM_DELADDR:
            self.removed(link.name, ip)

    def changed(self, name: str) -> None:
        """Tell the watcher that the interface is not what it was."""
        if self.watcher is not None:
            self.watcher.interface_changed(name)

    def removed(self, name: str, ip: IPAddress) -> None:
        """Tell the watcher that somebody else took an address away."""
        if self.watcher is not None:
            self.watcher.address_removed(name, ip)

    def close(self) -> None:
        """Close both sockets."""
        self.loop.remove_reader(self.events.fileno())
        self.events.close()
        self.command.close()
