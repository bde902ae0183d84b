"""What lesson 18 says about its locks without showing it, held with both daemons."""

from __future__ import annotations

import time

from labs import Lab
from labs.experiments import attacker
from labs.model.facts import Advert
from tests.support import HUNG_S
from vrrpd import auth_header
from vrrpd.packet import parse_ipv4

MASTER = "192.168.1.11"


def mastered(lab: Lab) -> None:
    """Wait for web1, which on a busy machine may start so late that web2 is the first."""
    lab.wait_until(lambda: lab.holders() == ["web1"], timeout=HUNG_S, what="web1 to be the holder")


def number(lab: Lab) -> int:
    """The sequence number of what was received last, if it is of web1; else 0."""
    packets = attacker.advertisements(lab)
    last = parse_ipv4(packets[-1]) if packets else None
    return auth_header.sequence_of(last) if last and str(last.source) == MASTER else 0


def test_after_a_restart_of_both_an_old_recording_makes_backup_deaf_for_a_while(
    any_daemon: str,
) -> None:
    """The sequence numbers begin again, so what was recorded before is ahead of them."""
    with Lab("attacker-ah", daemon=any_daemon, beside=True) as lab:
        # So many that web1, counting again, needs longer for them than web2 is patient.
        lab.wait_until(lambda: number(lab) >= 15, timeout=HUNG_S, what="15 advertisements")
        recorded = attacker.last_advertisement(lab)
        for host in ("web1", "web2"):
            lab.stop(host)
        lab.wait_until(lambda: not lab.holders(), what="both to have left")
        for host in ("web1", "web2"):
            lab.start(host)
        mastered(lab)
        back = lab.timeline().takeovers[-1].at
        attacker.send(lab, recorded)
        lab.wait_until(
            lambda: any(t.to == "web2" and t.at > back for t in lab.timeline().takeovers),
            what="web2 to take over although web1 speaks",
        )


def test_unicast_believes_a_attacker_who_knows_the_password(any_daemon: str) -> None:
    """In its own name, too: no source address is asked for, as long as check_unicast_src is off."""
    from scapy.layers.inet import IP
    from scapy.layers.vrrp import VRRP

    with Lab("attacker-unicast", daemon=any_daemon, beside=True) as lab:
        mastered(lab)
        assert attacker.repelled(lab, "192.168.1.66"), "without the password it got in"
        advert = VRRP(vrid=51, priority=255, adv=1, addrlist=["192.168.1.10"], authtype=1)
        advert.auth1 = 0x31313131
        # vrrpd accepts a non-peer from the same link only; keepalived from anywhere.
        ttl = 255 if any_daemon == "vrrpd" else 64
        attacker.send(lab, IP(src="192.168.1.66", dst="192.168.1.11", ttl=ttl) / advert)
        lab.wait_until(lambda: not lab.holders(), what="web1 to step back")


def test_signed_with_eight_random_characters_nothing_forged_moves_the_address(
    any_daemon: str,
) -> None:
    with Lab("attacker-ah", daemon=any_daemon, beside=True) as lab:
        for host in ("web1", "web2"):
            lab.conf(host, lab.conf(host).replace("auth_pass 1111", "auth_pass r7Kx2mQz"))
            lab.stop(host)
        stopped = time.time()
        lab.wait_until(lambda: not lab.holders(), what="both to have left")
        for host in ("web1", "web2"):
            lab.start(host)
        mastered(lab)

        def newly_signed() -> bool:
            last = attacker.advertisements(lab)[-1:]
            new = [one.hex for one in lab.witness.of(Advert) if one.t > stopped]
            return bool(last) and last[0].hex() in new

        lab.wait_until(newly_signed, what="a newly signed packet")
        assert attacker.password_guessed(lab) is None
        assert attacker.repelled(lab, "192.168.1.66")
        assert attacker.repelled(lab, "192.168.1.12")
