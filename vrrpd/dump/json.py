"""keepalived.json: an array with one object for each instance, under keepalived's field names.

    [{"data": {"iname": "VI_1", "state": 2, ...}, "stats": {"advert_rcvd": 0, ...}}, ...]

With `json_version 2` (keepalived 2.2.8) it is an object: {"vrrp": [...], "track_process": [...]}.
Numbers stand where keepalived has numbers and true where it has true; lists that would be empty
and scripts that are not configured are absent.  Passwords are masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vrrpd.config.model import Notify
from vrrpd.daemon import Daemon
from vrrpd.dump.text import address_text, command_text, route_text, rule_text
from vrrpd.fsm import SECOND, State
from vrrpd.router import VirtualRouter
from vrrpd.tracking.processes import TrackedProcess

STATES = {"INIT": 0, "BACKUP": 1, "MASTER": 2, "FAULT": 3}
AUTHENTICATION = {"NONE": 0, "PASS": 1, "AH": 2}
MASK = "********"
STATS = {
    "advert_rcvd": "advertisement-rcvd",
    "advert_sent": "advertisement-sent",
    "become_master": "master-transitions",
    "release_master": "released-master",
    "packet_len_err": "packet-length-errors",
    "advert_interval_err": "interval-errors",
    "ip_ttl_err": "ip-ttl-errors",
    "invalid_type_rcvd": "invalid-type-pkts-rcvd",
    "addr_list_err": "address-list-errors",
    "invalid_authtype": "invalid-authtype",
    "authtype_mismatch": "authtype-mismatch",
    "auth_failure": "auth-failure",
    "pri_zero_rcvd": "priority-zero-pkts-rcvd",
    "pri_zero_sent": "priority-zero-pkts-sent",
}
HMAC_STATS = {
    "auth_ext_missing": "auth-ext-missing",
    "auth_ext_malformed": "auth-ext-malformed",
    "auth_ext_unknown_key": "auth-ext-unknown-key",
    "auth_ext_invalid_hmac": "auth-ext-invalid-hmac",
    "auth_ext_stale": "auth-ext-stale",
    "auth_ext_replay": "auth-ext-replay",
}
SCRIPTS = {
    "script_backup": "backup",
    "script_master": "master",
    "script_fault": "fault",
    "script_stop": "stop",
    "script_deleted": "deleted",
    "script": "any",
    "script_master_rx_lower_pri": "master_rx_lower_pri",
}


def as_json(daemon: Daemon) -> Iterator[str]:
    """The one line of `keepalived.json`."""
    found: Any = [
        {"data": _fields(daemon, router), "stats": _counters(router)}
        for router in daemon.routers.values()
    ]
    if daemon.config.globals.json_version == 2:
        tracked = [_process(one) for one in daemon.tracking.processes.values()]
        found = {"vrrp": found, **({"track_process": tracked} if tracked else {})}
    yield json.dumps(found)


def _process(one: TrackedProcess) -> dict[str, Any]:
    """A `vrrp_track_process`, as `json_version 2` lists them."""
    config = one.config
    running = one.timer is not None
    return {
        "process": config.process,
        **({"parameters": " ".join(config.params)} if config.params else {}),
        "param_match": config.param_match or "none",
        "min_processes": config.quorum,
        **({} if config.quorum_max is None else {"max_processes": config.quorum_max}),
        "current_processes": len(one.pids),
        "have_quorum": one.enough,
        "weight": -config.weight if config.reverse else config.weight,
        "terminate_delay": config.terminate_delay_ns / SECOND,
        "fork_delay": config.fork_delay_ns / SECOND,
        "fork_delay_timer_running": running and one.enough,
        "terminate_delay_timer_running": running and not one.enough,
        "full_command": config.full_command,
    }


def _counters(router: VirtualRouter) -> dict[str, int]:
    """The statistics of one instance; those of auth_hmac where it is configured."""
    names = STATS if router.instance.auth_hmac is None else STATS | HMAC_STATS
    return {name: router.counters[ours] for name, ours in names.items()}


def _fields(daemon: Daemon, router: VirtualRouter) -> dict[str, Any]:
    """Everything else of one instance, in keepalived's order."""
    one, garp = router.instance, router.instance.garp
    heard = router.current.heard
    state = STATES[router.state.value]
    learnt = heard.interval if heard is not None else None
    return {
        "iname": one.name,
        "dont_track_primary": int(one.dont_track_primary),
        "skip_check_adv_addr": int(one.skip_check_adv_addr),
        "strict_mode": int(one.strict),
        "vmac_ifname": (one.vmac.name or "") if one.vmac is not None else "",
        "ifp_ifname": one.interface,
        "master_priority": heard.priority if heard is not None else 0,
        "last_transition": last["t"] if (last := router.last_change) is not None else 0,
        "garp_delay": garp.delay_ns // SECOND,
        "garp_refresh": garp.refresh_ns // SECOND,
        "garp_rep": garp.repeat,
        "garp_refresh_rep": garp.refresh_repeat,
        "garp_lower_prio_delay": garp.lower_prio_delay_ns // SECOND,
        "garp_lower_prio_rep": garp.lower_prio_repeat,
        "lower_prio_no_advert": int(one.lower_prio_no_advert),
        "higher_prio_send_advert": int(one.higher_prio_send_advert),
        "vrid": one.vrid,
        "base_priority": one.priority,
        "effective_priority": router.params.priority,
        "vipset": router.state is State.MASTER,
        "promote_secondaries": one.promote_secondaries,
        "adver_int": _seconds(one.advert_interval_ns),
        "master_adver_int": _seconds(learnt or one.advert_interval_ns),
        "accept": int(one.accept),
        "nopreempt": not one.preempt,
        "preempt_delay": _seconds(one.preempt_delay_ns),
        "state": state,
        "wantstate": state,
        "version": one.version,
        "smtp_alert": one.smtp_alert,
        "notify_deleted": one.notify.report_deleted,
        **_scripts(one.notify),
        **_lists(daemon, router),
        "auth_type": AUTHENTICATION[one.auth.kind],
        **({} if one.auth.kind == "NONE" else {"auth_data": MASK}),
    }


def _scripts(notify: Notify) -> dict[str, str]:
    """The notify scripts that there are."""
    found = ((name, getattr(notify, ours)) for name, ours in SCRIPTS.items())
    return {name: command_text(script) for name, script in found if script is not None}


def _lists(daemon: Daemon, router: VirtualRouter) -> dict[str, list[str]]:
    """Addresses, routes, rules and what is tracked, where there is anything."""
    one, held = router.instance, router.state is State.MASTER
    commands = {script.name: command_text(script.command) for script in daemon.config.scripts}
    found = {
        "vips": [address_text(address, one.interface, held) for address in one.addresses],
        "evips": [address_text(address, one.interface, held) for address in one.excluded],
        "vroutes": [route_text(route) for route in one.routes],
        "vrules": [rule_text(rule) for rule in one.rules],
        "track_ifp": [track.name for track in one.track_interfaces],
        "track_script": [commands.get(track.name, track.name) for track in one.track_scripts],
    }
    return {name: items for name, items in found.items() if items}


def _seconds(ns: int) -> int | float:
    """Seconds; a whole number where it is one."""
    return ns // SECOND if ns % SECOND == 0 else ns / SECOND
