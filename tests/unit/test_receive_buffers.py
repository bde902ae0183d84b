"""How much is kept for us while we are busy: what is asked for, and what the kernel gives."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from labs.simulation.lan import Silent
from tests.cluster import cluster, conf
from vrrpd.config import loads
from vrrpd.config.globals import Globals
from vrrpd.linux.kernel import LinuxKernel
from vrrpd.linux.loop import Loop
from vrrpd.linux.process_table import ProcessTable
from vrrpd.linux.receive_buffers import resize, set_receive_buffers
from vrrpd.linux.sockets import RawChannel
from vrrpd.receive_buffer import minimum_size

ADVERT = 20 + 8 + 4 + 8  # IPv4 header, VRRP header, one address, authentication


def test_without_a_word_there_is_enough_for_all_instances_of_a_segment() -> None:
    many = "".join(conf(name=f"VI_{vrid}", vrid=vrid) for vrid in range(1, 101))
    lan = cluster(one=many)
    assert lan.machines["one"].room == minimum_size(100)


@pytest.mark.parametrize("size", [1, 300_000])
def test_the_kernel_keeps_at_least_what_is_enough(size: int) -> None:
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    channel = object.__new__(RawChannel)
    channel.socket = near
    before = near.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    channel.ensure_receive_buffer(size)
    assert near.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= max(size, before)
    near.close()


def options(*words: str) -> str:
    return "global_defs {\n" + "\n".join(words) + "\n}\n"


@pytest.mark.parametrize(
    ("words", "own", "expected"),
    [
        ((), (), minimum_size(1)),
        ((), ("kernel_rx_buf_size 5000",), 5000),
        (("vrrp_rx_bufs_policy MTU",), (), 3 * 1500),
        (("vrrp_rx_bufs_policy ADVERT",), (), 3 * ADVERT),
        (("vrrp_rx_bufs_policy MTU ADVERT",), (), 3 * 1500),
        (("vrrp_rx_bufs_policy 7000",), (), 7000),
        (("vrrp_rx_bufs_policy MTU 7000",), (), 7000),
        (("vrrp_rx_bufs_policy MTU", "vrrp_rx_bufs_multiplier 10"), (), 10 * 1500),
        (("vrrp_rx_bufs_policy MTU",), ("kernel_rx_buf_size 5000",), 5000),
    ],
)
def test_what_is_asked_for(words: tuple[str, ...], own: tuple[str, ...], expected: int) -> None:
    lan = cluster(one=options(*words) + conf(100, *own))
    lan.run(1)
    assert lan.machines["one"].room == expected


def test_version_3_has_no_authentication_and_ah_has_a_header() -> None:
    policy = options("vrrp_rx_bufs_policy ADVERT", "vrrp_rx_bufs_multiplier 1")
    lan = cluster(
        three=policy + conf(100, "version 3"),
        ah=policy + conf(100, "authentication {\nauth_type AH\nauth_pass secret\n}"),
    )
    lan.run(1)
    assert lan.machines["three"].room == ADVERT - 8
    assert lan.machines["ah"].room == ADVERT + 24


def test_instances_on_one_interface_add_up_and_a_reload_counts() -> None:
    two = conf(name="VI_2", vrid=52, vips=("192.168.1.20",))
    policy = options("vrrp_rx_bufs_policy 4000")
    lan = cluster(one=policy + conf() + two)
    lan.run(1)
    assert lan.machines["one"].room == 8000
    lan.conf("one", policy + conf(100, "kernel_rx_buf_size 9000") + two)
    lan.reload("one")
    assert lan.machines["one"].room == 13000


class NetlinkSockets:
    """The real netlink sockets, and how large their buffers are; the kernel doubles them."""

    def __init__(self) -> None:
        self.log = Silent(lambda: 0)
        self.loop = Loop()
        self.kernel = LinuxKernel(self.loop)
        self.processes = ProcessTable(self.loop, self.log)

    def fit(self, *words: str) -> tuple[int, int]:
        set_receive_buffers(
            self.kernel, self.processes, loads(options(*words)).config.globals, self.log
        )
        return size(self.kernel.command.socket), size(self.kernel.events)


def size(one: socket.socket) -> int:
    return one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


@pytest.fixture
def netlink() -> Iterator[NetlinkSockets]:
    netlink = NetlinkSockets()
    yield netlink
    netlink.kernel.close()
    netlink.loop.close()


def test_netlink_sockets(netlink: NetlinkSockets) -> None:
    before = netlink.fit()
    words = ("vrrp_netlink_cmd_rcv_bufs 40000", "vrrp_netlink_monitor_rcv_bufs 50000")
    assert netlink.fit(*words) == (40000, 50000)
    assert netlink.fit() == before
    assert netlink.log.lines == []


def test_beyond_the_limit_or_a_line_in_the_log(netlink: NetlinkSockets) -> None:
    """Who may do it gets it; who may not keeps its size, with a line in the log."""
    with open("/proc/sys/net/core/rmem_max") as file:
        much = 2 * int(file.read())
    before = netlink.fit()
    found = netlink.fit(
        f"vrrp_netlink_cmd_rcv_bufs {much}",
        "vrrp_netlink_cmd_rcv_bufs_force",
    )
    if netlink.log.lines:
        said = ["vrrp_netlink_cmd_rcv_bufs is not in force: Operation not permitted"]
        assert (netlink.log.lines, found) == (said, before)
    else:
        assert found == (much, before[1])


def test_process_events(netlink: NetlinkSockets) -> None:
    set_receive_buffers(
        netlink.kernel, netlink.processes, Globals(process_monitor_rcv_bufs=60000), netlink.log
    )
    assert netlink.processes.room == (60000, False)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, socket.NETLINK_ROUTE) as one:
        netlink.processes.socket = one
        set_receive_buffers(
            netlink.kernel, netlink.processes, Globals(process_monitor_rcv_bufs=70000), netlink.log
        )
        assert size(one) == 70000
        netlink.processes.socket = None


def test_an_absurd_number_is_as_much_as_there_is(netlink: NetlinkSockets) -> None:
    resize(netlink.kernel.command.socket, 4294967295, False)
    with open("/proc/sys/net/core/rmem_max") as file:
        assert size(netlink.kernel.command.socket) == int(file.read())
