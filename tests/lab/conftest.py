"""Labs for the tests of this ring, which itself runs inside a lab's namespaces.

    labs exec -- pytest tests/lab

`bare_lab` is shared by the tests of a module and has no daemons, so it is quick and quiet.
`cluster` is the article's cluster, once with each daemon, reset before each test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from labs import Lab
from labs.emulation.mailbox import Mailbox
from labs.sandbox import namespaces
from tests.leftovers import new_mark
from tests.support import HUNG_S

# A learner is shown after 15 s that nothing came of it; a test waits as for everything else.
Lab.wait_until.__defaults__ = (HUNG_S, "the condition")
Lab.settle.__defaults__ = (HUNG_S,)
Mailbox.wait.__defaults__ = (1, HUNG_S)

# Every worker of this ring has its own: what the labs of another one do is not its business.
os.environ[namespaces.MARK] = new_mark()


# Files whose tests take longest.
LONGEST = {"test_attacker.py", "test_hostile.py", "test_vmac_frames.py", "test_wheel.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One clear sentence instead of a hundred errors; and the longest tests first.

    A worker begins with a block of the list; when it is done, it takes over from the end of another
    block. A long test there would be all that the ring waits for.
    """
    if items and not namespaces.inside():
        pytest.exit("tests/lab runs in namespaces of its own: labs exec -- pytest tests/lab", 2)
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="module")
def bare_lab() -> Iterator[Lab]:
    """The hosts and the switch without any daemon."""
    with Lab("empty", beside=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def started(any_daemon: str) -> Iterator[Lab]:
    """A cluster with each of the daemons in turn."""
    with Lab("basic", daemon=any_daemon, beside=True) as lab:
        yield lab


@pytest.fixture
def cluster(started: Lab) -> Lab:
    """The article's cluster as it starts, 192.168.1.10 on web1."""
    started.reset("basic")
    what = "web1 to hold the address"
    started.wait_until(lambda: started.holders() == ["web1"], timeout=HUNG_S, what=what)
    return started
