"""What leaves a simulated machine besides packets: lines in named pipes, and mail.

    machine.workload.pipes["/run/fifo"]     the lines that a reader would have read so far
    machine.workload.mails                  (ns, Letter) of every mail, in order

A pipe here always has a reader.  Mail always arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vrrpd.ports import Letter

if TYPE_CHECKING:
    from labs.simulation.machine import Machine

END = ""  # what a reader gets when the pipe has been closed


class HostPipe:
    """One named pipe."""

    def __init__(self, machine: Machine, path: str) -> None:
        self.lines = machine.workload.pipes.setdefault(path, [])

    def write(self, line: str) -> str | None:
        """The reader gets the line."""
        self.lines.append(line)
        return None

    def close(self) -> None:
        """The reader comes to the end."""
        self.lines.append(END)


class HostPipes:
    """The Pipes of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def open(self, path: str, owner: tuple[int, int] | None, mode: int) -> HostPipe:
        """Make a pipe; nobody is kept out."""
        return HostPipe(self.machine, path)


class HostPost:
    """The Post of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def send(self, letter: Letter) -> None:
        """Put the mail where tests and lessons can read it."""
        self.machine.workload.mails.append((self.machine.clock.now(), letter))
