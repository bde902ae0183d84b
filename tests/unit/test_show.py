"""What a lesson shows: bytes of a packet, the state machine, source beside its section."""

from __future__ import annotations

import html
import json
import re
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from labs.capture.packet_fields import AH, REST, VRRP, Anatomy, dissect
from labs.errors import LabError
from labs.figures.transition_table import rows
from labs.lessons.rfc_sections import section
from labs.lessons.show import Source, show
from labs.model.facts import Advert
from tests.captures import packets
from tests.support import REPOSITORY
from vrrpd import fsm
from vrrpd.packet import ipv4_packet

# Captures of keepalived: version 2 with a password, behind AH, version 3, version 3 over IPv6.
KINDS = {"v2": "02", "AH": "03", "v3": "04", "v3 over IPv6": "06", "20 addresses": "07"}


def covered(anatomy: Anatomy) -> list[int]:
    """How many hexadecimal digits of each byte the rows show."""
    digits = [0] * len(anatomy.packet)
    for row in anatomy.rows:
        raw = row.raw.replace(" ", "")
        for number, digit in enumerate(raw):
            digits[row.start + number // 2] += digit != "."
    return digits


@pytest.mark.parametrize("number", KINDS.values(), ids=KINDS)
def test_every_byte_is_in_the_table_once_and_scapy_reads_the_same(number: str) -> None:
    for packet in packets(number)[:5]:
        anatomy = dissect(packet)
        assert covered(anatomy) == [2] * len(packet)
        assert [row.other for row in anatomy.rows if not row.agrees] == []
        assert REST not in {row.layer for row in anatomy.rows}
        assert anatomy.verdict.startswith("vrrpd reads: version")


def test_a_color_in_the_source_itself_is_shown_as_it_is_written() -> None:
    """Only colors of the highlighting have a second one for a dark page."""
    line = 'STYLE = "color: #123456; background: #ABC"  # color: #FEDCBA'
    shown = html.unescape(re.sub("<[^>]*>", "", Source(line, "labs/x.py:1")._repr_html_()))
    assert line in shown
    assert "light-dark(" in Source(line, "labs/x.py:1")._repr_html_()


def test_a_row_says_what_its_bytes_mean() -> None:
    told = {
        row.field: (row.place, row.value, row.meaning) for row in dissect(packets("02")[0]).rows
    }
    assert told["TTL"] == ("8", 255, "must be 255: it has passed no router")
    assert told["virtual router ID"][:2] == ("21", 51)
    assert told["address 1"][:2] == ("28-31", "192.168.1.10")
    assert told["authentication data"][2] == "readable by everybody on the network: '1111'"


def test_the_trailer_of_auth_hmac_is_taken_apart() -> None:
    """On keepalived's own vector: tests/data/auth-hmac-vectors.json."""
    data = json.loads((REPOSITORY / "tests/data/auth-hmac-vectors.json").read_text())
    (one, _) = data["vectors"]
    message = bytes.fromhex(one["hex"])
    source, group = IPv4Address(one["ip_src"]), IPv4Address(one["ip_dst"])
    anatomy = dissect(ipv4_packet(message, source, group, 1))
    told = {row.field: row.value for row in anatomy.rows if row.layer == "auth_hmac"}
    assert (told["type"], told["key ID"], told["seconds"]) == (1, 1, 0x68000000)
    assert told["HMAC"] == message[-16:].hex()
    assert covered(anatomy) == [2] * (20 + len(message))
    assert REST not in {row.layer for row in anatomy.rows}
    assert "auth_hmac" in anatomy._repr_html_()


def test_behind_ah_the_password_does_not_show() -> None:
    anatomy = dissect(packets("03")[0])
    assert {AH, VRRP} <= {row.layer for row in anatomy.rows}
    assert "1111" not in anatomy.text().replace(" ", "")


def test_a_hundredth_of_a_second_in_version_3() -> None:
    (interval,) = (r for r in dissect(packets("04")[0]).rows if r.field == "advertisement interval")
    assert interval.value == 50
    assert "0.5 s" in interval.meaning


def test_a_forged_ttl_and_a_wrong_checksum_are_called_so() -> None:
    packet = bytearray(packets("02")[0])
    packet[8] = 64
    packet[22] = 255
    anatomy = dissect(bytes(packet))
    told = {row.field: row.meaning for row in anatomy.rows}
    assert "not 255" in told["TTL"]
    assert told["checksum"] == "WRONG"
    assert told["header checksum"].endswith("WRONG")
    assert "drops it" in anatomy.verdict


@given(st.sampled_from(list(KINDS.values())), st.integers(0, 100), st.binary(max_size=12))
def test_what_is_cut_off_or_garbled_is_shown_as_far_as_it_goes(
    number: str, length: int, junk: bytes
) -> None:
    anatomy = dissect(packets(number)[0][:length] + junk)
    assert all(digits >= 1 for digits in covered(anatomy)[:2])
    assert anatomy.text()
    assert "<table" in anatomy._repr_html_()


@given(st.binary(max_size=80))
def test_any_bytes_can_be_shown(packet: bytes) -> None:
    assert dissect(packet).text().splitlines()[-2].startswith("── vrrpd")


def test_a_packet_may_come_as_fact_bytes_or_hex() -> None:
    raw = packets("02")[0]
    advert = Advert(1.0, "web1", "192.168.1.11", 51, 2, 150, 1.0, hex=raw.hex())
    assert show.packet(raw) == show.packet(raw.hex()) == show.packet(advert) == dissect(raw)
    for nonsense in (3, "no packet", None):
        with pytest.raises(LabError, match="is no packet: give an Advert"):
            show.packet(nonsense)


def test_words_from_the_wire_cannot_become_html() -> None:
    packet = packets("02")[0][:-8] + b"<script>"
    assert "<script>" not in dissect(packet)._repr_html_()


def test_the_machine_shows_every_transition_in_words_and_in_the_picture() -> None:
    machine = show.machine()
    text = re.sub(r"\s+", " ", machine.text())
    figure = machine.figure()
    drawn = " ".join(" ".join(words.get_text().split()) for words in figure.axes[0].texts)
    for row in rows():
        assert row.event in text
        for word in row.event.replace("Advertisement, ", "").split():
            assert word.strip(",") in drawn, row
    arrows = [words for words in figure.axes[0].texts if getattr(words, "arrow_patch", None)]
    pairs = {(row.state, row.after) for row in rows() if row.state != row.after}
    assert len(arrows) == len(pairs)


def test_no_word_of_the_machine_covers_another() -> None:
    figure = show.machine().figure()
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [
        (words.get_text(), words.get_window_extent(renderer))
        for words in figure.axes[0].texts
        if words.get_text()
    ]
    for i, (left, a) in enumerate(boxes):
        assert a.x0 >= 0, left
        assert a.x1 <= figure.bbox.x1, left
        assert [right for right, b in boxes[i + 1 :] if a.overlaps(b)] == [], left


def test_source_stands_beside_its_section() -> None:
    shown = show(fsm.backup, "RFC 3768 §6.4.2")
    assert isinstance(shown, Source)
    assert repr(shown).startswith("RFC 3768 §6.4.2, Backup  https://www.rfc-editor.org/rfc/rfc3768")
    assert "def backup(" in repr(shown)
    page = shown._repr_html_()
    assert 'href="https://www.rfc-editor.org/rfc/rfc3768#section-6.4.2"' in page
    assert "Skew_Time" in page
    assert repr(show(fsm.backup)).startswith("# vrrpd/fsm.py:")


def test_a_section_without_a_summary_is_still_a_link() -> None:
    assert section("RFC 5880 section 4.1").link.endswith("rfc5880#section-4.1")
    assert section("RFC 9568, section 6.4.3").title == "Active (MASTER)"
    with pytest.raises(ValueError, match="names no section"):
        section("somewhere in the RFC")
