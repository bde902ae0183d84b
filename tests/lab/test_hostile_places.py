"""Files where others can put something first: /tmp, and places of the users of scripts.

And what a check of a configuration does (read), and what the sender of mail may do (nothing).
"""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

from tests.interop.segment import ENVIRONMENT, Host
from tests.lab.hardship import INTERVAL, VIP, conf, gaps
from tests.support import HUNG_S, REPOSITORY, eventually


def master(host: Host) -> None:
    eventually(lambda: host.has(VIP), what=f"MASTER:\n{host.text()}")


def test_a_link_in_place_of_a_dump(host: Host) -> None:
    """The link is replaced; what it points to stays as it was."""
    public = host.room / "tmp"
    public.mkdir()
    public.chmod(0o1777)
    precious = host.room / "precious"
    precious.write_text("precious")
    for name in ("keepalived.data", "keepalived.stats"):
        (public / name).symlink_to(precious)
    host.environment = {"TMPDIR": str(public)}
    host.start("vrrpd", conf(100))
    master(host)
    for number, name in ((signal.SIGUSR1, "keepalived.data"), (signal.SIGUSR2, "keepalived.stats")):
        host.signal(number)
        dump = public / name
        eventually(lambda: not dump.is_symlink(), what=f"{name}\n{host.text()}")  # noqa: B023
        assert stat.S_IMODE(dump.stat().st_mode) == 0o600
        assert "VI_1" in dump.read_text()
    assert precious.read_text() == "precious"


def test_a_pipe_in_place_of_a_tracked_file(host: Host) -> None:
    """Opening a named pipe waits for the other end, for ever if it is not asked to do otherwise."""
    path = host.room / "level"
    os.mkfifo(path)
    block = f"track_file level {{\nfile {path}\nweight 1\ninit_file 5 overwrite\n}}\n"
    host.start("vrrpd", conf(100, "track_file {\nlevel\n}", before=block))
    master(host)
    assert "Unable to initialise track file level: not a regular file" in host.text()
    heard = len(host.segment.wire.adverts())
    path.unlink()
    os.mkfifo(path)  # seen by the daemon, which looks into it
    eventually(lambda: len(host.segment.wire.adverts()) >= heard + 4, what="advertisements")
    assert max(gaps(host.segment, 0)) < 3 * INTERVAL


def test_a_check_runs_nothing_and_writes_nothing(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    words = ("startup_script", "shutdown_script", "notify_fifo_script")
    settings = "\n".join(f"{word} {script}" for word in words)
    made = tmp_path / "made"
    text = (
        f"global_defs {{\nscript_user root\n{settings}\nnotify_fifo {made}\n}}\n"
        f"vrrp_script chk {{\nscript {script}\ninit_fail\n}}\n"
        f"track_file level {{\nfile {made}\ninit_file 5\n}}\n"
        + conf(100, f"notify {script}", "track_script {\nchk\n}", "track_file {\nlevel\n}")
    )
    (tmp_path / "conf").write_text(text)
    before = sorted(os.listdir(tmp_path))
    command = [sys.executable, "-m", "vrrpd.cli", "-t", "-f", str(tmp_path / "conf")]
    subprocess.run(command, cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, timeout=HUNG_S)
    assert sorted(os.listdir(tmp_path)) == before


def test_mail_is_sent_without_a_capability() -> None:
    """What talks to a foreign server has no right that could be taken from it."""
    with subprocess.Popen(
        [sys.executable, "-m", "vrrpd.linux.smtp_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        env=ENVIRONMENT,
    ) as postman:
        path = Path(f"/proc/{postman.pid}/status")

        def sets() -> set[str]:
            found = re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s*(\w+)$", path.read_text(), re.M)
            return {one.lstrip("0") for one in found}

        eventually(lambda: sets() == {""}, what="no capability")
        assert postman.stdin is not None
        postman.stdin.close()
        assert postman.wait(HUNG_S) == 0
