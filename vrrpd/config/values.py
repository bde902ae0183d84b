"""The small values a configuration is made of: addresses, commands, passwords, tracked things.

    virtual_ipaddress { 192.168.1.10/24 dev eth0 label eth0:1 }  ->  Address
    notify_master "/etc/keepalived/hoge.sh master"               ->  Command
    authentication { auth_type PASS  auth_pass 1111 }            ->  Auth

All are frozen: a reload makes new ones and compares them with `==`.
Times are integer nanoseconds and their names end in `_ns`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Literal, NamedTuple

from vrrpd.record import Record

IPAddress = IPv4Address | IPv6Address

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
MICROSECOND = 1_000

FOREVER = 0xFFFFFFFF  # preferred_lft: the kernel's INFINITY_LIFE_TIME


class SourceLocation(NamedTuple):
    """A place in a configuration file. `line` counts from 1; 0 means "no particular line"."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = SourceLocation("", 0)


class Address(Record, kw_only=True, uncompared=("where",)):
    """One entry of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress`."""

    ip: IPAddress
    prefixlen: int  # of `peer`, if there is one: the address's own is then ignored
    dev: str | None = None  # None: the interface of the instance
    scope: int | None = None  # rtnetlink number; None: not given
    broadcast: IPv4Address | None = None  # `brd +` and `brd -` are already computed
    label: str | None = None
    peer: IPAddress | None = None
    home: bool = False
    mngtmpaddr: bool = False
    noprefixroute: bool = False
    autojoin: bool = False
    nodad: bool = False  # IPv6 only: set unless `-nodad` is written
    preferred_lft: int | None = None  # seconds; FOREVER; None: the kernel's default
    no_track: bool = False  # it need not be held if another program deletes it
    use_vmac: bool = False
    track_group: str | None = None  # static addresses only
    where: SourceLocation = NOWHERE

    @property
    def family(self) -> Literal[4, 6]:
        return 4 if isinstance(self.ip, IPv4Address) else 6

    def __str__(self) -> str:
        return f"{self.ip}/{self.prefixlen}"


class Command(Record):
    """A program to run. `argv` is never empty; `text` is what the file says.

    `user` and `group` are names as written, None when not given (then `script_user` applies).
    `identity` is the uid and gid they stand for, once vrrpd/script_security.py has looked;
    `executable` is the file that runs if it has another name than `argv` says.
    """

    argv: tuple[str, ...]
    user: str | None = None
    group: str | None = None
    text: str = ""
    identity: tuple[int, int] | None = None
    executable: str | None = None


class Auth(Record):
    """RFC 2338 section 5.3.6. `password` is exactly 8 bytes, NUL padded; b"" for NONE."""

    kind: Literal["NONE", "PASS", "AH"] = "NONE"
    password: bytes = b""

    def __repr__(self) -> str:
        return f"Auth(kind={self.kind!r})"  # a password does not belong in a log


class AuthHmac(Record, kw_only=True):
    """`auth_hmac`: the keys by their ids (1..255), and what is asked of a received trailer.

    Each key has 32 to 64 bytes; `active_key` is the id of the one that signs, `time_window` is in
    seconds.  `receive-only` signs nothing, and like `permissive` accepts what has no trailer.
    """

    keys: tuple[tuple[int, bytes], ...]
    active_key: int
    mode: Literal["enforce", "permissive", "receive-only"] = "enforce"
    anti_replay: Literal["time", "monotonic"] = "time"
    time_window: int = 5

    def __repr__(self) -> str:
        # Keys do not belong in a log.
        return f"AuthHmac(active_key={self.active_key}, mode={self.mode!r})"

    @property
    def signs(self) -> bool:
        """Whether what is sent has a trailer."""
        return self.mode != "receive-only"

    @property
    def window(self) -> int | None:
        """How many seconds a trailer may be off our clock; None: as many as it likes."""
        return self.time_window if self.anti_replay == "time" else None

    def key(self, key_id: int) -> bytes | None:
        """Return the key of that id, or None."""
        return next((key for one, key in self.keys if one == key_id), None)


class Garp(Record, kw_only=True):
    """When and how often gratuitous ARP (or unsolicited NA) frames are repeated."""

    delay_ns: int = 5 * SECOND  # second burst after becoming MASTER; 0: none
    repeat: int = 5  # frames per address per burst, at least 1
    refresh_ns: int = 0  # periodic bursts while MASTER; 0: none
    refresh_repeat: int = 1
    lower_prio_delay_ns: int = 5 * SECOND
    lower_prio_repeat: int = 5  # 0: none
    extra_if_ns: int = 0
    extra_if_all: bool = False


class Notify(Record, kw_only=True):
    """The scripts of an instance or group. `any` is the keyword `notify`."""

    master: Command | None = None
    backup: Command | None = None
    fault: Command | None = None
    stop: Command | None = None
    deleted: Command | None = None
    any: Command | None = None
    master_rx_lower_pri: Command | None = None
    split_brain: Command | None = None  # vrrpd's own
    report_deleted: bool = False  # `notify_deleted` was written, with or without a script


class Track(Record):
    """A tracked interface, script, process or file, with its effect on the priority.

    `weight` 0 means FAULT while it is down; `reverse` exchanges up and down.
    """

    name: str
    weight: int = 0
    reverse: bool = False


class Peer(Record, kw_only=True):
    """A `unicast_peer` entry. The TTLs count only with `check_unicast_src`."""

    ip: IPAddress
    min_ttl: int = 0
    max_ttl: int = 255


class Vmac(Record, kw_only=True):
    """`use_vmac` or `use_ipvlan`: the instance's addresses live on an interface of their own."""

    kind: Literal["vmac", "ipvlan"] = "vmac"
    name: str | None = None  # None: `vmac_prefix`.vrid
    mac: bytes | None = None  # None: 00:00:5e:00:01:vrid (IPv6 02)
    address: str | None = None  # ipvlan: ADDR[/len]
    mode: Literal["bridge", "private", "vepa"] = "bridge"  # ipvlan
    group: int | None = None  # of interfaces, ip-link(8); None: that of the base
