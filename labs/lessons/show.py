"""Things worth looking at in a lesson: source, packets, the state machine, the network.

    show(fsm.backup, "RFC 3768 §6.4.2")   a function as it runs, beside what the section asks for
    show.packet(advert)                   every byte of an Advertisement, read twice
    show.machine()                        the state machine, drawn by asking it
    show.topology(lab)                    who is joined to whom, and who holds the address, now

A lesson that claims something about the daemon shows the lines that do it, from the very module
that is running.
In a notebook these are pictures and tables; everywhere else, text that says the same.
"""

from __future__ import annotations

import html
import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from labs.errors import LabError
from labs.lessons.rfc_sections import Section, section

if TYPE_CHECKING:
    from labs.capture.packet_fields import Anatomy
    from labs.emulation.lab import Lab
    from labs.figures.state_diagram import StateDiagram
    from labs.figures.topology_diagram import Wiring
    from labs.replay.replay_views import StoredPicture

HOUSE = Path(__file__).resolve().parents[2]
_STYLE = re.compile(r'style="[^"]*"')  # in the text of the source, a quote is written &quot;
_COLOR = re.compile(r"(?<=color: |round: )#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})\b")
_DARK_GROUND = "#1B1E23"


def _either(found: re.Match[str]) -> str:
    """The color for a light page and the one for a dark page, of which CSS takes one.

    Words are as far from the dark ground as halfway to white.
    """
    light = found[1].upper() if len(found[1]) == 6 else "".join(2 * x for x in found[1].upper())
    channels = ((int(light[i : i + 2], 16) + 0xFF) // 2 for i in (0, 2, 4))
    dark = "#" + "".join(f"{channel:02X}" for channel in channels)
    return f"light-dark(#{light}, {_DARK_GROUND if light == 'F8F8F8' else dark})"


@runtime_checkable
class Remembering(Protocol):
    """A lab of a replay (labs.replay.replay_lab), which shows what it showed when it ran."""

    def remembered(self, name: str) -> StoredPicture: ...


@runtime_checkable
class NoteTaking(Protocol):
    """A lab that is being recorded (labs.replay.recording_lab)."""

    def remember(self, name: str, draw: Callable[[Lab], Wiring]) -> Wiring: ...


@dataclass(frozen=True)
class Source:
    """The text of a function or class, `file:line` within the repository, and a section."""

    text: str
    place: str
    section: Section | None = None

    def __repr__(self) -> str:
        code = f"# {self.place}\n{self.text}"
        if self.section is None:
            return code
        points = [
            textwrap.fill(f"- {point}", 98, subsequent_indent="  ") for point in self.section.points
        ]
        return "\n".join([f"{self.section.name}  {self.section.link}", *points, "", code])

    def _repr_html_(self) -> str:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        # Inline styles: a style sheet of ours would reach into the rest of the page.
        coloured = highlight(self.text, PythonLexer(), HtmlFormatter(noclasses=True))
        coloured = _STYLE.sub(lambda style: _COLOR.sub(_either, style[0]), coloured)
        code = f"<small>{html.escape(self.place)}</small>{coloured}"
        if self.section is None:
            return code
        name, link = html.escape(self.section.name), html.escape(self.section.link)
        points = "".join(f"<li>{html.escape(point)}</li>" for point in self.section.points)
        told = f'<a href="{link}"><b>{name}</b></a><ul style="margin:.3em 0">{points}</ul>'
        # Side by side where they fit, one above the other where there is not.
        left = f'<div style="flex:1 1 18em;min-width:0;max-width:26em">{told}</div>'
        right = f'<div style="flex:2 1 34em;min-width:0;overflow-x:auto">{code}</div>'
        return f'<div style="display:flex;flex-wrap:wrap;gap:1.2em">{left}{right}</div>'


class Show:
    """The one object of this module: `show(...)`, `show.packet(...)` and so on."""

    def __call__(self, thing: Callable[..., Any] | type[Any], says: str | None = None) -> Source:
        """The source of a function, method or class, beside the section of an RFC if one is named.

        Raises TypeError for a thing without source, ValueError for words that name no section.
        """
        lines, first = inspect.getsourcelines(thing)
        path = Path(inspect.getsourcefile(thing) or "?").resolve()
        place = path.relative_to(HOUSE) if path.is_relative_to(HOUSE) else path
        text = textwrap.dedent("".join(lines))
        return Source(text, f"{place}:{first}", section(says) if says else None)

    def packet(self, packet: object) -> Anatomy:
        """Every byte of an Advert, a captured Frame, or an IP packet as bytes or hex.

        Raises LabError for anything else.
        """
        from labs.capture.packet_fields import dissect

        found = getattr(packet, "packet", None) or getattr(packet, "hex", None) or packet
        if isinstance(packet, bytes | bytearray):
            found = bytes(packet)
        try:
            return dissect(bytes.fromhex(found) if isinstance(found, str) else found)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise LabError(
                f"{packet!r} is no packet: give an Advert, a Frame of lab.frames(), "
                "or the bytes of an IP packet"
            ) from None

    def machine(self) -> StateDiagram:
        """The state machine of `vrrpd.fsm`, found by asking `step()`."""
        from labs.figures.state_diagram import StateDiagram

        return StateDiagram()

    def topology(self, lab: Lab) -> Wiring | StoredPicture:
        """The network of a running lab as it is now; in a replay, as it was."""
        if isinstance(lab, Remembering):
            return lab.remembered("topology")
        from labs.figures.topology_diagram import Wiring

        if isinstance(lab, NoteTaking):
            return lab.remember("topology", Wiring)
        return Wiring(lab)

    def __repr__(self) -> str:
        return "show(function, section), show.packet(advert), show.machine(), show.topology(lab)"


show = Show()
