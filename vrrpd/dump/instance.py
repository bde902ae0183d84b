"""One instance in keepalived.data: `Key = value` lines in keepalived's order.

    VRRP Instance = VI_1
      VRRP Version = 2
      State = MASTER
      ...

Exporters parse these lines, so their words are keepalived's, down to the places where it writes
no `=`.  The one difference is that passwords are masked (keepalived does so from 2.4.0 on).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator

from vrrpd.config.model import AuthHmac, Instance, Notify, SyncGroup
from vrrpd.dump.text import (
    address_text,
    route_text,
    rule_text,
    script_text,
    track_text,
    yes,
)
from vrrpd.fsm import SECOND, State
from vrrpd.listener import Listener
from vrrpd.router import VirtualRouter

AUTHENTICATION = {"NONE": "none", "PASS": "SIMPLE_PASSWORD", "AH": "IPSEC_AH"}
SCRIPTS = (
    ("Backup", "backup"),
    ("Master", "master"),
    ("Fault", "fault"),
    ("Stop", "stop"),
    ("Deleted", "deleted"),
    ("Generic", "any"),
    ("Master rx lower pri", "master_rx_lower_pri"),
)


def instance_lines(router: VirtualRouter, group: SyncGroup | None, waiting: int) -> Iterator[str]:
    """The lines below the title; `waiting` counts its tracked scripts without a result."""
    yield from _state_lines(router, group, waiting)
    yield from _timing_lines(router)
    yield from _address_lines(router)
    yield from _track_lines(router.instance)
    yield from notify_lines(router.instance.notify)
    yield f"Notify priority changes = {_truth(router.instance.notify_priority_changes)}"


def _state_lines(router: VirtualRouter, group: SyncGroup | None, waiting: int) -> Iterator[str]:
    """What it is, and how it stands."""
    one, state = router.instance, router.state.value
    yield f"VRRP Version = {one.version}"
    if one.family == 6:
        yield "Using Native IPv6"
    if group is not None:
        yield f"Sync group = {group.name}"
    yield f"State = {state}"
    if one.unicast:
        yield "Flags:"
        yield "  Using unicast"
    else:
        yield "Flags: none"
    yield f"Wantstate = {state}"
    yield "Number of config faults = 0"
    yield f"Number of interface and track script faults = {len(router.faults)}"
    yield f"Number of track scripts init = {waiting}"
    if (last := router.last_change) is not None:
        yield f"Last transition = {_moment(last['t'])}"
    yield f"Read timeout = {_deadline(router)}"
    down = router.params.master_down(router.params.advert_interval)
    yield f"Master down timer = {down // 1000} usecs"
    yield f"Interface = {one.interface}"
    if one.dont_track_primary:
        yield "VRRP interface tracking disabled"
    if one.skip_check_adv_addr:
        yield "Skip checking advert IP addresses"
    if one.strict:
        yield "Enforcing strict VRRP compliance"
    configured = one.mcast_src_ip is not None or one.unicast_src_ip is not None
    yield f"Using src_ip = {router.source}{' (from configuration)' if configured else ''}"
    if not one.unicast:
        index = f", ifindex {router.listener.index}" if one.family == 6 else ""
        yield f"Multicast address {router.group}{index}"


def _timing_lines(router: VirtualRouter) -> Iterator[str]:
    """Gratuitous ARP, priorities, intervals, authentication."""
    one, garp = router.instance, router.instance.garp
    yield f"Gratuitous ARP delay = {garp.delay_ns // SECOND}"
    yield f"Gratuitous ARP repeat = {garp.repeat}"
    yield f"Gratuitous ARP refresh = {garp.refresh_ns // SECOND}"
    yield f"Gratuitous ARP refresh repeat = {garp.refresh_repeat}"
    yield f"Gratuitous ARP lower priority delay = {garp.lower_prio_delay_ns // SECOND}"
    yield f"Gratuitous ARP lower priority repeat = {garp.lower_prio_repeat}"
    yield f"Down timer adverts = {one.down_timer_adverts}"
    lower = _truth(not one.lower_prio_no_advert)
    yield f"Send advert after receive lower priority advert = {lower}"
    higher = _truth(one.higher_prio_send_advert)
    yield f"Send advert after receive higher priority advert = {higher}"
    yield f"Virtual Router ID = {one.vrid}"
    yield f"Priority = {one.priority}"
    yield f"Effective priority = {router.params.priority}"
    yield f"Total priority = {one.priority + sum(router.weights.values())}"
    if one.version == 2:
        yield f"Advert interval = {one.advert_interval_ns // SECOND} sec"
    else:
        yield f"Advert interval = {one.advert_interval_ns * 1000 // SECOND} milli-sec"
    yield f"Accept = {_able(one.accept)}"
    yield f"Preempt = {_able(one.preempt)}"
    if one.preempt_delay_ns:
        yield f"Preempt delay = {one.preempt_delay_ns / SECOND:g} secs"
    yield f"Promote_secondaries = {_able(one.promote_secondaries)}"
    if one.version == 2:
        yield f"Authentication type = {AUTHENTICATION[one.auth.kind]}"
        if one.auth.kind == "PASS":
            yield "Password = ********"
    if one.auth_hmac is not None:
        yield from hmac_lines(one.auth_hmac)


def hmac_lines(auth: AuthHmac) -> Iterator[str]:
    """`auth_hmac` as keepalived 2.4 writes it: how many keys there are, and none of them."""
    yield "Authentication extension = HMAC-SHA256-128"
    yield f"  Keys = {len(auth.keys)}, active key id = {auth.active_key}"
    yield f"  Mode = {auth.mode}"
    window = "" if auth.window is None else f", window = {auth.window} sec"
    yield f"  Anti replay = {auth.anti_replay}{window}"


def _address_lines(router: VirtualRouter) -> Iterator[str]:
    """What it holds, and to which peers it advertises."""
    one, held = router.instance, router.state is State.MASTER
    texts = [address_text(address, one.interface, held) for address in one.addresses]
    yield from block(f"Virtual IP ({len(texts)}):", texts)
    texts = [address_text(address, one.interface, held) for address in one.excluded]
    yield from block("Virtual IP Excluded :", texts)
    if one.unicast:
        if one.family == 4 or one.unicast_ttl != 255:
            yield f"Unicast TTL = {one.unicast_ttl}"
        yield f"Check unicast src : {yes(one.check_unicast_src)}"
        peers = [f"{p.ip} min_ttl {p.min_ttl} max_ttl {p.max_ttl}" for p in one.unicast_peers]
        yield from block("Unicast Peer :", peers)
        yield f"Unicast checksum compatibility = {yes(bool(one.old_unicast_checksum))}"
    yield "fd_in {0}, fd_out {0}".format(descriptor(router.listener))
    yield from block("Virtual Routes :", [route_text(route) for route in one.routes])
    yield from block("Virtual Rules :", [rule_text(rule) for rule in one.rules])


def _track_lines(one: Instance) -> Iterator[str]:
    """What it tracks."""
    tracks = (
        ("Tracked interfaces :", "", one.track_interfaces),
        ("Tracked scripts :", "", one.track_scripts),
        ("Tracked files :", ",", one.track_files),
        ("Tracked processes :", ",", one.track_processes),
    )
    for title, comma, tracked in tracks:
        yield from block(title, [track_text(track.name + comma, track) for track in tracked])
    yield f"Using smtp notification = {yes(one.smtp_alert)}"
    yield f"Notify deleted = {yes(one.notify.report_deleted, 'Deleted Fault')}"


def notify_lines(notify: Notify) -> Iterator[str]:
    """The scripts of an instance or a group."""
    for title, name in SCRIPTS:
        script = getattr(notify, name)
        if script is not None:
            yield f"{title} state transition script = {script_text(script)}"


def descriptor(segment: Listener) -> int:
    """The number of its socket, for those who look into /proc; -1 if it has none."""
    found = getattr(segment.channel, "socket", None)
    return found.fileno() if isinstance(found, socket.socket) else -1


def block(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A list under a title, if there is anything in it."""
    found = list(lines)
    if found:
        yield title
        yield from (f"  {line}" for line in found)


def _moment(t: float) -> str:
    """A Unix time with microseconds, and as text as ctime(3) has it."""
    local = time.localtime(t)
    fraction = f"{t % 1:.6f}"[1:]
    return f"{t:.6f} ({time.strftime('%a %b %e %H:%M:%S', local)}{fraction} {local.tm_year})"


def _deadline(router: VirtualRouter) -> str:
    """When the running timer expires."""
    when = router.current.deadline
    if when is None:
        return "DISABLED"
    return _moment(router.journal.wall() + (when - router.ports.clock.now()) / SECOND)


def _able(value: bool) -> str:
    """keepalived's words for most switches."""
    return yes(value, "enabled disabled")


def _truth(value: bool) -> str:
    """keepalived's words for the other switches."""
    return yes(value, "true false")
