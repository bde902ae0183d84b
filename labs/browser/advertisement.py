"""An Advertisement byte by byte: a sender's fields, the bytes, and what the receiver does.

    built -> changed on the way (single bytes) -> vrrpd's checks in their order -> vrrpd.fsm

The sender is web1, MASTER; the receiver is web2, a BACKUP of priority 100 whose Master_Down_Timer
has been running for `WAITED`.  Both are configured for the same `form`; every other field is the
sender's own, so each check can be made to fail.  The checks are those of `vrrpd.validation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from labs.capture.packet_fields import dissect
from vrrpd import auth_hmac, packet, validation
from vrrpd.config.values import Auth, AuthHmac
from vrrpd.events import AdvertReceived, IPAddress
from vrrpd.fsm import RESIGN, SECOND, LastAdvert, Params, RouterState, State, seconds, step
from vrrpd.packet import AuthType, Datagram, PacketError

VRID, PRIORITY, INTERVAL = 51, 100, 1  # of the receiver
WAITED = 400_000_000  # ns since the last Advertisement
WALL = 1_700_000_000 * SECOND  # ns since 1970: the clock that both read
PASSWORD, KEY = b"1111\0\0\0\0", bytes(range(32))
WRONG_PASSWORD, WRONG_KEY = b"2222\0\0\0\0", bytes(range(1, 33))


@dataclass(frozen=True, slots=True)
class Form:
    """What both ends are configured for."""

    version: int
    family: int
    auth: str  # "none", "pass", "hmac"
    title: str


FORMS = {
    "v2": Form(2, 4, "none", "VRRPv2"),
    "v2-pass": Form(2, 4, "pass", "VRRPv2 with a password"),
    "v3": Form(3, 4, "none", "VRRPv3 over IPv4"),
    "v3-ipv6": Form(3, 6, "none", "VRRPv3 over IPv6"),
    "v3-hmac": Form(3, 4, "hmac", "VRRPv3 with auth_hmac"),
}
# Name in vrrpd.validation -> what a reader calls the check, and where it is written down.
NAMES = {
    "ttl": ("TTL is 255", "RFC 9568 §7.1"),
    "version": ("version is ours", "RFC 9568 §7.1"),
    "kind": ("type is 1, ADVERTISEMENT", "RFC 9568 §5.2.2"),
    "length": ("length fits the count of addresses", "RFC 9568 §7.1"),
    "checksum": ("checksum is right", "RFC 9568 §7.1"),
    "auth_known": ("authentication type exists", "RFC 2338 §5.3.6"),
    "auth_type": ("authentication type is ours", "RFC 2338 §7.1"),
    "auth_data": ("password is ours", "RFC 2338 §5.3.10"),
    "trailer": ("HMAC is right and new", "draft-cassen-vrrp-auth-hmac"),
    "count": ("there is an address", "RFC 9568 §5.2.5"),
    "interval": ("interval is ours", "RFC 3768 §7.1"),
    "link_local": ("first address is link-local", "RFC 9568 §5.2.9"),
    "destination": ("sent to the group", "RFC 9568 §5.1"),
    "peer": ("sender is a known peer", "keepalived"),
    "source": ("sender is not this router", "RFC 9568 §7.1"),
}
# Checks that cannot fail for what this page can build; they are made, and shown only if they fail.
UNEVENTFUL = ("peer", "link_local")


def forms() -> list[dict[str, str]]:
    """The configurations that both ends can have."""
    return [{"form": name, "title": form.title} for name, form in FORMS.items()]


def inspect(
    form: str = "v2",
    vrid: int = VRID,
    priority: int = 150,
    interval: float = INTERVAL,
    addresses: int = 1,
    ttl: int = 255,
    right_key: bool = True,
    changed: Sequence[Sequence[int]] = (),
    fix_checksum: bool = False,
    replayed: bool = False,
) -> dict[str, Any]:
    """Build web1's Advertisement, change bytes of it, and let web2 receive it.

    `interval` is in seconds; `addresses` a number from 0 to 4; `right_key`: password or key are
    those of the receiver.  `changed` is a list of [offset, value] into the IP packet, offsets being
    among `editable`; with `fix_checksum` the VRRP checksum is computed again after that.
    `replayed`: web2 has received these very bytes before.
    Raises ValueError for what cannot be written into the fields.
    """
    kind = FORMS.get(form)
    if kind is None:
        raise ValueError(f"the form is {form!r}, and can be {', '.join(FORMS)}")
    sent = build(kind, vrid, priority, interval, addresses, ttl, right_key)
    data = altered(kind, sent, changed, fix_checksum)
    checks, advert = examine(kind, data, replayed)
    verdict = consequence(kind, data, advert) if advert else dropped(checks)
    rows = [
        {
            "layer": row.layer, "start": row.start, "end": row.end, "raw": row.raw,
            "field": row.field, "value": str(row.value), "meaning": row.meaning,
        }
        for row in dissect(data).rows
    ]  # fmt: skip
    return {
        "bytes": list(data),
        "editable": editable(kind, len(data)),
        "differs": [at for at in range(len(data)) if data[at] != sent[at]],
        "rows": rows,
        "checks": checks,
        **verdict,
    }


def build(
    form: Form, vrid: int, priority: int, interval: float, addresses: int, ttl: int, right: bool
) -> bytes:
    """Return the IP packet that web1 sends.  Raises ValueError for an impossible field."""
    source, destination = ends(form)
    listed: list[IPAddress] = [_virtual(form, number) for number in range(addresses)]
    auth = AuthType.PASS.value if form.auth == "pass" else AuthType.NONE.value
    password = (PASSWORD if right else WRONG_PASSWORD) if form.auth == "pass" else bytes(8)
    every = round(interval * 100) * packet.CENTISECOND
    fields = (form.version, vrid, priority, every, tuple(listed), auth, password)
    advert = packet.Advertisement(*fields)
    trailer = b""
    if form.auth == "hmac":
        message = packet.encode(advert, source, destination)
        key = KEY if right else WRONG_KEY
        trailer = auth_hmac.sign(message, source, 1, key, auth_hmac.stamp(WALL))
    message = packet.encode(advert, source, destination, trailer=trailer)
    if isinstance(source, IPv6Address) and isinstance(destination, IPv6Address):
        return packet.ipv6_packet(message, source, destination, ttl)
    assert isinstance(source, IPv4Address)
    assert isinstance(destination, IPv4Address)
    return packet.ipv4_packet(message, source, destination, 1, ttl)


def ends(form: Form) -> tuple[IPAddress, IPAddress]:
    """The address of web1 and the group, in the family of the form."""
    if form.family == 6:
        return IPv6Address("fe80::11"), packet.GROUP6
    return IPv4Address("192.168.1.11"), packet.GROUP4


def editable(form: Form, length: int) -> list[int]:
    """The bytes that may be changed: TTL, both addresses, and the VRRP message.

    A kernel drops a packet whose other IP fields are wrong before VRRP sees it.
    """
    if form.family == 6:
        return [7, *range(8, length)]
    return [8, *range(12, length)]


def altered(form: Form, sent: bytes, changed: Sequence[Sequence[int]], fix: bool) -> bytes:
    """Return the packet with bytes changed; the IPv4 header checksum follows, as in a router.

    Raises ValueError for a byte that is not there or not `editable`.
    """
    data = bytearray(sent)
    for offset, value in changed:
        if offset not in editable(form, len(data)) or not 0 <= value <= 255:
            raise ValueError(f"byte {offset} cannot be made {value} in a packet of {len(data)}")
        data[offset] = value
    if form.family == 4:
        data[10:12] = bytes(2)
        data[10:12] = packet.checksum(bytes(data[: packet.IPV4.size])).to_bytes(2, "big")
    return with_checksum(bytes(data)) if fix else bytes(data)


def with_checksum(data: bytes) -> bytes:
    """Return the packet with the VRRP checksum that its bytes ask for."""
    datagram = packet.parse_ip(data)
    whole = datagram.message
    message, trailer = auth_hmac.split(whole, datagram.source.version)
    covered = message[:6] + bytes(2) + message[8:]
    if datagram.source.version == 6:
        covered += trailer
    if message[0] >> 4 != 2:
        ahead = packet.pseudo_header(datagram.source, datagram.destination, len(covered))
        covered = ahead + covered
    at = len(data) - len(whole) + 6
    return data[:at] + packet.checksum(covered).to_bytes(2, "big") + data[at + 2 :]


def examine(
    form: Form, data: bytes, replayed: bool
) -> tuple[list[dict[str, Any]], packet.Advertisement | None]:
    """Make the receiver's checks in their order, up to the first that fails.

    Returns each check as {name, source, outcome, text}, outcome being "passed", "failed" or
    "not reached", and the Advertisement if every check has passed.
    """
    found: list[dict[str, Any]] = []
    expectation = _expectation(form)
    datagram = packet.parse_ip(data)
    if form.auth == "hmac":
        message, trailer = auth_hmac.split(datagram.message, datagram.source.version)
        datagram = datagram._replace(message=message, trailer=trailer)
    if replayed and expectation.verifier is not None:
        with suppress(PacketError):
            expectation.verifier.check(datagram)
    _make(found, ("VRID is one of ours", "RFC 9568 §7.1"), partial(_vrid, datagram))
    for check in validation.CHECKS:
        if not _applies(check.__name__, form):
            continue
        name = NAMES.get(check.__name__, (check.__name__, ""))
        _make(found, name, partial(check, datagram, expectation))
        if check.__name__ in UNEVENTFUL and found[-1]["outcome"] != "failed":
            found.pop()
    if any(each["outcome"] != "passed" for each in found):
        return found, None
    return found, packet.read(datagram.message, datagram.source.version)


def _vrid(datagram: Datagram) -> None:
    """The check that comes first: a packet of another virtual router is not verified."""
    vrid = validation.find_vrid(datagram)
    if vrid != VRID:
        raise PacketError(packet.Check.VRID, f"virtual router {vrid}: web2 has only {VRID}")


def _make(found: list[dict[str, Any]], name: tuple[str, str], check: Callable[[], None]) -> None:
    """Make one check unless an earlier one has failed, and append how it ended."""
    outcome, text = "passed", ""
    if any(each["outcome"] == "failed" for each in found):
        outcome = "not reached"
    else:
        try:
            check()
        except PacketError as error:
            outcome, text = "failed", str(error)
    found.append({"name": name[0], "source": name[1], "outcome": outcome, "text": text})


def _applies(name: str, form: Form) -> bool:
    """Whether a check means anything for this form."""
    if name in ("auth_known", "auth_type"):
        return form.version == 2
    if name == "count":
        return form.version == 3
    return {"auth_data": form.auth == "pass", "trailer": form.auth == "hmac"}.get(name, True)


def _expectation(form: Form) -> validation.Expectation:
    verifier = None
    if form.auth == "hmac":
        keys = AuthHmac(keys=((1, KEY),), active_key=1)
        verifier = auth_hmac.Verifier(keys, lambda: WALL)
    auth = Auth("PASS", PASSWORD) if form.auth == "pass" else Auth()
    own: IPAddress = ip_address("fe80::12" if form.family == 6 else "192.168.1.12")
    return validation.Expectation(form.version, INTERVAL * SECOND, auth, own, verifier=verifier)


def dropped(checks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The verdict on a packet that failed a check: the first one that did."""
    failed = next(each for each in checks if each["outcome"] == "failed")
    left = (_params(FORMS["v2"]).master_down(INTERVAL * SECOND) - WAITED) / SECOND
    return {
        "accepted": False,
        "verdict": f"web2 drops it: {failed['text']}",
        "effect": f"web2's Master_Down_Timer runs on; {left:.3f} s are left.",
        "left": left,
    }


def consequence(form: Form, data: bytes, advert: packet.Advertisement) -> dict[str, Any]:
    """The verdict on an accepted packet: what the state machine of web2 makes of it."""
    params = _params(form)
    sender = packet.parse_ip(data).source
    since = 10 * SECOND
    heard = LastAdvert(sender, 150, INTERVAL * SECOND, since)
    before = RouterState(State.BACKUP, since + params.master_down(INTERVAL * SECOND), since, heard)
    event = AdvertReceived(advert.priority, sender, advert.interval)
    after, _ = step(params, before, event, since + WAITED)
    assert after.deadline is not None
    assert before.deadline is not None
    left = after.deadline - since - WAITED
    if advert.priority == RESIGN:
        text = f"web1 resigns: web2 waits Skew_Time only and is MASTER in {seconds(left)}."
    elif after.deadline == before.deadline:
        text = (
            f"Its priority {advert.priority} is lower than web2's {PRIORITY}: web2's "
            f"Master_Down_Timer runs on, and web2 is MASTER in {seconds(left)}."
        )
    else:
        text = f"web2 stays BACKUP; its Master_Down_Timer starts again: {seconds(left)}."
    return {"accepted": True, "verdict": "web2 accepts it", "effect": text, "left": left / SECOND}


def _params(form: Form) -> Params:
    source: IPAddress = ip_address("fe80::12" if form.family == 6 else "192.168.1.12")
    return Params(VRID, PRIORITY, source, INTERVAL * SECOND, form.version)


def _virtual(form: Form, number: int) -> IPAddress:
    """The virtual addresses: 192.168.1.10, .101, ...; over IPv6 a link-local one first."""
    if form.family == 4:
        return IPv4Address("192.168.1.10") if not number else IPv4Address("192.168.1.100") + number
    return IPv6Address("fe80::10") if not number else IPv6Address("2001:db8:1::100") + number
