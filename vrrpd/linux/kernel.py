"""The kernel's interfaces, addresses, routes and rules: the port `Kernel`, over `rtnetlink.py`.

Two sockets.  One asks and commands; the other receives what changes, by whatever program.

    change(add, remove)   all messages in one send(2), all answers read after it
    interface(name)       from a table that the second socket keeps current
    watch(watcher)        interface_changed(), address_removed(), route_removed()

Sockets and formats are plain ones: a batch of addresses in a single system call is what makes a
takeover with hundreds of them quick, and a library that knows all of netlink would take longer to
import than the whole daemon.  The tests read the same messages with pyroute2.

Contract: what we have asked for is never reported back as a change by others.  What went with it
is: the kernel removes the secondary addresses of a subnet with their primary one, and marks that
as ours.  A loss is reported when all that has arrived is read, and only if it still is one.  If
notifications were lost (ENOBUFS) the table is read again and the watcher looks again.
"""

from __future__ import annotations

import errno
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_address

from vrrpd.config.routes_model import Route, Rule
from vrrpd.events import IPAddress
from vrrpd.linux import netlink_attributes as tlv
from vrrpd.linux import routes, rules, sysctl, vmac
from vrrpd.linux.loop import Loop
from vrrpd.linux.nftables import Filter
from vrrpd.linux.routes import Key
from vrrpd.linux.rtnetlink import (
    ANSWER_SIZE,
    BUFFER,
    HEADER,
    IFA_ADDRESS,
    IFA_F_DADFAILED,
    IFA_F_TENTATIVE,
    IFA_FLAGS,
    IFA_LOCAL,
    IFADDRMSG,
    IFF_LOWER_UP,
    IFF_RUNNING,
    IFF_UP,
    IFINFOMSG,
    IFLA_ADDRESS,
    IFLA_GROUP,
    IFLA_IFNAME,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MTU,
    NETLINK_ADD_MEMBERSHIP,
    NLM_F_ACK,
    NLM_F_REPLACE,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    NLMSG_NOOP,
    READ_SIZE,
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_DELROUTE,
    RTM_DELRULE,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    SOL_NETLINK,
    RequestSocket,
    acknowledges,
    error_number,
    split,
)
from vrrpd.linux.rtnetlink_requests import Batch, RequestBuilder
from vrrpd.ports import (
    DropFilter,
    Interface,
    InterfaceAddress,
    ManagedObject,
    Refusal,
    VirtualLink,
    Watcher,
)
from vrrpd.record import Record, replace

ROUTE_GROUPS = (7, 8, 11, 19)  # RTNLGRP_IPV4_ROUTE, _IPV4_RULE, _IPV6_ROUTE, _IPV6_RULE
GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
TURN = 128  # notifications read before others get their turn
PUT_OFF = 8  # turns after which a loss is reported though not all that has arrived is read


def _kind_of(information: bytes) -> str:
    """What kind of virtual interface IFLA_LINKINFO names; "" for a real one."""
    kind = tlv.attributes(information).get(IFLA_INFO_KIND, b"")
    return kind.rstrip(b"\0").decode(errors="replace")


class _Prepared(Record):
    """Requests that were made beforehand, and what they were made for."""

    add: list[ManagedObject]
    batch: Batch
    generation: int

    def fits(self, add: Sequence[ManagedObject], generation: int) -> bool:
        """Whether they add just these things, on interfaces that are still the same."""
        return self.generation == generation and self.add == add


class LinuxKernel:
    """The port `Kernel` of `ports.py` on Linux."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.links: dict[int, Interface] = {}
        self.watcher: Watcher | None = None
        self.command = RequestSocket()
        self.orders = RequestBuilder(self.index_of, self.command.numbers)
        self.generation = 0  # of the interfaces' names and numbers
        self.filter = Filter()
        self.switches = sysctl.Sysctls(self._number_of, self._name_of)
        self.guarded: dict[Key, Route | Rule] = {}  # by how the kernel would report their end
        self.expected: Counter[tuple[int, IPAddress]] = Counter()  # removals that we asked for
        self.lengths: dict[tuple[int, IPAddress], set[int]] = {}  # one address may be there twice
        self.lost: list[tuple[int, str, IPAddress, bool]] = []  # index, name, address, ours
        self.put_off = 0  # turns in which more had arrived than was read
        self.events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.events.bind((0, GROUPS))  # subscribed before the dump, so that nothing is missed
        self.events.setblocking(False)
        loop.add_reader(self.events.fileno(), self.read_events)
        self.refresh()

    # Asking.

    def interface(self, name: str) -> Interface | None:
        """The present state of the interface of that name."""
        for one in self.links.values():  # a takeover waits for this: a generator takes longer
            if one.name == name:
                return one
        return None

    def interfaces(self) -> list[Interface]:
        """The present state of every interface."""
        return list(self.links.values())

    def refresh(self) -> None:
        """Read all links and addresses."""
        self.links.clear()
        self.lengths.clear()
        for kind, family in ((RTM_GETLINK, socket.AF_UNSPEC), (RTM_GETADDR, socket.AF_UNSPEC)):
            for answer, message in self.command.dump(kind, family):
                self.learn(answer, message)

    # Commanding.

    def prepare(self, add: Sequence[ManagedObject]) -> _Prepared:
        """The requests that add these things at once, for `change()`."""
        return _Prepared(list(add), self.orders.batch(add, []), self.generation)

    def change(
        self, add: Sequence[ManagedObject], remove: Sequence[ManagedObject], ready: object = None
    ) -> list[Refusal]:
        """Remove, then add, all in one send(2); the refusals of the kernel."""
        if isinstance(ready, _Prepared) and not remove and ready.fits(add, self.generation):
            batch = ready.batch
        else:
            batch = self.orders.batch(add, remove)
        problems = list(batch.problems)
        if batch.orders:
            try:
                problems += self._carry_out(batch)
            except OSError as error:
                text = f"cannot change addresses: {error.strerror or error}"
                problems += [Refusal(text, order.thing) for order in batch.orders.values()]
        if not batch.plain:
            for order in batch.orders.values():
                if not isinstance(order.thing, InterfaceAddress):
                    self.guard(order.verb, order.thing)
        return problems

    def warm_up(self) -> None:
        """A `change()` is near: send a request that changes nothing, and read the answer."""
        (number,) = self.command.numbers(1)
        flags = NLM_F_REQUEST | NLM_F_ACK
        nothing = HEADER.pack(HEADER.size, NLMSG_NOOP, flags, number, 0)
        with suppress(OSError):
            self._carry_out(Batch(nothing, {}, last=number, plain=True))

    def _carry_out(self, batch: Batch) -> list[Refusal]:
        """Send the requests and read what the kernel answers; return the refusals.

        Raises OSError.
        """
        self.command.send(batch.data)
        data = self.command.receive(ANSWER_SIZE)
        if batch.plain and acknowledges(data, batch.last):  # as nearly always in a takeover
            self.orders.done += batch.orders.values()
            return []
        problems: list[Refusal] = []
        refused, done = set(), False
        while not done:
            messages, data = split(data or self.command.receive(ANSWER_SIZE)), b""
            for kind, sequence, _, message in messages:
                if kind != NLMSG_ERROR:
                    continue
                done = done or sequence == batch.last
                number = error_number(message)
                if number and sequence in batch.orders:
                    refused.add(sequence)
                    order = batch.orders[sequence]
                    text = order.refusal(number)
                    problems += [] if text is None else [Refusal(text, order.thing)]
        done_with = [one for sequence, one in batch.orders.items() if sequence not in refused]
        self.orders.done += done_with
        for order in done_with:
            if order.kind == RTM_DELADDR:
                assert isinstance(order.thing, InterfaceAddress)
                self.expected[order.homes[0][1], order.thing.address.ip] += 1
        return problems

    def guard(self, verb: str, thing: Route | Rule) -> None:
        """Start or stop reporting the removal of `thing` by other programs."""
        key = self.orders.key(thing)
        if verb == "remove":
            self.guarded = {known: one for known, one in self.guarded.items() if one != thing}
        elif key is not None and not thing.no_track:
            for group in ROUTE_GROUPS:
                self.events.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
            self.guarded[key] = thing

    def index_of(self, name: str) -> int:
        """The number of an interface.  Raises LookupError with its name."""
        link = self.interface(name)
        if link is None:
            raise LookupError(name)
        return link.index

    def _number_of(self, name: str) -> int | None:
        """The number of an interface, or None if there is none of that name."""
        link = self.interface(name)
        return None if link is None else link.index

    def _name_of(self, index: int) -> str | None:
        """The present name of an interface, or None if it is gone."""
        link = self.links.get(index)
        return None if link is None else link.name

    def create(self, link: VirtualLink, blocked: bool) -> list[str]:
        """Make a virtual interface and bring it up, or take over one that is there already."""
        try:
            return vmac.make(self.command, self, link, blocked)
        except (OSError, LookupError) as error:
            return [f"cannot create {link.name} on {link.base}: {error}"]

    def block(self, name: str, blocked: bool) -> list[str]:
        """Keep a virtual interface from sending anything, or let it send again."""
        try:
            change = vmac.block if blocked else vmac.unblock
            return change(self.command, self, name)
        except OSError as error:
            return [f"cannot {'block' if blocked else 'unblock'} {name}: {error}"]

    def destroy(self, name: str) -> None:
        """Delete a virtual interface; harmless if it is gone."""
        with suppress(OSError):
            vmac.remove(self.command, self, name)

    def protect(self, shield: DropFilter) -> list[str]:
        """Have nftables filter what `shield` says."""
        return self.filter.apply(shield)

    def switch(self, interface: str, name: str, value: int) -> list[str]:
        """Set an IPv4 sysctl of an interface until `restore()`."""
        return self.set_switch("ipv4", interface, name, value)

    def set_switch(self, family: str, interface: str, name: str, value: int) -> list[str]:
        """Set a sysctl of either family; one line if that is not possible."""
        problem = self.switches.set(family, interface, name, value)
        return [] if problem is None else [problem]

    def restore(self) -> None:
        """Put every sysctl back that is still as we left it."""
        self.switches.restore()

    def forwards(self, name: str) -> bool:
        """Whether this host is an IPv6 router on the interface."""
        return sysctl.read("ipv6", name, "forwarding") == "1"

    # Receiving.

    def watch(self, watcher: Watcher) -> None:
        """Report to `watcher` from now on."""
        self.watcher = watcher

    def read_events(self) -> None:
        """Take in what has changed, and report to the watcher."""
        for _ in range(TURN):
            try:
                data = self.events.recv(READ_SIZE)
            except BlockingIOError:
                self.report()
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.overflow()
                continue
            for kind, _, port, message in split(data):
                self.learn(kind, message, ours=port == self.command.port)
        # There is more, but others have their turn; a storm without an end is reported, too.
        self.put_off += 1
        if self.put_off > PUT_OFF:
            self.report()

    def overflow(self) -> None:
        """Notifications were lost: read everything again, and then report.

        Not before the whole table is there: an interface that is known and whose addresses are not
        yet would be in FAULT for a moment, and that is an outage.
        """
        before, generation, watcher = dict(self.links), self.generation, self.watcher
        self.watcher = None
        self.expected.clear()
        try:
            self.refresh()
        finally:
            self.watcher = watcher
        for index in before.keys() - self.links.keys():
            self.forget(index)
        both = (before, self.links)
        then, now = ({index: one.name for index, one in links.items()} for links in both)
        if then == now:
            self.generation = generation
        for name in dict.fromkeys([*then.values(), *now.values()]):
            self.changed(name)
        for index, link in before.items():
            there = self.links[index].addresses if now.get(index) == link.name else ()
            for ip in set(link.addresses).difference(there):
                self.lost.append((index, link.name, ip, False))

    def report(self) -> None:
        """Report to the watcher of the addresses that were lost and have not come back."""
        lost, self.lost, self.put_off = self.lost, [], 0
        for index, name, ip, ours in dict.fromkeys(lost):
            link = self.links.get(index)
            back = link is not None and link.name == name and ip in link.addresses
            if not back and self.watcher is not None:
                self.loop.guard(partial(self.watcher.address_removed, name, ip, ours))

    def learn(self, kind: int, message: bytes, ours: bool = False) -> None:
        """Bring the table up to date with one message."""
        if kind in (RTM_NEWLINK, RTM_DELLINK):
            self._learn_link(kind, message)
        elif kind in (RTM_NEWADDR, RTM_DELADDR):
            self._learn_address(kind, message, ours)
        elif kind in (RTM_DELROUTE, RTM_DELRULE) and not ours:
            body = message[HEADER.size :]
            key = routes.key_of(body) if kind == RTM_DELROUTE else rules.key_of(body)
            lost = self.guarded.pop(key, None)
            if lost is None and kind == RTM_DELROUTE:
                lost = self.guarded.pop(routes.by_any_interface(key), None)
            self._report_lost(lost)
        elif kind == RTM_NEWROUTE and not ours:
            _, _, flags, _, _ = HEADER.unpack_from(message)
            if flags & NLM_F_REPLACE:
                key = routes.key_of(message[HEADER.size :])
                for one in [known for known in self.guarded if routes.replaces(key, known)]:
                    self._report_lost(self.guarded.pop(one))

    def _report_lost(self, lost: Route | Rule | None) -> None:
        """Report a route or rule of ours that another program has removed or replaced."""
        if lost is not None and self.watcher is not None:
            self.loop.guard(partial(self.watcher.route_removed, lost))

    def _learn_link(self, kind: int, message: bytes) -> None:
        """An interface appeared, vanished or changed."""
        family, _, index, flags, _ = IFINFOMSG.unpack_from(message, HEADER.size)
        found = tlv.attributes(message[HEADER.size + IFINFOMSG.size :])
        before = self.links.get(index)
        if kind == RTM_DELLINK:
            if before is not None and family == socket.AF_UNSPEC:
                del self.links[index]
                self.forget(index)
                self.changed(before.name)
            return
        self.links[index] = after = Interface(
            name=found[IFLA_IFNAME].rstrip(b"\0").decode(errors="replace"),
            index=index,
            mac=found.get(IFLA_ADDRESS, b""),
            up=bool(flags & IFF_UP),
            carrier=bool(flags & IFF_LOWER_UP and flags & IFF_RUNNING),
            mtu=tlv.number(found.get(IFLA_MTU)) or 1500,
            addresses=before.addresses if before is not None else (),
            tentative=before.tentative if before is not None else (),
            duplicates=before.duplicates if before is not None else (),
            kind=_kind_of(found.get(IFLA_LINKINFO, b"")),
            group=tlv.number(found.get(IFLA_GROUP)) or 0,
            base=-1 if IFLA_LINK_NETNSID in found else tlv.number(found.get(IFLA_LINK)) or 0,
        )
        if before is None or before.name != after.name:
            self.generation += 1
        if after != before:
            self.changed(after.name)
            if before is not None and before.name != after.name:
                self.changed(before.name)

    def drop(self, index: int) -> None:
        """We have deleted an interface ourselves; nothing is reported."""
        if self.links.pop(index, None) is not None:
            self.forget(index)

    def forget(self, index: int) -> None:
        """An interface is gone, and its number may come back as another's."""
        self.orders.forget(index)
        self.switches.forget(index)
        self.lengths = {key: one for key, one in self.lengths.items() if key[0] != index}
        self.expected = Counter({k: n for k, n in self.expected.items() if k[0] != index and n})
        self.generation += 1

    def _learn_address(self, kind: int, message: bytes, ours: bool) -> None:
        """An address came or went."""
        _, length, flags, _, index = IFADDRMSG.unpack_from(message, HEADER.size)
        found = tlv.attributes(message[HEADER.size + IFADDRMSG.size :])
        packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
        link = self.links.get(index)
        if link is None or packed is None:
            return
        ip = ip_address(packed)
        flags = tlv.number(found.get(IFA_FLAGS)) or flags
        tentative = kind == RTM_NEWADDR and bool(flags & IFA_F_TENTATIVE)
        link = self._learn_tentative(link, ip, tentative, bool(flags & IFA_F_DADFAILED))
        if tentative:
            return  # not ours to send from until duplicate address detection is over
        lengths = self.lengths.setdefault((index, ip), set())
        if kind == RTM_NEWADDR:
            lengths.add(length)
            addresses = link.addresses if ip in link.addresses else (*link.addresses, ip)
        else:
            lengths.discard(length)
            addresses = tuple(one for one in link.addresses if one != ip or lengths)
        if not lengths:
            del self.lengths[index, ip]
        self.links[link.index] = replace(link, addresses=addresses)
        if kind == RTM_DELADDR:
            # The kernel signs its IPv6 notifications with no port: the count decides.
            asked = self.expected[index, ip] > 0
            if asked:
                self.expected[index, ip] -= 1
                if not self.expected[index, ip]:
                    del self.expected[index, ip]
            if not asked:
                self.lost.append((index, link.name, ip, ours))
            ours = asked
        if not ours and addresses != link.addresses:
            self.changed(link.name)

    def _learn_tentative(
        self, link: Interface, ip: IPAddress, tentative: bool, failed: bool
    ) -> Interface:
        """Note that duplicate address detection begins, fails or is over; the interface then."""
        own = tuple(one for one in link.tentative if one != ip)
        others = tuple(one for one in link.duplicates if one != ip)
        if tentative and failed:
            others = (*others, ip)
        elif tentative:
            own = (*own, ip)
        if (own, others) == (link.tentative, link.duplicates):
            return link
        after = self.links[link.index] = replace(link, tentative=own, duplicates=others)
        if tentative:  # else the caller reports the address that came or went
            self.changed(link.name)
        return after

    def changed(self, name: str) -> None:
        """Report to the watcher that the interface is not what it was."""
        if self.watcher is not None:
            self.loop.guard(partial(self.watcher.interface_changed, name))

    def close(self) -> None:
        """Close both sockets."""
        self.loop.remove_reader(self.events.fileno())
        self.events.close()
        self.command.close()
