"""Real sockets in namespaces of their own: what `test_observer.py` runs, a scene at a time.

    python -m labs.sandbox.namespaces -- python -m tests.lab.observer_cases SCENE

          client eth0 ---- s1-eth3 +----+ s1-eth1 ---- eth0 web1
                                   | s1 |
                                   +----+ s1-eth2 ---- eth0 web2

Each host is a process in its own network namespace; the switch is a bridge in ours.
There are no daemons here: the scenes put addresses on and send frames themselves, so that they know
exactly what the observer must have seen.  A scene ends with status 0 or with an AssertionError.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from types import TracebackType

import pytest

from labs.analysis.timeline import Timeline
from labs.errors import LabError
from labs.model.facts import Address, Advert, Arp, Fact, Heard, Link, Loss, Ping
from labs.monitoring import wire_format
from labs.monitoring.observer import Observer
from labs.monitoring.pinger import REPLY_TIMEOUT, Pinger
from labs.monitoring.recorder import network_of
from tests.support import HUNG_S, eventually
from vrrpd.fsm import SECOND
from vrrpd.gratuitous_arp import gratuitous_arp
from vrrpd.packet import Advertisement, encode, ipv4_packet

VIP = "192.168.1.10"
REAL = {"web1": "192.168.1.11", "web2": "192.168.1.12", "client": "192.168.1.100"}
PRIORITY = {"web1": 150, "web2": 100}
GROUP = IPv4Address("224.0.0.18")
# An observer has reported a fact by then, on a busy machine, too.
FACT_TIMEOUT_S = HUNG_S


class Lan:
    """Three hosts on a bridge, and hands to do things to them."""

    def __init__(self) -> None:
        self.hosts: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {f"s1-eth{i + 1}": host for i, host in enumerate(REAL)}
        ip("link", "add", "name", "s1", "type", "bridge")
        ip("link", "set", "s1", "up")
        for port, host in self.ports.items():
            # "ready" is printed in the new namespace: from then on /proc/PID/ns/net is its own.
            command = ["unshare", "-n", "sh", "-c", "echo ready; exec cat"]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.hosts[host] = process
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            far = ("peer", "name", "eth0", "netns", str(process.pid))
            ip("link", "add", "name", port, "type", "veth", *far)
            ip("link", "set", port, "master", "s1", "up")
            self.on(host, "link", "set", "eth0", "up")
            self.on(host, "address", "add", f"{REAL[host]}/24", "dev", "eth0")

    def __enter__(self) -> Lan:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self.hosts.values():
            process.kill()
            process.communicate()

    def watch(self, interval: float = 0.01) -> Observer:
        pids = {host: process.pid for host, process in self.hosts.items()}
        return Observer(pids, self.ports, os.getpid(), "client", VIP, interval)

    def on(self, host: str, *words: str) -> None:
        """`ip WORDS` in the host's namespace."""
        subprocess.run(["nsenter", "-n", "-t", str(self.hosts[host].pid), "ip", *words], check=True)

    def take(self, host: str) -> None:
        """The address, and the gratuitous ARP that updates the client's kernel."""
        self.on(host, "address", "add", f"{VIP}/32", "dev", "eth0")
        with network_of(self.hosts[host].pid):
            mac = mac_of("eth0")
            send(gratuitous_arp(mac, IPv4Address(VIP)))

    def drop(self, host: str) -> None:
        self.on(host, "address", "del", f"{VIP}/32", "dev", "eth0")

    def advertise(self, host: str, priority: int | None = None) -> None:
        source = IPv4Address(REAL[host])
        chosen = PRIORITY[host] if priority is None else priority
        told = Advertisement(2, 51, chosen, SECOND, (IPv4Address(VIP),))
        packet = ipv4_packet(encode(told, source, GROUP), source, GROUP, ident=1)
        with network_of(self.hosts[host].pid):
            send(bytes.fromhex("01005e000012") + mac_of("eth0") + b"\x08\x00" + packet)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def send(frame: bytes) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        sock.send(frame)


def mac_of(interface: str) -> bytes:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((interface, 0))
        mac: bytes = sock.getsockname()[4]
        return mac


def seen(
    witness: Observer, kind: type[Fact], timeout: float = FACT_TIMEOUT_S, **fields: object
) -> Fact:
    """The first fact of a kind with these fields, waited for."""

    def match() -> list[Fact]:
        return [
            fact
            for fact in witness.facts()
            if isinstance(fact, kind)
            and all(getattr(fact, name) == value for name, value in fields.items())
        ]

    assert witness.wait(lambda: bool(match()), timeout), f"never saw {kind.__name__} {fields}"
    return match()[0]


def beginning() -> None:
    """What is true at the start is known as soon as the Observer is made."""
    with Lan() as lan:
        lan.on("web1", "address", "add", f"{VIP}/32", "dev", "eth0")
        with lan.watch() as witness:
            held = witness.held()
            for host, address in REAL.items():
                assert address in held[host], held
            assert VIP in held["web1"]
            assert witness.carrier() == dict.fromkeys(REAL, True)


def addresses_and_links() -> None:
    """An address comes and goes; a cable is pulled, a link set down."""
    with Lan() as lan, lan.watch() as witness:
        before = time.time()
        lan.on("web2", "address", "add", f"{VIP}/32", "dev", "eth0")
        fact = seen(witness, Address, host="web2", address=VIP, held=True)
        assert before <= fact.t <= time.time()
        lan.drop("web2")
        seen(witness, Address, host="web2", address=VIP, held=False)
        ip("link", "set", "s1-eth1", "down")
        seen(witness, Link, host="web1", up=True, carrier=False)
        assert witness.carrier() == {"web1": False, "web2": True, "client": True}
        lan.on("web2", "link", "set", "eth0", "down")
        seen(witness, Link, host="web2", up=False)
        ip("link", "set", "s1-eth1", "up")
        assert witness.wait(lambda: witness.carrier()["web1"], FACT_TIMEOUT_S)


def wire() -> None:
    """Advertisements and gratuitous ARP, who sent them and who received them."""
    with Lan() as lan, lan.watch() as witness:
        before = time.time()
        lan.advertise("web1")
        advert = seen(witness, Advert, host="web1", source=REAL["web1"], priority=150, vrid=51)
        assert isinstance(advert, Advert)
        assert before <= advert.t <= time.time()
        assert (advert.version, advert.interval, advert.addresses) == (2, 1.0, (VIP,))
        heard = seen(witness, Heard, host="web2", source=REAL["web1"])
        assert before <= heard.t <= time.time()
        lan.take("web2")
        seen(witness, Arp, host="web2", address=VIP)
        # A cut further away: the frame enters the switch and goes no further.
        ip("link", "set", "s1-eth1", "nomaster")
        lan.advertise("web1", priority=0)
        seen(witness, Advert, host="web1", priority=0)
        lan.advertise("web2")
        seen(witness, Heard, host="client", source=REAL["web2"])
        assert not [f for f in witness.of(Heard) if f.priority == 0]
        assert "web1" not in {f.host for f in witness.of(Heard) if f.source == REAL["web2"]}


def client() -> None:
    """Pings find the host that answers, find none, and find the next host."""
    with Lan() as lan:
        lan.take("web1")
        with lan.watch() as witness:
            seen(witness, Ping, answered_by="web1")
            lan.drop("web1")
            seen(witness, Ping, answered_by=None)
            lan.take("web2")
            answer = seen(witness, Ping, answered_by="web2")
            assert isinstance(answer, Ping)
            assert answer.rtt is not None
            assert 0 <= answer.rtt <= 1
        told = Timeline(witness.facts(), VIP, ["web1", "web2"])
        assert [t.to for t in told.takeovers] == ["web2"]
        assert [part.host for part in told.service if part.host] == ["web1", "web2"]
        assert told.outages


def silence() -> None:
    """No host has the address, no route leads to it: every ping is a fact all the same."""
    with Lan() as lan, lan.watch() as witness:
        seen(witness, Ping, answered_by=None)
        lan.on("client", "link", "set", "eth0", "down")
        seen(witness, Link, host="client", up=False)
        cut = time.time()
        assert witness.wait(
            lambda: any(isinstance(f, Ping) for f in witness.facts(since=cut)), FACT_TIMEOUT_S
        )
        lan.take("web2")
        lan.on("client", "link", "set", "eth0", "up")
        seen(witness, Ping, answered_by="web2")
        numbers = sorted(f.seq for f in witness.facts() if isinstance(f, Ping))
        assert len(set(numbers)) == len(numbers)


def overflow() -> None:
    """A stopped recorder misses events; afterwards it says so, and knows the truth again."""
    with Lan() as lan, lan.watch() as witness:
        (recorder,) = children(os.getpid(), "recorder")
        os.kill(recorder, signal.SIGSTOP)
        batch = b"".join(
            f"address {verb} 10.1.{i // 250}.{i % 250 + 1}/32 dev eth0\n".encode()
            for verb in ("add", "del")
            for i in range(3000)
        )
        batch += f"address add {VIP}/32 dev eth0\n".encode()
        command = ["nsenter", "-n", "-t", str(lan.hosts["web2"].pid), "ip", "-batch", "-"]
        subprocess.run(command, input=batch, check=True)
        os.kill(recorder, signal.SIGCONT)
        seen(witness, Loss, host="web2")
        assert witness.wait(
            lambda: {a for a in witness.held()["web2"] if ":" not in a} == {REAL["web2"], VIP},
            FACT_TIMEOUT_S,
        ), witness.held()


def lateness() -> None:
    """A reply that has long been there is found, however late anybody looks."""
    with Lan() as lan:
        lan.take("web2")
        output = wire_format.Output()
        with network_of(lan.hosts["client"].pid):
            pinger = Pinger(0, VIP, 0.01, output)
        pinger.turn()
        over = time.monotonic() + REPLY_TIMEOUT
        eventually(lambda: time.monotonic() > over)
        pinger.turn()
        number, rtt, _ = wire_format.PONG.unpack_from(output.buffer, wire_format.RECORD.size)
        assert number == 1
        # Not how long it took: the kernel stamps frames only a moment after it was asked to.
        assert rtt >= 0, "given up"


def vanishing() -> None:
    """Hosts and ports that disappear end nothing but themselves."""
    with Lan() as lan:
        lan.take("web2")
        with lan.watch() as witness:
            ip("link", "delete", "s1-eth1")
            seen(witness, Link, host="web1", carrier=False)
            lan.hosts["web1"].kill()
            lan.advertise("web2")
            seen(witness, Advert, host="web2")
            seen(witness, Ping, answered_by="web2")


def ending() -> None:
    """close() ends the recorder; what was seen stays, and no wait outlasts it."""
    with Lan() as lan:
        witness = lan.watch()
        (recorder,) = children(os.getpid(), "recorder")
        facts = witness.of(Address)
        witness.close()
        witness.close()
        assert not os.path.exists(f"/proc/{recorder}")
        assert witness.of(Address)[: len(facts)] == facts
        with pytest.raises(LabError, match="has been closed"):
            witness.wait(lambda: False, FACT_TIMEOUT_S)


def orphan() -> None:
    """A recorder whose parent is killed does not outlive it."""
    with Lan() as lan:
        pids = {host: process.pid for host, process in lan.hosts.items()}
        code = (
            "import sys, labs.monitoring.observer as w\n"
            f"witness = w.Observer({pids!r}, {lan.ports!r}, {os.getpid()})\n"
            "print('watching', flush=True)\n"
            "sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"watching\n"
            (recorder,) = children(parent.pid, "recorder")
            parent.kill()
        eventually(lambda: not os.path.exists(f"/proc/{recorder}"), what="the recorder to end")


def thread() -> None:
    """An Observer made in a thread that ends goes on recording."""
    from threading import Thread

    with Lan() as lan:
        made: list[Observer] = []
        maker = Thread(target=lambda: made.append(lan.watch()))
        maker.start()
        maker.join()
        with made[0] as witness:
            lan.take("web2")
            seen(witness, Ping, answered_by="web2")


def children(pid: int, name: str) -> list[int]:
    """The children of a process (of any of its threads) with `name` in their command line."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as listing:
            pids = [int(word) for word in listing.read().split()]
        for child in pids:
            with open(f"/proc/{child}/cmdline", "rb") as line:
                if name.encode() in line.read():
                    found.append(child)
    return found


SCENES: dict[str, Callable[[], None]] = {
    scene.__name__: scene
    for scene in (
        beginning,
        addresses_and_links,
        wire,
        client,
        silence,
        overflow,
        lateness,
        vanishing,
        ending,
        orphan,
        thread,
    )
}

if __name__ == "__main__":
    SCENES[sys.argv[1]]()
