"""The far end of a TCP connection: sends every line back, with the name of this host before it.

    python -m labs.emulation.programs.tcp_echo          on port 7 of every address of this host

Port 7 is the echo service of RFC 862; the name is our addition.
"""

from __future__ import annotations

import asyncio
import socket

PORT = 7


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it ends or breaks."""
    name = socket.gethostname().encode()
    try:
        while line := await reader.readline():
            writer.write(name + b" " + line)
            await writer.drain()
    except (OSError, ValueError):  # ValueError: a line longer than the 64 KiB of asyncio's buffer
        return
    finally:
        writer.close()


async def serve() -> None:
    """Listen until killed."""
    server = await asyncio.start_server(answer, None, PORT)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
