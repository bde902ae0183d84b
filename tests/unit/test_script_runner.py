"""Scripts as real processes: started, reaped, ended when they hang, never in the way."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from pwd import getpwuid

import pytest

import vrrpd.linux.script_runner
from tests.support import HUNG_S, eventually
from vrrpd.config import loads
from vrrpd.config.model import Command
from vrrpd.fsm import SECOND
from vrrpd.journal import Log
from vrrpd.linux.accounts import Accounts
from vrrpd.linux.loop import Loop
from vrrpd.linux.script_runner import ScriptRunner
from vrrpd.ports import Outcome
from vrrpd.record import replace
from vrrpd.script_security import secure

MILLISECOND = SECOND // 1000


class LoopRunner:
    """A runner on a real loop, its log kept."""

    def __init__(self, directory: Path, timeout: int = HUNG_S * SECOND) -> None:
        self.directory = directory
        self.loop = Loop()
        self.lines: list[str] = []
        log = Log()
        log.info = self.lines.append  # type: ignore[method-assign, assignment]
        self.runner = ScriptRunner(self.loop, log, timeout)
        self.old = signal.getsignal(signal.SIGCHLD)
        self.loop.on_signal(signal.SIGCHLD, self.runner.reap)

    def script(self, text: str, mode: int = 0o755, name: str = "script") -> Command:
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return Command((str(path),))

    def run(self, command: Command, *arguments: str) -> str | None:
        return self.runner.run(command, arguments, "(VI_1) notify")

    def finish(self) -> None:
        """Until every script has ended."""
        self.loop.run_until(lambda: not self.runner.running(), HUNG_S * SECOND)
        assert self.runner.running() == 0

    def close(self) -> None:
        self.loop.close()
        signal.signal(signal.SIGCHLD, self.old)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory that any user may enter."""
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | stat.S_IXOTH | stat.S_IXGRP)
        if path.parent == Path("/tmp"):
            break
    tmp_path.chmod(0o777)
    return tmp_path


@pytest.fixture
def on_loop(directory: Path) -> Iterator[LoopRunner]:
    on_loop = LoopRunner(directory)
    yield on_loop
    on_loop.close()


def test_a_script_runs_with_its_arguments(on_loop: LoopRunner) -> None:
    out = on_loop.directory / "out"
    command = on_loop.script(f'#!/bin/sh\necho "$#" "$@" > {out}.new; mv {out}.new {out}\n')
    assert on_loop.run(command, "INSTANCE", "VI_1", "two words", "150") is None
    on_loop.finish()
    assert out.read_text() == "4 INSTANCE VI_1 two words 150\n"
    assert on_loop.lines == []


def test_run_does_not_wait(on_loop: LoopRunner) -> None:
    os.mkfifo(on_loop.directory / "fifo", 0o666)
    assert on_loop.run(on_loop.script(f"#!/bin/sh\nread line < {on_loop.directory}/fifo\n")) is None
    assert on_loop.runner.running() == 1
    # It ends when we say so, and not before: it is waiting for us.
    end = os.open(on_loop.directory / "fifo", os.O_WRONLY)
    os.write(end, b"\n")
    os.close(end)
    on_loop.finish()


@pytest.mark.parametrize(
    ("path", "mode", "problem"),
    [
        ("absent", None, "no such file"),
        ("script", 0o644, "not executable"),
        (".", None, "not executable"),
    ],
)
def test_what_cannot_be_run_is_reported(
    on_loop: LoopRunner, path: str, mode: int | None, problem: str
) -> None:
    if mode is not None:
        on_loop.script("#!/bin/sh\n", mode)
    assert on_loop.run(Command((str(on_loop.directory / path),))) == problem
    assert on_loop.runner.running() == 0


def test_an_interpreter_that_does_not_exist(on_loop: LoopRunner) -> None:
    assert on_loop.run(on_loop.script("#!/no/such/interpreter\n")) == "No such file or directory"


def test_a_user_that_does_not_exist(on_loop: LoopRunner) -> None:
    command = Command(("/bin/true",), user="nobody-of-this-name")
    problem = on_loop.run(command)
    assert problem is not None
    assert "nobody-of-this-name" in problem


def test_a_script_without_an_interpreter_line_is_run_by_sh(on_loop: LoopRunner) -> None:
    out = on_loop.directory / "out"
    assert on_loop.run(on_loop.script(f"echo $1 > {out}\n"), "yes") is None
    on_loop.finish()
    assert out.read_text() == "yes\n"


def test_a_bare_name_is_looked_up_in_path(on_loop: LoopRunner) -> None:
    assert on_loop.run(Command(("true",))) is None
    on_loop.finish()
    assert on_loop.run(Command(("no-such-command-anywhere",))) == "no such file"


def test_a_bad_end_is_logged_and_a_good_one_is_not(on_loop: LoopRunner) -> None:
    on_loop.run(on_loop.script("#!/bin/sh\nexit 3\n"))
    on_loop.run(Command(("/bin/true",)))
    on_loop.run(on_loop.script("#!/bin/sh\nkill -9 $$\n", name="suicide"))
    on_loop.finish()
    assert sorted(on_loop.lines) == [
        "(VI_1) notify exited with status 3",
        "(VI_1) notify was ended by signal 9",
    ]


def test_output_goes_nowhere_and_input_is_empty(
    on_loop: LoopRunner, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "#!/bin/sh\necho out; echo err >&2; read line && exit 9; exit 0\n"
    on_loop.run(on_loop.script(text))
    on_loop.finish()
    assert capfd.readouterr() == ("", "")
    assert on_loop.lines == []


def test_a_script_that_fills_its_output_does_not_block(on_loop: LoopRunner) -> None:
    on_loop.run(on_loop.script("#!/bin/sh\nhead -c 1000000 /dev/zero\n"))
    on_loop.finish()
    assert on_loop.lines == []


def exists(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def ended(directory: Path, text: str, begun: Path) -> LoopRunner:
    """A runner that has ended a script after its time, which was enough for it to write `begun`."""
    for seconds in (3, 30, 300):
        on_loop = LoopRunner(directory, timeout=seconds * SECOND)
        on_loop.run(on_loop.script(text))
        on_loop.finish()
        if begun.exists():
            break
        on_loop.close()
    return on_loop


def test_a_script_that_hangs_is_ended_with_all_it_has_started(directory: Path) -> None:
    pids = directory / "pids"
    on_loop = ended(directory, f"#!/bin/sh\nsleep 600 &\necho $$ $! > {pids}\nwait\n", pids)
    script, child = map(int, pids.read_text().split())
    assert not exists(script)
    eventually(lambda: not exists(child), what="the end of what the script had started")
    seconds = on_loop.runner.timeout // SECOND
    assert f"has run for {seconds} s: sending signal 15" in on_loop.lines[0]
    on_loop.close()


def test_a_script_that_will_not_go_is_killed(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vrrpd.linux.script_runner, "GRACE", 100 * MILLISECOND)
    deaf = directory / "deaf"
    text = f"#!/bin/sh\ntrap '' TERM\ntouch {deaf}\nwhile :; do sleep 0.05; done\n"
    on_loop = ended(directory, text, deaf)
    assert [line.rpartition(" ")[2] for line in on_loop.lines] == ["15", "9", "9"]
    on_loop.close()


def test_no_zombies(on_loop: LoopRunner) -> None:
    for _ in range(20):
        on_loop.run(Command(("/bin/true",)))
    pids = list(on_loop.runner.children)
    on_loop.finish()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_fork_bomb_is_refused(on_loop: LoopRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vrrpd.linux.script_runner, "AT_ONCE", 2)
    for _ in range(2):
        assert on_loop.run(Command(("/bin/sleep", "0.1"))) is None
    assert on_loop.run(Command(("/bin/true",))) == "2 scripts are running already"
    on_loop.finish()


def test_what_the_daemon_has_open_stays_its_own(on_loop: LoopRunner) -> None:
    out = on_loop.directory / "fds"
    text = (
        f"#!{sys.executable}\nimport os\n"
        f"open({str(out)!r}, 'w').write(' '.join(sorted(os.listdir('/proc/self/fd'))))\n"
    )
    assert on_loop.run(on_loop.script(text)) is None
    on_loop.finish()
    assert set(out.read_text().split()) <= {"0", "1", "2", "3", "4"}


def test_scripts_have_a_group_of_their_own(on_loop: LoopRunner) -> None:
    out = on_loop.directory / "group"
    on_loop.run(on_loop.script(f"#!/bin/sh\ncut -d' ' -f5 /proc/$$/stat > {out}\n"))
    (pid,) = on_loop.runner.children
    on_loop.finish()
    assert int(out.read_text()) == pid != os.getpgrp()


def outcome(on_loop: LoopRunner, command: Command) -> Outcome:
    found: list[Outcome] = []
    on_loop.runner.check(command, 30 * SECOND, found.append)
    on_loop.loop.run_until(lambda: bool(found), HUNG_S * SECOND)
    return found[0]


@pytest.mark.parametrize("where", ["same", "elsewhere", "relative"])
def test_a_program_that_looks_at_its_name_runs_under_it(on_loop: LoopRunner, where: str) -> None:
    """`sh` as the many-named program: bash and dash say their name in a syntax error."""
    folder = on_loop.directory / ("bin" if where == "elsewhere" else ".")
    folder.mkdir(exist_ok=True)
    program = on_loop.directory / "many"
    program.write_bytes(Path("/bin/dash").resolve().read_bytes())
    program.chmod(0o755)
    link = folder / "wanted"
    link.symlink_to("many" if where == "relative" else program)
    config = loads(f"""global_defs {{\nscript_user {getpwuid(os.geteuid()).pw_name}\n}}
vrrp_script chk {{\nscript "{link} -c 'echo $0 >&2; exit 1'"\n}}
vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\ntrack_script {{\nchk\n}}
virtual_ipaddress {{\n10.0.0.1\n}}\n}}""").config
    script = secure(config, Accounts())[0].scripts[0]
    assert script.problem == ""
    said = outcome(on_loop, script.command).said
    assert os.path.basename(said) == "wanted"


def test_what_a_failing_check_complains_of_is_kept_to_a_line(on_loop: LoopRunner) -> None:
    text = "#!/bin/sh\necho >&2; echo 'no \\033[1m nginx' >&2; echo more >&2; exit 3\n"
    assert outcome(on_loop, on_loop.script(text)).said == "no  [1m nginx"
    assert outcome(on_loop, on_loop.script("#!/bin/sh\necho fine >&2\n")).said == ""
    long = outcome(
        on_loop, on_loop.script("#!/bin/sh\nyes | head -c 1000000 | tr -d '\\n' >&2; exit 1")
    )
    assert 0 < len(long.said) <= 200


def test_a_check_can_open_its_standard_error_as_another_user(on_loop: LoopRunner) -> None:
    if os.geteuid() != 0:
        pytest.skip("optional: only root may run a script as another user")
    command = on_loop.script("#!/bin/sh\necho why > /dev/stderr && exit 7\n")
    found = outcome(on_loop, replace(command, identity=(65534, 65534)))
    assert (found.status, found.said) == (7, "why")


def test_what_a_check_leaves_running_can_still_write_its_errors(on_loop: LoopRunner) -> None:
    """It must not be ended by SIGPIPE; and at its end nothing of it is left with us."""
    done = on_loop.directory / "done"
    go = on_loop.directory / "go"
    os.mkfifo(go)
    text = f"#!/bin/sh\n(read x < {go}; echo late >&2 && echo $? > {done}) &\nexit 1\n"
    before = len(os.listdir("/proc/self/fd"))
    assert outcome(on_loop, on_loop.script(text)).status == 1
    go.write_text("now\n")
    on_loop.loop.run_until(lambda: len(os.listdir("/proc/self/fd")) == before, HUNG_S * SECOND)
    assert done.read_text() == "0\n"


@pytest.mark.parametrize("file", ["sh", "/bin/sh", "./there", "there", "plain", "folder", "no", ""])
def test_a_program_is_found_where_the_standard_library_finds_it(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, mode in (("there", 0o755), ("plain", 0o644)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"/nowhere:{tmp_path}:/usr/bin:/bin")
    assert vrrpd.linux.script_runner._which(file) == shutil.which(file)


def test_a_result_that_raises_costs_no_other_script_its_own(on_loop: LoopRunner) -> None:
    """Both end before they are collected, and no further SIGCHLD follows."""
    errors: list[BaseException] = []
    on_loop.loop.trouble = errors.append
    results: list[Outcome] = []

    def fail(outcome: Outcome) -> None:
        raise LookupError

    command = on_loop.script("#!/bin/sh\n")
    for done in (fail, results.append):
        on_loop.runner.check(command, HUNG_S * SECOND, done)
    for pid in on_loop.runner.children:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with suppress(LookupError):
        on_loop.runner.reap()
    assert results == [Outcome()]
    assert [type(error) for error in errors] == [LookupError]
