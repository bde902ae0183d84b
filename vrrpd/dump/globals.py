"""The section `Global definitions` of keepalived.data.

keepalived's lines in keepalived's order; what it says of load balancing, BFD, SNMP and D-Bus is
left out, because vrrpd has none of them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from vrrpd.config.globals import Globals
from vrrpd.dump.text import owner_text, script_text, yes
from vrrpd.fsm import SECOND


def global_lines(one: Globals) -> Iterator[str]:
    """The lines, without the one space that each begins with."""
    yield f"Network namespace = {one.net_namespace or '(default)'}"
    yield f"Router ID = {one.router_id or socket.gethostname()}"
    yield from _mail_lines(one)
    yield f"Default smtp_alert = {_unset(one.smtp_alert)}"
    yield f"Default smtp_alert_vrrp = {_unset(one.smtp_alert_vrrp)}"
    test = one.reload_check_config
    yield "No test config before reload" if test is None else f"Test config before reload, {test}"
    yield f"Dynamic interfaces = {yes(one.dynamic_interfaces, 'true false')}"
    if one.dynamic_interfaces:
        yield f"Allow interface changes = {yes(one.allow_if_changes, 'true false')}"
    if one.no_email_faults:
        yield "Send emails for fault transitions = off"
    yield f"Default interface = {one.default_interface}"
    yield f"Disable local IGMP = {yes(one.disable_local_igmp)}"
    yield from _script_lines(one)
    yield from _protocol_lines(one)
    yield from _process_lines(one)


def _mail_lines(one: Globals) -> Iterator[str]:
    """Who gets mail, and how."""
    if one.smtp_server is not None:
        yield f"Smtp server = {one.smtp_server[0]}"
        yield f"Smtp server port = {one.smtp_server[1]}"
        yield f"Smtp HELO name = {one.smtp_helo_name or socket.gethostname()}"
        yield f"Smtp server connection timeout = {one.smtp_connect_timeout_ns // SECOND}"
        if one.notification_email_from is not None:
            yield f"Email notification from = {one.notification_email_from}"
    if one.notification_email:
        yield "Email notification to:"
        yield from (f"  {address}" for address in one.notification_email)


def _script_lines(one: Globals) -> Iterator[str]:
    """FIFOs and what goes into them."""
    who = f"uid:gid {owner_text(one.script_identity)}"
    pairs = (
        ("Global notify fifo", one.notify_fifo, one.notify_fifo_script),
        ("VRRP notify fifo", one.vrrp_notify_fifo, one.vrrp_notify_fifo_script),
    )
    for title, path, script in pairs:
        if path is not None:
            yield f"{title} = {path}, {who}"
            if script is not None:
                yield f"{title} script = {script_text(script, path)}"
    states = yes(one.fifo_write_vrrp_states_on_reload, "true false")
    yield f"FIFO write vrrp states on reload = {states}"
    changes = yes(one.vrrp_notify_priority_changes, "true false")
    yield f"VRRP notify priority changes = {changes}"


def _protocol_lines(one: Globals) -> Iterator[str]:
    """Defaults of the instances."""
    delay, repeat = one.vrrp_garp_lower_prio_delay_ns, one.vrrp_garp_lower_prio_repeat
    master, times = one.vrrp_garp_master_delay_ns, one.vrrp_garp_master_repeat
    yield f"VRRP IPv4 mcast group = {one.vrrp_mcast_group4}"
    yield f"VRRP IPv6 mcast group = {one.vrrp_mcast_group6}"
    yield f"Gratuitous ARP delay = {master // SECOND}"
    yield f"Gratuitous ARP repeat = {times}"
    yield f"Gratuitous ARP refresh timer = {one.vrrp_garp_master_refresh_ns // SECOND}"
    yield f"Gratuitous ARP refresh repeat = {one.vrrp_garp_master_refresh_repeat}"
    lower = (master if delay is None else delay) // SECOND
    yield f"Gratuitous ARP lower priority delay = {lower}"
    yield f"Gratuitous ARP lower priority repeat = {times if repeat is None else repeat}"
    yield f"Num adverts before down = {one.vrrp_down_timer_adverts}"
    yield f"Gratuitous ARP for each secondary VMAC = {one.vrrp_garp_extra_if_ns // SECOND}s"
    answer = yes(not one.vrrp_lower_prio_no_advert, "true false")
    yield f"Send advert after receive lower priority advert = {answer}"
    answer = yes(one.vrrp_higher_prio_send_advert, "true false")
    yield f"Send advert after receive higher priority advert = {answer}"
    yield f"Gratuitous ARP interval = {one.vrrp_garp_interval_ns / SECOND:.6f}"
    yield f"Gratuitous NA interval = {one.vrrp_gna_interval_ns / SECOND:.6f}"
    yield f"VRRP default protocol version = {one.vrrp_version}"
    yield f"nftables {yes(one.nftables_counters, 'with without')} counters"
    yield f"VRRP check unicast_src = {yes(one.vrrp_check_unicast_src, 'true false')}"
    skip = yes(one.vrrp_skip_check_adv_addr, "true false")
    yield f"VRRP skip check advert addresses = {skip}"
    yield f"VRRP strict mode = {yes(one.vrrp_strict, 'true false')}"


def _process_lines(one: Globals) -> Iterator[str]:
    """How the daemon runs."""
    yield f"Max auto priority = {one.max_auto_priority}"
    yield f"Min auto priority delay = {one.min_auto_priority_delay} usecs"
    yield f"VRRP process priority = {one.vrrp_priority or 0}"
    yield f"VRRP don't swap = {yes(one.vrrp_no_swap, 'true false')}"
    yield f"VRRP realtime priority = {one.vrrp_rt_priority or 0}"
    yield f"VRRP realtime limit = {one.vrrp_rlimit_rttime or 10000}"
    yield f"Script security {yes(one.enable_script_security, 'enabled disabled')}"
    if one.script_identity is not None:
        yield f"Default script uid:gid {owner_text(one.script_identity)}"
    yield f"vrrp_netlink_cmd_rcv_bufs = {one.vrrp_netlink_cmd_rcv_bufs or 0}"
    yield f"vrrp_netlink_cmd_rcv_bufs_force = {int(one.vrrp_netlink_cmd_rcv_bufs_force)}"
    yield f"vrrp_netlink_monitor_rcv_bufs = {one.vrrp_netlink_monitor_rcv_bufs or 0}"
    yield f"vrrp_netlink_monitor_rcv_bufs_force = {int(one.vrrp_netlink_monitor_rcv_bufs_force)}"
    yield f"process_monitor_rcv_bufs = {one.process_monitor_rcv_bufs or 0}"
    yield f"process_monitor_rcv_bufs_force = {int(one.process_monitor_rcv_bufs_force)}"
    yield f"rx_bufs_multiples = {one.vrrp_rx_bufs_multiplier}"
    yield f"umask = 0{one.umask:03o}"


def _unset(value: bool | None) -> str:
    """A switch that may not have been touched."""
    return "unset" if value is None else yes(value, "on off")
