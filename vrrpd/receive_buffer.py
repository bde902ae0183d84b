"""How much the kernel is to keep for us while we are busy: the receive buffer of each segment.

    kernel_rx_buf_size N        N bytes for this instance, or else
    vrrp_rx_bufs_policy N       N bytes for each instance
                        MTU     vrrp_rx_bufs_multiplier times the MTU of the interface
                        ADVERT  vrrp_rx_bufs_multiplier times the length of its Advertisement

The instances of a segment share a socket, so theirs are added up (keepalived).  Without a word
about it the socket has what Linux gives every socket, and more if that is not `minimum_size()`.
"""

from __future__ import annotations

from collections.abc import Iterable

from vrrpd.auth_hmac import TRAILER_BYTES
from vrrpd.config.globals import Globals
from vrrpd.config.model import Instance
from vrrpd.packet import AUTH_BYTES

IP_HEADER = 20  # of IPv4; over IPv6 we are not given the header
AH_HEADER = 24
VRRP_HEADER = 8
ROUNDS = 8  # Advertisements of each instance that may have to wait
COUNTED = 1024  # bytes that Linux counts for a short packet
_Size = tuple[int, int]
"""So many bytes, and so many times the MTU."""


def requested_size(instances: Iterable[Instance], settings: Globals) -> _Size:
    """What these instances need together; (0, 0) if nothing is configured."""
    each = [_instance_size(one, settings) for one in instances]
    return sum(size for size, _ in each), sum(mtus for _, mtus in each)


def minimum_size(instances: int) -> int:
    """Bytes, as Linux counts them, with which a MASTER's burst for all of them is not lost.

    What Linux gives every socket is filled by 200 packets: 255 instances that are advertised
    together at 10 ms lost the last ones of every burst, and became MASTER for it.
    """
    return instances * ROUNDS * COUNTED


def _instance_size(one: Instance, settings: Globals) -> _Size:
    """What one instance needs; a number has precedence over MTU, and MTU over ADVERT."""
    if one.kernel_rx_buf_size is not None:
        return one.kernel_rx_buf_size, 0
    policy, times = settings.vrrp_rx_bufs_policy, settings.vrrp_rx_bufs_multiplier
    number = next((word for word in policy if word.isdecimal()), None)
    if number is not None:
        return int(number), 0
    if "MTU" in policy:
        return 0, times
    return (times * _length(one), 0) if "ADVERT" in policy else (0, 0)


def _length(one: Instance) -> int:
    """Bytes of an Advertisement as we receive it."""
    trailer = TRAILER_BYTES if one.auth_hmac is not None else 0
    if one.family == 6:
        return VRRP_HEADER + 16 * len(one.addresses) + trailer
    auth = (AUTH_BYTES if one.version == 2 else 0) + trailer
    header = IP_HEADER + (AH_HEADER if one.auth.kind == "AH" else 0)
    return header + VRRP_HEADER + 4 * len(one.addresses) + auth
