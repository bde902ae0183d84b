"""What a daemon does to a network of its own: what it sets, what it sends, what it leaves.

    with network(["eth0", "eth1"]) as holder, Capture(...): ...
    traces("keepalived", path, instances=["VI_1"])       the traces of one run, as lines by kind

The network has interfaces of the names that the file uses; what they send ends at the other end of
a veth pair, and no host answers.  So each instance that can runs becomes MASTER, whatever it is
in its cluster.  No duration is waited for: a run is looked at when each instance is MASTER or
in FAULT, and again until it agrees with the other daemon's run, up to a deadline.
"""

from __future__ import annotations

import ipaddress
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory

from tests.interop.segment import (
    ENVIRONMENT,
    KEEPALIVED,
    STATE,
    Frame,
    Holder,
    Ring,
    is_announcement,
    network_of,
)
from tests.interop.versions import expected
from tests.support import HUNG_S
from vrrpd.config.model import Instance
from vrrpd.fsm import SECOND

CONFIG_ID = "master"
# Seconds beyond the Master_Down_Interval until an instance is MASTER or in FAULT, under load.
SETTLES = 120.0
ENDS = HUNG_S  # seconds for a daemon to end, and for a command
EVERY = 0.25  # seconds between two looks at what costs nothing
SELDOM = 1.0  # seconds between two looks at a network
END = "=== end"  # behind the output of a command
SEEN = {
    "addresses": ("ip", "-o", "address", "show", "up"),
    "routes": ("ip", "route", "show", "table", "all"),
    "routes6": ("ip", "-6", "route", "show", "table", "all"),
    "rules": ("ip", "rule"),
    "rules6": ("ip", "-6", "rule"),
    "filter": ("nft", "list", "ruleset"),
}
# What differs from one run to the next: numbers, lifetimes; the link-local address of a new link.
NOISE = re.compile(r"^\d+: |valid_lft \w+|preferred_lft \w+|expires \w+|\\|# handle \d+")
# keepalived 2.3.3 gives the number a name, in files that are a host's own here.
NAMED = re.compile(r"proto (0x12|18)\b")
PASSING = re.compile(r"fe80:|tentative|ff00::/8")

Traces = dict[str, set[str]]


def furnish(holder: Holder, names: Sequence[str], instances: Sequence[Instance] = ()) -> None:
    """Make interfaces of these names; each has an address and a MAC address of its own.

    What the instances send from is there, and their peers have MAC addresses.
    """
    lines = ["link set lo up"]
    for number, name in enumerate(names):
        mac = f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}"
        lines.append(f"link add {name} address {mac} type veth peer name port{number}")
        lines += [f"link set port{number} arp off up", f"link set {name} up"]
        lines.append(f"addr add 192.168.{1 + number // 200}.{11 + number % 200}/24 dev {name}")
    for one in instances:
        source = one.unicast_src_ip or one.mcast_src_ip
        if source is not None and source not in [vip.ip for vip in (*one.addresses, *one.excluded)]:
            lines.append(f"addr add {source} dev {one.interface}")
        for peer in one.unicast_peers:
            lines.append(f"route add {peer.ip} dev {one.interface}")
            lines.append(f"neigh add {peer.ip} lladdr 02:00:00:02:00:00 dev {one.interface}")
    # Without duplicate address detection an IPv6 address is there at once.
    conf = "/proc/sys/net/ipv6/conf"
    holder.run("sh", "-c", f"echo 0 | tee {conf}/all/accept_dad {conf}/default/accept_dad")
    subprocess.run(
        holder.inside("ip", "-force", "-batch", "-"),
        input="\n".join(lines) + "\n", text=True, capture_output=True, check=False,
    )  # fmt: skip


@contextmanager
def network(names: Sequence[str], instances: Sequence[Instance] = ()) -> Iterator[Holder]:
    """A network namespace with these interfaces, and with what the instances need."""
    holder = Holder()
    try:
        furnish(holder, names, instances)
        yield holder
    finally:
        holder.close()


@dataclass
class Sent:
    """The advertisements and announcements that leave by the named interfaces of a network."""

    holder: Holder
    names: Sequence[str]
    lines: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        with network_of(self.holder.pid):
            self._ring = Ring()
            shown = self.holder.run("ip", "-o", "link", "show")
            found = re.findall(r"^(\d+): ([^:@]+)[:@]", shown, re.M)
        self._links = {int(index): name for index, name in found if name in self.names}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            select([self._ring.socket], [], [], EVERY)
            for t, index, _, data in self._ring.take():
                if index in self._links:
                    self.lines.update(described(Frame(t, 0, data), self._links[index]))

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join()
        self._ring.close()


def described(frame: Frame, interface: str) -> Iterator[str]:
    """A frame of VRRP, of ARP or of neighbor discovery in words; nothing of another one."""
    mac = frame.data[6:12].hex(":")
    if frame.is_advert:
        yield f"{interface} {mac} {advertisement(frame)}"
    elif is_announcement(frame):
        at = slice(38, 42) if frame.is_arp else slice(62, 78)
        yield f"{interface} {mac} announces {ipaddress.ip_address(frame.data[at])}"


def advertisement(frame: Frame) -> str:
    """An Advertisement: addresses, TTL, and each field of its own but the checksum."""
    ip, vrrp = frame.ip, frame.vrrp
    six = frame.ethertype == 0x86DD
    source, target = (ip[8:24], ip[24:40]) if six else (ip[12:16], ip[16:20])
    version, width = vrrp[0] >> 4, 16 if six else 4
    listed = [vrrp[8 + width * n : 8 + width * (n + 1)] for n in range(vrrp[3])]
    if version == 2:
        told = f"auth {vrrp[4]} {vrrp[8 + 4 * vrrp[3] :].hex()} interval {vrrp[5]}"
    else:
        told = f"interval {(vrrp[4] & 15) << 8 | vrrp[5]} more {vrrp[8 + width * vrrp[3] :].hex()}"
    return (
        f"{ipaddress.ip_address(source)} > {ipaddress.ip_address(target)}"
        f" {'AH ' if frame.protocol == 51 else ''}ttl {ip[7] if six else ip[8]} v{version}"
        f" vrid {vrrp[1]} priority {vrrp[2]} {told}"
        f" {' '.join(str(ipaddress.ip_address(one)) for one in listed if len(one) == width)}"
    )


class Run:
    """One daemon with one file in a network of its own, from its start to `close()`."""

    def __init__(
        self, kind: str, path: Path, names: Sequence[str], instances: Sequence[Instance]
    ) -> None:
        with ExitStack() as stack:
            self.holder = stack.enter_context(network(names, instances))
            self.room = Path(stack.enter_context(TemporaryDirectory()))
            self.sent = stack.enter_context(closing(Sent(self.holder, names)))
            self._before = look(self.holder)
            self._log = stack.enter_context((self.room / "log").open("wb"))
            program = [KEEPALIVED] if kind == "keepalived" else [sys.executable, "-m", "vrrpd.cli"]
            options = ["-n", "-P", "-l", "-D", "-i", CONFIG_ID, "-f", str(path)]
            self.process = subprocess.Popen(
                self.holder.inside(*program, *options, "-p", f"{self.room}/pid"),
                stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                env=ENVIRONMENT, cwd=path.parent,
            )  # fmt: skip
            self._stack = stack.pop_all()

    def text(self) -> str:
        """The log."""
        return (self.room / "log").read_text(errors="replace")

    def states(self) -> dict[str, str]:
        """The last state of each instance and group, by the log."""
        return dict(STATE.findall(self.text()))

    def settled(self, instances: Sequence[Instance]) -> bool:
        """Whether each instance is MASTER or in FAULT, or the daemon has ended."""
        states = self.states()
        return self.process.poll() is not None or all(
            states.get(one.name) in ("MASTER", "FAULT") for one in instances
        )

    def traces(self) -> Traces:
        """What differs from the network as it was, and what was sent until now."""
        after = look(self.holder)
        found = {what: after[what] ^ self._before[what] for what in SEEN}
        return {**found, "sent": set(self.sent.lines)}

    def stop(self) -> None:
        """End the daemon as systemctl does, and wait for its end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(ENDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """End the daemon, and let the network go."""
        self.stop()
        self._stack.close()


def unguarded(table: str) -> str:
    """A table without the guard of the bases' link-local addresses, and with reports of MLDv2."""
    table = re.sub(r"\tset (parent_link_local|mld-report) \{\n(\t\t.*\n)*\t\}\n\n", "", table)
    table = re.sub(r"\t\ticmpv6 type nd-neighbor-advert .* drop\n", "", table)
    return table.replace("@mld-report", "mld2-listener-report")


def look(holder: Holder) -> Traces:
    """The state of a network, without what differs from run to run."""
    every = f"; echo {END}; ".join(" ".join(command) for command in SEEN.values())
    done = subprocess.run(
        holder.inside("sh", "-c", every), capture_output=True, text=True, timeout=ENDS, check=False
    )
    found: Traces = {}
    outputs = done.stdout.split(f"{END}\n")
    if len(outputs) != len(SEEN):
        raise OSError(f"cannot look at the network: {done.stderr.strip()}")
    by = dict(zip(SEEN, outputs, strict=True))
    if not expected().guards_virtual_interfaces:
        by["filter"] = unguarded(by["filter"])
    for what, shown in by.items():
        stays = (one for one in shown.splitlines() if not PASSING.search(one))
        plain = (NAMED.sub("proto keepalived", NOISE.sub("", one)) for one in stays)
        lines = (" ".join(one.split()) for one in plain)
        found[what] = {one for one in lines if one}
    return found


def differences(
    path: Path, names: Sequence[str], instances: Sequence[Instance], deadline: float
) -> tuple[list[str], str]:
    """What the two daemons do differently with a file, while they run and after; and both logs.

    `deadline` in seconds counts from when each instance has a state in which it stays; a difference
    that passes before is none.
    """
    runs = {}
    try:
        for kind in ("vrrpd", "keepalived"):
            runs[kind] = Run(kind, path, names, instances)
        downs = [(one.down_timer_adverts + 1) * one.advert_interval_ns for one in instances]
        until = time.monotonic() + SETTLES + max(downs, default=0) / SECOND
        while not all(run.settled(instances) for run in runs.values()) and time.monotonic() < until:
            threading.Event().wait(EVERY)
        until = time.monotonic() + deadline
        while found := apart({kind: run.traces() for kind, run in runs.items()}):
            if time.monotonic() > until:
                break
            threading.Event().wait(SELDOM)
        for run in runs.values():
            run.stop()
        left = apart({kind: run.traces() for kind, run in runs.items()})
        logs = "".join(run.text() for run in runs.values())
        return found + [f"after the stop: {one}" for one in left if one not in found], logs
    finally:
        for run in runs.values():
            run.close()


def apart(by: dict[str, Traces]) -> list[str]:
    """The lines that only one of the daemons has."""
    ours, theirs = by["vrrpd"], by["keepalived"]
    return [
        f"{what}: only {who}: {line}"
        for what in ours
        for who, mine, other in (("vrrpd", ours, theirs), ("keepalived", theirs, ours))
        for line in sorted(mine[what] - other[what])
    ]
