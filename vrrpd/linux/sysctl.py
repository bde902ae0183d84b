"""Switches of an interface under /proc/sys/net, and the way back to what they were.

    read("ipv4", "eth0", "arp_ignore")              "0", or None if there is no such switch
    switches.set("ipv4", "eth0", "arp_ignore", 1)   remembers what it was
    switches.restore()                              puts everything back

Contract: nothing here raises; a container may show /proc/sys read-only, and then `set()` returns
the reason as text.  What another program has changed since is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

ROOT = "/proc/sys/net"
_Switch = tuple[str, str, str]  # family, interface, name


def _path_of(switch: _Switch) -> str:
    """The file of a switch; an interface name with dots is a directory all the same."""
    family, interface, name = switch
    return f"{ROOT}/{family}/conf/{interface}/{name}"


def _write(switch: _Switch, value: int | str) -> None:
    """Give a switch a value.  Raises OSError."""
    with open(_path_of(switch), "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def read(family: str, interface: str, name: str) -> str | None:
    """The present value, or None if it cannot be read."""
    try:
        with open(_path_of((family, interface, name)), encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


class Sysctls:
    """The switches that this daemon has changed, by the numbers of their interfaces.

    `index_of` and `name_of` know the interfaces; both return None for one that does not exist.
    """

    def __init__(
        self, index_of: Callable[[str], int | None], name_of: Callable[[int], str | None]
    ) -> None:
        self.index_of = index_of
        self.name_of = name_of
        # (family, number, name): what it was, what we made it
        self.before: dict[tuple[str, int, str], tuple[str, str]] = {}

    def set(self, family: str, interface: str, name: str, value: int) -> str | None:
        """Set a switch; None, or why that was not possible."""
        was = read(family, interface, name)
        if was == str(value):
            return None
        try:
            _write((family, interface, name), value)
        except OSError as error:
            return f"cannot set {name} of {interface} to {value}: {error.strerror or error}"
        index = self.index_of(interface)
        if was is not None and index is not None:
            first = self.before.get((family, index, name), (was, ""))[0]
            self.before[family, index, name] = (first, str(value))
        return None

    def forget(self, index: int) -> None:
        """An interface is gone, and its switches with it."""
        self.before = {key: one for key, one in self.before.items() if key[1] != index}

    def restore(self) -> None:
        """Put back what is still as we left it, whatever its interface is called by now."""
        before, self.before = self.before, {}
        for (family, index, name), (was, ours) in before.items():
            interface = self.name_of(index)
            if interface is None or read(family, interface, name) != ours:
                continue
            with suppress(OSError):  # it has just gone
                _write((family, interface, name), was)
