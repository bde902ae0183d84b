"""Edits of a keepalived.conf: the line that was meant changes, and nothing else does."""

from __future__ import annotations

import pytest

from labs.conf import Change, contents, has, names_address, setting, with_setting
from labs.errors import LabError
from tests.support import REPOSITORY
from vrrpd.config import loads

ARTICLE = (REPOSITORY / "labs/states/basic/web1/keepalived.conf").read_text()


def lines_of(change: Change) -> list[str]:
    return repr(change).splitlines()[1:]


@pytest.mark.parametrize(
    ("keyword", "value", "told"),
    [
        ("priority", 200, ["  - priority 150", "  + priority 200"]),
        ("auth_pass", "wrong", ["  - auth_pass 1111", "  + auth_pass wrong"]),
        ("smtp_alert", True, ["  + smtp_alert"]),
        ("state", None, ["  - state MASTER"]),
        ("nopreempt", None, ["  as it was"]),
        ("virtual_ipaddress", ["192.168.1.10", "192.168.1.101"], ["  + 192.168.1.101"]),
    ],
)
def test_one_line_changes(keyword: str, value: object, told: list[str]) -> None:
    after = with_setting(ARTICLE, keyword, value)  # type: ignore[arg-type]
    assert lines_of(Change("web1", ARTICLE, after)) == told


def test_the_daemon_reads_what_was_written() -> None:
    text = with_setting(with_setting(ARTICLE, "priority", 7), "smtp_alert", True)
    text = with_setting(text, "virtual_ipaddress", ["192.168.1.20", "192.168.1.21"])
    [instance] = loads(text).config.instances
    assert instance.priority == 7
    assert instance.smtp_alert is True
    assert [str(each.ip) for each in instance.addresses] == ["192.168.1.20", "192.168.1.21"]


def test_a_word_that_only_begins_alike_is_left_alone() -> None:
    text = ARTICLE.replace("advert_int 1", "advert_int 1\n        preempt_delay 5")
    assert "preempt_delay 5" in with_setting(text, "preempt", True)


def test_there_must_be_an_instance_to_put_a_new_line_in() -> None:
    with pytest.raises(LabError, match="vrrp_instance"):
        with_setting("global_defs {\n}\n", "smtp_alert", True)


TWO = """
global_defs { router_id LVS  # priority 1
}
vrrp_sync_group G { group { INSIDE
    OUTSIDE } }
vrrp_instance INSIDE {
    ! priority 7
    priority 150   # ours
    track_interface { eth1 }
    virtual_ipaddress {
        192.168.1.10/24 dev eth0
        2001:DB8::10
    }
}
vrrp_instance OUTSIDE { priority 90
    nopreempt
}
"""


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("priority", "150"), ("router_id", "LVS"), ("nopreempt", None), ("state", None)],
)
def test_setting_is_the_first_value_outside_comments(keyword: str, value: str | None) -> None:
    assert setting(TWO, keyword) == value


def test_has_finds_a_keyword_without_a_value() -> None:
    assert has(TWO, "nopreempt")
    assert not has(TWO, "preempt")


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (["vrrp_sync_group", "group"], [["INSIDE"], ["OUTSIDE"]]),
        (["vrrp_instance INSIDE", "track_interface"], [["eth1"]]),
        (["vrrp_instance OUTSIDE", "track_interface"], []),
        (["vrrp_instance OUTSIDE"], [["priority", "90"], ["nopreempt"]]),
    ],
)
def test_contents_of_a_block(names: list[str], lines: list[list[str]]) -> None:
    assert contents(TWO, *names) == lines


def test_an_address_is_found_in_any_spelling() -> None:
    assert names_address(TWO, "2001:db8::10")
    assert names_address(TWO, "192.168.1.10")
    assert not names_address(TWO, "192.168.1.1")


@pytest.mark.parametrize("text", ["{", "}", "}}{", "a { b", 'x "unfinished', "\n\n", "!{\n}"])
def test_a_damaged_file_is_read_without_an_exception(text: str) -> None:
    setting(text, "priority")
    contents(text, "vrrp_instance")


def test_a_one_line_block_is_replaced_whole() -> None:
    after = with_setting(TWO, "track_interface", ["eth0", "eth1"])
    assert contents(after, "vrrp_instance INSIDE", "track_interface") == [["eth0"], ["eth1"]]
    assert setting(after, "priority") == "150"
