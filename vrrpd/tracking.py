"""What keeps a virtual router from working: the interface it lives on.

    no such interface            FAULT   "interface eth0 does not exist"
    administratively down        FAULT   "interface eth0 is down"
    no carrier (cable pulled)    FAULT   "interface eth0 lost its carrier"
    no address to speak from     FAULT   "interface eth0 has no IPv4 address"

A cause stays until its own opposite is seen; the router leaves FAULT when the last one is gone.
`dont_track_primary` makes the router ignore the second and third (keepalived).

Contract: `examine()` may be called at any time and as often as one likes; it compares what the
kernel says now with what the router was told before, so no event can be missed or counted twice.
"""

from __future__ import annotations

from vrrpd.events import IPAddress
from vrrpd.ports import Interface, Kernel
from vrrpd.router import VirtualRouter


def examine(router: VirtualRouter, kernel: Kernel) -> None:
    """Tell `router` what has become of its interface and its source address."""
    name = router.instance.interface or ""
    interface = kernel.interface(name)
    router.segment.attend(None if interface is None else interface.index)
    reason = trouble(name, interface, not router.instance.dont_track_primary)
    if reason is None:
        router.clear("interface", f"interface {name} is up and has its carrier again")
    else:
        router.fault("interface", reason)
    source = speak_from(router, interface)
    if source is not None:
        router.move(source)
        router.clear("source", f"interface {name} has the address {source} again")
    elif interface is not None:
        router.fault("source", f"interface {name} has no IPv{router.instance.family} address")


def trouble(name: str, interface: Interface | None, tracked: bool) -> str | None:
    """What is wrong with the interface, or None."""
    if interface is None:
        return f"interface {name} does not exist"
    if tracked and not interface.up:
        return f"interface {name} is down"
    if tracked and not interface.carrier:
        return f"interface {name} lost its carrier"
    return None


def speak_from(router: VirtualRouter, interface: Interface | None) -> IPAddress | None:
    """The primary address: the configured one, or the interface's first that is not virtual.

    Over IPv6 it must be link-local (RFC 9568 section 5.1.2.1).
    An address in use stays in use as long as it is there (keepalived), so that a new address
    put in front of it does not change who we appear to be.
    """
    configured = router.instance.unicast_src_ip or router.instance.mcast_src_ip
    if configured is not None:
        return configured
    if interface is None:
        return None
    virtual = {placed.address.ip for placed in router.placed}
    family = router.instance.family
    own = [
        ip
        for ip in interface.addresses
        if ip.version == family and ip not in virtual and (family == 4 or ip.is_link_local)
    ]
    if router.source in own:
        return router.source
    return own[0] if own else None
