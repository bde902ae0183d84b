"""The tasks of an exam on a real cluster: untouched, configured wrongly, and solved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs import Lab
from labs.exam import hand_out, paper, results, tasks
from labs.exam.paper import Numbers, Paper
from labs.progress import memory

CONF = """vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id {vrid}
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        192.168.1.10
    }}
}}
"""


@pytest.fixture
def exam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paper]:
    """An exam that runs, in a folder of anna's."""
    made = paper.new("final", time.time() - 60, time.time() + 3600)
    hand_out.hand_out(made, "anna", tmp_path)
    monkeypatch.setenv("LAB_WORK", str(tmp_path))
    memory.forget()
    yield made
    memory.forget()


def configure(lab: Lab, numbers: Numbers, vrid: int) -> None:
    for host, priority in (("web1", numbers.high), ("web2", numbers.low)):
        lab.conf(host, CONF.format(vrid=vrid, priority=priority))
        lab.start(host)


def test_the_tasks_know_right_from_wrong(exam: Paper, tmp_path: Path) -> None:
    numbers = exam.numbers("anna")
    with Lab("empty") as lab:
        untouched = tasks.submit(lab, "pair")
        assert not untouched.met
        configure(lab, numbers, 51)
        assert not tasks.submit(lab, "pair")
        for host in ("web1", "web2"):
            lab.stop(host)
        configure(lab, numbers, numbers.vrid)
        assert tasks.submit(lab, "pair"), lab.timeline().text()
        lab.stop("web1")
        unmoved = tasks.submit(lab, "move")
        assert unmoved.unmet[0] == "both daemons are running"
        lab.start("web1")
        text = lab.conf("web1").replace(f"priority {numbers.high}", f"priority {numbers.low - 1}")
        lab.conf("web1", text)
        lab.reload("web1")
        assert tasks.submit(lab, "move"), lab.timeline().text()
    found = results.result(exam, "anna", tmp_path)
    assert [found.points[name] for name in ("pair", "move")] == [True, True]
    assert found.remarks == []
