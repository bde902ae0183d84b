"""Services on the hosts of a lab: mail, web, and a TCP connection through the virtual address.

    box = lab.mail("master")       a real mail server on port 25; box.wait(1), box.messages
    web = lab.web("master")        a real web server on port 80; web.stop(), web.start(), web.hang()
    talk = lab.talk()              a real connection of the client; talk.broken, talk.why
    lab.arp("client")              who has the address, if you ask the client's neighbour table
    lab.frames()                   the Advertisements that were seen, as packets
    with lab.capture("client") as wire: ...
                                   every frame at a host's card meanwhile: wire.frames;
                                   without a host, at every cable

Every service is a process of its host.
It ends with the lab and with every reset, and nobody need clean up after it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from labs import pcapng
from labs.capture import Around, Capture, Captures, Frame, Neighbour, neighbour
from labs.errors import LabError, unknown
from labs.facts import Action, Advert
from labs.inbox import Mailbox
from labs.node import Host

if TYPE_CHECKING:
    from labs.talking import Talk
    from labs.witness import Witness

START = 15.0  # s within which a program is ready, or something is wrong

T = TypeVar("T")


class Program:
    """`python -m labs.programs.NAME ARGUMENT...` on a host."""

    def __init__(self, host: Host, name: str, *arguments: str) -> None:
        self.host, self.name = host, name
        self._command = [sys.executable, "-m", f"labs.programs.{name}", *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Is the process there, stopped by a signal or not?"""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it if it does not run, and wait until it is ready.

        Raises LabError with its last words if it ends instead.
        """
        if self.running:
            return
        self.end()
        process = self.host.popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._process = process
        assert process.stdout is not None
        said = b""
        deadline = time.monotonic() + START
        while b"ready\n" not in said:
            left = max(0.0, deadline - time.monotonic())
            ready = select.select([process.stdout], [], [], left)[0]
            some = os.read(process.stdout.fileno(), 65536) if ready else b""
            said += some
            if not some:
                self.end()
                words = said.decode(errors="replace").strip().rpartition("\n")[2] or "silence"
                name, host = self.name, self.host.name
                raise LabError(
                    f"the {name} program of {host} did not start: {words}; "
                    f"is its port taken? lab.run({host!r}, 'ss -tlnp') tells"
                )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to the process that keeps it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def end(self) -> None:
        """End it at once; harmless if it has ended or never ran."""
        if self._process is not None:
            if self._process.poll() is None:
                self.send(signal.SIGKILL)
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


class Website:
    """A web server on port 80 of a host; its page is the host's name."""

    def __init__(self, program: Program, record: Callable[[str], None]) -> None:
        self._program, self._record = program, record
        self._hangs = False
        program.start()

    def start(self) -> None:
        """Serve: again after `stop`, on after `hang`."""
        if self._hangs:
            self._program.send(signal.SIGCONT)
            self._hangs = False
        elif self._program.running:
            return
        self._program.start()
        self._record(f"web server of {self._program.host.name} started")

    def stop(self) -> None:
        """End the server: nobody listens on the port, and a client is refused at once."""
        if self._program.running:
            self._record(f"web server of {self._program.host.name} stopped")
            self._program.end()
            self._hangs = False

    def hang(self) -> None:
        """Let it hang: the kernel still takes connections, but no page ever comes."""
        if not self._program.running:
            host = self._program.host.name
            raise LabError(f"the web server of {host} does not run: .start() it first")
        if not self._hangs:
            self._record(f"web server of {self._program.host.name} hangs")
            self._program.send(signal.SIGSTOP)
            self._hangs = True

    @property
    def state(self) -> str:
        """ "serving", "hanging" or "stopped"."""
        if not self._program.running:
            return "stopped"
        return "hanging" if self._hangs else "serving"

    def __repr__(self) -> str:
        return f"<web server of {self._program.host.name}: {self.state}>"


class _Ended(Protocol):
    def end(self) -> None: ...


class Services:
    """The services; `labs.lab.Lab` supplies the hosts and the witnesses."""

    hosts: dict[str, Host]
    layout: Any
    directory: Path
    state: str
    watch: str
    witness: Witness
    _actions: list[Action]
    _since: float
    _host: Callable[[str], Host]
    _record: Callable[[str, str | None, str], None]
    _address: Callable[[str | None], str]
    _services: dict[tuple[str, str], Any]
    wait_until: Callable[..., Any]

    def mail(self, host: str) -> Mailbox:
        """Start a mail server on port 25 of `host` and return its mailbox; once for each host."""
        node = self._host(host)

        def make() -> tuple[Mailbox, Program]:
            program = Program(node, "mail", "/run/mail")
            program.start()
            return Mailbox(host, node.path("/run/mail"), self.wait_until), program

        return self._once("mail", host, make)

    def web(self, host: str) -> Website:
        """Start a web server on port 80 of `host`; the same one when it is there already."""
        node = self._host(host)

        def make() -> tuple[Website, Program]:
            program = Program(node, "web")
            return Website(program, lambda text: self._record("web", host, text)), program

        return self._once("web", host, make)

    def talk(self, address: str | None = None) -> Talk:
        """Open a TCP connection from the client to `address`, by default the watched one.

        The client sends a line every 100 ms, and every server sends it back.
        LabError if nobody answers.
        """
        from labs.talking import Talk

        wanted = self._address(address)
        for name in self.layout.servers:
            self._once("echo", name, partial(self._echo, name))
        talk = Talk(self.hosts[self.layout.client], wanted, self.directory, self.wait_until)
        self._services["talk", f"{len(self._services)}"] = (talk, talk)
        talk.begin()
        return talk

    def arp(self, host: str, address: str | None = None) -> Neighbour:
        """Who has `address`, by default the watched one, according to `host`."""
        return neighbour(self._host(host), self._address(address), self.witness)

    def frames(self, kind: str = "advert") -> list[Frame]:
        """The packets of a kind that were seen since the last reset, oldest first.

        Only Advertisements are kept whole; `capture` is the way to everything else.
        """
        if kind != "advert":
            raise unknown("kind of kept frames", kind, ["advert"])
        seen = (fact for fact in self.witness.of(Advert) if fact.t >= self._since)
        return [Frame(fact.t, fact.host, bytes.fromhex(fact.hex)) for fact in seen]

    @overload
    def capture(self, host: str, interface: str = "eth0") -> Capture: ...

    @overload
    def capture(self, host: None = None) -> Captures: ...

    def capture(self, host: str | None = None, interface: str = "eth0") -> Capture | Captures:
        """A context in which every frame that passes a host's card is kept: wire.frames.

        Without a host: at every cable of the lab.
        """
        node = self._host(self.layout.client if host is None else host)
        around = Around(
            f"VRRP Lab, state {self.state}: {', '.join(self.hosts)}",
            pcapng.hosts(node.path("/etc/hosts").read_text()),
            self._actions,
        )
        if host is not None:
            self.layout.socket(host, interface)
        cables = [
            Capture(self.hosts[each.host], each.interface, f"cable to {each.port}", around)
            for each in self.layout.sockets
            if host is None or (host, interface) == (each.host, each.interface)
        ]
        return Captures(cables, around) if host is None else cables[0]

    # --- insides ---------------------------------------------------------------------------------

    def _once(self, kind: str, host: str, make: Callable[[], tuple[T, _Ended]]) -> T:
        """The service of that kind on that host, made if there is none."""
        if (kind, host) not in self._services:
            self._services[kind, host] = make()
        service: T = self._services[kind, host][0]
        return service

    def _echo(self, host: str) -> tuple[Program, Program]:
        program = Program(self.hosts[host], "echo")
        program.start()
        return program, program

    def _end_services(self) -> None:
        """End all of them."""
        while self._services:
            _, (_, process) = self._services.popitem()
            process.end()
