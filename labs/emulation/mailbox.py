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
from typing import Any

from labs.cards import Table
from labs.emulation.streams import EventStream

_HEADINGS = ("from", "to", "subject", "text")


class Mailbox:
    """The messages that the mail server of `host` has taken: `letters` has a piece for each."""

    def __init__(self, host: str, letters: EventStream, wait_until: Callable[..., Any]) -> None:
        self.host = host
        self.letters, self._wait_until = letters, wait_until
        self._cleared = 0  # how many of them have been thrown away

    @property
    def messages(self) -> list[EmailMessage]:
        """All that has come so far."""
        # The message class that this policy makes is EmailMessage.
        parser = BytesParser(policy=email.policy.default)
        return [parser.parsebytes(text.encode("latin-1")) for text in self._texts()]

    def wait(self, count: int = 1, timeout: float = 15.0) -> list[EmailMessage]:
        """Wait until `count` messages have come; LabError when they do not come in time."""
        what = f"{count} message{'s' * (count != 1)} for {self.host}"
        self._wait_until(lambda: len(self) >= count, timeout=timeout, what=what)
        return self.messages

    def clear(self) -> None:
        """Throw away what has come."""
        self._cleared = len(self.letters.pieces())

    def __len__(self) -> int:
        return len(self._texts())

    def _texts(self) -> list[str]:
        return [piece["text"] for piece in self.letters.pieces()[self._cleared :]]

    def _rows(self) -> list[tuple[str, ...]]:
        """Sender, receivers, subject and the first line of each."""
        rows = []
        for message in self.messages:
            body = message.get_body(("plain",))
            lines = (body.get_content() if body else "").strip().splitlines() or [""]
            told = (message["X-MailFrom"], message["X-RcptTo"], message["Subject"], lines[0])
            rows.append(tuple("" if words is None else str(words) for words in told))
        return rows

    def _table(self) -> Table:
        return Table(_HEADINGS, self._rows())

    def __repr__(self) -> str:
        return self._table().text() if len(self) else f"<mailbox of {self.host}: empty>"

    def _repr_html_(self) -> str:
        return self._table().html() if len(self) else html.escape(repr(self))
