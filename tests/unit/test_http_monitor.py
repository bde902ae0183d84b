"""A client's visits: the program against a real socket, and what it writes as facts."""

from __future__ import annotations

import asyncio
import json

import pytest

from labs.emulation.programs import http_client
from labs.experiments.http_monitor import _signed


def ask(answer: bytes) -> str | None:
    """What a visitor makes of a server on this machine that says `answer` to everything."""

    async def main() -> str | None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            return await http_client.page("127.0.0.1", server.sockets[0].getsockname()[1])

    return asyncio.run(main())


def test_a_page_is_what_follows_the_head() -> None:
    assert ask(b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nweb1\n") == "web1"


@pytest.mark.parametrize("answer", [b"HTTP/1.0 503 Busy\r\n\r\nweb1\n", b"", b"hello"])
def test_anything_else_is_no_page(answer: bytes) -> None:
    assert ask(answer) is None


def test_a_refusal_is_a_visit_without_a_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refused(address: str) -> str | None:
        raise ConnectionRefusedError

    monkeypatch.setattr(http_client, "page", refused)
    asyncio.run(http_client.visit("192.168.1.10"))
    told = json.loads(capsys.readouterr().out)
    assert told["page"] is None
    assert told["rtt"] is None


def test_a_page_is_signed_by_a_host() -> None:
    assert _signed("web2", ["web1", "web2"]) == "web2"
    assert _signed("somebody", ["web1", "web2"]) is None
    assert _signed(None, ["web1"]) is None
