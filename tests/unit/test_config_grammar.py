"""Every keyword of the table: its row is sound, a good argument is accepted, a bad one refused."""

from __future__ import annotations

import re

import pytest

from vrrpd.config import Globals, Instance, Keyword, SyncGroup, keywords, loads
from vrrpd.config.grammar import blocks_of, in_block
from vrrpd.config.grammar.since import SINCE
from vrrpd.config.model import GarpGroup, TrackFile, TrackProcess, TrackScript
from vrrpd.record import Record

MODELS: dict[str, type[Record]] = {
    "": Globals,
    "global_defs": Globals,
    "vrrp_instance": Instance,
    "vrrp_sync_group": SyncGroup,
    "vrrp_script": TrackScript,
    "vrrp_track_process": TrackProcess,
    "track_file": TrackFile,
    "garp_group": GarpGroup,
}
PLAIN = ("flag", "bool", "int", "seconds", "decimal", "word", "optional", "choice", "command")
# Fields that several keywords share, or that the builder folds into another value.
FOLDED = {"accept", "delay_ns", "no_virtual_ipaddress", "interface", "native_ipv6"}
TABLE = [one for one in keywords() if one.status != "skipped"]
GLOBALS = [one for one in TABLE if one.block == "global_defs"]
INSTANCE = [one for one in TABLE if one.block == "vrrp_instance"]

INSTANCE_TEXT = """
vrrp_script chk {{
    script /bin/true
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {{
        192.168.1.10
    }}
    {line}
}}
"""


def name_of(keyword: Keyword) -> str:
    return f"{keyword.block or 'root'}-{keyword.name}"


def good_argument(keyword: Keyword) -> str:
    """An argument at the upper end of what the table allows."""
    return {
        "flag": "",
        "bool": "off",
        "int": keyword.high,
        "seconds": keyword.high,
        "decimal": keyword.high,
        "word": "name",
        "optional": "name",
        "words": "MTU",
        "choice": keyword.choices[-1] if keyword.choices else "",
        "command": '"/bin/true one two"',
        "ip": "192.168.1.1",
    }.get(keyword.kind, "")


def faults(text: str, name: str) -> list[str]:
    """The messages worse than a note in the line of that keyword."""
    found = loads(text).diagnostics
    return [one.message for one in found if one.severity != "note" and name in one.source_line]


def test_no_keyword_stands_twice_in_one_block() -> None:
    places = [(one.block, one.name) for one in keywords()]
    assert len(places) == len(set(places))


def test_every_keyword_has_the_version_that_brought_it() -> None:
    """And since.py, where the versions are, has no other keyword."""
    table = {(one.block, one.name): one for one in keywords()}
    assert set(table) == set(SINCE)
    for one in table.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+|after 2\.4\.3|vrrpd", one.since), one


def test_a_keyword_may_be_too_new_for_a_version() -> None:
    hmac = in_block("vrrp_instance")["auth_hmac"]
    assert hmac.since == "2.4.0"
    assert (hmac.newer_than("2.3.4"), hmac.newer_than("2.4.0")) == (True, False)
    assert not in_block("vrrp_instance")["priority"].newer_than("2.2.7")


def test_lookup_agrees_with_the_table() -> None:
    assert in_block("vrrp_instance")["virtual_router_id"].field == "vrid"
    assert set(blocks_of("notify_master")) == {"vrrp_instance", "vrrp_sync_group"}
    assert in_block("no such block") == {}


@pytest.mark.parametrize("keyword", list(keywords()), ids=name_of)
def test_row_is_complete(keyword: Keyword) -> None:
    assert keyword.doc.endswith(".")
    assert "\n" not in keyword.doc
    assert keyword.status in ("done", "parsed", "skipped")
    assert keyword.expected
    if keyword.kind in ("int", "seconds", "decimal"):
        assert float(keyword.low) <= float(keyword.high)
    if keyword.kind == "choice":
        assert keyword.choices


def has_field_of_its_own(keyword: Keyword) -> bool:
    model = MODELS.get(keyword.block)
    gathered = keyword.target.startswith(("notify", "garp_")) and model is not Globals
    return (
        model is not None
        and keyword.kind in PLAIN
        and keyword.target not in FOLDED
        and not gathered
    )  # the others end up in Notify and Garp


@pytest.mark.parametrize("keyword", [*filter(has_field_of_its_own, TABLE)], ids=name_of)
def test_plain_keyword_has_a_field_in_the_model(keyword: Keyword) -> None:
    assert keyword.target in MODELS[keyword.block]._fields


@pytest.mark.parametrize("keyword", [one for one in GLOBALS if one.kind in PLAIN], ids=name_of)
def test_global_keyword_takes_a_good_argument(keyword: Keyword) -> None:
    text = f"global_defs {{\n {keyword.name} {good_argument(keyword)}\n}}"
    wrong = faults(text, keyword.name)
    assert [one for one in wrong if "old name" not in one] == []
    assert bool(wrong) == bool(keyword.deprecated)


@pytest.mark.parametrize(
    "keyword",
    [one for one in INSTANCE if one.kind in PLAIN and one.name != "no_virtual_ipaddress"],
    ids=name_of,
)
def test_instance_keyword_takes_a_good_argument(keyword: Keyword) -> None:
    line = f"{keyword.name} {good_argument(keyword)}"
    wrong = faults(INSTANCE_TEXT.format(line=line), line.strip())
    allowed = {"unicast_ttl": 1, "interface": 1, "virtual_router_id": 1}  # no peers; again
    assert len([one for one in wrong if "old name" not in one]) == allowed.get(keyword.name, 0)


@pytest.mark.parametrize(
    "keyword",
    [
        one
        for one in TABLE
        if one.kind in ("int", "seconds", "decimal", "choice")
        and one.block in ("global_defs", "vrrp_instance")
    ],
    ids=name_of,
)
@pytest.mark.parametrize("bad", ["rubbish", "-4294967296000", "99999999999999"])
def test_number_out_of_range_is_ignored_with_what_was_expected(keyword: Keyword, bad: str) -> None:
    line = f"{keyword.name} {bad}"
    if keyword.block == "global_defs":
        text = f"global_defs {{\n{line}\n}}"
    elif keyword.name == "virtual_router_id":
        text = INSTANCE_TEXT.format(line=line).replace("{line}", line)
    else:
        text = INSTANCE_TEXT.format(line=line)
    found = [one for one in loads(text).diagnostics if line in one.source_line]
    errors = [one for one in found if one.severity == "error"]
    assert len(errors) == 1
    assert errors[0].expected == keyword.expected
    assert loads(text).exit_status == 4


@pytest.mark.parametrize("block", ["global_defs", "vrrp_instance"])
def test_keyword_not_done_is_noted_once(block: str) -> None:
    name = next(
        one.name
        for one in TABLE
        if (one.block, one.status) == (block, "parsed") and one.kind in ("flag", "bool")
    )
    line = f"{name}\n {name}"
    text = (
        f"global_defs {{ \n{line}\n }}"
        if block == "global_defs"
        else INSTANCE_TEXT.format(line=line)
    )
    loaded = loads(text)
    notes = [
        one for one in loaded.diagnostics if one.severity == "note" and f"'{name}'" in one.message
    ]
    assert len(notes) == 1
    assert "not done" in notes[0].message
    assert loaded.exit_status == 0


def test_the_articles_keywords_are_done() -> None:
    for name in (
        "state",
        "interface",
        "virtual_router_id",
        "priority",
        "advert_int",
        "authentication",
        "virtual_ipaddress",
        "virtual_ipaddress_excluded",
        "notify_master",
        "notify_backup",
    ):
        assert in_block("vrrp_instance")[name].status == "done"
