"""Routes and rules as values, and what their two languages have in common.

    virtual_routes { 10.0.0.0/8 via 192.168.1.1 dev eth0 metric 5 }   ->  Route
    virtual_rules  { from 192.168.1.10 table 100 preference 500 }     ->  Rule

The languages are those of ip-route(8) and ip-rule(8); `parse_route.py` and `parse_rule.py` read
them.  Numbers may be written as the names that iproute2 knows: `names("rt_tables")`.

Contract: a value says everything; nothing is looked up later but the index of an interface.
A line with a word that is not understood makes no value at all: half a route is a wrong route.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal

from vrrpd.config.diagnostics import Reporter
from vrrpd.config.parser import Statement
from vrrpd.config.scalars import BadValue, network_of
from vrrpd.config.source_text import Word
from vrrpd.config.values import NOWHERE, IPAddress, SourceLocation
from vrrpd.record import Record

Network = IPv4Network | IPv6Network
_Family = Literal[4, 6]

KEEPALIVED = 18  # the protocol number that marks what we have made
MAIN, LOCAL = 254, 255  # tables
EVERYTHING: dict[int, Network] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
# A file in the first hides the one of the same name in the second, which came with iproute2 6.7.
NAMES = ("/etc/iproute2", "/usr/share/iproute2")
BUILT_IN: dict[str, dict[str, int]] = {
    "rt_tables": {"default": 253, "main": 254, "local": 255},
    "rt_scopes": {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255},
    "group": {"default": 0},
    "rt_protos": {"kernel": 2, "boot": 3, "static": 4, "ra": 9, "keepalived": KEEPALIVED},
}


class Hop(Record, kw_only=True):
    """One way of a route."""

    via: IPAddress | None = None
    dev: str | None = None
    weight: int = 1  # 1..256
    onlink: bool = False
    realms: int | None = None


class Route(Record, kw_only=True, uncompared=("where",)):
    """An entry of `virtual_routes` or `static_routes`.  Metrics in the kernel's units."""

    words: tuple[str, ...]
    family: _Family = 4
    kind: str = "unicast"
    to: Network = EVERYTHING[4]
    source: Network | None = None  # `from`, IPv6 only
    table: int = MAIN
    protocol: int = KEEPALIVED
    scope: int | None = None  # None: what follows from kind and hops, as for `ip route`
    metric: int | None = None
    tos: int = 0
    prefsrc: IPAddress | None = None
    hops: tuple[Hop, ...] = ()  # several: multipath
    multipath: bool = False  # written with `nexthop`
    metrics: tuple[tuple[str, int | str], ...] = ()  # ("mtu", 1400) ...
    locked: tuple[str, ...] = ()  # metrics that the kernel must not learn
    preference: int | None = None  # RFC 4191: 0 medium, 1 high, 3 low
    expires: int | None = None  # s
    realms: int | None = None
    how: Literal["prepend", "append", "add"] = "prepend"
    no_track: bool = False
    track_group: str | None = None
    where: SourceLocation = NOWHERE

    @property
    def dev(self) -> str | None:
        """The interface, if there is exactly one way."""
        return self.hops[0].dev if len(self.hops) == 1 else None

    def __str__(self) -> str:
        return " ".join(self.words)


class Rule(Record, kw_only=True, uncompared=("where",)):
    """An entry of `virtual_rules` or `static_rules`."""

    words: tuple[str, ...]
    family: _Family = 4
    action: str = "table"  # or goto, nop, blackhole, unreachable, prohibit
    table: int = 0
    goto: int | None = None
    inverted: bool = False
    source: Network | None = None
    to: Network | None = None
    preference: int | None = None
    tos: int = 0
    fwmark: int | None = None
    fwmask: int | None = None
    realms: int | None = None
    iif: str | None = None
    oif: str | None = None
    suppress_prefixlength: int | None = None
    suppress_ifgroup: int | None = None
    tunnel_id: int | None = None
    uids: tuple[int, int] | None = None
    l3mdev: bool = False
    protocol: int = KEEPALIVED
    ip_proto: int | None = None
    sport: tuple[int, int] | None = None
    dport: tuple[int, int] | None = None
    no_track: bool = False
    track_group: str | None = None
    where: SourceLocation = NOWHERE

    def __str__(self) -> str:
        return " ".join(self.words)


class Refused(Exception):
    """The line cannot be used; `word` is where it goes wrong."""

    def __init__(self, word: Word, message: str, expected: str = "") -> None:
        super().__init__(message)
        self.word = word
        self.expected = expected


class Words:
    """The words of one line, read from left to right."""

    def __init__(self, line: Statement) -> None:
        self.line = line
        self.rest = list(line.words)
        self.own: dict[str, Any] = {"where": line.where}
        self.said: list[str] = []

    def __iter__(self) -> Iterator[Word]:
        while self.rest:
            word = self.rest.pop(0)
            if word.text == "no_track":
                self.own["no_track"] = True
            elif word.text == "track_group":
                self.own["track_group"] = self.value(word).text
                self.said.pop()  # keepalived's own words are no part of the entry
            else:
                self.said.append(word.text)
                yield word

    def value(self, of: Word) -> Word:
        """The argument of the word `of`.  Raises Refused."""
        if not self.rest:
            raise Refused(of, f"'{of.text}' needs an argument")
        self.said.append(self.rest[0].text)
        return self.rest.pop(0)

    def number(self, of: Word, low: int = 0, high: int = 0xFFFFFFFF) -> int:
        """A number, decimal or 0x..., as the argument of `of`.  Raises Refused."""
        word = self.value(of)
        return number(word, word.text, low, high)

    def named(self, of: Word, kind: str, high: int = 0xFFFFFFFF) -> int:
        """A number or a name of iproute2's file `kind`.  Raises Refused."""
        word = self.value(of)
        known = names(kind)
        if word.text in known:
            return known[word.text]
        return number(word, word.text, 0, high, f"a number or a name in iproute2's {kind}")

    def network(self, of: Word | None = None) -> Network:
        """A prefix as the argument of `of`.  Raises Refused."""
        assert of is not None
        return network(self.value(of))

    def realms(self, of: Word) -> int:
        """`TO` or `FROM/TO`, as one number.  Raises Refused."""
        word = self.value(of)
        first, slash, second = word.text.partition("/")
        known = names("rt_realms")

        def realm(text: str) -> int:
            return known[text] if text in known else number(word, text, 0, 0xFFFF)

        return realm(first) << 16 | realm(second) if slash else realm(first)


def number(word: Word, text: str, low: int, high: int, expected: str = "") -> int:
    """The number that `text` is.  Raises Refused pointing at `word`."""
    try:
        value = int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        raise Refused(word, f"'{word.text}' is not a number", expected) from None
    if not low <= value <= high:
        raise Refused(word, f"'{word.text}' is out of range", f"{low} to {high}")
    return value


def network(word: Word) -> Network:
    """The prefix that `word` is; bits behind the prefix length are dropped.  Raises Refused."""
    try:
        ip, length, complaint = network_of(word.text)
    except BadValue as error:
        raise Refused(word, str(error), "ADDRESS or ADDRESS/LENGTH") from None
    if complaint:
        raise Refused(word, complaint)
    return ip_network((ip, length), strict=False)


def refuse(refused: Refused, what: str, report: Reporter) -> None:
    """Say why a line is not used."""
    report.at("error", refused.word, f"{refused}; {what} ignored", expected=refused.expected)


@lru_cache
def names(kind: str) -> dict[str, int]:
    """The names that iproute2 knows for numbers of this kind; what it ships and what is added.

    A file that cannot be read counts as absent: keepalived 2.3.3 makes an /etc/iproute2 for root
    alone.
    """
    found = dict(BUILT_IN.get(kind, {}))
    shipped = (lines for place in NAMES if (lines := _lines(f"{place}/{kind}")) is not None)
    added: dict[str, str] = {}
    for place in reversed(NAMES):
        with suppress(OSError):
            folder = f"{place}/{kind}.d"
            files = (name for name in os.listdir(folder) if name.endswith(".conf"))
            added |= {name: f"{folder}/{name}" for name in files}
    texts = [next(shipped, []), *(_lines(added[name]) or [] for name in sorted(added))]
    for words in (line.partition("#")[0].split() for lines in texts for line in lines):
        try:
            found.setdefault(words[1], int(words[0], 0))  # the first counts (iproute2)
        except (IndexError, ValueError):
            continue
    return found


def _lines(path: str) -> list[str] | None:
    """The lines of a file, or None if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return None
