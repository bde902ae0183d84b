"""What a `vrrp_instance` means: the article's files, defaults, and keepalived's corrections."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from vrrpd.config import (
    Address,
    Command,
    Config,
    ConfigError,
    Diagnostic,
    Instance,
    Loaded,
    load,
    loads,
)
from vrrpd.config.values import FOREVER, SECOND

DATA = Path(__file__).parents[1] / "data" / "conf"


def text_of(lines: str = "", vips: str = "192.168.1.10", before: str = "") -> str:
    block = f"virtual_ipaddress {{\n{vips}\n}}\n" if vips else ""
    return (
        f"{before}\nvrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n"
        f"{block}{lines}\n}}\n"
    )


def loaded(lines: str = "", vips: str = "192.168.1.10", before: str = "") -> Loaded:
    return loads(text_of(lines, vips, before))


def one(lines: str = "", vips: str = "192.168.1.10", before: str = "") -> Instance:
    (instance,) = loaded(lines, vips, before).config.instances
    return instance


def complaints(found: Loaded) -> list[tuple[str, str]]:
    return [(d.severity, d.message) for d in found.diagnostics if d.severity != "note"]


@pytest.mark.parametrize(
    ("name", "state", "priority"), [("master", "MASTER", 150), ("backup", "BACKUP", 100)]
)
def test_the_articles_files(name: str, state: str, priority: int) -> None:
    found = load(DATA / f"article-{name}.conf")
    assert found.diagnostics == ()
    assert found.exit_status == 0
    (instance,) = found.config.instances
    assert (instance.name, instance.state, instance.priority) == ("VI_1", state, priority)
    assert (instance.interface, instance.vrid, instance.version) == ("eth0", 51, 2)
    assert (instance.auth.kind, instance.auth.password) == ("PASS", b"1111\0\0\0\0")
    assert [str(vip) for vip in instance.addresses] == ["192.168.1.10/32"]
    assert instance.where.line == 11
    mail = found.config.globals
    assert mail.notification_email == ("hogehoge@feedforce.jp",)
    assert mail.notification_email_from == "keepalived@feedforce.jp"
    assert (mail.smtp_server, mail.smtp_connect_timeout_ns) == (("localhost", 25), 30 * SECOND)


def test_defaults_are_keepalived_s() -> None:
    instance = one()
    assert (instance.state, instance.priority, instance.preempt) == (None, 100, True)
    assert instance.advert_interval_ns == SECOND
    assert instance.down_timer_adverts == 3
    assert (instance.auth.kind, instance.auth.password) == ("NONE", b"")
    assert (instance.garp.repeat, instance.garp.delay_ns) == (5, 5 * SECOND)
    assert (instance.garp.lower_prio_repeat, instance.garp.refresh_ns) == (5, 0)
    assert instance.accept
    assert not instance.unicast


def test_a_password_is_not_in_the_repr() -> None:
    text = repr(one("authentication {\n auth_type PASS\n auth_pass geheim\n}"))
    assert "PASS" in text
    assert "geheim" not in text


@pytest.mark.parametrize(
    ("lines", "field", "value"),
    [
        ("state MASTER", "priority", 255),
        ("state MASTER\npriority 150", "priority", 150),
        ("state MASTER\nstate BACKUP", "state", "MASTER"),
        ("priority 100\npriority 120", "priority", 120),
        ("priority 100x", "priority", 100),
        ("priority 256", "priority", 100),
        ("advert_int 1.5", "advert_interval_ns", 2 * SECOND),
        ("advert_int 0.4", "advert_interval_ns", SECOND),
        ("advert_int 0", "advert_interval_ns", SECOND),
        ("advert_int 5x", "advert_interval_ns", SECOND),
        ("version 3\nadvert_int 0.5", "advert_interval_ns", SECOND // 2),
        ("version 3\nadvert_int 100", "advert_interval_ns", 40_950_000_000),
        ("version 3\nversion 2", "version", 3),
        ("nopreempt", "preempt", False),
        ("nopreempt\nstate MASTER\npriority 150", "preempt", True),
        ("nopreempt\npriority 255", "preempt", True),
        ("preempt_delay 7.5", "preempt_delay_ns", 7_500_000_000),
        ("preempt_delay 7.5\nnopreempt", "preempt_delay_ns", 0),
        ("preempt_delay 7\nstate MASTER\npriority 9", "preempt_delay_ns", 0),
        ("preempt_delay 1001", "preempt_delay_ns", 0),
        ("mcast_src_ip 10.0.0.1", "mcast_src_ip", ip_address("10.0.0.1")),
        ("mcast_src_ip 10.0.0.1/24", "mcast_src_ip", ip_address("10.0.0.1")),
        ("mcast_src_ip fe80::1", "mcast_src_ip", None),
        ("mcast_dst_ip 10.0.0.1", "mcast_dst_ip", None),
        ("mcast_dst_ip 224.0.0.55", "mcast_dst_ip", ip_address("224.0.0.55")),
        ("dont_track_primary", "dont_track_primary", True),
        ("skip_check_adv_addr off", "skip_check_adv_addr", False),
        ("smtp_alert", "smtp_alert", True),
        ("no_accept", "accept", False),
        ("strict_mode", "accept", False),
        ("strict_mode\ndown_timer_adverts 5", "down_timer_adverts", 3),
        ("down_timer_adverts 5", "down_timer_adverts", 5),
        ("unicast_ttl 5", "unicast_ttl", 255),
        ("unicast_peer {\n192.168.1.12\n}\nunicast_ttl 5", "unicast_ttl", 5),
        ("unicast_peer {\n192.168.1.12\n}", "unicast", True),
        ("unicast_src_ip 192.168.1.11", "unicast", False),
        ("unicast_peer {\nfe80::1\n}", "unicast_peers", ()),
        ("old_unicast_checksum never", "old_unicast_checksum", False),
    ],
)
def test_what_keepalived_makes_of_it(lines: str, field: str, value: object) -> None:
    assert getattr(one(lines), field) == value


@pytest.mark.parametrize(
    ("before", "lines", "field", "value"),
    [
        ("vrrp_garp_master_repeat 3", "", "repeat", 3),
        ("vrrp_garp_master_repeat 3", "", "lower_prio_repeat", 3),
        ("vrrp_garp_master_repeat 3", "garp_master_repeat 0", "repeat", 1),
        ("vrrp_garp_master_delay 9", "garp_master_delay 0", "delay_ns", 0),
        ("vrrp_garp_lower_prio_delay 2", "", "lower_prio_delay_ns", 2 * SECOND),
        ("", "garp_master_delay 8", "lower_prio_delay_ns", 5 * SECOND),
        ("", "garp_master_refresh 60", "refresh_ns", 60 * SECOND),
        ("vrrp_min_garp", "", "repeat", 1),
        ("vrrp_min_garp", "", "delay_ns", 0),
        ("vrrp_strict", "", "lower_prio_repeat", 0),
    ],
)
def test_gratuitous_arp(before: str, lines: str, field: str, value: int) -> None:
    garp = one(lines, before=f"global_defs {{\n{before}\n}}").garp
    assert getattr(garp, field) == value


def test_global_defs_below_the_instance_count_too() -> None:
    text = text_of() + "global_defs {\n vrrp_down_timer_adverts 7\n}\n"
    assert loads(text).config.instances[0].down_timer_adverts == 7


@pytest.mark.parametrize(
    ("block", "kind", "severity"),
    [
        ("auth_type PASS\nauth_pass 123456789", "PASS", "warning"),
        ("auth_type PASS", "NONE", "error"),
        ("auth_pass 1111", "NONE", "warning"),
        ("auth_type FOO\nauth_pass 1111", "NONE", "error"),
        ("auth_type PASS\nauth_pass 11#11", "PASS", "warning"),
    ],
)
def test_authentication(block: str, kind: str, severity: str) -> None:
    found = loaded(f"authentication {{\n{block}\n}}")
    auth = found.config.instances[0].auth
    assert auth.kind == kind
    assert len(auth.password) == (0 if kind == "NONE" else 8)
    assert {what for what, _ in complaints(found)} == {severity}


def test_strict_mode_and_version_3_have_no_authentication() -> None:
    block = "authentication {\nauth_type PASS\nauth_pass 1111\n}"
    for lines in ("strict_mode", "version 3"):
        found = loaded(f"{lines}\n{block}")
        assert found.config.instances[0].auth.kind == "NONE"
        assert "no authentication" in complaints(found)[-1][1]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("10.0.0.1", Address(ip=ip_address("10.0.0.1"), prefixlen=32)),
        ("10.0.0.1/24 dev eth1", Address(ip=ip_address("10.0.0.1"), prefixlen=24, dev="eth1")),
        (
            "10.0.0.1/24 brd +",
            Address(ip=ip_address("10.0.0.1"), prefixlen=24, broadcast=IPv4Address("10.0.0.255")),
        ),
        (
            "10.0.0.1/24 brd -",
            Address(ip=ip_address("10.0.0.1"), prefixlen=24, broadcast=IPv4Address("10.0.0.0")),
        ),
        (
            "10.0.0.1 scope link label eth0:1",
            Address(ip=ip_address("10.0.0.1"), prefixlen=32, scope=253, label="eth0:1"),
        ),
        ("10.0.0.1 scope 7", Address(ip=ip_address("10.0.0.1"), prefixlen=32, scope=7)),
        (
            "10.0.0.1/24 peer 10.0.0.2/30",
            Address(ip=ip_address("10.0.0.1"), prefixlen=30, peer=ip_address("10.0.0.2")),
        ),
        (
            "10.0.0.1 no_track home -nodad",
            Address(ip=ip_address("10.0.0.1"), prefixlen=32, no_track=True, home=True),
        ),
        ("10.0.0.1 scope foo", Address(ip=ip_address("10.0.0.1"), prefixlen=32)),
        ("10.0.0.1/33", Address(ip=ip_address("10.0.0.1"), prefixlen=32)),
        ("10.0.0.1 foo", Address(ip=ip_address("10.0.0.1"), prefixlen=32)),
        ("10.0.0.1 10.0.0.2", Address(ip=ip_address("10.0.0.1"), prefixlen=32)),
        ("fe80::1", Address(ip=ip_address("fe80::1"), prefixlen=128, nodad=True, preferred_lft=0)),
        (
            "fe80::1/64 -nodad",
            Address(ip=ip_address("fe80::1"), prefixlen=64, nodad=False, preferred_lft=FOREVER),
        ),
    ],
)
def test_address_entry(entry: str, expected: Address) -> None:
    assert one(vips=entry).addresses == (expected,)


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.300",
        "10.0.0.1 dev",
        "10.0.0.1 dev a dev b",
        "10.0.0.1 brd x",
        "10.0.0.1 brd",
        "10.0.0.1 label abcdefghijklmnop",
        "10.0.0.1 peer fe80::1",
        "10.0.0.1 preferred_lft x",
        "10.0.0.1 brd fe80::1",
        "fe80::1%eth0",
        '""',
    ],
)
def test_address_entry_that_is_dropped(entry: str) -> None:
    found = loaded(vips=f"192.168.1.10\n{entry}\n192.168.1.11")
    (instance,) = found.config.instances
    assert [str(vip.ip) for vip in instance.addresses] == ["192.168.1.10", "192.168.1.11"]
    ((severity, message),) = complaints(found)
    assert severity == "error"
    assert message.endswith("address ignored")
    assert found.exit_status == 4


def test_the_first_address_fixes_the_family_and_excluded_ones_are_free() -> None:
    found = loaded("virtual_ipaddress_excluded {\n fe80::2\n}", vips="192.168.1.10\nfe80::1")
    (instance,) = found.config.instances
    assert [str(vip.ip) for vip in instance.addresses] == ["192.168.1.10"]
    assert [str(vip.ip) for vip in instance.excluded] == ["fe80::2"]
    assert complaints(found)[0][0] == "error"


def test_ipv6_means_version_3() -> None:
    instance = one(vips="fe80::1")
    assert (instance.family, instance.version) == (6, 3)
    found = loaded("version 2", vips="fe80::1")
    assert found.config.instances[0].version == 3
    assert complaints(found)[0][0] == "error"


def test_a_duplicate_address_is_an_error_at_its_place() -> None:
    found = loaded(vips="10.0.0.1\n  10.0.0.1")
    assert len(found.config.instances[0].addresses) == 1
    (only,) = found.diagnostics
    assert (only.severity, only.line, only.column) == ("error", 7, 3)


def many(count: int) -> str:
    return "\n".join(f"10.1.{n // 250}.{n % 250 + 1}" for n in range(count))


@pytest.mark.parametrize(("count", "advertised"), [(20, 20), (21, 21), (255, 255), (256, 255)])
def test_surplus_addresses_move_to_the_excluded_ones(count: int, advertised: int) -> None:
    found = loads(text_of("virtual_ipaddress_excluded {\n 10.9.9.9\n}", many(count)))
    (instance,) = found.config.instances
    assert len(instance.addresses) == advertised
    assert len(instance.excluded) == count - advertised + 1
    assert str(instance.excluded[0].ip) == "10.9.9.9"
    expected = (
        []
        if count == advertised
        else [
            (
                "warning",
                "(VI_1) Number of VIPs (256) exceeds maximum/space available in packet "
                "(max 255 addresses) - excess moved to eVIPs",
            )
        ]
    )
    assert complaints(found) == expected


def test_ipv6_and_small_mtus_have_less_space() -> None:
    vips = "\n".join(f"fe80::{n:x}" for n in range(1, 101))
    assert len(one(vips=vips).addresses) == 89
    assert len(loads(text_of(vips=many(200)), mtu=576).config.instances[0].addresses) == 131


def test_max_vips_drops_the_21st_with_the_words_of_1_2_19() -> None:
    found = loads(text_of(vips=many(22)), max_vips=20)
    (instance,) = found.config.instances
    assert (len(instance.addresses), instance.excluded) == (20, ())
    assert complaints(found) == 2 * [
        ("warning", "VRRP_Instance(VI_1) trunc to the first 20 VIPs."),
        ("warning", "=> Declare others VIPs into the excluded vip block"),
    ]
    assert [one.line for one in found.diagnostics] == [26, 26, 27, 27]


@pytest.mark.parametrize(
    ("line", "argv", "user", "group"),
    [
        ("notify_master /etc/keepalived/hoge.sh", ("/etc/keepalived/hoge.sh",), None, None),
        ("notify_master \"/bin/cmd 'a b' c\"", ("/bin/cmd", "a b", "c"), None, None),
        ("notify_master /bin/echo one two", ("/bin/echo",), "one", "two"),
        ('notify_master "/bin/x y" nobody nogroup', ("/bin/x", "y"), "nobody", "nogroup"),
        (r"notify_master '/bin/x \"a\tb\"'", ("/bin/x", "a\tb"), None, None),
        ('notify_master "/bin/a"\'" b"\'', ("/bin/a b",), None, None),
    ],
)
def test_command(line: str, argv: tuple[str, ...], user: str | None, group: str | None) -> None:
    command = one(line).notify.master
    assert command is not None
    assert (command.argv, command.user, command.group) == (argv, user, group)
    assert command.text == line.split(None, 1)[1]


def test_the_first_notify_script_counts() -> None:
    found = loaded("notify_backup /bin/a\nnotify_backup /bin/b\nnotify /bin/c")
    notify = found.config.instances[0].notify
    assert notify.backup == Command(("/bin/a",), text="/bin/a")
    assert notify.any == Command(("/bin/c",), text="/bin/c")
    assert [severity for severity, _ in complaints(found)] == ["error"]


def test_notify_deleted_may_stand_alone() -> None:
    notify = one("notify_deleted").notify
    assert (notify.deleted, notify.report_deleted) == (None, True)
    assert not one().notify.report_deleted


@pytest.mark.parametrize(
    ("lines", "vips", "message"),
    [
        ("priority", "10.0.0.1", "needs an argument"),
        ("notify_master", "10.0.0.1", "needs an argument"),
        ("state", "10.0.0.1", "needs an argument"),
        ("version 3", "", "at least one virtual_ipaddress"),
        ("strict_mode", "", "at least one virtual_ipaddress"),
    ],
)
def test_fatal(lines: str, vips: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        loaded(lines, vips)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vrrp_instance A {\n interface eth0\n}", "needs a virtual_router_id"),
        ("vrrp_instance A {\n virtual_router_id 5\n}", "needs an interface"),
        ("vrrp_instance A {\n virtual_router_id 5\n interface lo\n}", "loopback"),
        (text_of() + text_of().replace("VI_1", "VI_2"), "used by VI_1"),
    ],
)
def test_fatal_for_an_instance(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        loads(text)


def test_version_2_without_addresses_is_only_warned_about() -> None:
    assert [severity for severity, _ in complaints(loaded(vips=""))] == ["warning"]
    assert complaints(loaded("no_virtual_ipaddress", vips="")) == []


def test_one_name_twice_keeps_the_first() -> None:
    found = loads(text_of("priority 9") + text_of("priority 8"))
    assert [one.priority for one in found.config.instances] == [9]
    assert found.exit_status == 4


def test_a_reload_can_compare(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text(text_of())
    second.write_text("\n\n# moved\n" + text_of())
    configs: list[Config] = [load(path).config for path in (first, second)]
    assert configs[0] == configs[1]
    assert configs[0] != loads(text_of("priority 9")).config


def worst(found: tuple[Diagnostic, ...]) -> set[str]:
    return {one.severity for one in found}


@pytest.mark.parametrize(
    "lines",
    [
        "state MASTER interface eth0",
        "priority 5 6",
        "nopreempt off",
        "priority 5\npriority 6",
        "virtual_ipaddress_excluded eth0 {\n}",
        "advert_int 2.7",
        "unicast_ttl 9",
    ],
)
def test_what_keepalived_swallows_is_warned_about(lines: str) -> None:
    found = loaded(lines)
    assert worst(found.diagnostics) - {"note"} == {"warning"}
    assert found.exit_status == 0


@pytest.mark.parametrize(
    ("lines", "vips", "virtual", "excluded", "wrong"),
    [
        ("", "192.168.1.10\n192.168.1.11\n192.168.1.10/24", ["10/32", "11/32"], [], 1),
        ("", "192.168.1.10\n192.168.1.10 dev eth1", ["10/32"], [], 1),
        ("virtual_ipaddress_excluded {\n192.168.1.10 dev eth0\n}", "192.168.1.10",
         ["10/32"], [], 1),
        ("virtual_ipaddress_excluded {\n192.168.1.10 dev eth1\n}", "192.168.1.10",
         ["10/32"], ["10/32"], 0),
        ("virtual_ipaddress_excluded {\n192.168.1.20\n192.168.1.20\n192.168.1.20 dev eth1\n}",
         "192.168.1.10", ["10/32"], ["20/32", "20/32"], 1),
    ],
    ids=["again", "elsewhere", "excluded", "excluded-elsewhere", "excluded-twice"],
)  # fmt: skip
def test_an_address_counts_once_as_in_keepalived_2_3_3(
    lines: str, vips: str, virtual: list[str], excluded: list[str], wrong: int
) -> None:
    found = loaded(lines, vips)
    (instance,) = found.config.instances
    assert [str(vip) for vip in instance.addresses] == [f"192.168.1.{one}" for one in virtual]
    assert [str(vip) for vip in instance.excluded] == [f"192.168.1.{one}" for one in excluded]
    said = [text for severity, text in complaints(found) if severity == "error"]
    assert len(said) == wrong
    assert all("again (first in line" in text and "ignored" in text for text in said)


def test_a_peer_counts_once() -> None:
    peers = "192.168.1.12\n192.168.1.13\n192.168.1.12 min_ttl 255"
    found = loaded(f"unicast_peer {{\n{peers}\n}}")
    (instance,) = found.config.instances
    assert [str(peer.ip) for peer in instance.unicast_peers] == ["192.168.1.12", "192.168.1.13"]
    assert ("error", "(VI_1) the same peer again; ignored") in complaints(found)
