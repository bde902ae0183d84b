"""What fails for one router costs no other router what is due at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labs.simulation.lan import Lan
from tests.cluster import advert, cluster, conf, inject, router, state
from vrrpd.daemon import Daemon
from vrrpd.fsm import SECOND

OTHERS = {2: "192.168.1.20", 3: "192.168.1.30"}


class Unforeseen(Exception):
    """What no code has thought of."""


def three(more: str = "", first: str = "") -> str:
    """Three instances, each with `more`; `first` is before them."""
    added = [conf(150, more, name=f"VI_{n}", vrid=50 + n, vips=(ip,)) for n, ip in OTHERS.items()]
    return first + conf(150, more) + "".join(added)


def spoil_once(place: Any, name: str, patch: pytest.MonkeyPatch) -> None:
    """Have a method of one router raise the next time."""
    method = getattr(place, name)

    def fail(*_: Any, **__: Any) -> None:
        patch.setattr(place, name, method)
        raise Unforeseen

    patch.setattr(place, name, fail)


def provoke(lan: Lan, cause: Callable[[], object]) -> None:
    """Have something happen that may make a callback of the daemon raise."""
    try:
        cause()
    except Unforeseen:
        lan.daemons["one"].mistaken()


def go_on(lan: Lan, seconds: float) -> int:
    """Let time pass as the loop of the daemon does; how many callbacks have raised."""
    end, raised = lan.clock.now() + round(seconds * SECOND), 0
    while lan.clock.now() < end:
        try:
            lan.run((end - lan.clock.now()) / SECOND)  # as far as the first exception
        except Unforeseen:
            raised += 1
            lan.daemons["one"].mistaken()
    return raised


def priorities(lan: Lan) -> list[int]:
    return [router(lan, "one", f"VI_{n}").priority for n in (1, 2, 3)]


def test_a_tracked_file_moves_all_the_priorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the router that fails a second later."""
    track = "track_file f {\n file /f\n}\n"
    lan = cluster(one=three("track_file {\n f weight 1\n}", track))
    lan.run(5)
    spoil_once(router(lan, "one"), "set_weight", monkeypatch)
    provoke(lan, lambda: lan.write("one", "/f", "5"))
    go_on(lan, 0.5)
    assert priorities(lan) == [150, 155, 155]
    go_on(lan, 1)
    assert priorities(lan) == [155, 155, 155]


def test_a_lost_carrier_puts_all_into_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = cluster(one=three())
    lan.run(5)
    spoil_once(router(lan, "one"), "fault", monkeypatch)
    provoke(lan, lambda: lan.link("one", "down"))
    go_on(lan, 0.5)
    assert [state(lan, "one", f"VI_{n}") for n in (2, 3)] == ["FAULT"] * 2
    go_on(lan, 2)
    assert state(lan, "one") == "FAULT"


def test_removed_addresses_are_noticed_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    lan = cluster(one=three())
    lan.run(5)
    spoil_once(router(lan, "one"), "address_lost", monkeypatch)
    daemon = lan.daemons["one"]
    looked: list[str] = []
    for one in daemon.routers.values():
        monkeypatch.setattr(one.upkeep, "look", lambda _, name=one.name: looked.append(name))
    with pytest.raises(Unforeseen):
        daemon.address_removed("eth0", router(lan, "one").placed[0].address.ip)
    assert looked == ["VI_1", "VI_2", "VI_3"]


@pytest.mark.parametrize(("method", "after"), [("fault", "FAULT"), ("dispatch", "BACKUP")])
def test_a_sync_group_follows_though_one_of_it_cannot(
    method: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n VI_3\n }\n}\n"
    lan = cluster(one=three(first=group))
    lan.run(5)
    assert state(lan, "one", "VI_3") == "MASTER"
    spoil_once(router(lan, "one", "VI_2"), method, monkeypatch)
    if method == "fault":
        provoke(lan, lambda: router(lan, "one").fault("test", "it is said to be in FAULT"))
    else:
        provoke(lan, lambda: inject(lan, "one", advert(200)))
    assert [state(lan, "one", name) for name in ("VI_1", "VI_3")] == [after] * 2


def test_a_router_that_fails_to_start_holds_up_no_other_and_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = 'vrrp_script s {\n script "/bin/true"\n interval 1\n}\n'
    lan = cluster(one=three("track_script {\n s\n}", script))
    spoil_once(router(lan, "one"), "start", monkeypatch)
    assert go_on(lan, 0.5) == 1
    assert [state(lan, "one", f"VI_{n}") for n in (1, 2, 3)] == ["BACKUP"] * 3


def test_a_file_that_cannot_be_watched_costs_no_other_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=three())
    lan.run(5)
    daemon: Daemon = lan.daemons["one"]
    watch = daemon.ports.files.watch

    def fail(path: str, *more: Any) -> Any:
        if path == "/f":
            raise Unforeseen
        return watch(path, *more)

    monkeypatch.setattr(daemon.ports.files, "watch", fail)
    track = "".join(f"track_file {one} {{\n file /{one}\n}}\n" for one in "fg")
    lan.conf("one", three("track_file {\n f weight 1\n g weight 1\n}", track))
    with pytest.raises(Unforeseen):
        lan.reload("one")
    lan.write("one", "/g", "5")
    go_on(lan, 0.5)
    assert priorities(lan) == [155, 155, 155]
