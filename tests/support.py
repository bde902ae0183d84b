"""What more than one ring of tests needs: an ordinary user, and a deadline instead of a sleep.

    from tests.support import OrdinaryUser, eventually

The kit promises to work without root, and continuous integration runs as root; so the tests that
check the promise give up root themselves.  The user is one that Debian makes:

    root ─────────────────────> an account of its own, made by `useradd -m` (tests.accounts)
    root that can make none ──> uid 65534, without an account, with an empty HOME
    an ordinary user ─────────> the same user, with an empty HOME

In all three cases the environment is what a login gives (`environment()`), with no /sbin in PATH,
and nothing of the tester's is inherited.
Nothing here knows what the commands do.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from tests import accounts

REPOSITORY = Path(__file__).resolve().parent.parent
# Debian's /etc/login.defs: ENV_PATH, what every user but root logs in with.
LOGIN_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
NOBODY = 65534
# What the tests run on the same segment: the machine's own daemon, and this checkout's.
DAEMONS = ("keepalived", "vrrpd")
# Seconds after which what a test waits for counts as hung: a guard, and not a measurement.  All
# rings run at the same time, on a machine that may be slow: what takes one second alone has taken
# forty.
HUNG_S = 600


def eventually(
    condition: Callable[[], Any], timeout: float = HUNG_S, what: str = "", every: float = 0.02
) -> Any:
    """Waits until `condition()` is true and returns its value.

    `timeout` and `every` are seconds. Raises AssertionError, naming `what`, when time runs out
    and `condition()` is false even then, however long this process was kept waiting.
    """
    deadline = time.monotonic() + timeout
    never = threading.Event()  # never set: a wait that yields the processor
    while True:
        late = time.monotonic() > deadline
        if value := condition():
            return value
        if late:
            raise AssertionError(f"not within {timeout:g} s: {what or condition}")
        never.wait(every)


class OrdinaryUser:
    """Runs commands as a user without privileges, freshly logged in, whose `home` vanishes later.

    with OrdinaryUser() as user:
        user.run([sys.executable, "-m", "labs.cli.doctor"], timeout=60)
    """

    def __init__(self) -> None:
        self.account = accounts.Account() if accounts.possible() else None
        self.uid = NOBODY if has_other_ids() else os.geteuid()
        if self.account is not None:
            self.uid = self.account.entry.pw_uid
            self.home = Path(self.account.entry.pw_dir)
        else:
            self.home = Path(tempfile.mkdtemp(prefix="vrrp-lab-user-"))
            self.give(self.home)

    def __enter__(self) -> OrdinaryUser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.account is not None:
            self.account.remove()
        else:
            shutil.rmtree(self.home, ignore_errors=True)

    def give(self, path: Path) -> None:
        """Make `path`, which the tester has written, the user's own."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.account.entry.pw_gid if self.account else NOBODY)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A login's environment, and `extra`; nothing of the tester's."""
        name, shell = str(self.uid), "/bin/sh"
        with suppress(KeyError):  # without an account it has no name
            name, shell = pwd.getpwuid(self.uid).pw_name, pwd.getpwuid(self.uid).pw_shell
        login = {"HOME": str(self.home), "USER": name, "LOGNAME": name, "SHELL": shell}
        return {**login, "PATH": LOGIN_PATH, **(extra or {})}

    def command(
        self, args: Sequence[str | Path], env: Mapping[str, str] | None = None
    ) -> list[str]:
        """`args` preceded by what gives up root, if there is root to give up, and logs in.

        `env`: variables beyond those of the login.
        """
        drop: list[str] = []
        if self.account is not None:
            entry = self.account.entry
            drop = ["setpriv", f"--reuid={self.uid}", f"--regid={entry.pw_gid}", "--init-groups"]
        elif self.uid != os.geteuid():
            drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        login = [f"{name}={value}" for name, value in self.environment(env).items()]
        return [*drop, "env", "-i", *login, *map(str, args)]

    def run(
        self,
        args: Sequence[str | Path],
        timeout: float,
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `args` in the repository for at most `timeout` seconds and returns its output.

        With `check`, a status other than 0 is an AssertionError that carries the output.
        """
        done = subprocess.run(
            self.command(args, env),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check:
            assert done.returncode == 0, (
                f"{' '.join(map(str, args))} ended with {done.returncode}\n"
                f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
            )
        return done

    def popen(
        self, args: Sequence[str | Path], env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[Any]:
        """Starts `args` in the repository; the caller ends it."""
        return subprocess.Popen(self.command(args, env), cwd=REPOSITORY, **options)


def has_other_ids() -> bool:
    """Whether this process is root and may become `NOBODY`."""
    return os.geteuid() == 0 and accounts.other_ids()


def checkout_is_public() -> bool:
    """Whether another user can read this checkout and its .venv."""
    places = [(REPOSITORY, 0o005), (Path(sys.prefix), 0o005)]
    places += [(place, 0o001) for place in REPOSITORY.parents]
    return all(place.stat().st_mode & bits == bits for place, bits in places)
