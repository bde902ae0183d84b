"""Mail through a real mail server: delivered in the background, errors reported, nothing waits."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.smtp import Server
from tests.support import HUNG_S
from vrrpd.fsm import SECOND
from vrrpd.journal import Journal, Log
from vrrpd.linux import smtp_client, smtp_worker
from vrrpd.linux.loop import Loop
from vrrpd.linux.smtp_client import OUTSTANDING, SmtpClient
from vrrpd.linux.smtp_worker import deliver, dotted
from vrrpd.ports import Mail

TEXT = "Date: now\r\nSubject: x\r\n\r\n=> body <=\r\n\r\n"


class LoopClient:
    """A carrier on a real loop, its log kept."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.lines: list[str] = []
        self.journal = Journal()
        log = Log()
        log.info = self.lines.append  # type: ignore[method-assign, assignment]
        log.limited = self.limited  # type: ignore[method-assign]
        self.carrier = SmtpClient(self.loop, self.journal, log)

    def limited(self, key: tuple[object, ...], text: str) -> bool:
        self.lines.append(text)
        return True

    def finish(self) -> None:
        self.loop.run_until(lambda: not self.carrier.waiting(), HUNG_S * SECOND)
        assert self.carrier.waiting() == 0


@pytest.fixture
def mailing() -> Iterator[LoopClient]:
    one = LoopClient()
    yield one
    child = one.carrier.child
    one.carrier.dismiss()
    for process in (child, *one.carrier.former):
        if process is not None:
            process.wait(HUNG_S)
    one.loop.close()


def letter(port: int, to: tuple[str, ...] = ("a@x",), timeout: float = 30) -> Mail:
    return Mail(("127.0.0.1", port), round(timeout * SECOND), "me", "k@z", to, TEXT)


def arguments(port: int, **more: Any) -> dict[str, Any]:
    one = {
        "id": 1,
        "server": ["127.0.0.1", port],
        "timeout": 30.0,
        "helo": "me",
        "sender": "k@z",
        "recipients": ["a@x"],
        "text": TEXT,
    }
    return {**one, **more}


def test_the_conversation_is_keepalived_s(mailing: LoopClient) -> None:
    with Server() as server:
        mailing.carrier.send(letter(server.port, ("a@x", "b@y")))
        mailing.finish()
        [heard] = server.wait(1)
    assert heard == (
        b"HELO me\r\nMAIL FROM:<k@z>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n"
        + TEXT.encode()
        + b".\r\nQUIT\r\n"
    )
    assert mailing.lines == ["SMTP alert successfully sent."]


def test_several_mails_need_one_process(mailing: LoopClient) -> None:
    with Server() as server:
        for _ in range(5):
            mailing.carrier.send(letter(server.port))
        mailing.finish()
        assert len(server.wait(5)) == 5
    assert mailing.carrier.serial == 5
    assert mailing.carrier.former == []


REFUSALS = {
    "HELO": ("HELO", "550 no", "Error processing HELO cmd, SMTP status code = 550"),
    "sender": ("MAIL", "451 later", "Error processing MAIL cmd, SMTP status code = 451"),
    "reader": ("RCPT", "550 unknown", "Error processing RCPT cmd, SMTP status code = 550"),
    "data": ("DATA", "554 no", "Error processing DATA cmd, SMTP status code = 554"),
    "mail": (".", "554 spam", "Error processing DOT cmd, SMTP status code = 554"),
}


@pytest.mark.parametrize(("command", "answer", "problem"), REFUSALS.values(), ids=REFUSALS)
def test_what_the_server_refuses_is_logged(command: str, answer: str, problem: str) -> None:
    with Server({command: answer}) as server:
        assert deliver(arguments(server.port)) == problem


def test_a_server_that_is_busy() -> None:
    with Server(greeting="421 too busy") as server:
        told = deliver(arguments(server.port))
    assert told == "Error connecting SMTP server, SMTP status code = 421"


@pytest.mark.parametrize("command", ["HELO", "DATA", "."])
def test_a_server_that_falls_silent(command: str) -> None:
    with Server({command: ""}) as server:
        told = deliver(arguments(server.port, timeout=0.2))
    assert told.startswith("Timeout") or "timed out" in told


def test_no_server_is_there() -> None:
    with socket.socket() as taken:  # or another process might listen there by now
        taken.bind(("127.0.0.1", 0))
        assert "onnect" in deliver(arguments(taken.getsockname()[1]))


def test_a_name_that_does_not_resolve() -> None:
    assert deliver(arguments(25, server=["no.such.host.invalid", 25])).startswith(
        "Error connecting"
    )


def test_a_line_break_does_not_become_a_command() -> None:
    with Server() as server:
        told = deliver(arguments(server.port, sender="a>\r\nRCPT TO:<evil@x"))
    assert told.startswith("Error MAIL")


def test_a_lost_quit_does_not_matter_once_the_mail_is_taken() -> None:
    with Server({"QUIT": "500 stay"}) as server:
        assert deliver(arguments(server.port)) == ""


def test_dots_are_doubled() -> None:
    assert dotted("a\r\n.b\r\n") == b"a\r\n..b\r\n"


def test_what_fails_is_logged_and_journalled(mailing: LoopClient) -> None:
    with Server({"RCPT": "550 unknown"}) as server:
        mailing.carrier.send(letter(server.port))
        mailing.finish()
        where = f"[127.0.0.1]:{server.port}"
    [line] = mailing.lines
    assert line == (
        f"SMTP alert not sent to {where}: Error processing RCPT cmd, SMTP status code = 550"
    )
    assert mailing.journal.recent[-1]["ok"] is False


def test_a_server_that_hangs_costs_neither_time_nor_memory(mailing: LoopClient) -> None:
    """send() returns at once whatever the server does, and what is too much is dropped."""
    with Server(greeting="") as server:
        for _ in range(OUTSTANDING + 3):
            mailing.carrier.send(letter(server.port, timeout=HUNG_S))
        assert mailing.carrier.waiting() == OUTSTANDING
        assert [line for line in mailing.lines if "waiting already" in line] == mailing.lines[:3]
        child = mailing.carrier.child
        assert child is not None
        os.kill(child.pid, 9)


def test_a_process_that_dies_is_replaced(mailing: LoopClient) -> None:
    with Server(greeting="") as silent:
        mailing.carrier.send(letter(silent.port, timeout=HUNG_S))
        child = mailing.carrier.child
        assert child is not None
        os.kill(child.pid, 9)
        mailing.finish()
    assert "has ended" in mailing.lines[-1]
    with Server() as server:
        mailing.carrier.send(letter(server.port))
        mailing.finish()
        server.wait(1)
    assert mailing.lines[-1] == "SMTP alert successfully sent."


def stand_in(script: str, directory: Path, patch: pytest.MonkeyPatch) -> None:
    """Have the next child run a shell script instead of the worker."""
    program = directory / "worker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    patch.setattr(smtp_client, "sys", SimpleNamespace(executable=str(program)))


def test_half_a_line_of_a_dead_process_does_not_spoil_the_answer_of_the_next(
    mailing: LoopClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, Server() as server:
        stand_in("""read letter; printf '{"id": 1, "prob'""", tmp_path, patch)
        mailing.carrier.send(letter(server.port))
        mailing.finish()
    assert "has ended" in mailing.lines[-1]
    with Server() as server:
        mailing.carrier.send(letter(server.port))
        mailing.finish()
    assert mailing.lines[-1] == "SMTP alert successfully sent."


def test_a_line_that_is_no_answer_costs_no_other_letter_its_own(
    mailing: LoopClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[BaseException] = []
    mailing.loop.trouble = errors.append
    answers = r"""printf 'Hello\n{"id": 1, "problem": ""}\n'; read nothing"""
    stand_in(f"read letter; {answers}", tmp_path, monkeypatch)
    mailing.carrier.send(letter(25))
    mailing.finish()
    assert mailing.lines == ["SMTP alert successfully sent."]
    assert [type(error) for error in errors] == [json.JSONDecodeError]


def test_a_letter_that_does_not_fit_costs_no_letter_before_it(
    mailing: LoopClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_client, "ROOM", 4096)
    with Server() as server:
        mailing.carrier.send(letter(server.port))
        child = mailing.carrier.child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        while not mailing.lines:
            mailing.carrier.send(letter(server.port))
        accepted = mailing.carrier.waiting()
        os.kill(child.pid, signal.SIGCONT)
        mailing.finish()
        assert len(server.wait(accepted)) == accepted
    assert "does not read" in mailing.lines[0]
    assert mailing.lines[1:] == ["SMTP alert successfully sent."] * accepted


def test_a_failure_that_no_code_has_thought_of_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or the letter would count as under way for ever, and OUTSTANDING of them end all mail."""
    monkeypatch.setattr(smtp_worker, "deliver", lambda letter: letter["nothing"])
    smtp_worker._work(json.dumps(arguments(25)))
    assert json.loads(capsys.readouterr().out) == {"id": 1, "problem": "KeyError: 'nothing'"}


def test_it_finishes_what_it_can_when_the_daemon_ends(mailing: LoopClient) -> None:
    with Server() as server:
        mailing.carrier.send(letter(server.port))
        mailing.carrier.dismiss()
        server.wait(1)
