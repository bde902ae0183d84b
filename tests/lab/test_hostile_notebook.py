"""JupyterLab runs what it is asked to run, so it accepts only its learner.

Whatever the environment and Jupyter's own configuration say: 127.0.0.1 only, and a token.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.outside import LABS
from tests.support import HUNG_S, REPOSITORY

LAX = """
c.ServerApp.ip = "0.0.0.0"
c.IdentityProvider.token = ""
c.ServerApp.allow_remote_access = True
"""


@pytest.fixture(params=["careful", "lax"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address that a server prints; once for a user whose settings would open it to all."""
    config = tmp_path / "config"
    config.mkdir()
    environment = {**os.environ, "HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(config)}
    environment["JUPYTER_RUNTIME_DIR"] = str(tmp_path / "runtime")
    environment.pop("JUPYTER_TOKEN", None)
    if request.param == "lax":
        (config / "jupyter_server_config.py").write_text(LAX)
        (config / "jupyter_lab_config.py").write_text(LAX)
        environment["JUPYTER_TOKEN"] = ""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with subprocess.Popen(
        [*LABS, "notebook", "--port", port, "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=REPOSITORY,
        env=environment,
    ) as server:
        assert server.stdout is not None
        try:
            yield next(line.strip() for line in server.stdout if "http" in line)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(HUNG_S)


def status(url: str) -> int:
    """The answer to one request, redirections not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        return int(urllib.request.build_opener(Stay).open(url, timeout=HUNG_S).status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def listeners(port: int) -> set[str]:
    """The local addresses on which something listens on `port`, as /proc/net has them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            where, number = words[1].split(":")
            if int(number, 16) == port and words[3] == "0A":
                found.add(where)
    return found


def test_loopback_and_a_token(address: str) -> None:
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\S+\?token=(\w{32})", address)
    assert found, address
    port, token = int(found[1]), found[2]
    assert listeners(port) == {"0100007F"}
    base = f"http://127.0.0.1:{port}"
    for path in ("/api/contents", "/api/kernels", "/api/terminals", "/lab", "/api/sessions"):
        assert status(f"{base}{path}") in (302, 403), path
        assert status(f"{base}{path}?token={'0' * 32}") in (302, 403), path
    assert status(f"{base}/api/contents?token={token}") == 200
