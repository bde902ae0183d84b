"""What hostile bytes are given to, and what must hold whatever they are.

    packet    an IP packet from the LAN      nothing but PacketError is raised; what is accepted
                                             is what scapy reads, and encodes to the same bytes
    config    a file                         nothing but ConfigError is raised; the same file means
                                             the same; what is accepted runs, reloads and stops
    request   a line on the control socket   one answer, in JSON

A target takes bytes and returns None; a finding is any exception.  The fuzzer
(`tests/fuzz/run.py`) and the fixed number of inputs in `make test` (`tests/unit/test_fuzz.py`)
call the same functions.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from vrrpd.config import ConfigError, loads
from vrrpd.config.model import Auth
from vrrpd.control import Control
from vrrpd.fsm import SECOND
from vrrpd.packet import (
    CENTISECOND,
    PROTOCOL,
    Advertisement,
    Datagram,
    PacketError,
    checksum,
    decode,
    encode,
    parse_ip,
    pseudo_header,
)
from vrrpd.validation import Expectation, admit, find_vrid

SOURCE4, SOURCE6 = IPv4Address("192.168.1.12"), IPv6Address("fe80::12")
EXPECTATIONS = (
    Expectation(2, SECOND, Auth(), SOURCE4),
    Expectation(2, SECOND, Auth("PASS", b"1111\0\0\0\0"), SOURCE4),
    Expectation(2, SECOND, Auth("AH", b"1111\0\0\0\0"), SOURCE4),
    Expectation(3, SECOND, Auth(), SOURCE4, unicast=True),
    Expectation(3, SECOND, Auth(), SOURCE6, strict=True),
)
LARGEST_FILE = 4096  # bytes: longer ones find nothing that shorter ones do not


def packet(data: bytes) -> None:
    """One IP packet, as a raw socket hands it over; and once more with the sum that it should have.

    Without the second, hardly any invented packet would get past the checksum.
    """
    one_packet(data)
    mended = with_right_sum(data)
    if mended != data:
        one_packet(mended)


def with_right_sum(data: bytes) -> bytes:
    """The packet with the checksum that its message should have, if there is a message."""
    try:
        datagram = parse_ip(data)
        find_vrid(datagram)
    except PacketError:
        return data
    message = datagram.message[:6] + b"\0\0" + datagram.message[8:]
    covered = message
    if message[0] >> 4 == 3:
        ends = datagram.source, datagram.destination
        covered = pseudo_header(*ends, len(message)) + message
    total = checksum(covered).to_bytes(2, "big")
    at = data.index(datagram.message, 20) + 6
    return data[:at] + total + data[at + 2 :]


def one_packet(data: bytes) -> None:
    """One IP packet, as it is."""
    try:
        datagram = parse_ip(data)
        find_vrid(datagram)
    except PacketError:
        return
    for expectation in EXPECTATIONS:
        with suppress(PacketError):
            admit(datagram, expectation)
    try:
        advert = decode(datagram.message, datagram.source, datagram.destination)
    except PacketError:
        return
    check_round_trip(advert, datagram)
    if datagram.protocol == PROTOCOL:
        check_against_scapy(advert, datagram)


def check_round_trip(advert: Advertisement, datagram: Datagram) -> None:
    """What was read is what would be written, but for the reserved bits of version 3."""
    if advert.interval == 0:  # readable, and refused by the check after
        return
    written = encode(advert, datagram.source, datagram.destination, advert.pseudo is not False)
    if advert.version == 3 and datagram.message[4] >> 4:
        return
    # Two sums mean the same: 0 and 0xffff.
    places = (slice(0, 6), slice(8, None))
    assert all(written[one] == datagram.message[one] for one in places), (written, datagram)
    assert {written[6:8], datagram.message[6:8]} <= {b"\0\0", b"\xff\xff"} or (
        written[6:8] == datagram.message[6:8]
    ), (written, datagram)


@cache
def scapy() -> Any:
    """scapy's layers by name; it takes a second to import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scapy.all as everything
        from scapy.layers.vrrp import VRRP, VRRPv3

    return {4: everything.IP, 6: everything.IPv6, "v2": VRRP, "v3": VRRPv3}


def check_against_scapy(advert: Advertisement, datagram: Datagram) -> None:
    """Another program reads the same fields out of the same bytes, and agrees on the sum."""
    if advert.version == 3 and not advert.addresses:
        return  # scapy wants an address in it
    family = datagram.source.version
    where = {"src": str(datagram.source), "dst": str(datagram.destination)}
    carrier = {"proto" if family == 4 else "nh": PROTOCOL, **where}
    layer = scapy()["v2" if advert.version == 2 else "v3"]
    envelope = scapy()[family](bytes(scapy()[family](**carrier) / datagram.message))
    fields = envelope[layer] if layer in envelope else layer(datagram.message)
    assert (fields.version, fields.type, fields.vrid) == (advert.version, 1, advert.vrid)
    assert (fields.priority, fields.ipcount) == (advert.priority, len(advert.addresses))
    unit = SECOND if advert.version == 2 else CENTISECOND
    assert fields.adv * unit == advert.interval
    if family == 4:
        assert tuple(map(ip_address, fields.addrlist)) == advert.addresses
    if advert.version == 2:
        assert fields.authtype == advert.auth_type
        assert bytes(fields)[-8:] == advert.auth
    if advert.pseudo is False or layer not in envelope:
        return  # scapy knows the form with the pseudo-header only
    heard = fields.chksum
    del fields.chksum
    again = layer(bytes(envelope)[-len(datagram.message) :]).chksum
    assert heard == again or {heard, again} == {0, 0xFFFF}, (heard, again)


def config(data: bytes) -> None:
    """One configuration file."""
    if len(data) > LARGEST_FILE:
        return
    # Includes must find nothing: the inputs are to mean the same on every machine.
    with elsewhere():
        refused: ConfigError | None = None
        try:
            loaded = loads(data, config_id="host")
        except ConfigError as error:
            refused = error
        if refused is not None:
            assert str(refused)
            assert refused.diagnostics
            return
        assert all(str(one) for one in loaded.diagnostics)
        assert loaded.exit_status in (0, 4)
        if b"_RANDOM" not in data:
            assert loads(data, config_id="host") == loaded
        if loaded.config.instances:
            check_it_runs(data)


def simulated_daemon(text: str) -> Any:
    """A simulated LAN of one machine, `one`, whose daemon has started with this file."""
    from labs.simulation.lan import Lan  # the decoder can be fuzzed without it

    lan = Lan("empty", hosts={"one": "192.168.1.11"}, ping=None)
    lan.conf("one", text)
    lan.start("one")
    return lan


def check_it_runs(data: bytes) -> None:
    """A daemon on a simulated machine starts with it, becomes what it can, reloads, and stops."""
    lan = simulated_daemon(data.decode("utf-8", "replace"))
    daemon = lan.daemons["one"]
    lan.run(1)
    assert len(json.dumps(daemon.status(), default=str)) > 0
    daemon.reload()
    lan.run(0.5)
    lan.stop("one")
    host = lan.machines["one"]
    assert host.ip in host.addresses, "the host has lost its own address"


@cache
def empty_directory() -> tempfile.TemporaryDirectory[str]:
    """A directory without files, for the lifetime of this process."""
    return tempfile.TemporaryDirectory(prefix="vrrpd-fuzz-")


class elsewhere:
    """In the empty directory, until the block ends."""

    def __enter__(self) -> None:
        self.before = os.getcwd()
        os.chdir(empty_directory().name)

    def __exit__(self, *_: object) -> None:
        os.chdir(self.before)


class Connection:
    """The daemon's end of a control connection: remembers what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        return len(data)

    def fileno(self) -> int:
        return -1


class Peer:
    """A client that `Control` serves without a socket."""

    def __init__(self) -> None:
        self.connection = Connection()
        self.pending = b""
        self.watching = False


@cache
def control() -> Control:
    """A control socket without the socket, of a daemon that runs on a simulated machine."""
    block = "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.168.1.10\n}"
    lan = simulated_daemon(f"vrrp_instance VI_1 {{\n{block}\n}}\n")
    lan.run(5)
    made = Control.__new__(Control)
    made.daemon = lan.daemons["one"]
    return made


def request(data: bytes) -> None:
    """One line on the control socket."""
    peer: Any = Peer()
    control().answer(peer, data.partition(b"\n")[0])
    [answer] = peer.connection.sent
    assert answer.endswith(b"\n")
    assert answer.count(b"\n") == 1
    assert isinstance(json.loads(answer)["ok"], bool)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "packet": packet,
    "config": config,
    "request": request,
}
