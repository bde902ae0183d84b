"""One learner's server of a JupyterHub: what the hub's spawner starts.

    python -m labs.jupyter.singleuser                    as the learner's account
    python -m labs.jupyter.singleuser --class FOLDER     in FOLDER, unseen by the other learners

The learner's folder is brought up to date first ($LAB_WORK or ~/vrrp-lab; no edited copy is
overwritten), then JupyterLab starts as `make lab` starts it, but for what the hub decides: the
address, the prefix and who may come in.

With --class, learners share one account: the server sees of the class's folder, of the home
directory and of /tmp only what is this learner's, and no process of others.

A module of Jupyter Server, too (`_load_jupyter_server_extension`): it marks the server as active
while a notebook is open whose kernel runs a lab, so that the hub's idle culling leaves it alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from labs.errors import LabError
from labs.jupyter import server, workbooks
from labs.progress import VARIABLE

# Seconds between two looks for labs at work.
LOOK_EVERY = 60.0
_MODULE = "labs.jupyter.singleuser"


def main(argv: list[str] | None = None) -> int:
    """The program; returns its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog=_MODULE, add_help=False)
    parser.add_argument("--class", type=Path, dest="class_folder")
    options, rest = parser.parse_known_args(words)
    try:
        if options.class_folder is not None:
            return _apart(options.class_folder, rest)
        _serve(rest)
    except LabError as error:
        print(f"labs: {error}", file=sys.stderr)
        return 2
    return 0


def _apart(class_folder: Path, rest: list[str]) -> int:
    """Start this module again where the other learners are out of sight; its exit status."""
    from labs.sandbox import process_tree

    own = Path(os.environ["HOME"])
    os.chdir(own)
    # Short, so that Unix sockets reach the kernels; and gone with the server.
    os.environ["JUPYTER_RUNTIME_DIR"] = "/tmp/jupyter"
    return process_tree.run(
        [sys.executable, "-m", _MODULE, *rest],
        covered=[class_folder, Path("/tmp"), Path("/var/tmp"), *_homes()],
        shown=[own],
        readable=[Path(__file__).parents[2], Path(sys.prefix)],
    )


def _homes() -> list[Path]:
    """The home directory of the account that this process belongs to; none without an account."""
    import pwd

    try:
        return [Path(pwd.getpwuid(os.geteuid()).pw_dir)]
    except KeyError:
        return []


def _serve(rest: list[str]) -> None:
    """Serve the lessons until the hub ends this process."""
    server.import_less()
    from jupyterhub.singleuser.extension import JupyterHubSingleUser
    from jupyterlab.commands import get_workspaces_dir  # type: ignore[import-untyped]

    server.require_runtime_directory()
    folder = _prepared()
    os.environ["JUPYTERHUB_DEFAULT_URL"] = server.start_page()
    server.open_the_terminals(Path(get_workspaces_dir()))
    server.use_our_defaults()
    extensions = [
        f"--ServerApp.jpserver_extensions={name}=True" for name in (_MODULE, "jupyterlab")
    ]
    JupyterHubSingleUser.launch_instance([*server.lesson_arguments(folder), *extensions, *rest])


def _prepared() -> Path:
    """The learner's folder, brought up to date.

    Where the lessons are there already, a disk that is full is no reason to keep the learner out.
    Raises LabError if there are none.
    """
    folder = workbooks.folder()
    os.environ[VARIABLE] = str(folder)
    try:
        for line in workbooks.hand_out(folder):
            print(line)
    except LabError as error:
        if not (folder / server.first_lesson()).exists():
            raise
        print(f"labs: the lessons are not brought up to date: {error}", file=sys.stderr)
    return folder


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What Jupyter Server asks a module that it loads."""
    return [{"module": _MODULE}]


def _load_jupyter_server_extension(application: Any) -> None:
    """Called by Jupyter Server at its start."""
    from tornado.ioloop import PeriodicCallback

    from labs.jupyter import export_handler

    application.io_loop.add_callback(server.stay_offline, application)
    application.io_loop.add_callback(export_handler.serve, application)

    def look() -> None:
        mark_active(application)

    PeriodicCallback(look, LOOK_EVERY * 1000).start()


def mark_active(application: Any) -> bool:
    """Whether a notebook is open whose kernel runs a lab: then the server is active now."""
    from labs.emulation import discovery

    manager = application.kernel_manager
    for kernel in manager.list_kernels():
        if not kernel["connections"]:
            continue
        pid = manager.get_kernel(kernel["id"]).provisioner.pid
        if pid and discovery.find(above=pid):
            times = application.web_app.settings["last_activity_times"]
            times["labs"] = datetime.now(timezone.utc)
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
