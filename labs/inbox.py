"""A mailbox: what a mail server of a lab has received.

box.wait(1)                    until one message has come; the messages
box.messages                   email.message.EmailMessage, in order of arrival
box.messages[0]["Subject"]
"""

from __future__ import annotations

import email.policy
import html
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

_HEADINGS = ("from", "to", "subject", "text")


class Mailbox:
    """The messages in `directory`, which the mail server of `host` fills."""

    def __init__(self, host: str, directory: Path, wait_until: Callable[..., Any]) -> None:
        self.host, self.directory = host, directory
        self._wait_until = wait_until

    @property
    def messages(self) -> list[EmailMessage]:
        """All that has come so far."""
        # The message class that this policy makes is EmailMessage.
        parser = BytesParser(policy=email.policy.default)
        return [parser.parsebytes(path.read_bytes()) for path in self._files()]

    def wait(self, count: int = 1, timeout: float = 15.0) -> list[EmailMessage]:
        """Wait until `count` messages have come; LabError when they do not come in time."""
        what = f"{count} message{'s' * (count != 1)} for {self.host}"
        self._wait_until(lambda: len(self._files()) >= count, timeout=timeout, what=what)
        return self.messages

    def clear(self) -> None:
        """Throw away what has come."""
        for path in self._files():
            path.unlink()

    def __len__(self) -> int:
        return len(self._files())

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("*.eml"))

    def _rows(self) -> list[tuple[str, ...]]:
        """Sender, receivers, subject and the first line of each."""
        rows = []
        for message in self.messages:
            body = message.get_body(("plain",))
            lines = (body.get_content() if body else "").strip().splitlines() or [""]
            told = (message["X-MailFrom"], message["X-RcptTo"], message["Subject"], lines[0])
            rows.append(tuple("" if words is None else str(words) for words in told))
        return rows

    def __repr__(self) -> str:
        rows = self._rows()
        if not rows:
            return f"<mailbox of {self.host}: empty>"
        widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
        return "\n".join(
            "  ".join(w.ljust(n) for w, n in zip(row, widths, strict=True)).rstrip()
            for row in (_HEADINGS, *rows)
        )

    def _repr_html_(self) -> str:
        rows = self._rows()
        if not rows:
            return html.escape(repr(self))
        cell = 'style="text-align:left;padding:.1em .9em .1em 0"'
        head = "".join(f"<th {cell}>{name}</th>" for name in _HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td {cell}>{html.escape(words)}</td>" for words in row) + "</tr>"
            for row in rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"
