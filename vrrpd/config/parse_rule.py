"""Lines of `virtual_rules` and `static_rules` -> Rule: a subset of ip-rule(8).

    [inet|inet6] [not] SELECTOR ... ACTION
    from 192.168.1.10 to 10.0.0.0/8 fwmark 5/0xff iif eth0 table 100 preference 500

A rule without `preference` gets one, counted down from 16384 (keepalived), so that of two rules
the one further down in the file comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vrrpd.config.diagnostics import Reporter, nearest
from vrrpd.config.parser import Statement
from vrrpd.config.routes_model import (
    KEEPALIVED,
    Network,
    Refused,
    Rule,
    Words,
    network,
    number,
    refuse,
)
from vrrpd.config.source_text import Word

FIRST_PREFERENCE = 16384
ACTIONS = ("nop", "blackhole", "unreachable", "prohibit")
_WORDS = (
    *ACTIONS,
    "inet",
    "inet6",
    "not",
    "from",
    "to",
    "table",
    "lookup",
    "preference",
    "order",
    "priority",
    "tos",
    "dsfield",
    "fwmark",
    "realms",
    "suppress_prefixlength",
    "sup_pl",
    "suppress_ifgroup",
    "sup_group",
    "iif",
    "dev",
    "oif",
    "tunnel-id",
    "uidrange",
    "l3mdev",
    "protocol",
    "proto",
    "ipproto",
    "ip_proto",
    "sport",
    "dport",
    "type",
    "goto",
    "no_track",
    "track_group",
)


class Preferences:
    """Preferences for rules that have none; one counter for a whole configuration."""

    def __init__(self) -> None:
        self.next = FIRST_PREFERENCE

    def take(self, line: Statement, report: Reporter) -> int:
        """The next one, with keepalived's warning."""
        taken, self.next = self.next, self.next - 1
        report.at(
            "warning",
            line.name,
            f"Rule has no preference specified - setting to {taken}. "
            "This is probably not what you want.",
        )
        return taken


def rules(
    lines: Iterable[Statement], report: Reporter, preferences: Preferences | None = None
) -> Iterator[Rule]:
    """The rules of a block, in order; a line that is not understood makes none."""
    preferences = preferences or Preferences()
    for line in lines:
        reader = _Reader(line)
        try:
            reader.read()
        except Refused as refused:
            refuse(refused, "rule", report)
            continue
        if reader.words.own.get("no_track"):
            reader.fields.setdefault("protocol", 0)  # only tracked ones need ours (keepalived)
        if reader.words.own.get("track_group") and "iif" not in reader.fields:
            report.at(
                "error", line.name, "Static rule cannot have track_group if dev/iif not specified"
            )
            del reader.words.own["track_group"]
        protocol = reader.fields.get("protocol", KEEPALIVED)
        if protocol != KEEPALIVED and not reader.words.own.get("no_track"):
            report.at(
                "warning",
                line.name,
                "Rule cannot be tracked if protocol is not "
                f"RTPROT_KEEPALIVED({KEEPALIVED}), resetting protocol",
            )
            del reader.fields["protocol"]
        if "preference" not in reader.fields:
            reader.fields["preference"] = preferences.take(line, report)
        yield Rule(words=tuple(reader.words.said), **reader.fields, **reader.words.own)


class _Reader:
    def __init__(self, line: Statement) -> None:
        self.words = Words(line)
        self.fields: dict[str, Any] = {}

    def read(self) -> None:
        """The whole line.  Raises Refused."""
        for word in self.words:
            self.take(word)
        if self.fields.get("action", "table") == "table":
            if not self.fields.get("table") and not self.fields.get("l3mdev"):
                raise Refused(
                    self.words.line.name,
                    "the rule leads nowhere",
                    "table, goto, nop, blackhole, unreachable or prohibit",
                )
            self.fields["action"] = "table"

    def take(self, word: Word) -> None:
        """One word and its arguments.  Raises Refused."""
        words, fields = self.words, self.fields
        match word.text:
            case "inet" | "inet6":
                self._agree(word, 4 if word.text == "inet" else 6)
            case "not":
                fields["inverted"] = True
            case "from" | "to":
                value = words.value(word)
                if value.text == "default6":
                    self._agree(value, 6)
                elif value.text not in ("all", "any", "default"):
                    fields["source" if word.text == "from" else "to"] = found = network(value)
                    self._agree_network(value, found)
            case "table" | "lookup":
                fields["table"] = words.named(word, "rt_tables")
            case "goto":
                fields.update(action="goto", goto=words.number(word))
            case "type":
                self.action(words.value(word))
            case text if text in ACTIONS:
                self.action(word)
            case "l3mdev":
                fields["l3mdev"] = True
            case text if text in _WORDS:
                self._selector(word)
            case text:
                hint = nearest(text, _WORDS)
                raise Refused(
                    word, f"unknown word '{text}' in a rule", f"perhaps '{hint}'" if hint else ""
                )

    def _selector(self, word: Word) -> None:
        """A word that narrows the rule, with its argument.  Raises Refused."""
        words, fields = self.words, self.fields
        match word.text:
            case "preference" | "order" | "priority":
                fields["preference"] = words.number(word)
            case "tos" | "dsfield":
                fields["tos"] = words.named(word, "rt_dsfield", 255)
            case "fwmark":
                value = words.value(word)
                mark, slash, mask = value.text.partition("/")
                fields["fwmark"] = number(value, mark, 0, 0xFFFFFFFF)
                if slash:
                    fields["fwmask"] = number(value, mask, 0, 0xFFFFFFFF)
            case "realms":
                fields["realms"] = words.realms(word)
            case "suppress_prefixlength" | "sup_pl":
                fields["suppress_prefixlength"] = words.number(word, 0, 128)
            case "suppress_ifgroup" | "sup_group":
                fields["suppress_ifgroup"] = words.named(word, "group")
            case "iif" | "dev":
                fields["iif"] = words.value(word).text
            case "oif":
                fields["oif"] = words.value(word).text
            case "tunnel-id":
                fields["tunnel_id"] = words.number(word, 0, 2**64 - 1)
            case "uidrange":
                fields["uids"] = self._span(words.value(word), 0xFFFFFFFF)
            case "protocol" | "proto":
                fields["protocol"] = words.named(word, "rt_protos", 255)
            case "ipproto" | "ip_proto":
                fields["ip_proto"] = self.ip_proto(words.value(word))
            case "sport" | "dport":
                fields[word.text] = self._span(words.value(word), 0xFFFF)

    def action(self, word: Word) -> None:
        """What the rule does instead of looking into a table.  Raises Refused."""
        if word.text not in (*ACTIONS, "unicast"):
            raise Refused(word, f"unknown action '{word.text}'", ", ".join(ACTIONS))
        self.fields["action"] = "table" if word.text == "unicast" else word.text

    def _span(self, word: Word, most: int) -> tuple[int, int]:
        """`LOW-HIGH` or one number.  Raises Refused."""
        low, dash, high = word.text.partition("-")
        first = number(word, low, 0, most)
        return first, number(word, high, first, most) if dash else first

    def ip_proto(self, word: Word) -> int:
        """A protocol of IP by name or number.  Raises Refused."""
        try:
            import socket  # only /etc/protocols is wanted; a browser has no sockets

            return socket.getprotobyname(word.text.lower())
        except OSError:
            return number(word, word.text, 0, 255, "tcp, udp ... or a number")

    def _agree(self, word: Word, version: int) -> None:
        """All addresses of a rule are of one family.  Raises Refused."""
        if self.fields.setdefault("family", version) != version:
            raise Refused(word, f"'{word.text}' is of the other family")

    def _agree_network(self, word: Word, found: Network) -> None:
        """As `_agree`, for a prefix."""
        self._agree(word, found.version)
