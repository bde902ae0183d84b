"""Packets from other people's test suites (tests/data/vrrp-vectors.json), with their verdicts.

Every vector must decode to the fields that its source states, and be admitted or refused as its
verdict says, by a router that is configured as its sender is.  A vector is set apart only by a
rule that is written here with its reason, and the number of those is written here too.
"""

from __future__ import annotations

import json
from collections import Counter
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest

from vrrpd.config.values import Auth
from vrrpd.fsm import SECOND
from vrrpd.packet import (
    CENTISECOND,
    GROUP4,
    GROUP6,
    Advertisement,
    Datagram,
    PacketError,
    parse_ip,
    read,
)
from vrrpd.validation import Expectation, admit, find_vrid

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vrrp-vectors.json").read_text())
NOWHERE = {4: IPv4Address("192.0.2.9"), 6: IPv6Address("fe80::9")}
GROUPS = {4: GROUP4, 6: GROUP6}
ETHERNET = 14


def apart(vector: dict[str, Any]) -> str | None:
    """Why a vector has no verdict that a receiver could be held to, or None."""
    decoded = vector["decoded"]
    if decoded["layer"].endswith("-header"):
        return "a bare header of another layer"
    if decoded["verdict"].startswith("field-decode"):
        return "the checksum in it is a placeholder, or its address pair is unknown"
    if vector["source"].endswith("VRRP-V2.pcap"):
        return "version 2 without its authentication data: incomplete by RFC 3768 section 5.3"
    return None


def datagram(vector: dict[str, Any]) -> Datagram:
    """The vector as it would have come in."""
    decoded, data = vector["decoded"], bytes.fromhex(vector["hex"])
    if decoded["layer"] == "ethernet":
        return parse_ip(data[ETHERNET:])
    if decoded["layer"] in ("ipv4", "ipv6"):
        return parse_ip(data)
    family = decoded["ip_version"]
    source = ip_address(decoded.get("ip_src", NOWHERE[family]))
    destination = ip_address(decoded.get("ip_dst", GROUPS[family]))
    return Datagram(source, destination, decoded.get("ttl_or_hop_limit", 255), 112, data)


def expectation(vector: dict[str, Any], strict: bool = False) -> Expectation:
    """A router configured as the sender is, but one of 1 s where the verdict says mismatch."""
    decoded = vector["decoded"]
    vrrp = decoded.get("vrrp", {})
    version = 2 if vrrp.get("version") == 2 and decoded.get("ip_version") != 6 else 3
    interval = SECOND * vrrp.get("adver_int_s", 1)
    if "mismatch" in decoded["verdict"]:
        interval = SECOND
    auth = Auth()
    if vrrp.get("auth_type") == 1 and decoded["verdict"].startswith("accept"):
        auth = Auth("PASS", bytes.fromhex(vrrp["trailer_hex"]))
    return Expectation(version, interval, auth, IPv4Address("203.0.113.77"), strict=strict)


def accepted(vector: dict[str, Any]) -> bool:
    """Whether the verdict is that an RFC 9568 receiver (RFC 3768 for version 2) takes it.

    Trailing bytes and the HMAC extension are refused, as keepalived, FRR and ze refuse them; a
    first IPv6 address that is not link-local is refused under strict only, as everybody does.
    """
    verdict = vector["decoded"]["verdict"]
    return (
        (
            verdict.startswith(("accept", "checksum", "reject under RFC 9568 5.2.9"))
            and "HMAC" not in verdict
        )
        or verdict.startswith("reject: vrid")  # found out before any check, by the lookup
    )


def name(vector: dict[str, Any]) -> str:
    return str(vector["source"]).split("github:")[-1].replace(" ", "-")[:80]


JUDGED = [vector for vector in VECTORS if apart(vector) is None]


def test_how_many_are_set_apart_and_why() -> None:
    assert len(VECTORS) == 99
    assert Counter(filter(None, map(apart, VECTORS))) == {
        "a bare header of another layer": 2,
        "the checksum in it is a placeholder, or its address pair is unknown": 5,
        "version 2 without its authentication data: incomplete by RFC 3768 section 5.3": 1,
    }


def receive(vector: dict[str, Any], strict: bool = False) -> Advertisement:
    """What a Segment does with a packet: find whose it is, then the checks in order."""
    packet = datagram(vector)
    find_vrid(packet)
    return admit(packet, expectation(vector, strict))


@pytest.mark.parametrize("vector", JUDGED, ids=name)
def test_verdict(vector: dict[str, Any]) -> None:
    if accepted(vector):
        receive(vector)
    else:
        with pytest.raises(PacketError):
            receive(vector)


@pytest.mark.parametrize("vector", [v for v in JUDGED if accepted(v)], ids=name)
def test_fields(vector: dict[str, Any]) -> None:
    stated = vector["decoded"]["vrrp"]
    advert = receive(vector)
    assert (advert.version, advert.vrid, advert.priority) == (
        stated["version"],
        stated["vrid"],
        stated["priority"],
    )
    assert [str(address) for address in advert.addresses] == stated["addresses"]
    if advert.version == 2:
        assert advert.interval == stated["adver_int_s"] * SECOND
        assert advert.auth.hex() == stated["trailer_hex"]
    else:
        assert advert.interval == stated["max_adver_int_cs"] * CENTISECOND
        form = "pseudo-header" if advert.pseudo else "message-only"
        assert form in stated["checksum_verifies_as"]


@pytest.mark.parametrize(
    "vector", [v for v in JUDGED if "link-local" in v["decoded"]["verdict"]], ids=name
)
def test_strict_wants_a_link_local_address_first(vector: dict[str, Any]) -> None:
    with pytest.raises(PacketError, match="link-local"):
        receive(vector, strict=True)


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if apart(v) and "vrrp" in v["decoded"] and v["decoded"]["vrrp"]],
    ids=name,
)
def test_even_a_placeholder_has_fields(vector: dict[str, Any]) -> None:
    stated, found = vector["decoded"]["vrrp"], datagram(vector)
    advert = read(found.message, found.source.version)
    assert (advert.vrid, advert.priority) == (stated["vrid"], stated["priority"])
    assert [str(address) for address in advert.addresses] == stated["addresses"]
