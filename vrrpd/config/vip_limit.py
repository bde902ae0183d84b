"""How many addresses one advertisement holds, and what becomes of the others.

    IPv4:  (MTU - (14 + 20 + 8 [+ 8 in version 2] [+ 24 with AH] [+ 28 with auth_hmac])) / 4
    IPv6:  (MTU - (14 + 40 + 8 [+ 28 with auth_hmac])) / 16              never more than 255

That is keepalived since 2.2.5, Ethernet header included although the MTU is without it.
Since 1.2.20 the surplus, the last entries, moves to `virtual_ipaddress_excluded`.
Up to 1.2.19 there was space for 20 and the others were dropped: `max_vips=20` brings that back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vrrpd.config.diagnostics import Reporter
from vrrpd.config.source_text import Word
from vrrpd.config.values import Address
from vrrpd.record import Record

MOST = 255  # the count of addresses is one byte


class Limits(Record):
    """What bounds the number of addresses."""

    mtu: int = 1500
    max_vips: int | None = None


def capacity(mtu: int, version: int, family: int, *, ah: bool, hmac: bool = False) -> int:
    """How many addresses one advertisement can hold, with AH or the trailer of auth_hmac."""
    more = (24 if ah else 0) + (28 if hmac else 0)
    if family == 6:
        space = (mtu - (14 + 40 + 8 + more)) // 16
    else:
        space = (mtu - (14 + 20 + 8 + (8 if version == 2 else 0) + more)) // 4
    return max(0, min(space, MOST))


def fit(
    name: str,
    addresses: Sequence[Address],
    limits: Limits,
    version: int,
    family: int,
    *,
    ah: bool,
    hmac: bool = False,
    report: Reporter,
    word_of: Callable[[Address], Word],
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """The addresses to advertise, and those to hold without advertising them.

    `word_of` gives the place of an address, for messages.
    """
    if limits.max_vips is not None and len(addresses) > limits.max_vips:
        for dropped in addresses[limits.max_vips :]:
            report.at(
                "warning",
                word_of(dropped),
                f"VRRP_Instance({name}) trunc to the first {limits.max_vips} VIPs.",
            )
            report.at(
                "warning",
                word_of(dropped),
                "=> Declare others VIPs into the excluded vip block",
            )
        addresses = addresses[: limits.max_vips]
    most = capacity(limits.mtu, version, family, ah=ah, hmac=hmac)
    if len(addresses) > most:
        report.at(
            "warning",
            word_of(addresses[most]),
            f"({name}) Number of VIPs ({len(addresses)}) exceeds maximum/space available "
            f"in packet (max {most} addresses) - excess moved to eVIPs",
        )
    return tuple(addresses[:most]), tuple(addresses[most:])
