"""A mail server: takes every message and puts it into a directory, one file each.

    python -m labs.emulation.programs.mail DIRECTORY     on port 25 of every address of this host

A file appears whole or not at all, in the order of arrival: 000001.eml, 000002.eml, ...
The envelope is kept in the headers X-MailFrom and X-RcptTo.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST = 1 << 20  # bytes of a message; a larger one is refused (RFC 1870)


class Box:
    """What aiosmtpd calls when a message has come."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.count = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Write it down; only then is it acknowledged to the sender."""
        self.count += 1
        content = envelope.content or b""
        text = content if isinstance(content, bytes) else content.encode()
        told = f"X-MailFrom: {envelope.mail_from}\r\nX-RcptTo: {', '.join(envelope.rcpt_tos)}\r\n"
        draft = self.directory / "draft"
        draft.write_bytes(told.encode() + text)
        draft.rename(self.directory / f"{self.count:06}.eml")
        return "250 Message accepted for delivery"


async def serve(directory: Path) -> None:
    """Listen on every address, IPv4 and IPv6, until killed."""
    directory.mkdir(parents=True, exist_ok=True)
    box = Box(directory)
    loop = asyncio.get_running_loop()
    serve_one = partial(SMTP, box, data_size_limit=LARGEST, loop=loop)
    server = await loop.create_server(serve_one, host=None, port=25)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
