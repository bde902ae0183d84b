"""The lab's network: a topology, built with our hosts, our switches and our cables.

    Layout    what a topology says, as plain data: hosts, who is a server, every cable's two ends
    build     the running network, a Mininet object
    dress     what Mininet does not give a host: IPv6, routes, forwarding; or all of it anew

The topology decides everything: names, addresses, cables, the addresses that servers share.
Mininet is imported here and in `labs.node` and nowhere else in the lab.
Three of its habits are kept out: it would raise the machine's own sysctls (`fixLimits`), look for
`screen` sessions to close when it stops, and delete interfaces one by one that vanish anyway.
"""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # Mininet 2.3.0 compares versions with distutils.
    warnings.simplefilter("ignore", DeprecationWarning)
    from mininet.net import Mininet

import topologies
from labs.errors import LabError, unknown
from labs.node import Bridge, Cable, Host

# The machine that uses the address is called so in every topology.
CLIENT = "client"

# Back to the start: whatever a daemon or a learner has added to a host's network goes.
# What the kernel makes itself (an interface of a loaded module, say) stays and says so: ignored.
_BLANK = """nft flush ruleset
for card in $(ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'); do
    case " lo CARDS " in *" $card "*) ;; *) ip link delete dev "$card" ;; esac
done
for family in -4 -6; do
    ip $family rule flush
    ip $family rule add lookup main pref 32766
    ip $family route show table all | sed -n 's/.* table \\([0-9][0-9]*\\).*/\\1/p' | sort -u |
        while read -r table; do ip $family route flush table "$table"; done
    for origin in static boot keepalived 112; do ip $family route flush proto $origin; done
done
ip rule add lookup default pref 32767
ip neigh flush all
"""


@dataclass(frozen=True, slots=True)
class Socket:
    """Where a cable ends: `interface` of `host`, with its addresses, and `port` of `switch`."""

    host: str
    interface: str
    switch: str
    port: str
    ip: str
    ip6: str
    mac: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What a topology says: `hosts` in its order, `sockets` in the order of the switches' ports.

    `virtual` are the addresses that its servers are meant to share, the most important one first.
    """

    name: str
    hosts: tuple[str, ...]
    servers: tuple[str, ...]
    client: str
    virtual: tuple[str, ...]
    sockets: tuple[Socket, ...]

    @property
    def switches(self) -> tuple[str, ...]:
        """The switches' names, sorted."""
        return tuple(sorted({socket.switch for socket in self.sockets}))

    def cards(self, host: str) -> dict[str, Socket]:
        """The sockets of a host by the name of its interface."""
        return {each.interface: each for each in self.sockets if each.host == host}

    def socket(self, host: str, interface: str = "eth0") -> Socket:
        """One socket of a host that exists; LabError if it has no such interface."""
        cards = self.cards(host)
        if interface not in cards:
            raise unknown("interface", interface, cards, where=f"on {host}")
        return cards[interface]


def names() -> list[str]:
    """The topologies there are."""
    return sorted(module.name for module in pkgutil.iter_modules(topologies.__path__))


def topology(name: str) -> Any:
    """A fresh Mininet topology; LabError listing the known ones if there is none of that name."""
    if name not in names():
        raise unknown("topology", name, names())
    return import_module(f"topologies.{name}").topos[name]()


def layout(name: str) -> Layout:
    """The topology `name` as plain data; LabError for an unknown one."""
    topo = topology(name)
    hosts = tuple(node for node in topo.nodes(sort=False) if not topo.isSwitch(node))
    sockets = []
    for _, _, cable in topo.links(withInfo=True):
        host, interface = cable["node1"], cable["intfName1"]
        # The first card's addresses are the host's own, where plain Mininet looks for them.
        told = topo.nodeInfo(host) if interface == "eth0" else cable["params1"]
        port = f"{cable['node2']}-eth{cable['port2']}"
        place = (host, interface, cable["node2"], port)
        sockets.append(Socket(*place, told["ip"], told["ip6"], cable["addr1"]))
    sockets.sort(key=lambda socket: socket.port)
    return Layout(name, hosts, topo.servers, topo.client, topo.virtual, tuple(sockets))


def build(directory: Path, plan: Layout, virtual: Iterable[str]) -> Any:
    """The running network, a Mininet object; the hosts' own files are put under `directory`.

    The names `vip`, `vip2` and so on in every host's /etc/hosts stand for the `virtual` addresses.
    """
    # Told that it is set up, Mininet leaves the limits and sysctls of the machine alone.
    Mininet.inited = True
    make = partial(_host, directory=directory, names=_names(plan, virtual))
    net = Mininet(
        topology(plan.name), switch=Bridge, host=make, link=Cable, controller=None, build=False
    )
    try:
        net.build()
        net.start()
        dress(net, plan)
    except BaseException:
        end(net)
        raise
    return net


def dress(net: Any, plan: Layout, anew: bool = False) -> None:
    """Give the hosts the rest of what the topology says; `anew`: after taking away all they have.

    All at once, for a host's turn is mostly waiting for programs to start.
    """
    scripts = {name: _dress(net[name], plan.cards(name), anew) for name in plan.hosts}
    running = {name: net[name].popen(["sh", "-c", text]) for name, text in scripts.items()}
    said = {name: process.communicate()[1] for name, process in running.items()}
    for name, refused in said.items():
        if refused and not anew:
            remedy = f"{refused.decode().strip()}; try `labs doctor`"
            raise LabError(f"cannot address {name}: {remedy}")


def _dress(host: Host, cards: dict[str, Socket], anew: bool) -> str:
    """The shell script that does it for one host."""
    lines = []
    for interface, socket in cards.items():
        if anew:
            lines += [f"addr flush dev {interface}", f"link set {interface} up"]
            lines.append(f"addr add {socket.ip} brd + dev {interface}")
            lines.append(f"addr add {link_local(socket.mac)}/64 dev {interface} nodad")
        lines.append(f"addr add {socket.ip6} dev {interface} nodad")
    if anew and (route := host.params.get("defaultRoute")):
        lines.append(f"route replace default {route}")
    script = _BLANK.replace("CARDS", " ".join(cards)) if anew else ""
    script += "ip -force -batch - <<'END'\n" + "\n".join(lines) + "\nEND\n"
    forward = "1" if host.params.get("forward") else "0"
    for family in ("ipv4", "ipv6") if anew or forward == "1" else ():
        script += f"echo {forward} >/proc/sys/net/{family}/conf/all/forwarding\n"
    return script


def link_local(mac: str) -> str:
    """The IPv6 address that the kernel gives a card by itself (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + identifier))


def end(net: Any) -> None:
    """End every process of the network at once; the kernel removes the rest."""
    for node in [*net.hosts, *net.switches]:
        node.terminate()
    net.hosts, net.switches, net.links = [], [], []


def _host(name: str, directory: Path, names: str, **params: Any) -> Host:
    return Host(name, files=directory / name, names=names, **params)


def _names(plan: Layout, virtual: Iterable[str]) -> str:
    """The text of /etc/hosts, the same everywhere."""
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", ""]
    lines += [f"{plan.socket(name).ip.partition('/')[0]}\t{name}" for name in plan.hosts]
    for number, address in enumerate(virtual, start=1):
        lines.append(f"{address}\tvip{number if number > 1 else ''}")
    return "\n".join([*lines, ""])
