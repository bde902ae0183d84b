"""What `labs watch` shows, as lines of styled text: a picture and a size in, characters out.

     VRRP Lab · basic             192.168.1.10 is held by web1               0:42
       host      address  cable  daemon            prio timer
    ▶1 web1      ● HOLDS  in     vrrpd runs        150  sends in 0.4 s     ▒▒▒
     2 web2      ○        in     vrrpd runs        100  takes over in 3.2 s ▒▒▒▒▒▒▒
     3 client             in     pings: web1 answers in 0.08 ms

     ... the lanes of `labs.figures.timeline_text` for the last minute, and what happened, in words
     ...

Every line is exactly as wide as the screen, and there are exactly as many as it has rows.
Nothing is shown by colour alone: what is coloured is also a word or another character.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from labs.cli.watch_client import HostNow, Picture, ago, clock
from labs.figures import timeline_text
from labs.model import fault_verbs

Piece = tuple[str, str]  # prompt_toolkit's: a style, and text in it
Line = list[Piece]

HEAD, DIM, CHOSEN, GOOD, BAD = "reverse bold", "ansibrightblack", "bold", "ansigreen", "ansired"
# A host's lane, where there are colours, as nearly as a terminal has those of
# labs/figures/palette.py.
HOSTS = ("ansiblue", "ansiyellow", "ansigreen", "ansimagenta", "ansicyan")
# What the other characters of a lane look like.
LANE = {
    timeline_text.SHARES: "ansimagenta bold",
    timeline_text.LACKS: "ansibrightblack",
    timeline_text.ANSWERED: "ansigreen",
    timeline_text.SILENT: "ansired bold",
}
NARROWEST, LOWEST = 60, 14


def draw(picture: Picture, width: int, height: int, chosen: str = "", note: str = "") -> list[Line]:
    """The screen: `height` lines of `width` characters; `note` answers the last key."""
    if width < NARROWEST or height < LOWEST:
        told = f"{_headline(picture)}. A terminal of {NARROWEST} x {LOWEST} shows more; q quits."
        lines: list[Line] = [[("", row)] for row in textwrap.wrap(told, max(1, width))]
        return _fitted(lines, width, height)
    foot = _keys(width)
    lines = [_head(picture, width), [(DIM, _row(*TITLES))]]
    for number, host in enumerate(picture.hosts, 1):
        lines.append(_host(host, number, host.name == chosen, width))
    lines += [[], *_lanes(picture, width)]
    room = height - len(lines) - len(foot) - 2
    lines += [[], *_happened(picture, width, room)]
    lines = lines[: height - len(foot) - 1]
    lines += [[]] * (height - len(foot) - 1 - len(lines))
    lines.append([(CHOSEN, f" {note}")])
    return _fitted([*lines, *foot], width, height)


def plain(lines: Sequence[Line]) -> str:
    """The characters alone."""
    return "\n".join("".join(text for _, text in line).rstrip() for line in lines)


def _fitted(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Cut or padded to the screen, so that nothing of an older picture shines through."""
    fitted = []
    for line in [*lines, *([[]] * height)][:height]:
        left, row = width, []
        for style, text in line:
            row.append((style, text[:left]))
            left -= len(text[:left])
        fitted.append([*row, ("", " " * left)])
    return fitted


def _headline(picture: Picture) -> str:
    holders = picture.holders
    if not holders:
        return f"nobody holds {picture.address}"
    return f"{picture.address} is held by {' AND '.join(holders)}"


def _head(picture: Picture, width: int) -> Line:
    minutes, seconds = divmod(int(picture.age), 60)
    left, right = f" VRRP Lab · {picture.state}", f"{minutes}:{seconds:02} "
    middle = _headline(picture).center(width - len(left) - len(right))
    return [(HEAD, left + middle + right)]


# The widths of the columns in front of the timer.
COLUMNS = (3, 10, 9, 7, 18, 5)
TITLES = ("", "host", "address", "cable", "daemon", "prio", "timer")


def _row(*words: str) -> str:
    cells = [f"{word[: size - 1]:<{size}}" for word, size in zip(words, COLUMNS, strict=False)]
    return "".join([*cells, *words[len(COLUMNS) :]])


def _host(host: HostNow, number: int, is_chosen: bool, width: int) -> Line:
    """One row of the table; what is not as it should be is written in capitals."""
    mark = f"{'▶' if is_chosen else ' '}{number if number < 10 else ' '}"
    base = CHOSEN if is_chosen else ""
    address = "● HOLDS" if host.holds else "○" if host.daemon else ""
    daemon = f"{host.daemon} {host.runs if host.runs == 'runs' else host.runs.upper()}".strip()
    cells = [
        (base, mark),
        (base, host.name),
        (GOOD if host.holds else base, address),
        (base if host.carrier else BAD, "in" if host.carrier else "OUT"),
        (base if host.runs in ("runs", "") else BAD, daemon),
        (base, str(host.priority or "")),
    ]
    line = [
        (f"{base} {style}".strip(), f"{text[: size - 1]:<{size}}")
        for (style, text), size in zip(cells, COLUMNS, strict=True)
    ]
    if not host.daemon:  # it has neither daemon nor timer: space for its message
        return [*line[:4], (base, host.note)]
    return [*line, (base, _timer(host, width - sum(COLUMNS)))]


def _timer(host: HostNow, room: int) -> str:
    """``takes over in 3.2 s  ▒▒▒▒▒▒▒▒``, or why not."""
    if host.timer is None:
        return host.note or ("" if not host.daemon else "not known yet")
    words = f"{host.timer.what} in {host.timer.left:.1f} s "
    bar = max(0, min(30, room - 21))
    share = host.timer.left / host.timer.whole if host.timer.whole else 0
    return f"{words:<20}" + "▒" * min(bar, round(share * bar))


def _lanes(picture: Picture, width: int) -> list[Line]:
    """The timeline of the last minute, a lane for each host that may hold the address."""
    seen = picture.timeline
    margin = max(len(name) for name in (*seen.hosts, "client")) + 2
    columns = width - margin - 2
    lines: list[Line] = [[(DIM, " " * (margin + 1) + ago(seen, columns))]]
    lanes = [(host, timeline_text.holder_lane(seen, host, columns)) for host in seen.hosts]
    lanes.append(("client", timeline_text.client_lane(seen, columns)))
    for number, (name, lane) in enumerate(lanes):
        painted = _painted(lane, HOSTS[number % len(HOSTS)])
        lines.append([("", f" {name:<{margin}}"), *painted])
    for row in timeline_text.action_rows(seen, columns)[:3]:
        lines.append([("", " " * (margin + 1) + row)])
    key = timeline_text.key("".join(lane for _, lane in lanes))
    lines.append([(DIM, " " * (margin + 1) + key)])
    return lines


def _painted(lane: str, own: str) -> Line:
    """Runs of the same character in its colour; where the host holds, in its `own`."""
    pieces: Line = []
    for character in lane:
        style = own if character == timeline_text.HOLDS else LANE.get(character, "")
        if pieces and pieces[-1][0] == style:
            pieces[-1] = (style, pieces[-1][1] + character)
        else:
            pieces.append((style, character))
    return pieces


def _happened(picture: Picture, width: int, room: int) -> list[Line]:
    """The last things that happened, as many as fit, each wrapped under its clock."""
    lines: list[Line] = []
    for t, words in reversed(picture.happened):
        wrapped = textwrap.wrap(words, width - 13) or [""]
        if len(lines) + len(wrapped) > room:
            break
        rows: list[Line] = [[(DIM, f" {clock(t)}  "), ("", wrapped[0])]]
        rows += [[("", " " * 13 + more)] for more in wrapped[1:]]
        lines = [*rows, *lines]
    return lines


def _keys(width: int) -> list[Line]:
    """What the keys do, in as many lines as it takes."""
    lines: list[Line] = [[]]
    used = 0
    does_what = [
        (key, " ".join((verb.name, *choice.words)))
        for key, (verb, choice) in fault_verbs.keys().items()
    ]
    for key, does in [("↑↓", "host"), *does_what, ("q", "quit")]:
        size = len(key) + len(does) + 3
        if used + size > width:
            lines.append([])
            used = 0
        lines[-1] += [("reverse", f" {key} "), ("", f"{does} "[: size - len(key) - 2])]
        used += size
    return lines
