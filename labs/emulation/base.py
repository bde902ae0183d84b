"""What follows from the facts of a lab: holders, timelines, the Advertisements that were kept.

    lab.holders()                               ["web1"]
    lab.timeline(), lab.timelines()            what happened to one address, to each
    lab.frames()                               the Advertisements that were seen, as packets

The same for a lab that runs (`labs.emulation.inspection`) and for one that was recorded
(`labs.replay.replay_lab`), so
nothing here needs a network, Linux or Mininet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

from labs import conf
from labs.analysis.timeline import Timeline
from labs.errors import LabError, unknown
from labs.model.facts import Address, Advert, Fact

if TYPE_CHECKING:
    from labs.capture.capture import Frame
    from labs.model.topology import Layout

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What a command printed (output and errors together) and its exit status."""

    text: str
    status: int

    def __repr__(self) -> str:
        ending = f"\n(exit status {self.status})" if self.status else ""
        return self.text.rstrip("\n") + ending

    __str__ = __repr__


class LabView(ABC):
    """What follows from facts; a lab supplies them, its clock and the files of its hosts."""

    hosts: Any  # by their names
    layout: Layout
    watch: str
    watched: tuple[str, ...]
    witness: Any

    @property
    @abstractmethod
    def now(self) -> float:
        """The lab's clock (Unix time, s); in a replay, that of the recording."""

    @property
    @abstractmethod
    def since(self) -> float:
        """When this lab was started or last reset: its timelines begin there."""

    @abstractmethod
    def facts(self) -> list[Fact]:
        """All facts of the observers, the journals and the learner's actions, unsorted."""

    @abstractmethod
    def wait_until(
        self, condition: Callable[[], T], timeout: float = 15.0, what: str = "the condition"
    ) -> T:
        """Wait until `condition()` is true and return its value; LabError when it takes longer."""

    @abstractmethod
    def _configuration(self, host: str) -> str:
        """The keepalived.conf of `host`; empty if there is none."""

    @property
    def servers(self) -> list[str]:
        """The hosts that can own an address."""
        return list(self.layout.servers)

    def holders(self, address: str | None = None) -> list[str]:
        """The hosts that hold `address`, by default the watched one, now."""
        wanted = self.address(address)
        held = self.witness.held()
        return [name for name in self.hosts if wanted in held.get(name, ())]

    def timeline(self, address: str | None = None) -> Timeline:
        """What happened to `address`, by default the watched one, since the start or last reset."""
        wanted, now = self.address(address), self.now
        return self._timeline(wanted, self.facts(), now)

    def timelines(self) -> list[Timeline]:
        """One timeline for each address that servers have shared since the start, in order."""
        facts, now = self.facts(), self.now
        own = {one.partition("/")[0] for each in self.layout.sockets for one in (each.ip, each.ip6)}
        shared = set(self.watched)
        for fact in facts:
            if isinstance(fact, Advert):
                shared.update(fact.addresses)
            elif isinstance(fact, Address) and fact.host in self.servers and fact.held:
                shared.add(fact.address)
        found = sorted(map(ip_address, shared - own), key=lambda one: (one.version, int(one)))
        kept = [str(one) for one in found if not one.is_link_local or str(one) in self.watched]
        return [self._timeline(one, facts, now) for one in kept]

    def frames(self, kind: str = "advert") -> list[Frame]:
        """The packets of a kind that were seen since the last reset, oldest first.

        Only Advertisements are kept whole; `capture` is the way to everything else.
        """
        from labs.capture.capture import Frame

        if kind != "advert":
            raise unknown("kind of kept frames", kind, ["advert"])
        seen: Iterable[Advert] = self.witness.of(Advert)
        kept = (fact for fact in seen if fact.t >= self.since)
        return [Frame(fact.t, fact.host, bytes.fromhex(fact.hex)) for fact in kept]

    # --- insides ---------------------------------------------------------------------------------

    def _timeline(self, address: str, facts: list[Fact], now: float) -> Timeline:
        """With a lane for each server that has, had or is meant to have the address.

        Where that is one alone, with a lane for all: that the others lack it is worth seeing.
        """
        held = {f.host for f in self.witness.of(Address) if f.address == address}
        hosts = [name for name in self.servers if name in held or self._meant(name, address)]
        lanes = hosts if len(hosts) > 1 else self.servers
        return Timeline(facts, address, lanes, start=self.since, end=now)

    def _meant(self, name: str, address: str) -> bool:
        """Whether the configuration of a server names the address."""
        return conf.names_address(self._configuration(name), address)

    def address(self, address: str | None) -> str:
        """`address` as the kernel writes it, or the watched one; LabError if it is none."""
        return self.watch if address is None else same(address)


def same(address: str) -> str:
    """An address in the one spelling that the kernel uses; LabError if it is no address."""
    try:
        return str(ip_address(address))
    except ValueError:
        raise LabError(
            f"{address!r} is no address: write one without a prefix length, such as 192.168.1.10"
        ) from None
