"""Mail, web, a TCP connection and captures: real ones, on real hosts, gone when the lab is."""

from __future__ import annotations

from pathlib import Path

import pytest

from labs import Lab, LabError
from labs.model.facts import Action
from tests.support import HUNG_S, eventually

SEND = (
    "python -c \"import smtplib; s = smtplib.SMTP('127.0.0.1'); "
    "s.sendmail('a@x', ['b@y', 'c@z'], 'Subject: {0}\\r\\n\\r\\nHello {0}')\""
)
PAGE = "python -c \"import urllib.request as u; print(u.urlopen('http://{}', timeout={}).read())\""


@pytest.fixture
def quiet(bare_lab: Lab) -> Lab:
    """The hosts without a daemon, freshly reset."""
    bare_lab.reset()
    return bare_lab


def test_a_message_arrives_whole_and_in_order(quiet: Lab) -> None:
    box = quiet.mail("web1")
    assert repr(box) == "<mailbox of web1: empty>"
    for number in (1, 2):
        assert quiet.run("web1", SEND.format(f"number {number}")).status == 0
    first, second = box.wait(2)
    assert (first["Subject"], second["Subject"]) == ("number 1", "number 2")
    assert first["X-RcptTo"] == "b@y, c@z"
    assert first.get_content().strip() == "Hello number 1"
    assert "number 2" in repr(box)
    assert "<td" in box._repr_html_()
    assert quiet.mail("web1") is box
    box.clear()
    assert len(box) == 0
    with pytest.raises(LabError, match=r"timed out after 0\.1 s waiting for 1 message for web1"):
        box.wait(1, timeout=0.1)


def test_mail_comes_over_ipv6_and_from_other_hosts_too(quiet: Lab) -> None:
    box = quiet.mail("web2")
    for address in ("::1", "192.168.1.12", "2001:db8:1::12"):
        host = "web2" if address == "::1" else "web1"
        sent = SEND.replace("127.0.0.1", address).format("hi")
        eventually(lambda: quiet.run(host, sent).status == 0)  # noqa: B023
    assert len(box.wait(3)) == 3


def test_a_daemon_sends_its_mail_there(any_daemon: str) -> None:
    """The article's keepalived.conf names smtp_server localhost; smtp_alert makes it write."""
    with Lab("empty", daemon=any_daemon, beside=True) as lab:
        text = (Path(__file__).parents[2] / "labs/states/basic/web1/keepalived.conf").read_text()
        lab.conf("web1", text.replace("priority 150", "priority 150\n          smtp_alert"))
        box = lab.mail("web1")
        lab.start("web1")
        messages = box.wait(2, timeout=HUNG_S)  # BACKUP, then MASTER
        assert "MASTER" in str(messages[-1]["Subject"]) + str(messages[-1].get_content())
        assert messages[-1]["X-RcptTo"] == "hogehoge@feedforce.jp"


def test_a_web_server_serves_hangs_and_stops(quiet: Lab) -> None:
    web = quiet.web("web1")
    eventually(lambda: "web1" in quiet.run("client", PAGE.format("192.168.1.11", HUNG_S)).text)
    assert "web1" in quiet.run("client", PAGE.format("[2001:db8:1::11]", HUNG_S)).text
    assert web.state == "serving"
    web.hang()
    assert "timed out" in quiet.run("client", PAGE.format("192.168.1.11", 0.3)).text
    assert repr(web) == "<web server of web1: hanging>"
    web.start()
    assert "web1" in quiet.run("client", PAGE.format("192.168.1.11", HUNG_S)).text
    web.stop()
    assert "refused" in quiet.run("client", PAGE.format("192.168.1.11", HUNG_S)).text
    with pytest.raises(LabError, match=r"does not run: \.start\(\) it first"):
        web.hang()
    web.start()
    assert quiet.web("web1") is web
    assert "web1" in quiet.run("client", PAGE.format("192.168.1.11", HUNG_S)).text
    told = [fact.text for fact in quiet.facts() if isinstance(fact, Action)][-4:]
    assert [text.split()[-1] for text in told] == ["hangs", "started", "stopped", "started"]


def test_a_stopped_server_has_given_its_port_back(quiet: Lab) -> None:
    """Neither is a client taken by one that is about to die, nor finds the next one it taken."""
    web = quiet.web("web1")
    for verb in (web.stop, web.hang, web.stop):
        pids = [
            one.pid
            for one in quiet.hosts["web1"].processes()
            if "labs.emulation.programs.web" in one.argv
        ]
        verb()
        if verb == web.stop:
            assert pids
            assert {state(pid) for pid in pids} <= {"", "Z"}
            web.start()


def state(pid: int) -> str:
    """What /proc says of a process, "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_a_hanging_server_can_be_stopped(quiet: Lab) -> None:
    web = quiet.web("web2")
    web.hang()
    web.stop()
    assert web.state == "stopped"


def test_a_port_that_is_taken_is_reported(quiet: Lab) -> None:
    quiet.run("web1", "python -m http.server 80 >/dev/null 2>&1 &")
    eventually(lambda: ":80" in quiet.run("web1", "ss -tln").text)
    with pytest.raises(LabError, match="Address already in use; is its port taken"):
        quiet.web("web1")


def test_services_end_with_a_reset_and_with_the_lab() -> None:
    with Lab("empty", beside=True) as lab:
        lab.run("web1", "ip address add 192.168.1.10/32 dev eth0")
        web, talk = lab.web("web1"), lab.talk()
        lab.mail("web2")
        assert talk.echoes
        lab.reset()
        for host in lab.hosts:
            assert lab.run(host, "pgrep -f labs.program[s]").status == 1
        assert lab.web("web1") is not web
        pids = [process.pid for host in lab.hosts.values() for process in host.processes()]
        assert pids
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_a_connection_does_not_survive_a_takeover(cluster: Lab) -> None:
    talk = cluster.talk()
    assert {event["who"] for event in talk.echoes} == {"web1"}
    entry = cluster.arp("client")
    assert (entry.host, entry.mac) == ("web1", "02:00:00:00:00:0b")
    cluster.unplug("web1")
    cluster.settle()
    assert talk.broken
    assert "reset by peer" in talk.why
    assert "broken after" in repr(talk)
    eventually(lambda: cluster.arp("client").host == "web2", what="the client to know")
    again = cluster.talk()
    assert {event["who"] for event in again.echoes} == {"web2"}
    again.close()
    assert repr(again).endswith("; closed")


def test_a_connection_survives_a_short_break(quiet: Lab) -> None:
    quiet.run("web1", "ip address add 192.168.1.10/32 dev eth0")
    talk = quiet.talk()
    quiet.cut("web1")
    quiet.wait_until(lambda: talk.silent > 0.6)
    quiet.mend("web1")
    assert not talk.broken
    assert "it goes on, after a silence of" in repr(talk)


def test_no_server_to_connect_to(quiet: Lab) -> None:
    with pytest.raises(LabError, match=r"no connection to 192\.168\.1\.10: .*lab\.settle\(\)"):
        quiet.talk()
    assert repr(quiet.arp("client")).startswith("client does not know who has 192.168.1.10")


def test_a_capture_has_every_frame_meanwhile_and_none_after(quiet: Lab, tmp_path: Path) -> None:
    with quiet.capture("client") as wire:
        assert quiet.run("web1", "ping -c 3 -i 0.1 client").status == 0
    pings = [frame for frame in wire.of("ipv4") if "echo-request" in frame.summary]
    assert len(pings) == 3
    assert "ICMP 192.168.1.11 > 192.168.1.100 echo-request" in pings[0].summary
    assert wire.of("arp")
    count = len(wire.frames)
    quiet.run("web1", "ping -c 1 client")
    assert len(wire.frames) == count
    wire.save(tmp_path / "x.pcap")
    from scapy.utils import rdpcap

    assert len(rdpcap(str(tmp_path / "x.pcap"))) == count
    assert "echo-request" in repr(wire)
    with pytest.raises(LabError, match="no interface called 'eth7' on client"):
        quiet.capture("client", "eth7")


def test_advertisements_are_kept_as_packets(cluster: Lab) -> None:
    cluster.wait_until(lambda: len(cluster.frames()) >= 2)
    frame = cluster.frames("advert")[-1]
    assert (frame.host, frame.kind) == ("web1", "advert")
    assert "VRRP" in repr(frame)
    with pytest.raises(LabError, match="choose advert"):
        cluster.frames("icmp")


def test_loss_and_one_way_paths(quiet: Lab) -> None:
    ping = "ping -c 30 -i 0.02 -W 0.3 -q {}"
    eventually(lambda: quiet.run("client", "ping -c 1 web1").status == 0)
    eventually(lambda: quiet.run("client", "ping -c 1 web2").status == 0)
    quiet.lose("web1", 1)
    assert "100% packet loss" in quiet.run("client", ping.format("web1")).text
    quiet.lose("web1", 0.5)
    lossy = quiet.run("client", "ping -c 60 -i 0.02 -W 0.3 -q web1").text
    assert " 0% packet loss" not in lossy
    assert "100% packet loss" not in lossy
    quiet.mend("web1")
    # ping(8) does not wait for an answer that a busy machine is late to hand over: once is enough.
    whole = " 0% packet loss"
    eventually(lambda: whole in quiet.run("client", ping.format("web1")).text)
    for way, heard in (("to", False), ("from", True)):
        quiet.oneway("web1", way)
        with quiet.capture("web1") as wire:
            quiet.run("client", "ping -c 2 -i 0.1 -W 0.2 192.168.1.11")
        seen = [frame for frame in wire.frames if frame.ethernet[11] == 100]
        assert bool(seen) is heard, way
        assert "100% packet loss" in quiet.run("client", ping.format("192.168.1.11")).text
    eventually(lambda: whole in quiet.run("client", ping.format("web2")).text)
    quiet.reset()
    eventually(lambda: quiet.run("client", "ping -c 1 -W 1 192.168.1.11").status == 0)
    for share in (-0.1, 1.5, "much"):
        with pytest.raises(LabError, match="is no share of frames: choose 0"):
            quiet.lose("web1", share)  # type: ignore[arg-type]
    with pytest.raises(LabError, match=r"no direction called 'up' .*: choose to or from"):
        quiet.oneway("web1", "up")


@pytest.mark.parametrize("call", ["mail", "web", "arp", "capture"])
def test_an_unknown_host_is_answered_with_the_known_ones(bare_lab: Lab, call: str) -> None:
    with pytest.raises(LabError, match=r"no host called 'mastr'.*choose web1, web2 or client"):
        getattr(bare_lab, call)("mastr")
