"""Two daemons on one LAN, in every combination of makes, side by side.

    runs = together(story, [("keepalived", "vrrpd"), ("vrrpd", "keepalived")], tmp_path_factory)
    runs["keepalived", "vrrpd"]      what story() returned, or raises what it raised

A run spends its time waiting for timers, so many go on at once, each on a segment of its own.
The processors set the limit: a daemon that starves is late, and the LAN would show it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")

PAIRS = [(one, other) for one in ("keepalived", "vrrpd") for other in ("keepalived", "vrrpd")]
AT_ONCE = 6 * (os.cpu_count() or 1)


def names(pair: tuple[str, str]) -> str:
    """The name of a pair in a test's id."""
    return "-".join(pair)


class Runs(Generic[Key, Result]):
    """The results by key; asking for one that failed raises its error."""

    def __init__(self, futures: Mapping[Key, Future[Result]]) -> None:
        self.futures = futures

    def __getitem__(self, key: Key) -> Result:
        return self.futures[key].result()


def together(
    story: Callable[[Key], Result], keys: Iterable[Key], at_once: int = AT_ONCE
) -> Runs[Key, Result]:
    """Play `story` for every key, as many at once as the machine bears; wait for all."""
    with ThreadPoolExecutor(at_once) as pool:
        return Runs({key: pool.submit(story, key) for key in keys})
