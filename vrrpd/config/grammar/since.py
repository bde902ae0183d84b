"""The version of keepalived that brought each keyword, block by block.

Source: keepalived's repository, the first release whose parser installs the keyword in that block.
A keyword that is not in a release yet says so, and `vrrpd` stands for an addition of ours.
"""

from __future__ import annotations

_SINCE: dict[str, dict[str, str]] = {
    "": {
        "0.6.6": "global_defs vrrp_instance vrrp_sync_group virtual_server SSL",
        "1.0.1": "static_routes",
        "1.0.2": "virtual_server_group",
        "1.1.0": "static_ipaddress",
        "1.1.13": "vrrp_script",
        "1.1.18": "linkbeat_use_polling",
        "1.2.20": "static_rules",
        "1.2.21": "garp_group",
        "1.2.24": "net_namespace instance use_pid_dir",
        "1.3.0": "namespace_with_ipsets",
        "2.0.0": "vrrp_track_file child_wait_time bfd_instance",
        "2.0.3": "track_group",
        "2.0.11": "vrrp_track_process",
        "2.0.13": "linkbeat_interfaces",
        "2.1.0": "track_file net_namespace_ipvs",
        "2.2.3": "interface_up_down_delays",
    },
    "global_defs": {
        "0.6.6": "notification_email notification_email_from smtp_server smtp_connect_timeout",
        "1.1.8": "router_id",
        "1.2.5": "enable_traps",
        "1.2.10": "vrrp_mcast_group4 vrrp_mcast_group6",
        "1.2.20": (
            "smtp_helo_name vrrp_version vrrp_strict vrrp_skip_check_adv_addr "
            "vrrp_check_unicast_src vrrp_lower_prio_no_advert vrrp_garp_master_delay "
            "vrrp_garp_master_repeat vrrp_garp_master_refresh "
            "vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay "
            "vrrp_garp_lower_prio_repeat vrrp_priority vrrp_no_swap vrrp_iptables "
            "vrrp_ipsets enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 "
            "enable_snmp_rfcv3 snmp_socket lvs_sync_daemon checker_priority checker_no_swap "
            "enable_snmp_checker"
        ),
        "1.2.21": "vrrp_garp_interval vrrp_gna_interval",
        "1.2.23": "lvs_flush",
        "1.2.24": "default_interface lvs_timeouts",
        "1.3.0": "script_user enable_script_security enable_dbus",
        "1.3.5": "vrrp_higher_prio_send_advert",
        "1.3.6": (
            "notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script "
            "lvs_notify_fifo lvs_notify_fifo_script"
        ),
        "1.3.7": "dbus_service_name",
        "2.0.0": (
            "smtp_alert smtp_alert_vrrp no_email_faults dynamic_interfaces vrrp_rt_priority "
            "vrrp_rlimit_rtime vrrp_netlink_monitor_rcv_bufs "
            "vrrp_netlink_monitor_rcv_bufs_force vrrp_netlink_cmd_rcv_bufs "
            "vrrp_netlink_cmd_rcv_bufs_force enable_snmp_vrrp smtp_alert_checker "
            "no_checker_emails rs_init_notifies checker_rt_priority checker_rlimit_rtime "
            "bfd_priority bfd_rt_priority bfd_rlimit_rtime bfd_no_swap "
            "lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force "
            "lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force"
        ),
        "2.0.3": "vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier",
        "2.0.9": "umask",
        "2.0.11": (
            "process_monitor_rcv_bufs process_monitor_rcv_bufs_force nftables "
            "nftables_priority nftables_counters nftables_ifindex checker_log_all_failures"
        ),
        "2.0.12": "vrrp_min_garp",
        "2.0.14": "vrrp_startup_delay",
        "2.0.15": "random_seed lvs_flush_onstop",
        "2.0.16": (
            "vrrp_notify_priority_changes log_unknown_vrids process_names process_name "
            "vrrp_process_name bfd_process_name lvs_process_name"
        ),
        "2.0.17": "vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity",
        "2.1.0": (
            "startup_script startup_script_timeout shutdown_script shutdown_script_timeout "
            "vrrp_rlimit_rttime max_auto_priority min_auto_priority_delay reload_time_file "
            "reload_repeat checker_rlimit_rttime bfd_rlimit_rttime"
        ),
        "2.2.0": (
            "disable_local_igmp vrrp_vmac_garp_intvl vmac_prefix vmac_addr_prefix "
            "reload_check_config reload_file include_check tmp_config_directory "
            "lvs_flush_on_stop checker_process_name"
        ),
        "2.2.2": "nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark",
        "2.2.3": "vrrp_down_timer_adverts vrrp_garp_extra_if config_save_dir data_use_instance",
        "2.2.5": "fifo_write_vrrp_states_on_reload",
        "2.2.8": "v3_checksum_as_v2 json_version",
        "2.3.0": "use_symlink_paths dbus_no_interface_name",
        "2.3.2": "iproute_etc_dir iproute_usr_dir",
        "2.3.3": "vrrp_owner_ignore_adverts state_dump_file stats_dump_file json_dump_file",
        "2.4.0": "vrrp_delay_after_boot",
        "after 2.4.3": "set_supplementary_groups",
    },
    "vrrp_instance": {
        "0.6.6": (
            "state interface virtual_router_id priority advert_int authentication preempt "
            "virtual_ipaddress virtual_ipaddress_excluded mcast_src_ip debug notify_master "
            "notify_backup notify_fault smtp_alert lvs_sync_daemon_interface"
        ),
        "0.7.1": "garp_master_delay",
        "1.0.1": "virtual_routes track_interface",
        "1.1.2": "notify",
        "1.1.8": "nopreempt preempt_delay dont_track_primary",
        "1.1.13": "track_script notify_stop",
        "1.2.1": "native_ipv6",
        "1.2.3": "use_vmac",
        "1.2.8": "unicast_peer",
        "1.2.10": "unicast_src_ip vmac_xmit_base garp_master_refresh",
        "1.2.14": "garp_master_repeat garp_master_refresh_repeat",
        "1.2.17": "version accept",
        "1.2.20": (
            "virtual_rules strict_mode skip_check_adv_addr lower_prio_no_advert "
            "garp_lower_prio_delay garp_lower_prio_repeat"
        ),
        "1.3.0": "promote_secondaries no_accept",
        "1.3.5": "higher_prio_send_advert",
        "1.3.7": "old_unicast_checksum",
        "2.0.0": "track_src_ip linkbeat_use_polling track_file track_bfd",
        "2.0.3": "kernel_rx_buf_size",
        "2.0.6": "notify_master_rx_lower_pri",
        "2.0.11": "track_process",
        "2.0.16": "notify_priority_changes",
        "2.0.17": "use_ipvlan",
        "2.1.0": "unicast_ttl check_unicast_src notify_deleted",
        "2.2.0": "use_vmac_addr vmac_garp_intvl",
        "2.2.3": "down_timer_adverts garp_extra_if",
        "2.2.5": "mcast_dst_ip unicast_fault_no_peer vrf",
        "2.2.8": "no_virtual_ipaddress v3_checksum_as_v2 timer_expired_backup",
        "2.3.2": "thread_timer_expired",
        "2.3.3": "owner_ignore_adverts",
        "2.4.0": "auth_hmac",
        "vrrpd": "notify_split_brain",
    },
    "authentication": {
        "0.6.6": "auth_type auth_pass",
    },
    "auth_hmac": {
        "2.4.0": "key active_key anti_replay time_window mode",
    },
    "vrrp_sync_group": {
        "0.6.6": "group notify_master notify_backup notify_fault",
        "1.0.0": "smtp_alert",
        "1.1.2": "notify",
        "1.2.3": "global_tracking",
        "2.0.0": (
            "notify_stop track_interface track_script track_file track_bfd "
            "sync_group_tracking_weight"
        ),
        "2.0.11": "track_process",
        "2.2.0": "notify_priority_changes",
    },
    "vrrp_script": {
        "1.1.13": "script interval weight",
        "1.1.18": "rise fall",
        "1.2.6": "timeout",
        "1.3.0": "user",
        "1.3.2": "init_fail",
    },
    "vrrp_track_process": {
        "2.0.11": "process full_command weight quorum delay",
        "2.0.16": "param_match quorum_max fork_delay terminate_delay",
    },
    "track_file": {
        "2.0.0": "file weight init_file",
    },
    "garp_group": {
        "1.2.21": "garp_interval gna_interval interface interfaces",
    },
    "track_group": {
        "2.0.3": "group",
    },
}
SINCE: dict[tuple[str, str], str] = {
    (block, name): version
    for block, versions in _SINCE.items()
    for version, names in versions.items()
    for name in names.split()
}
"""(block, keyword) -> version; the block "" is the root of the file."""
