"""Numbers, times, switches and addresses, by keepalived's rules.

`int_of`, `time_of`, `bool_of`, `ip_of`: text in, value out, `BadValue` for what cannot be used.
What stands behind a number makes it invalid, and the message says what to delete (`2;`, `5s`):

    strict integer, time    BadValue: the line is ignored
    other integers          the digits count (`100x` is 100); the rest is returned for the message

That is keepalived's way, whose daemon and whose `-t` report both.
A time is seconds with up to six decimal places and becomes integer nanoseconds, without floats.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from vrrpd.config.values import MICROSECOND, IPAddress

TRUE = ("on", "true", "yes")
FALSE = ("off", "false", "no")
MILLION = 1_000_000
_OCTETS = {str(number): number for number in range(256)}
_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,18})", re.ASCII)
_DECIMAL = re.compile(r"\s*(\+?[0-9]{1,12}(?:\.[0-9]*)?|\+?\.[0-9]+)", re.ASCII)


class BadValue(ValueError):
    """The text is no such value. The message is the reason, or "" if there is nothing to add."""


def int_of(text: str, low: int, high: int, *, strict: bool) -> tuple[int, str]:
    """The number, and the text behind it that does not belong to it.  Raises BadValue."""
    found = _INTEGER.match(text)
    rest = text[found.end() :] if found else ""
    if not found or rest[:1].isdecimal():
        raise BadValue(f"'{text}' is not a number")
    if rest and strict:
        raise BadValue(f"'{text}' is not a number (delete '{rest}')")
    value = int(found[1])
    if not low <= value <= high:
        raise BadValue(f"'{text}' is out of range")
    return value, rest


def time_of(text: str, low: str, high: str) -> tuple[int, str]:
    """Nanoseconds, and the number as written if it has more than six decimal places.

    Raises BadValue.
    """
    found = _DECIMAL.match(text)
    if not found or found[1].lstrip("+") == ".":
        raise BadValue(f"'{text}' is not a number of seconds")
    rest = text[found.end() :]
    if rest:
        raise BadValue(f"'{text}' is not a number of seconds (delete '{rest}')")
    rounded, exact = _microseconds(found[1])
    if not _microseconds(low)[0] <= rounded <= _microseconds(high)[0]:
        raise BadValue(f"'{text}' is out of range")
    return rounded * MICROSECOND, "" if exact else found[1]


@lru_cache  # of a few limits, most often
def _microseconds(seconds: str) -> tuple[int, bool]:
    """A decimal number of seconds, half a microsecond rounded to even; whether it is exact."""
    whole, _, places = seconds.partition(".")
    scale = 10 ** len(places)
    number, rest = divmod(int(whole + places) * MILLION, scale)
    up = 2 * rest > scale or (2 * rest == scale and number % 2 == 1)
    return number + up, rest == 0


def bool_of(text: str) -> bool:
    """keepalived's switch: exactly on, true, yes, off, false or no, in small letters."""
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise BadValue(f"'{text}' is not a switch")


def ip_of(text: str) -> IPAddress:
    """An address without prefix length or zone."""
    # Most are four decimal numbers, and a table reads these in a third of the time of ipaddress,
    # which knows all other forms, and what is wrong with the rest.
    try:
        first, second, third, fourth = map(_OCTETS.__getitem__, text.split("."))
        return IPv4Address(first << 24 | second << 16 | third << 8 | fourth)
    except (KeyError, ValueError):
        pass
    try:
        value = ip_address(text)
    except ValueError:
        raise BadValue(f"'{text}' is not an IP address") from None
    if isinstance(value, IPv6Address) and value.scope_id is not None:
        raise BadValue(f"'{text}' has a zone")
    return value


def network_of(text: str) -> tuple[IPAddress, int, str]:
    """ADDRESS[/len]: address, prefix length, and a complaint about the length if it is wrong."""
    head, slash, tail = text.partition("/")
    ip = ip_of(head)
    most = 32 if isinstance(ip, IPv4Address) else 128
    if not slash:
        return ip, most, ""
    try:
        length, rest = int_of(tail, 0, most, strict=False)
    except BadValue:
        return ip, most, f"prefix length '{tail}' is not from 0 to {most}; using {most}"
    if rest:
        return (
            ip,
            length,
            f"prefix length '{tail}' is not a number; {length} is used (delete '{rest}')",
        )
    return ip, length, ""


def host_of(text: str) -> tuple[IPAddress, str]:
    """An address, and the prefix length or range behind it (`/24`, `-9`), which counts for nothing.

    Raises BadValue.
    """
    end = next((at for mark in "-/" if (at := text.find(mark)) >= 0), len(text))
    return ip_of(text[:end]), text[end:]
