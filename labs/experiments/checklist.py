"""What `keepalived-checklist` finds on the servers of a lab, for the checks of lessons.

points(lab)         its lines that say LOOK, with their hosts
points_hint(lab)    one of them, and how many more there are
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

CHECKLIST = "keepalived-checklist"  # a command of every host


def points(lab: Lab) -> list[str]:
    """The lines of the checklist that say LOOK, with their hosts."""
    return [
        f"{host}: {line[4:].strip()}"
        for host in lab.servers
        for line in lab.run(host, CHECKLIST).text.splitlines()
        if line.startswith("LOOK")
    ]


def points_hint(lab: Lab) -> str:
    """The first line that names its remedy, which a message of `keepalived -t` does not."""
    found = sorted(points(lab), key=lambda line: " file: " in line)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else "nothing is left: check again"
