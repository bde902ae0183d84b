"""A web server on a host of a lab, to be started, stopped and hung.

    web = lab.web("web1")         it serves; its page is the host's name
    web.stop(), web.start()
    web.hang()                    the port is open, and no page ever comes
    web.state                     "serving", "hanging" or "stopped"

The lab does all of it (`labs.emulation.services`), so that a replay can answer in its place.
"""

from __future__ import annotations

from typing import Protocol


class Keeper(Protocol):
    """What a web server's lab can do with it."""

    def website(self, host: str, verb: str) -> None:
        """Have the web server of `host` "start", "stop" or "hang"."""

    def serving(self, host: str) -> str:
        """What it does: "serving", "hanging" or "stopped"."""


class Website:
    """The web server on port 80 of `host`; its page is the host's name."""

    def __init__(self, lab: Keeper, host: str) -> None:
        self._lab, self.host = lab, host

    def start(self) -> None:
        """Serve: again after `stop`, on after `hang`."""
        self._lab.website(self.host, "start")

    def stop(self) -> None:
        """End the server: no process listens on the port, and a client is refused at once."""
        self._lab.website(self.host, "stop")

    def hang(self) -> None:
        """Let it hang: the kernel still takes connections, but no page ever comes."""
        self._lab.website(self.host, "hang")

    @property
    def state(self) -> str:
        """ "serving", "hanging" or "stopped"."""
        return self._lab.serving(self.host)

    def __repr__(self) -> str:
        return f"<web server of {self.host}: {self.state}>"
