"""What `global_defs` and the root-level switches say, with keepalived's defaults filled in.

One flat value, because that is what the file is: a list of switches.
Fields carry the keyword's name, with two regular changes:

* a time gets the suffix `_ns` and is an integer number of nanoseconds;
* a keyword that only sets a default for instances (`vrrp_garp_master_delay`, `vrrp_strict` ...)
  keeps its `vrrp_` prefix, and the instance holds the resolved value: no module but the builder
  needs to look here for those.

`None` means "not given, and the default depends on the host" (the host name for `router_id`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.values import SECOND, Command
from vrrpd.record import Record

GROUP4 = IPv4Address("224.0.0.18")  # RFC 3768 section 5.2.2
GROUP6 = IPv6Address("ff02::12")  # RFC 9568 section 5.1.2.2


class Globals(Record, kw_only=True):
    """Everything outside instances, groups and trackers. Defaults are keepalived 2.2.7's."""

    # mail (RFC 5321 client; used only where smtp_alert is on)
    router_id: str | None = None  # None: the local host name
    notification_email: tuple[str, ...] = ()
    notification_email_from: str | None = None
    smtp_server: tuple[str, int] | None = None  # host name or address, port
    smtp_helo_name: str | None = None  # None: the local host name
    smtp_connect_timeout_ns: int = 30 * SECOND
    smtp_alert: bool | None = None
    smtp_alert_vrrp: bool | None = None
    no_email_faults: bool = False

    # scripts
    startup_script: Command | None = None
    startup_script_timeout_ns: int = 10 * SECOND
    shutdown_script: Command | None = None
    shutdown_script_timeout_ns: int = 10 * SECOND
    script_user: tuple[str, str | None] | None = None  # user, group
    script_identity: tuple[int, int] | None = None  # uid, gid; found by vrrpd/script_security.py
    enable_script_security: bool = False
    notify_fifo: str | None = None
    notify_fifo_script: Command | None = None
    vrrp_notify_fifo: str | None = None
    vrrp_notify_fifo_script: Command | None = None
    fifo_write_vrrp_states_on_reload: bool = False
    vrrp_notify_priority_changes: bool = False

    # interfaces
    dynamic_interfaces: bool = False
    allow_if_changes: bool = False  # `dynamic_interfaces allow_if_changes`
    default_interface: str = "eth0"
    disable_local_igmp: bool = False
    linkbeat_use_polling: bool = False
    linkbeat_interfaces: tuple[tuple[str, str | None], ...] = ()  # name, MII|ETHTOOL|IOCTL
    interface_up_down_delays: tuple[tuple[str, int, int], ...] = ()  # name, down ns, up ns

    # the protocol
    vrrp_mcast_group4: IPv4Address = GROUP4
    vrrp_mcast_group6: IPv6Address = GROUP6
    vrrp_version: int = 2
    vrrp_strict: bool = False
    vrrp_down_timer_adverts: int = 3
    vrrp_startup_delay_ns: int = 0
    vrrp_delay_after_boot_ns: int = 0
    vrrp_skip_check_adv_addr: bool = False
    vrrp_check_unicast_src: bool = False
    vrrp_lower_prio_no_advert: bool = False
    vrrp_higher_prio_send_advert: bool = False
    vrrp_owner_ignore_adverts: bool = False
    v3_checksum_as_v2: bool = False
    log_unknown_vrids: bool = False

    # gratuitous ARP and unsolicited neighbour advertisements
    vrrp_garp_master_delay_ns: int = 5 * SECOND
    vrrp_garp_master_repeat: int = 5
    vrrp_garp_master_refresh_ns: int = 0  # 0: off
    vrrp_garp_master_refresh_repeat: int = 1
    vrrp_garp_lower_prio_delay_ns: int | None = None  # None: the instance's garp delay
    vrrp_garp_lower_prio_repeat: int | None = None  # None: the instance's garp repeat
    vrrp_garp_interval_ns: int = 0
    vrrp_gna_interval_ns: int = 0
    vrrp_min_garp: bool = False
    vrrp_garp_extra_if_ns: int = 0
    vrrp_garp_extra_if_all: bool = False

    # files, names and processes
    net_namespace: str | None = None
    net_namespace_ipvs: str | None = None
    namespace_with_ipsets: bool = False
    instance: str | None = None
    use_pid_dir: bool = False
    child_wait_time_ns: int = 5 * SECOND
    umask: int = 0o177
    random_seed: int | None = None
    reload_check_config: str | None = None  # "" = no log file
    reload_time_file: str | None = None
    reload_repeat: bool = False
    reload_file: str | None = None  # "" = the default name
    config_save_dir: str | None = None
    tmp_config_directory: str | None = None
    data_use_instance: bool = False
    json_version: int = 1
    state_dump_file: str | None = None
    stats_dump_file: str | None = None
    json_dump_file: str | None = None
    process_names: bool = False
    process_name: str | None = None
    vrrp_process_name: str | None = None
    use_symlink_paths: bool = False
    set_supplementary_groups: bool = False
    iproute_etc_dir: str | None = None
    iproute_usr_dir: str | None = None

    # scheduling and buffers
    vrrp_priority: int | None = None  # nice
    vrrp_rt_priority: int | None = None
    vrrp_rlimit_rttime: int | None = None  # microseconds
    vrrp_cpu_affinity: tuple[int, ...] = ()
    vrrp_no_swap: bool = False
    max_auto_priority: int = 0
    min_auto_priority_delay: int = 1_000_000  # microseconds
    vrrp_rx_bufs_policy: tuple[str, ...] = ()
    vrrp_rx_bufs_multiplier: int = 3
    vrrp_netlink_monitor_rcv_bufs: int | None = None
    vrrp_netlink_monitor_rcv_bufs_force: bool = False
    vrrp_netlink_cmd_rcv_bufs: int | None = None
    vrrp_netlink_cmd_rcv_bufs_force: bool = False
    process_monitor_rcv_bufs: int | None = None
    process_monitor_rcv_bufs_force: bool = False

    # packet filter, virtual MAC, outside interfaces
    vrrp_iptables: tuple[str, ...] | None = None
    vrrp_ipsets: tuple[str, ...] | None = None
    nftables: str = "keepalived"
    nftables_priority: int = -1
    nftables_counters: bool = False
    nftables_ifindex: bool = False
    vmac_prefix: str = "vrrp"
    vmac_addr_prefix: str = "vrrp"
    enable_snmp_vrrp: bool = False
    enable_snmp_rfc: bool = False
    enable_snmp_rfcv2: bool = False
    enable_snmp_rfcv3: bool = False
    enable_traps: bool = False
    snmp_socket: str | None = None
    enable_dbus: bool = False
    dbus_service_name: str | None = None
    dbus_no_interface_name: str | None = None
