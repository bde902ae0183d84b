"""Each host looks like a machine of its own: names, addresses, processes and files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labs import Lab, LabError
from labs.emulation import nodes
from tests.support import HUNG_S, REPOSITORY, eventually

HOSTS = {"web1": "192.168.1.11", "web2": "192.168.1.12", "client": "192.168.1.100"}


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_have_the_names_and_addresses_of_the_article(bare_lab: Lab, host: str) -> None:
    assert bare_lab.run(host, "hostname").text == f"{host}\n"
    shown = bare_lab.run(host, "/sbin/ip address list").text
    assert "2: eth0" in shown
    assert f"inet {HOSTS[host]}/24 brd 192.168.1.255 scope global eth0" in shown


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_has_one_interface_and_sees_nothing_of_this_machine(
    bare_lab: Lab, host: str
) -> None:
    interfaces = json.loads(bare_lab.run(host, "ip -j link").text)
    assert [interface["ifname"] for interface in interfaces] == ["lo", "eth0"]
    last = int(HOSTS[host].rpartition(".")[2])
    assert interfaces[1]["address"] == f"02:00:00:00:00:{last:02x}"


@pytest.mark.parametrize("host", HOSTS)
def test_both_ends_of_a_cable_have_different_numbers(bare_lab: Lab, host: str) -> None:
    """Equal numbers would let the kernel report a pulled cable up to a second late."""
    _, eth0 = json.loads(bare_lab.run(host, "ip -j link").text)
    assert eth0["ifindex"] != eth0["link_index"]


def test_hosts_reach_each_other_by_name(bare_lab: Lab) -> None:
    eventually(
        lambda: bare_lab.run("client", "ping -c 1 -W 1 web1 && ping -c 1 -W 1 web2").status == 0
    )
    assert bare_lab.run("client", "getent hosts vip").text.split() == ["192.168.1.10", "vip"]


def test_a_host_sees_and_ends_only_its_own_processes(bare_lab: Lab) -> None:
    for host in ("web1", "web2"):
        bare_lab.run(host, "sleep 1111 &")
    for host in ("web1", "web2"):
        # In the background it may take its time to become what it is called.
        eventually(lambda: bare_lab.run(host, "pgrep -x sleep").status == 0)  # noqa: B023
    assert bare_lab.run("web1", "ps ax -o args | grep -c '^sleep 1111'").text == "1\n"
    bare_lab.run("web1", "kill $(pgrep -x sleep)")
    eventually(lambda: bare_lab.run("web1", "pgrep sleep").status == 1)
    assert bare_lab.run("web2", "pgrep -c sleep").text == "1\n"
    bare_lab.run("web2", "kill $(pgrep -x sleep)")


@pytest.mark.parametrize("path", ["/etc", "/etc/keepalived", "/run", "/var/log", "/tmp", "/root"])
def test_a_file_of_one_host_is_on_no_other_and_not_here(bare_lab: Lab, path: str) -> None:
    name = f"{path}/written-by-web1"
    assert bare_lab.run("web1", f"echo mine >{name}").status == 0
    assert bare_lab.run("web2", f"test -e {name}").status == 1
    assert not os.path.exists(name)  # nor if /root is closed to us
    assert bare_lab.hosts["web1"].path(name).read_text() == "mine\n"


def test_the_rest_of_etc_is_the_machines_own(bare_lab: Lab) -> None:
    # Not /etc/passwd, which changes while other tests make accounts.
    assert bare_lab.run("web1", "cat /etc/profile").text == Path("/etc/profile").read_text()


def test_a_path_that_hosts_share_is_refused_with_the_alternatives(bare_lab: Lab) -> None:
    with pytest.raises(LabError, match=r"/usr/x is not web1's own: use /etc, .*/var/log"):
        bare_lab.hosts["web1"].path("/usr/x")


def test_the_repository_stays_reachable(bare_lab: Lab) -> None:
    """Even from a host whose own /root or /tmp hides where it lies."""
    assert bare_lab.run("web1", f"test -r {Path(__file__)}").status == 0
    assert bare_lab.run("web1", "python -c 'import vrrpd'").status == 0


def test_run_returns_output_errors_and_status(bare_lab: Lab) -> None:
    result = bare_lab.run("web1", "echo said; echo wrong >&2; exit 3")
    assert (result.text, result.status) == ("said\nwrong\n", 3)
    assert str(result) == "said\nwrong\n(exit status 3)"


def test_run_does_not_wait_for_what_is_left_in_the_background(bare_lab: Lab) -> None:
    assert bare_lab.run("web1", "sleep 2222 & echo started", timeout=HUNG_S).text == "started\n"
    eventually(lambda: bare_lab.run("web1", "kill $(pgrep -x sleep)").status == 0)


def test_run_ends_what_takes_too_long(bare_lab: Lab) -> None:
    with pytest.raises(LabError, match=r"took longer than 0.2 s: give it a timeout="):
        bare_lab.run("web1", "sleep 3333", timeout=0.2)
    eventually(lambda: bare_lab.run("web1", "pgrep -f 'sleep 333[3]'").status == 1)


def test_commands_start_in_the_hosts_own_home(bare_lab: Lab) -> None:
    assert bare_lab.run("web1", "echo mine >here && pwd").text == "/root\n"
    assert bare_lab.hosts["web1"].path("/root/here").read_text() == "mine\n"


@pytest.mark.parametrize("path", ["/etc/keepalived/nowhere", "/etc/keepalived/file/below"])
def test_a_file_that_cannot_be_there_is_none(bare_lab: Lab, path: str) -> None:
    bare_lab.run("web1", "echo x >/etc/keepalived/file")
    assert bare_lab.read("web1", "/etc/keepalived/file") == "x\n"
    assert bare_lab.read("web1", path) is None


# A machine as Debian 13 makes it, and with a configuration of its own.
MACHINE = """
mount -n -t tmpfs tmpfs /etc/keepalived
echo --build=x86_64-linux-gnu >/etc/keepalived/keepalived.config-opts
echo 'auth_pass secret' >/etc/keepalived/keepalived.conf
exec "$@"
"""
SERVERS = """
from labs import Lab
with Lab("empty", beside=True) as lab:
    print(*(lab.run(host, "cd /etc/keepalived && head *").text for host in lab.servers), sep="")
    lab.run("web1", "rm /etc/keepalived/*")
    lab.reset()
    print(*(lab.run(host, "cd /etc/keepalived && head *").text for host in lab.servers), sep="")
"""


def test_servers_see_the_build_options_of_keepalived_and_no_other_file_of_the_machine() -> None:
    """keepalived 2.3.3 reads them before anything else, and ends if they are not there."""
    within = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", MACHINE, "machine"]
    done = subprocess.run(
        [*within, sys.executable, "-c", SERVERS],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == 4 * ["--build=x86_64-linux-gnu"]


def test_a_closed_checkout_of_root_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hosts of root have no account; those of an ordinary user are that user."""
    tmp_path.chmod(0o700)
    monkeypatch.setattr(nodes, "_KEPT", {str(tmp_path)})
    nodes._require_readable(root=0)
    with pytest.raises(LabError, match=rf"cannot read {tmp_path}: `chmod -R o\+rX"):
        nodes._require_readable(root=1)
    tmp_path.chmod(0o755)
    nodes._require_readable(root=1)
