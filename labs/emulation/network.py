"""The lab's network: a topology, built with our hosts, our switches and our cables.

    layout           what a topology says, as plain data (labs.model.topology)
    build            the running network, a Mininet object
    configure_hosts  what Mininet does not give a host: IPv6, forwarding
    unlink           takes the cables of a host that is down out of their switches

The topology decides everything: names, addresses, cables, the addresses that servers share.
Three of Mininet's habits are kept out: it would raise the machine's own sysctls (`fixLimits`), look
for `screen` sessions to close when it stops, and delete interfaces one by one that vanish anyway.
"""

from __future__ import annotations

import pkgutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import topologies
from labs.emulation import daemons
from labs.emulation.mininet_modules import Mininet
from labs.emulation.nodes import Bridge, Cable, Host
from labs.errors import LabError, unknown
from labs.model.topology import Layout, Socket

# The machine that uses the address is called so in every topology.
CLIENT = "client"


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
        # The first interface's addresses are the host's own, where plain Mininet looks for them.
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
    # Believing that it is set up, Mininet leaves the limits and sysctls of the machine alone.
    Mininet.inited = True
    make = partial(_host, directory=directory, names=_names(plan, virtual))
    net = Mininet(
        topology(plan.name), switch=Bridge, host=make, link=Cable, controller=None, build=False
    )
    try:
        net.build()
        net.start()
        configure_hosts(net, plan)
    except BaseException:
        end(net)
        raise
    return net


def configure_hosts(net: Any, plan: Layout) -> None:
    """Give the hosts the rest of what the topology says, beside IPv4 addresses and routes."""
    for name in plan.hosts:
        refused = net[name].cmd(_first(net[name], plan.interfaces(name)))
        if refused.strip():
            raise LabError(f"cannot address {name}: {refused.strip()}; try `labs doctor`")


def _first(host: Host, cards: dict[str, Socket]) -> str:
    """The command for a fresh host: no duplicate address detection, the address is of use now."""
    parts = [f"ip addr add {each.ip6} dev {each.interface} nodad" for each in cards.values()]
    return " && ".join([*parts, *_forwarding(host)])


def _forwarding(host: Host) -> list[str]:
    """The commands that make a host pass packets on, if it is a router."""
    if not host.params.get("forward"):
        return []
    conf = "/proc/sys/net/{}/conf/all/forwarding"
    return [f"echo 1 >{conf.format(family)}" for family in ("ipv4", "ipv6")]


def unlink(net: Any, plan: Layout, host: str) -> None:
    """Remove the cables of a host that is down: a machine without power gives no carrier.

    The host's kernel side would live on as long as anybody holds a socket there, as the recorder
    does, and would go on answering for its addresses.  Taking away the cable takes them away.
    """
    for each in plan.interfaces(host).values():
        enter = ["nsenter", f"--target={net[each.switch].pid}", "--net"]
        # It may be gone already: a host can remove its own end.
        subprocess.run(
            [*enter, "ip", "link", "delete", "dev", each.port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def end(net: Any) -> None:
    """End every process of the network and wait until it is gone; the kernel removes the rest."""
    nodes = [*net.hosts, *net.switches]
    shells = [node.shell for node in nodes if node.shell is not None]
    for node in nodes:
        node.terminate()
    for shell in shells:
        # That of a host keeps its process 1, which ends when all the others have.
        with suppress(subprocess.TimeoutExpired):
            shell.wait(daemons.GONE_WITHIN_S)
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
