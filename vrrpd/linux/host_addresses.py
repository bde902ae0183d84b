"""The addresses of this host's interfaces, read once: all that `-t` has to know of the kernel.

`kernel.py` has the same and follows every change, but to import it takes a quarter of the time of
`-t`.

    HostAddresses.read().interface("eth0").addresses

Contract: as in `kernel.py`, the addresses are in the kernel's order, without those that cannot be
used until duplicate address detection is over.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from vrrpd.linux import netlink_attributes as tlv
from vrrpd.linux.rtnetlink import (
    HEADER,
    IFA_ADDRESS,
    IFA_F_TENTATIVE,
    IFA_FLAGS,
    IFA_LOCAL,
    IFADDRMSG,
    IFINFOMSG,
    IFLA_IFNAME,
    RTM_GETADDR,
    RTM_GETLINK,
    RequestSocket,
)

if TYPE_CHECKING:
    from vrrpd.events import IPAddress


class _InterfaceAddresses(NamedTuple):
    """What is known of an interface."""

    addresses: tuple[IPAddress, ...] = ()


class HostAddresses(dict[str, _InterfaceAddresses]):
    """The interfaces of this host by name."""

    def interface(self, name: str) -> _InterfaceAddresses | None:
        """The interface of that name, or None."""
        return self.get(name)

    @classmethod
    def read(cls) -> HostAddresses:
        """Ask the kernel.  Raises OSError."""
        requests = RequestSocket()
        try:
            links = [message for _, message in requests.dump(RTM_GETLINK, 0)]
            held = [message for _, message in requests.dump(RTM_GETADDR, 0)]
        finally:
            requests.close()
        found: dict[int, list[IPAddress]] = {}
        for message in held:
            index, ip = _address(message)
            if ip is not None and ip not in found.setdefault(index, []):
                found[index].append(ip)
        names = dict(map(_name, links))
        return cls(
            {name: _InterfaceAddresses(tuple(found.get(at, ()))) for at, name in names.items()}
        )


def _name(message: bytes) -> tuple[int, str]:
    """The index and the name of an interface."""
    _, _, index, _, _ = IFINFOMSG.unpack_from(message, HEADER.size)
    found = tlv.attributes(message[HEADER.size + IFINFOMSG.size :])
    return index, found[IFLA_IFNAME].rstrip(b"\0").decode(errors="replace")


def _address(message: bytes) -> tuple[int, IPAddress | None]:
    """The index of an interface and an address on it; None: it cannot be used yet."""
    _, _, flags, _, index = IFADDRMSG.unpack_from(message, HEADER.size)
    found = tlv.attributes(message[HEADER.size + IFADDRMSG.size :])
    packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
    flags = tlv.number(found.get(IFA_FLAGS)) or flags
    if packed is None or flags & IFA_F_TENTATIVE:
        return index, None
    return index, ip_address(packed)
