"""The Master_Down_Timer of a host, followed from outside: fed with facts, it says when it starts.

RFC 3768 section 6.1: a BACKUP becomes MASTER when its Master_Down_Timer runs out.

    Skew_Time             = (256 - priority) / 256 s               (version 3: times the interval)
    Master_Down_Interval  = 3 * Advertisement_Interval + Skew_Time

where keepalived's `down_timer_adverts` may say another number than 3.  The arithmetic is that of
the daemon (`vrrpd.fsm.Params`); here is only what starts the timer:

    what an observer saw                                    the timer then runs
    ----------------------------------------------------    ---------------------
    an Advertisement of a priority not below its own        Master_Down_Interval
    an Advertisement of a lower priority, with nopreempt    Master_Down_Interval
        and within preempt_delay of the first such one      Master_Down_Interval
    an Advertisement of priority 0 (the master says bye)    Skew_Time
    its interface got its carrier back                   Master_Down_Interval
    its daemon was started                                  Master_Down_Interval
    its daemon left the FAULT state, by vrrpd's journal     Master_Down_Interval
    its daemon was reloaded: see `_reloaded`                Master_Down_Interval

A program needs some tenths of a second from being started to its first BACKUP; a journal that says
when is believed, else the start itself counts.
Source of the rows: RFC 3768 section 6.4.2 and, for the carrier, keepalived's FAULT state; for
nopreempt and preempt_delay, `vrrpd.fsm.backup_receives`.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from labs import conf
from labs.model.facts import Action, Advert, Configured, Fact, Heard, Link, State
from vrrpd.config.model import Instance, SyncGroup
from vrrpd.fsm import FARTHEST, OWNER, SECOND, Params

_ANY = IPv4Address(0)  # the source breaks ties between MASTERs; no timer depends on it
ADVERTS = Params(1, 100, _ANY).down_timer_adverts  # keepalived's default
# s: how exactly an observer knows when an Advertisement was received; the longest reload.
AT_ONCE_S, RELOADS_WITHIN_S = 0.05, 0.5


def skew(priority: int, version: int, interval: float) -> float:
    """Skew_Time in seconds, RFC 3768 section 6.1 (v2) and RFC 9568 section 6.1 (v3)."""
    return Params(1, priority, _ANY, version=version).skew(round(interval * SECOND)) / SECOND


def master_down(priority: int, version: int, interval: float, adverts: int = ADVERTS) -> float:
    """Master_Down_Interval in seconds."""
    params = Params(1, priority, _ANY, version=version, down_timer_adverts=adverts)
    return params.master_down(round(interval * SECOND)) / SECOND


def configured(text: str, host: str, t: float) -> list[Configured]:
    """What a keepalived.conf says of each virtual router of `host`, as facts of the moment `t`."""
    config = conf.config(text, host)
    result = []
    for each in config.instances:
        groups = [one for one in config.sync_groups if each.name in one.members]
        result.append(
            Configured(
                t,
                host,
                each.vrid,
                each.priority,
                each.down_timer_adverts,
                each.preempt,
                each.preempt_delay_ns / SECOND,
                each.name,
                weighted=_weighted(each) or any(map(_weighted, groups)),
                sync_group=any(len(one.members) > 1 for one in groups),
                unicast=each.unicast,
            )
        )
    return result


def _weighted(of: Instance | SyncGroup) -> bool:
    """Whether something that it tracks has a weight."""
    tracked = (of.track_interfaces, of.track_scripts, of.track_processes, of.track_files)
    return any(track.weight for tracks in tracked for track in tracks)


@dataclass(frozen=True, slots=True)
class Start:
    """The timer began to run at `since` for `wait` seconds, because of `basis`.

    `basis` is a key of `labs.analysis.takeover_timing.PHRASES`.  `doubtful`: unless the daemon has
    discarded that Advertisement.
    """

    basis: str
    since: float
    wait: float
    doubtful: bool = False


class MasterDownTimer:
    """The timer of one virtual router on `host`; `take` it the facts in order of time.

    `priority`, `version` and `interval` (s) are the host's own as far as they are known, and may
    be set at any time; down_timer_adverts, nopreempt and preempt_delay are in Configured facts.
    `precise`: whether its journal knows the moments (vrrpd's) or whole seconds (keepalived's log);
    None: not known, then its State facts say it.
    `doubtful`: whether it also starts by an Advertisement that the daemon may have judged by what
    was so before, as within the time that a reload takes.
    """

    def __init__(
        self,
        host: str,
        priority: int | None = None,
        version: int = 2,
        interval: float | None = None,
        precise: bool | None = None,
        doubtful: bool = False,
    ) -> None:
        self.host = host
        self.priority = priority
        self.version = version
        self.interval = interval
        self.precise = precise
        self.doubtful = doubtful
        self.adverts = ADVERTS
        self._instances: set[str] = set()  # two with one VRID: one for each family
        self._preempts = True
        self._delay = 0.0
        self._delayed_until: float | None = None  # once preempt_delay has begun
        self._carrier: dict[str, bool] = {}
        self._carrier_at = float("-inf")  # when an interface last got its carrier back
        self._reloaded_at = float("-inf")
        self._begun = float("-inf")  # when it last began without an Advertisement
        self._last: Heard | None = None
        self._journal: int | None = None  # its priority until the next reload, by its journal

    def take(self, fact: Fact) -> Start | None:
        """What `fact` means for the timer; None if nothing, or if the priority is not known."""
        match fact:
            case Configured(host=self.host):
                self.adverts = fact.down_timer_adverts
                self._instances |= {fact.instance} - {""}
                self._preempts, self._delay = fact.preempt, fact.preempt_delay
            case Link(host=self.host):
                alive = fact.up and fact.carrier
                before = self._carrier.get(fact.interface)
                self._carrier[fact.interface] = alive
                if alive and before is False:
                    self._carrier_at = fact.t
                    return self._begin("carrier", fact.t)
            case Action(verb="start", host=self.host):
                return self._begin("start", fact.t)
            case Action(verb="reload", host=self.host):
                return self._reloaded(fact.t)
            case State(host=self.host):
                return self._changed(fact)
            case Heard(host=self.host):
                return self._received(fact)
        return None

    def concerns(self, fact: State) -> bool:
        """Whether `fact` is of this virtual router and not of another one of its host.

        True as long as no Configured fact names its instance.
        """
        return not self._instances or fact.instance in self._instances

    def _received(self, fact: Heard) -> Start | None:
        self._last = fact
        if self.priority is None:
            return None
        if 0 < fact.priority < self.priority:
            return self._outranks(fact)
        if fact.priority:
            self._delayed_until = None
        return self._start("advert" if fact.priority else "goodbye", fact.t, fact)

    def _outranks(self, fact: Heard) -> Start | None:
        """It has a higher priority than the sender: the timer runs on, but for these keywords."""
        if not self._preempts and self.priority != OWNER:
            return self._start("advert", fact.t, fact)
        if self._delayed_until is None and self._delay:
            self._delayed_until = fact.t + self._delay
        end = self._delayed_until
        if end is not None and fact.t < end + (AT_ONCE_S if self.doubtful else 0.0):
            return self._start("delayed", fact.t, fact, fact.t >= end)
        if self.doubtful and fact.t < self._reloaded_at + RELOADS_WITHIN_S:
            return self._start("advert", fact.t, fact, True)
        return None

    def _changed(self, fact: State) -> Start | None:
        exact = fact.resolution == 0
        self.precise = exact if self.precise is None else self.precise or exact
        if not self.concerns(fact):
            return None
        if fact.priority:
            self._journal = fact.priority
        if (fact.frm, fact.to) == ("INIT", "BACKUP") and exact:
            return self._begin("ready", fact.t)
        # The carrier that it got back just before is what a reader sees as the cause.
        seen = fact.t - self._carrier_at < RELOADS_WITHIN_S
        if (fact.frm, fact.to) == ("FAULT", "BACKUP") and exact and not seen:
            return self._begin("recovered", fact.t)
        return None

    def _reloaded(self, t: float) -> Start | None:
        """What a reload at `t` means.

        keepalived starts the timer again; vrrpd lets it run on.  But one that stayed BACKUP for
        longer than its Master_Down_Interval since it began was content with the master until now,
        whatever its new priority; and so was a router that had no higher one, by its own journal.
        """
        before, self._journal = self._journal, None
        self._reloaded_at = t
        if self.precise is False:
            return self._start("reload", t)
        last = self._last
        if last is None or not last.priority:
            return None
        stayed = last.t - self._begun > (self.adverts + 1) * last.interval
        if stayed or (before is not None and last.priority >= before):
            return self._start("advert", last.t, last)
        return None

    def _begin(self, basis: str, t: float) -> Start | None:
        self._begun, self._delayed_until = t, None
        return self._start(basis, t)

    def _start(
        self, basis: str, t: float, heard: Heard | None = None, doubtful: bool = False
    ) -> Start | None:
        """The timer starts; version 3 takes over the interval that it receives."""
        interval, version = self.interval, self.version
        if interval is None and heard is not None:
            interval, version = heard.interval, heard.version
        elif interval is not None and version == 3 and heard is not None:
            # keepalived learns any interval, vrrpd none beyond FARTHEST times its own.
            most = FARTHEST * interval if self.precise else heard.interval
            interval = min(heard.interval, most)
        if self.priority is None or interval is None:
            return None
        if basis == "goodbye":
            return Start(basis, t, skew(self.priority, version, interval))
        wait = master_down(self.priority, version, interval, self.adverts)
        return Start(basis, t, wait, doubtful)


class UnicastRouters:
    """The routers with unicast_peer, which do not receive what is sent to the multicast group.

    The switch passes it on to them all the same, so that there is a Heard fact.
    """

    def __init__(self) -> None:
        self._unicast: dict[tuple[str, int], bool] = {}  # (host, VRID) -> by its configuration
        self._multicast: dict[tuple[str, int], bool] = {}  # (source, VRID) -> how it sent last

    def discard(self, fact: Fact) -> bool:
        """Whether `fact` is a multicast Advertisement at a unicast router; all facts, in order."""
        match fact:
            case Configured():
                self._unicast[fact.host, fact.vrid] = fact.unicast
            case Advert():
                self._multicast[fact.source, fact.vrid] = _is_multicast(fact.hex)
            case Heard() if self._unicast.get((fact.host, fact.vrid)):
                return self._multicast.get((fact.source, fact.vrid), False)
        return False


def _is_multicast(packet: str) -> bool:
    """Whether an IP packet, hexadecimal, is sent to a group; not for a cut one."""
    first, last = (48, 80) if packet.startswith("6") else (32, 40)
    destination = bytes.fromhex(packet[first:last])
    return len(packet) >= last and ip_address(destination).is_multicast
