"""`vrrp_script`: the counter, the first result, timeouts, overlaps, reloads.  Virtual time."""

from __future__ import annotations

from itertools import product

import pytest

from labs.simulation.lan import Lan
from labs.simulation.programs import Program
from tests.cluster import cluster, conf, prepared, router
from tests.unit.test_effect import WEIGHTS
from vrrpd.config.model import Command, Track, TrackScript
from vrrpd.fsm import SECOND
from vrrpd.journal import Journal, Log
from vrrpd.ports import Outcome
from vrrpd.tracking.effect import effect_of_state
from vrrpd.tracking.scripts import Script

CHECK = "/bin/chk"
WEIGHTED = [weight for weight, ends in WEIGHTS.items() if "FAULT" not in ends]


class Still:
    """A Clock and Runner that do nothing: the test reports the results."""

    def now(self) -> int:
        return 0

    def call_at(self, when: int, callback: object) -> Still:
        return self

    def check(self, *_: object) -> Still:
        return self

    def cancel(self) -> None:
        pass


def script(**words: object) -> Script:
    still = Still()
    block = TrackScript(name="chk", command=Command((CHECK,)), **words)  # type: ignore[arg-type]
    log = Log(lambda: 0)
    return Script(block, still, still, Journal(), log, lambda _: None)  # type: ignore[arg-type]


def verdicts(one: Script, results: str) -> str:
    """What is thought of it after each result: + and - in, U and D out."""
    out = []
    for result in results:
        one.finished(Outcome(0 if result == "+" else 1))
        out.append({True: "U", False: "D", None: "?"}[one.up])
    return "".join(out)


@pytest.mark.parametrize(
    ("rise", "fall", "results", "expected"),
    [
        (1, 1, "+-+-", "UDUD"),
        (1, 3, "+--+---+", "UUUUUUDU"),
        (3, 1, "-++-+++-", "DDDDDDUD"),
        (2, 2, "-+++--++", "DDUUUDDU"),
        (2, 3, "++--+---", "UUUUUUUD"),
        (1, 3, "---+", "DDDU"),
        (3, 1, "+-+++", "UDDDU"),
    ],
)
def test_rise_and_fall(rise: int, fall: int, results: str, expected: str) -> None:
    assert verdicts(script(rise=rise, fall=fall), results) == expected


@pytest.mark.parametrize(("rise", "fall"), list(product((1, 2, 3), repeat=2)))
def test_every_sequence_needs_rise_in_a_row_to_come_up_and_fall_to_go_down(
    rise: int, fall: int
) -> None:
    for results in map("".join, product("+-", repeat=8)):
        up = results[0] == "+"  # the first result decides alone
        row, expected = 0, ["U" if up else "D"]
        for result in results[1:]:
            row = row + 1 if (result == "+") is not up else 0
            if row == (fall if up else rise):
                up, row = not up, 0
            expected.append("U" if up else "D")
        assert verdicts(script(rise=rise, fall=fall), results) == "".join(expected)


def test_init_fail_starts_as_failed_and_needs_rise_successes() -> None:
    one = script(rise=2, init_fail=True)
    assert one.up is False
    assert one.reason == "tracked script chk has not succeeded yet (init_fail)"
    assert verdicts(one, "+-++") == "DDDU"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(1), "tracked script chk failed (exit 1, 3 of 3)"),
        (Outcome(signal=9), "tracked script chk failed (signal 9, 3 of 3)"),
        (Outcome(timed_out=True), "tracked script chk failed (no result within 1 s, 3 of 3)"),
        (Outcome(0, timed_out=True), "tracked script chk failed (no result within 1 s, 3 of 3)"),
        (
            Outcome(problem="no such file"),
            "tracked script chk failed (not started: no such file, 3 of 3)",
        ),
    ],
)
def test_every_kind_of_failure_has_its_reason(outcome: Outcome, reason: str) -> None:
    one = script(fall=3)
    for each in (Outcome(), outcome, outcome):
        one.finished(each)
    assert one.up
    one.finished(outcome)
    assert (one.up, one.reason) == (False, reason)


def test_a_run_that_this_machine_could_not_start_counts_for_nothing() -> None:
    one = script(fall=2)
    shortage = Outcome(problem="Too many open files", undecided=True)
    for _ in range(5):
        one.finished(shortage)
    assert one.up is None
    assert verdicts(one, "+-") == "UU"
    one.finished(shortage)
    assert verdicts(one, "-") == "D", "nor does it interrupt a row"


# In the daemon.


def tracking(*words: str, weight: str = "", priority: int = 100, more: str = "") -> str:
    """An instance that tracks the script chk."""
    body = "\n".join((f'script "{CHECK}"', *words))
    tracks = f"track_script {{\n chk {weight}\n}}"
    return f"vrrp_script chk {{\n{body}\n}}\n{conf(priority, tracks, more)}"


def alone(text: str, program: Program | None = None) -> Lan:
    """One host that runs the script from the beginning of the world."""
    programs = {} if program is None else {CHECK: program}
    return prepared(text, lambda host: host.workload.programs.update(programs))


def set_program(lan: Lan, **words: object) -> None:
    lan.machines["one"].workload.programs[CHECK] = Program(**words)  # type: ignore[arg-type]


def states(lan: Lan, host: str = "one") -> list[str]:
    return [line["to"] for line in lan.journal(host) if line["event"] == "state"]


def runs(lan: Lan) -> list[float]:
    return [at / SECOND for at, _ in lan.machines["one"].workload.started]


@pytest.fixture
def failing() -> Lan:
    lan = alone(tracking("interval 1", "fall 3", "rise 2"))
    lan.run(5)
    assert states(lan) == ["BACKUP", "MASTER"]
    return lan


def test_a_failing_script_is_fault_with_its_reason_and_back(failing: Lan) -> None:
    lan = failing
    set_program(lan, status=1)
    lan.run(2.5)
    assert router(lan, "one").state.value == "MASTER"
    lan.run(1)
    assert router(lan, "one").current.why == "tracked script chk failed (exit 1, 3 of 3)"
    assert states(lan)[-1] == "FAULT"
    set_program(lan)
    lan.run(1.1)
    assert states(lan)[-1] == "FAULT"
    lan.run(1)
    assert states(lan)[-1] == "BACKUP"
    assert router(lan, "one").current.why == "tracked script chk succeeded (2 of 2)"
    lines = lan.logs["one"].lines
    assert "Script `chk` now returning 1" in lines
    assert "VRRP_Script(chk) failed (exited with status 1)" in lines
    assert "Script `chk` now returning 0" in lines
    assert "VRRP_Script(chk) succeeded" in lines


def test_an_instance_waits_in_init_for_the_first_result() -> None:
    lan = alone(tracking("interval 2", "rise 5"), Program(seconds=1.5))
    lan.run(1.4)
    assert states(lan) == []
    lan.run(0.2)
    assert states(lan) == ["BACKUP"], "one success is enough, whatever rise says"


def test_who_waits_says_for_what() -> None:
    lan = alone(tracking("interval 2"), Program(seconds=1.5))
    [line] = [line for line in lan.journal("one") if line["event"] == "waiting"]
    assert (line["instance"], line["reason"]) == (
        "VI_1",
        "waits for the first result of tracked script chk",
    )
    report = lan.daemons["one"].tracking.report()
    assert report == [
        {
            "kind": "script",
            "name": "chk",
            "status": None,
            "reason": "tracked script chk has no result yet",
            "tracked_by": ["VI_1"],
        }
    ]


def test_one_failure_at_first_is_fault_whatever_fall_says() -> None:
    lan = alone(tracking("interval 2", "fall 5"), Program(status=7, seconds=0.5))
    lan.run(1)
    assert states(lan) == ["FAULT"]
    assert router(lan, "one").current.why == "tracked script chk failed (exit 7, first result)"


def test_init_fail_starts_in_fault() -> None:
    lan = alone(tracking("interval 1", "rise 3", "init_fail"))
    assert states(lan) == ["FAULT"]
    lan.run(1.9)
    assert states(lan) == ["FAULT"]
    lan.run(0.2)
    assert states(lan) == ["FAULT", "BACKUP"]


def test_an_instance_with_a_dead_interface_does_not_leave_fault_before_the_first_result() -> None:
    lan = cluster(one="")
    lan.stop("one")
    lan.unplug("one")
    set_program(lan, seconds=3)
    lan.conf("one", tracking("interval 5"))
    lan.start("one")
    lan.run(1)
    lan.plug("one")
    lan.run(1)
    assert states(lan) == ["FAULT"]
    lan.run(1.1)
    assert states(lan) == ["FAULT", "BACKUP"]


@pytest.mark.parametrize("weight", WEIGHTED)
def test_a_weighted_script_counts_from_its_first_result_on(weight: str) -> None:
    lan = alone(tracking("interval 1", weight=weight), Program(seconds=0.5))
    lan.run(0.4)
    assert router(lan, "one").priority == 100, "nothing before the first result"
    assert states(lan) == ["BACKUP"], "a weighted script holds nobody back"
    lan.run(0.2)
    assert router(lan, "one").priority == WEIGHTS[weight][0]


def test_the_owner_of_the_addresses_is_never_weighed() -> None:
    lan = alone(tracking("interval 1", weight="weight -20", priority=255), Program(status=1))
    lan.run(3)
    assert router(lan, "one").priority == 255
    assert "FAULT" not in states(lan)


def test_reverse_without_weight_is_fault_while_it_succeeds() -> None:
    lan = alone(tracking("interval 1", "weight 0 reverse"))
    lan.run(1)
    assert states(lan) == ["FAULT"]
    set_program(lan, status=1)
    lan.run(1.5)
    assert states(lan)[-1] == "BACKUP"


def test_it_runs_every_interval_from_the_start() -> None:
    lan = alone(tracking("interval 2"), Program(seconds=0.3))
    lan.run(6.5)
    assert runs(lan) == [0, 2, 4, 6]


def test_a_run_that_lasts_makes_the_next_ones_be_skipped() -> None:
    lan = alone(tracking("interval 1", "timeout 10"), Program(seconds=2.5))
    lan.run(3.5)
    assert runs(lan) == [0, 3]
    skipped = "Track script chk is already running, expect idle - skipping run"
    assert lan.logs["one"].lines.count(skipped) == 2


@pytest.mark.parametrize(("stubborn", "after"), [(False, 2), (True, 4)])
def test_a_run_that_takes_too_long_is_a_failure_when_it_has_been_ended(
    stubborn: bool, after: float
) -> None:
    lan = alone(tracking("interval 10", "timeout 2"), Program(seconds=60, stubborn=stubborn))
    lan.run(after - 0.1)
    assert states(lan) == []
    lan.run(0.2)
    assert states(lan) == ["FAULT"]
    why = "tracked script chk failed (no result within 2 s, first result)"
    assert router(lan, "one").current.why == why
    assert "VRRP_Script(chk) timed_out" in lan.logs["one"].lines


def test_a_script_that_cannot_be_started_is_a_failure() -> None:
    lan = alone(tracking("interval 1"), Program(problem="no such file"))
    lan.run(1)
    assert states(lan) == ["FAULT"]
    assert "not started: no such file" in router(lan, "one").current.why


def test_the_log_says_what_a_failing_script_complained_of() -> None:
    one = script()
    lines: list[str] = []
    one.log.info = lines.append  # type: ignore[method-assign, assignment]
    one.finished(Outcome(1, said="pidof: no such process"))
    assert lines[-1] == "VRRP_Script(chk) failed (exited with status 1): pidof: no such process"


def test_a_script_that_must_not_run_is_a_failure_and_is_not_started() -> None:
    one = script(problem="Cannot find script nowhere in path")
    one.run()
    assert one.up is False
    assert "not started: Cannot find script nowhere in path" in one.reason
    assert one.running is None


@pytest.mark.parametrize("reverse", [False, True])
def test_a_script_that_must_not_run_never_counts_for_a_router(reverse: bool) -> None:
    one = script(problem="Cannot find script nowhere in path")
    one.run()
    effect = one.effect(Track("chk", reverse=reverse))
    assert effect == effect_of_state(Track("chk"), False)


# Reload.


def test_a_reload_that_changes_nothing_does_not_disturb_a_script(failing: Lan) -> None:
    lan = failing
    set_program(lan, seconds=0.8)
    lan.run(1.3)
    before = states(lan)
    lan.reload("one")
    lan.run(3)
    workload = lan.machines["one"].workload
    assert (states(lan), workload.killed) == (before, [])
    assert runs(lan) == [float(n) for n in range(10)]


def test_a_changed_script_is_killed_and_keeps_its_verdict(failing: Lan) -> None:
    lan = failing
    set_program(lan, seconds=0.8)
    lan.run(1.3)
    before = states(lan)
    lan.conf("one", tracking("interval 3", "fall 2", "rise 2"))
    lan.reload("one")
    assert [name for _, name in lan.machines["one"].workload.killed] == [CHECK]
    assert "VRRP_Script(chk) considered successful on reload" in lan.logs["one"].lines
    lan.run(1)
    assert states(lan) == before
    set_program(lan, status=1)
    lan.run(4)
    assert states(lan) == before, "one failure of two"
    lan.run(3)
    assert states(lan) == [*before, "FAULT"]


def test_a_failed_script_stays_failed_over_a_reload_without_a_flap(failing: Lan) -> None:
    lan = failing
    set_program(lan, status=1)
    lan.run(5)
    before = states(lan)
    lan.conf("one", tracking("interval 1", "timeout 5", "fall 3", "rise 2"))
    lan.reload("one")
    lan.run(5)
    assert states(lan) == before
    assert before[-1] == "FAULT"


def test_a_script_that_is_no_longer_tracked_lets_the_router_go(failing: Lan) -> None:
    lan = failing
    set_program(lan, status=1)
    lan.run(5)
    assert states(lan)[-1] == "FAULT"
    lan.conf("one", conf(100))
    lan.reload("one")
    assert states(lan)[-1] == "BACKUP"
    assert router(lan, "one").current.why == "script chk is no longer tracked"
    count = len(runs(lan))
    lan.run(5)
    assert len(runs(lan)) == count


def test_a_script_that_is_new_does_not_hold_a_running_router() -> None:
    lan = alone(conf(100))
    lan.run(5)
    set_program(lan, status=1, seconds=2)
    lan.conf("one", tracking("interval 5", "timeout 4"))
    lan.reload("one")
    lan.run(1)
    assert states(lan)[-1] == "MASTER"
    lan.run(1.1)
    assert states(lan)[-1] == "FAULT"


def test_a_weight_that_is_no_longer_given_becomes_fault_at_once() -> None:
    lan = alone(tracking("interval 1", weight="weight -20"), Program(status=1))
    lan.run(5)
    assert router(lan, "one").priority == 80
    lan.conf("one", tracking("interval 1"))
    lan.reload("one")
    assert states(lan)[-1] == "FAULT"
    assert router(lan, "one").priority == 100


def test_a_stopped_daemon_leaves_no_script_running() -> None:
    lan = alone(tracking("interval 1", "timeout 20"), Program(seconds=10))
    lan.run(3)
    lan.stop("one")
    assert len(lan.machines["one"].workload.killed) == 1
