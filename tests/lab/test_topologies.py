"""Every topology as a running lab: who reaches whom, over both protocols, and what is watched."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from labs import Lab, LabError
from labs.emulation import network, start_states
from labs.model.facts import Action, Ping
from labs.model.story import Step
from tests.support import eventually


@pytest.fixture(params=network.names())
def whole(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab of each topology without daemons."""
    told = start_states.StartState("empty", topology=request.param, sources=("empty",))
    monkeypatch.setattr(start_states, "read", lambda state: told)
    with Lab("empty", beside=True) as lab:
        yield lab


def reaches(lab: Lab, host: str, address: str) -> bool:
    return lab.run(host, f"ping -c 1 -W 1 {address.partition('/')[0]}").status == 0


def test_neighbours_reach_each_other_over_both_protocols(whole: Lab) -> None:
    for switch in whole.layout.switches:
        first, *others = [each for each in whole.layout.sockets if each.switch == switch]
        for other in others:
            for address in (other.ip, other.ip6):
                found = partial(reaches, whole, first.host, address)
                eventually(found, what=f"{address} from {first.host}")


def test_no_address_waits_for_duplicates(whole: Lab) -> None:
    for host in whole.hosts:
        asked = " ".join(f"{name}/accept_dad" for name in ("all", *whole.layout.interfaces(host)))
        told = whole.run(host, f"cd /proc/sys/net/ipv6/conf && cat {asked}").text.split()
        assert set(told) == {"0"}
        eventually(partial(complete, whole, host), what=f"the addresses of {host}")


def complete(lab: Lab, host: str) -> bool:
    """Whether the kernel has made all of a host's own addresses ready for use."""
    shown = lab.run(host, "ip -6 addr").text
    cards = lab.layout.interfaces(host)
    return "tentative" not in shown and shown.count("scope link") == len(cards)


def test_reset_leaves_a_host_as_it_was_made(whole: Lab) -> None:
    look = "ip -o addr | grep -v valid_lft.*sec | cut -d' ' -f2-8; ip route; ip rule; ip -6 rule"
    look += (
        "; ip -6 route | sort; ip -br link; nft list ruleset; cat /proc/sys/net/ipv*/*/forwarding"
    )
    host = whole.servers[0]
    eventually(partial(complete, whole, host), what=f"the addresses of {host}")
    before = sorted(whole.run(host, look).text.replace(" nodad", "").splitlines())
    whole.run(
        host,
        "ip link add link eth0 name vrrp.51 type macvlan; ip addr add 192.168.1.10 dev eth0;"
        "ip -6 addr add fe80::10 dev eth0; ip addr del $(hostname -I | cut -d' ' -f1)/24 dev eth0;"
        "ip route add 198.51.100.0/24 dev eth0; ip route add 203.0.113.0/24 dev eth0 table 77;"
        "ip rule add from 192.0.2.1 lookup 77; ip -6 rule add from 2001:db8::1 lookup 77;"
        "nft add table inet mine; echo 1 >/proc/sys/net/ipv4/conf/all/forwarding; sleep 5555 &",
    )
    assert sorted(whole.run(host, look).text.replace(" nodad", "").splitlines()) != before
    whole.reset()
    assert sorted(whole.run(host, look).text.replace(" nodad", "").splitlines()) == before
    assert whole.run(host, "pgrep -x sleep").status == 1


def test_the_shared_addresses_have_names_and_are_pinged(whole: Lab) -> None:
    hosts = whole.run("client", "cat /etc/hosts").text
    assert f"{whole.watch}\tvip\n" in hosts
    whole.wait_until(
        lambda: (
            {ping.address for ping in whole.facts() if isinstance(ping, Ping)}
            >= set(whole.layout.virtual)
        )
    )


def test_a_forwarding_router_joins_the_networks() -> None:
    with Lab("empty", beside=True) as lab:
        assert not reaches(lab, "client", "10.0.0.100")
    told = start_states.StartState("empty", topology="routers", sources=("empty",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_states, "read", lambda state: told)
        with Lab("empty", beside=True) as lab:
            for interface, address in (("eth0", "192.168.1.10"), ("eth1", "10.0.0.10")):
                lab.run("r2", f"ip address add {address}/32 dev {interface}")
            lab.wait_until(lambda: lab.holders() == lab.holders("10.0.0.10") == ["r2"])
            eventually(lambda: reaches(lab, "client", "10.0.0.100"), what="the server beyond")
            answered = {"192.168.1.10", "10.0.0.10"}
            lab.wait_until(
                lambda: (
                    answered
                    == {p.address for p in lab.facts() if isinstance(p, Ping) and p.rtt is not None}
                )
            )
            lab.unplug("r2", interface="eth1")
            eventually(lambda: not reaches(lab, "client", "10.0.0.100"), what="the cable's end")
            eventually(lambda: reaches(lab, "client", "192.168.1.10"), what="the router itself")
            actions = [fact.text for fact in lab.facts() if isinstance(fact, Action)]
            assert actions == ["cable of eth1 of r2 pulled"]


def test_an_interface_that_is_not_there_is_answered_with_those_that_are() -> None:
    with Lab("empty", beside=True) as lab:
        for verb in ("unplug", "plug", "cut", "mend"):
            with pytest.raises(LabError, match="no interface called 'eth1' on web1: choose eth0"):
                getattr(lab, verb)("web1", interface="eth1")


def test_an_ipv6_address_is_watched_like_any_other() -> None:
    with Lab("empty", watch="2001:db8:1:0::10", beside=True) as lab:
        assert lab.watch == "2001:db8:1::10"
        lab.run("web2", "ip address add 2001:db8:1::10/128 dev eth0 nodad")
        lab.wait_until(lambda: lab.holders() == ["web2"])
        lab.wait_until(
            lambda: any(
                ping.answered_by == "web2" for ping in lab.facts() if isinstance(ping, Ping)
            )
        )
        with pytest.raises(LabError, match=r"'192.168.1.10/24' is no address"):
            lab.holders("192.168.1.10/24")


def test_every_shared_address_has_a_timeline() -> None:
    with Lab("empty", beside=True) as lab:
        lab.run("web1", "ip address add 192.168.1.20/32 dev eth0")
        lab.wait_until(lambda: lab.holders("192.168.1.20") == ["web1"])
        assert [each.address for each in lab.timelines()] == ["192.168.1.10", "192.168.1.20"]
        assert lab.timeline("192.168.1.20").takeovers[0].to == "web1"
        assert lab.timeline().takeovers == []
        assert lab.servers == ["web1", "web2"]


def test_a_timeline_has_the_lanes_of_those_it_concerns(monkeypatch: pytest.MonkeyPatch) -> None:
    told = start_states.StartState("empty", topology="two_pairs", sources=("empty",))
    monkeypatch.setattr(start_states, "read", lambda state: told)
    with Lab("empty", beside=True) as lab:
        assert lab.timeline().hosts == tuple(lab.servers)
        lab.run("db1", "ip address add 192.168.1.20/32 dev eth0")
        lab.wait_until(lambda: lab.holders("192.168.1.20") == ["db1"])
        assert lab.timeline("192.168.1.20").hosts == tuple(lab.servers)  # one alone
        lab.conf("db2", "virtual_ipaddress { 192.168.1.20/24 dev eth0 }      # 192.168.1.30\n")
        assert lab.timeline("192.168.1.20").hosts == ("db1", "db2")
        assert lab.timeline("192.168.1.30").hosts == tuple(lab.servers)


def test_a_state_begins_where_it_says(any_daemon: str) -> None:
    """And resetting to one of another topology builds that."""
    with Lab("failover", daemon=any_daemon, beside=True) as lab:
        assert lab.holders() == ["web2"]
        assert not lab.witness.carrier()["web1"]
        assert lab.timeline().takeovers == []
        lab.reset("empty")
        assert lab.holders() == []
        lab.wait_until(lambda: lab.witness.carrier()["web1"])


def test_a_state_of_another_topology_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab("empty", beside=True) as lab:
        told = start_states.StartState("empty", topology="three_nodes", sources=("empty",))
        monkeypatch.setattr(start_states, "read", lambda state: told)
        lab.reset()
        assert list(lab.hosts) == ["web1", "web2", "web3", "client"]
        assert lab.run("web3", "hostname").text == "web3\n"
        lab.wait_until(lambda: all(lab.witness.carrier().values()))


def test_a_step_that_cannot_be_done_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told = start_states.StartState(
        "empty", sources=("empty",), steps=(("x/begin:1", Step(0.0, "unplug", ("mastr",))),)
    )
    monkeypatch.setattr(start_states, "read", lambda state: told)
    with pytest.raises(LabError, match=r"x/begin:1: `unplug mastr`: no host called 'mastr'"):
        Lab("empty", beside=True)
