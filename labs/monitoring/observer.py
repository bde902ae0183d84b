"""The observer: starts the recorder, keeps what it has seen, and wakes those who wait for it.

    with Observer(hosts={"web1": 41, "web2": 57, "client": 73},
                 ports={"s1-eth1": "web1", "s1-eth2": "web2"}, switch_pid=29) as observer:
        observer.wait(lambda: "192.168.1.10" in observer.held()["web2"], timeout=15)
        Timeline(observer.facts())

    +-- recorder (a process, stdlib only) ---------+        +-- this process ------------------+
    | netlink x hosts, AF_PACKET x ports, pings    | =====> | thread: Decoder -> facts -> wake |
    +----------------------------------------------+  pipe  +----------------------------------+

The recorder is started by the thread that reads from it, because the kernel's "die with your
parent" means the parent's *thread*: an Observer made in a short-lived thread would lose it at once.
An hour of pings at 10 ms is 360,000 facts; they are kept in arrays (17 bytes each) and become
`Ping` objects only when asked for.
"""

from __future__ import annotations

import fcntl
import json
import math
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TypeAlias

from labs.errors import LabError
from labs.model.facts import Advert, Arp, F, Fact, Heard, Loss, Ping, in_order
from labs.monitoring import wire_format as wire
from labs.monitoring.decoder import Decoder

# What is new, and how much there was of each kind of record.
News: TypeAlias = tuple[list[Fact], list[int]]

# -I keeps the learner's directory out of its sys.path; so this package's place is passed to it.
PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]); from labs.monitoring.recorder import main; main()"
)
HOUSE = str(Path(__file__).resolve().parents[2])
F_SETPIPE_SZ = 1031  # fcntl.F_SETPIPE_SZ appeared in Python 3.10 only for some builds
PIPE = 1 << 20  # minutes of records, should this process be busy or stopped
# Facts, of several hundred bytes each.  A host can send packets without end; what becomes of links
# and addresses is kept all the same.
MOST = 1_000_000
START = 120.0  # seconds within which every namespace answers, or something is wrong


def records(stream: IO[bytes]) -> Iterator[tuple[int, int, float, bytes]]:
    """(kind, index, time, payload) of each record in the stream, however it is cut into reads."""
    buffer = bytearray()
    head = wire.RECORD
    while chunk := stream.read(1 << 16):
        buffer += chunk
        at = 0
        while len(buffer) - at >= head.size:
            kind, index, t, length = head.unpack_from(buffer, at)
            end = at + head.size + length
            if end > len(buffer):
                break
            yield kind, index, t, bytes(buffer[at + head.size : end])
            at = end
        del buffer[:at]


class PingLog:
    """Pings in arrays: time, sequence number, round-trip time, and a number for who answered."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._t, self._rtt = array("d"), array("f")
        self._sequence, self._who = array("I"), array("b")
        self._names: list[str | None] = [None]

    def add(self, ping: Ping) -> None:
        if ping.answered_by not in self._names:
            self._names.append(ping.answered_by)
        self._t.append(ping.t)
        self._sequence.append(ping.seq)
        self._rtt.append(math.nan if ping.rtt is None else ping.rtt)
        self._who.append(self._names.index(ping.answered_by))

    def __len__(self) -> int:
        return len(self._t)

    def since(self, t: float) -> Iterator[Ping]:
        """Those sent at `t` or later, in the order in which their fate was known."""
        return (self._ping(row) for row, sent in enumerate(self._t) if sent >= t)

    def rows(self, first: int) -> Iterator[Ping]:
        """Those from row `first` on."""
        return map(self._ping, range(first, len(self._t)))

    def _ping(self, row: int) -> Ping:
        rtt = self._rtt[row]
        answer = None if math.isnan(rtt) else rtt
        who = self._names[self._who[row]]
        return Ping(self._t[row], self._sequence[row], self.address, who, answer)


class RecorderProcess:
    """The recorder, which is started at once and records what `follow` asks for.

    Its start takes as long as a network takes to build, so a lab starts it before its network.
    The thread lives as long as the process: the kernel ends the recorder with the thread that
    started it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._plan: object = None
        self._take: Callable[[int, int, float, bytes], None]
        self._closing = False
        self._ended = threading.Event()
        self._input: IO[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def follow(
        self, plan: object, take: Callable[[int, int, float, bytes], None], end: Callable[[], None]
    ) -> None:
        """Record what `plan` names: `take` gets each record, `end` is called after the last.

        Both are called by another thread.
        """
        with self._changed:
            self._plan, self._take, self._end = plan, take, end
            self._changed.notify_all()
        if self._ended.is_set():
            end()

    def stop(self) -> None:
        """Ask the recorder to end, and wait for its last record.

        Its process may exist for some time yet: the kernel closes packet sockets slowly.
        """
        with self._changed:
            self._closing = True
            self._hang_up()
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._ended.wait()

    def close(self) -> None:
        """End the recorder and wait for its process; closing twice is harmless."""
        self.stop()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _hang_up(self) -> None:
        """Close the recorder's standard input, which is how it is asked to end."""
        if self._input is not None:
            with suppress(OSError):
                self._input.close()

    def _run(self) -> None:
        """The thread: from the recorder's start to its end."""
        # -I and -S: nothing of the learner's directory or site-packages is needed or wanted.
        command = [sys.executable, "-I", "-S", "-c", PROGRAM, HOUSE]
        try:
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            ) as process:
                self._record(process)
                self._finish()
        finally:
            self._finish()

    def _finish(self) -> None:
        """There is nothing more to come, from a process that has ended or is about to."""
        if self._ended.is_set():
            return
        self._ended.set()
        with self._changed:
            end = self._end if self._plan is not None else None
        if end is not None:
            end()

    def _record(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError):
            fcntl.fcntl(process.stdout, F_SETPIPE_SZ, PIPE)
        with self._changed:
            self._input = process.stdin
            if self._closing:
                self._hang_up()
            self._changed.wait_for(lambda: self._plan is not None or self._closing)
        with suppress(BrokenPipeError, ValueError):  # ValueError: it was closed meanwhile
            process.stdin.write(json.dumps(self._plan).encode() + b"\n")
        for record in records(process.stdout):
            self._take(*record)


class Observer:
    """Records what happens in the hosts, on the switch and to a client, until closed.

    `hosts` maps names to a process in each host's network namespace, `ports` the switch's
    interfaces to the hosts behind them, `switch_pid` is a process in the switch's namespace;
    where there are several switches, one for each port.
    `recorder`: one that has been started for it before, by default its own.
    `client` (a name in `hosts`, or None) pings `target`, or each of several, every `interval`
    seconds.
    Raises LabError when a namespace cannot be watched.
    """

    def __init__(
        self,
        hosts: Mapping[str, int],
        ports: Mapping[str, str],
        switch_pid: int | Mapping[str, int],
        client: str | None = "client",
        target: str | Sequence[str] = "192.168.1.10",
        interval: float = 0.01,
        recorder: RecorderProcess | None = None,
    ) -> None:
        targets = [target] if isinstance(target, str) else list(target)
        behind = dict.fromkeys(ports, switch_pid) if isinstance(switch_pid, int) else switch_pid
        plan = {
            "hosts": list(hosts.items()),
            "ports": [(port, behind[port]) for port in ports],
            "client": hosts[client] if client is not None else None,
            "targets": targets,
            "interval": interval,
        }
        self._decoder = Decoder(list(hosts), list(ports.values()), targets)
        self._facts: list[Fact] = []
        self._pings = {each: PingLog(each) for each in targets}
        self._news = threading.Condition()
        self._full = False
        self._count = 0  # records that brought a fact
        self._ended = False
        self._closing = False
        self._recorder = recorder or RecorderProcess()
        self._recorder.follow(plan, self._take, self._end)
        try:
            self._await_ready()
        except BaseException:  # an interrupt, too: the caller has no observer to close yet
            self.close()
            raise

    # -- what it knows -----------------------------------------------------------------------

    def facts(self, since: float = -math.inf) -> list[Fact]:
        """What has been seen so far from `since` (Unix time) on, sorted by time.

        A ping becomes a fact when its reply comes, or a second after it was sent.
        There are many of them: `of` is the fast way to the others.
        """
        with self._news:
            seen = [fact for fact in self._facts if fact.t >= since]
            pings = (ping for log in self._pings.values() for ping in log.since(since))
            return in_order([*seen, *pings])

    def after(self, mark: Sequence[int] = (), pings_from: float = -math.inf) -> News:
        """What has been seen since `mark`, and the mark to ask with the next time.

        The first time, without a mark: everything, but of the pings those sent from `pings_from`
        on.  It costs as much as there is to report.
        """
        with self._news:
            reached = [len(self._facts), *map(len, self._pings.values())]
            new: list[Fact]
            if len(mark) == len(reached):
                new = self._facts[mark[0] :]
                for log, known in zip(self._pings.values(), mark[1:], strict=True):
                    new += log.rows(known)
            else:
                new = list(self._facts)
                for log in self._pings.values():
                    new += log.since(pings_from)
            return new, reached

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one kind but Ping, such as Advert, sorted by time."""
        with self._news:
            return in_order(fact for fact in self._facts if isinstance(fact, kind))

    def held(self) -> dict[str, set[str]]:
        """The addresses that each host has now."""
        with self._news:
            return self._decoder.held()

    def hosts_of(self, mac: str) -> set[str]:
        """The hosts that have, or had, an interface with this MAC address."""
        with self._news:
            return self._decoder.hosts_with(mac)

    def carrier(self) -> dict[str, bool]:
        """Whether each host has an interface that is up and has carrier now."""
        with self._news:
            return self._decoder.carrier()

    def link(self, host: str, interface: str) -> tuple[bool, bool]:
        """Whether an interface of a host is up, and whether it has carrier, now."""
        with self._news:
            return self._decoder.link(host, interface)

    def add(self, fact: Fact) -> None:
        """Put a fact of another source (an Action, a State) among those of the observers."""
        with self._news:
            self._facts.append(fact)
            self._count += 1
            self._news.notify_all()

    def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition()` holds; look again at each new fact.  False after `timeout` s.

        `condition` is called without any lock held, so it may take its time or ask this observer.
        Raises LabError when the recorder ends, since nothing more will be seen then.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self._news:
                count = self._count
            if condition():
                return True
            with self._news:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                while self._count == count and not self._ended and left > 0:
                    self._news.wait(left)
                    left = deadline - time.monotonic()
                if self._ended and self._count == count:
                    raise LabError(f"the recorder {self._why()}; start the lab again")

    def stop(self) -> None:
        """Record nothing more; what was seen until now stays.  `close` waits for the recorder."""
        self._closing = True
        self._recorder.stop()

    def close(self) -> None:
        """End the recorder and wait for it.  What was seen stays; closing twice is harmless."""
        self._closing = True
        self._recorder.close()

    def __enter__(self) -> Observer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._ended else "watching"
        hosts = ", ".join(self._decoder.hosts)
        pings = sum(map(len, self._pings.values()))
        return f"<Observer {state} {hosts}: {len(self._facts)} facts, {pings} pings>"

    # -- the recorder ------------------------------------------------------------------------

    def _await_ready(self) -> None:
        with self._news:
            self._news.wait_for(lambda: self._decoder.ready or self._ended, START)
            ready = self._decoder.ready
        if not ready:
            raise LabError(f"the recorder {self._why()}; is every host of the lab still there?")

    def _why(self) -> str:
        if self._decoder.failure:
            return f"cannot watch {self._decoder.failure}"
        if self._closing:
            return "has been closed"
        return "has ended" if self._ended else f"saw nothing within {START:g} s"

    def _end(self) -> None:
        """Called by the recorder's thread: there is nothing more to come."""
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _take(self, kind: int, index: int, t: float, payload: bytes) -> None:
        with self._news:
            facts = self._decoder.feed(kind, index, t, payload)
            for fact in facts:
                if isinstance(fact, Ping):
                    self._pings[fact.address].add(fact)
                elif len(self._facts) < MOST or not isinstance(fact, Advert | Heard | Arp):
                    self._facts.append(fact)
                elif not self._full:
                    self._full = True
                    words = f"more than {MOST:,} facts: no more packets are kept"
                    self._facts.append(Loss(fact.t, fact.host, f"{words}; lab.reset() starts over"))
            if facts or kind in (wire.READY, wire.FAILED):
                self._count += 1
                self._news.notify_all()
