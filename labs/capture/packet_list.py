"""Captured frames as a list: when, between whom, and what they are, for notebooks and as text.

        0.000 s  192.168.1.11 > 224.0.0.18 VRRPv2 router 51, priority 150, every 1 s: 192.168.1.10
        0.007 s  25 pings and 0 answers in a row
        ...
In a notebook every row unfolds to all the fields that scapy finds in the frame.
A frame that passed several cables is one row, which names them in the order in which it was seen.
The client pings a hundred times a second: where nothing else happens, its pings share a row.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from vrrpd.auth_hmac import observe
from vrrpd.fsm import SECOND
from vrrpd.packet import PacketError, parse_ip

if TYPE_CHECKING:
    from labs.capture.capture import Capture, Frame

ROWS = 30  # as text
UNFOLDED = 100  # in a notebook
# s within which the same bytes at another cable are the same frame.
SAME = 0.005


# So many pings and answers in a row, or more, are one.
MANY = 8


@dataclass(slots=True)
class Row:
    """A frame and the interfaces that it was seen at; `more` are pings that followed it."""

    frame: Frame
    cards: list[str] = field(default_factory=list)
    more: list[Frame] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """What it is."""
        if not self.more:
            return reading(self.frame)
        kinds = [ping(frame) for frame in (self.frame, *self.more)]
        return f"{kinds.count(ASKED)} pings and {kinds.count(ANSWERED)} answers in a row"


# ICMP types.
ASKED, ANSWERED = 8, 0


def ping(frame: Frame) -> int | None:
    """ASKED or ANSWERED for an IPv4 ping, None for anything else."""
    packet = frame.packet
    if frame.ethernet[12:14] != b"\x08\x00" or len(packet) < 28 or packet[9] != 1:
        return None
    kind = packet[4 * (packet[0] & 15)]
    return kind if kind in (ASKED, ANSWERED) else None


def rows(wires: Sequence[Capture]) -> list[Row]:
    """The frames of all `wires`, each once, in order of time."""
    seen = [(frame, wire.name) for wire in wires for frame in wire.frames]
    found: list[Row] = []
    latest: dict[bytes, Row] = {}
    for frame, card in sorted(seen, key=lambda pair: pair[0].t):
        whole = frame.ethernet + frame.packet
        row = latest.get(whole)
        if row is None or frame.t > row.frame.t + SAME or card in row.cards:
            row = latest[whole] = Row(frame)
            found.append(row)
        row.cards.append(card)
    return _folded(found)


def _folded(found: list[Row]) -> list[Row]:
    """The same with long runs of pings as one row each."""
    folded: list[Row] = []
    for is_ping, group in groupby(found, key=lambda row: ping(row.frame) is not None):
        run = list(group)
        if is_ping and len(run) >= MANY:
            run[0].more = [row.frame for row in run[1:]]
            run = run[:1]
        folded += run
    return folded


def reading(frame: Frame) -> str:
    """What a frame is: an Advertisement in words, anything else as scapy sums it up."""
    if frame.kind == "advert":
        try:
            packet = parse_ip(frame.packet)
            told = observe(packet)
        except PacketError:
            return frame.summary
        addresses = ", ".join(map(str, told.addresses))
        return (
            f"{packet.source} > {packet.destination} VRRPv{told.version} router {told.vrid}, "
            f"priority {told.priority}, every {told.interval / SECOND:g} s: {addresses}"
        )
    return frame.summary


def _dropped(wires: Sequence[Capture]) -> list[str]:
    """A line that says how many frames were not kept, if any were not."""
    count = sum(wire.dropped for wire in wires)
    told = f"... and {count:,} more, which were not kept; `labs capture HOST > FILE` keeps them all"
    return [told] if count else []


def listing(wires: Sequence[Capture]) -> str:
    """The first frames, a line for each; "" if there are none."""
    found = rows(wires)
    start = found[0].frame.t if found else 0.0
    lines = []
    for row in found[:ROWS]:
        cards = f"  [{' '.join(row.cards)}]" if len(wires) > 1 else ""
        lines.append(f"{row.frame.t - start:9.3f} s  {row.summary}{cards}")
    if len(found) > len(lines):
        lines.append(f"... and {len(found) - len(lines)} more: wire.frames")
    return "\n".join([*lines, *_dropped(wires)])


def page(wires: Sequence[Capture]) -> str:
    """The list as HTML; every row unfolds to the fields of its frame."""
    found = rows(wires)
    cards = ", ".join(wire.name for wire in wires)
    start = found[0].frame.t if found else 0.0
    count = sum(1 + len(row.more) for row in found)
    lines = [f"<p>{count} frames at {html.escape(cards)}</p>"]
    for row in found[:UNFOLDED]:
        summary = f"{row.frame.t - start:9.3f} s  {row.summary}"
        if len(wires) > 1:
            summary += f"  [{' '.join(row.cards)}]"
        lines.append(
            '<details style="font-family: monospace; white-space: pre-wrap">'
            f"<summary>{html.escape(summary)}</summary>"
            f'<div style="margin-left: 3em">{html.escape(fields(row.frame))}</div></details>'
        )
    if len(found) > UNFOLDED:
        lines.append(f"<p>... and {len(found) - UNFOLDED} more: wire.save('x.pcapng')</p>")
    lines += [f"<p>{html.escape(line)}</p>" for line in _dropped(wires)]
    return "\n".join(lines)


def fields(frame: Frame) -> str:
    """Every field that scapy finds in a frame, layer by layer."""
    import scapy.layers.vrrp  # noqa: F401  it makes VRRP known to the others
    from scapy.layers.l2 import Ether

    return str(Ether(frame.ethernet + frame.packet).show(dump=True)).strip()
