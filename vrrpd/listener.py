"""From bytes on a socket to an event for one virtual router.

A Listener is one interface's worth of VRRP: it holds the socket, finds the virtual router a
packet is for, lets the packet through the checks in their order, and counts what it drops.

    socket -> parse -> VRID known? -> CHECKS, in order -> Receiver.on_advert()
                 \\         \\              \\
                  +---------+---------------+--> PacketError(check): counted, logged, forgotten

The order is the RFC's (RFC 3768 section 7.1, RFC 9568 section 7.1) with one change: the VRID is
looked up first, so that the traffic of other virtual routers on the LAN is neither verified nor
held against us.  No timer and no state is touched before the last check has passed.
(keepalived restarts a MASTER's Adver_Timer for every packet it rejects, so junk can silence it.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

from vrrpd import auth_header, auth_hmac
from vrrpd.config.globals import Globals
from vrrpd.config.model import Instance
from vrrpd.events import AdvertReceived, IPAddress
from vrrpd.fsm import RESIGN, Params, State
from vrrpd.journal import Log
from vrrpd.packet import PROTOCOL, Advertisement, Check, Datagram, PacketError, parse_ip
from vrrpd.packet_signature import shapes
from vrrpd.ports import Channel, Clock, Timer, Wire
from vrrpd.receive_buffer import minimum_size, requested_size
from vrrpd.steady_masters import SteadyMasters
from vrrpd.validation import Expectation, admit, find_vrid


class _Receiver(Protocol):
    """What a Listener must know of a virtual router: which packets are for it, and where they go.

    `expected` is the Expectation of packets that were admitted, None once something has changed.
    `timer` is the one that runs.
    """

    instance: Instance
    group: IPAddress
    params: Params
    expected: Expectation | None
    timer: Timer | None

    @property
    def state(self) -> State:
        """The state of the virtual router."""

    @property
    def name(self) -> str:
        """The name of the `vrrp_instance` block."""

    @property
    def source(self) -> IPAddress:
        """The primary address of the interface."""

    @property
    def expectation(self) -> Expectation:
        """What an Advertisement must be to be accepted."""

    def on_advert(
        self,
        advert: Advertisement,
        received: AdvertReceived,
        at: int,
        sequence: int = 0,
        times: int = 1,
    ) -> None:
        """A valid Advertisement arrived at `at` (ns), with this number in its AH, if any.

        `times`: so many of the same have arrived, the last of them at `at`.
        """

    def on_bad_packet(self, error: PacketError, datagram: Datagram) -> None:
        """A packet for this virtual router failed a check."""


REMEMBERED = 1024  # packets of a segment that need not be checked again
MOST_ADVERTS = 5  # down_timer_adverts with which packets may be handed over late


class SocketKey(NamedTuple):
    """Where a virtual router lives: an interface, an address family and an IP protocol."""

    interface: str
    family: int = 4
    protocol: int = PROTOCOL


class _AdmittedPacket(NamedTuple):
    """A packet that `router` has admitted while it expected `expectation`, and what it says.

    `wait` (ns) is the Master_Down_Timer that it starts in a BACKUP.
    """

    router: _Receiver
    expectation: Expectation
    advert: Advertisement
    received: AdvertReceived
    packet: bytes
    wait: int

    def only_restarts_timer(self, now: int) -> bool:
        """Whether all that the same packet again does is to restart Master_Down_Timer.

        Of many in a row, only the last one counts then.
        """
        router, params = self.router, self.router.params
        outranks = self.received.priority >= params.priority or not params.preempts
        return (
            router.state is State.BACKUP
            and router.expected is self.expectation
            and self.received.priority != RESIGN
            and outranks
            and now >= params.not_before
            and params.down_timer_adverts <= MOST_ADVERTS
        )


def _needs_group(router: _Receiver) -> bool:
    """Whether it receives its peers by a multicast group; with `unicast_peer` it does not."""
    return router.group.is_multicast and not router.instance.unicast


def _sends_to(router: _Receiver, address: IPAddress) -> bool:
    """Whether `address` is one of its unicast peers."""
    return any(peer.ip == address for peer in router.instance.unicast_peers)


class Listener:
    """VRRP in one Place: one socket, and the virtual routers that share it."""

    def __init__(self, place: SocketKey, wire: Wire, clock: Clock, log: Log) -> None:
        self.place = place
        self.interface = place.interface
        self.wire = wire
        self.clock = clock
        self.log = log
        self.routers: dict[int, list[_Receiver]] = {}
        self.channel: Channel | None = None
        self.index: int | None = None
        self.joined: set[IPAddress] = set()
        self.trouble = ""  # why there is no socket, or not every group
        self.counters: Counter[str] = Counter()
        self.settings = Globals()
        self.masters = SteadyMasters(self, clock)
        self.known: dict[bytes, _AdmittedPacket] = {}  # packets that were admitted
        self.latest: dict[int, _AdmittedPacket] = {}  # by VRID: the last one of those
        self.expected: dict[int, _AdmittedPacket] = {}  # by VRID: what may be handed over late

    def add(self, router: _Receiver) -> None:
        """From now on this router's packets find it."""
        self.forget()
        self.routers.setdefault(router.instance.vrid, []).append(router)
        self.narrow()

    def remove(self, router: _Receiver) -> None:
        """This router is no more."""
        self.forget()
        mine = self.routers[router.instance.vrid]
        mine.remove(router)
        if not mine:
            del self.routers[router.instance.vrid]
        self.narrow()

    def forget(self) -> None:
        """No packet has been admitted, so that each of them is checked again."""
        for seen in (self.known, self.latest, self.expected):
            seen.clear()

    def configure(self, settings: Globals) -> None:
        """These settings are in force from now on."""
        self.settings = settings
        self.set_receive_buffer()
        self.narrow()

    def set_receive_buffer(self) -> None:
        """Have as much kept for us as the configuration asks for, or else enough."""
        mine = [router.instance for routers in self.routers.values() for router in routers]
        wanted = requested_size(mine, self.settings)
        if self.channel is not None:
            try:
                if any(wanted):
                    self.channel.set_receive_buffer(*wanted)
                else:
                    self.channel.ensure_receive_buffer(minimum_size(len(mine)))
            except OSError as error:
                text = f"receive buffer on {self.interface}: {error.strerror or error}"
                self.log.limited(("room", self.interface), text)

    def narrow(self) -> None:
        """Receive only what is for our virtual routers, unless the log of unknown VRIDs is on."""
        if self.channel is not None:
            vrids = () if self.settings.log_unknown_vrids else tuple(self.routers)
            routers = [router for mine in self.routers.values() for router in mine]
            mine = [(router.instance, router.params.priority) for router in routers]
            self._hint(self.channel.only, vrids, shapes(mine))
            self.expect()

    def _hint(self, give: Callable[..., None], *what: object) -> None:
        """Give the channel a hint, which may fail: `receive()` takes what it hands over as well."""
        try:
            give(*what)
        except OSError:
            pass
        except Exception as error:  # no mistake of ours may end what the caller is at
            self.log.trouble(error)

    def expect(self) -> None:
        """Say which packets may be handed over late: those that only restart a timer."""
        if self.channel is not None:
            now = self.clock.now()
            steady = {v: one for v, one in self.expected.items() if one.only_restarts_timer(now)}
            self.expected = steady
            packets = {vrid: one.packet for vrid, one in steady.items()}
            self._hint(self.channel.expect, packets, self._postpone)

    def _postpone(self, vrid: int, at: int) -> Timer | None:
        """An expected packet arrived at `at` (ns), and will be handed over before any callback.

        Not if something has changed since it was admitted: then its effect is not known.
        """
        known = self.expected.get(vrid)
        if known is None or known.router.expected is not known.expectation:
            return None
        timer = known.router.timer
        if timer is not None:
            timer.postpone(at + known.wait)
        return timer

    def changed(self, router: _Receiver) -> None:
        """A router is in another state: what it expected must be handed over at once."""
        if router.instance.vrid in self.expected:
            self.expect()

    def _repeated(self, known: _AdmittedPacket) -> None:
        """A packet that was admitted before: twice in a row, and the next may be late."""
        vrid = known.router.instance.vrid
        if self.expected.get(vrid) is known:
            return
        if self.latest.get(vrid) is not known:
            self.latest[vrid] = known
        elif len(self.routers[vrid]) == 1 and known.only_restarts_timer(self.clock.now()):
            self.expected[vrid] = known
            self.expect()

    def attend(self, index: int | None) -> None:
        """Listen on the interface with this index; None: it does not exist at present.

        A new index under the old name is a new interface, and needs a new socket.  What was not
        possible the last time is tried again; see `deaf()`.
        """
        if index != self.index:
            self.close()
        self.index = index
        if index is None:
            return
        place = self.place
        if self.channel is None:
            try:
                self.channel = self.wire.listen(
                    place.interface, place.family, place.protocol, self.receive
                )
            except OSError as error:
                self._complain(error)
                return
            self.trouble = ""
            self.set_receive_buffer()
            self.narrow()
        for mine in self.routers.values():
            for router in mine:
                self.join(router)

    def join(self, router: _Receiver) -> None:
        """Receive the multicast group of a router that has one, now or when there is a socket."""
        group = router.group
        if self.channel is not None and _needs_group(router) and group not in self.joined:
            try:
                self.channel.join(group)
                self.joined.add(group)
            except OSError as error:
                self._complain(error)

    def deaf(self, router: _Receiver) -> str | None:
        """Why this router cannot receive from its peers on an interface that exists, or None."""
        if self.index is None:
            return None
        if self.channel is None or (_needs_group(router) and router.group not in self.joined):
            return self.trouble
        return None

    def _complain(self, error: OSError) -> None:
        """The kernel does not let us listen."""
        text = f"cannot listen for VRRP on {self.interface}: {error.strerror or error}"
        if text != self.trouble:  # it is tried again every second
            self.log.limited(("listen", self.interface), text)
        self.trouble = text

    def may_have_missed(self, since: int) -> bool:
        """Whether packets may have come since that moment (ns) that we were not given."""
        if self.channel is None or not self.channel.may_have_missed(since):
            return False
        text = "advertisements may be lost or unread: Master_Down_Timers run once more"
        self.log.limited(("missed", self.interface), f"{self.interface}: {text}")
        return True

    def send(self, packet: bytes) -> None:
        """Send one IP packet.  Raises OSError, also while the interface does not exist."""
        if self.channel is None:
            raise OSError(f"no VRRP socket on {self.interface}")
        self.channel.send(packet)

    def receive(self, packet: bytes, at: int, times: int = 1) -> None:
        """Take one IP packet that arrived at `at` (ns); whatever it holds, nothing is raised.

        `times`: so many of the same have arrived, the last of them at `at`.

        A MASTER sends the same again and again: but for identification and header checksum, which
        are not checked here, the packet has been admitted before.
        """
        key = packet[:4] + packet[6:10] + packet[12:]
        known = self._admitted(key)
        if known is not None:
            known.router.on_advert(known.advert, known.received, at, times=times)
            self._repeated(known)
            return
        if times > 1:
            self._one_by_one(packet, key, at, times)
            return
        try:
            datagram = parse_ip(packet)
            vrid = find_vrid(datagram)
        except PacketError as error:
            self.counters[error.check.value] += 1
            self.log.limited((error.check, self.interface), f"{self.interface}: dropped: {error}")
            return
        router = self.find(vrid, datagram)
        if router is None:
            self._unknown(vrid, datagram)
            return
        if router.instance.owner_ignore_adverts and router.instance.is_owner:
            text = f"({router.name}) Dropping packet(s) since we are address owner"
            self.log.limited(("owner", router.name), text)
            return
        expectation = router.expectation
        if expectation.verifier is not None:
            message, signed = auth_hmac.split(datagram.message, datagram.source.version)
            waited = max(0, self.clock.now() - at)
            datagram = datagram._replace(message=message, trailer=signed, waited=waited)
        try:
            advert = admit(datagram, expectation)
        except PacketError as error:
            router.on_bad_packet(error, datagram)
            return
        received = AdvertReceived(advert.priority, datagram.source, advert.interval)
        if not datagram.ah and expectation.verifier is None:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            wait = router.params.master_down(router.params.learn(advert.interval))
            known = _AdmittedPacket(router, expectation, advert, received, packet, wait)
            self.known[key] = known
        router.on_advert(advert, received, at, auth_header.sequence_of(datagram))

    def _admitted(self, key: bytes) -> _AdmittedPacket | None:
        """What is known of a packet that was admitted, if nothing has changed since; or None."""
        known = self.known.get(key)
        return known if known is not None and known.router.expected is known.expectation else None

    def _one_by_one(self, packet: bytes, key: bytes, at: int, times: int) -> None:
        """Check so many of the same until one is admitted: then the others are, too.

        What was expected may not be what is accepted now.
        """
        for left in range(times, 0, -1):
            if self._admitted(key) is not None:
                self.receive(packet, at, left)
                return
            self.receive(packet, at)

    def _unknown(self, vrid: int, datagram: Datagram) -> None:
        """A packet for a virtual router that we have not got; that is no mistake of anybody."""
        self.counters[Check.VRID.value] += 1
        if self.settings.log_unknown_vrids:
            text = f"Unknown VRID({vrid}) received on interface({self.interface}). ignoring..."
            cause = ("vrid", self.interface, vrid, datagram.source)
            self.log.limited(cause, f"{text} (from {datagram.source})")

    def find(self, vrid: int, datagram: Datagram) -> _Receiver | None:
        """The router a packet is for, or None.

        Of several with one VRID: the one in the group it was sent to, or the unicast one that has
        the sender among its peers, and of those the one whose address it was sent to.
        """
        mine = self.routers.get(vrid, [])
        if len(mine) < 2:
            return mine[0] if mine else None
        to = datagram.destination
        if to.is_multicast:
            found = [one for one in mine if not one.instance.unicast and one.group == to]
        else:
            unicast = [one for one in mine if one.instance.unicast]
            found = [one for one in unicast if _sends_to(one, datagram.source)]
            found.sort(key=lambda one: one.source != to)
        return found[0] if found else None

    def close(self) -> None:
        """Stop listening."""
        channel, self.channel, self.index = self.channel, None, None
        self.expected.clear()
        self.joined.clear()
        if channel is not None:
            channel.close()
