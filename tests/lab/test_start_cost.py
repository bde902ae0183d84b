"""What a lab's start costs, in what can be counted: seconds depend on the machine."""

from __future__ import annotations

import subprocess
import sys

from tests.lab.outside import INSIDE
from tests.support import HUNG_S, REPOSITORY

# /proc/loadavg ends with the last pid of the reader's pid namespace: every process and every thread
# takes one.  A lab inside namespaces of its own shares them with no other.
COUNTED = """
from pathlib import Path
from labs import Lab
from labs.emulation.mininet_modules import Node

def last() -> int:
    return int(Path("/proc/loadavg").read_text().split()[-1])

typed = []
send = Node.sendCmd
Node.sendCmd = lambda node, *words, **options: typed.append(words) or send(node, *words, **options)
before = last()
with Lab("empty"):
    print(last() - before, len(typed))
"""

# For each of the three hosts: Python and a helper of its own, unshare's child, mount and stty; and
# ip for the addresses.  For the switch: its shell, stty, ip.  Then the recorder, and the threads
# that start the nodes, read from the recorder, watch the hosts and listen at the control socket.
TASKS = 30
# The first line that Mininet types at each shell; one more is a round trip that a lab waits for.
COMMANDS = 4


def test_a_lab_starts_with_few_processes_and_asks_each_node_once() -> None:
    done = subprocess.run(
        [*INSIDE, sys.executable, "-c", COUNTED],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 0, done.stderr
    tasks, commands = map(int, done.stdout.split())
    assert tasks <= TASKS
    assert commands <= COMMANDS
