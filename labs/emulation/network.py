"""The lab's network: a topology, built with our hosts, our switches and our cables.

    layout           what a topology says, as plain data (labs.model.topology)
    build            the running network, a Mininet object
    configure_hosts  addresses, routes, forwarding of all hosts
    unlink           takes the cables of a host that is down out of their switches

The topology decides everything: names, addresses, cables, the addresses that servers share.
Three of Mininet's habits are kept out: it would raise the machine's own sysctls (`fixLimits`), look
for `screen` sessions to close when it stops, and delete interfaces one by one that vanish anyway.
And it would start nodes one after the other and configure each interface with several commands:
`_Network` starts them side by side, and what belongs together is one command.
"""

from __future__ import annotations

import os
import pkgutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import topologies
from labs.emulation import daemons
from labs.emulation.mininet_modules import Mininet, numCores
from labs.emulation.nodes import Bridge, Cable, Host, PlannedCable, batch
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


class _Network(Mininet):
    """Mininet, but that it starts its nodes side by side and leaves cables and addresses to us."""

    def buildFromTopo(self, topo: Any = None) -> None:
        """Start every host and every switch, and plan the cables: `Bridge.start` makes them."""
        with ThreadPoolExecutor(len(topo.nodes())) as pool:
            started = [
                pool.submit(add, name, **topo.nodeInfo(name))
                for add, names in ((self.addHost, topo.hosts()), (self.addSwitch, topo.switches()))
                for name in names
            ]
            # An interrupt ends this wait and not the next one, so no node is left unknown to `end`.
            wait(started)
        # In the order of their names, as Mininet's prompt and its tests take them.
        self.hosts.sort(key=lambda host: topo.hosts().index(host.name))
        self.switches.sort(key=lambda switch: topo.switches().index(switch.name))
        for each in started:
            each.result()
        for _, _, cable in topo.links(sort=True, withInfo=True):
            self.addLink(**cable, cls=PlannedCable)

    def configHosts(self) -> None:
        """Mininet gives out addresses here, when no cable is there yet: see `configure_hosts`."""


def build(directory: Path, plan: Layout, virtual: Iterable[str]) -> Any:
    """The running network, a Mininet object; the hosts' own files are put under `directory`.

    The names `vip`, `vip2` and so on in every host's /etc/hosts stand for the `virtual` addresses.
    """
    # Believing that it is set up, Mininet leaves the limits and sysctls of the machine alone.
    Mininet.inited = True
    numCores.ncores = os.cpu_count() or 1  # it would ask grep(1)
    make = partial(_host, directory=directory, names=_names(plan, virtual))
    net = _Network(
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
    """Give the hosts the addresses and routes that the topology says, all at the same time."""
    batch({net[name]: _addresses(net[name], plan) for name in plan.hosts}, "address")
    for name in plan.hosts:
        for each in plan.interfaces(name).values():
            card = net[name].intf(each.interface)
            card.ip, card.prefixLen = each.ip.split("/")
        if commands := _forwarding(net[name]):
            refused = net[name].cmd(" && ".join(commands))
            if refused.strip():
                raise LabError(f"cannot prepare {name}: {refused.strip()}; try `labs doctor`")


def _addresses(host: Host, plan: Layout) -> list[str]:
    """The lines of ip(8) for a fresh host: no duplicate address detection, it is of use now."""
    lines = ["link set lo up"]
    for each in plan.interfaces(host.name).values():
        lines += [
            f"link set {each.interface} up",
            f"addr add {each.ip} brd + dev {each.interface}",
            f"addr add {each.ip6} dev {each.interface} nodad",
        ]
    if route := host.params.get("defaultRoute"):
        lines.append(f"route add default {route}")
    return lines


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
        node.kill()
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
