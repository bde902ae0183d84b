"""The lab's network: a topology, built with our hosts, our switches and our cables.

    layout    what a topology says, as plain data (labs.layout)
    build     the running network, a Mininet object
    dress     what Mininet does not give a host: IPv6, routes, forwarding; or all of it anew

The topology decides everything: names, addresses, cables, the addresses that servers share.
Mininet is imported here and in `labs.node` and nowhere else in the lab.
Three of its habits are kept out: it would raise the machine's own sysctls (`fixLimits`), look for
`screen` sessions to close when it stops, and delete interfaces one by one that vanish anyway.
"""

from __future__ import annotations

import pkgutil
import subprocess
import warnings
from collections.abc import Iterable
from contextlib import suppress
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
from labs import daemons
from labs.errors import LabError, unknown
from labs.layout import Layout, Socket
from labs.node import Bridge, Cable, Host

# The machine that uses the address is called so in every topology.
CLIENT = "client"

# Back to the start: whatever a daemon or a learner has added to a host's network goes.
# What the kernel makes itself (an interface of a loaded module, say) stays and says so: ignored.
# Few programs are started, for a reset on a busy machine is mostly waiting for them.
_BLANK = """nft flush ruleset
ip -br link | while IFS='@ ' read -r card rest; do
    case " lo CARDS " in *" $card "*) ;; *) ip link delete dev "$card" ;; esac
done
tables() {
    ip $1 route show table all | while read -r route; do
        case $route in
            *" table local "*) ;;
            *" table "*) route=${route#* table }; echo "route flush table ${route%% *}" ;;
        esac
    done
}
"""
_RULES = ("rule flush", "rule add lookup main pref 32766", "route flush table main")


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

    Mininet has given every host its IPv4 addresses and route when this is first called.
    """
    if not anew:
        for name in plan.hosts:
            refused = net[name].cmd(_first(net[name], plan.cards(name)))
            if refused.strip():
                raise LabError(f"cannot address {name}: {refused.strip()}; try `labs doctor`")
        return
    # All at once: a host's turn is mostly waiting.
    scripts = {name: _again(net[name], plan.cards(name)) for name in plan.hosts}
    running = [
        net[name].popen(["sh", "-c", text], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for name, text in scripts.items()
    ]
    for process in running:
        process.stdout.readline()
    # Only when no host has an old address any more can nobody learn one.
    for process in running:
        process.communicate(b"\n")


def _first(host: Host, cards: dict[str, Socket]) -> str:
    """The command for a fresh host: no duplicate address detection, the address is of use now."""
    parts = [f"ip addr add {each.ip6} dev {each.interface} nodad" for each in cards.values()]
    return " && ".join([*parts, *_forwarding(host, only_on=True)])


def _again(host: Host, cards: dict[str, Socket]) -> str:
    """The script for a host that has been used."""
    four, six = [*_RULES, "rule add lookup default pref 32767"], list(_RULES)
    for interface, each in cards.items():
        four += [f"addr flush dev {interface}", f"link set {interface} up"]
        four.append(f"addr add {each.ip} brd + dev {interface}")
        six.append(f"addr flush dev {interface}")
        for address in (f"{link_local(each.mac)}/64", each.ip6):
            six.append(f"addr add {address} dev {interface} nodad")
    if route := host.params.get("defaultRoute"):
        four.append(f"route replace default {route}")
    script = [_BLANK.replace("CARDS", " ".join(cards))]
    for family, lines in (("-4", four), ("-6", six)):
        told = "\n".join(lines)
        script.append(f"{{ tables {family}; echo '{told}'; }} | ip -force {family} -batch -")
    last = ["echo done", "read -r _", "ip neigh flush all"]
    return "\n".join([*script, *_forwarding(host), *last])


def _forwarding(host: Host, only_on: bool = False) -> list[str]:
    """The commands that make a host pass packets on, or not."""
    on = bool(host.params.get("forward"))
    if only_on and not on:
        return []
    conf = "/proc/sys/net/{}/conf/all/forwarding"
    return [f"echo {int(on)} >{conf.format(family)}" for family in ("ipv4", "ipv6")]


def link_local(mac: str) -> str:
    """The IPv6 address that the kernel gives a card by itself (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + identifier))


def end(net: Any) -> None:
    """End every process of the network and wait until it is gone; the kernel removes the rest."""
    nodes = [*net.hosts, *net.switches]
    shells = [node.shell for node in nodes if node.shell is not None]
    for node in nodes:
        node.terminate()
    for shell in shells:
        # That of a host keeps its process 1, which ends when all the others have.
        with suppress(subprocess.TimeoutExpired):
            shell.wait(daemons.GONE)
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
