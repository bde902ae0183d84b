"""A hostile LAN: what docs/security.md says that it can do, and which senders are accepted."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from labs.simulation.lan import Lan
from tests.cluster import PASSWORD, VIP, advert, adverts, arps, cluster, conf, inject, router, state
from vrrpd.fsm import SECOND
from vrrpd.packet import Advertisement, encode, ipv4_packet


def test_one_advertisement_of_a_higher_priority_makes_everybody_backup_for_its_time() -> None:
    lan = cluster(one=conf(150), two=conf(100))
    lan.run(5)
    for _ in range(5):
        for host in ("one", "two"):
            inject(lan, host, advert(254))
        lan.run(3)  # Master_Down_Interval is 3.414 s: it need not advertise every second
        assert lan.masters() == []
    lan.run(4)
    assert lan.masters() == ["one"]


def test_the_password_is_sent_in_clear() -> None:
    lan = cluster(one=conf(100, password="1111"))
    lan.run(5)
    assert bytes.fromhex(adverts(lan, "one")[-1].hex).endswith(PASSWORD)


@pytest.mark.parametrize(("words", "frames"), [((), 5), (("garp_lower_prio_repeat 0",), 0)])
def test_a_master_answers_every_advertisement_of_lower_priority(
    words: tuple[str, ...], frames: int
) -> None:
    lan = cluster(one=conf(100, *words))
    lan.run(20)
    said, shown = len(adverts(lan, "one")), len(arps(lan, "one"))
    for _ in range(7):
        inject(lan, "one", advert(50))
    lan.run(0)
    assert len(adverts(lan, "one")) - said == 7
    assert len(arps(lan, "one")) - shown == 7 * frames


def test_with_a_password_the_password_comes_first() -> None:
    lan = cluster(one=conf(100, password="1111"))
    lan.run(20)
    before = len(adverts(lan, "one")), len(arps(lan, "one"))
    inject(lan, "one", advert(50))
    lan.run(0)
    assert (len(adverts(lan, "one")), len(arps(lan, "one"))) == before
    assert state(lan, "one") == "MASTER"
    assert VIP in {str(ip) for ip in lan.machines["one"].addresses}
    assert router(lan, "one").counters["authtype-mismatch"] == 1


# A unicast instance: which senders it accepts, by address and by distance.


ONE, TWO, ATTACKER = "192.168.1.11", "192.168.1.12", "10.66.0.1"


def pair(*words: str, peer: str = TWO) -> Lan:
    """A pair of unicast routers; the words are of the first, the second does not list it."""
    lines = (f"unicast_src_ip {ONE}", f"unicast_peer {{\n {peer}\n}}", *words)
    other = (f"unicast_src_ip {TWO}", "unicast_peer {\n 192.168.1.77\n}")
    lan = cluster(one=conf(100, *lines), two=conf(50, *other))
    lan.run(5)
    return lan


def packet(source: str, ttl: int) -> bytes:
    ends = IPv4Address(source), IPv4Address(ONE)
    said = Advertisement(2, 51, 200, SECOND, (IPv4Address(VIP),))
    return ipv4_packet(encode(said, *ends), *ends, 1, ttl)


def accepted(lan: Lan, source: str, ttl: int) -> bool:
    """Whether a packet from there makes a MASTER give way."""
    before = router(lan, "one").counters["advertisement-rcvd"]
    inject(lan, "one", packet(source, ttl))
    return router(lan, "one").counters["advertisement-rcvd"] > before


@pytest.mark.parametrize("ttl", [1, 3, 64, 254])
def test_a_sender_that_is_not_a_peer_is_accepted_from_this_link_alone(ttl: int) -> None:
    lan = pair()
    assert lan.masters()[0] == "one"
    assert not accepted(lan, ATTACKER, ttl)
    assert lan.masters()[0] == "one"
    line = f"{ATTACKER} is not a unicast peer, and TTL {ttl} is not from this link"
    assert any(line in text for text in lan.logs["one"].lines)
    assert accepted(lan, "192.168.1.66", 255)


@pytest.mark.parametrize("ttl", [1, 3, 64, 255])
def test_a_peer_may_be_anywhere(ttl: int) -> None:
    assert accepted(pair(), TWO, ttl)


@pytest.mark.parametrize("ttl", [3, 255])
def test_check_unicast_src_accepts_the_peers_alone(ttl: int) -> None:
    lan = pair("check_unicast_src")
    assert not accepted(lan, ATTACKER, ttl)
    assert accepted(lan, TWO, ttl)


def test_min_ttl_distinguishes_a_peer_from_a_host_that_uses_its_address() -> None:
    lan = pair(peer=f"{TWO} min_ttl 255 max_ttl 255")
    assert not accepted(lan, TWO, 254)
    assert accepted(lan, TWO, 255)


def test_peers_that_are_listed_on_one_side_only_still_elect_one() -> None:
    """As with keepalived, on one link: the second accepts the first, which it does not list."""
    lan = pair()
    lan.run(20)
    assert lan.masters() == ["one"]


def test_the_log_and_the_journal_show_no_password() -> None:
    """Ours, and what other routers send as theirs; after a reload, too."""
    lan = cluster(one=conf(150, password="geheim42"), two=conf(100, password="anderes7"))
    lan.run(5)
    inject(lan, "one", advert(254, auth=b"falsch99"))
    lan.conf("one", conf(150, password="spaeter5"))
    lan.reload("one")
    lan.run(5)
    text = "\n".join([*lan.logs["one"].lines, *map(str, lan.journal("one"))])
    assert "192.168.1.10" in text
    assert [word for word in ("geheim42", "anderes7", "falsch99", "spaeter5") if word in text] == []
