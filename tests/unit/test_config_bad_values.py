"""A bad value changes neither the role of an instance nor the way it sends.

The values in force are keepalived 2.2.7's (tests/interop/test_same_settings.py asks it), but where
keepalived would multicast because the unicast peers are misspelt.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.cluster import cluster, conf, state
from vrrpd.config import ConfigError, Instance, Loaded, loads
from vrrpd.config.values import SECOND

VIP = "virtual_ipaddress {\n192.168.1.10/24\n}"


def loaded(lines: str, before: str = "") -> Loaded:
    return loads(
        f"{before}\nvrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n}}\n"
    )


def one(lines: str, vips: str = VIP) -> Instance:
    (instance,) = loaded(f"{lines}\n{vips}").config.instances
    return instance


def errors(found: Loaded) -> list[str]:
    return [str(diagnostic) for diagnostic in found.diagnostics if diagnostic.severity == "error"]


@pytest.mark.parametrize("value", ["300", "0", "PRIO", "${PRIO}", "-1", "150;", "1e2", '""'])
@pytest.mark.parametrize("state", ["", "state MASTER\n", "state BACKUP\n"])
def test_a_bad_priority_is_100_whatever_the_state(state: str, value: str) -> None:
    assert one(f"{state}priority {value}").priority == 100


@pytest.mark.parametrize(
    ("lines", "field", "value"),
    [
        ("priority 150\npriority 300", "priority", 100),
        ("priority 300\npriority 150", "priority", 150),
        ("state MASTER", "priority", 255),
        ("state MASTER\nstate BACKUP", "priority", 255),
        ("state MASTER\nstate master", "priority", 100),
        ("state master\nstate MASTER", "priority", 255),
        ("preempt_delay 9\npreempt_delay x", "preempt_delay_ns", 0),
        ("down_timer_adverts 9\ndown_timer_adverts x", "down_timer_adverts", 9),
        ("version 3;", "version", 3),
        ("version 4", "version", 2),
    ],
)
def test_what_is_in_force_after_a_bad_value(lines: str, field: str, value: object) -> None:
    assert getattr(one(lines), field) == value


@pytest.mark.parametrize(
    ("vips", "family"),
    [
        ("virtual_ipaddress {\n10.0.0.300\nfe80::1\n}", 6),
        ("virtual_ipaddress {\nfe80::1 label too-long-a-label\n10.0.0.1\n}", 4),
        ("virtual_ipaddress {\nnonsense\n}\nvirtual_ipaddress {\nfe80::1\n}", 6),
        ("mcast_src_ip fe80::x\nvirtual_ipaddress {\n10.0.0.1\n}", 4),
        ("unicast_peer {\nx\nfe80::2/64\n}\nvirtual_ipaddress {\nfe80::1\n}", 6),
    ],
)
def test_the_first_address_that_can_be_used_decides_the_family(vips: str, family: int) -> None:
    found = one("", vips)
    assert found.family == family
    assert len(found.addresses) == 1


@pytest.mark.parametrize("text", ["2;", "2s", "2,", "2.5s", "2 s", "2 ;"])
def test_an_interval_with_something_behind_it_is_ignored(text: str) -> None:
    found = loaded(f'advert_int "{text}"\n{VIP}')
    assert found.config.instances[0].advert_interval_ns == SECOND
    (error,) = errors(found)
    assert "advert_int' ignored" in error
    number = "2.5" if "." in text else "2"
    assert f"(delete '{text.removeprefix(number)}')" in error


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("advert_int 7;", "advert_interval_ns", SECOND),
        ("preempt_delay 7s", "preempt_delay_ns", 0),
        ("priority 7;", "priority", 100),
        ("down_timer_adverts 7;", "down_timer_adverts", 7),
        ("kernel_rx_buf_size 7k", "kernel_rx_buf_size", None),
    ],
)
def test_what_stands_behind_a_number_is_named(line: str, field: str, value: object) -> None:
    found = loaded(f"{line}\n{VIP}")
    assert getattr(found.config.instances[0], field) == value
    (error,) = errors(found)
    assert f"(delete '{line[-1]}')" in error


def test_a_prefix_length_with_something_behind_it_counts() -> None:
    found = loaded("virtual_ipaddress {\n192.168.1.10/24;\n192.168.1.11/x\n}")
    assert [str(ip) for ip in found.config.instances[0].addresses] == [
        "192.168.1.10/24",
        "192.168.1.11/32",
    ]
    assert len(errors(found)) == 2


@pytest.mark.parametrize("peer", ["10.0.0.2/24", "10.0.0.2-9", "10.0.0.2/junk"])
def test_a_peer_with_a_prefix_length_or_a_range_is_that_address(peer: str) -> None:
    found = loaded(f"unicast_peer {{\n{peer}\n}}\n{VIP}")
    (instance,) = found.config.instances
    assert instance.unicast
    assert [one.ip for one in instance.unicast_peers] == [ip_address("10.0.0.2")]
    assert errors(found) == []
    assert any("counts for nothing" in one.message for one in found.diagnostics)


@pytest.mark.parametrize("peer", ["10.0.0.2;", "10.0.0.300", "peer.example.com", "fe80::1"])
def test_a_peer_that_is_refused_does_not_make_the_instance_multicast(peer: str) -> None:
    found = loaded(f"{VIP}\nunicast_peer {{\n{peer}\n}}")
    (instance,) = found.config.instances
    assert instance.unicast
    assert instance.unicast_peers == ()
    assert any("FAULT" in error for error in errors(found))


def test_of_several_peers_the_good_ones_stay() -> None:
    found = loaded(f"unicast_peer {{\n10.0.0.2,\n10.0.0.3\n}}\n{VIP}")
    (instance,) = found.config.instances
    assert [one.ip for one in instance.unicast_peers] == [ip_address("10.0.0.3")]


def test_without_a_usable_peer_nothing_is_sent() -> None:
    lan = cluster(one=conf(150, "unicast_peer {\n192.168.1.12;\n}"), two=conf(100))
    lan.run(10)
    assert (state(lan, "one"), state(lan, "two")) == ("FAULT", "MASTER")


@pytest.mark.parametrize(
    "word", ["01:00:5e:00:00:01", "00:00:5e:00:01:07", "a/b", "far-too-long-a-name"]
)
def test_a_bad_word_after_use_vmac_does_not_cost_the_virtual_mac(word: str) -> None:
    found = loaded(f"use_vmac {word}\n{VIP}")
    vmac = found.config.instances[0].vmac
    assert vmac is not None
    assert (vmac.name, vmac.mac) == (None, None)
    assert len(errors(found)) == 1


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "unicast_src_ip 10.0.0.1",
        "unicast_peer {\n10.0.0.2\n}",
        "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}",
    ],
)
def test_without_an_interface_there_is_no_instance(lines: str) -> None:
    """keepalived 2.2.7 refuses a unicast instance without one as well."""
    text = f"vrrp_instance VI_1 {{\nvirtual_router_id 51\n{lines}\n{VIP}\n}}"
    with pytest.raises(ConfigError, match="needs an interface"):
        loads(text)


def test_what_stands_in_two_blocks_counts() -> None:
    """Nothing that is read is dropped without a line."""
    auth = "authentication {\nauth_type PASS\n}\nauthentication {\nauth_pass 1111\n}"
    before = "".join(f"interface_up_down_delays {{\neth{one} {one}\n}}\n" for one in (1, 2))
    found = loaded(f"{auth}\n{VIP}", before)
    assert found.config.instances[0].auth.kind == "PASS"
    assert [one[0] for one in found.config.globals.interface_up_down_delays] == ["eth1", "eth2"]
    assert errors(found) == []


@pytest.mark.parametrize(
    ("line", "status"),
    [("max_auto_priority", 0), ("smtp_helo_name", 0), ("vrrp_priority", 4), ("instance", 4)],
)
def test_what_keepalived_takes_or_ignores_without_argument(line: str, status: int) -> None:
    """keepalived advises "setting config option max_auto_priority", and takes it without number."""
    text = line if line == "instance" else f"global_defs {{\n{line}\n}}\n"
    assert loads(text).exit_status == status


LVS = "virtual_server 192.168.1.100 80 {\nreal_server 192.168.1.11 80 {\nweight 1\n}\n}\n"
VRRP = f"vrrp_instance V {{\ninterface eth0\nvirtual_router_id 51\n{VIP}\n}}\n"


def test_an_lvs_block_is_skipped_with_a_note() -> None:
    found = loads(LVS + VRRP)
    assert found.exit_status == 0
    assert [one.name for one in found.config.instances] == ["V"]


@pytest.mark.parametrize("lacking", [1, 2])
def test_a_brace_that_is_missing_in_an_lvs_block_is_an_error_for_all_that_is_lost(
    lacking: int,
) -> None:
    found = loads(LVS.replace("}\n", "", lacking) + VRRP)
    assert found.exit_status == 4
    assert found.config.instances == ()
    never, inside = (one for one in found.diagnostics if one.severity == "error")
    assert f"{lacking} '}}' missing" in never.message
    assert never.line == 1
    assert "'vrrp_instance' in the block of 'virtual_server' (line 1)" in inside.message


def test_an_lvs_block_without_its_first_brace() -> None:
    found = loads(LVS.replace("{", "", 1) + VRRP)
    assert any("no '{' after 'virtual_server'" in one for one in errors(found))
    assert [one.name for one in found.config.instances] == ["V"]


def test_a_daemon_with_nothing_to_do_says_so_and_runs_on() -> None:
    lan = cluster(one="", two=LVS)
    lan.run(1)
    idle = "Warning - vrrpd has no configuration to run"
    for host in ("one", "two"):
        assert idle in lan.logs[host].lines
    lan.conf("one", conf(150))
    assert lan.daemons["one"].reload()
    lan.wait_until(lambda: state(lan, "one") == "MASTER")
    lan.conf("one", "")
    assert lan.daemons["one"].reload()
    assert lan.logs["one"].lines.count(idle) == 2
