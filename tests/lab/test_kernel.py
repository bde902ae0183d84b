"""The kernel "VRRP Lab" can be reached by whichever program starts it, over whichever transport.

an editor        writes a connection file with TCP ports and runs the words of kernel.json
jupyter_client   KernelManager, with its default transport and with ipc
nbclient         as nbconvert and the book use it
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from nbclient import NotebookClient

from labs.errors import LabError
from labs.jupyter import singleuser
from labs.jupyter.kernel import NAME, PORTS, install, specification
from labs.sandbox import relay
from tests.lab.outside import calm, no_more_than
from tests.support import HUNG_S, REPOSITORY, OrdinaryUser, eventually

# A lab in the kernel whose host answers: its own network, and not the one we are in.
LAB = """
from labs import Lab
from labs.sandbox import namespaces
lab = Lab("empty")
print(namespaces.inside(), lab.run("client", "ping -c 1 -W 5 192.168.1.11").status)
"""


@pytest.fixture(autouse=True)
def jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jupyter that knows our kernel and nothing else; its runtime directory."""
    install(str(tmp_path / "prefix"))
    (runtime := tmp_path / "runtime").mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix/share/jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    return runtime


@contextmanager
def connected(client: Any) -> Iterator[Any]:
    """A client whose kernel answers."""
    client.start_channels(hb=False)  # it counts a kernel as dead that is slow to start
    try:
        client.wait_for_ready(timeout=HUNG_S)
        yield client
    finally:
        client.stop_channels()


def printed(client: Any, code: str) -> str:
    """What a cell prints; an error of the cell is one here."""
    said: list[str] = []

    def on_output(message: dict[str, Any]) -> None:
        said.append(message["content"].get("text", ""))

    reply = client.execute_interactive(code, timeout=HUNG_S, output_hook=on_output)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(said)


@contextmanager
def edited(path: Path, **ports: int) -> Iterator[subprocess.Popen[str]]:
    """A kernel as an editor starts it: a connection file, and the words of kernel.json."""
    write_connection_file(str(path), key=b"secret", **ports)  # type: ignore[arg-type]
    argv = [str(path) if word == "{connection_file}" else word for word in specification()["argv"]]
    kernel = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, cwd=path.parent)
    try:
        yield kernel
    finally:
        kernel.kill()
        kernel.communicate()


def client_of(path: Path) -> BlockingKernelClient:
    """A client of the kernel that a connection file describes."""
    client = BlockingKernelClient()
    client.load_connection_file(str(path))
    return client


def test_the_kernel_of_an_editor(tmp_path: Path) -> None:
    """All five channels: cells, output, input, interrupts and heartbeats."""
    before, path = calm(), tmp_path / "kernel.json"
    with edited(path) as kernel, connected(client_of(path)) as client:
        assert client.transport == "tcp"
        assert printed(client, LAB) == "True 0\n"
        assert "0123456789" in printed(client, "print('0123456789' * 1_000_000)")[-11:]
        with client.context.socket(zmq.REQ) as heart:
            heart.linger = 0
            heart.connect(f"tcp://127.0.0.1:{client.hb_port}")
            heart.send(b"ping")
            assert heart.poll(int(HUNG_S * 1000)), "no heartbeat"
        waiting = "import threading; print('on'); threading.Event().wait()"
        asked = client.execute(waiting, stop_on_error=False)  # else what follows may be aborted
        eventually(lambda: client.get_iopub_msg(timeout=HUNG_S)["content"].get("text") == "on\n")
        client.control_channel.send(client.session.msg("interrupt_request", {}))
        eventually(lambda: client.get_shell_msg(timeout=HUNG_S)["parent_header"]["msg_id"] == asked)
        assert printed(client, "print(6 * 7)") == "42\n"
        client.shutdown()
        assert kernel.wait(HUNG_S) == 0
    eventually(lambda: no_more_than(before), what="the machine as it was before")


def test_two_clients_of_one_kernel(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    with edited(path), connected(client_of(path)) as one, connected(client_of(path)) as other:
        printed(one, "said = 'by one'")
        assert printed(other, "print(said)") == "by one\n"


def test_ports_that_the_kernel_is_to_choose(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    write_connection_file(str(path), key=b"secret")
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | dict.fromkeys(PORTS, 0)))
    argv = [*specification()["argv"][:-1], str(path)]
    with subprocess.Popen(argv, cwd=tmp_path) as kernel:
        try:
            eventually(lambda: all(json.loads(path.read_text())[name] for name in PORTS))
            with connected(client_of(path)) as client:
                assert printed(client, "print(6 * 7)") == "42\n"
        finally:
            kernel.kill()


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_kernel_manager(jupyter: Path, transport: str) -> None:
    """It restarts a kernel that was killed, at the same place, and leaves nothing."""
    manager = KernelManager(kernel_name=NAME)
    assert manager.transport == "tcp", "jupyter_client's default"
    manager.transport = transport
    manager.connection_file = str(jupyter / "kernel.json")
    manager.start_kernel(cwd=str(REPOSITORY))
    try:
        with connected(manager.client()) as client:
            assert printed(client, LAB) == "True 0\n"
            place = client.get_connection_info()
            os.kill(manager.provisioner.pid, signal.SIGKILL)  # type: ignore[union-attr]
            manager.restart_kernel(now=True)
            client.wait_for_ready(timeout=HUNG_S)
            assert manager.get_connection_info() == place
            assert printed(client, LAB) == "True 0\n"
    finally:
        manager.shutdown_kernel(now=True)
    assert list(jupyter.iterdir()) == []


def test_nbclient() -> None:
    cell = nbformat.v4.new_code_cell(LAB)
    kernel = {"name": NAME, "display_name": "VRRP Lab", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    NotebookClient(notebook, timeout=HUNG_S, startup_timeout=HUNG_S).execute()
    assert cell.outputs[0].text == "True 0\n"


def test_an_ordinary_user_with_a_jupyter_of_another_venv(
    ordinary_user: OrdinaryUser, tmp_path: Path
) -> None:
    """JupyterHub's server is one: it sees kernel.json, and none of our packages."""
    spec = KernelSpec.from_resource_dir(str(install(str(tmp_path / "prefix")).parent))
    assert spec.metadata == {}, "a provisioner would have to be installed there"
    path = ordinary_user.home / "kernel.json"
    write_connection_file(str(path), key=b"secret")
    ordinary_user.give(path)
    argv = [word.format(connection_file=path) for word in spec.argv]
    with ordinary_user.popen(argv) as kernel:
        try:
            with connected(client_of(path)) as client:
                assert printed(client, LAB) == "True 0\n"
        finally:
            kernel.kill()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "kernel.json is no connection file of a kernel (.*No such file"),
        ("[]", "kernel.json is no connection file of a kernel"),
        ('{"transport": "tcp"}', "kernel.json is no connection file of a kernel ('shell_port')"),
        (
            json.dumps({"ip": "192.0.2.1"} | dict.fromkeys(PORTS, 0)),
            "a kernel of a lab cannot listen on 192.0.2.1: choose the ip 127.0.0.1,",
        ),
    ],
)
def test_what_it_cannot_do_is_one_line(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "kernel.json"
    if text is not None:
        path.write_text(text)
    command = [sys.executable, "-m", "labs.jupyter.kernel", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HUNG_S)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert re.search(words.replace("(", r"\(").replace(")", r"\)"), done.stderr)


def test_a_port_that_another_program_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "FREE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"port {port} of 127.0.0.1 cannot be used: Address al"):
            relay.listen("127.0.0.1", port)


def test_a_relay_adds_little(tmp_path: Path) -> None:
    """What is asked for a hundred times, one after another, is not held back to be collected."""
    path = tmp_path / "kernel.json"
    with edited(path), connected(client_of(path)) as client:
        began = time.monotonic()
        for _ in range(100):
            client.kernel_info(reply=True, timeout=HUNG_S)
        print(f"{(time.monotonic() - began) * 10:.2f} ms each")


def test_a_server_is_at_work_while_an_open_notebook_runs_a_lab() -> None:
    """What keeps a hub from ending it: with Jupyter Server's own manager, and a real lab."""
    server = SimpleNamespace(
        kernel_manager=AsyncMappingKernelManager(  # type: ignore[no-untyped-call]
            default_kernel_name=NAME
        ),
        web_app=SimpleNamespace(settings={"last_activity_times": {}}),
    )
    seen = asyncio.run(_marked(server))
    assert seen == {"closed": False, "no lab": False, "a lab": True, "closed again": False}
    assert list(server.web_app.settings["last_activity_times"]) == ["labs"]


async def _marked(server: Any) -> dict[str, bool]:
    manager = server.kernel_manager
    number, seen = await manager.start_kernel(), {}
    client = manager.get_kernel(number).client()
    client.start_channels(hb=False)
    try:
        await client.wait_for_ready(timeout=HUNG_S)
        seen["closed"] = singleuser.mark_active(server)
        manager.notify_connect(number)
        seen["no lab"] = singleuser.mark_active(server)
        reply = await client.execute_interactive(LAB, timeout=HUNG_S, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        seen["a lab"] = singleuser.mark_active(server)
        manager.notify_disconnect(number)
        seen["closed again"] = singleuser.mark_active(server)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(number)
    return seen
