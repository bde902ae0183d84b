"""Numbers, times, switches and addresses, by keepalived's rules.

`int_of`, `time_of`, `bool_of`, `ip_of`: text in, value out, `BadValue` for what cannot be used.
A number followed by rubbish counts up to the rubbish (`100x` is 100) unless strict.
A time is seconds with up to six decimal places and becomes integer nanoseconds, without floats.
"""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address

from vrrpd.config.values import SECOND, IPAddress

TRUE = ("on", "true", "yes")
FALSE = ("off", "false", "no")
_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,18})")
_DECIMAL = re.compile(r"\s*(\+?[0-9]{1,12}(?:\.[0-9]*)?|\+?\.[0-9]+)")


class BadValue(ValueError):
    """The text is no such value. The message is the reason, or "" if there is nothing to add."""


def int_of(text: str, low: int, high: int, *, strict: bool) -> tuple[int, str]:
    """The number, and the rubbish behind it that was not looked at."""
    found = _INTEGER.match(text)
    rest = text[found.end() :].strip() if found else ""
    if not found or (rest and strict) or rest[:1].isdecimal():
        raise BadValue(f"'{text}' is not a number")
    value = int(found[1])
    if not low <= value <= high:
        raise BadValue(f"'{text}' is out of range")
    return value, rest


def time_of(text: str, low: str, high: str) -> tuple[int, str]:
    """Nanoseconds, and what was not looked at: rubbish, or more than six decimal places."""
    found = _DECIMAL.match(text)
    if not found or found[1].lstrip("+") == ".":
        raise BadValue(f"'{text}' is not a number of seconds")
    exact = Decimal(found[1])
    rounded = exact.quantize(Decimal("0.000001"))
    if not Decimal(low) <= rounded <= Decimal(high):
        raise BadValue(f"'{text}' is out of range")
    rest = text[found.end() :].strip()
    return int(rounded * SECOND), rest or (found[1] if exact != rounded else "")


def bool_of(text: str) -> bool:
    """keepalived's switch: exactly on, true, yes, off, false or no, in small letters."""
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise BadValue(f"'{text}' is not a switch")


def ip_of(text: str) -> IPAddress:
    """An address without prefix length or zone."""
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
    if tail.isascii() and tail.isdecimal() and len(tail) < 5 and int(tail) <= most:
        return ip, int(tail), ""
    return ip, most, f"prefix length '{tail}' is not from 0 to {most}; using {most}"
