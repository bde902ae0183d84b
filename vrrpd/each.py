"""Taking steps of which none may keep the next from being taken.

A loop over routers, files or scripts ends with the first exception, and what comes after it in the
loop is not done: one router would cost the others their addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


def each(steps: Iterable[Callable[[], object]]) -> None:
    """Take every step, whatever another one raises; the last exception is raised at the end.

    Those before it are its context, so that a traceback has them all.
    """
    failure: BaseException | None = None
    for step in list(steps):
        try:
            step()
        except BaseException as error:
            if error is not failure:
                error.__context__ = error.__context__ or failure
            failure = error
    if failure is not None:
        raise failure
