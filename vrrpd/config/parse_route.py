"""Lines of `virtual_routes` and `static_routes` -> Route: a subset of ip-route(8).

    [inet|inet6] [TYPE] [src IP] [to] PREFIX|default  OPTION ...  [nexthop HOP ...] ...

`or ADDRESS` (an old form of a second next hop), `add`, `append`, `prepend`, `no_track` and
`track_group` are keepalived's own.  `encap`, `as` and `nat` are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vrrpd.config.diagnostics import Reporter, nearest
from vrrpd.config.parser import Statement
from vrrpd.config.routes_model import (
    EVERYTHING,
    KEEPALIVED,
    LOCAL,
    Hop,
    Network,
    Refused,
    Route,
    Words,
    network,
    number,
    refuse,
)
from vrrpd.config.scalars import BadValue, ip_of
from vrrpd.config.source_text import Word
from vrrpd.config.values import IPAddress
from vrrpd.record import replace

EVERYWHERE = ("default", "any", "all", "default6")  # default6: keepalived up to 2.0.7
KINDS = (
    "unicast",
    "local",
    "broadcast",
    "multicast",
    "throw",
    "unreachable",
    "prohibit",
    "blackhole",
)
METRICS = (
    "mtu",
    "hoplimit",
    "advmss",
    "rtt",
    "rttvar",
    "reordering",
    "window",
    "cwnd",
    "ssthresh",
    "rto_min",
    "initcwnd",
    "initrwnd",
    "quickack",
    "fastopen_no_cookie",
)
TIMES = {"rtt": 8, "rttvar": 4, "rto_min": 1}  # the kernel's units in a millisecond
PREFERENCES = {"medium": 0, "high": 1, "low": 3}
REFUSED = ("encap", "as", "nat", "ttl-propagate")
_OPTIONS = (
    *METRICS,
    "via",
    "gw",
    "dev",
    "oif",
    "src",
    "from",
    "to",
    "tos",
    "dsfield",
    "table",
    "vrf",
    "proto",
    "protocol",
    "scope",
    "metric",
    "priority",
    "preference",
    "onlink",
    "expires",
    "realms",
    "features",
    "congctl",
    "pref",
    "nexthop",
    "or",
    "add",
    "append",
    "prepend",
)


def routes(lines: Iterable[Statement], report: Reporter) -> Iterator[Route]:
    """The routes of a block, in order; a line that is not understood makes none."""
    for line in lines:
        try:
            route = _Reader(line).route()
        except Refused as refused:
            refuse(refused, "route", report)
            continue
        if not route.no_track and route.protocol != KEEPALIVED:
            report.at(
                "warning",
                line.name,
                "Route cannot be tracked if protocol is not "
                f"RTPROT_KEEPALIVED({KEEPALIVED}), resetting protocol",
            )
            route = replace(route, protocol=KEEPALIVED)
        yield route


class _Reader:
    def __init__(self, line: Statement) -> None:
        self.words = Words(line)
        self.fields: dict[str, Any] = {}
        self.hop: dict[str, Any] = {}
        self.hops: list[dict[str, Any]] = []
        self.metrics: dict[str, int | str] = {}
        self.locked: list[str] = []
        self.family: int | None = None
        self.to: Network | None = None
        self.default: Word | None = None

    def route(self) -> Route:
        """The whole line.  Raises Refused."""
        for word in self.words:
            self.take(word)
        first = self.words.line.name
        if self.to is None and self.default is None:
            raise Refused(first, "no destination", "a prefix or 'default'")
        family = self.family or 4
        hops = [hop for hop in (self.hop, *self.hops) if hop]
        if self.hops and self.hop.keys() - {"onlink"} and "nexthop" in self.words.said:
            raise Refused(first, "'via' or 'dev' before 'nexthop'")
        if self.fields.get("kind") in ("local", "broadcast"):
            self.fields.setdefault("table", LOCAL)
        return Route(
            words=tuple(self.words.said),
            family=4 if family == 4 else 6,
            to=self.to or EVERYTHING[family],
            hops=tuple(Hop(**hop) for hop in hops),
            multipath=bool(self.hops),
            metrics=tuple(self.metrics.items()),
            locked=tuple(self.locked),
            **self.fields,
            **self.words.own,
        )

    def take(self, word: Word) -> None:
        """One word and its arguments.  Raises Refused."""
        text = word.text
        if text in METRICS:
            self.metric(word)
        elif text in ("via", "gw", "dev", "oif", "onlink", "nexthop", "or"):
            self._way(word)
        elif text in ("inet", "inet6"):
            self._agree(word, 4 if text == "inet" else 6)
        elif text in KINDS:
            self.fields["kind"] = text
        elif text in ("add", "append", "prepend"):
            self.fields["how"] = text
        elif text in EVERYWHERE:
            self._everywhere(word)
        elif text in REFUSED:
            raise Refused(word, f"'{text}' is not done by this version")
        elif text in _OPTIONS:
            self._option(word)
        else:
            self.destination(word)

    def _everywhere(self, word: Word) -> None:
        """The route leads to all addresses.  Raises Refused."""
        self.default = word
        if word.text == "default6":
            self._agree(word, 6)

    def _option(self, word: Word) -> None:
        """A word with one argument.  Raises Refused."""
        words, fields = self.words, self.fields
        match word.text:
            case "to":
                value = words.value(word)
                if value.text in KINDS:
                    fields["kind"], value = value.text, words.value(word)
                if value.text in EVERYWHERE:
                    self._everywhere(value)
                else:
                    self.destination(value)
            case "src":
                fields["prefsrc"] = self.address(words.value(word))
            case "from":
                fields["source"] = words.network(word)
                self._agree(word, fields["source"].version)
            case "tos" | "dsfield":
                fields["tos"] = words.named(word, "rt_dsfield", 255)
            case "table":
                fields["table"] = words.named(word, "rt_tables")
            case "proto" | "protocol":
                fields["protocol"] = words.named(word, "rt_protos", 255)
            case "scope":
                fields["scope"] = words.named(word, "rt_scopes", 255)
            case "metric" | "priority" | "preference":
                fields["metric"] = words.number(word)
            case "expires":
                fields["expires"] = words.number(word)
            case "realms":
                fields["realms"] = words.realms(word)
            case "pref":
                value = words.value(word)
                if value.text not in PREFERENCES:
                    raise Refused(value, f"'{value.text}' is no preference", "low, medium or high")
                fields["preference"] = PREFERENCES[value.text]
            case "features":
                value = words.value(word)
                if value.text != "ecn":
                    raise Refused(value, f"unknown feature '{value.text}'", "ecn")
                self.metrics["features"] = 1
            case "congctl":
                self.metrics["congctl"] = self._maybe_locked(word).text
            case _:
                raise Refused(word, f"'{word.text}' is not done by this version")

    def _way(self, word: Word) -> None:
        """A word about a next hop.  Raises Refused."""
        hop = self.hops[-1] if self.hops else self.hop
        match word.text:
            case "nexthop":
                self.hops.append({})
                self._next_hop()
            case "or":  # deprecated: a second way, through the same interface
                if not self.hops:
                    self.hops.append(dict(self.hop))
                    self.hop = {}
                self.hops.append({**self.hops[-1], "via": self.address(self.words.value(word))})
            case "onlink":
                hop["onlink"] = True
            case "via" | "gw":
                value = self.words.value(word)
                if value.text in ("inet", "inet6"):
                    value = self.words.value(word)
                hop["via"] = self.address(value)
            case _:
                name = self.words.value(word).text
                for one in self.hops or [hop]:
                    one.setdefault("dev", name)

    def _next_hop(self) -> None:
        """What stands behind `nexthop`, up to the next one.  Raises Refused."""
        words, hop = self.words, self.hops[-1]
        while words.rest and words.rest[0].text in ("via", "dev", "weight", "onlink", "realms"):
            word = words.rest.pop(0)
            words.said.append(word.text)
            match word.text:
                case "via":
                    hop["via"] = self.address(words.value(word))
                case "dev":
                    hop["dev"] = words.value(word).text
                case "weight":
                    hop["weight"] = words.number(word, 1, 256)
                case "realms":
                    hop["realms"] = words.realms(word)
                case _:
                    hop["onlink"] = True

    def metric(self, word: Word) -> None:
        """`mtu [lock] 1400` and its like.  Raises Refused."""
        value = self._maybe_locked(word)
        text, factor = value.text, 1
        for suffix, ms in (("ms", 1), ("s", 1000)):
            if word.text in TIMES and text.endswith(suffix):
                text, factor = text.removesuffix(suffix), ms * TIMES[word.text]
                break
        self.metrics[word.text] = number(value, text, 0, 0xFFFFFFFF) * factor

    def _maybe_locked(self, word: Word) -> Word:
        """The argument, and whether `lock` stands before it.  Raises Refused."""
        value = self.words.value(word)
        if value.text != "lock":
            return value
        self.locked.append(word.text)
        return self.words.value(word)

    def destination(self, word: Word) -> None:
        """The prefix that the route leads to.  Raises Refused."""
        if self.to is not None or self.default is not None:
            known = (*_OPTIONS, *KINDS, "inet", "inet6", "no_track", "track_group")
            hint = nearest(word.text, known)
            expected = f"perhaps '{hint}'" if hint else ""
            raise Refused(word, f"unknown word '{word.text}' in a route", expected)
        self.to = network(word)
        self._agree(word, self.to.version)

    def address(self, word: Word) -> IPAddress:
        """An address; it decides the family if nothing has yet.  Raises Refused."""
        try:
            ip = ip_of(word.text.partition("/")[0])
        except BadValue as error:
            raise Refused(word, str(error), "an IP address") from None
        self._agree(word, ip.version)
        return ip

    def _agree(self, word: Word, version: int) -> None:
        """All addresses of a route are of one family.  Raises Refused."""
        if self.family not in (None, version):
            raise Refused(word, f"'{word.text}' is of the other family")
        self.family = version
