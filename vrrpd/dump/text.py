"""How keepalived writes addresses, routes, rules and commands into its dumps.

192.168.1.10/24 brd 192.168.1.255 dev eth0 scope global label eth0:1 set
prepend 10.9.0.0/24 via inet 192.168.1.1 dev eth0 table 33 proto 18 metric 5
from 192.168.1.10 priority 500 tos 0x0 protocol 18 lookup 100
'/usr/bin/echo' 'a b', uid:gid 0:0
"""

from __future__ import annotations

from collections.abc import Iterator

from vrrpd.config.model import Address, Command, Hop, Route, Rule, Track
from vrrpd.config.routes_model import Network
from vrrpd.config.values import FOREVER

SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
PREFERENCES = {0: "medium", 1: "high", 3: "low"}
FLAGS = ("home", "mngtmpaddr", "noprefixroute", "autojoin")


def address_text(address: Address, dev: str, held: bool) -> str:
    """A virtual address; `dev` is the instance's interface."""
    return " ".join(_address_parts(address, dev, held))


def _address_parts(one: Address, dev: str, held: bool) -> Iterator[str]:
    """The parts of address_text()."""
    most = 32 if one.family == 4 else 128
    alone = one.peer is not None or one.prefixlen == most
    yield str(one.ip) if alone else str(one)
    if one.broadcast is not None:
        yield f"brd {one.broadcast}"
    yield f"dev {one.dev or dev}"
    yield f"scope {SCOPES.get(one.scope or 0, one.scope)}"
    if one.label is not None:
        yield f"label {one.label}"
    if one.peer is not None:
        yield f"peer {one.peer}/{one.prefixlen}"
    if one.family == 6 and not one.nodad:
        yield "-nodad"
    yield from (flag for flag in FLAGS if getattr(one, flag))
    lasting = one.preferred_lft
    if one.family == 6 and lasting is None:
        lasting = 0 if alone else FOREVER
    if lasting is not None:
        yield {0: "deprecated", FOREVER: "preferred_lft forever"}.get(
            lasting, f"preferred_lft {lasting}"
        )
    if one.no_track:
        yield "no_track"
    if held:
        yield "set"


def route_text(route: Route) -> str:
    """A route, its numbers as numbers."""
    return " ".join(_route_parts(route))


def _route_parts(one: Route) -> Iterator[str]:
    """The parts of route_text()."""
    yield one.how
    if one.kind != "unicast":
        yield one.kind
    yield _network_text(one.to)
    if one.source is not None:
        yield f"from {one.source}"
    if one.prefsrc is not None:
        yield f"src {one.prefsrc}"
    if one.tos:
        yield f"tos {one.tos}"
    if not one.multipath:
        yield from (word for hop in one.hops for word in _hop_parts(hop))
    if one.table != 254:
        yield f"table {one.table}"
    yield f"proto {one.protocol}"
    if one.scope is not None:
        yield f"scope {one.scope}"
    if one.metric is not None:
        yield f"metric {one.metric}"
    for name, value in one.metrics:
        yield f"{name} {'lock ' if name in one.locked else ''}{value}"
    if one.expires is not None:
        yield f"expires {one.expires}"
    if one.preference is not None:
        yield f"pref {PREFERENCES.get(one.preference, one.preference)}"
    if one.multipath:
        for hop in one.hops:
            weight = [f"weight {hop.weight}"] if hop.weight != 1 else []
            yield " ".join(("nexthop", *_hop_parts(hop), *weight))
    if one.no_track:
        yield "no_track"


def _hop_parts(hop: Hop) -> Iterator[str]:
    """One way of a route."""
    if hop.via is not None:
        yield f"via {'inet' if hop.via.version == 4 else 'inet6'} {hop.via}"
    if hop.dev is not None:
        yield f"dev {hop.dev}"
    if hop.onlink:
        yield "onlink"


def rule_text(one: Rule) -> str:
    """A rule, its numbers as numbers."""
    words = [f"from {_network_text(one.source) if one.source is not None else 'all'}"]
    if one.to is not None:
        words.append(f"to {_network_text(one.to)}")
    words.append(f"priority {one.preference}")
    words.append(f"tos {one.tos:#x}")
    if one.fwmark is not None:
        mask = f"/{one.fwmask:#x}" if one.fwmask is not None else ""
        words.append(f"fwmark {one.fwmark:#x}{mask}")
    words += [f"{key} {name}" for key, name in (("iif", one.iif), ("oif", one.oif)) if name]
    if not one.no_track:
        words.append(f"protocol {one.protocol}")
    if one.action == "table":
        words.append(f"lookup {one.table}")
    elif one.action == "goto":
        words.append(f"goto {one.goto}")
    else:
        words.append(f"type {one.action}")
    if one.no_track:
        words.append("no_track")
    return ("not " if one.inverted else "") + " ".join(words)


def _network_text(network: Network) -> str:
    """A prefix, or an address if it is the prefix of only one."""
    return str(network.network_address if network.num_addresses == 1 else network)


def command_text(command: Command) -> str:
    """A command without its user."""
    return " ".join(f"'{word}'" for word in command.argv)


def script_text(command: Command, *more: str) -> str:
    """A command with more arguments, and who runs it."""
    line = " ".join(f"'{word}'" for word in (*command.argv, *more))
    return line if command.identity is None else f"{line}, uid:gid {owner_text(command.identity)}"


def owner_text(identity: tuple[int, int] | None) -> str:
    """A uid and a gid."""
    return "{}:{}".format(*(identity or (0, 0)))


def track_text(name: str, track: Track) -> str:
    """Something tracked: `NAME weight N [reverse]`."""
    return f"{name} weight {track.weight}{' reverse' if track.reverse else ''}"


def yes(value: bool, words: str = "yes no") -> str:
    """A switch as text."""
    one, other = words.split()
    return one if value else other
