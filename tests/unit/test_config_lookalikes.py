"""Look-alike characters are named with their columns, and a fatal mistake its cause."""

from __future__ import annotations

import pytest

from vrrpd.config import ConfigError, Diagnostic, loads

VIP = "virtual_ipaddress {\n192.168.1.10\n}"


def refused(text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loads(text)
    return caught.value


def found(line: str) -> list[Diagnostic]:
    text = f"vrrp_instance V {{\ninterface eth0\nvirtual_router_id 1\n{line}\n{VIP}\n}}\n"
    return [one for one in loads(text).diagnostics if one.line == 4]


def test_a_fatal_mistake_comes_after_its_likely_cause() -> None:
    error = refused(f"vrrp_instance V {{\ninterface eth0\nvirtual_route_id 6\n{VIP}\n}}")
    first, second = [one for one in str(error).splitlines() if "keepalived.conf" in one]
    assert "unknown keyword 'virtual_route_id'" in first
    assert "did you mean 'virtual_router_id'?" in str(error)
    assert "needs a virtual_router_id" in second


def test_every_mistake_of_the_file_is_there_and_the_notes_come_last() -> None:
    error = refused(
        "global_defs {\nrouter_idd x\nmax_auto_priority 5\n}\nvrrp_instance V {\npriority 300\n}\n"
    )
    text = str(error)
    order = [text.index(part) for part in ("router_idd", "'300'", "needs a virtual_router_id")]
    assert order == sorted(order)
    if "understood but not done" in text:
        assert text.index("understood but not done") > order[-1]


def test_of_very_many_the_first_twenty_and_a_count() -> None:
    error = refused("nonsense\n" * 500 + "vrrp_instance V {\n}\n")
    assert str(error).count("unknown keyword") == 20
    assert str(error).endswith("and 481 more")
    assert len(error.diagnostics) == 501


@pytest.mark.parametrize(
    ("text", "column", "name"),
    [
        ("interface\u00a0eth0", 11, "U+00A0 no-break space, which is not a space"),
        ("interface\u202feth0", 11, "U+202F narrow no-break space, which is not a space"),
        ("\u3000interface eth0", 2, "U+3000 ideographic space"),
        ("inter\u00adface eth0", 7, "U+00AD soft hyphen"),
        ("\u0456nterface eth0", 2, "U+0456 cyrillic small letter byelorussian-ukrainian i"),
        ("\uff49nterface eth0", 2, "U+FF49 fullwidth latin small letter i, which is not 'i'"),
    ],
)
def test_with_a_look_alike_the_cause_comes_first(text: str, column: int, name: str) -> None:
    error = refused(f"vrrp_instance V {{\n {text}\nvirtual_router_id 6\n{VIP}\n}}")
    first = str(error).splitlines()[0]
    assert first.startswith(f"keepalived.conf:2:{column}: warning: column {column}: {name}")
    assert "did you mean 'interface'?" in str(error)
    assert "needs an interface" in str(error)


def test_an_interface_with_a_zero_width_space_is_named() -> None:
    assert "U+200B" in str(found("garp_master_delay 5\u200b")[0])


@pytest.mark.parametrize(
    ("line", "column", "meant"),
    [
        ("notify_master \u201c/bin/true\u201d", "15, 25", "'\"'"),
        ("track_interface { eth1 weight \u201320 }", "31", "'-'"),
        ("priority \uff11\uff10\uff10", "10", "'1'"),
        ("state \u039cASTER", "7", "'M'"),
        ("notify_master \u2018/bin/true\u2019", "15", "'''"),
    ],
)
def test_the_columns_of_each_and_what_was_meant(line: str, column: str, meant: str) -> None:
    messages = [one.message for one in found(line) if one.cause]
    assert any(one.startswith(f"column {column.split(',')[0]}") for one in messages)
    assert any(meant in one for one in messages)


@pytest.mark.parametrize(
    "line",
    [
        "priority 9 # caf\u00e9 \u00a0",
        'notify_master "/bin/\u00e9"',
        'notify_master "/bin/x \u2013 y"',
        "! \u201cquoted\u201d",
    ],
)
def test_what_is_in_a_comment_or_quoted_or_no_look_alike_is_not_named(line: str) -> None:
    assert [one for one in found(line) if one.cause] == []


def test_a_byte_order_mark_and_utf_16() -> None:
    text = f"vrrp_instance V {{\ninterface eth0\nvirtual_router_id 6\n{VIP}\n}}"
    marked = loads("\ufeff" + text).diagnostics
    assert "byte order mark" in next(one.message for one in marked if one.cause)
    (other,) = [one for one in loads(text.encode("utf-16")).diagnostics if one.cause]
    assert "UTF-16" in other.message


def test_carriage_returns() -> None:
    text = f"vrrp_instance V {{\ninterface eth0\nvirtual_router_id 6\n{VIP}\n}}\n"
    assert loads(text.replace("\n", "\r\n")).diagnostics == ()
    assert "carriage return" in str(refused(text.replace("\n", "\r"))).splitlines()[0]


def test_a_byte_that_is_not_utf_8_is_named() -> None:
    text = f"vrrp_instance V {{\ninterface\xa0eth0\nvirtual_router_id 6\n{VIP}\n}}"
    assert str(refused(text.encode("latin-1"))).splitlines()[0].startswith("keepalived.conf:2:10")
