"""Addresses of the host itself that stand among the virtual ones: this daemon never removes them.

    eth0  192.168.9.5/24       virtual_ipaddress { 192.168.9.5/24 }

With priority 255 that is an IP address owner (RFC 3768 section 1.2).  With any other priority it is
a mistake that would cost the host its only address as soon as a daemon removes it; so it stays, and
the operator is warned.

An address is the host's own if all that its interface has are virtual addresses, and it is the
first of them: a router cannot have sent anything from there without one of its own.  What this
daemon has added is never the host's own, and nothing is where the configuration names another
source address: then an interface needs none, and what is on it was left behind by a daemon that
was killed.

Contract: `own_addresses()` only looks.  Over IPv6 only link-local addresses count, because an
interface needs no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from vrrpd.config.model import Config, Instance, IPAddress

Own = tuple[str, IPAddress]
"""An interface and an address on it."""


class _Interface(Protocol):
    """What is known of an interface."""

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        """Its addresses, in the kernel's order."""


class _Interfaces(Protocol):
    """Whatever knows the interfaces of this host."""

    def interface(self, name: str) -> _Interface | None:
        """The interface of that name, or None."""


def virtual_addresses(instances: Iterable[Instance]) -> frozenset[IPAddress]:
    """Every virtual address of these instances."""
    return frozenset(one.ip for i in instances for one in (*i.addresses, *i.excluded))


def own_addresses(
    instance: Instance,
    kernel: _Interfaces,
    virtual: Collection[IPAddress],
    added: Collection[Own] = (),
) -> frozenset[Own]:
    """The host's own addresses among those of `instance`.

    `virtual` are the virtual addresses of all instances, `added` what this daemon has put up.
    """
    name, family = instance.interface, instance.family
    interface = kernel.interface(name)
    if interface is None:
        return frozenset()
    first: IPAddress | None = None
    for ip in interface.addresses:
        if ip.version != family or (family == 6 and not ip.is_link_local):
            continue
        if ip not in virtual:
            return frozenset()
        first = ip if first is None else first
    if first is None or (name, first) in added:
        return frozenset()
    mine = virtual_addresses([instance])
    source = instance.unicast_src_ip or instance.mcast_src_ip
    if first not in mine or (source is not None and source not in mine):
        return frozenset()
    return frozenset({(name, first)})


def warning(instance: Instance, own: Iterable[Own]) -> str | None:
    """What to say about them to the operator, or None if all is well."""
    found = ", ".join(f"{ip} on {name}" for name, ip in own)
    if not found or instance.is_owner:
        return None
    return (
        f"({instance.name}) virtual address {found} is this host's own address: it is never"
        " removed, and two hosts have it while another router is MASTER; give the instance"
        " priority 255 if this host owns the address, or another virtual address"
    )


def warnings(config: Config, kernel: _Interfaces) -> list[str]:
    """What to say about all instances of a configuration."""
    virtual = virtual_addresses(config.instances)
    every = ((one, own_addresses(one, kernel, virtual)) for one in config.instances)
    return [text for one, own in every if (text := warning(one, own)) is not None]
