"""Whole files: one with nearly everything, keepalived's own samples, and arbitrary rubbish."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrrpd.config import Command, ConfigError, Loaded, Track, load, loads
from vrrpd.config.values import SECOND, Peer, Vmac

DATA = Path(__file__).parents[1] / "data" / "conf"
SAMPLES = Path("/usr/share/doc/keepalived/samples")
INSTALLED = sorted(path for path in SAMPLES.glob("keepalived.conf.*") if path.is_file())
FILES = sorted(DATA.glob("*.conf"))
GROUP = "\nvrrp_sync_group G {{\n group {{ {members} }}\n {lines}\n}}\n"


def instance_text(name: str = "VI_1", vrid: int = 51, lines: str = "") -> str:
    return (
        f"vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n"
        f" virtual_ipaddress {{ 10.0.0.{vrid} }}\n{lines}\n}}\n"
    )


@pytest.fixture(scope="module")
def everything() -> Loaded:
    return load(DATA / "everything.conf", config_id="this")


def test_nothing_in_it_is_wrong(everything: Loaded) -> None:
    wrong = [one for one in everything.diagnostics if one.severity != "note"]
    assert wrong == []


def test_globals(everything: Loaded) -> None:
    found = everything.config.globals
    assert found.router_id == "LVS DEVEL"
    assert found.notification_email == ("a@example.org", "b@example.org")
    assert found.smtp_server == ("192.0.2.25", 2525)
    assert found.script_user == ("nobody", "nogroup")
    assert found.dynamic_interfaces
    assert found.allow_if_changes
    assert found.vrrp_garp_interval_ns == SECOND // 1000
    assert found.umask == 0o600
    assert found.vrrp_cpu_affinity == (0, 1)
    assert (found.vrrp_garp_extra_if_ns, found.vrrp_garp_extra_if_all) == (60 * SECOND, True)
    assert found.net_namespace == "blue"
    assert found.linkbeat_interfaces == (("eth0", "MII"),)
    assert found.interface_up_down_delays == (("eth0", SECOND // 2, 2 * SECOND),)


def test_trackers(everything: Loaded) -> None:
    (script,) = everything.config.scripts
    assert script.command == Command(
        ("/usr/bin/curl", "-s", "http://localhost/"),
        "nobody",
        None,
        "\"/usr/bin/curl -s 'http://localhost/'\"",
    )
    assert (script.interval_ns, script.timeout_ns) == (2 * SECOND, 3 * SECOND)
    assert (script.weight, script.reverse, script.rise, script.fall) == (-20, True, 2, 3)
    (process,) = everything.config.track_processes
    assert (process.process, process.params) == ("/usr/sbin/haproxy", ("-W",))
    assert (process.param_match, process.quorum) == ("initial", 2)
    assert process.fork_delay_ns == process.terminate_delay_ns == SECOND // 2
    (file,) = everything.config.track_files
    assert (file.file, file.weight, file.init_overwrite) == ("/run/level", 2, True)


def test_instances(everything: Loaded) -> None:
    first, second = everything.config.instances
    assert first.auth.password == b"pa#ss\0\0\0"
    assert [str(one.ip) for one in first.addresses] == [
        "192.168.1.10",
        *(f"192.168.1.{n}" for n in range(101, 105)),
    ]
    assert first.excluded[0].dev == "eth1"
    assert first.routes[0].words[:3] == ("10.0.0.0/8", "via", "192.168.1.254")
    assert first.track_interfaces == (Track("eth1", -10),)
    assert first.track_scripts == (Track("chk_http", 5, False),)
    assert first.track_processes == (Track("haproxy", 0),)
    assert first.track_files == (Track("level", -3, True),)
    assert first.vmac == Vmac(name="vrrp.51", mac=bytes.fromhex("001122334455"))
    assert first.notify.report_deleted
    assert (second.version, second.preempt_delay_ns) == (3, 5 * SECOND)
    assert second.unicast_peers == (Peer(ip=ip_address("192.0.2.3"), min_ttl=254),)
    assert second.unicast_ttl == 64


def test_groups_and_static_entries(everything: Loaded) -> None:
    config = everything.config
    (group,) = config.sync_groups
    assert (group.members, group.tracking_weight) == (("VI_1", "VI_2"), True)
    assert group.notify.any == Command(
        ("/etc/keepalived/group.sh",), text='"/etc/keepalived/group.sh"'
    )
    assert group.track_interfaces == (Track("eth2", 5),)
    assert config.garp_groups[0].interfaces == ("eth0", "eth1")
    assert config.garp_groups[0].shared
    assert config.track_groups[0].members == ("VI_1", "VI_2")
    assert config.static_addresses[0].scope == 0
    assert config.static_routes[0].no_track
    assert "no_track" not in config.static_routes[0].words
    assert config.static_rules[0].track_group == "both"


@pytest.mark.parametrize(
    "entry",
    [
        "static_ipaddress {\n 10.0.0.30/24 dev eth0 track_group %s\n}",
        "static_routes {\n 192.0.2.0/24 dev eth0 track_group %s\n}",
        "static_rules {\n iif eth0 from 192.0.2.0/24 table 5 priority 7 track_group %s\n}",
    ],
)
def test_a_track_group_that_a_static_entry_names_must_exist(entry: str) -> None:
    text = instance_text("V") + "track_group there {\n group {\n  V\n }\n}\n"
    assert loads(text + entry % "there").diagnostics == ()
    (said,) = loads(text + entry % "missing").diagnostics
    assert (said.severity, said.message) == ("error", "track_group missing is not defined")


def test_weights_of_members_go_away_in_a_group() -> None:
    text = (
        "vrrp_script s {\n script /bin/true\n weight 5\n}\ntrack_file f {\n file /f\n}\n"
        + instance_text(
            lines="track_script { s }\ntrack_interface { eth1 weight 9 }\ntrack_file { f }"
        )
    )
    alone = loads(text).config.instances[0]
    assert alone.track_scripts == (Track("s", 5),)
    grouped = loads(text + GROUP.format(members="VI_1", lines="")).config.instances[0]
    assert grouped.track_scripts == ()
    assert grouped.track_interfaces == (Track("eth1", 0),)
    assert grouped.track_files == (Track("f", 0),)
    line = "sync_group_tracking_weight"
    allowed = loads(text + GROUP.format(members="VI_1", lines=line)).config.instances[0]
    assert allowed == alone


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (instance_text() + GROUP.format(members="VI_9", lines=""), "no vrrp_instance 'VI_9'"),
        (instance_text() + GROUP.format(members="", lines=""), "has no member"),
        (instance_text() + GROUP.format(members="VI_1 VI_1", lines=""), "already"),
        (
            instance_text(lines="track_script { late }")
            + "vrrp_script late {\n script /bin/true\n}\n",
            "defined above",
        ),
        ("vrrp_script s {\n interval 1\n}", "has no script"),
        ("vrrp_script {\n script /bin/true\n}", "must have a name"),
        (
            "vrrp_script s {\n script /bin/x\n}\nvrrp_script s {\n script /bin/y\n}",
            "defined already",
        ),
        ("track_file f {\n weight 1\n}", "has no file"),
        ("vrrp_track_process p {\n quorum 1\n}", "has no process"),
        ("garp_group {\n interface eth0\n}", "without an interval"),
        ("static_rules { to 192.168.100./24 table 1 }", "rule ignored"),
        ("global_defs {\n smtp_server host 99999\n}", "'99999' is out of range"),
        ("global_defs {\n umask 999\n}", "permission"),
        ("global_defs {\n vrrp_mcast_group4 10.0.0.1\n}", "multicast"),
        ("vrrp_instance A B {\n}", "name of one word"),
    ],
)
def test_an_error_costs_only_its_own_line_or_block(text: str, message: str) -> None:
    loaded = loads(text + "\nglobal_defs {\n router_id survives\n}\n")
    assert loaded.config.globals.router_id == "survives"
    assert loaded.exit_status == 4
    errors = [one.message for one in loaded.diagnostics if one.severity == "error"]
    assert any(message in one for one in errors)


@pytest.mark.parametrize("path", INSTALLED or [SAMPLES], ids=lambda path: path.name)
def test_keepalived_s_own_samples_are_accepted(path: Path) -> None:
    if not path.is_file():
        pytest.skip("the samples come with Debian's keepalived package")
    raw = path.read_bytes()
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    loaded = loads(text, name=path.name, config_id="no-such-machine")
    # As keepalived finds, too; in `vrrp`, which lists an address twice, from 2.3.3 on.
    flawed = {"conditional_conf", "vrrp", "vrrp.lvs_syncd", "vrrp.rules"}
    assert (loaded.exit_status == 4) == (path.name.removeprefix("keepalived.conf.") in flawed)


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty working directory: what is generated may say `include *`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        yield


def survives(text: str | bytes) -> None:
    """No exception but ConfigError, and every diagnostic can be shown."""
    fatal = ""
    try:
        found = loads(text)
        status, diagnostics = found.exit_status, found.diagnostics
    except ConfigError as error:
        status, diagnostics, fatal = error.exit_status, error.diagnostics, str(error)
    assert status in ((2, 6) if fatal else (0, 4))
    for one in diagnostics:
        assert one.message
        assert len(one.render().splitlines()) <= 3


WORDS = [
    "vrrp_instance",
    "VI_1",
    "{",
    "}",
    "\n",
    "interface",
    "eth0",
    "virtual_router_id",
    "51",
    "virtual_ipaddress",
    "10.0.0.1",
    "state",
    "MASTER",
    "$A=",
    "$A",
    "${A}",
    "\\\n",
    "@x",
    "~SEQ(i,1,3)",
    "~LST(",
    "#",
    "!",
    '"',
    "'",
    "include",
    "*",
    "track_script",
    "weight",
    "vrrp_sync_group",
    "group",
    "global_defs",
    "umask",
    "use_vmac",
    "-1",
    "1e9",
    "٣",
    "authentication",
    "auth_type",
    "AH",
    "PASS",
    "auth_pass",
    "version",
    "3",
    "fe80::1",
    "notify",
    "unicast_peer",
    "vrrp_script",
    "script",
    "garp_group",
    "advert_int",
    "0.0",
]


@settings(deadline=None)
@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    survives(text)


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_survived(data: bytes) -> None:
    survives(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_any_words_of_the_language_are_survived(words: list[str]) -> None:
    survives(" ".join(words))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutations_of_real_files_are_survived(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(FILES)).read_text()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        piece = data.draw(st.one_of(st.text(max_size=8), st.sampled_from(WORDS)))
        text = text[:start] + piece + text[end:]
    survives(text)
