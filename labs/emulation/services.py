"""Services on the hosts of a lab: mail, web, and a TCP connection through the virtual address.

    box = lab.mail("web1")         a real mail server on port 25; box.wait(1), box.messages
    web = lab.web("web1")          a real web server on port 80; web.stop(), web.start(), web.hang()
    talk = lab.talk()              a real connection of the client; talk.broken, talk.why
    lab.visitor(0.1)    a client that asks for the page every 0.1 s (labs.experiments.http_monitor)
    lab.send("attacker", packets)  packets of one's own making, once or again and again
    lab.arp("client")              who has the address, if you ask the client's neighbour table
    with lab.capture("client") as wire: ...
                                   every frame at a host's interface meanwhile: wire.frames;
                                   without a host, at every cable

Every service is a process of its host.
It ends with the lab and with every reset, and needs no clean-up.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from labs.capture import pcapng
from labs.capture.capture import Around, Capture, Captures
from labs.emulation import daemons
from labs.emulation.base import LabView, Result
from labs.emulation.cluster import Cluster
from labs.emulation.command_output import discard
from labs.emulation.inspection import HostAccess, neighbour
from labs.emulation.nodes import Host
from labs.emulation.streams import SAYS, SILENCE, EventStream, MailEvents, ProcessLines
from labs.emulation.website import Website
from labs.errors import LabError
from labs.lab_api import command, query, stream
from labs.model.neighbour import Neighbour
from labs.model.topology import Socket

if TYPE_CHECKING:
    from labs.emulation.mailbox import Mailbox
    from labs.emulation.tcp_session import TcpSession

SAY = Path(__file__).with_name("programs") / "send_packets.py"
# What a web server does after each verb, and what the timeline says then.
SITE = {
    "start": ("serving", "started"), "stop": ("stopped", "stopped"), "hang": ("hanging", "hangs"),
}  # fmt: skip
START = 30.0  # s within which a program is ready, or something is wrong
_WORDS = 4096  # bytes of what it says before that

T = TypeVar("T")


class Program:
    """`python -m labs.emulation.programs.NAME ARGUMENT...` on a host."""

    def __init__(self, host: Host, name: str, *arguments: str) -> None:
        self.host, self.name = host, name
        self._command = [sys.executable, "-m", f"labs.emulation.programs.{name}", *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self.hangs = False  # stopped by a signal of ours

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
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._process = process
        pipe = process.stdout
        assert pipe is not None
        said = b""
        deadline = time.monotonic() + START
        while b"ready\n" not in said:
            left = max(0.0, deadline - time.monotonic())
            ready = select.select([pipe], [], [], left)[0]
            some = os.read(pipe.fileno(), 65536) if ready else b""
            said = (said + some)[-_WORDS:]
            if not some:
                self.end()
                pipe.close()
                words = said.decode(errors="replace").strip().rpartition("\n")[2] or "silence"
                name, host = self.name, self.host.name
                raise LabError(
                    f"the {name} program of {host} did not start: {words}; "
                    f"is its port taken? lab.run({host!r}, 'ss -tlnp') tells"
                )
        # What it logs from now on must not fill the pipe: it would stand still.
        threading.Thread(target=discard, args=(pipe,), name="discard", daemon=True).start()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to the process that keeps it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def end(self) -> None:
        """End it at once and wait until it is gone; harmless if it has ended or never ran."""
        if self._process is not None:
            daemons.end(self._process)
            self._process = None


class _Ended(Protocol):
    def end(self) -> None: ...


class Services:
    """The services of a real lab; `hosts` runs commands, and `lab` has its clock and can wait."""

    def __init__(self, cluster: Cluster, hosts: HostAccess, lab: LabView) -> None:
        self._cluster, self._hosts, self._lab = cluster, hosts, lab
        self._services: dict[tuple[str, str], Any] = {}

    @stream
    def mail(self, host: str) -> Mailbox:
        """Start a mail server on port 25 of `host` and return its mailbox; once for each host."""
        from labs.emulation.mailbox import Mailbox

        node = self._cluster.up_host(host)

        def make() -> tuple[Mailbox, Program]:
            program = Program(node, "mail", "/run/mail")
            program.start()
            letters = MailEvents(node.path("/run/mail"))
            return Mailbox(host, letters, self._lab.wait_until), program

        return self._once("mail", host, make)

    @command
    def web(self, host: str) -> Website:
        """Start a web server on port 80 of `host`; the same one when it is there already."""
        node = self._cluster.up_host(host)

        def make() -> tuple[Website, Program]:
            program = Program(node, "web")
            program.start()
            return Website(self, host), program

        return self._once("web", host, make)

    @command
    def website(self, host: str, verb: str) -> None:
        """Have the web server of `host` "start", "stop" or "hang"; `web` begins with one.

        LabError if there is none, or if it is to hang and does not run.
        """
        program, before = self._web(host), self.serving(host)
        state, words = SITE[verb]
        if verb == "hang" and before == "stopped":
            raise LabError(f"the web server of {host} does not run: .start() it first")
        if before == state:
            return
        if verb == "start":
            program.send(signal.SIGCONT)
            program.start()
        self._cluster.record("web", host, f"web server of {host} {words}")
        if verb == "stop":
            program.end()
        elif verb == "hang":
            program.send(signal.SIGSTOP)
        program.hangs = verb == "hang"

    @query
    def serving(self, host: str) -> str:
        """What the web server of `host` does: "serving", "hanging" or "stopped"."""
        program = self._web(host)
        if not program.running:
            return "stopped"
        return "hanging" if program.hangs else "serving"

    @stream
    def talk(self, address: str | None = None) -> TcpSession:
        """Open a TCP connection from the client to `address`, by default the watched one.

        The client sends a line every 100 ms, and every server sends it back.
        LabError if no server answers.
        """
        from labs.emulation.tcp_session import TcpSession

        wanted = self._lab.address(address)
        for name in self._cluster.layout.servers:
            self._once("echo", name, partial(self._echo, name))
        lines = ProcessLines(
            self._client(), self._cluster.directory, "labs.emulation.programs.tcp_client", wanted
        )
        talk = TcpSession(wanted, lines, self._lab)
        self._services["talk", f"{len(self._services)}"] = (talk, talk)
        talk.begin()
        return talk

    @stream
    def visitor(self, every: float) -> EventStream:
        """Have the client ask the watched address for its page every so many seconds."""
        lines = ProcessLines(
            self._client(),
            self._cluster.directory,
            "labs.emulation.programs.http_client",
            self._lab.watch,
            str(every),
        )
        return lines

    @command
    def send(self, host: str, packets: Sequence[bytes], every: float = 0) -> Result:
        """Have `host` send IP packets or whole frames, once, or again every so many seconds.

        Those that it went on sending so far it sends no more.  What it says: nothing, or why not.
        """
        say = [sys.executable, "-I", "-S", str(SAY), str(every), *(one.hex() for one in packets)]
        command = shlex.join(say)
        if every:
            command = f"{SILENCE}; nohup {command} >/dev/null 2>&1 & echo $! >{SAYS}"
        return self._hosts.run(host, command)

    @query
    def arp(self, host: str, address: str | None = None) -> Neighbour:
        """Who has `address`, by default the watched one, according to `host`."""
        return neighbour(
            self._cluster.up_host(host), self._lab.address(address), self._cluster.observer
        )

    @overload
    def capture(self, host: str, interface: str = "eth0") -> Capture: ...

    @overload
    def capture(self, host: None = None) -> Captures: ...

    @stream
    def capture(self, host: str | None = None, interface: str = "eth0") -> Capture | Captures:
        """A context in which every frame that passes a host's interface is kept: wire.frames.

        Without a host: at every cable of the lab but those of hosts that are down.
        """
        node = (
            self._cluster.host(self._cluster.layout.client)
            if host is None
            else self._cluster.up_host(host)
        )
        around = Around(
            f"VRRP Lab, state {self._cluster.state}: {', '.join(self._cluster.hosts)}",
            pcapng.hosts(self._cluster.text(node.name, "/etc/hosts") or ""),
            self._cluster.actions,
        )
        if host is not None:
            self._cluster.layout.socket(host, interface)
        cables = [
            self._tap(each, around)
            for each in self._cluster.layout.sockets
            if (host, interface) == (each.host, each.interface)
            or (host is None and self._cluster.hosts[each.host].alive)
        ]
        return Captures(cables, around) if host is None else cables[0]

    # --- insides ---------------------------------------------------------------------------------

    def _once(self, kind: str, host: str, make: Callable[[], tuple[T, _Ended]]) -> T:
        """The service of that kind on that host, made if there is none."""
        if (kind, host) not in self._services:
            self._services[kind, host] = make()
        service: T = self._services[kind, host][0]
        return service

    def _tap(self, cable: Socket, around: Around) -> Capture:
        """A capture at the host's end of a cable."""
        pid = int(self._cluster.hosts[cable.host].pid)
        return Capture(cable.host, cable.interface, cable.port, around, pid)

    def _web(self, host: str) -> Program:
        """The program of the web server; LabError if there is none."""
        if ("web", self._cluster.host(host).name) not in self._services:
            raise LabError(f"there is no web server on {host}: lab.web({host!r}) starts one")
        program: Program = self._services["web", host][1]
        return program

    def _client(self) -> Host:
        return self._cluster.hosts[self._cluster.layout.client]

    def _echo(self, host: str) -> tuple[Program, Program]:
        program = Program(self._cluster.hosts[host], "tcp_echo")
        program.start()
        return program, program

    def end(self) -> None:
        """End all of them."""
        while self._services:
            _, (_, process) = self._services.popitem()
            process.end()
