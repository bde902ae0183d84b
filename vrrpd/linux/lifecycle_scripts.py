"""`startup_script` and `shutdown_script`: what everything else waits for, at both ends of a life.

Contract: a script that fails, or takes longer than it may, costs its time and a line in the log;
the daemon starts, or ends, all the same (keepalived).
"""

from __future__ import annotations

from vrrpd.config.globals import Globals
from vrrpd.config.model import Command
from vrrpd.journal import Log
from vrrpd.linux.loop import Loop
from vrrpd.linux.script_runner import ScriptRunner
from vrrpd.ports import Outcome


class LifecycleScripts:
    """Runs `startup_script` and `shutdown_script`, which everything else waits for."""

    def __init__(self, loop: Loop, runner: ScriptRunner, log: Log) -> None:
        self.loop = loop
        self.runner = runner
        self.log = log

    def begin(self, settings: Globals) -> None:
        """Run `startup_script`."""
        self.run("startup", settings.startup_script, settings.startup_script_timeout_ns)

    def end(self, settings: Globals) -> None:
        """Run `shutdown_script`."""
        self.run("shutdown", settings.shutdown_script, settings.shutdown_script_timeout_ns)

    def run(self, what: str, script: Command | None, timeout: int) -> None:
        """Run one of them to its end, or for `timeout` ns; how it goes is only logged."""
        if script is None:
            return
        self.log.info(f"Running {what} script {script.argv[0]}")
        ended: list[Outcome] = []
        self.runner.check(script, timeout, ended.append)
        self.loop.run_until(lambda: bool(ended))
        for outcome in ended:
            self.log.info(f"{what} script {_verdict(outcome)}")


def _verdict(outcome: Outcome) -> str:
    """How a script ended, in keepalived's words."""
    if outcome.problem:
        return f"script was not started: {outcome.problem}"
    if outcome.timed_out:
        return "timed out"
    if outcome.signal:
        return f"script failed (due to signal {outcome.signal})"
    return "script succeeded" if outcome.ok else f"script failed, status {outcome.status}"
