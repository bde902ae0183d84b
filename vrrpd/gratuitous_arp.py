"""The frames that announce to a LAN where an address now lives.

A new MASTER uses its own MAC address (keepalived without `use_vmac`), so switches and hosts must
learn it: by a gratuitous ARP for IPv4 (RFC 3768 section 8.2, RFC 5227), by an unsolicited
neighbour advertisement for IPv6 (RFC 9568 section 8.2.2, RFC 4861 section 7.2.6).

Contract: pure functions from addresses to complete Ethernet frames, byte for byte keepalived's.

    gratuitous ARP     | ff:ff:ff:ff:ff:ff | our MAC | 0806 | request | our MAC | VIP | ff.. | VIP |
    unsolicited NA     | 33:33:00:00:00:01 | our MAC | 86dd | IPv6 VIP -> ff02::1 | ICMPv6 136 |
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from vrrpd.packet import checksum

BROADCAST = b"\xff" * 6
ETHERTYPE_ARP = 0x0806
ETHERTYPE_IPV6 = 0x86DD
REQUEST = 1
ALL_NODES = IPv6Address("ff02::1")
ICMPV6 = 58
NEIGHBOUR_ADVERTISEMENT = 136
OVERRIDE = 0x20000000
ROUTER = 0x80000000
TARGET_LINK_LAYER_ADDRESS = 2

ARP = struct.Struct("!HHBBH6s4s6s4s")


def gratuitous_arp(mac: bytes, address: IPv4Address) -> bytes:
    """Return the Ethernet frame of an ARP request for `address` from `address` at `mac`.

    The target hardware address is all ones, as keepalived and FRR send it; receivers ignore it.
    """
    body = ARP.pack(1, 0x0800, 6, 4, REQUEST, mac, address.packed, BROADCAST, address.packed)
    return BROADCAST + mac + struct.pack("!H", ETHERTYPE_ARP) + body


def neighbour_advertisement(mac: bytes, address: IPv6Address, router: bool = False) -> bytes:
    """Return the frame of an unsolicited NA for `address` at `mac`: Override, never Solicited.

    `router` sets the Router flag, which keepalived does only where the interface forwards.
    """
    flags = OVERRIDE | (ROUTER if router else 0)
    option = struct.pack("!BB6s", TARGET_LINK_LAYER_ADDRESS, 1, mac)
    body = address.packed + option
    message = struct.pack("!BBHI", NEIGHBOUR_ADVERTISEMENT, 0, 0, flags) + body
    pseudo = address.packed + ALL_NODES.packed + struct.pack("!I3xB", len(message), ICMPV6)
    total = checksum(pseudo + message).to_bytes(2, "big")
    message = message[:2] + total + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), ICMPV6, 255)
    ethernet = b"\x33\x33" + ALL_NODES.packed[-4:] + mac + struct.pack("!H", ETHERTYPE_IPV6)
    return ethernet + header + address.packed + ALL_NODES.packed + message
