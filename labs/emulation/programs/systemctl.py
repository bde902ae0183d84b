"""systemctl of a lab host: a stand-in that knows one service, keepalived.

    systemctl start|stop|restart|reload|status|enable|disable|is-active|is-enabled|cat keepalived

It takes the words of systemctl(1), prints what that prints and exits with the same status; what it
cannot do it refuses with what to do instead.  No service manager runs on a host: the daemon is
found among the processes (`keepalived_unit`), so one that the lab started is seen as well.
A start waits until the daemon listens to signals, a stop until it has ended; a reload only sends
SIGHUP.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable

from labs.emulation.programs import journalctl
from labs.emulation.programs import keepalived_unit as service
from labs.emulation.programs.keepalived_unit import NAME, Process, Unit

HELP = """usage: systemctl [OPTION...] COMMAND keepalived

A stand-in of VRRP Lab for systemctl(1): on a lab host it knows one service, keepalived.

  start, stop, restart   start or stop the daemon; restart is a stop and a start
  reload                 send SIGHUP: the daemon reads its configuration again
  status                 whether it runs, since when, its processes, its last log lines
  enable, disable        whether it starts at boot (--now: start or stop it, too); a lab host is
                         never booted, so this is only remembered
  is-active, is-enabled  one word, and the exit status
  cat                    the unit file, /etc/systemd/system/keepalived.service
  daemon-reload          does nothing: the unit file is read each time

options: --now, -q --quiet, -n --lines=N, --no-pager, -l --full

Behind it is the daemon that this host runs: keepalived, or vrrpd of VRRP Lab, which reads the same
configuration.  Everything else of systemctl is not here; `systemctl cat keepalived` shows the
command to type instead, and `ps`, `kill` and `journalctl -u keepalived` work."""

START_SECONDS = 120.0
# s after the daemon wrote its pid in which it reports that it is ready; then it counts as ready.
READY_SECONDS = 10.0
KILLED_SECONDS = 30.0  # within which what got SIGKILL is gone
_PAUSE = 0.005
# What a service gets of the environment of the shell: systemd gives it none of that.
_ENVIRONMENT = ("HOME", "HOSTNAME", "LANG", "PATH", "TERM", "TMPDIR", "VRRP_LAB_MARK")
_CONTROL_PROCESS = "the control process exited with error code"


class Refusal(Exception):
    """What cannot be done, in words; `status` is systemctl's exit status for it."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Options:
    """The command line: `command`, the options, and whether a unit was named."""

    def __init__(self, words: list[str]) -> None:
        self.now = self.quiet = self.full = self.help = False
        self.lines = 10
        plain: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word in ("-h", "--help"):
                self.help = True
            elif word == "--now":
                self.now = True
            elif word in ("-q", "--quiet"):
                self.quiet = True
            elif word in ("-n", "--lines") and rest:
                self.lines = _number(rest.pop(0))
            elif word.startswith("--lines="):
                self.lines = _number(word.partition("=")[2])
            elif word.startswith("-n") and word[2:].isdigit():
                self.lines = int(word[2:])
            elif word in ("-l", "--full"):
                self.full = True
            elif word == "--no-pager":
                continue
            elif word.startswith("-"):
                raise Refusal(f"systemctl here is a stand-in and has no option {word}: {_SEE}")
            else:
                plain.append(word)
        self.command, self.units = (plain[0] if plain else ""), plain[1:]


_SEE = "`systemctl --help` lists what it can do"


def main(words: list[str]) -> int:
    """Do what `words` say; the exit status of systemctl(1)."""
    try:
        options = Options(words)
        if options.help or not options.command:
            print(HELP)
            return 0
        if options.command == "daemon-reload":
            return 0
        if options.command not in _COMMANDS:
            raise Refusal(f"systemctl here is a stand-in and cannot `{options.command}`: {_SEE}")
        return _COMMANDS[options.command](_unit(options), options)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return refusal.status
    except KeyboardInterrupt:
        return 130


def _number(word: str) -> int:
    if not word.isdigit():
        raise Refusal(f"Failed to parse lines '{word}'")
    return int(word)


def _unit(options: Options) -> Unit:
    """The unit of this host; Refusal if another one is named, or if there is none."""
    names = {name.removesuffix(".service") + ".service" for name in options.units}
    if not names:
        raise Refusal(f"which service? write `systemctl {options.command} keepalived`")
    for name in sorted(names - {NAME}):
        raise Refusal(
            f"Unit {name} could not be found.\n"
            "A lab host has one service, keepalived: start other programs by their own name.",
            4 if options.command == "status" else 5,
        )
    found = service.unit()
    if found is None:
        raise Refusal(
            f"Unit {NAME} could not be found.\n"
            "This host takes no part in VRRP: keepalived runs on the servers of the lab.",
            4 if options.command == "status" else 5,
        )
    return found


# --- start, stop, reload -------------------------------------------------------------------------


def _start(unit: Unit, _options: Options) -> int:
    if service.processes():
        return 0
    text = service.read(service.CONFIGURATION)
    if not text.strip():
        service.record(
            {"t": time.time(), "unmet": f"ConditionFileNotEmpty={service.CONFIGURATION}"}
        )
        return 0
    program = shutil.which(unit.start[0]) if unit.start else None
    if program is None:
        return _failed(0, {"code": "exited", "status": "203/EXEC"})
    for stale in (unit.pidfile, *unit.leftovers):
        if os.path.lexists(stale):
            os.unlink(stale)
    before = os.path.getsize(unit.log) if os.path.exists(unit.log) else 0
    service.record({"t": time.time(), "verb": "start", "conf": text})
    pid = _launch(program, unit)
    ended = _wait_ready(pid, unit, before)
    if ended is not None:
        return _failed(pid, ended)
    service.record({"t": time.time(), "ready": True})
    return 0


def _launch(program: str, unit: Unit) -> int:
    """Start the daemon in a session of its own, its output appended to its log; its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        nothing = os.open("/dev/null", os.O_RDONLY)
        log = os.open(unit.log or "/dev/null", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for number, descriptor in enumerate((nothing, log, log)):
            os.dup2(descriptor, number)
        os.closerange(3, 256)
        os.chdir("/")
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        os.execve(program, unit.start, kept)
    finally:
        os._exit(203)


def _wait_ready(pid: int, unit: Unit, before: int) -> dict[str, object] | None:
    """Wait until the daemon is ready; how it ended, if it has ended instead."""
    deadline = time.monotonic() + START_SECONDS
    late = 0.0
    while True:
        if service.read(unit.pidfile).strip():
            late = late or time.monotonic() + READY_SECONDS
            if unit.ready in _written(unit.log, before) or time.monotonic() > late:
                return None
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if code >= 0:
                return {"code": "exited", "status": str(code)}
            return {"code": "killed", "status": signal.Signals(-code).name.removeprefix("SIG")}
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return {"code": "killed", "status": "KILL"}
        select.select([], [], [], _PAUSE)


def _written(log: str, before: int) -> bytes:
    try:
        with open(log, "rb") as file:
            file.seek(before)
            return file.read()
    except OSError:
        return b""


def _failed(pid: int, how: dict[str, object]) -> int:
    """Report a start that failed, as systemctl does."""
    service.record({"t": time.time(), "failed": how, "pid": pid})
    print(
        f"Job for {NAME} failed because {_CONTROL_PROCESS}.\n"
        f'See "systemctl status {NAME}" and "journalctl -xeu {NAME}" for details.',
        file=sys.stderr,
    )
    return 1


def _stop(unit: Unit, _options: Options) -> int:
    found = service.processes()
    if not found:
        return 0
    service.record({"t": time.time(), "verb": "stop"})
    descriptors = _watch(found)
    _signal(service.leaders(found), signal.SIGTERM)
    _signal(found, signal.SIGCONT)  # systemd.kill(5): a suspended process must see the SIGTERM
    if not _gone(descriptors, unit.timeout):
        service.record({"t": time.time(), "failed": {"code": "killed", "status": "KILL"}, "pid": 0})
        _signal(found, signal.SIGKILL)
        _gone(descriptors, KILLED_SECONDS)
    return 0


def _restart(unit: Unit, options: Options) -> int:
    _stop(unit, options)
    return _start(unit, options)


def _reload(_unit: Unit, _options: Options) -> int:
    found = service.processes()
    if not found:
        raise Refusal(f"{NAME} is not active, cannot reload.")
    conf = service.read(service.CONFIGURATION)
    service.record({"t": time.time(), "verb": "reload", "conf": conf})
    _signal(service.leaders(found), signal.SIGHUP)
    return 0


def _watch(found: list[Process]) -> list[int]:
    """A pidfd of each process that still exists."""
    descriptors = []
    for process in found:
        try:
            descriptors.append(os.pidfd_open(process.pid))
        except ProcessLookupError:
            continue
    return descriptors


def _gone(descriptors: list[int], seconds: float) -> bool:
    """Wait until all these processes have ended; False if one still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    for descriptor in descriptors:
        left = max(0.0, deadline - time.monotonic())
        if not select.select([descriptor], [], [], left)[0]:
            return False
    return True


def _signal(found: list[Process], number: signal.Signals) -> None:
    for process in found:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            continue


# --- enable, disable, cat ------------------------------------------------------------------------


def _enable(unit: Unit, options: Options) -> int:
    if not os.path.lexists(service.WANTED):
        os.makedirs(os.path.dirname(service.WANTED), exist_ok=True)
        os.symlink(service.UNIT, service.WANTED)
        if not options.quiet:
            print(f"Created symlink {service.WANTED} → {service.UNIT}.", file=sys.stderr)
    return _start(unit, options) if options.now else 0


def _disable(unit: Unit, options: Options) -> int:
    if os.path.lexists(service.WANTED):
        os.unlink(service.WANTED)
        if not options.quiet:
            print(f'Removed "{service.WANTED}".', file=sys.stderr)
    return _stop(unit, options) if options.now else 0


def _cat(_unit: Unit, _options: Options) -> int:
    print(f"# {service.UNIT}\n{service.read(service.UNIT)}", end="")
    return 0


# --- status --------------------------------------------------------------------------------------


def _is_active(unit: Unit, options: Options) -> int:
    word = _State(unit).word
    if not options.quiet:
        print(word)
    return 0 if word == "active" else 3


def _is_enabled(_unit: Unit, options: Options) -> int:
    enabled = os.path.lexists(service.WANTED)
    if not options.quiet:
        print("enabled" if enabled else "disabled")
    return 0 if enabled else 1


class _State:
    """Whether the daemon runs, since when, and if not, how it ended."""

    def __init__(self, unit: Unit) -> None:
        self.found = service.processes()
        self.main = service.leaders(self.found)[0] if self.found else None
        self.word, self.sub, self.since = "active", "running", 0.0
        self.ended: tuple[str, object, object] | None = None  # pid, code, status
        if self.main is not None:
            self.since = self.main.started
            return
        last = service.last_record()
        logged = os.path.getmtime(unit.log) if os.path.exists(unit.log) else 0.0
        self.word, self.sub, self.since = "inactive", "dead", logged
        recorded, failed = last.get("t"), last.get("failed")
        left = service.read(unit.pidfile).strip()
        if left:  # a daemon that ends by itself removes its pid file
            self._fail("signal", left, "killed", "KILL")
        elif isinstance(failed, dict) and isinstance(recorded, float) and logged <= recorded + 0.5:
            self.since = recorded
            result = "exit-code" if failed.get("code") == "exited" else "signal"
            self._fail(result, str(last.get("pid")), failed.get("code"), failed.get("status"))

    def _fail(self, result: str, pid: str, code: object, status: object) -> None:
        self.word, self.sub, self.ended = "failed", f"Result: {result}", (pid, code, status)


def _status(unit: Unit, options: Options) -> int:
    state, colored = _State(unit), sys.stdout.isatty()
    color = {"active": "32", "failed": "31"}.get(state.word, "")

    def painted(text: str) -> str:
        return f"\x1b[1;{color}m{text}\x1b[0m" if colored and color else text

    dot = {"active": "●", "failed": "×"}.get(state.word, "○")
    enabled = "enabled" if os.path.lexists(service.WANTED) else "disabled"
    print(f"{painted(dot)} {NAME} - {unit.description}")
    print(f"     Loaded: loaded ({service.UNIT}; {enabled}; preset: enabled)")
    since = f" since {_date(state.since)}; {_ago(time.time() - state.since)} ago"
    words = painted(f"{state.word} ({state.sub})")
    print(f"     Active: {words}{since if state.since else ''}")
    lines = _details(unit, state)
    logged = journalctl.lines(unit)[-options.lines :] if options.lines else []
    lines += ["", *map(journalctl.short, logged)] if logged else []
    width = shutil.get_terminal_size().columns if colored and not options.full else 0
    for line in lines:
        print(f"{line[: width - 1]}…" if 0 < width < len(line) else line)
    if width and any(len(line) > width for line in lines):
        print("Hint: Some lines were ellipsized, use -l to show in full.")
    return 0 if state.word == "active" else 3


def _details(unit: Unit, state: _State) -> list[str]:
    """What `status` shows between the state and the log."""
    lines = ["       Docs: man:keepalived(8)", "             man:keepalived.conf(5)"]
    unmet = service.last_record().get("unmet")
    if unmet and state.main is None:
        lines.insert(0, f"  Condition: start condition failed; {unmet} was not met")
    if state.ended is not None:
        pid, code, status = state.ended
        lines.append(f"   Main PID: {pid} (code={code}, {_named(code)}={status})")
    if state.main is None:
        return lines
    found = state.found
    lines += [
        f"   Main PID: {state.main.pid} ({service.program(state.main.argv)})",
        f"      Tasks: {sum(each.threads for each in found)}",
        f"     Memory: {sum(each.memory for each in found) / (1 << 20):.1f}M",
        f"        CPU: {sum(each.cpu for each in found) * 1000:.0f}ms",
        f"     CGroup: /system.slice/{NAME}",
    ]
    for each in found:
        branch = "└─" if each is found[-1] else "├─"
        lines.append(f"             {branch}{each.pid} {' '.join(each.argv)}")
    return lines


def _named(code: object) -> str:
    return "status" if code == "exited" else "signal"


def _date(t: float) -> str:
    return time.strftime("%a %Y-%m-%d %H:%M:%S %Z", time.localtime(t))


def _ago(seconds: float) -> str:
    """A time span as systemd writes it: 5s, 1min 4s, 2h 5min."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}min {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}min"


_COMMANDS: dict[str, Callable[[Unit, Options], int]] = {
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "reload": _reload,
    "status": _status,
    "enable": _enable,
    "disable": _disable,
    "is-active": _is_active,
    "is-enabled": _is_enabled,
    "cat": _cat,
}
