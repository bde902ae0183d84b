"""Blocks of lines with a syntax of their own: addresses, peers, tracked things.

    virtual_ipaddress { 192.168.1.10/24 brd + dev eth0 label eth0:1 }
    unicast_peer      { 192.168.1.12 min_ttl 254 }
    track_interface   { eth1 weight -20 }

A bad word costs the word or the whole line, as in keepalived; both are reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, ip_interface
from typing import Any

from vrrpd.config.collect import host, surplus
from vrrpd.config.diagnostics import Reporter, nearest
from vrrpd.config.parser import Statement
from vrrpd.config.scalars import BadValue, int_of, ip_of, network_of
from vrrpd.config.source_text import Word
from vrrpd.config.values import FOREVER, Address, IPAddress, Peer, Track
from vrrpd.record import Record

SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
_FLAGS = {
    "home": "home",
    "mngtmpaddr": "mngtmpaddr",
    "noprefixroute": "noprefixroute",
    "autojoin": "autojoin",
    "no_track": "no_track",
    "use_vmac": "use_vmac",
}
_OPTIONS = ("dev", "scope", "brd", "broadcast", "label", "peer", "preferred_lft", "track_group")
_ADDRESS_WORDS = (*_FLAGS, *_OPTIONS, "-nodad")
LABEL_LENGTH = 15  # IFNAMSIZ - 1


class _Drop(Exception):
    """The entry cannot be used; the message says why."""

    def __init__(self, word: Word, message: str, expected: str = "") -> None:
        super().__init__(message)
        self.word = word
        self.expected = expected


def addresses(
    lines: Iterable[Statement], report: Reporter, *, static: bool = False
) -> Iterator[Address]:
    """The addresses of a block, in order. Duplicates are the caller's business."""
    for line in lines:
        try:
            yield _address(line, report, static)
        except _Drop as drop:
            report.at("error", drop.word, f"{drop}; address ignored", expected=drop.expected)


def _address(line: Statement, report: Reporter, static: bool) -> Address:
    first = line.words[0]
    try:
        ip, prefixlen, complaint = network_of(first.text)
    except BadValue as error:
        raise _Drop(first, str(error), "ADDRESS or ADDRESS/LENGTH") from None
    if complaint:
        report.at("error", first, complaint)
    if len(line.words) == 1 and isinstance(ip, IPv4Address):  # as most lines of long files
        return Address(ip=ip, prefixlen=prefixlen, where=line.where)
    found = _arguments(line.args, ip, prefixlen, report, static)
    if isinstance(ip, IPv4Address):
        found.pop("nodad", None)
    else:
        found.setdefault("nodad", True)
        found.setdefault("preferred_lft", 0 if prefixlen == 128 else FOREVER)
    prefixlen = found.pop("peer_prefixlen", prefixlen)
    return Address(ip=ip, prefixlen=prefixlen, where=line.where, **found)


def _arguments(
    args: Iterable[Word], ip: IPAddress, prefixlen: int, report: Reporter, static: bool
) -> dict[str, Any]:
    """What stands behind an address, by field. Raises _Drop."""
    found: dict[str, Any] = {}
    words = iter(args)
    for word in words:
        if word.text in _FLAGS:
            found[_FLAGS[word.text]] = True
        elif word.text == "-nodad":
            found["nodad"] = False
        elif word.text not in _OPTIONS or (word.text == "track_group" and not static):
            _unknown_argument(word, report)
        else:
            value = next(words, None)
            if value is None:
                raise _Drop(word, f"'{word.text}' needs an argument")
            _option(word, value, ip, prefixlen, found, report)
    return found


def _unknown_argument(word: Word, report: Reporter) -> None:
    try:
        network_of(word.text)
    except BadValue:
        hint = nearest(word.text, _ADDRESS_WORDS)
        report.at(
            "error", word, f"unknown word '{word.text}' in an address; ignored", suggestion=hint
        )
    else:
        report.at(
            "error",
            word,
            f"second address '{word.text}' on one line; ignored",
            expected="each address on a line of its own",
        )


def _option(
    word: Word, value: Word, ip: IPAddress, prefixlen: int, found: dict[str, Any], report: Reporter
) -> None:
    """Set in `found` what an option with an argument says. Raises _Drop."""
    is_v4 = isinstance(ip, IPv4Address)
    match word.text:
        case "dev":
            if "dev" in found:
                raise _Drop(word, "'dev' twice")
            found["dev"] = value.text
        case "scope":
            scope = _scope(value.text)
            if not is_v4:
                report.at("warning", word, "IPv6 finds the scope by itself; ignored")
            elif scope is None:
                report.at(
                    "error",
                    value,
                    f"unknown scope '{value.text}'; ignored",
                    expected="one of " + ", ".join(SCOPES) + " or a number to 255",
                )
            else:
                found["scope"] = scope
        case "brd" | "broadcast":
            if not is_v4:
                raise _Drop(word, "IPv6 has no broadcast address")
            found["broadcast"] = _broadcast(value, ip, prefixlen)
        case "label":
            if len(value.text.encode("utf-8", "replace")) > LABEL_LENGTH:
                raise _Drop(value, f"label longer than {LABEL_LENGTH} characters")
            if is_v4:
                found["label"] = value.text
            else:
                report.at("error", word, "IPv6 addresses have no label; ignored")
        case "peer":
            try:
                peer, length, complaint = network_of(value.text)
            except BadValue as error:
                raise _Drop(value, str(error), "ADDRESS or ADDRESS/LENGTH") from None
            if peer.version != ip.version:
                raise _Drop(value, "the peer is of the other family")
            if complaint:
                report.at("error", value, complaint)
            found.update(peer=peer, peer_prefixlen=length)
        case "preferred_lft":
            found["preferred_lft"] = _lifetime(value, report)
        case _:
            found[word.text] = value.text


def _scope(text: str) -> int | None:
    if text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= 255:
        return int(text)
    return SCOPES.get(text)


def _broadcast(value: Word, ip: IPAddress, prefixlen: int) -> IPv4Address:
    network = ip_interface((ip, prefixlen)).network
    if value.text == "+":
        return IPv4Address(int(network.broadcast_address))
    if value.text == "-":
        return IPv4Address(int(network.network_address))
    try:
        broadcast = ip_of(value.text)
    except BadValue as error:
        raise _Drop(value, str(error), "an IPv4 address, + or -") from None
    if not isinstance(broadcast, IPv4Address):
        raise _Drop(value, "not an IPv4 address", "an IPv4 address, + or -")
    return broadcast


def _lifetime(value: Word, report: Reporter) -> int:
    if value.text == "forever":
        return FOREVER
    try:
        number, rest = int_of(value.text, 0, FOREVER, strict=False)
    except BadValue as error:
        raise _Drop(value, str(error), "seconds or forever") from None
    surplus(rest, value, number, report)
    return number


def peers(lines: Iterable[Statement], report: Reporter) -> Iterator[tuple[Peer, Word]]:
    """The peers of `unicast_peer`, each with the word to complain about."""
    for line in lines:
        first, *rest = line.words
        try:
            ip = host(first, report)
        except BadValue as error:
            report.at("error", first, f"{error}; peer ignored")
            continue
        ttl: dict[str, int] = {}
        words = iter(rest)
        for word in words:
            value = next(words, None) if word.text in ("min_ttl", "max_ttl") else None
            try:
                if value is None:
                    raise BadValue(f"'{word.text}' is not understood")
                ttl[word.text] = int_of(value.text, 0, 255, strict=True)[0]
            except BadValue as error:
                report.at(
                    "error",
                    word,
                    f"{error}; ignored",
                    expected="min_ttl or max_ttl with a number from 0 to 255",
                )
        yield Peer(ip=ip, **ttl), first


class _Tracked(Record):
    """A line of a track block: the weight is None where the tracked thing's own counts."""

    word: Word
    weight: int | None
    reverse: bool | None

    def track(self, weight: int = 0, reverse: bool = False) -> Track:
        """With the tracked thing's own weight for what the line leaves open."""
        return Track(
            self.word.text,
            weight if self.weight is None else self.weight,
            reverse if self.reverse is None else self.reverse,
        )


def tracked(
    lines: Iterable[Statement], limit: int, report: Reporter, turns: tuple[str, ...]
) -> Iterator[_Tracked]:
    """`NAME [weight N [reverse|noreverse]]`; +-254 is cut where the limit is 253.

    A line with another word than `weight` is ignored, a bad number or one of `turns` misspelt
    only by itself (keepalived).
    """
    for line in lines:
        first, *rest = line.words
        weight: int | None = None
        reverse: bool | None = None
        expected = f"weight with a number from -{limit} to {limit}"
        if rest and (rest[0].text != "weight" or len(rest) == 1):
            report.at(
                "error",
                rest[0],
                f"'{rest[0].text}' alone says nothing; line ignored",
                expected=expected,
            )
            continue
        try:
            if rest:
                number, behind = int_of(rest[1].text, -254, 254, strict=False)
                surplus(behind, rest[1], number, report)
                weight = max(-limit, min(limit, number))
        except BadValue as error:
            report.at("error", rest[1], f"{error}; ignored", expected=expected)
        if rest[2:] and rest[2].text in turns:
            reverse = rest[2].text == "reverse"
        elif rest[2:]:
            report.at(
                "error",
                rest[2],
                f"'{rest[2].text}' is not understood; ignored",
                expected=" or ".join(turns),
            )
        yield _Tracked(first, weight, reverse)
