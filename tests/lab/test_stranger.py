"""What lesson 14 says about its locks without showing it, held with both daemons."""

from __future__ import annotations

import pytest

from labs import Lab, stranger
from vrrpd import ah
from vrrpd.packet import parse_ipv4

DAEMONS = pytest.mark.parametrize("daemon", ["vrrpd", "keepalived"])


@DAEMONS
def test_after_a_restart_of_both_an_old_recording_makes_backup_deaf_for_a_while(
    daemon: str,
) -> None:
    """The sequence numbers begin anew, so what was recorded before is ahead of them."""
    with Lab("stranger-ah", daemon=daemon, beside=True) as lab:
        lab.wait_until(lambda: len(stranger.heard(lab)) >= 6, what="six advertisements")
        recorded = stranger.last_heard(lab)
        assert ah.sequence_of(parse_ipv4(recorded)) >= 6
        for host in ("master", "backup"):
            lab.stop(host)
        for host in ("master", "backup"):
            lab.start(host)
        lab.wait_until(lambda: lab.owners() == ["master"], what="master to come back")
        back = lab.timeline().takeovers[-1].at
        stranger.send(lab, recorded)
        lab.wait_until(
            lambda: any(t.to == "backup" and t.at > back for t in lab.timeline().takeovers),
            what="backup to take over although master speaks",
        )


@DAEMONS
def test_unicast_believes_a_stranger_who_knows_the_password(daemon: str) -> None:
    """In its own name, too: no source address is asked for, as long as check_unicast_src is off."""
    from scapy.layers.inet import IP
    from scapy.layers.vrrp import VRRP

    with Lab("stranger-unicast", daemon=daemon, beside=True) as lab:
        assert stranger.repelled(lab, "192.168.1.66"), "without the password it got in"
        advert = VRRP(vrid=51, priority=255, adv=1, addrlist=["192.168.1.10"], authtype=1)
        advert.auth1 = 0x31313131
        stranger.send(lab, IP(src="192.168.1.66", dst="192.168.1.11", ttl=64) / advert)
        lab.wait_until(lambda: not lab.owners(), what="master to step back")


@DAEMONS
def test_signed_with_eight_random_characters_nothing_forged_moves_the_address(
    daemon: str,
) -> None:
    with Lab("stranger-ah", daemon=daemon, beside=True) as lab:
        for host in ("master", "backup"):
            lab.conf(host, lab.conf(host).replace("auth_pass 1111", "auth_pass r7Kx2mQz"))
            lab.stop(host)
        heard = len(stranger.heard(lab))
        for host in ("master", "backup"):
            lab.start(host)
        lab.wait_until(lambda: len(stranger.heard(lab)) > heard, what="a newly signed packet")
        assert stranger.password_guessed(lab) is None
        assert stranger.repelled(lab, "192.168.1.66")
        assert stranger.repelled(lab, "192.168.1.12")
