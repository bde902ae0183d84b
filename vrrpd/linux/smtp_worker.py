"""A process that hands mails in: one JSON object a line on standard input, one answer a line.

    {"id": 1, "server": ["mail.example", 25], "timeout": 30.0, "helo": "host", "sender": "a@b",
     "recipients": ["c@d"], "text": "Date: ..."}
    -> {"id": 1, "problem": ""}

Why a process: names must be looked up and servers waited for, neither of which the daemon's loop
may do; and threads in the daemon would make it unsafe to start scripts.

The conversation is keepalived's, word for word: no EHLO, no TLS, no authentication.  At the end
of the input it finishes what it can in LAST_MOMENTS.
"""

from __future__ import annotations

import json
import signal
import smtplib
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from vrrpd.linux.capabilities import give_up_all

AT_ONCE = 8
LAST_MOMENTS = 2  # seconds to finish in when the daemon has gone; keepalived leaves none
GREETING, DONE, DATA_FOLLOWS = 220, 250, 354


def deliver(letter: dict[str, Any]) -> str:
    """Hand one mail in; "" or what went wrong."""
    server = smtplib.SMTP(timeout=letter["timeout"], local_hostname=letter["helo"])
    step = "connecting"
    try:
        code, _ = server.connect(*letter["server"])
        if code != GREETING:
            return f"Error connecting SMTP server, SMTP status code = {code}"
        for step, words in _conversation(letter):
            code, _ = server.docmd(step, words)
            if code != (DATA_FOLLOWS if step == "DATA" else DONE):
                return f"Error processing {step} cmd, SMTP status code = {code}"
        step = "DOT"
        server.send(dotted(letter["text"]) + b".\r\n")
        code, _ = server.getreply()
        if code != DONE:
            return f"Error processing {step} cmd, SMTP status code = {code}"
        with suppress(smtplib.SMTPException, OSError):
            server.docmd("QUIT")
    except TimeoutError:
        return f"Timeout {step}"
    except (OSError, ValueError, smtplib.SMTPException) as error:
        return f"Error {step}: {getattr(error, 'strerror', None) or error}"
    finally:
        server.close()
    return ""


def _conversation(letter: dict[str, Any]) -> list[tuple[str, str]]:
    """Every command before the text, and its words."""
    return [
        ("HELO", letter["helo"]),
        ("MAIL", f"FROM:<{letter['sender']}>"),
        *(("RCPT", f"TO:<{one}>") for one in letter["recipients"]),
        ("DATA", ""),
    ]


def dotted(text: str) -> bytes:
    """The text in UTF-8 with a dot doubled where it begins a line (RFC 5321 section 4.5.2)."""
    return text.encode().replace(b"\r\n.", b"\r\n..")


def _work(line: str) -> None:
    """Deliver what one line asks for and answer."""
    letter = json.loads(line)
    try:
        problem = deliver(letter)
    except Exception as error:  # without an answer the daemon would count it as under way for ever
        problem = f"{type(error).__name__}: {error}"
    # One call: the lines of two threads must not mix.
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"id": letter["id"], "problem": problem}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Work until the input ends.  Sending mail takes no privilege at all."""
    with suppress(OSError):
        give_up_all()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # systemd's too: we end when it has gone
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line in sys.stdin:
            pool.submit(_work, line)
        signal.alarm(LAST_MOMENTS)


if __name__ == "__main__":
    main()
