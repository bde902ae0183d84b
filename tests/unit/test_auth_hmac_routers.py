"""Routers that sign with `auth_hmac`: elections, forgeries, replays, rotation, and no key shown.

The daemons are vrrpd's own on the simulated LAN; an attacker injects what was received there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from labs.model.facts import Advert
from labs.simulation.lan import Lan
from tests.cluster import advert, cluster, conf, inject, router, state
from vrrpd.auth_hmac import TRAILER, TRAILER_BYTES, sign, stamp
from vrrpd.config import ConfigError, loads
from vrrpd.config.model import AuthHmac, Instance
from vrrpd.dump.instance import hmac_lines
from vrrpd.dump.json import as_json
from vrrpd.dump.writer import stats
from vrrpd.fsm import SECOND
from vrrpd.packet import GROUP4, decode, ipv4_packet, parse_ip

HEX = bytes(range(32)).hex()
KEY = bytes(range(32))
OTHER = "0123456789abcdefghijklmnopqrstuvwxyz"
SIX = {"vips": ("fe80::10", "2001:db8:1::10")}
UNICAST = {
    "web1": "unicast_peer {\n192.168.1.12\n}",
    "web2": "unicast_peer {\n192.168.1.11\n}",
}
REASONS = ("missing", "malformed", "unknown-key", "invalid-hmac", "stale", "replay")


def block(*words: str, key: str = f"hex:{HEX}", key_id: int = 1, active: int = 1) -> str:
    """An `auth_hmac` block with one key; `words` are further lines of it."""
    lines = "\n".join((f"key {key_id} {key}", f"active_key {active}", *words))
    return f"auth_hmac {{\n{lines}\n}}"


def pair(*words: str, **more: Any) -> Lan:
    """`web1` with priority 150 and `web2` with 100, both with these words; 10.2 s later."""
    lan = cluster(web1=conf(150, *words, **more), web2=conf(100, *words, **more))
    lan.run(10.2)
    return lan


def errors(lan: Lan, host: str) -> dict[str, int]:
    """What has been refused, by reason; what has not happened is left out."""
    counters = router(lan, host).counters
    return {one: count for one in REASONS if (count := counters[f"auth-ext-{one}"])}


def advertisements(lan: Lan, host: str = "web1") -> list[bytes]:
    """What a host has sent, as IP packets."""
    return [
        bytes.fromhex(one.hex) for one in lan.facts if isinstance(one, Advert) and one.host == host
    ]


def forged(
    lan: Lan, priority: int = 254, key: bytes = KEY, key_id: int = 1, ago: float = 0
) -> bytes:
    """A signed Advertisement of 192.168.1.13, stamped `ago` seconds before now."""
    source = IPv4Address("192.168.1.13")
    message = parse_ip(advert(priority, str(source))).message
    when = lan.clock.calendar - round(ago * SECOND)
    trailer = sign(message, source, key_id, key, stamp(when))
    return ipv4_packet(message + trailer, source, GROUP4, 1)


@pytest.mark.parametrize(
    ("version", "more"), [("version 2", {}), ("version 3", {}), ("version 3", SIX)]
)
def test_routers_with_the_same_key_elect_one_master(version: str, more: dict[str, Any]) -> None:
    lan = pair(version, block(), **more)
    assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "BACKUP")
    lan.crash("web1")
    lan.run(4)
    assert state(lan, "web2") == "MASTER"
    lan.start("web1")
    lan.run(8)
    assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "BACKUP")
    assert errors(lan, "web1") == errors(lan, "web2") == {}
    assert router(lan, "web2").counters["advertisement-rcvd"] > 10


def test_every_advertisement_has_a_number_of_its_own() -> None:
    lan = pair(block())
    sent = [parse_ip(one).message[-TRAILER_BYTES:] for one in advertisements(lan)]
    numbers = [TRAILER.unpack(one)[3] for one in sent]
    assert len(numbers) > 5
    assert all(before < following for before, following in pairwise(numbers))


def test_all_unicast_peers_get_the_same_trailer() -> None:
    words = "unicast_peer {\n192.168.1.12\n192.168.1.13\n}"
    lan = cluster(web1=conf(150, words, block()), web2=conf(100, UNICAST["web2"], block()))
    lan.run(10.2)
    sent = [parse_ip(one) for one in advertisements(lan)]
    by_number: dict[bytes, set[str]] = {}
    for one in sent:
        by_number.setdefault(one.message[-TRAILER_BYTES:], set()).add(str(one.destination))
    assert len(by_number) > 5
    assert set(map(frozenset, by_number.values())) == {frozenset({"192.168.1.12", "192.168.1.13"})}
    assert state(lan, "web2") == "BACKUP"


def test_a_signed_packet_from_no_peer_is_refused() -> None:
    lan = cluster(
        web1=conf(150, UNICAST["web1"], block()), web2=conf(100, UNICAST["web2"], block())
    )
    lan.run(10.2)
    source, destination = IPv4Address("192.168.1.13"), IPv4Address("192.168.1.11")
    message = parse_ip(advert(254, str(source))).message
    trailer = sign(message, source, 1, KEY, stamp(lan.clock.calendar))
    inject(lan, "web1", ipv4_packet(message + trailer, source, destination, 1))
    assert state(lan, "web1") == "MASTER"
    assert router(lan, "web1").counters["own-source"] == 1


def test_who_has_the_key_is_believed() -> None:
    lan = pair(block())
    inject(lan, "web1", forged(lan))
    assert state(lan, "web1") == "BACKUP"


REFUSED: dict[str, dict[str, Any]] = {
    "unknown-key": {"key_id": 7},
    "invalid-hmac": {"key": bytes(32)},
    "stale": {"ago": 6},
}


@pytest.mark.parametrize("reason", list(REFUSED))
def test_a_forgery_touches_nothing_but_its_counter(reason: str) -> None:
    lan = pair(block())
    one = router(lan, "web1")
    before, deadline = one.current, one.current.deadline
    inject(lan, "web1", forged(lan, **REFUSED[reason]))
    assert (one.current, one.current.deadline) == (before, deadline)
    assert errors(lan, "web1") == {reason: 1}


def test_what_has_no_trailer_is_refused_and_what_has_a_malformed_one_too() -> None:
    lan = pair(block())
    inject(lan, "web1", advert(254))
    packet = bytearray(forged(lan))
    packet[-TRAILER_BYTES] = 2
    inject(lan, "web1", bytes(packet))
    assert state(lan, "web1") == "MASTER"
    assert errors(lan, "web1") == {"missing": 1, "malformed": 1}


def test_a_replay_changes_nothing_at_a_backup_either() -> None:
    lan = pair(block())
    deadline = router(lan, "web2").current.deadline
    lan.run(0.1)
    inject(lan, "web2", advertisements(lan)[-1])
    assert router(lan, "web2").current.deadline == deadline
    assert errors(lan, "web2") == {"replay": 1}


def test_a_resignation_that_was_recorded_cannot_be_played_again() -> None:
    lan = pair(block())
    lan.stop("web1")
    lan.start("web1")
    lan.run(20)
    resignation = next(one for one in advertisements(lan) if parse_ip(one).message[2] == 0)
    inject(lan, "web2", resignation)
    lan.run(3)
    assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "BACKUP")
    assert errors(lan, "web2") == {"stale": 1}


def test_a_flood_of_forgeries_is_counted_and_costs_one_line() -> None:
    lan = pair(block())
    for _ in range(100):
        inject(lan, "web1", forged(lan, key=bytes(32)))
    lines = [line for line in lan.logs["web1"].lines if "HMAC" in line]
    assert lines == [
        "(VI_1) dropped packet from 192.168.1.13: the HMAC does not fit: another key under id 1?"
    ]
    assert errors(lan, "web1") == {"invalid-hmac": 100}


def test_without_auth_hmac_a_trailer_is_too_long() -> None:
    """keepalived does the same: a cluster goes over by receive-only, permissive, enforce."""
    lan = pair()
    inject(lan, "web1", forged(lan))
    assert state(lan, "web1") == "MASTER"
    assert router(lan, "web1").counters["packet-length-errors"] == 1


def reload(lan: Lan, host: str, text: str) -> None:
    """Another configuration for a host, and five seconds with it."""
    lan.conf(host, text)
    lan.reload(host)
    lan.run(5)


def test_the_three_modes_lead_a_running_cluster_over_without_a_gap() -> None:
    lan = pair()
    for mode in ("receive-only", "permissive", "enforce"):
        for host, priority in (("web1", 150), ("web2", 100)):
            reload(lan, host, conf(priority, block(f"mode {mode}")))
            assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "BACKUP")
    assert [line for line in lan.journal("web2") if line.get("to") == "MASTER"] == []
    assert errors(lan, "web2") == errors(lan, "web1") == {}
    assert len(parse_ip(advertisements(lan)[-1]).message) == 20 + TRAILER_BYTES


def test_a_key_is_replaced_without_a_gap() -> None:
    lan = pair(block())
    both = f"key 2 {OTHER}"
    steps = (block(both), block(both, active=2), block(key=OTHER, key_id=2, active=2))
    for step in steps:
        for host, priority in (("web1", 150), ("web2", 100)):
            reload(lan, host, conf(priority, step))
    assert [line for line in lan.journal("web2") if line.get("to") == "MASTER"] == []
    assert errors(lan, "web2") == errors(lan, "web1") == {}
    inject(lan, "web1", forged(lan))
    assert errors(lan, "web1") == {"unknown-key": 1}


def test_a_reload_does_not_permit_replays() -> None:
    lan = pair(block())
    packet = advertisements(lan)[-1]
    lan.conf("web2", conf(100, block(f"key 2 {OTHER}")))
    lan.reload("web2")
    inject(lan, "web2", packet)
    assert errors(lan, "web2") == {"replay": 1}


def test_two_halves_without_a_password_log_why_they_drop_each_other() -> None:
    lan = cluster(web1=conf(150, block()), web2=conf(100, block(key=OTHER)))
    lan.run(10.2)
    assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "MASTER")
    told = [line for line in lan.logs["web2"].lines if "dropped packet" in line]
    assert "another key under id 1?" in told[0]


# The configuration.


def read(*words: str, head: str = "", strict: bool = False) -> Instance:
    """The instance that these words make.  Raises ConfigError."""
    more = ("strict_mode",) if strict else ()
    return loads(head + conf(100, *more, *words)).config.instances[0]


def auth(*words: str, **more: Any) -> AuthHmac:
    """Its auth_hmac."""
    found = read(*words, **more).auth_hmac
    assert found is not None
    return found


def found(text: str) -> list[tuple[str, str]]:
    """(severity, message) of what is wrong with a configuration."""
    return [(one.severity, one.message) for one in loads(text).diagnostics]


def test_the_defaults_are_keepaliveds() -> None:
    one = auth(block())
    assert (one.mode, one.anti_replay, one.time_window) == ("enforce", "time", 5)
    assert one.keys == ((1, KEY),)
    assert auth("advert_int 4", block()).time_window == 12
    assert auth("advert_int 200", block()).time_window == 300
    assert auth(block("anti_replay monotonic")).window is None


@pytest.mark.parametrize("value", [f"hex:{HEX}", f'"hex:{bytes(range(32)).hex(" ")}"'])
def test_digits_may_have_blanks_between_them(value: str) -> None:
    assert auth(block(key=value)).keys == ((1, KEY),)


@pytest.mark.parametrize(
    ("content", "mode", "complaints"),
    [(f"hex:{HEX}\n", 0o600, 0), (f"hex:{HEX}", 0o640, 1), (f"{HEX}\r\n", 0o600, 0)],
)
def test_a_key_may_be_in_a_file(tmp_path: Path, content: str, mode: int, complaints: int) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(mode)
    loaded = loads(conf(100, block(key=f"file:{path}")))
    one = loaded.config.instances[0].auth_hmac
    assert one is not None
    assert one.key(1) == (KEY if content.startswith("hex:") else HEX.encode())
    assert sum("can be read by group or others" in d.message for d in loaded.diagnostics) == (
        complaints
    )


def test_a_key_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vrrp51").write_text(f"hex:{HEX}\n")
    (tmp_path / "vrrp51").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert auth(block(key="file:${_ENV CREDENTIALS_DIRECTORY}/vrrp51")).key(1) == KEY


BAD_KEYS = {
    "key 1": "a key needs an id and a value",
    "key 0 x": "'0' is out of range",
    "key 256 x": "'256' is out of range",
    "key 2 short": "key 2 has 5 bytes, not 32 to 64",
    "key 2 " + "x" * 65: "key 2 has 65 bytes, not 32 to 64",
    "key 2 hex:0": "a key behind hex: has two hexadecimal digits for each byte",
    "key 2 hex:" + "zz" * 32: "a key behind hex: has two hexadecimal digits for each byte",
    f"key 1 {OTHER}": "key 1 is defined already",
    "key 2 file:/nonexistent": "key file /nonexistent cannot be read: No such file or directory",
    "key 2 file:/dev/null": "key file /dev/null is not a regular file",
}


@pytest.mark.parametrize("line", list(BAD_KEYS))
def test_a_bad_key_is_reported_and_the_others_count(line: str) -> None:
    text = conf(100, block(line))
    assert found(text) == [("error", f"(VI_1) auth_hmac: {BAD_KEYS[line]}; ignored")]
    one = loads(text).config.instances[0].auth_hmac
    assert one is not None
    assert one.keys == ((1, KEY),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("auth_hmac {\n}", "no active_key is given"),
        (block(active=2), "key 2 is not defined"),
        (block(key="short"), "key 1 is not defined"),
    ],
)
def test_an_instance_that_could_not_sign_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(conf(100, text))
    assert f"(VI_1) auth_hmac: {why}, so nothing can be signed" in str(caught.value)


def test_a_reload_that_loses_the_key_is_refused_and_the_old_one_stays_in_force() -> None:
    lan = pair(block())
    lan.conf("web1", conf(150, block(key="file:/nonexistent")))
    lan.reload("web1")
    lan.run(5)
    assert (state(lan, "web1"), state(lan, "web2")) == ("MASTER", "BACKUP")
    assert router(lan, "web2").counters["auth-ext-missing"] == 0


def test_authentication_and_auth_hmac_do_not_go_together() -> None:
    text = conf(100, block(), password="1111")
    assert found(text) == [
        ("error", "(VI_1) auth_hmac and authentication do not go together; authentication ignored")
    ]
    assert loads(text).config.instances[0].auth.kind == "NONE"


def test_strict_mode_wants_enforce() -> None:
    loaded = loads(conf(100, "strict_mode", block("mode permissive")))
    one = loaded.config.instances[0].auth_hmac
    assert one is not None
    assert one.mode == "enforce"
    assert any(
        "strict mode requires auth_hmac mode enforce" in d.message for d in loaded.diagnostics
    )


def test_the_trailer_takes_the_space_of_seven_addresses() -> None:
    many = tuple(f"10.0.{n // 250}.{n % 250}/32" for n in range(255))
    loaded = loads(conf(100, "version 3", block(), vips=many))
    assert len(loaded.config.instances[0].addresses) == 255  # 1500 bytes are enough
    from vrrpd.config.vip_limit import capacity

    assert capacity(576, 2, 4, ah=False) - capacity(576, 2, 4, ah=False, hmac=True) == 7


# No output has a key.


def readable_output(lan: Lan) -> Iterator[str]:
    """All that a daemon writes for others to read."""
    daemon = lan.daemons["web1"]
    yield from lan.logs["web1"].lines
    yield from map(json.dumps, lan.journal("web1"))
    yield from as_json(daemon)
    yield from stats(daemon)
    yield from hmac_lines(auth(block()))
    yield repr(daemon.config)
    yield json.dumps(daemon.status())


def test_no_key_in_anything_that_is_written() -> None:
    lan = pair(block(f"key 2 {OTHER}"))
    inject(lan, "web1", forged(lan, key=bytes(32)))
    lan.conf("web1", conf(150, block(f"key 2 {OTHER}", "key 3 short", f"keyy 4 {OTHER}")))
    lan.reload("web1")
    text = "\n".join(readable_output(lan))
    assert "Invalid HMAC: 1" in text
    assert '"auth_ext_invalid_hmac": 1' in text
    for secret in (HEX, OTHER, repr(KEY), str(list(KEY))):
        assert secret not in text


@pytest.mark.parametrize(
    "line",
    [
        f"key 1 {OTHER} more",
        f"keys 1 {OTHER}",
        f"Key 1 {OTHER}",
        f"key x {OTHER}",
        f"key 1 hex:{OTHER}",
    ],
)
def test_no_key_in_the_message_of_a_bad_line(line: str) -> None:
    try:
        lines = [one.render() for one in loads(conf(100, block(line))).diagnostics]
    except ConfigError as error:
        lines = [one.render() for one in error.diagnostics]
    assert lines
    assert OTHER not in "\n".join(lines)
    assert os.linesep.join(lines).count("*") > 0


@pytest.mark.parametrize(
    "line", ["auth_pass secret words", "auth_passs secret", "auth_passwd 12 secret"]
)
def test_no_password_in_the_message_of_a_bad_line(line: str) -> None:
    text = conf(100, f"authentication {{\n auth_type PASS\n {line}\n}}")
    lines = [one.render() for one in loads(text).diagnostics]
    assert lines
    for secret in ("secret", "words", "12 "):
        assert secret not in "\n".join(lines)


# What docs/security.md says that auth_hmac does not protect.


def test_an_advertisement_can_be_read_without_the_key() -> None:
    read = decode(parse_ip(advertisements(pair(block()))[-1]).message[:-TRAILER_BYTES])
    assert (read.priority, [str(ip) for ip in read.addresses]) == (150, ["192.168.1.10"])


def test_lost_advertisements_make_a_backup_take_over() -> None:
    lan = pair(block())
    lan.cut("web1")
    lan.run(5)
    assert sorted(lan.masters()) == ["web1", "web2"]


@pytest.mark.parametrize("mode", ["permissive", "receive-only"])
def test_what_has_no_trailer_is_believed_on_the_way_to_enforce(mode: str) -> None:
    lan = pair(block(f"mode {mode}"))
    inject(lan, "web1", advert(254))
    assert state(lan, "web1") == "BACKUP"


def test_a_router_that_has_just_started_believes_what_was_recorded_just_before() -> None:
    lan = pair(block())
    recorded = advertisements(lan)[-1]
    inject(lan, "web2", recorded)
    assert errors(lan, "web2") == {"replay": 1}
    lan.crash("web1")
    lan.crash("web2")
    lan.start("web2")
    inject(lan, "web2", recorded)
    assert errors(lan, "web2") == {}
    assert router(lan, "web2").current.heard is not None
    inject(lan, "web2", recorded)
    assert errors(lan, "web2") == {"replay": 1}
