"""What a MASTER holds, as requests to the kernel: addresses, routes, rules.

    request = builder.make("add", InterfaceAddress(...))   type, flags, body of a netlink message
    batch = builder.batch(add, remove)                     many of them, ready to be sent
    request.refusal(errno)                                 the kernel's answer; None: all is well

Bodies that add addresses are encoded once and kept until the address is removed: a takeover
sends what was made ready for it.

What was added is removed where it was added: an interface is known by its number, because its
name can be changed and given to another one in between.

Contract: `make()` raises LookupError if an interface that the thing names does not exist.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Literal

from vrrpd.config.model import Address
from vrrpd.config.routes_model import KEEPALIVED, Route, Rule
from vrrpd.linux import routes, rules
from vrrpd.linux.netlink_attributes import attribute, u32
from vrrpd.linux.rtnetlink import (
    HEADER,
    IFA_ADDRESS,
    IFA_BROADCAST,
    IFA_CACHEINFO,
    IFA_FLAGS,
    IFA_LABEL,
    IFA_LOCAL,
    IFA_PROTO,
    IFADDRMSG,
    NLM_F_ACK,
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REQUEST,
    RTM_DELADDR,
    RTM_DELROUTE,
    RTM_DELRULE,
    RTM_NEWADDR,
    RTM_NEWROUTE,
    RTM_NEWRULE,
)
from vrrpd.ports import InterfaceAddress, ManagedObject, Refusal
from vrrpd.record import Record

HOW = {"prepend": 0, "append": NLM_F_APPEND, "add": NLM_F_EXCL}
IFA_F_NODAD, IFA_F_HOMEADDRESS, IFA_F_MANAGETEMPADDR = 0x02, 0x10, 0x100
IFA_F_NOPREFIXROUTE, IFA_F_MCAUTOJOIN = 0x200, 0x400
FOREVER = 0xFFFFFFFF
GONE = (errno.EADDRNOTAVAIL, errno.ENODEV, errno.ESRCH, errno.ENOENT)

_Verb = Literal["add", "remove"]
_IndexOf = Callable[[str], int]


class Request(Record):
    """One request; `homes` are the numbers of the interfaces in it, by name."""

    verb: _Verb
    thing: ManagedObject
    kind: int
    flags: int
    body: bytes
    homes: tuple[tuple[str, int], ...] = ()

    def refusal(self, number: int) -> str | None:
        """What error `number` means; None for success, or if things are as they should be.

        What we want gone and is gone already, even with its interface, is no refusal; nor is
        what we want there and is there.
        """
        present = self.verb == "add" and number == errno.EEXIST
        if not number or present or (self.verb == "remove" and number in GONE):
            return None
        return f"cannot {self.verb} {_describe(self.thing)}: {os.strerror(number)}"


class Batch(Record):
    """Requests that go out in one send(2); `orders` by their sequence numbers, in order.

    Only the last one, whose number is `last`, asks for an answer: those that fail are answered
    unasked (netlink(7)).  `problems` are what could not even be asked for.  `plain`: all requests
    add addresses, none removes any or is for a route or a rule.
    """

    data: bytes
    orders: dict[int, Request]
    problems: tuple[Refusal, ...] = ()
    last: int = 0
    plain: bool = False


class RequestBuilder:
    """Makes orders; `index_of` knows the interfaces, `numbers` gives sequence numbers."""

    def __init__(self, index_of: _IndexOf, numbers: Callable[[int], range]) -> None:
        self.index_of = index_of
        self.numbers = numbers
        # Requests that add addresses, for the next takeover; a removal drops them, or each reload
        # with other addresses would leave some behind.
        self.encoded: dict[tuple[int, InterfaceAddress], bytes] = {}
        self.done: list[Request] = []  # what the kernel has done, not yet in `homes`
        # What is there because of us: the numbers of its interfaces, by their names at that time.
        self.homes: dict[ManagedObject, dict[str, int]] = {}

    def settle(self) -> None:
        """Take note of what the kernel has done: not during a takeover."""
        done, self.done = self.done, []
        for order in done:
            if order.verb == "remove":
                self.homes.pop(order.thing, None)
            else:
                self.homes[order.thing] = dict(order.homes)

    def _locate(self, verb: _Verb, thing: ManagedObject) -> _IndexOf:
        """Where the interfaces of `thing` are: for a removal those that it was put on."""
        if verb == "add":
            return self.index_of
        self.settle()
        home = self.homes.get(thing, {})

        def index(name: str) -> int:
            return home[name] if name in home else self.index_of(name)

        return index

    def batch(self, add: Sequence[ManagedObject], remove: Sequence[ManagedObject]) -> Batch:
        """The requests that remove and then add these things."""
        orders: list[Request] = []
        problems: list[Refusal] = []
        whole: tuple[tuple[_Verb, Sequence[ManagedObject]], ...] = (
            ("remove", remove),
            ("add", add),
        )
        for verb, things in whole:
            for thing in things:
                try:
                    orders.append(self.make(verb, thing))
                except LookupError as error:  # with its interface a thing is gone anyhow
                    if verb == "add":
                        text = f"cannot add {_describe(thing)}: no interface {error}"
                        problems.append(Refusal(text, thing))
        numbers = self.numbers(len(orders))
        data = b"".join(map(_request, orders[:-1], numbers))
        if orders:
            data += _request(orders[-1], numbers[-1], NLM_F_ACK)
        plain = not remove and all(isinstance(thing, InterfaceAddress) for thing in add)
        by_number = dict(zip(numbers, orders, strict=True))
        return Batch(data, by_number, tuple(problems), next(reversed(numbers), 0), plain)

    def make(self, verb: _Verb, thing: ManagedObject) -> Request:
        """The request that adds or removes `thing`.  Raises LookupError."""
        flags = NLM_F_REQUEST
        new = verb == "add"
        index_of = self._locate(verb, thing)
        if isinstance(thing, InterfaceAddress):
            index = index_of(thing.interface)
            flags |= NLM_F_CREATE if new else 0  # not REPLACE: an address of the host is its own
            kind = RTM_NEWADDR if new else RTM_DELADDR
            kept = self.encoded.pop((index, thing), None)
            body = kept if new and kept else encode_address(kind, index, thing.address)
            if new:
                self.encoded[index, thing] = body
            return Request(verb, thing, kind, flags, body, ((thing.interface, index),))
        if isinstance(thing, Route):
            flags |= NLM_F_CREATE | HOW[thing.how] if new else 0
            body = routes.encode(thing, index_of, strict=new)
            kind = RTM_NEWROUTE if new else RTM_DELROUTE
            names = [hop.dev for hop in thing.hops if hop.dev is not None] if new else []
            homes = tuple((name, index_of(name)) for name in names)
            return Request(verb, thing, kind, flags, body, homes)
        flags |= NLM_F_CREATE | NLM_F_EXCL if new else 0
        return Request(verb, thing, RTM_NEWRULE if new else RTM_DELRULE, flags, rules.encode(thing))

    def forget(self, index: int) -> None:
        """The interface is no more, and its number may come back as another's."""
        self.settle()
        self.encoded = {key: body for key, body in self.encoded.items() if key[0] != index}
        self.homes = {one: at for one, at in self.homes.items() if index not in at.values()}

    def key(self, thing: Route | Rule) -> routes.Key | None:
        """How the kernel's messages about `thing` can be known; None without its interface."""
        try:
            if isinstance(thing, Route):
                return routes.key(thing, self.index_of)
            return rules.key(thing)
        except LookupError:
            return None


def _request(order: Request, sequence: int, more: int = 0) -> bytes:
    """One request as bytes; `more` are further flags."""
    length = HEADER.size + len(order.body)
    header = HEADER.pack(length, order.kind, order.flags | more, sequence, 0)
    return header + order.body + bytes(-length % 4)


def _describe(thing: ManagedObject) -> str:
    """A thing as text."""
    if isinstance(thing, InterfaceAddress):
        return f"{thing.address.ip} on {thing.interface}"
    return f"{'route' if isinstance(thing, Route) else 'rule'} {thing}"


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
    """Return the body of RTM_NEWADDR or RTM_DELADDR for `address` on interface `index`.

    Written out by hand, in 3 µs: there may be hundreds of them.
    """
    family = socket.AF_INET if address.ip.version == 4 else socket.AF_INET6
    parts = [
        IFADDRMSG.pack(family, address.prefixlen, 0, address.scope or 0, index),
        attribute(IFA_LOCAL, address.ip.packed),
        attribute(IFA_ADDRESS, (address.peer or address.ip).packed),
    ]
    if kind == RTM_NEWADDR:
        # As keepalived from 2.3.3 on; kernels before 5.18 do not look at it.
        parts.append(attribute(IFA_PROTO, bytes([KEEPALIVED])))
        if address.broadcast is not None:
            parts.append(attribute(IFA_BROADCAST, address.broadcast.packed))
        if flags_of(address):
            parts.append(u32(IFA_FLAGS, flags_of(address)))
        if address.preferred_lft is not None and address.ip.version == 6:  # as keepalived
            life = struct.pack("=IIII", address.preferred_lft, FOREVER, 0, 0)
            parts.append(attribute(IFA_CACHEINFO, life))
    if address.label is not None and kind == RTM_NEWADDR:  # it changes with the interface's name
        parts.append(attribute(IFA_LABEL, address.label.encode() + b"\0"))
    return b"".join(parts)
