"""What every good Advertisement for a virtual router has in common, byte by byte.

    TTL 255 | version and type | VRID | version 2: authentication type, interval, password

A PacketSignature is less than the checks in `validation.py`: nothing that they would accept and
that changes anything has another signature, but what has the signature may still be refused.  So a
filter in the kernel can throw away most of a flood before it costs us anything (`linux/bpf.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from vrrpd.config.model import Instance
from vrrpd.fsm import SECOND
from vrrpd.packet import ADVERTISEMENT, AuthType
from vrrpd.record import Record


class PacketSignature(Record):
    """`second` are the authentication type and the interval of version 2, `password` its 8 bytes.

    None: any will do.  `near`: only TTL 255 will do.  `least`: the lowest priority that says
    anything to us, besides 0.
    """

    vrid: int
    first: int
    near: bool
    second: tuple[int, int] | None = None
    password: bytes | None = None
    least: int = 1


def shape(instance: Instance, priority: int) -> PacketSignature:
    """What `validation.admit` asks of every Advertisement for this instance.

    With preemption, an Advertisement of a lower priority than our `priority` is discarded by a
    BACKUP, and answered by a MASTER, which advertises anyway: in a flood neither is missed.
    """
    least = priority if instance.preempt and not instance.preempt_delay_ns else 1
    first = instance.version << 4 | ADVERTISEMENT
    near = not instance.unicast
    if instance.version == 3:
        return PacketSignature(instance.vrid, first, near, least=least)
    kind = AuthType[instance.auth.kind]
    second = kind.value, instance.advert_interval_ns // SECOND
    password = instance.auth.password if kind is AuthType.PASS else None
    return PacketSignature(instance.vrid, first, near, second, password, least)


def shapes(instances: Iterable[tuple[Instance, int]]) -> tuple[PacketSignature, ...]:
    """Those of instances with their priorities, each once."""
    return tuple(dict.fromkeys(shape(*one) for one in instances))
