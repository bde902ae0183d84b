"""The things a virtual router needs from the world, and nothing else.

    Clock      what time is it; call me then
    Wire       send and receive Advertisements on an interface; put ARP frames on it
    Kernel     what interfaces are there; put these addresses on them, take those off
    Runner     start this script, and never wait for it
    Files      what does this file say; call back when that changes
    Processes  which programs run; call back when one starts or ends
    Pipes      a named pipe to write lines to
    Post       deliver this mail, and never wait for it

`vrrpd/linux/` implements them with epoll, raw sockets, netlink and processes.
`labs/simulation/lan.py` implements them in memory, where time is a number that jumps.
`router.py`, `tracking/`, `notify/` and `daemon.py` know only this file, which is why the
program a learner simulates is the program that runs on a real host.

All times are integer nanoseconds of the Clock, which is monotonic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeAlias

from vrrpd.config.model import Address, Command
from vrrpd.config.routes_model import Route, Rule
from vrrpd.events import IPAddress
from vrrpd.packet_signature import PacketSignature
from vrrpd.record import Record


class Receiver(Protocol):
    """Takes the packets of a Channel."""

    def __call__(self, packet: bytes, at: int, times: int = 1, /) -> None:
        """One IP packet, header included, and the time (ns) at which it arrived.

        `times`: so many of the same have arrived, the last of them at `at`.
        """


class Postpone(Protocol):
    """Postpones the timer that an expected packet restarts."""

    def __call__(self, vrid: int, at: int, /) -> Timer | None:
        """The packet that is expected of `vrid` arrived at `at` (ns), and will be handed over.

        Returns the timer, if it was postponed: the same packet again postpones it as far again.
        """


class Pending(Protocol):
    """Something that has been asked for."""

    def cancel(self) -> None:
        """Forget it; harmless if it has already happened."""


class Timer(Pending, Protocol):
    """A call at a moment."""

    def postpone(self, when: int) -> None:
        """A call before `when` (ns), which is later than before, would have no effect.

        A hint: the clock may call at the old moment all the same.
        """


class Clock(Protocol):
    """Monotonic time and calls at a moment of it."""

    def now(self) -> int:
        """Nanoseconds since some fixed moment."""

    def wall(self) -> int:
        """Nanoseconds since 1970 (UTC): a clock that may be set, forward and back."""

    def uptime(self) -> int:
        """Nanoseconds since the host was booted."""

    def call_at(
        self,
        when: int,
        callback: Callable[[], None],
        before: Callable[[], None] | None = None,
    ) -> Timer:
        """Call back at `when`, or soon if that is past, never from inside this call.

        `before` may be called shortly before, about 1 ms; it is a hint and may not come.
        """

    def next_call(self) -> int | None:
        """When (ns) the next call is due, at the earliest; None: there is none."""

    def breathe(self) -> None:
        """In the middle of something that takes long: let what is due happen now."""


class EventLoop(Clock, Protocol):
    """A clock that also waits for file descriptors."""

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever `fd` can be read, and at its end."""

    def remove_reader(self, fd: int) -> None:
        """Stop waiting for `fd`; harmless if nothing waits."""


class Batch(Protocol):
    """Packets that a channel has ready; of no use once it is closed."""

    def send(self, first: int, end: int) -> int:
        """Send packets `first` to `end` - 1, each with its next identification.

        Returns how many were sent, from the first on: the others have to be sent by
        `Channel.send()`, which says what is wrong.  They may be all of them.  Raises nothing.
        """


class Channel(Protocol):
    """VRRP on one interface: a raw socket of one address family and IP protocol."""

    def join(self, group: IPAddress) -> None:
        """Receive what is sent to this multicast group, too.  Raises OSError."""

    def may_have_missed(self, since: int) -> bool:
        """Whether packets were lost since that moment (ns), or arrived and could not be read.

        For timers: to be asked when one is due.
        """

    def set_receive_buffer(self, size: int, mtus: int) -> None:
        """Have `size` bytes and `mtus` times the MTU kept while we are busy.  Raises OSError."""

    def ensure_receive_buffer(self, size: int) -> None:
        """Have at least `size` bytes kept, if we may.  Raises OSError."""

    def only(self, vrids: Collection[int], shapes: Collection[PacketSignature] = ()) -> None:
        """A hint: packets for other virtual routers need not be handed over; none: all must be.

        In a flood, what has none of `shapes` need not be handed over either.  Raises OSError.
        """

    def expect(self, packets: Mapping[int, bytes], postpone: Postpone | None = None) -> None:
        """A hint: the same packets again (by VRID) may be handed over late, and counted together.

        But before any callback, so that no timer is believed without them, and each before what
        arrived after it.  "The same" are all bytes but identification and header checksum.

        `postpone`, if given, may be called when one has arrived and long before it is handed over.
        """

    def send(self, packet: bytes) -> None:
        """Send one IP packet, header included.  Raises OSError if the kernel refuses."""

    @property
    def sends_batches(self) -> bool:
        """Whether `batch()` is of use: then packets are sent by one system call."""

    def batch(self, packets: Sequence[bytes], idents: Sequence[int]) -> Batch:
        """Have IPv4 packets to multicast groups ready to be sent again and again.

        `idents` are the identifications (1 to 65,535) that were sent last.
        """

    def close(self) -> None:
        """Leave the groups; the receiver is not called again."""


class Wire(Protocol):
    """Access to the LANs this host is plugged into."""

    def listen(self, interface: str, family: int, protocol: int, receiver: Receiver) -> Channel:
        """Receive IP `protocol` (112, or 51 for AH) of `family` (4 or 6) on `interface`.

        Raises OSError if there is no such interface.
        """

    def announce(self, interface: str, frames: Sequence[bytes]) -> None:
        """Send complete Ethernet frames, back to back.  Raises OSError."""


class Interface(Record):
    """What the kernel says of an interface; `addresses` in the kernel's order.

    `tentative` are those that cannot be used until duplicate address detection is over (RFC 4862
    section 5.4), `duplicates` those that another host was found to have.

    `base` is the index of the interface below a virtual one: 0 if there is none, or if it is not
    known, and -1 if that is in another network namespace.
    """

    name: str
    index: int
    mac: bytes
    up: bool
    carrier: bool
    mtu: int = 1500
    addresses: tuple[IPAddress, ...] = ()
    kind: str = ""  # of a virtual one: veth, macvlan, ipvlan ...
    group: int = 0  # ip-link(8)
    base: int = 0
    tentative: tuple[IPAddress, ...] = ()
    duplicates: tuple[IPAddress, ...] = ()


class InterfaceAddress(Record):
    """An address and the interface it belongs on."""

    interface: str
    address: Address
    virtual: bool = False  # the interface is one that this daemon made


ManagedObject: TypeAlias = "InterfaceAddress | Route | Rule"
"""What a MASTER holds."""


class Refusal(Record):
    """What the kernel would not do, as text; `thing` is what should have been added or removed."""

    text: str
    thing: ManagedObject

    def __str__(self) -> str:
        return self.text


class VirtualLink(Record):
    """An interface that this daemon makes on top of another one, for one family of addresses.

    `mac` is its own (a macvlan) or None (an ipvlan has its base's), `also` says whether it may
    see the other family too, `address` is one that it has all the time.  `group` is a group of
    interfaces as ip-link(8) has them; None: that of the base (keepalived 2.3.0).
    """

    name: str
    base: str
    family: int
    mac: bytes | None = None
    kind: str = "vmac"  # or ipvlan
    mode: str = "private"
    address: tuple[IPAddress, int] | None = None
    also: bool = False
    group: int | None = None

    def sees(self, family: int) -> bool:
        """Whether packets of this family are to be expected on it."""
        return self.also or family == self.family

    def is_like(self, there: Interface) -> bool:
        """Whether an interface is what this asks for."""
        kind = "macvlan" if self.kind == "vmac" else "ipvlan"
        return there.kind == kind and self.mac in (None, there.mac)


class DropFilter(Record):
    """What the packet filter is to do: nothing, if there is nothing in it.

    `silent` are the addresses that no host may talk to, `links` the virtual interfaces that no
    report of group membership may leave by, `doubles` the link-local addresses of their bases that
    must not be announced by them: (address, virtual interface).
    """

    table: str = "keepalived"
    priority: int = -1
    counters: bool = False
    silent: tuple[InterfaceAddress, ...] = ()
    links: tuple[VirtualLink, ...] = ()
    doubles: tuple[tuple[IPAddress, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.silent or self.links)


class Watcher(Protocol):
    """Who wants to know what happens to the interfaces."""

    def interface_changed(self, name: str) -> None:
        """It appeared, vanished, went up or down, or changed an address of its own."""

    def address_removed(self, interface: str, address: IPAddress, ours: bool = False) -> None:
        """An address is gone that this daemon did not ask to remove.

        `ours`: it went with one that this daemon did ask to remove.
        """

    def route_removed(self, thing: Route | Rule) -> None:
        """Another program removed a tracked route or rule."""


class Kernel(Protocol):
    """The interfaces of this host and the addresses on them."""

    def interface(self, name: str) -> Interface | None:
        """The present state of an interface, or None if there is none of that name."""

    def interfaces(self) -> list[Interface]:
        """The present state of every interface."""

    def prepare(self, add: Sequence[ManagedObject]) -> object:
        """Whatever lets `change()` add these very things in a hurry; of no other use."""

    def warm_up(self) -> None:
        """A `change()` is near; without effect."""

    def change(
        self, add: Sequence[ManagedObject], remove: Sequence[ManagedObject], ready: object = None
    ) -> list[Refusal]:
        """Remove, then add, in order and in one go; the refusals.

        `ready` is what `prepare()` gave for `add`; if that is out of date it does no harm.
        What is already there, or already gone, is no refusal.  A thing that was added is removed
        from where it was added, whatever its interface is called by then.
        """

    def create(self, link: VirtualLink, blocked: bool) -> list[str]:
        """Make a virtual interface and bring it up, or take over one that is there already.

        `blocked`: not one frame leaves by it, until `block()` allows that.
        """

    def block(self, name: str, blocked: bool) -> list[str]:
        """Keep a virtual interface from sending anything, or let it send again."""

    def destroy(self, name: str) -> None:
        """Delete a virtual interface; harmless if it is gone."""

    def protect(self, shield: DropFilter) -> list[str]:
        """Filter this and nothing else in the tables of that name; one line for each refusal."""

    def switch(self, interface: str, name: str, value: int) -> list[str]:
        """Set an IPv4 sysctl of an interface until `restore()`."""

    def restore(self) -> None:
        """Put every sysctl back that is still as we left it."""

    def forwards(self, name: str) -> bool:
        """Whether this host is an IPv6 router on the interface."""

    def watch(self, watcher: Watcher) -> None:
        """Report to `watcher` from now on."""


class Runner(Protocol):
    """Starts commands and sees to their end."""

    def run(self, command: Command, arguments: Sequence[str], what: str) -> str | None:
        """Start `command` with `arguments` appended; `what` names it in the log.

        Returns None, or the reason why it could not be started.  Never blocks.
        """

    def check(self, command: Command, timeout: int, done: Callable[[Outcome], None]) -> Pending:
        """Start `command` and call `done` when it has ended, never from inside this call.

        After `timeout` ns its process group is sent SIGTERM, and SIGKILL two seconds later.
        `cancel()` kills it at once, and `done` is not called.
        """

    def keep(self, command: Command, arguments: Sequence[str], what: str) -> Pending | str:
        """Start `command` to run for as long as it likes; `cancel()` sends it SIGTERM.

        A string is the reason why it could not be started.
        """


class Outcome(Record):
    """How a command ended that was started by `Runner.check()`."""

    status: int = 0  # its exit status
    signal: int = 0  # the signal that ended it; 0: it ended by itself
    timed_out: bool = False
    problem: str = ""  # why it could not be started; "": it was
    undecided: bool = False  # it was not, for want of processes or files: that proves nothing
    said: str = ""  # the first line of its standard error

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, in time and with status 0."""
        return not (self.status or self.signal or self.timed_out or self.problem)


class Files(Protocol):
    """Small files that people and programs leave for the daemon to read."""

    def read(self, path: str) -> bytes | None:
        """The beginning of a file (127 bytes), or None if it cannot be read."""

    def write(self, path: str, text: str) -> str | None:
        """Replace what the file says; None, or why that is not possible."""

    def watch(self, path: str, changed: Callable[[], None]) -> Pending:
        """Call back whenever the file is written, appears or vanishes, until `cancel()`."""


class Process(Record):
    """A running program: `name` is the kernel's, cut at 15 bytes, `argv` what it was given."""

    pid: int
    name: str
    argv: tuple[str, ...] = ()


class ProcessWatcher(Protocol):
    """Who wants to know which programs run."""

    def process_seen(self, process: Process) -> None:
        """It runs, or it has become another program or changed its name."""

    def process_gone(self, pid: int) -> None:
        """It has ended."""


class Processes(Protocol):
    """The processes of this host."""

    def watch(self, watcher: ProcessWatcher | None) -> None:
        """Report to `watcher` of every process there is, and from now on of changes; None: stop."""


class Pipe(Protocol):
    """A named pipe that the daemon writes to; any process may read."""

    def write(self, line: str) -> str | None:
        """Write a line whole and at once, or not at all; None, or why it is lost."""

    def close(self) -> None:
        """Remove it; its readers come to the end of the file."""


class Pipes(Protocol):
    """The named pipes (FIFOs) of this host."""

    def open(self, path: str, owner: tuple[int, int] | None, mode: int) -> Pipe:
        """Make the pipe `path`, or take the one that is there.  `owner` is uid and gid.

        Raises OSError.
        """


class Mail(Record):
    """A mail, and how to hand it in: everything that the conversation with the server needs."""

    server: tuple[str, int]  # host name or address, port
    timeout: int  # ns, for the connection and for each answer
    helo: str
    sender: str
    recipients: tuple[str, ...]
    text: str  # headers and body, lines ending with CRLF


class MailSender(Protocol):
    """Takes mail to its server."""

    def send(self, letter: Mail) -> None:
        """Begin to deliver; what goes wrong is logged.  Never blocks."""


class Ports(Record):
    """One of each."""

    clock: Clock
    wire: Wire
    kernel: Kernel
    runner: Runner
    files: Files
    processes: Processes
    pipes: Pipes
    post: MailSender
