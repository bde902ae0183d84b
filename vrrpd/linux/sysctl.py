"""Switches of an interface under /proc/sys/net, and the way back to what they were.

    read("ipv4", "eth0", "arp_ignore")              "0", or None if there is no such switch
    Switches().set("ipv4", "eth0", "arp_ignore", 1) remembers what it was
    Switches().restore()                            puts everything back

Contract: nothing here raises; a container may show /proc/sys read-only, and then `set()` returns
the reason in words.  What somebody else has changed since is left as it is.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/proc/sys/net")
Switch = tuple[str, str, str]  # family, interface, name


def path_of(switch: Switch) -> Path:
    """The file of a switch; an interface name with dots is a directory all the same."""
    family, interface, name = switch
    return ROOT / family / "conf" / interface / name


def read(family: str, interface: str, name: str) -> str | None:
    """The present value, or None if it cannot be read."""
    try:
        return path_of((family, interface, name)).read_text().strip()
    except OSError:
        return None


class Switches:
    """The switches that this daemon has changed."""

    def __init__(self) -> None:
        self.before: dict[Switch, tuple[str, str]] = {}  # what it was, what we made it

    def set(self, family: str, interface: str, name: str, value: int) -> str | None:
        """Set a switch; None, or why that was not possible."""
        was = read(family, interface, name)
        if was == str(value):
            return None
        switch = (family, interface, name)
        try:
            path_of(switch).write_text(f"{value}\n")
        except OSError as error:
            return f"cannot set {name} of {interface} to {value}: {error.strerror or error}"
        if was is not None:
            first = self.before.get(switch, (was, ""))[0]
            self.before[switch] = (first, str(value))
        return None

    def restore(self, interface: str | None = None) -> None:
        """Put back what is still as we left it: on one interface, or on all."""
        for switch in [one for one in self.before if interface in (None, one[1])]:
            was, ours = self.before.pop(switch)
            if read(*switch) != ours:
                continue
            try:
                path_of(switch).write_text(f"{was}\n")
            except OSError:
                continue  # the interface is gone, and its switches with it
