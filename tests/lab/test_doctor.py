"""`labs doctor` promises what it has tried: it has run a lab, in the environment of its caller."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.outside import INSIDE, LABS, calm, no_more_than
from tests.support import HUNG_S, LOGIN_PATH, REPOSITORY, OrdinaryUser, eventually

CAN, CANNOT = "this machine can run the labs", "a lab cannot run yet: "
STEPS = ("hosts and switch", "frame", "nft", "vrrpd", "keepalived")
# As many starts of a lab, each of 0.7 s, take longer than all of `labs doctor`.
MOST_STARTS = 4
REFUSED = "netlink: Error: cache initialization failed: Operation not permitted"


def doctor(
    *before: str, path: str | None = None, user: OrdinaryUser | None = None
) -> tuple[int, str, dict[str, str]]:
    """The exit status of `labs doctor`, its last line, and each finding with its remedy."""
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    if user is None:
        done = subprocess.run(
            [*before, *LABS, "doctor"],
            capture_output=True,
            text=True,
            timeout=HUNG_S,
            cwd=REPOSITORY,
            env=environment,
        )
    else:
        done = user.run(
            [*before, *LABS, "doctor"], HUNG_S, {"PATH": path} if path else {}, check=False
        )
    assert done.stderr == ""
    *lines, _, last = done.stdout.splitlines()
    found: dict[str, str] = {}
    for line in lines:
        if line[0] != " ":
            name = line[9:25].strip()
            found[name] = f"{line[:8].strip()} {line[26:]}"
        else:
            found[name] += "\n" + line.strip()
    return done.returncode, last, found


def hiding(tmp_path: Path, program: str, script: str | None = None) -> list[str]:
    """The words that make a program of the system another, or none, for what follows them."""
    cover = "/dev/null"  # which cannot be executed
    if script is not None:
        (tmp_path / "cover").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "cover").chmod(0o755)
        cover = str(tmp_path / "cover")
    mount = f'mount -n --bind {cover} "$(readlink -f {program})" && exec "$@"'
    return [*INSIDE, "sh", "-c", mount, "hiding"]


def processor_time(action: Callable[[], object]) -> float:
    """The processor time (s) of the processes that `action` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_a_lab() -> None:
    code = "from labs import Lab\nwith Lab('basic'): pass"
    subprocess.run([*INSIDE, sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_a_good_machine_has_run_a_lab() -> None:
    before = calm()
    status, last, found = doctor()
    assert (status, last) == (0, CAN)
    assert [found[name].split()[0] for name in STEPS] == ["ok"] * 5
    eventually(lambda: no_more_than(before), what="the machine as it was before")


def test_it_takes_no_longer_than_a_few_starts_of_a_lab() -> None:
    """Its 3 s on a quiet machine, as a ratio: other programs slow down both."""
    assert processor_time(doctor) < MOST_STARTS * processor_time(start_a_lab)


def test_an_ordinary_user_without_sbin(ordinary_user: OrdinaryUser) -> None:
    status, last, found = doctor(user=ordinary_user)
    assert (status, last) == (0, CAN), found


@pytest.mark.parametrize("first", ["", LOGIN_PATH])
def test_an_nft_in_path_that_fails(first: str, tmp_path: Path) -> None:
    nft = tmp_path / "nft"
    nft.write_text(f"#!/bin/sh\necho '{REFUSED}' >&2\nexit 1\n")
    nft.chmod(0o755)
    status, last, found = doctor(path=f"{tmp_path}:{first or os.environ['PATH']}")
    assert (status, last) == (1, f"{CANNOT}nft")
    told, remedy = found["nft"].split("\n")
    assert told == f"FAILED {REFUSED}"
    assert remedy == f"remedy: take {tmp_path} out of PATH: its nft is not the system's"
    assert found["vrrpd"].startswith("ok")


def test_an_nft_of_the_system_that_fails(tmp_path: Path) -> None:
    status, last, found = doctor(*hiding(tmp_path, "/usr/sbin/nft", f"echo '{REFUSED}'; exit 1"))
    assert (status, last) == (1, f"{CANNOT}nft")
    assert "install --reinstall nftables" in found["nft"]
    assert "without root: `LAB_MODE=replay make lab`" in found["nft"]


def test_an_nft_that_does_nothing(tmp_path: Path) -> None:
    status, last, found = doctor(*hiding(tmp_path, "/usr/sbin/nft", "exit 0"))
    assert (status, last) == (1, f"{CANNOT}nft")
    assert "was accepted and dropped none" in found["nft"]


def test_a_missing_keepalived_is_not_needed(tmp_path: Path) -> None:
    status, last, found = doctor(*hiding(tmp_path, "/usr/sbin/keepalived"))
    assert (status, last) == (0, f"{CAN}, with vrrpd alone: keepalived is not installed")
    assert found["keepalived"].startswith("absent not installed\nremedy: sudo apt-get install keep")
    assert found["vrrpd"].startswith("ok")


def test_a_keepalived_that_ends_at_once(tmp_path: Path) -> None:
    """As that of Debian 13 did: its last words are the finding."""
    words = "Unable to read build config options file"
    covered = hiding(tmp_path, "/usr/sbin/keepalived", f"echo {words}; exit 1")
    status, last, found = doctor(*covered)
    assert (status, last) == (1, f"{CANNOT}keepalived")
    assert found["keepalived"].startswith(f"FAILED {words}\nremedy: ")


def test_a_program_of_the_network_that_is_missing(tmp_path: Path) -> None:
    status, last, found = doctor(*hiding(tmp_path, "/usr/sbin/ifconfig"))
    assert (status, last) == (1, f"{CANNOT}hosts and switch")
    assert "ifconfig is missing: run `sudo apt install net-tools`" in found["hosts and switch"]
    assert "frame" not in found


def test_refused_user_namespaces(ordinary_user: OrdinaryUser) -> None:
    """A user namespace that allows no further ones is what a hardened machine looks like."""
    script = (
        "echo 0 >/proc/sys/user/max_user_namespaces && "
        'exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$@"'
    )
    harden = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "harden"]
    status, last, found = doctor(*harden, path=f"{LOGIN_PATH}:/usr/sbin", user=ordinary_user)
    assert (status, last) == (1, f"{CANNOT}namespaces")
    assert "user.max_user_namespaces = 0" in found["namespaces"]
    assert "without root: `LAB_MODE=replay make lab`" in found["namespaces"]
    assert not set(STEPS) & set(found)


def test_what_is_printed_on_the_way_is_not_the_answer() -> None:
    """A library that prints while a lab starts would spoil the report."""
    code = (
        "import sys; from labs.cli import doctor; "
        "doctor._open_raw = lambda: print('x') or 'y'; sys.exit(doctor.main(['--probe']))"
    )
    done = subprocess.run(
        [*INSIDE, sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.stdout[0] == "["
    assert done.stderr == "x\n"
