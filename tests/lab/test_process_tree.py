"""What a learner's server of a class is started in: it sees no process and no file of others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import REPOSITORY

# Arguments: the home directory, what is shown of it.
START = """
import sys
from pathlib import Path
from labs.sandbox import process_tree

look = '''
import os, sys
print(*sorted(each for each in os.listdir("/proc") if each.isdigit()))
for place, _, files in os.walk(sys.argv[1]):
    print(place, *sorted(files))
'''
home, own = map(Path, sys.argv[1:])
sys.exit(process_tree.run([sys.executable, "-c", look, home], covered=[home], shown=[own]))
"""


def test_a_server_of_a_class_sees_its_own_processes_and_files(tmp_path: Path) -> None:
    home = tmp_path / "home"
    own = home / "class" / "anna"
    for place in (own, home / "class" / "jun", home / ".ssh"):
        place.mkdir(parents=True)
        (place / "file").touch()
    command: list[str | Path] = [sys.executable, "-c", START, home, own]
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE):  # runs until the end of this block
        assert len([each for each in os.listdir("/proc") if each.isdigit()]) > 2
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    processes, *files = done.stdout.splitlines()
    assert processes.split() == ["1", "2"], "the init of the tree, and what looks"
    assert files == [str(home), str(own.parent), f"{own} file"]
