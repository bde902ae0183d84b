"""A cable between two interfaces of the test's own network: what a test sends at one end arrives.

with cable("sieve0", "sieve1", near="10.78.0.1/24"): ...
with cable("narrow0", "narrow1", near="10.77.0.1/24", six="fe80::77:"): ...
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cable(near_end: str, far_end: str, *, near: str = "", six: str = "") -> Iterator[None]:
    """A veth pair, both ends up.

    `near` is an address of the near end.  With `six`, the beginning of one, the ends have the IPv6
    addresses that end with 1 and 2, at once usable.
    """
    lines = [f"link add {near_end} type veth peer name {far_end}"]
    for number, name in enumerate((near_end, far_end), 1):
        lines.append(f"link set {name} up")
        if six:
            lines.append(f"addr add {six}{number}/64 dev {name} nodad")
    if near:
        lines.append(f"addr add {near} dev {near_end}")
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "delete", near_end], check=True)
