"""Every command ends with one line and an exit status, whatever it was given: no traceback.

Those that need a running lab are in tests/lab/test_command_endings.py.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.support import HUNG_S, OrdinaryUser, eventually

BIN = Path(sys.executable).parent
SCENARIO = "state basic\n0 wait holder web1\n+0 end\n"


@cache
def font_cache() -> str:
    """Matplotlib's: in an empty home it would be made, and may be remarked on, by each command."""
    import matplotlib.font_manager

    return matplotlib.get_cachedir()


def run(
    words: list[str], cwd: Path, env: dict[str, str] | None = None, shell: str = '"$@"'
) -> subprocess.CompletedProcess[str]:
    """`words`, the first of which is a program of ours, run by a shell script as its "$@"."""
    command = [str(BIN / words[0]), *words[1:]]
    home = {
        "HOME": str(cwd),
        "PATH": os.environ["PATH"],
        "LAB_WORK": str(cwd / "work"),
        "MPLCONFIGDIR": font_cache(),
    }
    return subprocess.run(
        ["bash", "-c", shell, "bash", *command],
        cwd=cwd,
        env=home if env is None else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )


def is_one_line(text: str) -> None:
    """One line of ours; or argparse's, below its usage."""
    assert "Traceback" not in text, text
    lines = text.splitlines()
    if not text.startswith("usage: "):
        assert len(lines) == 1, text
    assert re.match(r"(labs|vrrpd|vrrpctl)( \w+)?: ", lines[-1]), text


def prepare(place: Path) -> None:
    """What the words of the table name."""
    (place / "file").write_text("text")
    (place / "folder").mkdir()
    (place / "binary").write_bytes(b"\xff\xfe\x00")
    (place / "good.txt").write_text(SCENARIO)
    (place / "loop").symlink_to("loop")
    os.mkfifo(place / "pipe")
    for name, lines in {
        "verb": "+0 fly web1",
        "host": "+0 unplug nobody",
        "few": "+0 unplug",
        "many": "+0 unplug web1 eth0 x y z",
        "number": "+0 lose web1 lots",
        "moment": "1e999 end",
        "nan": "nan end",
        "claim": "+0 holder web2",
        "state": "state nowhere\n+0 end",
    }.items():
        (place / f"{name}.txt").write_text(f"state basic\n{lines}\n" if name != "state" else lines)


# Words; exit status; what the last line says.
TABLE: list[tuple[str, int, str]] = [
    ("labs", 2, "required: COMMAND"),
    ("labs fly", 2, "invalid choice: 'fly'"),
    ("labs run", 2, "required: scenario"),
    ("labs run nothing", 2, "cannot read nothing: No such file"),
    ("labs run folder", 2, "cannot read folder: Is a directory"),
    ("labs run binary", 2, "cannot read binary: it is not text"),
    ("labs run pipe", 2, "cannot read pipe: Not a regular file"),
    ("labs run loop", 2, "cannot read loop: Too many levels"),
    ("labs run file", 2, "file:1: 'text'"),
    ("labs run failover --daemon bird", 2, "invalid choice: 'bird'"),
    ("labs run failover --figure gone/x.png", 2, "there is no folder gone; .* --figure FILE"),
    ("labs run failover --figure folder/x.bmp", 2, "unknown kind of picture: .png, .svg or .pdf"),
    ("labs run failover --figure x", 2, "unknown kind of picture"),
    ("labs run failover --figure file/x.png", 2, "there is no folder file"),
    ("labs run failover --json gone/x.jsonl", 2, "there is no folder gone; .* --json FILE"),
    ("labs run failover --json folder", 2, "folder cannot be written: it is a folder"),
    ("labs run failover --json loop/x", 2, "there is no folder loop"),
    ("labs run good.txt --simulated --json gone/x", 2, "there is no folder gone"),
    ("labs run verb.txt --simulated", 2, "fly web1: Lan cannot do that"),
    ("labs run host.txt --simulated", 2, "nobody"),
    ("labs run few.txt --simulated", 2, "unplug"),
    ("labs run many.txt --simulated", 2, "unplug web1 eth0 x y z"),
    ("labs run number.txt --simulated", 2, "lots"),
    ("labs run moment.txt --simulated", 2, "not a moment"),
    ("labs run nan.txt --simulated", 2, "nan"),
    ("labs run claim.txt --simulated", 2, "holder web2"),
    ("labs run state.txt --simulated", 2, "nowhere"),
    ("labs learner", 2, "required: folder"),
    ("labs learner file", 2, "file cannot be written"),
    ("labs learner loop", 2, "loop cannot be written"),
    ("labs report gone folder file loop", 2, "no progress to report"),
    ("labs notebook --port 0", 2, "not a port from 1 to 65535"),
    ("labs notebook --port 65536", 2, "not a port from 1 to 65535"),
    ("labs notebook --port x", 2, "invalid _?port"),
    ("labs exec", 2, "required: COMMAND"),
    ("labs terminal", 2, "required: host"),
    ("labs terminal web1 --lab x", 2, "invalid int value: 'x'"),
    ("labs terminal web1 --lab 1", 2, "lab"),
    ("labs watch --lab x", 2, "invalid int value"),
    ("labs capture", 2, "required: host"),
    ("vrrpctl", 2, "required: COMMAND"),
    ("vrrpctl fly", 2, "invalid choice"),
    ("vrrpctl status --socket gone", 2, "no daemon at gone: No such file"),
    ("vrrpctl status --socket folder", 2, "no daemon at folder: Connection refused"),
    ("vrrpctl watch --socket file", 2, "no daemon at file: Connection refused"),
    ("vrrpctl why VI_1 --socket loop", 2, "no daemon at loop: Too many levels"),
    (f"vrrpctl stats --socket {'x' * 200}", 2, "AF_UNIX path too long"),
    ("vrrpctl reload --socket pipe", 2, "no daemon at pipe"),
    ("vrrpd --fly", 2, "unrecognized arguments"),
    ("vrrpd --max-vips x", 2, "invalid int value"),
    ("vrrpd --signum FLY", 1, "Unknown sigfunc"),
    ("vrrpd -tgone/messages -f file", 1, "gone/messages: No such file"),
    ("vrrpd -tfolder -f file", 1, "folder: Is a directory"),
]


@pytest.mark.parametrize(("words", "status", "line"), TABLE, ids=[row[0][:60] for row in TABLE])
def test_a_command_that_cannot_be_done_is_one_line(
    words: str, status: int, line: str, tmp_path: Path
) -> None:
    prepare(tmp_path)
    done = run(words.split(), tmp_path)
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, bool(re.search(line, last))) == (status, True), done.stderr
    if "report" not in words and "signum" not in words:
        is_one_line(done.stderr)


READERS = {
    "head": ('"$@" | head -c 0; exit ${PIPESTATUS[0]}', {0, 141}, ""),
    "full": ('"$@" >/dev/full', {1}, "No space left on device"),
    "closed": ('"$@" >&-', {1}, "Bad file descriptor"),
}
TALKING = [
    "labs --help",
    "labs run --help",
    "labs ps",
    "labs report learner",
    "labs learner new",
    "labs run good.txt --simulated --figure x.png",
    "vrrpctl --help",
    "vrrpd --help",
    "vrrpd --version",
    "vrrpd --signum DATA",
]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("words", TALKING)
def test_output_without_a_reader_is_one_line_at_most(
    words: str, reader: str, tmp_path: Path
) -> None:
    prepare(tmp_path)
    (tmp_path / "learner").mkdir()
    (tmp_path / "learner" / "progress.jsonl").write_text(
        '{"t": 1, "lesson": "05", "kind": "quiz", "item": "Who?", "answer": "a", "passed": true}\n'
    )
    script, statuses, line = READERS[reader]
    done = run(words.split(), tmp_path, shell=script)
    assert done.returncode in statuses, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == (1 if line else 0), done.stderr


@contextmanager
def answering(path: Path, answer: bytes | None) -> Iterator[None]:
    """A program at a socket that sends `answer` and hangs up; or never says a word (None)."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                if answer is not None:
                    connection.recv(1000)
                    connection.sendall(answer)
                else:
                    while connection.recv(1000):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400\r\n", b"[]\n", b"{}\n", b"\xff\n", b"3\n"])
def test_a_socket_of_another_program_is_one_line(answer: bytes, tmp_path: Path) -> None:
    with answering(tmp_path / "socket", answer):
        done = run(["vrrpctl", "status", "--socket", "socket"], tmp_path)
    assert done.returncode == 2, done.stderr
    is_one_line(done.stderr)
    assert "no daemon at socket: " in done.stderr


def test_ctrl_c_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with answering(path, None):
        asking = subprocess.Popen(
            [BIN / "vrrpctl", "status", "--socket", str(path)], stderr=subprocess.PIPE, text=True
        )
        connected = Path(f"/proc/{asking.pid}/fd")
        eventually(lambda: any("socket:" in os.readlink(fd) for fd in links(connected)))
        asking.send_signal(signal.SIGINT)
        assert asking.communicate(timeout=HUNG_S)[1] == "vrrpctl: interrupted\n"
        assert asking.returncode == 130


def links(directory: Path) -> list[Path]:
    return [fd for fd in directory.iterdir() if fd.is_symlink()]


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = run(["labs", "notebook", "--no-browser", "--port", str(port)], tmp_path)
    assert done.returncode == 2
    is_one_line(done.stderr)
    assert f"port {port} cannot be used (Address already in use): `make lab PORT=" in done.stderr


def test_a_runtime_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    runtime = {"JUPYTER_RUNTIME_DIR": "/proc/gone", "HOME": str(tmp_path)}
    done = run(
        ["labs", "notebook", "--no-browser", "--port", "18997"],
        tmp_path,
        {"PATH": os.environ["PATH"], **runtime},
    )
    assert done.returncode == 2
    is_one_line(done.stderr)
    assert "`JUPYTER_RUNTIME_DIR=FOLDER make lab`" in done.stderr


def test_without_jupyter_it_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "jupyterlab.py").write_text("raise ModuleNotFoundError(name='jupyterlab')")
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    done = run(["labs", "notebook", "--no-browser", "--port", "18999"], tmp_path, env)
    assert done.returncode == 2
    is_one_line(done.stderr)
    assert "the Python package jupyterlab is missing: `make setup`" in done.stderr


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && "$@"'
    for words in (["labs", "cli"], ["labs", "exec", "--", "true"], ["labs", "run", "failover"]):
        done = run(words, tmp_path, shell=script)
        assert done.returncode in (1, 2), done.stderr
        is_one_line(done.stderr)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["learner", "{home}/new"], "cannot be written"),
        (["notebook", "--no-browser", "--port", "18998"], "cannot write to"),
        (["run", "failover", "--figure", "{home}/x.png"], "you may not write to"),
        (["run", "failover", "--json", "{home}/x", "--figure", "/tmp/x.png"], "you may not write"),
        (["run", "failover"], "you may not write to the current folder"),
        (["kernelspec"], "Permission denied"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_may_not_be_written_is_one_line_before_anything_runs(
    words: list[str], line: str, ordinary_user: OrdinaryUser
) -> None:
    ordinary_user.home.chmod(0o555)
    told = [word.format(home=ordinary_user.home) for word in words]
    try:
        done = ordinary_user.run([BIN / "labs", *told], HUNG_S, check=False)
    finally:
        ordinary_user.home.chmod(0o700)
    if ordinary_user.uid == os.geteuid():
        pytest.skip("optional: this user holds the checkout and may write to it")
    assert done.returncode in (1, 2), done.stderr
    is_one_line(done.stderr)
    assert line in done.stderr
