"""Where vrrpd listens: for `vrrpctl`, and for `--metrics`, an address and a port or a socket.

    9650  :9650  localhost:9650     127.0.0.1, port 9650: this host alone
    192.0.2.1:9650  0.0.0.0:9650    that address, or all: only if it is written
    [::1]:9650                      the same for IPv6, in brackets
    /run/vrrpd-metrics.sock         a Unix socket

Contract: no name is looked up, since a name server may take its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from vrrpd.record import Record

LOOPBACK = "127.0.0.1"
SOCKET = "/run/vrrpd.sock"  # for vrrpctl, unless `--control` or the configuration names another
Page = tuple[int, str, Iterable[str]]  # HTTP status, content type, the body in pieces


class Endpoint(Record):
    """A Unix socket (`path`), or an IP address with a TCP port."""

    path: str = ""
    address: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path:
            return self.path
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def endpoint(text: str) -> Endpoint:
    """Read what `--metrics` was given.  Raises ValueError that says what is expected."""
    if text.startswith("/"):
        return Endpoint(path=text)
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    address = {"": LOOPBACK, "localhost": LOOPBACK}.get(host, host[1:-1] if bracketed else host)
    try:
        if bracketed != (ip_address(address).version == 6):
            raise ValueError
        if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
            raise ValueError
    except ValueError:
        expected = "expected PORT, ADDRESS:PORT, [IPV6]:PORT or the path of a Unix socket"
        raise ValueError(f"{expected}, not {text!r}") from None
    return Endpoint(address=address, port=int(port))
