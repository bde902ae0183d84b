"""What a learner types on a server: systemctl, journalctl, service, keepalived -t, on lab hosts.

Each test runs with both daemons behind the commands; the start and stop of the kit and those of
the commands must agree.
"""

from __future__ import annotations

import re
import subprocess

import pytest

from labs import Lab
from labs.emulation import daemons
from labs.emulation.programs import journalctl
from labs.model.facts import Action, Configured
from tests.support import eventually

STAMP = r"\w{3} \d\d \d\d:\d\d:\d\d"


@pytest.fixture
def lab(started: Lab) -> Lab:
    """The article's cluster with all daemons running and the files it came with."""
    for host in started.servers:
        if "priority" not in started.conf(host) or not started.running(host):
            started.reset("basic")
            break
    return started


def typed(lab: Lab, command: str, host: str = "") -> tuple[str, int]:
    """What a command prints on the first server, or on `host`, and its exit status."""
    done = lab.run(host or lab.servers[0], command)
    return done.text.rstrip("\n"), done.status


def actions(lab: Lab) -> list[tuple[str, str | None]]:
    """Verb and host of everything that was done to the cluster since the first server started."""
    return [(fact.verb, fact.host) for fact in lab.facts() if isinstance(fact, Action)]


def test_status_shows_what_a_server_shows(lab: Lab) -> None:
    server = lab.servers[0]
    daemon = lab.daemons[server]
    text, status = typed(lab, "systemctl status keepalived")
    assert status == 0
    first, loaded, active = text.splitlines()[:3]
    assert first == f"● keepalived.service - {daemon.description}"
    assert "loaded (/etc/systemd/system/keepalived.service; enabled" in loaded
    assert re.search(r"Active: active \(running\) since \w{3} \d{4}-\d\d-\d\d .*; \d+s ago", active)
    main = daemons.leaders(daemons.running(lab.hosts[server]))[0]
    assert re.search(rf"Main PID: \d+ \({daemon.name}\)\n +Tasks: \d+\n +Memory: ", text)
    assert text.count(" ".join(main.argv)) == len(daemons.running(lab.hosts[server]))
    assert re.search(rf"\n\n{STAMP} {server} \w+: ", text)
    assert typed(lab, "systemctl is-active keepalived.service") == ("active", 0)


def test_a_stop_by_the_kit_is_seen_by_systemctl_and_the_other_way_round(lab: Lab) -> None:
    server = lab.servers[0]
    lab.stop(server)
    text, status = typed(lab, "systemctl status keepalived")
    assert status == 3
    assert text.startswith("○ keepalived.service")
    assert re.search(r"Active: inactive \(dead\) since .* ago\n", text)
    assert typed(lab, "systemctl is-active keepalived") == ("inactive", 3)
    assert typed(lab, "systemctl reload keepalived")[1] == 1
    before = len(actions(lab))
    assert typed(lab, "systemctl start keepalived") == ("", 0)
    assert lab.running(server)
    assert lab.program(server) == lab.daemons[server].name
    typed(lab, "systemctl start keepalived")  # it runs already
    assert typed(lab, "systemctl restart keepalived") == ("", 0)
    assert typed(lab, "systemctl reload keepalived") == ("", 0)
    assert typed(lab, "service keepalived stop") == ("", 0)
    assert not lab.running(server)
    eventually(lambda: server not in lab.holders())
    done = [verb for verb, host in actions(lab)[before:] if host == server]
    assert done == ["start", "stop", "start", "reload", "stop"]
    known = [fact.host for fact in lab.facts() if isinstance(fact, Configured)]
    assert known.count(server) >= 4  # the lab knows which priority the daemon has read
    lab.start(server)
    assert typed(lab, "systemctl is-active keepalived") == ("active", 0)


def test_a_stop_also_ends_a_daemon_that_is_frozen(lab: Lab) -> None:
    server = lab.servers[0]
    lab.freeze(server)
    assert typed(lab, "systemctl stop keepalived") == ("", 0)
    assert not lab.running(server)


def test_a_start_with_a_bad_file_fails_as_on_a_server(lab: Lab) -> None:
    server = lab.servers[0]
    lab.conf(server, "vrrp_instance VI_1 {\n    priorty 150\n}\n")
    text, status = typed(lab, "systemctl restart keepalived")
    assert status == 1
    assert text.splitlines()[0].startswith("Job for keepalived.service failed because the control")
    assert '"journalctl -xeu keepalived.service" for details' in text
    text, status = typed(lab, "systemctl status keepalived")
    assert status == 3
    assert text.startswith("× keepalived.service")
    assert "Active: failed (Result: exit-code) since" in text
    assert re.search(r"Main PID: \d+ \(code=exited, status=\d+\)", text)
    assert "'priorty'" in typed(lab, "journalctl -xeu keepalived -n 20")[0]
    refused, status = typed(lab, "keepalived -t")
    assert status != 0
    assert "'priorty'" in refused


def test_a_start_without_a_file_does_nothing_and_status_says_why(lab: Lab) -> None:
    typed(lab, "systemctl stop keepalived; >/etc/keepalived/keepalived.conf")
    assert typed(lab, "systemctl start keepalived") == ("", 0)
    text, status = typed(lab, "systemctl status keepalived")
    assert status == 3
    assert "ConditionFileNotEmpty=/etc/keepalived/keepalived.conf was not met" in text


def test_a_killed_daemon_has_failed(lab: Lab) -> None:
    lab.crash(lab.servers[0])
    text, status = typed(lab, "systemctl status keepalived")
    assert "Active: failed (Result: signal) since" in text
    assert "(code=killed, signal=KILL)" in text
    assert (status, typed(lab, "systemctl is-active keepalived")[0]) == (3, "failed")
    assert typed(lab, "systemctl start keepalived") == ("", 0)


def test_enabling_is_remembered(lab: Lab) -> None:
    assert typed(lab, "systemctl is-enabled keepalived") == ("enabled", 0)
    assert typed(lab, "systemctl disable --now keepalived")[1] == 0
    assert typed(lab, "systemctl is-enabled keepalived") == ("disabled", 1)
    assert not lab.running(lab.servers[0])
    assert "Created symlink" in typed(lab, "systemctl enable --now keepalived")[0]
    assert typed(lab, "systemctl is-enabled keepalived") == ("enabled", 0)
    assert lab.running(lab.servers[0])
    assert "\nExecStart=/" in typed(lab, "systemctl cat keepalived")[0]


def test_journalctl_shows_the_log_in_the_form_of_the_journal(lab: Lab) -> None:
    server = lab.servers[0]
    eventually(lambda: "Entering BACKUP STATE" in lab.log(server))
    text, status = typed(lab, "journalctl -u keepalived --no-pager")
    assert status == 0
    assert re.fullmatch(rf"(?:{STAMP} {server} \w+: .*\n?)+", text)
    assert len(typed(lab, "journalctl -u keepalived -n 2")[0].splitlines()) == 2
    newest = typed(lab, "journalctl -ru keepalived -n 1 -o cat")[0]
    assert newest
    assert newest in lab.log(server)
    found = typed(lab, "journalctl -u keepalived -o cat -g 'entering backup' --since -5min")[0]
    assert re.match(r"\(VI_1\) Entering BACKUP STATE", found)
    assert typed(lab, "journalctl -u keepalived --since @9999999999") == ("-- No entries --", 0)


def test_journalctl_follows_what_is_logged(lab: Lab) -> None:
    server = lab.servers[0]
    lab.start(server)
    follow = lab.hosts[server].popen(
        ["journalctl", "-fu", "keepalived", "-n0", "-o", "cat"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert follow.stdout is not None
    try:
        # The first lines may come before it follows: reload until it has seen one.
        eventually(lambda: lab.run(server, "pgrep -x tail").status == 0)
        lab.reload(server)
        assert any("Reloading" in line for line in follow.stdout)
    finally:
        daemons.end(follow)
        follow.stdout.close()


def test_keepalived_checks_files_with_the_daemon_of_the_host(lab: Lab) -> None:
    server = lab.servers[0]
    typed(lab, "echo 'vrrp_instance X {' >/tmp/bad.conf")
    by_name = typed(lab, "keepalived -t -f /tmp/bad.conf")
    program = daemons.running(lab.hosts[server])[0].argv
    path = next(word for word in program if word.endswith(lab.daemons[server].name))
    assert by_name[1] == typed(lab, f"{path} -t -f /tmp/bad.conf")[1] != 0
    assert ("/tmp/bad.conf:1:" in by_name[0]) == (lab.daemons[server].name == "vrrpd")
    assert typed(lab, "keepalived -t") == ("", 0)
    assert typed(lab, "keepalived -v")[0].startswith("Keepalived v")


@pytest.mark.parametrize(("command", "status", "words"), [
    ("systemctl status sshd", 4, "Unit sshd.service could not be found"),
    ("systemctl mask keepalived", 1, "cannot `mask`: `systemctl --help` lists"),
    ("systemctl start", 1, "write `systemctl start keepalived`"),
    ("systemctl --user start keepalived", 1, "no option --user"),
    ("journalctl -k", 1, "-k; `journalctl --help` lists"),
    ("journalctl -u nginx", 1, "has no log of nginx"),
    ("journalctl -u keepalived --since morning", 1, "'morning' is not a time"),
    ("service sshd start", 1, "no service called sshd"),
    ("systemctl --help", 0, "A stand-in of VRRP Lab"),
    ("journalctl --help", 0, "A stand-in of VRRP Lab"),
    ("service --help", 0, "A stand-in of VRRP Lab"),
])  # fmt: skip
def test_what_a_stand_in_cannot_do_it_says(
    bare_lab: Lab, command: str, status: int, words: str
) -> None:
    text, got = typed(bare_lab, command)
    assert words in text
    assert got == status


def test_sudo_runs_the_command_of_a_learner_who_is_root_already(bare_lab: Lab) -> None:
    assert typed(bare_lab, "sudo id -u") == ("0", 0)
    assert typed(bare_lab, "sudo A=3 sh -c 'echo $A; exit 7'") == ("3", 7)
    text, status = typed(bare_lab, "sudo -i 2>&1")
    assert "you are root on a lab host" in text
    assert status == 1


def test_tcpdump_needs_no_option_that_a_server_does_not_need(bare_lab: Lab) -> None:
    """A lab has no user "tcpdump" that it could change to."""
    pings = "ping -q -i 0.2 192.168.1.12 >/dev/null & "
    text, status = typed(
        bare_lab, f"{pings}tcpdump -nn -c 1 -i eth0 icmp 2>&1; s=$?; kill $!; exit $s"
    )
    assert "1 packet captured" in text
    assert status == 0


@pytest.mark.parametrize("command", ["ssh web2", "scp x web2:/tmp/"])
def test_ssh_says_where_to_type_on_the_other_host(bare_lab: Lab, command: str) -> None:
    text, status = typed(bare_lab, f"{command} 2>&1")
    assert "in its own terminal" in text
    assert status == 255


def test_a_host_that_takes_no_part_in_vrrp_has_no_such_service(bare_lab: Lab) -> None:
    text, status = typed(bare_lab, "systemctl status keepalived", bare_lab.layout.client)
    assert status == 4
    assert "keepalived runs on the servers of the lab" in text


@pytest.mark.parametrize(("words", "seconds"), [
    ("-5min", 300), ("5 min ago", 300), ("1h 30min ago", 5400), ("-1 day", 86400), ("now", 0),
])  # fmt: skip
def test_a_time_span_is_understood(words: str, seconds: float) -> None:
    now = journalctl.moment("now")
    assert abs(now - journalctl.moment(words) - seconds) < 60
