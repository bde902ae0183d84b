"""The configurations of the measurements, in keepalived's language."""

from __future__ import annotations

from collections.abc import Iterable


def address(number: int) -> str:
    """The virtual address of that number, from 0; none is a host's own."""
    return f"10.{1 + number // 65000}.{number // 250 % 260}.{1 + number % 250}"


def instance(
    name: str,
    vrid: int,
    interval: float,
    priority: int,
    addresses: Iterable[str],
    interface: str = "eth0",
    version: int = 3,
) -> str:
    """One vrrp_instance; `interval` in seconds."""
    vips, state = "\n".join(addresses), "MASTER" if priority == 255 else "BACKUP"
    return (
        f"vrrp_instance {name} {{\nstate {state}\ninterface {interface}\nvirtual_router_id {vrid}\n"
        f"version {version}\npriority {priority}\nadvert_int {interval:g}\n"
        f"virtual_ipaddress {{\n{vips}\n}}\n}}\n"
    )


def many(
    count: int, interval: float, priority: int, vips: int = 1, interfaces: Iterable[str] = ("eth0",)
) -> str:
    """`count` instances, at most 255 on an interface, each with `vips` addresses."""
    cards = list(interfaces)
    each = -(-count // len(cards))
    text = []
    for number in range(count):
        own = [address(number * vips + one) for one in range(vips)]
        card, vrid = cards[number // each], 1 + number % each
        text.append(instance(f"VI_{number + 1}", vrid, interval, priority, own, card))
    return "".join(text)
