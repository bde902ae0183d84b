"""`auth_hmac`: an HMAC-SHA256 trailer that proves who sent an Advertisement, and when.

keepalived from 2.4.2 on, draft-cassen-vrrp-auth-hmac.  Versions 2 and 3, both address families:

    +---------------+---------------+-------------------------------+
    |    Type = 1   |    Key ID     |          Reserved = 0         |
    +---------------+---------------+-------------------------------+
    |            Seconds (UTC since 1970, modulo 2^32)              |
    +-------------------------------+-------------------------------+   28 bytes, behind the
    |  Fraction of a second / 2^16  |            Counter            |   VRRP message
    +-------------------------------+-------------------------------+
    |             HMAC-SHA256, its first 16 bytes                   |
    +---------------------------------------------------------------+

Seconds, fraction and counter are one sequence number of 64 bits, compared as RFC 1982 compares
serial numbers.  The HMAC covers a pseudo-header of 20 bytes (family 4 or 6, version, VRID, 0, and
the source address filled up with zeros), the message with its checksum field as zero, and the
trailer with its HMAC as zero.  So the same trailer goes to every unicast peer, and the checksum,
which covers the trailer over IPv6 and not over IPv4, may be written afterwards.

    sign(message, ...)       -> the 28 bytes
    split(message, family)   -> (message, trailer or b"")
    observe(datagram)        -> the Advertisement, whatever its trailer is
    Verifier.check(datagram) -> raises PacketError, or remembers the sequence number

A sequence number is accepted once per sender, and none below it.  With `anti_replay time` it must
also be within `time_window` seconds of our own clock.  A clock that was set forward and back again
leaves numbers of the future behind at the sender and at its receivers: outside of the window both
forget them, or the two ends would disagree until that future has come (keepalived 2.4.3).

Contract: no sockets, no clock (the moment is an argument, in ns since 1970), no log; a key is
never part of a message of an exception.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from vrrpd.config.values import SECOND, AuthHmac, IPAddress
from vrrpd.packet import (
    AUTH_BYTES,
    HEADER,
    Advertisement,
    Check,
    Datagram,
    PacketError,
    decode,
)

TYPE_SHA256 = 1
TRAILER = struct.Struct("!BBHQ16s")  # type, key id, reserved, sequence number, HMAC
TRAILER_BYTES = TRAILER.size
HMAC_BYTES = 16
PSEUDO = struct.Struct("!BBBx16s")  # family, version, VRID, source address
SENDERS = 64  # whose last sequence number is remembered; only holders of a key get that far
SERIAL = 1 << 64


def stamp(wall: int) -> int:
    """Return the sequence number of a moment (ns since 1970), its counter being 0."""
    whole, rest = divmod(wall, SECOND)
    return (whole & 0xFFFFFFFF) << 32 | (rest << 16) // SECOND << 16


def after(one: int, other: int) -> bool:
    """Return whether sequence number `one` is later than `other` (RFC 1982)."""
    return 0 < (one - other) % SERIAL < SERIAL // 2


def lead(one: int, other: int) -> int:
    """Return how many whole seconds `one` is ahead of `other`; negative if it is behind."""
    difference = ((one >> 32) - (other >> 32)) & 0xFFFFFFFF
    return difference - (1 << 32) if difference >> 31 else difference


def following(last: int | None, wall: int, window: int | None) -> int:
    """Return the sequence number to send after `last` at the moment `wall` (ns since 1970).

    It is the clock's where the clock has gone on, else one more than the last.  `window` is that
    of `anti_replay time` in seconds: numbers further in the future would be refused, so the
    sender returns to its clock.  None (`anti_replay monotonic`): it never goes back.
    """
    clock = stamp(wall)
    if last is None or after(clock, last):
        return clock
    if window is not None and lead(last, clock) > window:
        return clock
    return (last + 1) % SERIAL


def _digest(key: bytes, message: bytes, head: bytes, source: IPAddress) -> bytes:
    """Return the 16 bytes of HMAC for a message and `head`, the first 12 bytes of its trailer."""
    import hmac  # with OpenSSL behind it takes longer to import than all of `packet.py`

    pseudo = PSEUDO.pack(source.version, message[0] >> 4, message[1], source.packed)
    covered = b"".join((pseudo, message[:6], bytes(2), message[8:], head, bytes(HMAC_BYTES)))
    return hmac.digest(key, covered, "sha256")[:HMAC_BYTES]


def sign(message: bytes, source: IPAddress, key_id: int, key: bytes, sequence: int) -> bytes:
    """Return the trailer of an Advertisement sent from `source`; its checksum does not matter."""
    head = TRAILER.pack(TYPE_SHA256, key_id, 0, sequence, b"")[:-HMAC_BYTES]
    return head + _digest(key, message, head, source)


def split(message: bytes, family: int) -> tuple[bytes, bytes]:
    """Return a received message and its trailer, which is empty if there is none.

    A trailer is recognized by the length alone: what the count of addresses asks for, and 28 bytes.
    """
    if len(message) < HEADER.size:
        return message, b""
    authentication = AUTH_BYTES if message[0] >> 4 == 2 else 0
    end = HEADER.size + message[3] * (4 if family == 4 else 16) + authentication
    if len(message) != end + TRAILER_BYTES:
        return message, b""
    return message[:end], message[end:]


def observe(datagram: Datagram) -> Advertisement:
    """Return what a datagram says to an observer: a trailer is left out and not verified.

    Raises PacketError for what is not a valid Advertisement.
    """
    source, destination = datagram.source, datagram.destination
    message, trailer = split(datagram.message, source.version)
    return decode(message, source, destination, trailer)


class Verifier:
    """What one virtual router accepts: `auth` says which keys, `marks` what has been there.

    `wall` is the clock that everyone reads, in ns since 1970.  `drifting` is called with a sender
    and the seconds its clock is behind ours when that is more than half of the window.
    """

    def __init__(
        self,
        auth: AuthHmac,
        wall: Callable[[], int],
        drifting: Callable[[IPAddress, int], None] = lambda source, skew: None,
    ) -> None:
        self.auth = auth
        self.wall = wall
        self.drifting = drifting
        self.marks: dict[IPAddress, int] = {}  # the last sequence number of each sender

    def check(self, datagram: Datagram) -> None:
        """Accept a datagram, and nothing like it again.  Raises PacketError with the reason.

        The fast checks come first: a flood of old packets costs no HMAC.  Nothing is remembered
        before the HMAC has been verified.
        """
        import hmac

        auth = self.auth
        if not datagram.trailer:
            if auth.mode == "enforce":
                raise PacketError(Check.HMAC_MISSING, "no authentication trailer")
            return
        kind, key_id, reserved, sequence, _ = TRAILER.unpack(datagram.trailer)
        if kind != TYPE_SHA256 or reserved:
            raise PacketError(
                Check.HMAC_MALFORMED,
                f"trailer of type {kind} with {reserved} in the reserved field",
            )
        clock = stamp(self.wall() - datagram.waited)  # a router that was kept waiting reads late
        behind = lead(clock, sequence)
        if auth.window is not None and abs(behind) > auth.window:
            raise PacketError(Check.HMAC_STALE, _stale(behind, auth.window))
        key = auth.key(key_id)
        if key is None:
            raise PacketError(Check.HMAC_UNKNOWN_KEY, f"key id {key_id} is not one of ours")
        head = datagram.trailer[:-HMAC_BYTES]
        right = _digest(key, datagram.message, head, datagram.source)
        if not hmac.compare_digest(datagram.trailer[-HMAC_BYTES:], right):
            raise PacketError(
                Check.HMAC_INVALID, f"the HMAC does not fit: another key under id {key_id}?"
            )
        self.mark(datagram.source, sequence, clock)
        if auth.window is not None and abs(behind) > auth.window // 2:
            self.drifting(datagram.source, behind)

    def mark(self, source: IPAddress, sequence: int, clock: int) -> None:
        """Remember the sequence number of `source`.  Raises PacketError if it is not a new one.

        With a window, a mark outside of it is forgotten: no packet that could be replayed gets
        as far as this, and a sender whose clock was corrected would be locked out.
        """
        window, last = self.auth.window, self.marks.pop(source, None)
        if last is not None and window is not None and abs(lead(clock, last)) > window:
            last = None
        new = last is None or after(sequence, last)
        if len(self.marks) >= SENDERS:
            del self.marks[next(iter(self.marks))]  # the sender that has been silent longest
        self.marks[source] = sequence if last is None or new else last
        if not new:
            raise PacketError(Check.HMAC_REPLAY, "replayed: a later one has been accepted already")


def _stale(behind: int, window: int) -> str:
    """Say how far the clock of a sender is from ours."""
    word = "behind" if behind > 0 else "ahead of"
    return f"stamped {abs(behind)} s {word} our clock, and the window is {window} s: check NTP"
