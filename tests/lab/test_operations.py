"""Two real daemons: release, drain, resume and reload by vrrpctl; metrics and probes by HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.interop import segment as segment_module
from tests.interop.segment import ENVIRONMENT, Host, Segment, network_of
from tests.support import HUNG_S
from tests.unit.test_metrics import parse, value

VIP = "192.168.1.10"
HIGH, LOW = 200, 100
WHERE = "127.0.0.1:9650"


@pytest.fixture
def pair(pair: Segment) -> Segment:
    """Two hosts that advertise; the first one is MASTER."""
    for number, priority in enumerate((HIGH, LOW)):
        pair[number].run("ip", "link", "set", "lo", "up")
        pair[number].start("vrrpd", conf(priority), "--metrics", WHERE)
    pair.wait(lambda: pair.holders(VIP) == [0] and last(pair[1]) == "BACKUP", "MASTER")
    return pair


def conf(priority: int, *words: str) -> str:
    lines = ["interface eth0", "virtual_router_id 51", f"priority {priority}", *words]
    return f"vrrp_instance VI_1 {{\n{chr(10).join(lines)}\nvirtual_ipaddress {{\n{VIP}\n}}\n}}\n"


def journal(host: Host) -> list[dict[str, object]]:
    path = host.room / "journal"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def last(host: Host) -> object:
    states = [line["to"] for line in journal(host) if line["event"] == "state"]
    return states[-1] if states else None


def ctl(host: Host, *words: str, status: int = 0) -> str:
    """What vrrpctl prints on this host."""
    command = [sys.executable, "-m", "vrrpd.ctl", *words, "--socket", str(host.room / "sock")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=HUNG_S, env=ENVIRONMENT, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stdout


def get(host: Host, path: str) -> tuple[int, str]:
    """A page of the daemon on this host, asked for there."""
    with network_of(host.holder.pid):
        try:
            with urllib.request.urlopen(f"http://{WHERE}{path}", timeout=HUNG_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def test_release_moves_the_address_and_resume_brings_it_back(pair: Segment) -> None:
    first, second = pair[0], pair[1]
    assert "is MASTER" in ctl(first, "release", "VI_1")
    assert pair.holders(VIP) == [1]
    zero = next(frame for frame in pair.wire.adverts(0) if frame.priority == 0)
    takeover = next(frame for frame in pair.wire.adverts(1) if frame.t > zero.t)
    skew = (256 - LOW) / 256
    assert takeover.t - zero.t >= skew - 0.01
    # The last one: it was MASTER before, too, if the first daemon was the later to start.
    *_, reason = [
        line["reason"] for line in journal(second) if line["event"] == "state" and
        line["to"] == "MASTER"
    ]  # fmt: skip
    assert f"within skew {skew:.3f} s" in str(reason)
    first.reload(conf(HIGH + 10))
    pair.wait(lambda: "Reload complete" in first.text(), "the reload")
    (status,) = json.loads(ctl(first, "status", "--json"))
    assert (status["state"], status["released"], status["priority"]) == ("BACKUP", True, HIGH + 10)
    assert get(first, "/readyz") == (503, "VI_1: released by vrrpctl\n")
    second.crash()
    assert "no other router has advertised" not in ctl(first, "why")
    assert "in service" in ctl(first, "resume")
    pair.wait(lambda: first.has(VIP), "the address again")
    assert get(first, "/readyz") == (200, "ok\n")


def test_no_other_router_is_there(pair: Segment) -> None:
    pair[1].stop()
    said = ctl(pair[0], "drain")
    assert "no other router has advertised" in said
    assert VIP in said
    assert pair.holders(VIP) == []
    assert "no instance VI_9" not in ctl(pair[0], "resume", "VI_9", status=1)


def test_metrics_and_probes_over_http(pair: Segment) -> None:
    assert get(pair[0], "/healthz") == (200, "ok\n")
    for number, state in enumerate(("MASTER", "BACKUP")):
        status, text = get(pair[number], "/metrics")
        assert status == 200
        assert value(parse(text), "vrrp_state", vrrp_state=state) == 1
    assert set(parse(ctl(pair[0], "metrics"))) == set(parse(text))
    assert get(pair[0], "/elsewhere")[0] == 404
    # Loopback alone: the other host is refused.
    with network_of(pair[1].holder.pid), pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{pair[0].address}:9650/healthz", timeout=HUNG_S)
    pair[0].unplug()
    pair.wait(lambda: get(pair[0], "/readyz")[0] == 503, "not ready without a cable")


def test_two_masters_are_noticed_when_the_cable_is_whole_again(pair: Segment) -> None:
    pair[0].cut()
    pair.wait(lambda: pair.holders(VIP) == [0, 1], "two MASTERs")
    pair[0].mend()
    pair.wait(lambda: pair.holders(VIP) == [0], "one MASTER")
    # Whose Advertisement comes first decides who notices: the other may give way before it sends.
    counts = []
    for host in (pair[0], pair[1]):
        found = parse(get(host, "/metrics")[1])
        counts.append(value(found, "vrrp_split_brain_episodes"))
        assert host.text().count("Split brain: ") == counts[-1]
    assert sum(counts) >= 1


def test_a_daemon_without_standard_streams_runs_scripts_and_reloads(
    segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a program starts it that has closed them: what is opened later is none of the three."""
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    monkeypatch.setattr(segment_module, "VRRPD", [*closed, *segment_module.VRRPD])
    host = segment[0]
    called = host.room / "called"
    # What a script prints must not get into the journal or a socket.
    script = f"echo $((2 + 40))x; echo $((2 + 40))x >&2; date >>{called}"
    text = conf(HIGH, f"notify_master \"/bin/sh -c '{script}'\"")
    host.start("vrrpd", text)
    segment.wait(lambda: host.has(VIP) and called.exists(), "MASTER, and its script")
    host.reload(text.replace(VIP, f"{VIP}\n192.168.1.20"))
    segment.wait(lambda: host.has("192.168.1.20"), "the new address")
    assert last(host) == "MASTER"
    assert "42x" not in (host.room / "journal").read_text()
    assert host.stop() == 0
