"""The targets of docs/performance.md: the worst case counts, and what is not measured says so."""

from __future__ import annotations

from typing import Any

from tests.bench.targets import TARGETS, table


def line(data: dict[str, Any], title: str) -> str:
    [found] = [target.line(data) for target in TARGETS if target.title == title]
    return found


def takeovers(scenario: str, keepalived: list[float], vrrpd: list[float]) -> list[dict[str, Any]]:
    pairs = [("keepalived", one) for one in keepalived] + [("vrrpd", one) for one in vrrpd]
    return [{"kind": kind, "scenario": scenario, "arp": arp, "ping": None} for kind, arp in pairs]


def test_the_worst_scenario_counts() -> None:
    rows = takeovers("v3 100 ms, 1 VIP, kill", [1.0, 1.0, 2.0], [0.5, 0.5, 1.0])
    title = "first gratuitous ARP, kill or term"
    assert line({"takeover": rows}, title) == f"| {title} | ≤ 0.85 × | 0.50 × | reached |  |"
    rows += takeovers("v3 10 ms, 1 VIP, term", [1.0], [0.9])
    assert line({"takeover": rows}, title).endswith("| 0.90 × | **not reached** |  |")
    assert "| not measured |" in line({"takeover": rows}, "first gratuitous ARP, unplug")


def test_processor_time_is_compared_at_each_interval() -> None:
    rows = [
        {"kind": kind, "role": "BACKUP", "instances": 255, "interval": interval, "cpu": cpu}
        for interval, kind, cpu in (
            (1.0, "keepalived", 0.4), (1.0, "vrrpd", 0.1),
            (0.1, "keepalived", 3), (0.1, "vrrpd", 0.3),
        )
    ]  # fmt: skip
    assert "| 0.25 × | reached |" in line({"scale": rows}, "CPU as BACKUP, 255 instances")


def test_a_figure_in_ms_has_its_ratio_beside_it() -> None:
    """It depends on the machine."""
    rows = [
        {"kind": kind, "instances": instances, "seconds": seconds}
        for kind, instances, seconds in (
            ("keepalived", 1, 0.02), ("vrrpd", 1, 0.05), ("vrrpd", 1000, 0.1),
        )
    ]  # fmt: skip
    found = line({"checking": rows}, "`-t`, 1 instance")
    assert found.endswith("| 50.00 ms | **not reached** | 2.5 × keepalived's |")
    alone = line({"checking": rows}, "`-t`, 1,000 instances with 10,000 addresses")
    assert alone.endswith("| 100.00 ms | reached |  |")


def test_nothing_measured_is_a_table_all_the_same() -> None:
    assert sum("not measured" in one for one in table({})) == len(TARGETS)
