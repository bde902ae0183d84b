"""Routing rules as rtnetlink messages: `encode()`, `key()` and `key_of()` as in `routes.py`.

Contract: pure functions; interfaces stand in rules by name, so nothing has to be looked up.
"""

from __future__ import annotations

import struct

from vrrpd.config.routes_model import Rule
from vrrpd.linux.netlink_attributes import attribute, attributes, number, u32
from vrrpd.linux.routes import FAMILIES, TABLE_COMPAT, Key, prefix

FIB_RULE = struct.Struct("=BBBBBBBBI")  # family, dst_len, src_len, tos, table, -, -, action, flags
FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY = 1, 2, 3, 4, 6
FRA_FWMARK, FRA_FLOW, FRA_TUN_ID = 10, 11, 12
FRA_SUPPRESS_IFGROUP, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK = 13, 14, 15, 16
FRA_OIFNAME, FRA_L3MDEV, FRA_UID_RANGE, FRA_PROTOCOL = 17, 19, 20, 21
FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE = 22, 23, 24
ACTIONS = {"table": 1, "goto": 2, "nop": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8}
FIB_RULE_INVERT = 2


def encode(rule: Rule) -> bytes:
    """The body of RTM_NEWRULE and RTM_DELRULE."""
    head = FIB_RULE.pack(
        FAMILIES[rule.family],
        rule.to.prefixlen if rule.to is not None else 0,
        rule.source.prefixlen if rule.source is not None else 0,
        rule.tos,
        rule.table if rule.table < 256 else TABLE_COMPAT,
        0,
        0,
        ACTIONS[rule.action],
        FIB_RULE_INVERT if rule.inverted else 0,
    )
    parts = [head, attribute(FRA_PROTOCOL, bytes((rule.protocol,)))]
    for kind, network in ((FRA_DST, rule.to), (FRA_SRC, rule.source)):
        if network is not None:
            parts.append(attribute(kind, network.network_address.packed))
    for kind, name in ((FRA_IIFNAME, rule.iif), (FRA_OIFNAME, rule.oif)):
        if name is not None:
            parts.append(attribute(kind, name.encode() + b"\0"))
    for kind, value in (
        (FRA_PRIORITY, rule.preference),
        (FRA_GOTO, rule.goto),
        (FRA_FWMARK, rule.fwmark),
        (FRA_FWMASK, rule.fwmask),
        (FRA_FLOW, rule.realms),
        (FRA_SUPPRESS_IFGROUP, rule.suppress_ifgroup),
        (FRA_SUPPRESS_PREFIXLEN, rule.suppress_prefixlength),
        (FRA_TABLE, rule.table or None),
    ):
        if value is not None:
            parts.append(u32(kind, value))
    return b"".join((*parts, *_rarities(rule)))


def _rarities(rule: Rule) -> list[bytes]:
    """The attributes that few rules have."""
    parts = []
    if rule.tunnel_id is not None:
        parts.append(attribute(FRA_TUN_ID, rule.tunnel_id.to_bytes(8, "big")))
    if rule.uids is not None:
        parts.append(attribute(FRA_UID_RANGE, struct.pack("=II", *rule.uids)))
    if rule.l3mdev:
        parts.append(attribute(FRA_L3MDEV, b"\1"))
    if rule.ip_proto is not None:
        parts.append(attribute(FRA_IP_PROTO, bytes((rule.ip_proto,))))
    for kind, ports in ((FRA_SPORT_RANGE, rule.sport), (FRA_DPORT_RANGE, rule.dport)):
        if ports is not None:
            parts.append(attribute(kind, struct.pack("=HH", *ports)))
    return parts


def key(rule: Rule) -> Key:
    """What a rule is recognized by."""
    ends = (str(one) if one is not None else None for one in (rule.source, rule.to))
    return ("rule", rule.family, rule.preference, ACTIONS[rule.action], rule.table, *ends)


def key_of(body: bytes) -> Key:
    """The key of the rule in the body of a kernel's message."""
    family, to, source, _, table, _, _, action, _ = FIB_RULE.unpack_from(body)
    found = attributes(body[FIB_RULE.size :])
    version = next(one for one, number_ in FAMILIES.items() if number_ == family)
    ends = (
        prefix(found[kind], length) if kind in found else None
        for kind, length in ((FRA_SRC, source), (FRA_DST, to))
    )
    table = number(found.get(FRA_TABLE)) or table
    return ("rule", version, number(found.get(FRA_PRIORITY)) or 0, action, table, *ends)
