"""What the daemon, and a server of lessons, may import.

Seconds depend on the machine, the list of modules does not.
Each entry of the daemon's list was weighed: together they take about 0.1 s of processor time.
What is not in the list (asyncio, ssl, email, typing-heavy libraries) would take as much again,
before every takeover that waits for a restarted daemon.
hashlib, and what imports it (hmac, random, tempfile), brings OpenSSL with it, and shutil the
compressors: four megabytes that a daemon seldom needs.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.served import free_port
from tests.support import REPOSITORY

ALLOWED_WORDS = """
    __future__ argparse array atexit bisect collections contextlib copyreg ctypes enum errno
    fcntl fnmatch functools gc genericpath getpass gettext glob heapq importlib
    inspect ipaddress itertools json keyword linecache locale logging math ntpath numbers
    opcode operator os pathlib pickle posixpath pwd re reprlib resource select selectors
    signal socket stat string struct subprocess termios textwrap threading token tokenize
    traceback types typing unicodedata urllib vrrpd warnings weakref zlib grp
"""
ALLOWED = set(ALLOWED_WORDS.split())
SMALL = """
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.168.1.10
    }
}
"""
START = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
before = set(sys.modules)
import vrrpd.cli, vrrpd.daemon, vrrpd.startup
from vrrpd.linux import (
    accounts, capabilities, file_watch, kernel, lifecycle_scripts, loop, named_pipes, own_process,
    process_table, receive_buffers, script_runner, smtp_client, sockets, systemd
)
"""
LATER = """
for name in vrrpd.startup.LATER:
    __import__(name)
"""
# What the first Advertisement of a daemon without a journal must not wait for.
NOT_TO_START = """
    argparse ast copy dataclasses difflib dis gettext glob json linecache locale logging numbers
    pathlib pickle random shutil string subprocess tempfile textwrap threading token tokenize
    traceback unicodedata urllib vrrpd.control vrrpd.dump.writer vrrpd.exporter vrrpd.metrics
"""


def imported(later: str = LATER) -> set[str]:
    """The modules that a starting daemon brings in."""
    program = f"{START}{later}print(*(set(sys.modules) - before))"
    # Isolated and without site: what the machine itself puts into every Python is not ours.
    command = [sys.executable, "-I", "-S", "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


# What a lesson imports first.  Nothing in here may take longer than the lab's own start does:
# the daemon's own code reads netlink, and setuptools stays out where Python has a distutils.
LAB = """
import sys
before = set(sys.modules)
from labs.api.lab import Lab
print(*(set(sys.modules) - before))
"""
NOT_FOR_A_LAB = {"asyncio", "email", "http", "matplotlib", "numpy", "pyroute2", "scapy", "xml"}


def test_a_lab_is_imported_without_large_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LAB], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert "mininet" in tops
    large = {*NOT_FOR_A_LAB, "setuptools"} if sys.version_info < (3, 12) else NOT_FOR_A_LAB
    assert tops & large == set()


def imported_inside_functions() -> set[str]:
    """The modules of vrrpd that a function imports when it is called, but for the start itself."""
    found = set()
    for path in (REPOSITORY / "vrrpd").rglob("*.py"):
        if path.name in ("cli.py", "startup.py"):
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                imports = (node for node in ast.walk(function) if isinstance(node, ast.ImportFrom))
                found |= {node.module for node in imports if node.module}
    return {name for name in found if name.startswith("vrrpd.")}


def test_a_starting_daemon_imports_what_was_weighed_and_nothing_else() -> None:
    tops = {name.partition(".")[0] for name in imported()}
    public = {name for name in tops if not name.startswith("_") or name == "__future__"}
    assert public - ALLOWED == set()


def test_the_first_advertisement_waits_for_no_import_that_can_be_made_later() -> None:
    assert imported(later="") & set(NOT_TO_START.split()) == set()


def test_nothing_of_ours_is_imported_after_privileges_are_given_up() -> None:
    # A reload with a misspelt keyword would end with it where root's own files are all it can read.
    late = imported_inside_functions()
    assert "vrrpd.config.lookalikes" in late
    assert late - imported() == set()


def test_the_heavy_ones_stay_out() -> None:
    heavy = {"asyncio", "ssl", "email", "http", "sqlite3", "multiprocessing", "pyroute2", "scapy"}
    heavy |= {"hashlib", "hmac", "random", "tempfile", "shutil", "bz2", "lzma"}
    assert not heavy & ALLOWED


# What `vrrpd -t` has no use for with a plain file: each would cost it a hundredth of its time.
NOT_TO_CHECK = """
    asyncio ast copy dataclasses decimal difflib dis glob inspect json logging numbers pathlib
    pickle random subprocess tempfile threading tokenize traceback unicodedata urllib
    vrrpd.control vrrpd.daemon vrrpd.journal vrrpd.listener vrrpd.router vrrpd.startup
    ctypes vrrpd.linux.kernel vrrpd.linux.loop vrrpd.packet vrrpd.ports
    argparse gettext locale signal vrrpd.events
"""
CHECK = """
import sys
from vrrpd.cli import main
status = main(["-t", "-f", sys.argv[1]])
print(status, *sys.modules)
"""


def test_checking_a_small_file_imports_nothing_that_only_a_daemon_needs(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(SMALL)
    command = [sys.executable, "-S", "-c", CHECK, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    status, *modules = done.stdout.split()
    assert (status, done.stderr) == ("0", "")
    assert set(modules) & set(NOT_TO_CHECK.split()) == set()


# A server, stopped where it would go on after its imports.
SERVER = """
import sys
from labs.jupyter import server, singleuser
server.open_the_terminals = lambda workspaces: sys.exit(print("imported:", *sys.modules))
server.serve(int(sys.argv[2]), source=True) if sys.argv[1] == "lab" else singleuser._serve([])
"""


@pytest.mark.parametrize("kind", ["lab", "hub"])
def test_a_server_starts_without_what_no_lesson_needs(kind: str, tmp_path: Path) -> None:
    """jsonschema would have lark compile a grammar of IRIs, which takes longer than the rest.

    JupyterLab would run Yarn, if there is a Node, and import httpx's own command with rich.
    """
    if kind == "hub" and not Path(sys.executable).with_name("jupyterhub").exists():
        pytest.skip("optional: JupyterHub is not installed: make setup-class")
    home = {"HOME": str(tmp_path), "LAB_WORK": str(tmp_path / "lessons")}
    node = tmp_path / "bin" / "node"
    node.parent.mkdir()
    node.write_text(f"#!/bin/sh\ntouch {tmp_path}/node-ran\n")
    node.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", SERVER, kind, str(free_port())],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={"PATH": f"{node.parent}:{os.environ['PATH']}", **home},
    )
    modules = done.stdout.rpartition("imported:")[2].split()
    assert "jupyter_server.serverapp" in modules, done.stderr
    assert "jsonschema" in modules
    assert "lark" not in modules
    assert "rich" not in modules
    assert not (tmp_path / "node-ran").exists()
