"""The packet filter, by nftables: what `DropFilter` asks for, in tables of its own.

    table ip keepalived { set vips {..}  map vmac_map {..}  chain in {..}  chain out {..} }
    table ip6 keepalived { ... and neighbour discovery let through ... }

The rules are keepalived's to the letter, so `nft list ruleset` looks familiar.
A change replaces the tables whole, in one transaction: no packet sees half of it.

libnftables, which nft(8) is made of, is called in this process: a fork would cost a takeover more
than all the rest.  Without a filter, and nothing left of one, it is not loaded: with the libraries
that it needs it takes more than a megabyte.

Contract: `Filter.apply()` never raises.  Without nftables on the host, or without the right to
use it, it returns the reason as text, and addresses answer although they should not.  What cannot
be filtered costs nothing else: without it the rest is in force.
"""

from __future__ import annotations

import ctypes
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence

from vrrpd.linux.netlink_attributes import attribute
from vrrpd.linux.rtnetlink import RequestSocket
from vrrpd.ports import DropFilter, InterfaceAddress, VirtualLink
from vrrpd.record import replace

LIBRARY = "libnftables.so.1"
NETLINK_NETFILTER = 12
GET_TABLE = 10 << 8 | 1  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETTABLE
TABLE_NAME = 1  # NFTA_TABLE_NAME
NFGENMSG = struct.Struct("=BBH")  # family, version, resource
NAME = re.compile(r"[A-Za-z0-9_./-]+\Z")  # what may stand in a ruleset without further ado
IFNAME = re.compile(r"[^\s\"*\\/]{1,15}\Z")
FAMILIES = {4: "ip", 6: "ip6"}
DISCOVERY = "nd-neighbor-solicit, nd-neighbor-advert"
REPORTS = "mld-listener-report, mld2-listener-report"


class Filter:
    """The tables of this daemon, as they stand."""

    def __init__(self) -> None:
        self.library: ctypes.CDLL | None = None
        self.context: int | None = None

    def apply(self, shield: DropFilter) -> list[str]:
        """Make the tables what `shield` asks for; they vanish if that is nothing."""
        if not NAME.match(shield.table):
            return [f"no packet filter: {shield.table!r} cannot be written in nft"]
        shield, problems = _writable(shield)
        if not (shield or self.library or _exists(shield.table)):
            return problems
        there = self._tables(shield.table)
        if isinstance(there, str):
            return [*problems, f"no packet filter: {there}"] if shield else problems
        old = {family: f"delete table {family} {shield.table}" for family in there}
        new = {name: text for family, name in FAMILIES.items() if (text := table(shield, family))}
        if not (old or new):
            return problems
        _, error = self.run("\n".join((*old.values(), *new.values())))
        if error:
            problems.append(f"the packet filter was refused: {error}")
            for version, name in FAMILIES.items():
                problems += self._apply_parts(old.get(name, ""), shield, version)
        return problems

    def _apply_parts(self, old: str, shield: DropFilter, version: int) -> list[str]:
        """The table of one family with all that nftables takes; what it does not take, as text."""
        lost: list[str] = []
        for lesser, lost in _parts(shield):  # noqa: B007
            text = table(lesser, version)
            if not (old or text) or not self.run("\n".join((old, text)))[1]:
                break
        return [f"the packet filter of {FAMILIES[version]} is without {one}" for one in lost]

    def _tables(self, name: str) -> list[str] | str:
        """The families that have a table of that name, or why that cannot be known."""
        output, error = self.run("list tables")
        if error:
            return error
        lines = output.splitlines()
        return [family for family in FAMILIES.values() if f"table {family} {name}" in lines]

    def run(self, script: str) -> tuple[str, str]:
        """Give nftables a script: what it prints, and what it complains of."""
        try:
            library, context = self.open()
        except OSError as error:
            return "", f"{LIBRARY} is missing (package nftables): {error}"
        status = library.nft_run_cmd_from_buffer(context, script.encode())
        output = library.nft_ctx_get_output_buffer(context).decode(errors="replace")
        error_text = library.nft_ctx_get_error_buffer(context).decode(errors="replace")
        first = (error_text.strip().splitlines() or [f"status {status}"])[0]
        return output, first if status else ""

    def open(self) -> tuple[ctypes.CDLL, int]:
        """The library and a context of it.  Raises OSError."""
        if self.library is None or self.context is None:
            library = ctypes.CDLL(LIBRARY)
            library.nft_ctx_new.restype = ctypes.c_void_p
            library.nft_ctx_new.argtypes = [ctypes.c_uint32]
            for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
                getattr(library, name).argtypes = [ctypes.c_void_p]
            for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
                getattr(library, name).argtypes = [ctypes.c_void_p]
                getattr(library, name).restype = ctypes.c_char_p
            library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
            context = library.nft_ctx_new(0)
            if not context:
                raise OSError("no context")
            library.nft_ctx_buffer_output(context)
            library.nft_ctx_buffer_error(context)
            self.library, self.context = library, context
        return self.library, self.context


def _exists(table: str) -> bool:
    """Whether the kernel has a table of that name, or cannot say."""
    name = attribute(TABLE_NAME, table.encode() + b"\0")
    try:
        requests = RequestSocket(NETLINK_NETFILTER)
        try:
            bodies = [NFGENMSG.pack(one, 0, 0) + name for one in (socket.AF_INET, socket.AF_INET6)]
            return any(requests.ask(GET_TABLE, 0, body) == 0 for body in bodies)
        finally:
            requests.close()
    except OSError:
        return True


def _writable(shield: DropFilter) -> tuple[DropFilter, list[str]]:
    """The shield without interfaces whose names nft would read otherwise; these, as text."""
    silent = tuple(one for one in shield.silent if IFNAME.match(one.interface))
    links = tuple(one for one in shield.links if IFNAME.match(one.name) and IFNAME.match(one.base))
    odd = {one.interface for one in shield.silent if one not in silent}
    odd |= {one.name for one in shield.links if one not in links}
    doubles = tuple(one for one in shield.doubles if one[1] not in odd)
    problems = [f"no packet filter: {name!r} cannot be written in nft" for name in sorted(odd)]
    return replace(shield, silent=silent, links=links, doubles=doubles), problems


def _parts(shield: DropFilter) -> Iterator[tuple[DropFilter, list[str]]]:
    """Less and less of a shield, each with what it lacks: the addresses are worth most."""
    yield shield, []
    links = ["the rules of virtual interfaces"] if shield.links else []
    bare = replace(shield, links=(), doubles=())
    yield bare, links
    far = tuple(one for one in shield.silent if not one.address.ip.is_link_local)
    near = sorted({str(one.address.ip) for one in shield.silent if one not in far})
    yield replace(bare, silent=far), [*links, *near]
    yield replace(bare, silent=()), ["anything"]


def table(shield: DropFilter, version: int) -> str:
    """The table of one family, or "" if nothing is asked of it."""
    silent = [one for one in shield.silent if one.address.family == version]
    links = [one for one in shield.links if one.sees(version)]
    if not silent and not links:
        return ""
    sets: list[str] = []
    out: list[str] = []
    into: list[str] = []
    if version == 6:
        _one_place(sets, out, shield)
    if links:
        _no_reports(sets, out, version, links, shield.counters)
    chains = _drops(sets, out, into, version, silent, shield) if silent else []
    chains.insert(0, _chain("out", "output", out, shield))
    if into:
        chains.insert(1, _chain("in", "input", into, shield))
    body = "\n".join((*sets, *chains))
    return f"table {FAMILIES[version]} {shield.table} {{\n{body}\n}}"


def _drops(
    sets: list[str],
    out: list[str],
    into: list[str],
    version: int,
    silent: Sequence[InterfaceAddress],
    shield: DropFilter,
) -> list[str]:
    """Drop what is for or from silent addresses; the chains for the link-local ones."""
    ip, hit = FAMILIES[version], "counter drop" if shield.counters else "drop"
    near = [one for one in silent if version == 6 and one.address.ip.is_link_local]
    far = [one for one in silent if one not in near]
    if far:
        sets.append(f"set vips {{ type ipv{version}_addr; elements = {_addresses(far)}; }}")
    if version == 6:
        kind = "type icmpv6_type; flags constant"
        sets.append(f"set neighbor-discovery {{ {kind}; elements = {{ {DISCOVERY} }}; }}")
        for chain_ in (out, into):
            chain_.append("icmpv6 type @neighbor-discovery accept")
        out.append("ip6 saddr fe80::/10 goto out_link_local")
        into.append("ip6 daddr fe80::/10 goto in_link_local")
    if near:
        pairs = _listed(f'{one.address.ip} . "{one.interface}"' for one in near)
        sets.append(f"set vips_link_local {{ type ipv6_addr . iface_index; elements = {pairs}; }}")
    if far:
        out.append(f"{ip} saddr @vips {hit}")
        into.append(f"{ip} daddr @vips {hit}")
    if version == 4:
        return []
    # The same link-local address may be on every interface, and be another host's there.
    in_, out_ = (
        f"ip6 {end} @vips_link_local {hit};" if near else ""
        for end in ("daddr . iif", "saddr . oif")
    )
    return [f"chain in_link_local {{ {in_} }}", f"chain out_link_local {{ {out_} }}"]


def _one_place(sets: list[str], out: list[str], shield: DropFilter) -> None:
    """Announce the link-local address of a base by the base alone, not by its virtual interface.

    Both have it, with different MAC addresses.  keepalived does so from 2.3.3 on.
    """
    count = "counter " if shield.counters else ""
    pairs = _listed(f'{ip} . "{name}"' for ip, name in shield.doubles)
    elements = f" elements = {pairs};" if shield.doubles else ""
    sets.append(f"set parent_link_local {{ type ipv6_addr . ifname;{elements} }}")
    which = 'meta oifkind "macvlan" ip6 saddr . oifname @parent_link_local'
    out.append(f"icmpv6 type nd-neighbor-advert {which} {count}drop")


def _no_reports(
    sets: list[str], out: list[str], version: int, links: Sequence[VirtualLink], counters: bool
) -> None:
    """Send reports of group membership by the base instead: switches learn MAC addresses."""
    count = "counter " if counters else ""
    macvlan = 'meta oifkind "macvlan"'
    pairs = _listed(f'"{one.name}" : "{one.base}"' for one in links)
    sets.append(f"map vmac_map {{ type iface_index : iface_index; elements = {pairs}; }}")
    ip, what = ("ip", "ip protocol igmp") if version == 4 else ("ip6", "icmpv6 type @mld-report")
    out.append(f"{what} {macvlan} {count}dup to {ip} daddr device oif map @vmac_map drop")
    if version == 6:
        members = _listed(f'"{one.name}"' for one in links)
        sets.append(f"set vmac_set {{ type iface_index; elements = {members}; }}")
        kind = "type icmpv6_type; flags constant"
        sets.append(f"set mld-report {{ {kind}; elements = {{ {REPORTS} }}; }}")
        out.append(f"icmpv6 type nd-router-solicit {macvlan} oif @vmac_set {count}drop")


def _chain(name: str, hook: str, rules: list[str], shield: DropFilter) -> str:
    """A chain that sees all that comes in or goes out."""
    lines = "\n".join(rules)
    return (
        f"chain {name} {{\n"
        f"type filter hook {hook} priority {shield.priority}; policy accept;\n{lines}\n}}"
    )


def _addresses(placed: Iterable[InterfaceAddress]) -> str:
    """A set of addresses."""
    return _listed(str(ip) for ip in dict.fromkeys(one.address.ip for one in placed))


def _listed(words: Iterable[str]) -> str:
    """The elements of a set."""
    return "{ " + ", ".join(words) + " }"
