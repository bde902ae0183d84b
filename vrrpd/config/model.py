"""A whole configuration as values: what the daemon is asked to do, and nothing about the host.

    Config
      globals          Globals (globals.py)
      instances        Instance ...      in file order
      sync_groups      SyncGroup ...
      scripts          TrackScript ...   with track_processes, track_files
      garp_groups, track_groups, static_addresses, static_routes, static_rules

Everything is resolved: an Instance holds the value that applies to it, whether it was written in
its block, in `global_defs`, or nowhere. Everything is frozen and comparable, so a reload is a
comparison. Times are integer nanoseconds (`_ns`), addresses are `ipaddress` objects.
No name of an interface or user has been looked up.
"""

from __future__ import annotations

from typing import Literal

from vrrpd.config.globals import Globals
from vrrpd.config.routes_model import Hop, Route, Rule
from vrrpd.config.values import (
    NOWHERE,
    SECOND,
    Address,
    Auth,
    AuthHmac,
    Command,
    Garp,
    IPAddress,
    Notify,
    Peer,
    SourceLocation,
    Track,
    Vmac,
)
from vrrpd.record import Record


class Instance(Record, kw_only=True, uncompared=("where",)):
    """One `vrrp_instance`: one virtual router of one address family."""

    name: str
    vrid: int
    interface: str
    state: Literal["MASTER", "BACKUP"] | None = None  # as written; it decides nothing by itself
    priority: int = 100  # 1..255; 255 if `state MASTER` and none given
    version: Literal[2, 3] = 2
    family: Literal[4, 6] = 4
    advert_interval_ns: int = SECOND
    down_timer_adverts: int = 3
    auth: Auth = Auth()
    auth_hmac: AuthHmac | None = None

    preempt: bool = True
    preempt_delay_ns: int = 0
    accept: bool = True
    strict: bool = False
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    owner_ignore_adverts: bool = False
    skip_check_adv_addr: bool = False
    v3_checksum_as_v2: bool = False
    timer_expired_backup: int = 0  # the highest priority of another router; 0: not configured

    addresses: tuple[Address, ...] = ()  # advertised, in the order on the wire; at most 255
    excluded: tuple[Address, ...] = ()  # held, but not advertised
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    promote_secondaries: bool = False

    mcast_src_ip: IPAddress | None = None
    mcast_dst_ip: IPAddress | None = None  # None: the global group of the family
    unicast: bool = False  # `unicast_peer` with a line in it makes it so, be it a bad one
    unicast_src_ip: IPAddress | None = None
    unicast_peers: tuple[Peer, ...] = ()
    unicast_ttl: int = 255
    unicast_fault_no_peer: bool = False
    check_unicast_src: bool = False
    old_unicast_checksum: bool | None = None  # None: found out from what is received
    kernel_rx_buf_size: int | None = None

    vmac: Vmac | None = None
    vmac_xmit_base: bool = False
    use_vmac_addr: bool = False
    vrf: str | None = None

    garp: Garp = Garp()

    notify: Notify = Notify()
    notify_priority_changes: bool = False
    smtp_alert: bool = False

    dont_track_primary: bool = False
    track_src_ip: bool = False
    track_interfaces: tuple[Track, ...] = ()
    track_scripts: tuple[Track, ...] = ()
    track_processes: tuple[Track, ...] = ()
    track_files: tuple[Track, ...] = ()

    debug: int = 0
    linkbeat_use_polling: bool = False
    where: SourceLocation = NOWHERE

    @property
    def is_owner(self) -> bool:
        """RFC 3768's IP address owner, known by priority 255."""
        return self.priority == 255


class SyncGroup(Record, kw_only=True, uncompared=("where",)):
    """Instances that are MASTER all together or not at all."""

    name: str
    members: tuple[str, ...]
    notify: Notify = Notify()
    notify_priority_changes: bool = False
    smtp_alert: bool = False
    track_interfaces: tuple[Track, ...] = ()
    track_scripts: tuple[Track, ...] = ()
    track_processes: tuple[Track, ...] = ()
    track_files: tuple[Track, ...] = ()
    tracking_weight: bool = False  # `sync_group_tracking_weight`
    where: SourceLocation = NOWHERE


class TrackScript(Record, kw_only=True, uncompared=("where",)):
    """A `vrrp_script`: a command run every `interval_ns`; exit status 0 is success.

    `problem` says why it cannot be run, "" if it can: it counts as failed.
    """

    name: str
    command: Command
    interval_ns: int = SECOND
    timeout_ns: int = SECOND
    weight: int = 0
    reverse: bool = False
    rise: int = 1
    fall: int = 1
    init_fail: bool = False
    problem: str = ""
    where: SourceLocation = NOWHERE


class TrackProcess(Record, kw_only=True, uncompared=("where",)):
    """A `vrrp_track_process`: up while `quorum`..`quorum_max` such processes run."""

    name: str
    process: str
    params: tuple[str, ...] = ()
    param_match: Literal["exact", "initial", "partial"] | None = None  # None: not looked at
    full_command: bool = False
    weight: int = 0
    reverse: bool = False
    quorum: int = 1
    quorum_max: int | None = None
    fork_delay_ns: int = 0
    terminate_delay_ns: int = 0
    where: SourceLocation = NOWHERE


class TrackFile(Record, kw_only=True, uncompared=("where",)):
    """A `track_file`: the number in `file`, multiplied with the weight."""

    name: str
    file: str
    weight: int = 1
    reverse: bool = False
    init_file: bool = False
    init_value: int = 0
    init_overwrite: bool = False
    where: SourceLocation = NOWHERE


class GarpGroup(Record, kw_only=True, uncompared=("where",)):
    """Interfaces whose gratuitous ARP frames share one pace."""

    interfaces: tuple[str, ...]
    garp_interval_ns: int | None = None
    gna_interval_ns: int | None = None
    shared: bool = False  # True: `interfaces { }`, one pace for all of them together
    where: SourceLocation = NOWHERE


class TrackGroup(Record, kw_only=True, uncompared=("where",)):
    """A named set of instances that static entries can refer to."""

    name: str
    members: tuple[str, ...]
    where: SourceLocation = NOWHERE


class Config(Record, kw_only=True):
    """A whole configuration file, with everything it includes."""

    globals: Globals = Globals()
    instances: tuple[Instance, ...] = ()
    sync_groups: tuple[SyncGroup, ...] = ()
    scripts: tuple[TrackScript, ...] = ()
    track_processes: tuple[TrackProcess, ...] = ()
    track_files: tuple[TrackFile, ...] = ()
    garp_groups: tuple[GarpGroup, ...] = ()
    track_groups: tuple[TrackGroup, ...] = ()
    static_addresses: tuple[Address, ...] = ()
    static_routes: tuple[Route, ...] = ()
    static_rules: tuple[Rule, ...] = ()

    def instance(self, name: str) -> Instance | None:
        """The instance of that name, or None."""
        return next((one for one in self.instances if one.name == name), None)


__all__ = [
    "Address",
    "Auth",
    "AuthHmac",
    "Command",
    "Config",
    "Garp",
    "GarpGroup",
    "Globals",
    "Hop",
    "IPAddress",
    "Instance",
    "Notify",
    "Peer",
    "Route",
    "Rule",
    "SourceLocation",
    "SyncGroup",
    "Track",
    "TrackFile",
    "TrackGroup",
    "TrackProcess",
    "TrackScript",
    "Vmac",
]
