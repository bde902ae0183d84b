"""Challenges in a tab: judged by the course's own steps, on a copy of the run that is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labs.browser import lessons, player
from labs.conf import Value, with_setting
from labs.errors import LabError
from labs.experiments import advert_size
from labs.lessons import course
from tools.openings import opening


def started(challenge: str) -> str:
    """Start the state of a challenge as a page does; the number of its lesson."""
    (number,) = [n for n in course.numbers() if challenge in course.lesson(n).challenges]
    found = opening(course.challenge(challenge, number).state, drawn=False)
    assert found is not None
    player.start(**found)
    return number


def edit(host: str, **settings: Value) -> None:
    """Change lines of a keepalived.conf and have the daemon read it, as the editor does."""
    text = player.conf(host)
    for keyword, value in settings.items():
        text = with_setting(text, keyword, value)
    player.write(host, text)


def bring_home() -> None:
    player.act("plug", "web1")
    player.act("start", "web1")


def retire() -> None:
    for host in ("db1", "db2"):
        player.act("stop", host)


def let_the_lowest_win() -> None:
    for host in ("web2", "web3"):
        player.act("stop", host)


def another_router() -> None:
    for host in ("web1", "web2"):
        edit(host, virtual_router_id=52)


def two_sites() -> None:
    for host in ("web1", "web2"):
        text = player.conf(host).replace("hogehoge@feedforce.jp", "noc@example.com")
        player.write(host, with_setting(text, "smtp_alert", True))
        edit(host, advert_int=3)
    player.advance(5, budget=60)


def one_cluster() -> None:
    player.write("web2", player.conf("web1").replace("priority 150", "priority 100"))


def exchange() -> None:
    wanted = [f"192.168.1.{last}" for last in (10, 101, 102, 105)]
    for host in ("web1", "web2"):
        edit(host, virtual_ipaddress=wanted)


def exclude() -> None:
    every = advert_size.vips(23)
    excluded = every[1:4]
    for host in ("web1", "web2"):
        edit(
            host,
            virtual_ipaddress=[one for one in every if one not in excluded],
            virtual_ipaddress_excluded=excluded,
        )


def leave() -> None:
    player.act("stop", "web1")


def stay() -> None:
    edit("web1", state="BACKUP", nopreempt=True)
    player.act("plug", "web1")
    player.advance(10, budget=60)
    edit("web1", nopreempt=None)
    player.advance(6, budget=60)


def maintain() -> None:
    edit("web2", priority=200)
    player.advance(5, budget=60)
    player.act("restart", "web1")
    player.advance(5, budget=60)
    edit("web2", priority=100)


def half_a_second() -> None:
    for host in ("web1", "web2"):
        edit(host, version=3, advert_int=0.13, authentication=None)


def three_at_work() -> None:
    for n, host in enumerate(("web1", "web2", "web3")):
        instances = [
            f"vrrp_instance VI_{m} {{\ninterface eth0\nvirtual_router_id 5{m}\n"
            f"priority {(200, 150, 100)[(m - n - 1) % 3]}\n"
            f"virtual_ipaddress {{\n192.168.1.{m}0\n}}\n}}\n"
            for m in (1, 2, 3)
        ]
        player.write(host, "".join(instances))


def right_router() -> None:
    edit("web1", virtual_router_id=51)


def thaw() -> None:
    player.act("thaw", "web1")


def right_address() -> None:
    edit("web2", virtual_ipaddress=["192.168.1.10"])


SOLUTIONS: dict[str, Callable[[], None]] = {
    "home": bring_home,
    "retire": retire,
    "lowest": let_the_lowest_win,
    "vrid": another_router,
    "two-sites": two_sites,
    "equal": one_cluster,
    "exchange": exchange,
    "excluded": exclude,
    "leave": leave,
    "stay": stay,
    "maintenance": maintain,
    "half-a-second": half_a_second,
    "three-at-work": three_at_work,
    "mystery-1": right_router,
    "mystery-4": thaw,
    "mystery-6": right_address,
}


def test_every_challenge_of_the_tab_has_a_solution_here() -> None:
    assert set(SOLUTIONS) == set(lessons.CHALLENGES)


@pytest.mark.parametrize("challenge", SOLUTIONS)
def test_a_challenge_is_unsolved_at_first_gives_a_hint_and_can_be_solved(challenge: str) -> None:
    number = started(challenge)
    at_first = lessons.check(number, challenge)
    assert not at_first["passed"]
    assert at_first["hints"]
    assert at_first["sees"]
    SOLUTIONS[challenge]()
    player.advance(2, budget=60)
    solved = lessons.check(number, challenge)
    assert solved["passed"], solved


def test_a_restart_moves_the_address_and_does_not_pass_for_an_exchange() -> None:
    number = started("exchange")
    exchange()
    player.act("stop", "web1")
    player.advance(5, budget=60)
    player.act("start", "web1")
    player.advance(8, budget=60)
    assert list(lessons.check(number, "exchange")["unmet"]) == [
        "192.168.1.10 has not moved in the meantime"
    ]


def test_a_check_leaves_the_run_as_it_is() -> None:
    number = started("mystery-6")
    right_address()
    before = player.everything()
    lessons.check(number, "mystery-6")  # stops web1 and starts it again, in its copy
    assert player.everything() == before


def test_the_story_of_a_start_state_is_carried_out_and_not_mentioned() -> None:
    started("home")
    shown = player.everything()
    assert [row[1:] for row in shown["actions"]] == [["stop", "web1"], ["unplug", "web1"]]
    assert not [e for e in shown["events"] if e["k"] == "act" and e["v"] != "start"]
    daemons = [e["s"] for e in shown["events"] if e["k"] == "dmn" and e["h"] == "web1"]
    assert daemons[-1] == "gone"
    player.act("plug", "web1")
    assert [e["v"] for e in player.everything()["events"] if e["k"] == "act"][-1] == "plug"


def test_a_challenge_that_needs_a_shell_is_refused() -> None:
    with pytest.raises(LabError, match="no challenge of a tab called 'locked'"):
        lessons.check("18", "locked")


@pytest.mark.parametrize("state", ["attacker", "mystery-3", "mystery-5", "two-routers"])
def test_a_state_that_needs_a_kernel_or_another_network_cannot_be_played(state: str) -> None:
    assert opening(state) is None


def test_hosts_without_a_file_have_no_daemon_until_they_get_one() -> None:
    found = opening("empty")
    assert found is not None
    player.start(**found)
    assert player.command("web1", "vrrpctl status").startswith("vrrpctl: no daemon")
    player.write("web1", _of_basic())
    player.advance(5, budget=60)
    assert "VI_1: MASTER" in player.command("web1", "vrrpctl status")


def _of_basic() -> str:
    found = opening("basic")
    assert found is not None
    return str(found["files"]["web1"])
