"""What a lesson leaves behind when its kernel has ended: nothing.

with nothing_left(user) as environment:
    user.run(..., env=environment)

on the machine        nothing that carries the mark of these commands (tests.leftovers)
files                 in the user's home only what Jupyter, IPython and matplotlib keep for next
                      time; no socket or connection file of a kernel; none of the user's in /tmp
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from labs.sandbox.namespaces import MARK
from tests.leftovers import left, new_mark
from tests.support import HUNG_S, OrdinaryUser, eventually

KEPT = {".cache", ".config", ".ipython", ".local"}
RUNTIME = ".local/share/jupyter/runtime"


def files(user: OrdinaryUser) -> set[str]:
    """What lies in the user's home, by name, apart from what may stay; elsewhere, by path.

    Files in /tmp are the user's for certain only where the tests have made the account.
    """
    here = {path.name for path in user.home.iterdir()} - KEPT
    kernels = {str(path) for path in (user.home / RUNTIME).glob("*")}
    return here | kernels | (user.account.left_in("/tmp") if user.account else set())


@contextmanager
def nothing_left(
    user: OrdinaryUser, wanted: tuple[str, ...] = (), timeout: float = HUNG_S
) -> Iterator[dict[str, str]]:
    """Gives the environment for the commands of `user`; afterwards nothing of them is left.

    `wanted`: names in the user's home that the commands are meant to write.
    `timeout`: seconds for what is on its way out.
    Raises AssertionError that lists what there is.
    """
    mark = new_mark()
    before = files(user)
    yield {MARK: mark}
    with suppress(AssertionError):  # what follows says more
        eventually(lambda: not left(mark), timeout)
    found = [
        *left(mark),
        *(f"file {name}" for name in files(user) - before - set(wanted)),
    ]
    assert not found, "\n".join(found)
