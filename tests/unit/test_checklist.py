"""keepalived-checklist: what it finds in a file and on a server, and its exit status.

It runs with stand-ins for the commands that it asks, which print what a server's would.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from labs.emulation.nodes import COMMANDS
from labs.emulation.start_states import STATES

SCRIPT = COMMANDS / "keepalived-checklist"
ARTICLE = (STATES / "basic" / "web1" / "keepalived.conf").read_text()
READY = (
    ARTICLE.replace("feedforce.jp", "example.com")
    .replace("auth_pass 1111", "auth_pass 1111x")
    .replace("state MASTER", "state BACKUP")
)
CLOSED = "chain input { type filter hook input priority 0; policy drop;\n tcp dport 22 accept\n%s}"


def checked(
    place: Path,
    text: str,
    *,
    rules: str = "",
    enabled: str = "enabled",
    valid: int = 0,
    version: str = "2.3.4",
    kind: str = "LOOK",
) -> tuple[int, list[str]]:
    """The exit status for a keepalived.conf on such a server, and the points that say LOOK.

    `kind`: what they say instead.
    """
    commands = {
        "nft": f"cat <<'EOF'\n{rules}\nEOF",
        "systemctl": f"echo {enabled}",
        "keepalived": f"[ $1 = -v ] && echo 'Keepalived v{version} (08/20,2022)' && exit\n"
        f"echo 'line 3: no'; exit {valid}",
        "ip": "echo '2: eth0    inet 192.168.1.11/24 brd 192.168.1.255 scope global eth0'",
        "getenforce": "echo Disabled",
    }
    for name, body in commands.items():
        (place / name).write_text(f"#!/bin/sh\n{body}\n")
        (place / name).chmod(0o755)
    (place / "file").write_text(text)
    done = subprocess.run(
        ["sh", SCRIPT, place / "file"],
        env={"PATH": f"{place}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    lines = done.stdout.splitlines()
    return done.returncode, [line.split()[1] for line in lines if line.startswith(kind)]


def test_the_articles_file_is_not_ready(tmp_path: Path) -> None:
    assert checked(tmp_path, ARTICLE) == (1, ["mail:", "password:", "state:"])


def test_a_tab_is_as_good_as_a_space(tmp_path: Path) -> None:
    tabs = ARTICLE.replace("auth_pass 1111", "auth_pass\t1111").replace("state M", "state\tM")
    assert checked(tmp_path, tabs) == (1, ["mail:", "password:", "state:"])


def test_a_file_that_is_ready_passes(tmp_path: Path) -> None:
    assert checked(tmp_path, READY) == (0, [])


@pytest.mark.parametrize(
    ("rule", "points"),
    [
        ("", ["firewall:"]),
        (" ip saddr 192.168.112.0/24 accept\n", ["firewall:"]),
        (" ip protocol vrrp accept\n", []),
        (" meta l4proto { icmp, 112 } accept\n", []),
    ],
)
def test_a_closed_firewall_must_accept_vrrp(rule: str, points: list[str], tmp_path: Path) -> None:
    assert checked(tmp_path, READY, rules=CLOSED % rule)[1] == points


OUT = (
    "chain output {\n type filter hook output priority 0; policy %s;\n ip protocol vrrp accept\n}\n"
)
JUMPED = "chain services {\n ip protocol vrrp accept\n}\n"


def test_a_rule_that_lets_vrrp_out_lets_nothing_in(tmp_path: Path) -> None:
    rules = f"table inet filter {{\n{CLOSED % ''}\n{OUT % 'accept'}}}"
    assert checked(tmp_path, READY, rules=rules)[1] == ["firewall:"]
    let_in = f"table inet filter {{\n{OUT % 'accept'}{JUMPED}{CLOSED % ' jump services'}\n}}"
    assert checked(tmp_path, READY, rules=let_in)[1] == []


def test_what_may_not_go_out_is_no_matter_of_what_comes_in(tmp_path: Path) -> None:
    assert checked(tmp_path, READY, rules=f"table inet filter {{\n{OUT % 'drop'}}}")[1] == []


SECURE = "global_defs {\n script_user root\n enable_script_security"


def tracked(script: str, text: str = READY) -> str:
    """A keepalived.conf with this script."""
    return f'{text}vrrp_script a {{\n  script "{script} -v"\n}}\n'


def test_scripts_want_script_security_and_a_user(tmp_path: Path) -> None:
    assert checked(tmp_path, tracked("/bin/true"))[1] == ["scripts:"]
    without_user = SECURE.replace(" script_user root\n", "")
    half = tracked("/bin/true", READY.replace("global_defs {", without_user))
    account = "\nkeepalived_script:" in Path("/etc/passwd").read_text()
    assert checked(tmp_path, half)[1] == ([] if account else ["scripts:"])
    secure = tracked("/bin/true", READY.replace("global_defs {", SECURE))
    assert checked(tmp_path, secure)[1] == []


@pytest.mark.parametrize(
    ("mode", "folder", "points"),
    [(0o755, 0o755, []), (0o775, 0o755, ["scripts:"]), (0o755, 0o777, ["scripts:"])],
)
def test_others_cannot_write_a_script_or_its_folder(
    mode: int, folder: int, points: list[str], tmp_path: Path
) -> None:
    script = tmp_path / "scripts" / "notify.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(mode)
    script.parent.chmod(folder)
    text = tracked(str(script), READY.replace("global_defs {", SECURE))
    assert checked(tmp_path, text)[1] == points


def test_next_to_state_master_nopreempt_is_ignored(tmp_path: Path) -> None:
    both = ARTICLE.replace("feedforce.jp", "example.com").replace("1111", "x").replace(
        "state MASTER", "state MASTER\n nopreempt"
    )  # fmt: skip
    assert checked(tmp_path, both)[1] == ["state:"]
    assert checked(tmp_path, both.replace("MASTER", "BACKUP"))[1] == []


def test_a_unicast_source_is_an_address_of_the_server(tmp_path: Path) -> None:
    copied = f"{READY}unicast_src_ip 192.168.1.12\n"
    assert checked(tmp_path, copied)[1] == ["unicast:"]
    assert checked(tmp_path, copied.replace("1.12", "1.11"))[1] == []


@pytest.mark.parametrize(
    ("version", "noted"),
    [("2.2.7", True), ("2.3.2", True), ("2.3.3", False), ("2.4.0", True), ("2.4.3", False)],
)
def test_a_version_with_a_trap_is_noted(version: str, noted: bool, tmp_path: Path) -> None:
    status, points = checked(tmp_path, READY, version=version, kind="note")
    assert status == 0
    assert ("version:" in points) is noted


def test_a_file_that_reports_no_takeover_is_noted(tmp_path: Path) -> None:
    assert "monitoring:" in checked(tmp_path, READY, kind="note")[1]
    alerting = READY.replace("state BACKUP", "state BACKUP\n smtp_alert")
    assert "monitoring:" not in checked(tmp_path, alerting, kind="note")[1]


def test_what_a_comment_says_does_not_count(tmp_path: Path) -> None:
    assert checked(tmp_path, READY + "# state MASTER, auth_pass 1111\n") == (0, [])


def test_a_service_that_does_not_start_at_boot_and_a_bad_file_are_found(tmp_path: Path) -> None:
    assert checked(tmp_path, READY, enabled="disabled", valid=4) == (1, ["file:", "boot:"])
