"""JupyterLab with the lessons: what `make lab` runs.

    the learner's own copies         in $LAB_WORK or ~/vrrp-lab (labs.jupyter.workbooks), edits kept
    127.0.0.1 only, with a token      also when root runs it
    the first lesson open             new notebooks get the kernel "VRRP Lab"
    the hosts' terminals beside it    (labs.jupyter.workspace)
    no questions                      Ctrl-C ends the server and every lab, at once
    no calls to the outside           no news, no update check, no extension catalogue

The server itself runs on the machine; only kernels are in namespaces, each in its own.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import signal
import socket
import sys
import uuid
from pathlib import Path
from typing import Any

from labs import jsonlines
from labs.errors import LabError
from labs.jupyter import kernel, workbooks, workspace
from labs.progress import VARIABLE

HOST = "127.0.0.1"
SETTINGS = Path(__file__).with_name("settings")  # a directory of Jupyter's configuration
EXTENSIONS = Path(__file__).with_name("labextensions")  # a directory of JupyterLab's extensions


def serve(port: int, browser: bool | None = None, source: bool = False) -> None:
    """Serve the lessons on `port` until Ctrl-C.

    `browser`: whether to open one; by default if there is a screen to open it on.
    `source`: serve the solved lessons of the repository, for their authors.
    Raises LabError if the port is taken, there are no lessons or a folder cannot be written.
    """
    require_free(port)
    require_runtime_directory()
    kernel.ensure()
    folder = workbooks.NOTEBOOKS if source else prepared()
    import_less()
    from jupyterlab.commands import get_workspaces_dir  # type: ignore[import-untyped]
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]

    from labs.jupyter import early_kernel, export_handler

    lesson = open_the_terminals(Path(get_workspaces_dir()))
    if not source:
        use_our_defaults()
    # Neither an empty variable nor the user's own Jupyter settings must leave it open to others.
    token = os.environ["JUPYTER_TOKEN"] = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(16)
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    application = LabApp.initialize_server(
        argv=[
            *arguments(port, has_screen if browser is None else browser, folder),
            f"--IdentityProvider.token={token}",
        ]
    )
    stay_offline(application)
    export_handler.serve(application)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: application.stop(from_signal=True))
    where = address(port, token, application.base_url)
    place = f"  Your lessons are in {folder}.\n"
    words = f"\n  VRRP Lab is at\n\n      {where}\n\n{place}  Ctrl-C ends it.\n"
    # The server has asked the loop to listen; ours comes after it, when the address works.
    application.io_loop.add_callback(print, words, flush=True)
    if lesson is not None:
        application.io_loop.add_callback(early_kernel.start, application, lesson)
    application.start()


def import_less() -> None:
    """Keep JupyterLab's import, which comes next, from three things that no lesson needs.

    The grammar of IRIs: see leave_out_iri_grammar().
    The command `httpx`, with all of the package rich: a tenth of a second.
    Yarn, which JupyterLab runs where Node is installed, to ask for the registry that extensions
    built from source come from: half a second or more.
    """
    leave_out_iri_grammar()
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    from jupyterlab import commands  # type: ignore[import-untyped]

    commands._yarn_config = lambda logger: {"yarn config": {}, "npm config": {}}


def leave_out_iri_grammar() -> None:
    """Keep jsonschema, which Jupyter imports, from compiling a grammar of RFC 3987 at its import.

    That takes two seconds of CPU at every start.  jsonschema does without the package if it is
    absent: it then accepts any string with "format": "iri", which no schema of Jupyter has.
    """
    # None in sys.modules: an import of the name raises ImportError.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def use_our_defaults() -> None:
    """Let JupyterLab start from our defaults, below the user's own settings.

    A notebook is saved with the state of its forms: on the next day they show what was answered,
    and not "Error displaying widget: model not found".
    """
    known = os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep)
    if str(SETTINGS) not in known:
        os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(SETTINGS), *filter(None, known)])


def open_the_terminals(workspaces: Path) -> str | None:
    """Make JupyterLab, whose workspaces are in this folder, open with the hosts' terminals.

    The notebook that it opens with, which may be another than the first lesson: the workspace is
    the learner's.  None if it opens with no notebook.
    """
    for line in set_aside_workspaces(workspaces):
        print(line)
    hosts = hosts_of_the_lessons()
    if not hosts:
        return first_lesson()
    try:
        return workspace.shown_notebook(workspace.lay_out(workspaces, first_lesson(), hosts))
    except OSError as error:
        print(f"the hosts' terminals do not stand beside the lesson: {error}")
        return None


def set_aside_workspaces(folder: Path) -> list[str]:
    """Rename the damaged workspaces of JupyterLab; a line for each.

    A workspace remembers which windows were open.  With a damaged one among them, JupyterLab
    answers every question about workspaces with "500: Internal Server Error".
    """
    said = []
    for path in sorted(folder.glob("*.jupyterlab-workspace")):
        try:
            told = json.loads(jsonlines.whole(path))
            if isinstance(told["data"], dict) and isinstance(told["metadata"]["id"], str):
                continue
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            pass
        aside = path.with_name(f"{path.name}.damaged")
        try:
            path.rename(aside)
            said.append(f"JupyterLab's list of open windows was damaged: it is {aside} now")
        except OSError as error:
            said.append(f"JupyterLab's list of open windows is damaged: remove {path} ({error})")
    return said


def address(port: int, token: str, base_url: str = "/") -> str:
    """The address to open, token included; `base_url` is that of the user's Jupyter settings."""
    return f"http://{HOST}:{port}{base_url.rstrip('/')}{start_page()}?token={token}"


def start_page() -> str:
    """What to open: the workspace with the terminals, or in a replay the first lesson alone."""
    if hosts_of_the_lessons():
        return f"/lab/workspaces/{workspace.NAME}"
    return f"/lab/tree/{first_lesson()}"


def hosts_of_the_lessons() -> list[str]:
    """The hosts of the network that the first lesson starts, servers first; none in a replay."""
    if os.environ.get("LAB_MODE") == "replay":
        return []
    from labs.emulation import network, start_states

    layout = network.layout(start_states.read("basic").topology)
    return list(dict.fromkeys([*layout.servers, *layout.hosts]))


def prepared() -> Path:
    """The learner's folder, brought up to date; kernels find it in LAB_WORK."""
    folder = workbooks.folder()
    for line in workbooks.hand_out(folder):
        print(line)
    os.environ[VARIABLE] = str(folder)
    return folder


def first_lesson() -> str:
    """The notebook to open: the first by name, which is how the lessons are numbered."""
    return workbooks.lessons()[0].name


def arguments(port: int, browser: bool, folder: Path) -> list[str]:
    """The command line of JupyterLab."""
    return [
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.allow_root=True",
        "--ServerApp.log_level=WARN",
        f"--LabApp.default_url={start_page()}",
        *lesson_arguments(folder),
    ]


def lesson_arguments(folder: Path) -> list[str]:
    """The part of JupyterLab's command line that is the same where a hub starts the server."""
    return [
        f"--ServerApp.root_dir={folder}",
        # By it the live panel opens the terminal of a host that is clicked.
        "--LabApp.expose_app_in_browser=True",
        f"--LabApp.extra_labextensions_path={EXTENSIONS}",
        "--TerminalsExtensionApp.terminal_manager_class=labs.jupyter.terminals.HostTerminals",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",
        "--MultiKernelManager.default_kernel_name=vrrp-lab",
        # With a second kernel, JupyterLab asks which one, and a lesson runs in this one only.
        "--KernelSpecManager.allowed_kernelspecs=vrrp-lab",
        "--KernelSpecManager.ensure_native_kernel=False",
        f"--KernelManager.transport={transport()}",
        "--ServerApp.jpserver_extensions=jupyter_lsp=False",
    ]


def transport() -> str:
    """How the server reaches its kernels: "ipc" (Unix sockets), or "tcp" in a home too deep for it.

    Unix sockets are the user's alone, and forty servers on one machine take no ports from each
    other; but sun_path has 108 bytes, the last of them zero.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    # As jupyter_client names them: a uuid for the kernel, a number for the channel.
    longest = os.path.join(jupyter_runtime_dir(), f"kernel-{uuid.UUID(int=0)}-ipc-5")
    return "ipc" if len(os.fsencode(longest)) < 108 else "tcp"


def stay_offline(application: Any) -> None:
    """Take from JupyterLab's page what would ask about news or look for newer versions.

    The page does without language servers, too, of which the kit brings none.
    """
    settings = application.web_app.settings
    before = settings.get("page_config_hook")

    def hook(handler: object, page: dict[str, Any]) -> dict[str, Any]:
        page = before(handler, page) if before else page
        disabled = [
            *page.get("disabledExtensions", []),
            "@jupyterlab/apputils-extension:announcements",
            "@jupyterlab/extensionmanager-extension",
            "@jupyterlab/lsp-extension",
            # They require what that provides.
            "@jupyterlab/fileeditor-extension:language-server",
            "@jupyterlab/notebook-extension:language-server",
        ]
        page.update(buildCheck=False, buildAvailable=False, disabledExtensions=disabled)
        return page

    settings["page_config_hook"] = hook


def require_free(port: int, ip: str = HOST, remedy: str = "") -> None:
    """LabError with the `remedy`, another port by default, if `port` cannot be listened on."""
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ip, port))
        except OSError as error:
            raise LabError(
                f"port {port} cannot be used ({error.strerror}): "
                f"`{remedy or f'make lab PORT={port + 1}'}`"
            ) from None


def require_runtime_directory() -> None:
    """LabError if Jupyter could not write the connection files of kernels and servers."""
    from jupyter_core.paths import jupyter_runtime_dir

    folder = jupyter_runtime_dir()
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        why = "" if os.access(folder, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        raise LabError(
            f"Jupyter cannot write to {folder} ({why}): "
            "name another folder, `JUPYTER_RUNTIME_DIR=FOLDER make lab`"
        )
