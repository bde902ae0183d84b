"""What the kernel lets us do, cut down to what we need: capget(2) and capset(2).

    started as root       all capabilities
    everything set up     NET_ADMIN and NET_RAW, and what the configuration needs besides

uid 0 without capabilities is an ordinary owner of root's files; with the unit in `packaging/` it
cannot write to most of them.  A script that runs as root gets root's capabilities back when it is
executed, within the bounding set, because that is what the administrator wants.  Nothing is
inherited by the scripts of a daemon that is not root.

Whether files can be read and written without DAC_OVERRIDE is tried out, not computed: user
namespaces, ACLs and network file systems have rules of their own.

Contract: what was given up is out of the permitted set too, so nothing brings it back.  A host
that refuses costs a line in the log.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Collection, Iterable, Mapping

from vrrpd.journal import Log
from vrrpd.linux.own_process import LIBC, checked
from vrrpd.packet import PROTOCOL
from vrrpd.required_capabilities import ALWAYS

VERSION_3 = 0x20080522
NUMBERS = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "DAC_READ_SEARCH": 2,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "NET_ADMIN": 12,
    "NET_RAW": 13,
    "IPC_LOCK": 14,
    "SYS_NICE": 23,
    "SYS_RESOURCE": 24,
}
FILES = "DAC_READ_SEARCH", "DAC_OVERRIDE"
RTM_DELADDR, NLM_F_REQUEST, NLM_F_ACK = 21, 0x1, 0x4
# nlmsghdr and ifaddrmsg: the address of an interface that cannot exist (index 0).
REMOVE_NOTHING = struct.pack(
    "=IHHIIBBBBI", 24, RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK, 1, 0, socket.AF_INET, 32, 0, 0, 0
)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    """32 capabilities; two of these make 64."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


class Privileges:
    """The capabilities of this process; `kept` is None until the others have been given up."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.kept: set[str] | None = None

    def reduce(
        self, needed: Mapping[str, str], reads: Iterable[str] = (), writes: Iterable[str] = ()
    ) -> None:
        """Give up all but ALWAYS, `needed`, and what these files take to be read and written."""
        kept = {*ALWAYS, *needed}
        try:
            _put(effective=kept)
            closed = _blocked(reads, writes)
            _put(effective=kept | closed.keys(), permitted=kept | closed.keys())
        except OSError as error:
            self.log.info(f"capabilities are not given up: {error.strerror or error}")
            return
        self.kept = kept | closed.keys()
        extra = [f"CAP_{name} ({why})" for name, why in {**needed, **closed}.items()]
        text = ", ".join(["CAP_NET_ADMIN", "CAP_NET_RAW", *extra])
        self.log.detail(f"Capabilities kept: {text}")

    def lacking(self, needed: Mapping[str, str]) -> str | None:
        """Why these can no longer be had, or None."""
        if self.kept is None:
            return None
        for name, why in needed.items():
            if name not in self.kept:
                return f"{why}, which needs CAP_{name}: given up at the start, please restart vrrpd"
        return None


def _put(effective: Collection[str], permitted: Collection[str] | None = None) -> None:
    """Have these and no others, as far as they are permitted; None leaves the permitted set.

    Nothing is inheritable afterwards, and so nothing is ambient.  Raises OSError.
    """
    header, sets = _Header(VERSION_3, 0), (_Sets * 2)()
    checked(LIBC.capget(ctypes.byref(header), sets))
    for word, one in enumerate(sets):
        if permitted is not None:
            one.permitted &= mask(permitted, word)
        one.effective = one.permitted & mask(effective, word)
        one.inheritable = 0
    checked(LIBC.capset(ctypes.byref(header), sets))


def mask(names: Iterable[str], word: int) -> int:
    """The bits of these capabilities in the first or second 32."""
    return sum(1 << NUMBERS[n] % 32 for n in names if NUMBERS[n] // 32 == word)


def _blocked(reads: Iterable[str], writes: Iterable[str]) -> dict[str, str]:
    """What it takes to read and write these files, if the present capabilities are not enough."""
    found = {}
    for path in reads:
        if os.path.exists(path) and not os.access(path, os.R_OK, effective_ids=True):
            found["DAC_READ_SEARCH"] = f"to read {path}"
        elif not os.path.exists(path) and not _reachable(os.path.dirname(path) or "."):
            found["DAC_READ_SEARCH"] = f"to look for {path}"
    for path in writes:
        place = path if os.path.exists(path) else os.path.dirname(path) or "."
        if not os.access(place, os.W_OK, effective_ids=True):
            found["DAC_OVERRIDE"] = f"to write {path}"
    return found


def _reachable(directory: str) -> bool:
    """Whether the nearest directory that there is can be passed."""
    while not os.path.lexists(directory) and directory not in ("", "/"):
        directory = os.path.dirname(directory) or "."
    return os.access(directory, os.X_OK, effective_ids=True)


def missing() -> list[str]:
    """Names of the capabilities in ALWAYS that do not hold for this network namespace.

    The kernel is asked for what each of them permits, because a capability in the effective set
    of a user namespace that does not own the network is worth nothing.  Nothing is sent or changed.
    """
    return [f"CAP_{name}" for name in ALWAYS if not TRIALS[name]()]


def _may_administer() -> bool:
    """Whether rtnetlink takes an order to change something (CAP_NET_ADMIN)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as one:
        one.settimeout(2)
        one.send(REMOVE_NOTHING)
        (number,) = struct.unpack_from("=i", one.recv(4096), 16)  # of nlmsgerr
    return -int(number) not in (errno.EPERM, errno.EACCES)


def _may_open_raw_sockets() -> bool:
    """Whether a raw socket can be opened (CAP_NET_RAW)."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL).close()
    except PermissionError:
        return False
    return True


TRIALS = {"NET_ADMIN": _may_administer, "NET_RAW": _may_open_raw_sockets}


def give_up_all() -> None:
    """For a child that needs nothing: no capability at all."""
    _put((), ())
