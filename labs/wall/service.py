"""Serves the wall: `labs wall FOLDER...` on this machine, or as a service of a JupyterHub.

    labs wall class/*                        http://127.0.0.1:8060/6f1c.../   until Ctrl-C
    python -m labs.wall.service --class FOLDER        started by the hub, which says who may look:
    python -m labs.wall.service --accounts GROUP      its administrators

Without a hub the address has a word in it that cannot be guessed: others on this machine, whose
browsers reach 127.0.0.1 as well, do not find the page.
"""

from __future__ import annotations

import argparse
import grp
import os
import pwd
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

from labs.jupyter.server import HOST, require_free
from labs.wall import page, sections
from labs.wall.standing import Class

PORT = 8060
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
_POLICY += "connect-src 'self'; frame-ancestors 'none'"


class _Page(RequestHandler):
    """The page, or with X-Part its middle."""

    def initialize(self, learners: Class) -> None:
        self.learners = learners

    def get(self) -> None:
        found = self.learners.learners()
        lesson = self.get_query_argument("lesson", "")
        if lesson not in sections.lessons():
            lesson = page.newest(found)
        names = self.get_query_argument("names", "") == "1"
        show = page.main if self.request.headers.get("X-Part") else page.whole
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Cache-Control", "no-store")
        self.finish(show(found, lesson, names))


def serve(folders: Sequence[Path], port: int = PORT) -> None:
    """Serve the wall of these learners, or of the classes in these folders, until Ctrl-C.

    Raises LabError if the port is taken.
    """
    require_free(port, HOST, f"labs wall --port {port + 1} FOLDER...")
    word = secrets.token_urlsafe(12)
    application = Application([(f"/{word}/", _Page, {"learners": Class(folders)})])
    application.listen(port, HOST)
    print(f"\n  The wall is at\n\n      http://{HOST}:{port}/{word}/\n\n  Ctrl-C ends it.\n",
          flush=True)  # fmt: skip
    _run()


def _run() -> None:
    loop = IOLoop.current()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    loop.start()


class Accounts(Class):
    """The members of a Unix group, as they are now: their ~/vrrp-lab."""

    def __init__(self, group: str) -> None:
        super().__init__([])
        self._group = group

    def _places(self) -> list[Path]:
        try:
            group = grp.getgrnam(self._group)
        except KeyError:
            return []
        found = [each for each in pwd.getpwall() if each.pw_gid == group.gr_gid]
        names = {*group.gr_mem, *(each.pw_name for each in found)}
        homes = [Path(each.pw_dir) for each in pwd.getpwall() if each.pw_name in names]
        return [home / "vrrp-lab" for home in homes]


def main(argv: Sequence[str] | None = None) -> int:
    """The program that a hub starts."""
    from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
    from tornado.web import authenticated

    parser = argparse.ArgumentParser(prog="labs.wall.service")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--class", type=Path, dest="folder")
    which.add_argument("--accounts", metavar="GROUP")
    options = parser.parse_args(argv)
    learners = Accounts(options.accounts) if options.accounts else Class([options.folder])

    class Protected(HubOAuthenticated, _Page):
        """The page for those to whom the hub gives it."""

        get = authenticated(_Page.get)  # type: ignore[assignment]

    prefix, where = os.environ["JUPYTERHUB_SERVICE_PREFIX"], os.environ["JUPYTERHUB_SERVICE_URL"]
    application = Application(
        [
            (prefix, Protected, {"learners": learners}),
            (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
        ],
        cookie_secret=os.urandom(32),
    )
    application.listen(urlsplit(where).port or 0, HOST)
    _run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
