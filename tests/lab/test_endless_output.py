"""Output without end, or of any length, costs a lab little: so much is kept, and the rest counted.

A command ends on its host when it takes too long and when it is interrupted.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from labs import Lab, LabError
from labs.bounded_output import KEPT, LAST
from labs.capture import capture
from labs.emulation import control_server, mininet_prompt
from labs.emulation.programs import tcp_client
from labs.jupyter.magics import SHOWN, _Shown
from labs.model.facts import Advert, Loss
from labs.monitoring import observer
from labs.panel import sources
from labs.panel.sources import OfLab
from tests.support import HUNG_S, eventually
from vrrpd.packet import Advertisement, encode, ipv4_packet

LEFT_OUT = re.compile(r"\[\.\.\. ([\d,]+) (bytes|characters) left out; to have all of it: C")
PAGES = (
    "import urllib.request as r\n"
    "for n in range(1500):\n  r.urlopen('http://web1/', timeout=30).read()"
)
LETTER = """
import smtplib
with smtplib.SMTP("web1") as server:
    try:
        server.sendmail("a@client", ["b@web1"], "x\\r\\n" * 1_000_000)
    except smtplib.SMTPException as error:
        print(error)
    server.sendmail("a@client", ["b@web1"], "short")
"""


@pytest.fixture
def quiet(bare_lab: Lab) -> Iterator[Lab]:
    """Hosts without daemons."""
    bare_lab.reset()
    yield bare_lab
    bare_lab.reset()


def ended(lab: Lab, name: str) -> None:
    """Wait until no program of that name runs on the client any more."""
    eventually(lambda: lab.run("client", f"pgrep -x {name}").status == 1, what=f"the end of {name}")


def cut(text: str) -> int:
    """How much a text says that was left out of it."""
    (found,) = LEFT_OUT.finditer(text)
    return int(found[1].replace(",", ""))


def test_of_a_long_output_the_ends_are_kept_and_the_rest_is_counted(quiet: Lab) -> None:
    result = quiet.run("client", "echo first; head -c 200M /dev/zero | tr '\\0' x; echo; echo last")
    assert result.status == 0
    assert result.text.startswith("first\nxxx")
    assert result.text.endswith("xxx\nlast\n")
    assert len(result.text) < KEPT + LAST + 200
    line = LEFT_OUT.search(result.text)
    assert line
    kept = len(result.text) - len(line.string[line.start() :].partition("\n")[0]) - 2
    assert cut(result.text) + kept == 200 * (1 << 20) + len("first\n\nlast\n")


def test_a_short_output_is_whole(quiet: Lab) -> None:
    text = quiet.run("client", f"head -c {KEPT + LAST} /dev/zero | tr '\\0' x").text
    assert text == "x" * (KEPT + LAST)


def test_output_is_shown_while_the_command_runs(quiet: Lab) -> None:
    seen: list[str] = []

    def show(text: str) -> None:
        seen.append(text)
        quiet.run("client", "touch /tmp/seen")

    said = quiet.run("client", "echo früh; until [ -e /tmp/seen ]; do sleep 0.01; done", show=show)
    assert "".join(seen) == said.text == "früh\n"


def test_a_command_without_end_ends_with_its_time(quiet: Lab) -> None:
    with pytest.raises(LabError, match=r"`yes` on client took longer than 1 s"):
        quiet.run("client", "yes", timeout=1)
    ended(quiet, "yes")


def test_an_interrupt_ends_the_command_on_the_host(quiet: Lab) -> None:
    def show(_text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quiet.run("client", "yes", show=show)
    ended(quiet, "yes")
    assert quiet.run("client", "echo works").text == "works\n"


def test_what_is_left_in_the_background_can_go_on_printing(quiet: Lab) -> None:
    """It would be ended, or stand still, if the pipe had no reader any more."""
    quiet.run("client", "{ head -c 300K /dev/zero; touch /tmp/done; } &")
    eventually(lambda: quiet.hosts["client"].path("/tmp/done").exists())
    # The order matters: what yes prints before a later echo would be cut out with that line.
    assert quiet.run("client", "echo started; yes &", timeout=HUNG_S).text.startswith("started\n")
    quiet.run("client", "pgrep -x yes")
    quiet.run("client", "kill $(pgrep -x yes)")


def test_a_cell_prints_so_much_and_says_what_it_cut(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _Shown()
    for _ in range(1000):
        shown.take("y\n" * 1000)
    shown.end()
    told = capsys.readouterr().out
    assert len(told) < SHOWN + 300
    assert cut(told) == 2_000_000 - SHOWN
    assert told.count("more follows, which is not shown") == 1


def test_a_line_of_mininets_prompt_is_bounded(quiet: Lab) -> None:
    told = mininet_prompt.command(quiet, "client head -c 2M /dev/zero | tr '\\0' x")
    assert len(told) < 1.2 * mininet_prompt.SHOWN
    assert cut(told) > 2 * (1 << 20) - 1.2 * mininet_prompt.SHOWN


@pytest.mark.parametrize("endless", ["yes", "sh -c 'trap : INT; while :; do sleep 0.1; done'"])
def test_an_interrupt_ends_a_command_of_mininets_prompt(quiet: Lab, endless: str) -> None:
    program, main = endless.split()[0], threading.get_ident()

    def interrupt() -> None:
        eventually(lambda: quiet.run("client", f"pgrep -x {program}").status == 0)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        mininet_prompt.command(quiet, f"client {endless}")
    ended(quiet, program)
    assert "works" in mininet_prompt.command(quiet, "client echo works")


def test_the_panel_shows_so_much_of_a_command(quiet: Lab) -> None:
    text = OfLab(quiet).run("client", "head -c 30M /dev/zero | tr '\\0' x", lambda _: None)
    assert len(text) < sources.SHOWN + 200
    assert LEFT_OUT.search(text)


def test_a_caller_who_sends_a_line_without_end_is_sent_away(quiet: Lab) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(quiet.directory / control_server.NAME))
        caller.settimeout(HUNG_S)
        caller.sendall(b"x" * (control_server.LONGEST + 1))
        with caller.makefile("rb") as lines:
            assert "at most" in json.loads(lines.readline())["error"]
            assert lines.read() == b""


def test_a_junk_journal_hides_nothing_and_costs_little(quiet: Lab) -> None:
    quiet.run("web1", "head -c 20M /dev/zero | tr '\\0' x >vrrpd.log; cp vrrpd.log /var/log/")
    line = json.dumps({"t": 1.0, "event": "state", "from": "BACKUP", "to": "MASTER"})
    quiet.run("web1", f"printf 'junk\\n[1]\\n%s\\n{{\"t\"' '{line}' >/var/log/vrrpd.jsonl")
    assert [entry["to"] for entry in quiet.journal("web1")] == ["MASTER"]
    assert len(quiet.log("web1")) < 3 << 20
    assert LEFT_OUT.search(quiet.log("web1"))


def test_a_web_server_answers_however_often_it_is_asked(quiet: Lab) -> None:
    """It logs every request; the log must not fill a pipe without a reader."""
    quiet.web("web1")
    done = quiet.run("client", f'{sys.executable} -c "{PAGES}"', timeout=HUNG_S)
    assert (done.text, done.status) == ("", 0)


def test_a_mail_server_takes_no_letter_that_is_too_large(quiet: Lab) -> None:
    box = quiet.mail("web1")
    said = quiet.run("client", f"{sys.executable} -c '{LETTER}'")
    assert "552" in said.text
    assert len(box.wait(1)) == 1


def test_a_line_without_end_ends_a_talk() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"x" * (tcp_client.LONGEST + 1))
        assert "a line of more than" in tcp_client.talk(near)


def test_a_capture_is_bounded(quiet: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "ROOM", 10 * (capture.FRAME + 98))
    with quiet.capture("client") as wire:
        assert quiet.run("client", "ping -q -c 30 -i 0.01 192.168.1.11").status == 0
    assert 0 < len(wire.frames) <= 20
    assert wire.dropped >= 40
    assert f"... and {wire.dropped} more, which were not kept" in repr(wire)
    assert "which were not kept" in wire._repr_html_()


def test_a_capture_ends_in_a_flood(quiet: Lab) -> None:
    quiet.run("client", "ping -f -q 192.168.1.11 >/dev/null 2>&1 &")
    with quiet.capture("client") as wire:
        eventually(lambda: len(wire.frames) > 100)
    quiet.run("client", "kill $(pgrep -x ping)")
    assert all(frame.t >= wire.begun - 1 for frame in wire.frames)


def test_packets_without_end_do_not_fill_the_memory(
    quiet: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flood is recorded up to a point, which the timeline names; addresses are, always."""
    monkeypatch.setattr(observer, "MOST", 100)
    sender, group = IPv4Address("192.168.1.12"), IPv4Address("224.0.0.18")
    advert = Advertisement(3, 51, 100, 1_000_000_000, (IPv4Address("192.168.1.10"),))
    packet = ipv4_packet(encode(advert, sender, group), sender, group, 1)
    quiet.send("web2", [packet], every=0.001)
    full = "more than 100 facts: no more packets are kept; lab.reset() starts over"
    eventually(lambda: full in [loss.text for loss in quiet.witness.of(Loss)])
    quiet.run("web1", "ip address add 192.168.1.10/32 dev eth0")
    quiet.wait_until(lambda: quiet.holders() == ["web1"])
    assert len(quiet.witness.of(Advert)) <= 100
    assert len(quiet.witness.of(Loss)) == 1
    assert "The record has a hole" in quiet.timeline().text()
