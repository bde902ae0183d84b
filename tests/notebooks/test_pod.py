"""A lesson's lab in a container like those of packaging/kubernetes, made here by tests.pod."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import HUNG_S, REPOSITORY

ID_MAP = Path("/proc/self/uid_map").read_text().split()
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or ID_MAP[2] != str(2**32 - 1),
    reason="optional: only root of the machine has the 65536 user ids of a pod",
)
IN_A_LAB = ["python", "-m", "labs.sandbox.namespaces", "--"]
# A cable is pulled; then root on a host looks for what belongs to the pod.
FAILOVER = """
from labs import Lab
lab = Lab("basic", daemon={"web1": "vrrpd", "web2": "keepalived"})
lab.settle()
lab.unplug("web1")
lab.wait_until(lambda: lab.holders() == ["web2"], 60)
print([takeover.to for takeover in lab.timeline().takeovers][-2:], lab.holders())
print(lab.run("web2", "ls /home /opt /mnt; umount -l / 2>&1; hostname; id -u").text)
"""


def in_pod(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the options and the command of `words` as tests.pod does."""
    command = [sys.executable, "-m", "tests.pod", *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=HUNG_S)


def test_the_container_has_what_the_pod_asks_for_and_no_more() -> None:
    status = in_pod("--", "cat", "/proc/self/status").stdout
    lines = dict(line.split(":\t", 1) for line in status.splitlines())
    assert lines["Uid"].split() == ["1000"] * 4
    assert (lines["CapEff"], lines["CapBnd"]) == ("0" * 16, f"{1 << 21:016x}")
    assert (lines["NoNewPrivs"], lines["Seccomp"]) == ("1", "2")


def test_a_pulled_cable_ends_rightly_in_a_pod() -> None:
    """Its filter refuses pivot_root(2) and chroot(2), and /etc/hosts there is a mount."""
    done = in_pod("--", *IN_A_LAB, "python", "-c", FAILOVER)
    takeovers, *host = done.stdout.splitlines()
    assert takeovers == "['web1', 'web2'] ['web2']", done.stderr
    assert host[:8] == ["/home:", "", "/mnt:", "", "/opt:", "umount: /: not mounted.", "web2", "0"]


@pytest.mark.parametrize("setting", ["procMount", "capabilities"])
def test_each_setting_of_the_pod_is_needed(setting: str) -> None:
    done = in_pod("--without", setting, "--", *IN_A_LAB, "true")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "labs: this pod may not make namespaces (Operation not permitted)"
    )
    assert "packaging/kubernetes/pod.yaml" in done.stderr
