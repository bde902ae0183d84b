"""Mininet's own prompt on a lab, for `labs cli` and %mn.

mininet> net                    every command of Mininet
mininet> web1 ip -br link       a command on a host
mininet> link s1 web1 down      as Mininet does it, and recorded for the timeline
mininet> unplug web1            and the verbs of the lab
"""

from __future__ import annotations

import inspect
import io
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from mininet.cli import CLI
from mininet.log import lg
from mininet.util import quietRun

from labs.bounded_output import Output
from labs.emulation import daemons
from labs.emulation.lab import Lab
from labs.emulation.nodes import Host
from labs.errors import LabError, unknown
from labs.model import fault_verbs

SHOWN = 100_000  # bytes of what a line of %mn prints
KILL_AFTER = 2.0  # s after an interrupt, before a command is killed


def verbs() -> list[str]:
    """The verbs of the lab that the prompt adds; Mininet's own `link` names both ends."""
    return [name for name in fault_verbs.real() if not hasattr(Prompt, f"do_{name}")]


class Prompt(CLI):
    """Mininet's command line with the lab's verbs; a LabError is one printed line."""

    keyboard = True  # whether what is typed meanwhile is for the running command

    def __init__(self, lab: Lab, **options: Any) -> None:
        self.lab = lab
        super().__init__(lab.net, **options)

    def onecmd(self, line: str) -> bool:
        """Run one line; whether it asks to leave."""
        try:
            verb, *names = line.split() or [""]
            if verb in verbs():
                return self._verb(verb, names)
            return bool(super().onecmd(line))
        except LabError as error:
            self._print(str(error))
            return False

    def _verb(self, verb: str, names: list[str]) -> bool:
        if not names:
            raise LabError(f"which host? {verb} {' or '.join(self.lab.daemons)}")
        if fault_verbs.FAULT_VERBS[verb].usage:  # its words follow one host
            fault_verbs.perform(self.lab, verb, *names)
            return False
        for name in names:
            fault_verbs.perform(self.lab, verb, name)
        return False

    def do_link(self, line: str) -> None:
        """Bring a link up or down: link s1 web1 up|down"""
        words, switches = line.split(), self.lab.layout.switches
        ends = [word for word in words[:2] if word not in switches]
        if len(words) != 3 or len(ends) == 2:
            names = "|".join(self.lab.hosts)
            raise LabError(f"usage: link {'|'.join(switches)} {names} up|down")
        if not ends:
            raise unknown("host", words[1], self.lab.hosts)
        switch = words[0] if words[0] in switches else words[1]
        for interface, socket in self.lab.layout.interfaces(ends[0]).items():
            if socket.switch == switch:
                return self.lab.link(ends[0], words[2], interface)
        # Not joined, or not there at all: the lab says which.
        self.lab.link(ends[0], words[2])

    def do_help(self, line: str) -> None:
        """List the commands, or say what one does: help [COMMAND]"""
        word = line.strip()
        if word in verbs():
            self._print(f"{word} {_usage(word)}\n{inspect.getdoc(getattr(Lab, word))}")
            return
        super().do_help(line)
        if not word:
            simple = [name for name in verbs() if not fault_verbs.FAULT_VERBS[name].usage]
            self._print(f"What the lab adds: VERB HOST...\n{'=' * 31}\n{'  '.join(simple)}")
            worded = [name for name in verbs() if name not in simple]
            self._print("\n".join(f"{name} {_usage(name)}" for name in worded))

    def do_holders(self, _line: str) -> None:
        """Who holds the watched address now."""
        self._print(" ".join(self.lab.holders()) or "nobody")

    def do_timeline(self, _line: str) -> None:
        """Who held the watched address since the start."""
        self._print(self.lab.timeline().text())

    def do_reset(self, line: str) -> None:
        """Start over: reset [STATE]"""
        self.lab.reset(line.strip() or None)
        self.mn = self.lab.net  # all of its hosts are new

    def waitForNode(self, node: Any) -> None:
        """Show what a command prints until it ends; an interrupt ends it.

        LabError if the host goes down meanwhile.
        """
        events = select.poll()
        events.register(node.stdout, select.POLLIN)
        if self.keyboard:
            quietRun("stty -icanon min 1")  # a key goes to the command at once
            events.register(self.stdin, select.POLLIN)
        if isinstance(node, Host):
            events.register(node.life, select.POLLIN)
        while node.waiting:
            try:
                ready = dict(events.poll()) if not node.readbuf else {}
                if self.keyboard and self.stdin.fileno() in ready:
                    node.write(self.stdin.read(1))
                if node.readbuf or node.stdout.fileno() in ready:
                    lg.output(node.monitor())
                elif isinstance(node, Host) and node.life in ready:
                    node.waitReadable(0)
            except KeyboardInterrupt:
                self._interrupt(node)

    def _interrupt(self, node: Any) -> None:
        """End the command that runs at a host's shell, as Ctrl-C does; one that ignores it, too."""
        node.sendInt()
        deadline = time.monotonic() + KILL_AFTER
        while node.waiting and time.monotonic() < deadline:
            node.monitor(100)
        if node.waiting:
            # The shell has no job control, so what it waits for is in its own process group.
            others = node.processes() if isinstance(node, Host) else daemons.children(node.pid)
            daemons.send([each for each in others if _group(each.pid) == node.pid], signal.SIGKILL)
            node.waitOutput()
        if not self.keyboard:
            raise KeyboardInterrupt

    def completenames(self, text: str, *ignored: Any) -> list[str]:
        """Complete the first word: commands, verbs and hosts."""
        known = [*super().completenames(text, *ignored), *verbs(), *self.lab.hosts]
        return sorted({name for name in known if name.startswith(text)})

    def completedefault(self, text: str, *ignored: Any) -> list[str]:
        """Complete any other word with the names of hosts and of the switch."""
        known = (*self.lab.hosts, *self.lab.layout.switches)
        return [name for name in known if name.startswith(text)]

    def _print(self, text: str) -> None:
        lg.output(f"{text}\n")


class _Once(Prompt):
    """The prompt without a prompt: it is handed its lines."""

    keyboard = False

    def run(self) -> None:
        """Do not read any."""

    @classmethod
    def initReadline(cls) -> None:
        """Keep no history."""


def _usage(verb: str) -> str:
    return fault_verbs.usage(verb) if fault_verbs.FAULT_VERBS[verb].usage else "HOST..."


def _group(pid: int) -> int:
    """The process group of a process; 0 if it has ended."""
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return 0


class _Captured(io.TextIOBase):
    """What Mininet prints, up to what a notebook shows."""

    def __init__(self) -> None:
        self.kept = Output(SHOWN, SHOWN // 10)

    def write(self, text: str) -> int:
        """As of any text file."""
        self.kept.add(text.encode(errors="replace"))
        return len(text)


def command(lab: Lab, line: str) -> str:
    """What Mininet prints for `line`."""
    heard = _Captured()
    former = [(handler, handler.setStream(heard)) for handler in lg.handlers]
    try:
        with open(os.devnull) as nothing:
            _Once(lab, stdin=nothing).onecmd(line)
    finally:
        for handler, stream in former:
            handler.setStream(stream or sys.stderr)
    return heard.kept.text().replace("\r\n", "\n")


def interact(lab: Lab) -> None:
    """The prompt, until `exit` or the end of the input."""
    for handler in lg.handlers:
        handler.setStream(sys.stdout)
        handler.handleError = _raise
    kind = Prompt if sys.stdin.isatty() else _Script
    kind(lab)


def _raise(_record: object) -> None:
    """What cannot be printed ends the prompt; logging would print a traceback and go on."""
    raise


class _Script(Prompt):
    """The prompt for lines from a pipe or file: they are not the running command's input."""

    prompt = ""
    keyboard = False

    @classmethod
    def initReadline(cls) -> None:
        """Keep no history."""
