"""What the reader of a message sees: place, words, underline, hint."""

from __future__ import annotations

import pytest

from vrrpd.config import ConfigError, Diagnostic, loads
from vrrpd.config.diagnostics import exit_status, nearest

HEAD = (
    "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n"
    " virtual_ipaddress { 10.1.1.1 }\n"
)


def only(lines: str) -> Diagnostic:
    (found,) = loads(f"{HEAD}{lines}\n}}\n").diagnostics
    return found


def test_the_whole_message() -> None:
    assert only("        virtual_router_idd 51").render() == (
        "keepalived.conf:5:9: error: unknown keyword 'virtual_router_idd' "
        "(in vrrp_instance VI_1)\n"
        "            virtual_router_idd 51\n"
        "            ^^^^^^^^^^^^^^^^^^  did you mean 'virtual_router_id'?"
    )


def test_tabs_and_wide_characters_keep_the_underline_in_place() -> None:
    lines = only("\tpriority 日本").render().splitlines()
    assert lines[1] == "    \tpriority 日本"
    assert lines[2].startswith("    \t         ^^^^  expected a whole number from 1 to 255")


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("priorty 5", "priority"),
        ("Priority 5", "priority"),
        ("virtual_ipadress {\n 10.0.0.1\n}", "virtual_ipaddress"),
        ("zzz", ""),
        ("state Master", "MASTER"),
    ],
)
def test_nearest_keyword(line: str, suggestion: str) -> None:
    assert only(line).suggestion == suggestion


def test_a_keyword_in_the_wrong_block_says_where_it_belongs() -> None:
    assert only("auth_pass 1111").expected == "it in authentication"
    (found,) = loads("priority 5").diagnostics
    assert found.expected == "it inside vrrp_instance { ... }"


def test_a_forgotten_brace_is_named_where_it_is_missed() -> None:
    found = loads(
        "vrrp_instance A {\n interface eth0\n virtual_router_id 5\n"
        " virtual_ipaddress { 10.0.0.1 }\nvrrp_instance B {\n}\n"
    ).diagnostics
    assert "'}' that closes vrrp_instance A" in found[-1].expected
    assert found[0].message == "the block of 'vrrp_instance' is never closed"


def test_an_unknown_block_is_one_message_and_spoils_nothing() -> None:
    found = loads(f"{HEAD}virtual_adress {{\n a\n b {{\n c\n }}\n}}\npriority 7\n}}\n")
    assert len(found.diagnostics) == 1
    assert "skipped with all that is in it" in found.diagnostics[0].message
    assert found.config.instances[0].priority == 7


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "track_bfd {\nup\n}\n}\nbfd_instance up {\n neighbor_ip 10.0.0.1\n}\n",
        HEAD + "}\nvrrp_sync_group G {\ngroup {\nVI_1\n}\ntrack_bfd {\nup\n}\n}\n",
    ],
    ids=["instance", "group"],
)
def test_a_check_that_will_not_run_is_an_error(text: str) -> None:
    """`-t` is how a user who moves here learns of it; the router keeps its address."""
    found = loads(text)
    (error,) = [one for one in found.diagnostics if one.severity == "error"]
    text = "track_bfd belongs to BFD, which is out of scope: this check will not run"
    assert error.message == text
    assert exit_status(found.diagnostics) == 4
    assert [one.name for one in found.config.instances] == ["VI_1"]


def test_what_belongs_to_lvs_in_an_instance_is_a_note() -> None:
    """It checks nothing: the router works as the file says."""
    (note,) = loads(f"{HEAD}lvs_sync_daemon_interface eth0\n}}\n").diagnostics
    text = "lvs_sync_daemon_interface belongs to LVS, which is out of scope: skipped"
    assert (note.severity, note.message) == ("note", text)


def test_lvs_blocks_are_skipped_with_one_note_each() -> None:
    found = loads(
        "virtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n weight 1\n }\n}\n"
        "virtual_server 10.0.0.9 80\n{\n}\nglobal_defs {\n lvs_timeouts tcp 10\n}\n"
    )
    assert [(one.severity, one.line) for one in found.diagnostics] == [
        ("note", 1),
        ("note", 6),
        ("note", 10),
    ]
    assert found.exit_status == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("}\n", "closes nothing"),
        ("{ a\n}\n", "unexpected '{'"),
        ("global_defs {\n", "never closed"),
        ("global_defs\n router_id x\n}\n", "no '{' after 'global_defs'"),
        ("global_defs {\n router_id x {\n y\n }\n}\n", "takes no block"),
        ("static_ipaddress {\n 10.0.0.1 {\n x\n}\n}\n", "unexpected '{'"),
        ("static_ipaddress {\n 10.0.0.1\n", "never closed"),
    ],
)
def test_braces(text: str, message: str) -> None:
    found = loads(text)
    (error,) = (one for one in found.diagnostics if one.severity == "error")
    assert message in error.message
    assert found.exit_status == 4


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("advert_int 1\n{", "'advert_int' takes no block; this '{' is ignored"),
        ("advert_int 1 {", "'advert_int' takes no block; this '{' is ignored"),
        ("{", "unexpected '{': no keyword before it; this '{' is ignored"),
        ("virtual_ipaddress", "no '{' after 'virtual_ipaddress'"),
        ("authentication", "no '{' after 'authentication'"),
    ],
)
def test_one_brace_too_many_or_too_few_costs_no_address(before: str, message: str) -> None:
    text = f"{HEAD}{before}\nvirtual_ipaddress {{\n 10.0.0.9\n}}\n}}\n"
    for further in ("", "vrrp_instance W {\n interface eth0\n virtual_router_id 9\n}\n"):
        found = loads(text + further)
        assert [one.message for one in found.diagnostics if one.severity == "error"] == [message]
        assert str(found.config.instances[0].addresses[-1].ip) == "10.0.0.9"
        assert len(found.config.instances) == (2 if further else 1)


def test_a_block_behind_a_keyword_without_one_is_skipped_if_it_has_an_end() -> None:
    found = loads(f"{HEAD}advert_int 2 {{\n priority 9\n}}\npriority 7\n}}\n")
    (error,) = found.diagnostics
    assert error.message == "'advert_int' takes no block; the block is skipped"
    assert found.config.instances[0].priority == 7


def test_messages_come_in_the_order_of_the_file() -> None:
    text = "zzz\nvrrp_script s {\n script /bin/true\n}\nyyy\nglobal_defs {\n xxx\n}\n"
    lines = [one.line for one in loads(text).diagnostics]
    assert lines == sorted(lines)
    assert len(lines) == 4


def test_what_would_upset_a_terminal_is_not_shown() -> None:
    (found,) = loads("bad\x1b[2J\n").diagnostics
    assert "\x1b" not in found.render()


def test_exit_status_by_severity() -> None:
    note, warning, error, fatal = (
        Diagnostic(severity, "m") for severity in ("note", "warning", "error", "fatal")
    )
    missing = Diagnostic("fatal", "m", missing_file=True)
    assert exit_status([note, warning]) == 0
    assert exit_status([note, error]) == 4
    assert exit_status([error, fatal]) == 2
    assert exit_status([fatal, missing]) == 6
    assert ConfigError([error, fatal]).exit_status == 2


def test_the_exception_carries_everything_and_shows_the_cause_before_what_follows() -> None:
    with pytest.raises(ConfigError) as caught:
        loads("vrrp_instance A {\n interface eth0\n zzz\n}\n")
    assert len(caught.value.diagnostics) == 2
    text = str(caught.value)
    assert text.index("zzz") < text.index("needs a virtual_router_id")


def test_nearest_finds_nothing_for_nothing() -> None:
    assert nearest("", ["priority"]) == ""
    assert nearest("prio", []) == ""
