"""The notebook kernel "VRRP Lab": IPython inside a lab's namespaces.

    JupyterLab, nbclient, jupyter run
        |  starts          python -m labs.namespace -- python -m ipykernel_launcher ...
        |  talks to it     over Unix sockets: a network namespace has no port of ours

Where sockets lie is decided by the side that starts a kernel, so the kernel specification names a
provisioner, `LabProvisioner`, and nobody has to configure a server.
The specification is written into this venv by `labs kernelspec`, which `make setup` calls.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.paths import jupyter_runtime_dir

from labs.namespace import mark

NAME = "vrrp-lab"
# sun_path of a Unix socket has 108 bytes, the last of them zero; "-5" follows the prefix.
_LONGEST = 108 - 1 - 2


def specification() -> dict[str, Any]:
    """The content of kernel.json."""
    python = sys.executable
    return {
        "argv": [
            python, "-m", "labs.namespace", "--",
            python, "-m", "ipykernel_launcher", "-f", "{connection_file}",
            "--InteractiveShellApp.extra_extensions=labs.magics",
        ],
        "display_name": "VRRP Lab",
        "language": "python",
        # Interrupts as messages: signals would have to find their way through init.
        "interrupt_mode": "message",
        "metadata": {"kernel_provisioner": {"provisioner_name": NAME}},
    }  # fmt: skip


def install(prefix: str = sys.prefix) -> Path:
    """Write kernel.json below `prefix`, where this venv's Jupyter looks; the file's path."""
    path = Path(prefix, "share", "jupyter", "kernels", NAME, "kernel.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(specification(), indent=1) + "\n")
    return path


def socket_prefix() -> str:
    """A path for the kernel's sockets, to which Jupyter appends -1 to -5; short enough for all."""
    name = f"lab-{uuid.uuid4().hex[:12]}"
    for directory in (jupyter_runtime_dir(), os.environ.get("XDG_RUNTIME_DIR", "")):
        path = os.path.join(directory, name)
        if directory and len(os.fsencode(path)) <= _LONGEST:
            os.makedirs(directory, mode=0o700, exist_ok=True)
            return path
    # The home is too deep: a directory of our own in /tmp, removed with the sockets.
    return os.path.join(tempfile.mkdtemp(prefix=f"{mark()}-", dir="/tmp"), name)


def _replays(environment: dict[str, str] | None) -> bool:
    """Whether this kernel is to replay lessons (labs.replayed)."""
    return (os.environ if environment is None else environment).get("LAB_MODE") == "replay"


class LabProvisioner(LocalProvisioner):
    """Starts a kernel as usual, and has it reached through Unix sockets."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the sockets before the connection file is written; a restart keeps them."""
        manager = self.parent
        if _replays(kwargs.get("env")):
            # Nothing runs in there, so no namespaces are needed: Jupyter's own ways will do.
            told: dict[str, Any] = await super().pre_launch(**kwargs)
            told["cmd"] = told["cmd"][told["cmd"].index("--") + 1 :]
            return told
        if manager is not None and manager.transport != "ipc":
            manager.cache_ports = False
            manager.transport = "ipc"
            manager.ip = socket_prefix()
        prepared: dict[str, Any] = await super().pre_launch(**kwargs)
        return prepared

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the sockets, which a killed kernel leaves."""
        await super().cleanup(restart=restart)
        manager = self.parent
        if restart or manager is None or manager.transport != "ipc":
            return
        prefix = Path(manager.ip)
        for path in prefix.parent.glob(f"{prefix.name}-*"):
            path.unlink(missing_ok=True)
        if prefix.parent.name.startswith(f"{mark()}-"):
            prefix.parent.rmdir()
