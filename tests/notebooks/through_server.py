"""Executes one lesson in a kernel that a running server has started, and writes the result.

    python tests/notebooks/through_server.py ADDRESS LESSON RESULT.ipynb

The server starts the kernel for the learner's copy, as JupyterLab asks it to; the code cells of
LESSON, the solved one, are then sent to that kernel by jupyter_client, over the connection file in
Jupyter's runtime directory.  The last line printed is the transport that the server has chosen.
The exit status is 1 if a cell fails; the result is written all the same.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from labs.jupyter.server import leave_out_iri_grammar
from tests.support import HUNG_S

leave_out_iri_grammar()

import nbformat  # noqa: E402
from jupyter_client.blocking.client import BlockingKernelClient  # noqa: E402
from jupyter_core.paths import jupyter_runtime_dir  # noqa: E402


def ask(address: str, method: str, path: str, body: object = None) -> Any:
    """One request to the server's REST API; what it answers."""
    parts = urlsplit(address)
    (token,) = parse_qs(parts.query)["token"]
    request = urllib.request.Request(
        f"http://{parts.netloc}{path}",
        json.dumps(body).encode() if body else None,
        {"Authorization": f"token {token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=HUNG_S) as answer:
        return json.loads(answer.read() or b"null")


def execute(client: BlockingKernelClient, cell: Any) -> bool:
    """Send a cell to the kernel and keep its outputs in it; whether it did not fail."""
    cell.outputs = []

    def on_output(message: dict[str, Any]) -> None:
        if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            cell.outputs.append(nbformat.v4.output_from_msg(message))

    reply = client.execute_interactive(cell.source, timeout=HUNG_S, output_hook=on_output)
    if reply["content"]["status"] != "ok":
        print(cell.source, json.dumps(reply["content"]), sep="\n", file=sys.stderr)
    return bool(reply["content"]["status"] == "ok")


def main(address: str, lesson: Path, result: Path) -> int:
    """The program; returns its exit status."""
    kernel = {"name": "vrrp-lab"}
    body = {"path": lesson.name, "name": lesson.name, "type": "notebook", "kernel": kernel}
    session = ask(address, "POST", "/api/sessions", body)
    client = BlockingKernelClient()
    client.load_connection_file(f"{jupyter_runtime_dir()}/kernel-{session['kernel']['id']}.json")
    client.start_channels(hb=False)  # it counts a kernel as dead that is slow to start
    notebook = nbformat.read(lesson, as_version=4)
    try:
        client.wait_for_ready(timeout=HUNG_S)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        done = all(execute(client, cell) for cell in cells)
    finally:
        client.stop_channels()
        nbformat.write(notebook, result)
        ask(address, "DELETE", f"/api/sessions/{session['id']}")
    print(client.transport)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
