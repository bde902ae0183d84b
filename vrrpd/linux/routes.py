"""Routes as rtnetlink messages.

    encode(route, index_of)   the body of RTM_NEWROUTE and RTM_DELROUTE
    key(route, index_of)      what distinguishes it from others
    key_of(message)           the same of a message from the kernel

Contract: pure functions.  `index_of` turns the name of an interface into its number and raises
LookupError for a name that does not exist.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import ip_address
from socket import AF_INET, AF_INET6

from vrrpd.config.routes_model import Hop, Route
from vrrpd.linux.netlink_attributes import attribute, attributes, nested, number, u32

RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst_len, src_len, tos, table, proto, scope, type, ...
NEXT_HOP = struct.Struct("=HBBi")  # length, flags, weight - 1, interface
RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC = 1, 2, 4, 5, 6, 7
RTA_METRICS, RTA_MULTIPATH, RTA_FLOW, RTA_TABLE = 8, 9, 11, 15
RTA_PREF, RTA_EXPIRES = 20, 23
RTAX_LOCK = 1
METRICS = {"mtu": 2, "window": 3, "rtt": 4, "rttvar": 5, "ssthresh": 6, "cwnd": 7, "advmss": 8,
           "reordering": 9, "hoplimit": 10, "initcwnd": 11, "features": 12, "rto_min": 13,
           "initrwnd": 14, "quickack": 15, "congctl": 16, "fastopen_no_cookie": 17}  # fmt: skip
KINDS = {"unicast": 1, "local": 2, "broadcast": 3, "multicast": 5, "blackhole": 6,
         "unreachable": 7, "prohibit": 8, "throw": 9}  # fmt: skip
FAMILIES = {4: AF_INET, 6: AF_INET6}
SCOPE_GLOBAL, SCOPE_HOST = 0, 254
TABLE_COMPAT = 252  # "look at RTA_TABLE"
RTNH_F_ONLINK = 4
IPV6_METRIC = 1024  # what the kernel makes of none

_IndexOf = Callable[[str], int]
Key = tuple[object, ...]


def encode(route: Route, index_of: _IndexOf, strict: bool = True) -> bytes:
    """The body of a message about `route`.  Raises LookupError.

    Unless `strict`, a route of which an interface is gone is recognized by the rest: to remove it.
    """
    head = RTMSG.pack(
        FAMILIES[route.family],
        route.to.prefixlen,
        route.source.prefixlen if route.source is not None else 0,
        route.tos,
        route.table if route.table < 256 else TABLE_COMPAT,
        route.protocol,
        _scope_of(route),
        KINDS[route.kind],
        RTNH_F_ONLINK if not route.multipath and any(hop.onlink for hop in route.hops) else 0,
    )
    parts = [head, u32(RTA_TABLE, route.table)]
    if route.to.prefixlen:
        parts.append(attribute(RTA_DST, route.to.network_address.packed))
    if route.source is not None:
        parts.append(attribute(RTA_SRC, route.source.network_address.packed))
    if route.prefsrc is not None:
        parts.append(attribute(RTA_PREFSRC, route.prefsrc.packed))
    for kind, value in ((RTA_PRIORITY, route.metric), (RTA_FLOW, route.realms)):
        if value is not None:
            parts.append(u32(kind, value))
    if route.preference is not None:
        parts.append(attribute(RTA_PREF, bytes((route.preference,))))
    if route.expires is not None:
        parts.append(u32(RTA_EXPIRES, route.expires))
    try:
        hops = _encode_hops(route, index_of)
    except LookupError:
        if strict or not route.multipath:
            raise
        hops = b""
    return b"".join((*parts, _encode_metrics(route), hops))


def _encode_metrics(route: Route) -> bytes:
    """RTA_METRICS, or nothing."""
    parts = [
        u32(METRICS[name], value)
        if isinstance(value, int)
        else attribute(METRICS[name], value.encode() + b"\0")
        for name, value in route.metrics
    ]
    if route.locked:
        parts.insert(0, u32(RTAX_LOCK, sum(1 << METRICS[name] for name in route.locked)))
    return nested(RTA_METRICS, *parts) if parts else b""


def _encode_hops(route: Route, index_of: _IndexOf) -> bytes:
    """The way, or RTA_MULTIPATH with all ways.  Raises LookupError."""
    if not route.multipath:
        parts = []
        for hop in route.hops:
            parts.append(_gateway(hop))
            if hop.dev is not None:
                parts.append(u32(RTA_OIF, index_of(hop.dev)))
        return b"".join(parts)
    hops = []
    for hop in route.hops:
        inner = _gateway(hop)
        if hop.realms is not None:
            inner += u32(RTA_FLOW, hop.realms)
        index = index_of(hop.dev) if hop.dev is not None else 0
        flags = RTNH_F_ONLINK if hop.onlink else 0
        size = NEXT_HOP.size + len(inner)
        hops.append(NEXT_HOP.pack(size, flags, hop.weight - 1, index) + inner)
    return nested(RTA_MULTIPATH, *hops)


def _gateway(hop: Hop) -> bytes:
    """RTA_GATEWAY, or nothing."""
    return attribute(RTA_GATEWAY, hop.via.packed) if hop.via is not None else b""


def _scope_of(route: Route) -> int:
    """How far the destination is: as the file says, or global (keepalived; ip-route guesses).

    The kernel takes a local route only with the scope of the host.
    """
    if route.scope is not None:
        return route.scope
    return SCOPE_HOST if route.kind == "local" and route.family == 4 else SCOPE_GLOBAL


def key(route: Route, index_of: _IndexOf) -> Key:
    """What a route is known by; 0 in the last place if any interface will do.

    Raises LookupError.
    """
    metric = route.metric or (0 if route.family == 4 else IPV6_METRIC)
    index = index_of(route.dev) if route.dev is not None else 0
    return ("route", str(route.to), route.table, route.tos, metric, route.protocol, index)


def by_any_interface(key: Key) -> Key:
    """The key of the same route in a file that names no interface: the kernel has chosen it."""
    return (*key[:-1], 0)


def replaces(key: Key, known: Key) -> bool:
    """Whether the route `key`, sent with NLM_F_REPLACE, stands in the place of `known`.

    The kernel replaces by destination, table, TOS and metric; the program that has added a route,
    and the interface that it names, do not matter.
    """
    return key[:5] == known[:5] and key != known


def key_of(body: bytes) -> Key:
    """The key of the route in the body of a kernel's message."""
    family, length, _, tos, table, protocol = RTMSG.unpack_from(body)[:6]
    found = attributes(body[RTMSG.size :])
    size = 4 if family == AF_INET else 16
    packed = found.get(RTA_DST, bytes(size))
    metric = number(found.get(RTA_PRIORITY)) or 0
    table = number(found.get(RTA_TABLE)) or table
    index = number(found.get(RTA_OIF)) or 0
    return ("route", prefix(packed, length), table, tos, metric, protocol, index)


def prefix(packed: bytes, length: int) -> str:
    """ADDRESS/LENGTH of what a message says."""
    return f"{ip_address(packed)}/{length}"
