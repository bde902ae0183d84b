"""The ordinary user of every ring is one that Debian makes, freshly logged in."""

from __future__ import annotations

import os
import pwd
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests import accounts
from tests.support import HUNG_S, REPOSITORY, OrdinaryUser

needs_accounts = pytest.mark.skipif(
    not accounts.possible(), reason="optional: only root can make accounts"
)


def variables(text: str) -> dict[str, str]:
    """What `env` prints."""
    return dict(line.split("=", 1) for line in text.splitlines())


def test_its_path_holds_no_programs_of_an_administrator(
    ordinary_user: OrdinaryUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
    path = variables(ordinary_user.run(["env"], HUNG_S).stdout)["PATH"]
    assert "sbin" not in path
    assert ordinary_user.run(["sh", "-c", "command -v python3"], 10).stdout


def test_it_inherits_nothing(ordinary_user: OrdinaryUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DAEMON", "keepalived")
    found = variables(ordinary_user.run(["env"], 10, {"MINE": "1"}).stdout)
    assert set(found) == {"HOME", "USER", "LOGNAME", "SHELL", "PATH", "MINE"}
    assert found["HOME"] == str(ordinary_user.home)
    assert os.stat(found["HOME"]).st_uid == ordinary_user.uid


@needs_accounts
def test_it_is_a_login(ordinary_user: OrdinaryUser) -> None:
    """`su -` gives the same; what it adds belongs to its session (terminal, mail, language)."""
    ours = variables(ordinary_user.run(["env"], HUNG_S).stdout)
    login = ["su", "-", ours["USER"], "-c", "env"]
    told = subprocess.run(login, capture_output=True, text=True, check=True, timeout=HUNG_S).stdout
    if "PATH=" in Path("/etc/environment").read_text():  # Ubuntu's, with /sbin in it
        del ours["PATH"]
    assert {name: variables(told)[name] for name in ours} == ours


@needs_accounts
def test_it_has_no_group_but_its_own(ordinary_user: OrdinaryUser) -> None:
    uid, groups = ordinary_user.run(["sh", "-c", "id -u; id -G"], 10).stdout.splitlines()
    assert int(uid) == ordinary_user.uid >= 1000
    assert len(groups.split()) == 1


@needs_accounts
def test_an_account_goes_with_all_that_belongs_to_it() -> None:
    with OrdinaryUser() as user:
        account = user.account
        assert account is not None
        place = user.run(["mktemp", "-d", "/tmp/leftXXXXXX"], 10).stdout.strip()
        assert account.left_in("/tmp") == {place}
        # It is the account's own only when it has printed so: before, it is still root.
        waits = ["sh", "-c", "echo here; exec tail -f /dev/null >/dev/null"]
        process = user.popen(waits, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.stdout.close()
    assert process.wait(HUNG_S) == -signal.SIGKILL
    assert not Path(place).exists()
    assert not user.home.exists()
    with pytest.raises(KeyError):
        pwd.getpwnam(account.entry.pw_name)


@needs_accounts
def test_the_account_of_a_killed_test_is_removed_and_that_of_a_running_one_stays() -> None:
    killed, running = accounts.Account(), accounts.Account()
    os.close(killed._lock)  # the kernel does it when a process ends
    another = accounts.Account()
    try:
        with pytest.raises(KeyError):
            pwd.getpwnam(killed.entry.pw_name)
        assert pwd.getpwnam(running.entry.pw_name) == running.entry
    finally:
        another.remove()
        running.remove()


def test_no_test_makes_an_ordinary_user_of_its_own() -> None:
    """Each of them would forget another part of the login."""
    wanted = re.compile(r"setpriv.*--reuid|--reuid=|runus" + r"er|user=NOBODY")
    found = [
        str(path.relative_to(REPOSITORY))
        for path in sorted((REPOSITORY / "tests").rglob("*.py"))
        if wanted.search(path.read_text()) and path != Path(__file__)
    ]
    assert found == ["tests/support.py"]
