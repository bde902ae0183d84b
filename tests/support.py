"""What more than one ring of tests needs: an ordinary user, and a deadline instead of a sleep.

    from tests.support import OrdinaryUser, eventually

The kit promises to work without root, and continuous integration runs as root; so the tests that
check the promise give up root themselves:

    root ── setpriv ──> uid 65534 (nobody), own HOME, own runtime directory, nothing inherited
    anybody else ─────> the same user, but also with an empty HOME

Nothing here knows what the commands do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
NOBODY = 65534
# What a command may inherit; everything else of the tester's session stays out.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "CI", "LAB_DAEMON")


def eventually(
    condition: Callable[[], Any], timeout: float = 30.0, what: str = "", every: float = 0.02
) -> Any:
    """Waits until `condition()` is true and returns its value.

    `timeout` and `every` are seconds. Raises AssertionError, naming `what`, when time runs out
    and `condition()` is false even then, however long this process was kept waiting.
    """
    deadline = time.monotonic() + timeout
    never = threading.Event()  # nobody sets it: a wait that yields the processor
    while True:
        late = time.monotonic() > deadline
        if value := condition():
            return value
        if late:
            raise AssertionError(f"not within {timeout:g} s: {what or condition}")
        never.wait(every)


class OrdinaryUser:
    """Runs commands as somebody without privileges, in a HOME that vanishes afterwards.

    with OrdinaryUser() as user:
        user.run([sys.executable, "-m", "labs.doctor"], timeout=60)
    """

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="vrrp-lab-user-"))
        self.runtime = self.home / "runtime"
        self.runtime.mkdir(mode=0o700)
        self.is_root = os.geteuid() == 0
        if self.is_root:
            for path in (self.home, self.runtime):
                os.chown(path, NOBODY, NOBODY)

    def __enter__(self) -> OrdinaryUser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A login's environment: nothing of the tester's but the names in INHERITED."""
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {
            "HOME": str(self.home),
            "USER": "nobody",
            "TMPDIR": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            # Bytecode of the checkout belongs to its owner.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {**kept, **own, **(extra or {})}

    def command(self, args: Sequence[str | Path]) -> list[str]:
        """`args` preceded by what gives up root, if there is root to give up."""
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return [*(drop if self.is_root else []), *map(str, args)]

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
            self.command(args),
            cwd=REPOSITORY,
            env=self.environment(env),
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
        return subprocess.Popen(
            self.command(args), cwd=REPOSITORY, env=self.environment(env), **options
        )


def checkout_is_public() -> bool:
    """Whether another user can read this checkout and its .venv."""
    places = [(REPOSITORY, 0o005), (Path(sys.prefix), 0o005)]
    places += [(place, 0o001) for place in REPOSITORY.parents]
    return all(place.stat().st_mode & bits == bits for place, bits in places)
