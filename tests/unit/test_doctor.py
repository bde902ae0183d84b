"""`labs doctor` says what is wrong and what to do about it; whether this machine is well is the lab
ring's business, not this one's."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from labs.cli import doctor
from labs.cli.doctor import Finding, report
from labs.sandbox import namespaces


def test_a_failing_finding_is_followed_by_its_remedy() -> None:
    text = report([Finding("mininet", False, "No module", "sudo apt-get install mininet")])
    first, second, *_, last = text.splitlines()
    assert first.split() == ["FAILED", "mininet", "No", "module"]
    assert second.strip() == "remedy: sudo apt-get install mininet"
    assert last == "a lab cannot run yet: mininet"


def test_a_finding_that_only_tests_need_does_not_fail_the_machine() -> None:
    text = report([Finding("chromium", False, "not installed", "apt", needed=False)])
    assert text.startswith("absent")
    assert text.endswith("this machine can run the labs")


def test_the_last_line_promises_no_daemon_that_is_absent() -> None:
    absent = Finding("keepalived", False, "not installed", "apt", needed=False)
    assert report([absent]).splitlines()[-1] == (
        "this machine can run the labs, with vrrpd alone: keepalived is not installed"
    )


def test_a_good_finding_takes_one_line() -> None:
    assert report([Finding("python", True, "3.11.2", "unused")]).count("\n") == 2


@pytest.mark.parametrize(
    ("ok", "needed", "status"), [(True, True, 0), (False, False, 0), (False, True, 1)]
)
def test_the_exit_status_shows_whether_a_lab_can_run(
    ok: bool, needed: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [Finding("thing", ok, "", "", needed)]
    monkeypatch.setattr(doctor, "diagnose", lambda: findings)
    assert doctor.main([]) == status


def test_a_port_in_use_is_found_and_another_one_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finding = doctor._port(port)
    assert not finding.ok
    assert finding.remedy == f"make lab PORT={port + 1}"


def test_apparmor_is_reported_with_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "apparmor_restrict_unprivileged_userns"
    switch.write_text("1\n")
    monkeypatch.setattr(doctor, "APPARMOR", switch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    finding = doctor._apparmor()
    assert not finding.ok
    assert "sysctl" in finding.remedy
    assert "sudo make lab" not in finding.remedy
    assert finding.remedy.startswith("without root: `LAB_MODE=replay make lab`")
    commands = [line.split()[-1] for line in finding.lines() if line.split()[:1] == ["sudo"]]
    assert commands == ["/etc/apparmor.d/vrrp-lab"] * 2
    assert doctor.PROFILE.read_text().count("sudo cp packaging/apparmor/vrrp-lab") == 1
    assert "\nprofile vrrp-lab flags=(unconfined) {\n  userns,\n" in doctor.PROFILE.read_text()


@pytest.mark.parametrize(("switch", "asked"), [("1", "changeprofile vrrp-lab"), ("0", "")])
def test_a_lab_takes_on_the_profile_only_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str, asked: str
) -> None:
    (tmp_path / "switch").write_text(switch)
    (tmp_path / "current").write_text("")
    monkeypatch.setattr(namespaces, "_RESTRICTED", tmp_path / "switch")
    monkeypatch.setattr(namespaces, "_PROFILE", tmp_path / "current")
    namespaces.ask_apparmor()
    assert (tmp_path / "current").read_text() == asked
    monkeypatch.setattr(namespaces, "_PROFILE", tmp_path / "absent" / "current")
    namespaces.ask_apparmor()  # no profile to ask for is no error


def test_a_program_that_is_absent_or_hangs_is_a_finding_not_a_crash() -> None:
    assert doctor._run(["/nonexistent/program"]).returncode == 127
