"""`labs watch` on a pseudo-terminal: what a person sees there, and what the keys do to the lab."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labs import Lab
from labs.cli.watch_client import ControlClient, Ended
from labs.emulation import discovery
from labs.sandbox import namespaces
from tests.lab.outside import LABS
from tests.support import HUNG_S, REPOSITORY, eventually
from tests.terminal import Terminal

COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-7]|4[0-7]|9[0-7]|38|48)[0-9;]*m")


@pytest.fixture(scope="module")
def prompt() -> Iterator[subprocess.Popen[str]]:
    """`labs cli` in another program, with a cluster that has its master soon."""
    with own_prompt() as process:
        yield process


def with_control_socket() -> list[int]:
    return [lab.pid for lab in discovery.find() if (lab.directory / "door").exists()]


@contextmanager
def own_prompt() -> Iterator[subprocess.Popen[str]]:
    """The same, for one test alone."""
    with subprocess.Popen(
        [*LABS, "cli"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=REPOSITORY,
    ) as process:
        eventually(lambda: process.pid in with_control_socket())
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(HUNG_S)


def shown(prompt: subprocess.Popen[str], line: str) -> str:
    """What the prompt of the lab answers to a line that is answered with one line."""
    assert prompt.stdin is not None
    assert prompt.stdout is not None
    prompt.stdin.write(line + "\n")
    prompt.stdin.flush()
    return prompt.stdout.readline().strip()


def watch(prompt: subprocess.Popen[str], **options: Any) -> Terminal:
    return Terminal([*LABS, "watch", "--lab", str(prompt.pid)], **options)


def timer(terminal: Terminal, host: str) -> float:
    """The seconds that the timer of a host shows."""
    found = re.search(r"takes over in (\d\.\d) s", terminal.row(f" {host} "))
    return float(found.group(1)) if found else 0.0


def dead_time(terminal: Terminal) -> bool:
    """Wait until it is shown, or over; whether it was shown."""
    moments: list[bool] = []

    def over() -> bool:
        first = terminal.lines[0]
        moments.append("nobody holds" in first and 0 < timer(terminal, "web2") < 2.5)
        return moments[-1] or "192.168.1.10 is held by web2" in first

    terminal.until(over)
    return moments[-1]


def test_a_cable_is_pulled_and_plugged_with_keys(prompt: subprocess.Popen[str]) -> None:
    with watch(prompt) as seen:
        seen.until(lambda: "192.168.1.10 is held by web1" in seen.lines[0])
        row = "▶1 web1      ● HOLDS  in     vrrpd runs        150  speaks in"
        seen.until(lambda: row in seen.text)
        seen.until(lambda: timer(seen, "web2") > 2.5)
        seen.until(lambda: "pings: web1 answers in" in seen.row("3 client"))
        seen.type("u")
        # The dead time can be watched: no host holds it, and the backup's timer runs down.
        while not dead_time(seen):  # a busy machine may be too slow to show it
            seen.type("p")
            seen.until(lambda: "192.168.1.10 is held by web1 " in seen.lines[0])
            seen.until(lambda: timer(seen, "web2") > 2.5)
            seen.type("u")
        seen.until(lambda: "► cable of web1 pulled" in seen.text)
        seen.until(lambda: "OUT" in seen.row("▶1 web1"))
        seen.until(lambda: "192.168.1.10 is held by web2" in seen.lines[0])
        seen.until(lambda: "unplug web1: done" in seen.text)
        seen.until(lambda: "the client had no answer for" in seen.text)
        seen.until(lambda: "web2 BACKUP → MASTER: no advertisement for 3.609 s" in seen.text)
        seen.until(lambda: "^ unplug web1" in seen.text)
        assert shown(prompt, "holders") == "web2"
        seen.type("p")
        seen.until(lambda: "192.168.1.10 is held by web1" in seen.lines[0])
        seen.type("q")
    assert seen.status == 0
    eventually(lambda: shown(prompt, "holders") == "web1")  # for a moment both hold it


def test_a_crash_shows_two_owners_without_any_colour(prompt: subprocess.Popen[str]) -> None:
    with watch(prompt, NO_COLOR="1") as seen:
        seen.until(lambda: "held by web1" in seen.lines[0])
        seen.type("1c")
        seen.until(lambda: "held by web1 AND web2" in seen.lines[0])
        seen.until(lambda: "vrrpd GONE" in seen.row("1 web1"))
        seen.until(lambda: "▓ two hold" in seen.text)
        seen.type("t")
        seen.until(lambda: "vrrpd runs" in seen.row("1 web1"))
        # Its answer would take the place of the next one.
        seen.until(lambda: "start web1: done" in seen.text)
        seen.type("3c")
        seen.until(lambda: "client runs no daemon" in seen.text)
        seen.type("\x03")
    assert seen.status == 0
    assert not COLOUR.search(seen.raw)


def test_keys_lose_frames_and_break_one_direction(prompt: subprocess.Popen[str]) -> None:
    with watch(prompt) as seen:
        seen.until(lambda: "held by web1" in seen.lines[0])
        seen.type("1l")
        seen.until(lambda: "► path to web1 loses 30% of its frames" in seen.text)
        seen.until(lambda: "lose web1 0.3: done" in seen.text)
        seen.type("o")
        seen.until(lambda: "► nothing leaves web1 any more" in seen.text)
        seen.until(lambda: "held by web1 AND web2" in seen.lines[0])
        seen.type("m")
        seen.until(lambda: "mend web1: done" in seen.text)
        seen.until(lambda: "192.168.1.10 is held by web1 " in seen.lines[0])
        seen.type("q")
    assert seen.status == 0


def test_the_window_may_change_its_size(prompt: subprocess.Popen[str]) -> None:
    with watch(prompt) as seen:
        seen.until(lambda: "held by web1" in seen.lines[0])
        assert COLOUR.search(seen.raw)
        for columns, rows in ((120, 40), (60, 14), (40, 8), (80, 24)):
            seen.resize(columns, rows)
            wide = columns >= 60
            seen.until(lambda: ("quit" in seen.lines[-1]) == wide)  # noqa: B023
            seen.until(lambda: "192.168.1.10 is held by" in seen.text)
            assert max(map(len, seen.lines)) <= columns
        seen.type("q")
    assert seen.status == 0
    assert seen.raw.endswith(b"\x1b[?25h")  # the cursor is back


def test_the_watch_ends_with_the_lab() -> None:
    with own_prompt() as prompt, watch(prompt) as seen:
        seen.until(lambda: "VRRP Lab" in seen.text)
        assert prompt.stdin is not None
        prompt.stdin.write("exit\n")
        prompt.stdin.flush()
    assert seen.status == 0
    assert "the lab has ended" in seen.text


def test_a_lab_that_ends_in_the_middle_of_a_word_has_ended() -> None:
    """What it had to say may be long, and is cut where its process was."""
    with (
        tempfile.TemporaryDirectory(dir=namespaces.directory()) as place,
        socket.socket(socket.AF_UNIX) as door,
    ):
        door.bind(f"{place}/door")
        door.listen()
        caller = ControlClient(Path(place))
        other, _ = door.accept()
        with other:
            other.sendall(b'{"lab": {"st')
        with pytest.raises(Ended):
            caller.ask(ask="news", mark=None)
        caller.close()


def test_into_a_pipe_goes_one_picture_of_text(prompt: subprocess.Popen[str]) -> None:
    eventually(lambda: shown(prompt, "holders") == "web1")
    done = subprocess.run(
        [*LABS, "watch", "--lab", str(prompt.pid)],
        capture_output=True,
        text=True,
        timeout=HUNG_S,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert "192.168.1.10 is held by web1" in done.stdout.splitlines()[0]
    assert "\x1b" not in done.stdout


def test_the_control_socket_answers_nonsense_with_what_it_wants(bare_lab: Lab) -> None:
    with socket.socket(socket.AF_UNIX) as caller, caller.makefile("rwb") as lines:
        caller.connect(str(bare_lab.directory / "door"))

        def ask(line: bytes) -> str:
            lines.write(line + b"\n")
            lines.flush()
            return str(json.loads(lines.readline())["error"])

        assert ask(b"hello").startswith("not a request")
        assert ask(b'{"ask": "unplug"}').startswith("not a request")
        assert ask(b'{"ask": "close", "host": "web1"}').startswith("no verb called 'close'")
        assert "choose web1, web2 or client" in ask(b'{"ask": "unplug", "host": "mastr"}')


def test_a_lab_that_is_being_changed_says_so(
    bare_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset to another network knows of its hosts before it has made them."""

    def not_yet() -> None:
        raise KeyError("web1")

    monkeypatch.setattr(bare_lab, "unobserved_facts", not_yet)
    with socket.socket(socket.AF_UNIX) as caller, caller.makefile("rwb") as lines:
        caller.connect(str(bare_lab.directory / "door"))
        lines.write(b'{"ask": "news"}\n')
        lines.flush()
        assert "is just being changed" in json.loads(lines.readline())["error"]
