"""The lab's network: the article's topology, built with our hosts, our switch and our cables.

Mininet is imported here and in `labs.node` and nowhere else in the lab.
Three of its habits are kept out: it would raise the machine's own sysctls (`fixLimits`), look for
`screen` sessions to close when it stops, and delete interfaces one by one that vanish anyway.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # Mininet 2.3.0 compares versions with distutils.
    warnings.simplefilter("ignore", DeprecationWarning)
    from mininet.net import Mininet

from labs.node import Bridge, Cable, Host
from topologies.ha_pair import MACHINES, NETWORK, HaPair

# The machines that can own the address, and the one that uses it.
CLIENT = "client"
SERVERS = tuple(name for name, _ in MACHINES if name != CLIENT)
SWITCH = "s1"
VIRTUAL = "192.168.1.10"


def build(directory: Path, virtual: str = VIRTUAL) -> Any:
    """The running network, a Mininet object; the hosts' own files are put under `directory`.

    `virtual` is what the name `vip` in every host's /etc/hosts stands for.
    """
    # Told that it is set up, Mininet leaves the limits and sysctls of the machine alone.
    Mininet.inited = True
    make = partial(_host, directory=directory, names=_names(virtual))
    net = Mininet(
        HaPair(), switch=Bridge, host=make, link=Cable, controller=None, ipBase=NETWORK, build=False
    )
    try:
        net.build()
        net.start()
    except BaseException:
        end(net)
        raise
    return net


def end(net: Any) -> None:
    """End every process of the network at once; the kernel removes the rest."""
    for node in [*net.hosts, *net.switches]:
        node.terminate()
    net.hosts, net.switches, net.links = [], [], []


def hosts(net: Any) -> dict[str, Host]:
    """The hosts by name, in the topology's order (Mininet sorts them by name)."""
    return {name: net[name] for name, _ in MACHINES}


def port(net: Any, host: str) -> str:
    """The switch port that the cable of `host` leads to: s1-eth1."""
    [(_, at_switch)] = net[host].connectionsTo(net[SWITCH])
    return str(at_switch.name)


def _host(name: str, directory: Path, names: str, **params: Any) -> Host:
    return Host(name, files=directory / name, names=names, **params)


def _names(virtual: str) -> str:
    """The text of /etc/hosts, the same everywhere."""
    base = NETWORK.split("/")[0].rpartition(".")[0]
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", ""]
    lines += [f"{base}.{number}\t{name}" for name, number in MACHINES]
    return "\n".join([*lines, f"{virtual}\tvip", ""])
