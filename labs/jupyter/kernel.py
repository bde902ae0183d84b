"""The notebook kernel "VRRP Lab": IPython inside a lab's namespaces.

    JupyterLab, nbclient, an editor
        |  starts   python -m labs.jupyter.kernel CONNECTION_FILE     (specification(), kernel.json)
        |  talks to it     as the connection file says, which that program has written:
        |                  ipc   Unix sockets, which are reached from every network namespace
        |                  tcp   ports of the machine, opened here and relayed (labs.sandbox.relay)

However it is started, and with either transport: nothing has to be configured or installed
beside kernel.json, which `labs kernelspec` writes into this venv; `make setup` calls that.
With LAB_MODE=replay nothing runs in the kernel, so it has no namespaces.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from labs.errors import LabError

NAME = "vrrp-lab"
# The names of a kernel's five ports in a connection file.
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


def specification() -> dict[str, Any]:
    """The content of kernel.json."""
    return {
        "argv": [sys.executable, "-m", "labs.jupyter.kernel", "{connection_file}"],
        "display_name": "VRRP Lab",
        "language": "python",
        # Interrupts as messages: signals would have to find their way through init.
        "interrupt_mode": "message",
    }


def install(prefix: str = sys.prefix) -> Path:
    """Write kernel.json below `prefix`, where this venv's Jupyter looks; the file's path."""
    path = Path(prefix, "share", "jupyter", "kernels", NAME, "kernel.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(specification(), indent=1) + "\n")
    return path


def ensure() -> None:
    """Write kernel.json unless it is there as it has to be; pip, for one, does not write it.

    Raises LabError if this Python's directories cannot be written.
    """
    path = Path(sys.prefix, "share", "jupyter", "kernels", NAME, "kernel.json")
    try:
        if path.exists() and json.loads(path.read_text()) == specification():
            return
        install()
    except (OSError, ValueError) as error:
        raise LabError(
            f"{path} cannot be written ({error}): install into a venv of your own, "
            "`python3 -m venv --system-site-packages DIRECTORY`"
        ) from None


def command(connection_file: str) -> list[str]:
    """The command of IPython's own kernel, with the lab's magics."""
    return [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        connection_file,
        "--InteractiveShellApp.extra_extensions=labs.jupyter.magics",
    ]


def run(connection_file: str) -> int:
    """Run the kernel of `connection_file` in fresh namespaces; its exit status.

    Raises LabError for a file that cannot be read, ports that cannot be used and where the machine
    refuses namespaces.
    """
    from labs.jupyter import ended
    from labs.sandbox import namespaces, relay

    listeners = _open_ports(Path(connection_file))
    place = str(Path(connection_file).resolve().parent)
    ended.take(connection_file)
    before = ended.killed_for_memory()
    kernel = command(connection_file)
    status = namespaces.run(kernel, lambda: relay.start(listeners), [place])
    ended.leave(connection_file, status, before)
    return status


def _open_ports(path: Path) -> list[socket.socket]:
    """Listen on the TCP ports of a connection file; ports 0 in it become those that are used."""
    from labs.sandbox import relay

    try:
        told = json.loads(path.read_text())
        if told.get("transport", "tcp") != "tcp":
            return []
        ip, ports = str(told.get("ip", "127.0.0.1")), [int(told[name]) for name in PORTS]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabError(
            f"{path} is no connection file of a kernel ({error}): the program that starts the "
            "kernel 'VRRP Lab' writes one before, as Jupyter does"
        ) from None
    listeners = [relay.listen(ip, port) for port in ports]
    if 0 in ports:
        told |= {name: each.getsockname()[1] for name, each in zip(PORTS, listeners, strict=True)}
        whole = path.with_name(f"{path.name}.new")
        whole.touch(mode=0o600)
        whole.write_text(json.dumps(told, indent=2) + "\n")
        whole.replace(path)
    return listeners


def main(argv: list[str] | None = None) -> int:
    """`python -m labs.jupyter.kernel CONNECTION_FILE`"""
    words = sys.argv[1:] if argv is None else argv
    if len(words) != 1:
        print("usage: python -m labs.jupyter.kernel CONNECTION_FILE", file=sys.stderr)
        return 2
    if os.environ.get("LAB_MODE") == "replay":
        kernel = command(words[0])
        os.execv(kernel[0], kernel)
    try:
        return run(words[0])
    except LabError as error:
        print(f"labs: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
