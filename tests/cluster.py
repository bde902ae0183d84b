"""Small clusters in memory for tests: configurations in one line, packets from attackers.

    lan = cluster(web1=conf(150), web2=conf(100))
    lan.run(4)
    inject(lan, "web1", advert(50, source="192.168.1.99"))

The daemons are vrrpd's own on the ports of labs/simulation/machine.py; nothing is replaced or
patched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from typing import Any

from labs.model.facts import Address, Advert, Arp
from labs.simulation.lan import Lan
from labs.simulation.machine import SimulatedHost
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, Advertisement, AuthType, encode, ipv4_packet
from vrrpd.router import VirtualRouter

VIP = "192.168.1.10"
FIRST = 11  # the first host is 192.168.1.11
PASSWORD = b"1111\0\0\0\0"


def conf(
    priority: int = 100,
    *words: str,
    name: str = "VI_1",
    vrid: int = 51,
    vips: Sequence[str] = (VIP,),
    excluded: Sequence[str] = (),
    password: str | None = None,
) -> str:
    """A vrrp_instance; `words` are further lines of it."""
    lines = [f"interface eth0\nvirtual_router_id {vrid}\npriority {priority}", *words]
    if password is not None:
        lines.append(f"authentication {{\n auth_type PASS\n auth_pass {password}\n}}")
    lines.append("virtual_ipaddress {\n" + "\n".join(vips) + "\n}")
    if excluded:
        lines.append("virtual_ipaddress_excluded {\n" + "\n".join(excluded) + "\n}")
    return f"vrrp_instance {name} {{\n" + "\n".join(lines) + "\n}\n"


def cluster(**files: str) -> Lan:
    """A Lan without pings whose hosts have these files; every daemon is running."""
    hosts = {name: f"192.168.1.{FIRST + number}" for number, name in enumerate(files)}
    lan = Lan("empty", hosts=hosts, ping=None)
    for name, text in files.items():
        lan.conf(name, text)
        lan.start(name)
    return lan


def prepared(text: str, prepare: Callable[[SimulatedHost], object]) -> Lan:
    """A Lan with one host, "one", that `prepare` changes before its daemon starts with `text`."""
    lan = cluster(one="")
    lan.stop("one")
    prepare(lan.machines["one"])
    lan.conf("one", text)
    lan.start("one")
    return lan


def router(lan: Lan, host: str, name: str = "VI_1") -> VirtualRouter:
    """A virtual router of a host."""
    return next(one for one in lan.daemons[host].routers.values() if one.name == name)


def state(lan: Lan, host: str, name: str = "VI_1") -> str:
    return router(lan, host, name).state.value


def advert(
    priority: int,
    source: str = "192.168.1.99",
    *vips: str,
    vrid: int = 51,
    seconds: int = 1,
    auth: bytes | None = None,
    **header: int,
) -> bytes:
    """An Advertisement as an IPv4 packet of version 2; `header` may change ttl."""
    addresses = tuple(map(IPv4Address, vips or (VIP,)))
    kind = AuthType.NONE if auth is None else AuthType.PASS
    said = Advertisement(
        2, vrid, priority, seconds * SECOND, addresses, kind.value, auth or bytes(8)
    )
    sender = IPv4Address(source)
    return ipv4_packet(encode(said, sender, GROUP4), sender, GROUP4, 1, **header)


def inject(lan: Lan, host: str, packet: bytes) -> None:
    """Let a packet arrive at a host now, wherever it came from."""
    for segment in list(lan.daemons[host].segments.values()):
        segment.receive(packet, lan.clock.now())


def adverts(lan: Lan, host: str) -> list[Advert]:
    """What a host has advertised."""
    return [fact for fact in lan.facts if isinstance(fact, Advert) and fact.host == host]


def arps(lan: Lan, host: str) -> list[Arp]:
    """The gratuitous ARP frames of a host."""
    return [fact for fact in lan.facts if isinstance(fact, Arp) and fact.host == host]


def held(lan: Lan, host: str) -> set[str]:
    """The addresses on a host's interface, its own left out."""
    machine = lan.machines[host]
    return {str(ip) for ip in machine.addresses if ip != machine.ip}


def moves(lan: Lan, host: str) -> list[tuple[str, bool]]:
    """What came to (True) and left (False) a host's interface, in order."""
    return [(f.address, f.held) for f in lan.facts if isinstance(f, Address) and f.host == host]


def states(lan: Lan, host: str) -> list[str]:
    """The states a host's daemon has entered, in order."""
    return [line["to"] for line in lan.journal(host) if line["event"] == "state"]


def scripts(lan: Lan, host: str) -> list[tuple[Any, ...]]:
    """(what, argv) of the scripts a host has started."""
    return [(what.split()[-1], argv) for _, what, argv in lan.machines[host].scripts]
