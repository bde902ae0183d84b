"""Which virtual interfaces an instance needs, and where its addresses live.

    use_vmac          a macvlan on the instance's interface with the RFC's virtual MAC address
                      (RFC 9568 section 7.3): 00:00:5e:00:01:VRID, over IPv6 00:00:5e:00:02:VRID
    use_vmac_addr     one for every other interface and family that its addresses are on, too
    use_ipvlan        an ipvlan, which shares its base's MAC address

    eth0  192.168.1.11   02:00:00:00:00:0a  ----+---- the LAN
      `-- vrrp.51  192.168.1.10  00:00:5e:00:01:33 --'

A host on the LAN sees one MAC address whichever router is MASTER, and learns none at a takeover.

Contract: pure functions; `taken(name)` says that a name is another program's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_interface
from itertools import count, islice

from vrrpd.config.globals import Globals
from vrrpd.config.model import Address, Instance
from vrrpd.ports import Interface, InterfaceAddress, VirtualLink

PREFIX = b"\x00\x00\x5e\x00"
Slot = tuple[str, int]
"""A base interface and a family."""


def _virtual_mac(instance: Instance, family: int) -> bytes:
    """The MAC address of a virtual router: the RFC's, or the configured one."""
    own = instance.vmac.mac if instance.vmac is not None else None
    if own is None or family != instance.family:
        return PREFIX + bytes((1 if family == 4 else 2, instance.vrid))
    return own if len(own) == 6 else own + bytes((instance.vrid,))


def _slot_of(instance: Instance, address: Address) -> Slot | None:
    """The virtual interface that `address` belongs on, or None if it belongs on a real one."""
    base, family = address.dev or instance.interface, address.family
    if instance.vmac is not None and (base, family) == (instance.interface, instance.family):
        return base, family
    wanted = address.use_vmac or (instance.use_vmac_addr and instance.vmac is not None)
    return (base, family) if wanted else None


def slots(instance: Instance) -> list[Slot]:
    """Every virtual interface that the instance needs, its own first."""
    found: dict[Slot, None] = {}
    if instance.vmac is not None:
        found[instance.interface, instance.family] = None
    for address in (*instance.addresses, *instance.excluded):
        slot = _slot_of(instance, address)
        if slot is not None:
            found[slot] = None
    return list(found)


def _names(prefix: str, instance: Instance, slot: Slot) -> Iterator[str]:
    """Names for a virtual interface, in keepalived's order."""
    own = instance.vmac is not None and slot == (instance.interface, instance.family)
    if own and instance.vmac is not None and instance.vmac.name is not None:
        yield instance.vmac.name
    yield f"{prefix}.{instance.vrid}"
    if slot[1] == 6:
        yield f"{prefix}6.{instance.vrid}"
    for number in count(1):
        yield f"{prefix}{number}.{instance.vrid}"


def leftover(instance: Instance, base: int, there: Interface, prefix: str) -> bool:
    """Whether an interface is what another configuration has made for the instance, in its way now.

    It has the virtual MAC on the same base (the number `base`) under another name, or the name that
    the instance wants with another virtual router's MAC.
    """
    if there.kind != "macvlan":
        return False
    vmac, slot = instance.vmac, (instance.interface, instance.family)
    if vmac is not None and vmac.name == there.name and there.mac.startswith(PREFIX):
        return vmac.kind != "vmac" or there.mac != _virtual_mac(instance, instance.family)
    if there.base != base or there.mac != _virtual_mac(instance, instance.family):
        return False
    if vmac is None or vmac.kind != "vmac":
        return True
    kept = [vmac.name] if vmac.name is not None else islice(_names(prefix, instance, slot), 9)
    return there.name not in kept


def virtual_link(
    instance: Instance, slot: Slot, defaults: Globals, taken: Callable[[str], bool]
) -> VirtualLink:
    """The virtual interface for a slot, under the first name that is free."""
    base, family = slot
    own = instance.vmac is not None and slot == (instance.interface, instance.family)
    prefix = defaults.vmac_prefix if own else defaults.vmac_addr_prefix
    name = next(name for name in _names(prefix, instance, slot) if not taken(name))
    also = own and any(one.family != family for one in instance.excluded)
    if own and instance.vmac is not None and instance.vmac.kind == "ipvlan":
        text = instance.vmac.address
        found = ip_interface(text) if text is not None else None
        address = (found.ip, found.network.prefixlen) if found is not None else None
        return VirtualLink(
            name,
            base,
            family,
            kind="ipvlan",
            mode=instance.vmac.mode,
            address=address,
            also=also,
            group=instance.vmac.group,
        )
    group = instance.vmac.group if own and instance.vmac is not None else None
    mac = _virtual_mac(instance, family)
    return VirtualLink(name, base, family, mac, also=also, group=group)


def home(instance: Instance, links: dict[Slot, VirtualLink], address: Address) -> InterfaceAddress:
    """Where an address lives."""
    slot = _slot_of(instance, address)
    link = links.get(slot) if slot is not None else None
    if link is None:
        return InterfaceAddress(address.dev or instance.interface, address)
    return InterfaceAddress(link.name, address, virtual=True)
