"""What docs/security.md says that a hostile LAN *can* do: each sentence is true."""

from __future__ import annotations

import pytest

from tests.cluster import PASSWORD, VIP, advert, adverts, arps, cluster, conf, inject, router, state


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
