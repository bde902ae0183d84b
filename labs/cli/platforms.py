"""The kind of system that `labs doctor` runs on, and what to do there if namespaces are refused.

    recognize(facts())  ->  Platform("Ubuntu 24.04 on WSL2", False, "in PowerShell: wsl --update")

Facts are read from files and the environment that the system itself sets, so that a test can record
those of a system that it does not have.  docs/install.md has a section for each of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The systems on which the whole test suite has passed, by ID and VERSION_ID of os-release(5).
TESTED = (("debian", "12"), ("debian", "13"))
_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
_LIMA_MARK = "/mnt/lima-cidata"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a system says of itself.

    `release`: os-release(5). `kernel`: /proc/version. `marks`: which of the files exist that only
    containers and Lima have. `environment`: the caller's.
    """

    release: Mapping[str, str]
    kernel: str
    marks: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Platform:
    """A system by its name; `remedy` is what to do where namespaces are refused, or empty."""

    name: str
    tested: bool
    remedy: str = ""

    def __str__(self) -> str:
        return self.name if self.tested else f"{self.name} (not tested: docs/install.md)"


def facts() -> Facts:
    """The facts of this system; what cannot be read is empty."""
    marks = (*_CONTAINER_MARKS, _LIMA_MARK)
    return Facts(
        _os_release(_text("/etc/os-release")),
        _text("/proc/version"),
        frozenset(mark for mark in marks if os.path.exists(mark)),
        dict(os.environ),
    )


def recognize(known: Facts) -> Platform:
    """The platform with these facts."""
    release = known.release
    version = release.get("VERSION_ID", "")
    system = f"{release.get('NAME', 'Linux')} {version}".strip().replace("GNU/Linux ", "")
    around, remedy = _surroundings(known)
    if around:
        return Platform(f"{system} {around}", False, remedy)
    tested = (release.get("ID", ""), version) in TESTED
    return Platform(system, tested, _remedy_for_system(release.get("ID", ""), version))


def _surroundings(known: Facts) -> tuple[str, str]:
    """What the system runs in, and the remedy there; empty for a machine of its own."""
    kernel = known.kernel.lower()
    if "microsoft" in kernel:
        # WSL 1 translates system calls: its kernel says 4.4.0 and has no namespaces.
        if "version 4.4.0" in kernel:
            return "on WSL1", "in PowerShell: wsl --set-version DISTRIBUTION 2"
        return "on WSL2", "in PowerShell: wsl --update, then wsl --shutdown"
    rebuild = "rebuild the container from .devcontainer/devcontainer.json: it has to be privileged"
    if known.environment.get("CODESPACES") == "true":
        return "in Codespaces", rebuild
    if known.environment.get("REMOTE_CONTAINERS") == "true":
        return "in a dev container", rebuild
    if "orbstack" in kernel:
        return "on OrbStack", "use a machine, `orb create debian:trixie`, not a container"
    if known.marks & set(_CONTAINER_MARKS):
        return "in a container", "start the container with --privileged"
    if _LIMA_MARK in known.marks:
        return "on Lima", "use another template: limactl start template://debian-13"
    return "", ""


def _remedy_for_system(name: str, version: str) -> str:
    if name == "debian" and version and int(version.partition(".")[0]) < 11:
        return "sudo sysctl -w kernel.unprivileged_userns_clone=1; better, use Debian 12 or 13"
    return ""


def _os_release(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: value.strip("\"'") for name, value in pairs}


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
