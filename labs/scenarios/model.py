"""Scenarios: a story and the cluster it happens to, in one file.

    # The master's cable is pulled and put back.
    state basic                    or: host NAME PRIORITY [words; words] ..., kind v2|v3|v6
    0     wait holder web1          the story, in the language of `labs.model.story`
    +2    unplug web1
    +0    wait holder web2

The head may also say `each WORDS; WORDS` (for every instance), `synced` (two instances in a sync
group), `script WEIGHT` (each tracks /bin/chk), `seed N`.  Hosts that are written down like that
exist in the simulation only.  `#` starts a comment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from labs import jsonlines
from labs.errors import LabError
from labs.model.story import Step, is_step, step

KINDS = {
    "v2": ("version 2", ("192.168.1.10",), ("192.168.1.20",)),
    "v3": ("version 3", ("192.168.1.10",), ("192.168.1.20",)),
    "v6": ("version 3", ("fe80::10", "2001:db8:1::10"), ("fe80::20",)),
}


# The scenarios that `labs run` knows by name.
NAMED = {
    "failover": """
# The master's cable is pulled and put back.
state basic
0  wait holder web1
+2 unplug web1
+0 wait holder web2
+2 plug web1
+0 wait holder web1
+2 end
"""
}


@dataclass(frozen=True)
class Setup:
    """Who is there: a named state of the lab, or hosts with a priority and words each."""

    state: str | None = None
    hosts: tuple[tuple[str, int, str], ...] = ()
    kind: str = "v2"
    each: str = ""
    synced: bool = False
    script: int | None = None
    seed: int = 0

    def lines(self) -> list[str]:
        """The head of a scenario."""
        if self.state is not None:
            return [f"state {self.state}"]
        found = [f"kind {self.kind}"]
        found += [
            f"host {name} {priority} {words}".rstrip() for name, priority, words in self.hosts
        ]
        found += [f"each {self.each}"] if self.each else []
        found += ["synced"] if self.synced else []
        found += [f"script {self.script}"] if self.script is not None else []
        return [*found, f"seed {self.seed}"] if self.seed else found

    def configuration(self, name: str) -> str:
        """The keepalived.conf of a host."""
        priority, words = next((p, w) for host, p, w in self.hosts if host == name)
        version, vips, more = KINDS[self.kind]
        head = ""
        lines = [version, "interface eth0", "notify /bin/notify", *split(self.each), *split(words)]
        if self.script is not None:
            head = (
                'vrrp_script chk {\n script "/bin/chk"\n interval 2\n timeout 1\n fall 2\n rise 2\n'
                + (f" weight {self.script}\n" if self.script else "")
                + "}\n"
            )
            lines.append("track_script {\n chk\n}")
        text = head + instance("VI_1", 51, priority, lines, vips)
        if self.synced:
            text += instance("VI_2", 52, priority, lines, more)
            text += "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n notify /bin/notify\n}\n"
        return text


@dataclass(frozen=True)
class Scenario:
    """A story: its head, its lines, and what it is about."""

    setup: Setup
    steps: tuple[Step, ...]
    about: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        notes = [f"# {line}" for line in self.about]
        return "\n".join([*notes, *self.setup.lines(), *map(str, self.steps)]) + "\n"


def instance(name: str, vrid: int, priority: int, lines: list[str], vips: tuple[str, ...]) -> str:
    """A vrrp_instance block."""
    body = "\n ".join([f"virtual_router_id {vrid}", f"priority {priority}", *lines])
    listed = "\n  ".join(vips)
    return f"vrrp_instance {name} {{\n {body}\n virtual_ipaddress {{\n  {listed}\n }}\n}}\n"


def split(words: str) -> list[str]:
    """`a; b` -> the lines a and b."""
    return [one.strip() for one in words.split(";") if one.strip()]


# Reading.


def load(path: str | Path) -> Scenario:
    """Read a scenario file, or one of `NAMED`.  Raises LabError, naming file and line."""
    if path in NAMED:
        return parse(NAMED[str(path)], str(path))
    try:
        text = jsonlines.whole(Path(path))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise LabError(f"cannot read {path}: {why}; name a scenario file") from None
    return parse(text, str(path))


def parse(text: str, name: str = "scenario") -> Scenario:
    """Read a scenario.  Raises LabError, naming the line."""
    setup, steps, about = Setup(), list[Step](), list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line, _, note = raw.partition("#")
        words = line.split()
        if not words:
            about += [note.strip()] if note.strip() and not steps else []
            continue
        try:
            if is_step(words):
                steps.append(step(words))
            else:
                setup = head(setup, words, line)
        except (ValueError, IndexError) as error:
            raise LabError(
                f"{name}:{number}: {raw.strip()!r}: {error}; see labs/model/story.py"
            ) from None
    return Scenario(setup, tuple(steps), tuple(about))


def head(setup: Setup, words: list[str], line: str) -> Setup:
    """One line before the story.  Raises ValueError."""
    key, rest = words[0], words[1:]
    if key == "state":
        return replace(setup, state=rest[0])
    if key == "kind" and rest[0] in KINDS:
        return replace(setup, kind=rest[0])
    if key == "host":
        host = (rest[0], int(rest[1]), " ".join(rest[2:]))
        return replace(setup, hosts=(*setup.hosts, host))
    if key == "each":
        return replace(setup, each=line.strip().removeprefix("each").strip())
    if key == "synced":
        return replace(setup, synced=True)
    if key == "script":
        return replace(setup, script=int(rest[0]))
    if key == "seed":
        return replace(setup, seed=int(rest[0]))
    raise ValueError("neither a moment nor state, kind, host, each, synced, script, seed")
