"""Points of the language on which `keepalived -t` was asked and vrrpd once decided otherwise.

Each case is what keepalived 2.2.7 makes of the text: the value in force, and that it complains.
"""

from __future__ import annotations

import pytest

from vrrpd.config import Loaded, Track, loads

BASE = """\
vrrp_script chk {
    script /bin/true
}
track_file level {
    file /run/level
    weight 2
%(file)s
}
vrrp_track_process proc {
    process /usr/sbin/x a
%(process)s
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
%(instance)s
    virtual_ipaddress {
        192.168.1.10
    }
}
vrrp_instance VI_2 {
    interface eth0
    virtual_router_id 52
    virtual_ipaddress {
        192.168.1.20
    }
}
vrrp_sync_group VG_1 {
    sync_group_tracking_weight
    group {
        VI_1
    }
%(group)s
}
"""


def loaded(**where: str) -> Loaded:
    """The base with lines in some of its blocks."""
    return loads(BASE % {"file": "", "process": "", "instance": "", "group": "", **where})


def errors(one: Loaded) -> list[str]:
    return [diagnostic.message for diagnostic in one.diagnostics if diagnostic.severity == "error"]


def test_the_base_is_valid() -> None:
    assert errors(loaded()) == []


def test_the_first_file_process_and_weight_count() -> None:
    """keepalived: "File already set for track file level - ignoring /other"."""
    one = loaded(file="file /other\nweight 5", process="process /other\nweight 3\nweight 4")
    (file,), (process,) = one.config.track_files, one.config.track_processes
    assert (file.file, file.weight) == ("/run/level", 2)
    assert (process.process, process.params, process.weight) == ("/usr/sbin/x", ("a",), 3)
    assert len(errors(one)) == 4


def test_the_first_list_of_a_group_counts() -> None:
    """keepalived: "Group list already specified for sync group VG_1"."""
    one = loaded(group="group {\nVI_2\n}")
    assert one.config.sync_groups[0].members == ("VI_1",)
    assert len(errors(one)) == 1


@pytest.mark.parametrize("line", ["eth2 rubbish", "eth2 weight", "eth2 reverse", "eth2 eth3"])
def test_a_tracked_line_with_an_unknown_option_is_ignored_whole(line: str) -> None:
    """keepalived: "unknown track_interface eth2 option rubbish - ignoring"."""
    one = loaded(instance=f"track_interface {{\n{line}\n}}")
    assert one.config.instances[0].track_interfaces == ()
    assert len(errors(one)) == 1


@pytest.mark.parametrize(
    ("weight", "counts"), [("x", 0), ("255", 0), ("-255", 0), ("5x", 5), ("-20;", -20), ("1.5", 1)]
)
def test_a_bad_weight_is_ignored_or_counts_as_far_as_its_digits(weight: str, counts: int) -> None:
    """The daemon says "WARNING - invalid number '5x'" and uses 5; its `-t` refuses the number."""
    one = loaded(instance=f"track_interface {{\neth2 weight {weight}\n}}")
    assert one.config.instances[0].track_interfaces == (Track("eth2", counts),)
    assert len(errors(one)) == 1


@pytest.mark.parametrize("further", ["weight 6", "rubbish", "noreverse"])
def test_what_follows_the_weight_of_an_interface_is_reverse_or_ignored(further: str) -> None:
    """keepalived: "unknown track_interace eth2 weight option noreverse - ignoring"."""
    one = loaded(instance=f"track_interface {{\neth2 weight 5 {further}\n}}")
    assert one.config.instances[0].track_interfaces == (Track("eth2", 5),)
    assert len(errors(one)) == 1


def test_a_script_may_be_noreverse() -> None:
    one = loaded(instance="track_script {\nchk weight 5 noreverse\n}")
    assert one.config.instances[0].track_scripts == (Track("chk", 5),)
    assert errors(one) == []


def test_what_is_tracked_twice_is_an_error_the_second_time() -> None:
    """keepalived: "(VI_1) duplicate track_script chk - ignoring"."""
    one = loaded(instance="track_interface {\neth2 weight 5\neth2 weight 6\n}")
    assert one.config.instances[0].track_interfaces == (Track("eth2", 5),)
    assert len(errors(one)) == 1


@pytest.mark.parametrize(
    ("words", "first", "second"), [("tmp_config_directory", "/a", "/b"), ("nftables", "a", "b")]
)
def test_the_first_counts_where_keepalived_says_already_specified(
    words: str, first: str, second: str
) -> None:
    one = loads(f"global_defs {{\n{words} {first}\n{words} {second}\n}}\n")
    assert getattr(one.config.globals, words) == first
    assert len(errors(one)) == 1


@pytest.mark.parametrize("words", ["abcdefghijklmnop", "02:00:00:00:00:gg", "vmac0 x"])
def test_a_bad_vmac_name_or_address_is_an_error(words: str) -> None:
    """keepalived: "VMAC interface name ... too long or invalid characters - ignoring"."""
    one = loaded(instance=f"use_vmac {words}")
    assert len(errors(one)) == 1


@pytest.mark.parametrize(
    ("words", "base"),
    [
        ("use_vmac", False),
        ("use_vmac\nunicast_src_ip 192.168.1.11", True),
        ("use_vmac\nunicast_peer {\n192.168.1.12\n}", True),
        ("use_vmac\nunicast_src_ip 192.168.1.11\nstrict_mode on", False),
        ("unicast_src_ip 192.168.1.11", False),
    ],
)
def test_a_keyword_of_unicast_makes_a_vmac_transmit_from_its_base(words: str, base: bool) -> None:
    """keepalived: "unicast with use_vmac requires vmac_xmit_base - setting", peers or not."""
    assert loaded(instance=words).config.instances[0].vmac_xmit_base is base


def test_the_first_use_vmac_counts() -> None:
    """keepalived: "VMAC interface name already specified"."""
    one = loaded(instance="use_vmac vmac0 02:00:00:00:00:01 y\nuse_vmac vmac1")
    vmac = one.config.instances[0].vmac
    assert vmac is not None
    assert vmac.name == "vmac0"
    assert len(errors(one)) == 1


@pytest.mark.parametrize("where", ["file", "process"])
def test_the_digits_of_a_weight_count(where: str) -> None:
    """keepalived: "WARNING - invalid number '5x'"; it uses 5 (its `-t` refuses the number)."""
    text = BASE.replace("    weight 2\n", "")
    one = loads(text % {"file": "", "process": "", "instance": "", "group": "", where: "weight 5x"})
    (process,), (file,) = one.config.track_processes, one.config.track_files
    assert (process.weight, file.weight) == ((5, 1) if where == "process" else (0, 5))
    assert len(errors(one)) == 1
