"""The dumps, word for word as keepalived 2.2.7 wrote them for the same configuration."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from pathlib import Path

import pytest

from labs.simulation.lan import Lan
from tests.cluster import advert, cluster, conf, inject, router
from vrrpd.cli import main
from vrrpd.config import loads
from vrrpd.dump.text import address_text, route_text, rule_text
from vrrpd.dump.writer import dump_data, dump_json, dump_stats
from vrrpd.signals import numbers

ADDRESSES = {
    "192.168.1.10/24 brd 192.168.1.255 scope link no_track":
        "192.168.1.10/24 brd 192.168.1.255 dev eth0 scope link no_track",
    "192.168.1.12/32 dev eth1 label eth1:1":
        "192.168.1.12 dev eth1 scope global label eth1:1 set",
    "192.168.1.13 peer 192.168.9.1": "192.168.1.13 dev eth0 scope global peer 192.168.9.1/32 set",
    "192.168.1.14/24 home noprefixroute":
        "192.168.1.14/24 dev eth0 scope global home noprefixroute set",
    "192.168.1.15/24 brd + scope 7": "192.168.1.15/24 brd 192.168.1.255 dev eth0 scope 7",
    "fe80::53/64": "fe80::53/64 dev eth0 scope global preferred_lft forever set",
    "2001:db8::1/64 -nodad":
        "2001:db8::1/64 dev eth0 scope global -nodad preferred_lft forever set",
    "2001:db8::2": "2001:db8::2 dev eth0 scope global deprecated set",
    "2001:db8::3/128 preferred_lft forever":
        "2001:db8::3 dev eth0 scope global preferred_lft forever set",
    "2001:db8::4/64 mngtmpaddr autojoin":
        "2001:db8::4/64 dev eth0 scope global mngtmpaddr autojoin preferred_lft forever",
}  # fmt: skip
ROUTES = {
    "10.9.0.0/24 via 192.168.1.1 dev eth0 metric 5 table 33 src 192.168.1.10 scope global tos 4 "
    "mtu 1400":
        "prepend 10.9.0.0/24 src 192.168.1.10 tos 4 via inet 192.168.1.1 dev eth0 table 33 "
        "proto 18 scope 0 metric 5 mtu 1400",
    "10.12.0.0/24 nexthop via 192.168.1.1 dev eth0 weight 2 nexthop via 10.0.0.9 dev eth1":
        "prepend 10.12.0.0/24 proto 18 nexthop via inet 192.168.1.1 dev eth0 weight 2 "
        "nexthop via inet 10.0.0.9 dev eth1",
    "default via 192.168.1.1 table 200":
        "prepend 0.0.0.0/0 via inet 192.168.1.1 table 200 proto 18",
}  # fmt: skip
RULES = {
    "from 192.168.1.10 lookup 100 priority 500":
        "from 192.168.1.10 priority 500 tos 0x0 protocol 18 lookup 100",
    "not from 10.0.0.0/8 fwmark 0x3/0xf goto 600 priority 502":
        "not from 10.0.0.0/8 priority 502 tos 0x0 fwmark 0x3/0xf protocol 18 goto 600",
}  # fmt: skip


@pytest.fixture
def dump_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where dumps go."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def one(inside: str) -> str:
    return f"vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{inside}\n}}"


def block(name: str, line: str) -> str:
    return one(f"{name} {{\n{line}\n}}")


@pytest.mark.parametrize("line", ADDRESSES)
def test_addresses(line: str) -> None:
    [instance] = loads(block("virtual_ipaddress", line)).config.instances
    wanted = ADDRESSES[line]
    assert address_text(instance.addresses[0], "eth0", wanted.endswith("set")) == wanted


@pytest.mark.parametrize("line", ROUTES)
def test_routes(line: str) -> None:
    [instance] = loads(block("virtual_routes", line)).config.instances
    assert route_text(instance.routes[0]) == ROUTES[line]


@pytest.mark.parametrize("line", RULES)
def test_rules(line: str) -> None:
    [instance] = loads(block("virtual_rules", line)).config.instances
    assert rule_text(instance.rules[0]) == RULES[line]


def lived(*words: str) -> Lan:
    """A MASTER that has received some packets."""
    lan = cluster(one=conf(150, 'notify_master "/bin/echo m"', *words, password="1111"))
    lan.run(5.5)
    inject(lan, "one", advert(50, auth=b"1111\0\0\0\0"))
    inject(lan, "one", advert(0, auth=b"1111\0\0\0\0"))
    inject(lan, "one", advert(50, ttl=3, auth=b"1111\0\0\0\0"))
    return lan


def test_the_statistics(dump_directory: Path) -> None:
    lan = lived()
    dump_stats(lan.daemons["one"])
    text = (dump_directory / "keepalived.stats").read_text()
    sent = router(lan, "one").counters["advertisement-sent"]
    assert text.splitlines() == [
        "VRRP Instance: VI_1",
        "  Advertisements:",
        "    Received: 2",
        f"    Sent: {sent}",
        "  Became master: 1",
        "  Released master: 0",
        "  Packet Errors:",
        "    Length: 0",
        "    TTL: 1",
        "    Invalid Type: 0",
        "    Advertisement Interval: 0",
        "    Address List: 0",
        "  Authentication Errors:",
        "    Invalid Type: 0",
        "    Type Mismatch: 0",
        "    Failure: 0",
        "  Priority Zero:",
        "    Received: 1",
        "    Sent: 0",
    ]


def test_statistics_are_written_and_then_cleared(dump_directory: Path) -> None:
    lan = lived()
    dump_stats(lan.daemons["one"], clear=True)
    assert "Received: 2" in (dump_directory / "keepalived.stats").read_text()
    assert sum(router(lan, "one").counters.values()) == 0
    lan.run(1)
    dump_stats(lan.daemons["one"])
    assert "    Sent: 1\n" in (dump_directory / "keepalived.stats").read_text()


def test_the_state_as_text(dump_directory: Path) -> None:
    lan = lived("nopreempt")
    dump_data(lan.daemons["one"])
    lines = (dump_directory / "keepalived.data").read_text().splitlines()
    begin = lines.index("------< VRRP Topology >------")
    assert lines[begin + 1 : begin + 4] == [
        " VRRP Instance = VI_1",
        "   VRRP Version = 2",
        "   State = MASTER",
    ]
    for line in (
        "   Master down timer = 3414062 usecs",
        "   Multicast address 224.0.0.18",
        "   Preempt = disabled",
        "   Authentication type = SIMPLE_PASSWORD",
        "   Password = ********",
        "   Virtual IP (1):",
        "     192.168.1.10 dev eth0 scope global set",
        "   Master state transition script = '/bin/echo' 'm'",
        "   Notify deleted = Fault",
        " Name = eth0",
    ):
        assert line in lines
    [transition] = [line for line in lines if "Last transition" in line]
    assert re.fullmatch(r"   Last transition = 3\.4\d+ \(\w+ \w+ .\d \S+ 19(69|70)\)", transition)
    assert "1111" not in "\n".join(lines)


def test_the_state_as_json(dump_directory: Path) -> None:
    lan = lived()
    dump_json(lan.daemons["one"])
    [entry] = json.loads((dump_directory / "keepalived.json").read_text())
    assert entry["data"]["state"] == 2
    assert entry["data"]["vips"] == ["192.168.1.10 dev eth0 scope global set"]
    assert entry["data"]["script_master"] == "'/bin/echo' 'm'"
    assert entry["data"]["auth_data"] == "********"
    assert entry["data"]["adver_int"] == 1
    assert "evips" not in entry["data"]
    assert entry["stats"]["advert_rcvd"] == 2
    assert entry["stats"]["pri_zero_rcvd"] == 1
    assert entry["stats"]["ip_ttl_err"] == 1


def test_the_second_form_of_the_json(dump_directory: Path) -> None:
    """keepalived from 2.2.8 on: the instances under a name, and beside them the processes."""
    head = (
        "global_defs {\njson_version 2\n}\n"
        'vrrp_track_process web {\n process nginx "-g daemon"\n weight 5\n fork_delay 2\n}\n'
    )
    lan = cluster(one=head + conf(100, "track_process {\n web\n}"))
    dump_json(lan.daemons["one"])
    found = json.loads((dump_directory / "keepalived.json").read_text())
    assert [entry["data"]["iname"] for entry in found["vrrp"]] == ["VI_1"]
    (process,) = found.pop("track_process")
    assert process["process"] == "nginx"
    assert (process["current_processes"], process["have_quorum"]) == (0, False)
    assert (process["weight"], process["fork_delay"]) == (5, 2.0)
    assert list(found) == ["vrrp"]


def test_other_names(dump_directory: Path) -> None:
    settings = "json_dump_file j\nstats_dump_file s\ndata_use_instance\n"
    lan = cluster(one=f"instance foo\nglobal_defs {{\n{settings}}}\n" + conf(100))
    for dump in (dump_data, dump_stats, dump_json):
        dump(lan.daemons["one"])
    assert sorted(os.listdir(dump_directory)) == ["j", "keepalived.foo.data", "s"]


def test_a_dump_is_whole_and_private(dump_directory: Path) -> None:
    lan = lived()
    (dump_directory / "keepalived.stats").write_text("old")
    dump_stats(lan.daemons["one"])
    assert stat.S_IMODE((dump_directory / "keepalived.stats").stat().st_mode) == 0o600
    assert os.listdir(dump_directory) == ["keepalived.stats"]


def test_a_dump_that_cannot_be_written_is_a_line_in_the_log(
    dump_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(dump_directory / "missing"))
    lan = lived()
    dump_stats(lan.daemons["one"])
    assert "cannot write" in lan.logs["one"].lines[-1]
    assert router(lan, "one").state.value == "MASTER"


@pytest.mark.parametrize("name", numbers())
def test_signum_prints_the_number(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--signum={name}"]) == 0
    assert capsys.readouterr().out == f"{numbers()[name]}\n"


def test_signum_of_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--signum=FOO"]) == 1
    assert capsys.readouterr().err == "Unknown sigfunc FOO\n"


def test_the_numbers_are_those_of_linux() -> None:
    assert numbers()["JSON"] == 36
    assert numbers()["STATS_CLEAR"] == 63
    assert numbers()["DATA"] == signal.SIGUSR1
