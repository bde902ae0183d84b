"""keepalived's dump files: `keepalived.data` (SIGUSR1) and `keepalived.stats` (SIGUSR2).

Contract: written to $TMPDIR or /tmp under a temporary name and renamed, mode 0600, so that a
reader never sees half a file.  A full disk costs a log line.  Passwords are masked (keepalived
writes them in clear up to 2.3).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator

from vrrpd.daemon import Daemon
from vrrpd.fsm import SECOND
from vrrpd.journal import Log
from vrrpd.router import VirtualRouter

AUTHENTICATION = {"NONE": "none", "PASS": "SIMPLE_PASSWORD", "AH": "IPSEC_AH"}

STATS = (
    ("Advertisements:", (("Received", "advertisement-rcvd"), ("Sent", "advertisement-sent"))),
    ("Became master", "master-transitions"),
    ("Released master", "released-master"),
    (
        "Packet Errors:",
        (
            ("Length", "packet-length-errors"),
            ("TTL", "ip-ttl-errors"),
            ("Invalid Type", "invalid-type-pkts-rcvd"),
            ("Advertisement Interval", "interval-errors"),
            ("Address List", "address-list-errors"),
        ),
    ),
    (
        "Authentication Errors:",
        (
            ("Invalid Type", "invalid-authtype"),
            ("Type Mismatch", "authtype-mismatch"),
            ("Failure", "auth-failure"),
        ),
    ),
    (
        "Priority Zero:",
        (
            ("Received", "priority-zero-pkts-rcvd"),
            ("Sent", "priority-zero-pkts-sent"),
        ),
    ),
)


def dump(name: str, lines: Iterator[str], log: Log) -> None:
    """Write a dump file; what goes wrong is logged."""
    directory = os.environ.get("TMPDIR", "/tmp")
    if not os.path.isabs(directory):
        directory = "/tmp"
    path = os.path.join(directory, name)
    try:
        fd, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        log.say(f"cannot write {path}: {error.strerror or error}")
    else:
        log.say(f"Printing to {path}")


def stats(daemon: Daemon) -> Iterator[str]:
    """The lines of `keepalived.stats`."""
    for router in daemon.routers.values():
        yield f"VRRP Instance: {router.name}"
        for title, what in STATS:
            if isinstance(what, str):
                yield f"  {title}: {router.counters[what]}"
                continue
            yield f"  {title}"
            for label, counter in what:
                yield f"    {label}: {router.counters[counter]}"


def data(daemon: Daemon) -> Iterator[str]:
    """The instances' part of `keepalived.data`."""
    yield "------< VRRP Topology >------"
    for router in daemon.routers.values():
        yield f" VRRP Instance = {router.name}"
        for key, value in facts(router):
            yield f"   {key} = {value}"
        yield from listed("Virtual IP", [one.ip for one in router.instance.addresses])
        yield from listed("Virtual IP Excluded", [one.ip for one in router.instance.excluded])


def listed(title: str, addresses: list[object]) -> Iterator[str]:
    """A list of addresses as keepalived from 2.2.5 on prints it."""
    if addresses:
        yield f"   {title} ({len(addresses)}):"
        for address in addresses:
            yield f"     {address}"


def facts(router: VirtualRouter) -> Iterator[tuple[str, object]]:
    """The `Key = value` lines of one instance."""
    one, params = router.instance, router.params
    yield "VRRP Version", one.version
    yield "State", router.state.value
    if router.history:
        moment = router.history[-1]["t"]
        yield "Last transition", f"{moment:.6f} ({time.ctime(moment)})"
    yield "Interface", one.interface
    yield "Using src_ip", router.source
    yield "Multicast address", router.group
    yield "Gratuitous ARP delay", one.garp.delay_ns // SECOND
    yield "Gratuitous ARP repeat", one.garp.repeat
    yield "Gratuitous ARP refresh", one.garp.refresh_ns // SECOND
    yield "Gratuitous ARP refresh repeat", one.garp.refresh_repeat
    yield "Gratuitous ARP lower priority delay", one.garp.lower_prio_delay_ns // SECOND
    yield "Gratuitous ARP lower priority repeat", one.garp.lower_prio_repeat
    yield "Down timer adverts", one.down_timer_adverts
    yield "Virtual Router ID", one.vrid
    yield "Priority", one.priority
    yield "Effective priority", params.priority
    yield "Advert interval", f"{one.advert_interval_ns / SECOND:g} sec"
    yield "Preempt", "enabled" if one.preempt else "disabled"
    yield "Authentication type", AUTHENTICATION[one.auth.kind]
    if one.auth.kind != "NONE":
        yield "Password", "********"
