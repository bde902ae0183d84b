"""What a lab has left on a machine that others use, too: only what carries the mark of the test.

    mark = new_mark()                                 handed to the lab in $VRRP_LAB_MARK
    with nothing_left(environment) ...                see tests/notebooks/leftovers.py
    left(mark)                                        what there is, a line each; [] is clean

A lab gives its mark to everything it makes (labs.sandbox.namespaces.mark):

    processes     the variable in their environment
    mounts        their source
    interfaces    the alias of a switch and of its ports; a cable goes with its port
    files         the beginning of their name, in the directories that everybody shares

Whatever else comes or goes on the machine meanwhile belongs to other programs.
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path

from labs.sandbox.namespaces import INIT_NAME, MARK

SHARED = ("/tmp", "/var/tmp", "/run", "/run/lock", "/dev/shm", "/etc", "/root", "/var/log")


def new_mark() -> str:
    """A mark that no other lab has, short enough for the path of a Unix socket."""
    return f"{INIT_NAME}-{uuid.uuid4().hex[:12]}"


def left(mark: str) -> list[str]:
    """Everything that carries `mark`, as far as this process can see it."""
    return [*processes(mark), *mounts(mark), *interfaces(mark), *files(mark)]


def processes(mark: str) -> list[str]:
    """Id and command of every process that inherited `mark`, wherever it has gone; not our own."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        if place.name == str(os.getpid()):
            continue
        try:
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"process {place.name}: {words.strip()}")
        except OSError:
            continue
    return found


def mounts(mark: str) -> list[str]:
    """The mounts in our namespace that have `mark` as their source."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, (kind, source, *_) = line.split()[4], line.partition(" - ")[2].split(" ")
        if source == mark:
            found.append(f"mount {place} ({kind})")
    return found


def interfaces(mark: str) -> list[str]:
    """The interfaces in our namespace that have `mark` as their alias."""
    links = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=True).stdout
    return [
        f"interface {each['ifname']}" for each in json.loads(links) if each.get("ifalias") == mark
    ]


def files(mark: str) -> list[str]:
    """What begins with `mark` in the directories that everybody shares."""
    places = {os.path.realpath(place) for place in (*SHARED, os.environ.get("TMPDIR", "/tmp"))}
    return [
        f"file {place}/{name}"
        for place in sorted(places)
        if os.access(place, os.R_OK | os.X_OK) and os.path.isdir(place)
        for name in os.listdir(place)
        if name.startswith(mark)
    ]
