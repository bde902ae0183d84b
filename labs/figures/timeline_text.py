"""The timeline in words and characters: for terminals, GitHub, screen readers and tests.

    192.168.1.10  0 s       5         10        15
    web1          ██████████████░░░░░░░░░░░░░░██████
    web2          ░░░░░░░░░░░░░░░░░░░░░░██████░░░░░░
    client        ··············!!!!!!!!············
                                ^ unplug web1
    web2 took 192.168.1.10 from web1 at 10.53 s, 3.11 s after the cable of web1 was pulled ...

Every character of a lane stands for an equal piece of time; a piece belongs to the host that
held most of it, except that the client's lane shows the slightest outage.
The sentences say the same with numbers, so that nothing depends on seeing.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from labs.model import fault_verbs
from labs.model.facts import Action, Loss, Ping
from labs.model.fault_verbs import FAULT_VERBS

if TYPE_CHECKING:
    from labs.analysis.timeline import Takeover, Timeline

HOLDS, SHARES, LACKS = "█", "▓", "░"
ANSWERED, SILENT = "·", "!"
LINE = 100  # sentences are wrapped here
INSTANT = 0.00005  # s: two holders for less are one after the other
SHORT = 0.1  # s: a shorter delay is given in milliseconds
BLINK, NEAR = 0.02, 0.25  # s: a single ping or two, lost that near a takeover, belong to it


def phrase(action: Action, *, name_host: bool) -> str:
    """``the cable of web1 was pulled``, or without the host where that is obvious."""
    if action.verb == "web":  # a service: "web server of web1 stopped", which is a phrase already
        return f"the {action.text}"
    verb = FAULT_VERBS.get(action.verb)
    if verb is None or not verb.phrase:
        return f"“{action.text}”"
    host = action.host if name_host and action.host else ""
    places = {word: f" {word} {host}" if host else "" for word in ("of", "on")}
    last = action.text.rpartition(" ")[2]
    return verb.phrase.format(host=action.host or "the network", last=last, **places)


def headline(timeline: Timeline) -> str:
    """The fact that a reader should remember, in one line."""
    address, takeovers = timeline.address, timeline.takeovers
    length = f"{timeline.end - timeline.start:.1f} s"
    if not takeovers:
        return _uneventful(timeline, length)
    if len(takeovers) > 1 and takeovers[0].frm is None:
        takeovers = takeovers[1:]  # that the first host began is no news once it has moved
    first = takeovers[0]
    ways = {(takeover.frm, takeover.to, takeover.shared > 0) for takeover in takeovers}
    if len(takeovers) > 1 and ways == {(first.frm, first.to, True)}:
        return (
            f"{first.to} took {address} {len(takeovers)} times in {length}, "
            f"and {first.frm} never gave it up"
        )
    if len(takeovers) > 2 or (len(takeovers) == 2 and takeovers[1].to != first.frm):
        way = " → ".join([first.frm or "nobody", *(t.to for t in takeovers[:5])])
        return f"{address} changed hands {len(takeovers)} times in {length}: {way}" + (
            " → …" if len(takeovers) > 5 else ""
        )
    text = f"{_move(timeline, first)}{_since(first)}"
    if len(takeovers) == 2:
        back = f"{takeovers[1].to} took it back" if first.split else "back"
        text += f", and {back}{_since(takeovers[1])}"
    return _pronoun(text).rstrip(",")  # nothing follows when nothing was done


def _pronoun(text: str) -> str:
    """The second time the same thing is named, call it "it"."""
    for thing in ("the cable was", "the daemon was", "the link was"):
        head, found, tail = text.partition(thing)
        text = head + found + tail.replace(thing, "it was")
    return text


def _uneventful(timeline: Timeline, length: str) -> str:
    holders = {part.holders for part in timeline.segments}
    hosts = sorted({host for part in holders for host in part})
    if not hosts:
        return f"nobody held {timeline.address} for {length}"
    if holders == {(hosts[0],)}:
        return f"{timeline.address} stayed with {hosts[0]} for {length}"
    if timeline.overlaps:
        both = f"{' and '.join(hosts)} both held {timeline.address}"
        silence = max((outage.duration for outage in timeline.outages), default=0.0)
        return both + (f", and the client had no answer for {silence:.1f} s" * (silence >= 1))
    return f"{hosts[0]} lost {timeline.address}, and nobody took it"


def _move(timeline: Timeline, takeover: Takeover) -> str:
    """``192.168.1.10 moved from web1 to web2``, or what else it was."""
    address, to, frm = timeline.address, takeover.to, takeover.frm
    if frm is None:
        return f"{to} took {address}"
    if frm == to:
        return f"{to} took {address} back"
    if takeover.split:
        return f"{to} took {address} although {frm} still had it,"
    return f"{address} moved from {frm} to {to}"


def _since(takeover: Takeover, *, name_host: bool = False) -> str:
    """`` 3.1 s after the cable was pulled``, or nothing when the learner did nothing."""
    if takeover.cause is None:
        return ""
    delay = takeover.at - takeover.cause.t
    took = f"{delay * 1000:.0f} ms" if 0 < delay < SHORT else f"{delay:.1f} s"
    return f" {took} after {phrase(takeover.cause, name_host=name_host)}"


def sentence(timeline: Timeline, takeover: Takeover) -> str:
    """Who took over from whom, when, why, when it was due, and what the client noticed."""
    seconds = takeover.at - timeline.start
    took = f"{takeover.to} took {timeline.address}"
    if takeover.frm == takeover.to:
        took += " back"
    elif takeover.frm is not None and not takeover.split:
        took += f" from {takeover.frm}"
    parts = [f"{took} at {seconds:.2f} s"]
    if takeover.split:
        parts.append(f" although {takeover.frm} still had it")
    if cause := _since(takeover, name_host=True):
        parts.append(f",{cause}")
    if takeover.reason:
        parts.append(f" ({takeover.reason})")
    if takeover.prediction is not None:
        parts.append(f"; {takeover.prediction.text}, measured {takeover.measured:.3f} s")
    if any(True for _ in timeline.of(Ping)):
        outage = timeline.outage_at(takeover.at)
        noticed = f"had no answer for {outage.duration:.2f} s" if outage else "noticed nothing"
        parts.append(f"; the client {noticed}")
    return "".join(parts) + "."


def sentences(timeline: Timeline) -> list[str]:
    """One for each takeover, gap, overlap, outage that no takeover ended, and loss."""
    zero, address = timeline.start, timeline.address
    told = [(t.at, sentence(timeline, t)) for t in timeline.takeovers]
    explained = {timeline.outage_at(t.at) for t in timeline.takeovers}

    def stretch(start: float, end: float) -> str:
        if end - start < 0.1:
            return f"for {(end - start) * 1000:.1f} ms at {start - zero:.2f} s"
        return f"from {start - zero:.2f} s to {end - zero:.2f} s ({end - start:.2f} s)"

    told += [(g.start, f"Nobody held {address} {stretch(g.start, g.end)}.") for g in timeline.gaps]
    for both in timeline.overlaps:
        if both.duration < INSTANT:
            continue
        who = f"{' and '.join(both.holders)} held {address} at once"
        told.append((both.start, f"{who} {stretch(both.start, both.end)}."))
    moves = [takeover.at for takeover in timeline.takeovers]
    for outage in timeline.outages:
        blink = outage.duration < BLINK and any(abs(outage.end - at) < NEAR for at in moves)
        if outage not in explained and not blink:
            told.append((outage.start, f"No answer {stretch(outage.start, outage.end)}."))
    for loss in timeline.of(Loss):
        told.append((loss.t, f"The record has a hole at {loss.t - zero:.2f} s: {loss.text}."))
    return [text for _, text in sorted(told, key=lambda pair: pair[0])]


def text(timeline: Timeline, width: int = 60) -> str:
    """The timeline figure in `width` columns of characters, then the sentences."""
    served = any(True for _ in timeline.of(Ping))
    names = [timeline.address, *timeline.hosts, "client"]
    margin = max(map(len, names)) + 2
    lanes = [(timeline.address, _axis(timeline, width))]
    lanes += [(host, holder_lane(timeline, host, width)) for host in timeline.hosts]
    if served:
        lanes.append(("client", client_lane(timeline, width)))
    lines = [f"{name:<{margin}}{lane}".rstrip() for name, lane in lanes]
    lines += [" " * margin + row for row in action_rows(timeline, width)]
    lines.append(" " * margin + key("".join(lane for _, lane in lanes)))
    for told in sentences(timeline):
        lines += textwrap.wrap(told, LINE, subsequent_indent="  ")
    return "\n".join(lines)


def step_for(length: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, ... seconds (and tenths) with at most `most` steps."""
    exponent = math.floor(math.log10(max(length, 1e-3) / most))
    for factor in (1, 2, 5, 10):
        step = factor * 10.0**exponent
        if length / step <= most:
            return step
    return 10.0 ** (exponent + 1)


def _axis(timeline: Timeline, width: int) -> str:
    """``0 s        5         10``: each number begins at its moment."""
    length = timeline.end - timeline.start
    if length <= 0:
        return "0 s"
    step = step_for(length, max(1, width // 8))
    row = ""
    for number in range(int(length / step) + 1):
        column = round(number * step / length * width)
        label = f"{number * step:g}" + (" s" if number == 0 else "")
        if column >= len(row) and column + len(label) <= width:
            row = row.ljust(column) + label
    return row


def _pieces(timeline: Timeline, width: int) -> list[tuple[float, float]]:
    piece = (timeline.end - timeline.start) / width
    return [(timeline.start + i * piece, timeline.start + (i + 1) * piece) for i in range(width)]


def holder_lane(timeline: Timeline, host: str, width: int) -> str:
    """When `host` held the address, in `width` characters."""
    row = ""
    for start, end in _pieces(timeline, width):
        times = {HOLDS: 0.0, SHARES: 0.0, LACKS: 0.0}
        for part in timeline.segments:
            shared = min(end, part.end) - max(start, part.start)
            holds = SHARES if len(part.holders) > 1 else HOLDS
            times[holds if host in part.holders else LACKS] += max(0.0, shared)
        row += max(times, key=lambda mark: times[mark])
    return row


def client_lane(timeline: Timeline, width: int) -> str:
    """When the client was answered, in `width` characters."""
    row = ""
    for start, end in _pieces(timeline, width):
        here = {p.host is None for p in timeline.service if p.start < end and p.end > start}
        row += SILENT if True in here else ANSWERED if here else " "
    return row


def action_rows(timeline: Timeline, width: int) -> list[str]:
    """``^ unplug web1`` under its moment, in as many rows as keep the labels apart."""
    length = timeline.end - timeline.start
    rows: list[str] = []
    for action in timeline.of(Action):
        column = min(width - 1, int((action.t - timeline.start) / (length or 1) * width))
        # These say it all with their host; what else was done says it in its own words.
        brief = action.verb in fault_verbs.real()
        told = f"{action.verb} {action.host or ''}" if brief else action.text
        label = f"^ {told}".rstrip()
        if column + len(label) > width:
            label = label[2:] + " ^"
            column = max(0, column - len(label) + 1)
        for i, row in enumerate(rows):
            if len(row) < column or not row:
                rows[i] = row.ljust(column) + label
                break
        else:
            rows.append(" " * column + label)
    return rows


def key(drawn: str) -> str:
    """What the characters mean, only those that occur."""
    meanings = {
        HOLDS: "holds",
        LACKS: "does not",
        SHARES: "two hold",
        ANSWERED: "answered",
        SILENT: "no answer",
    }
    return "   ".join(f"{mark} {meaning}" for mark, meaning in meanings.items() if mark in drawn)
