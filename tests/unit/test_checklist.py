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
    place: Path, text: str, *, rules: str = "", enabled: str = "enabled", valid: int = 0
) -> tuple[int, list[str]]:
    """The exit status for a keepalived.conf on such a server, and the points that say LOOK."""
    commands = {
        "nft": f"cat <<'EOF'\n{rules}\nEOF",
        "systemctl": f"echo {enabled}",
        "keepalived": f"echo 'line 3: no'; exit {valid}",
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
    return done.returncode, [line.split()[1] for line in lines if line.startswith("LOOK")]


def test_the_articles_file_is_not_ready(tmp_path: Path) -> None:
    assert checked(tmp_path, ARTICLE) == (1, ["mail:", "password:", "state:"])


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


def test_scripts_want_script_security(tmp_path: Path) -> None:
    tracked = READY + "vrrp_script a {\n  script /bin/true\n}\n"
    assert checked(tmp_path, tracked)[1] == ["scripts:"]
    secure = tracked.replace("global_defs {", "global_defs {\n enable_script_security")
    assert checked(tmp_path, secure)[1] == []


def test_what_a_comment_says_does_not_count(tmp_path: Path) -> None:
    assert checked(tmp_path, READY + "# state MASTER, auth_pass 1111\n") == (0, [])


def test_a_service_that_does_not_start_at_boot_and_a_bad_file_are_found(tmp_path: Path) -> None:
    assert checked(tmp_path, READY, enabled="disabled", valid=4) == (1, ["file:", "boot:"])
