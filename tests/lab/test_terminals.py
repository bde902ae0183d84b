"""`labs terminal HOST` on a pseudo-terminal: a shell as on a server, which follows the lab."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from labs import Lab
from labs.emulation import discovery
from tests.lab.outside import LABS
from tests.support import eventually
from tests.terminal import Terminal

ENTER = "\r"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab without daemons, the one used last."""
    with Lab("empty", beside=True) as one:
        yield one


def opened(host: str) -> Terminal:
    """A terminal on `host` of the lab that is in front in these namespaces."""
    return Terminal([*LABS, "terminal", host], columns=100, rows=30)


def prompt(host: str, folder: str = "~") -> str:
    """What the shell shows before the cursor."""
    return f"root@{host}:{folder}#"


def test_a_terminal_is_a_shell_as_on_a_server(lab: Lab) -> None:
    server = lab.servers[0]
    with opened(server) as terminal:
        terminal.until(lambda: prompt(server) in terminal.text)
        assert b"\x1b[1;38;5;28m" in terminal.raw  # its prompt has colors
        terminal.type("ip address show eth0; tty; stty size" + ENTER)
        terminal.until(lambda: "192.168.1." in terminal.text)
        terminal.until(lambda: "/dev/pts/0" in terminal.lines)
        terminal.until(lambda: "30 100" in terminal.lines)
        assert "job control" not in terminal.text
        terminal.type("systemctl is-a\t")
        terminal.until(lambda: "systemctl is-active" in terminal.text)  # completed
        terminal.type("\x15cd /etc/keepa\t" + ENTER)
        terminal.until(lambda: prompt(server, "/etc/keepalived") in terminal.text)
        terminal.resize(120, 25)
        terminal.type("stty size" + ENTER)
        terminal.until(lambda: "25 120" in terminal.lines)
        terminal.type("clear; systemctl cat keepalived | head -2" + ENTER)
        terminal.until(lambda: "[Unit]" in terminal.lines)
        terminal.type("clear; sleep 1000" + ENTER)
        eventually(lambda: lab.run(server, "pgrep -x sleep").status == 0)
        terminal.type("\x03")  # Ctrl-C ends the command, and not the terminal
        eventually(lambda: lab.run(server, "pgrep -x sleep").status == 1)
        terminal.type("exit 3" + ENTER)
        terminal.until(lambda: terminal.status is not None)
    assert terminal.status == 3


def test_a_terminal_follows_a_lab_that_is_rebuilt_and_keeps_its_history(lab: Lab) -> None:
    server = lab.servers[0]
    with opened(server) as terminal:
        terminal.until(lambda: prompt(server) in terminal.text)
        terminal.type("echo first-$((20 + 3))" + ENTER)
        terminal.until(lambda: "first-23" in terminal.text)
        before = lab.hosts[server].pid
        lab.reset()
        assert lab.hosts[server].pid != before
        terminal.until(lambda: terminal.text.count(prompt(server)) >= 3)
        assert terminal.text.count(f"{server} has ended with its lab") == 1
        assert "no lab is running" not in terminal.text  # that would be no news within seconds
        terminal.type("\x1b[A" + ENTER)  # the arrow up: the last command of the old host
        terminal.until(lambda: terminal.text.count("first-23") == 2)
        lab.close()
        terminal.until(lambda: "no lab is running yet" in terminal.text or other_lab(terminal))
        terminal.process.terminate()


def other_lab(terminal: Terminal) -> bool:
    """Whether it has gone over to another lab of these namespaces, where a test has one open."""
    return terminal.text.count("of the lab in state") >= 3


def test_a_hidden_lab_draws_no_terminal(lab: Lab) -> None:
    """`labs doctor` starts one for a few seconds: the terminals of a lesson stay as they are."""
    assert lab.directory.name in {found.directory.name for found in discovery.find()}
    lab.hide()
    assert lab.directory.name not in {found.directory.name for found in discovery.find()}


def test_a_terminal_goes_over_to_the_lab_that_is_in_front(lab: Lab) -> None:
    server = lab.servers[0]
    lab.run(server, "echo here >/root/here")
    with Lab("empty", beside=True) as other, opened(server) as terminal:
        other.run(server, "echo there >/root/there")
        terminal.until(lambda: prompt(server) in terminal.text)
        # A line each: a checkout below /root is there, too.
        terminal.type("ls -1" + ENTER)
        terminal.until(lambda: "there" in terminal.lines)
        # Not while a program runs in it.
        terminal.type("cat" + ENTER)
        eventually(lambda: other.run(server, "pgrep -x cat").status == 0)
        lab.come_to_the_front()
        terminal.type("\x04")
        terminal.until(lambda: "another lesson's lab is in front now" in terminal.text)
        terminal.until(lambda: terminal.text.count("of the lab in state") == 2)
        terminal.type("ls -1" + ENTER)
        terminal.until(lambda: "here" in terminal.lines)
        terminal.type("exit" + ENTER)
        terminal.until(lambda: terminal.status is not None)
    assert terminal.status == 0


# A lesson of its own kernel: its lab ends, and it builds the next one when it is asked to.
ANOTHER_LESSON = """
from labs import Lab
lab = Lab("empty")
print("first", flush=True)
input()
lab.close()
print("closed", flush=True)
input()
lab = Lab("empty")
print("second", flush=True)
input()
"""


def test_a_terminal_waits_for_the_next_lab_of_its_lesson_and_not_in_another(lab: Lab) -> None:
    server = lab.servers[0]
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_LESSON],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as lesson:
        assert lesson.stdin is not None
        assert lesson.stdout is not None
        assert lesson.stdout.readline() == "first\n"
        with opened(server) as terminal:
            terminal.until(lambda: prompt(server) in terminal.text)
            print(file=lesson.stdin, flush=True)
            assert lesson.stdout.readline() == "closed\n"
            terminal.until(lambda: "waiting for its next one" in terminal.text)
            assert terminal.text.count("of the lab in state") == 1
            print(file=lesson.stdin, flush=True)
            assert lesson.stdout.readline() == "second\n"
            terminal.until(lambda: terminal.text.count("of the lab in state") == 2)
            assert "another lesson's lab is in front" not in terminal.text
            terminal.type("exit" + ENTER)
            terminal.until(lambda: terminal.status is not None)
        print(file=lesson.stdin, flush=True)


def test_a_terminal_waits_until_there_is_such_a_host_and_ctrl_c_ends_it(lab: Lab) -> None:
    with opened("web9") as terminal:
        terminal.until(lambda: "the lab in front has no such host" in terminal.text)
        assert ", ".join(lab.hosts) in terminal.text
        terminal.type("\x03")
        terminal.until(lambda: terminal.status is not None)
    assert terminal.status == 130


# Ctrl-C comes while the terminal looks for labs, not while it waits.
PRESSED_EARLY = """
import os, signal, sys
from labs.emulation import discovery

def find(above=None):
    os.kill(os.getpid(), signal.SIGINT)
    return []

discovery.find = find
from labs.cli.terminal import terminal
sys.exit(terminal("web1"))
"""


def test_ctrl_c_ends_a_waiting_terminal_at_every_moment() -> None:
    with Terminal([sys.executable, "-c", PRESSED_EARLY]) as terminal:
        terminal.until(lambda: terminal.status is not None)
    assert terminal.status == 130


def test_a_terminal_of_another_server_sees_no_lab_of_ours(lab: Lab) -> None:
    """Two people, or two `make lab`, on one machine: each terminal follows its own notebooks."""
    host = lab.servers[0]
    command = [*LABS, "terminal", host, "--server"]
    with Terminal([*command, "1"]) as ours:  # everything in these namespaces is below it
        ours.until(lambda: prompt(host) in ours.text)
        ours.type("exit" + ENTER)
        ours.until(lambda: ours.status is not None)
    with Terminal([*command, "999999"]) as other:
        other.until(lambda: "no lab is running yet" in other.text)
        other.type("\x03")
        other.until(lambda: other.status is not None)


def test_a_terminal_of_one_lab_ends_with_it() -> None:
    with Lab("empty", beside=True) as lab:
        host = lab.servers[0]
        terminal = Terminal([*LABS, "terminal", host, "--lab", str(os.getpid())], columns=100)
        terminal.until(lambda: prompt(host) in terminal.text)
        lab.close()
    with terminal:
        terminal.until(lambda: terminal.status is not None)
    assert terminal.status == 2
    assert "has ended: `labs ps` lists the others" in terminal.text
