"""A class for one evening: a JupyterHub on this machine, without accounts, until Ctrl-C.

    labs class --users 40           prints the address, the teacher's password, the learners' word

    labs class ── keeper ── init ── jupyterhub ─┬─ the proxy          TLS, if certificates are given
                                                ├─ the wall, the culler
                                                └─ a server for each learner, unseen by the others

    FOLDER/anna/              the lessons and progress.jsonl of the learner who signed up as anna
    FOLDER/.hub/              the hub's own: who signed up, the passwords' hashes, its log

Whatever ends the hub, the kernel ends every server and every lab with it; the learners' files are
in FOLDER.  Started again with the same FOLDER, the class goes on with the same names and words.

    started by      a learner's server runs as
    a user          that user; the other learners, the home directory and /tmp are out of its sight
    root            an id of its own (FIRST_ID and up), which owns the learner's folder
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import pprint
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.errors import LabError
from labs.jupyter import hub
from labs.jupyter.server import require_free

TEACHER = "teacher"
STATE = ".hub"
# Ids that systemd sets aside for containers (https://systemd.io/UIDS-GIDS); a lab's hosts have
# those that follow.
FIRST_ID, LAST_ID = 0x6FFE0000, 0x6FFEFFFF
START_SECONDS = 300
TRIES = 3  # JupyterHub ends if its proxy has not started after ten seconds, as on a busy machine
END_SECONDS = 20
_HERE = Path(__file__).parent
_CHECKOUT = _HERE.parents[1]


@dataclass(frozen=True)
class Options:
    """What `labs class` was asked for; `idle` in seconds, `memory` as JupyterHub writes it."""

    folder: Path
    users: int = 40
    ip: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    key: Path | None = None
    idle: int = hub.IDLE

    @property
    def state(self) -> Path:
        """The hub's own folder."""
        return self.folder / STATE

    @property
    def address(self) -> str:
        """What a learner opens."""
        scheme = "https" if self.certificate else "http"
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{scheme}://{host}:{self.port}"


def folder() -> Path:
    """The class's folder: $LAB_CLASS, or vrrp-lab-class in the home directory, of root in /srv.

    Learners of root's class have user ids of their own, and root's home is closed to them.
    """
    above = Path("/srv") if os.geteuid() == 0 else Path.home()
    return Path(os.environ.get("LAB_CLASS") or above / "vrrp-lab-class").absolute()


def serve(options: Options) -> int:
    """Serve the class until Ctrl-C; the exit status.

    Raises LabError if the hub cannot be started.
    """
    _check(options)
    words = _arguments(options)
    with (options.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"a class is running in {options.folder} already: end it, "
                "or name another folder, `make class CLASS=FOLDER`"
            ) from None
        require_free(options.port, options.ip, f"make class PORT={options.port + 10}")
        return _serve(options, words)


def _check(options: Options) -> None:
    """LabError for what JupyterHub would say in many lines, or not at all."""
    if shutil.which("jupyterhub", path=str(Path(sys.executable).parent)) is None:
        raise LabError("JupyterHub is not installed: `make class` installs it into .venv")
    if shutil.which("configurable-http-proxy") is None:
        raise LabError(
            "the proxy is missing: `sudo apt-get install node-configurable-http-proxy` installs it"
        )
    if bool(options.certificate) != bool(options.key):
        raise LabError("a certificate and its key belong together: give both, or neither")
    for path in filter(None, (options.certificate, options.key)):
        if not os.access(path, os.R_OK):
            raise LabError(f"{path} cannot be read: a certificate and its key are PEM files")
    try:
        ipaddress.ip_address(options.ip)
    except ValueError:
        raise LabError(f"{options.ip!r} is not an address: 127.0.0.1, or 0.0.0.0 for all") from None
    if options.folder.is_relative_to(_CHECKOUT):
        raise LabError(
            f"{options.folder} lies in the checkout, which learners can read: name a folder "
            "outside of it, `make class CLASS=FOLDER`"
        )
    _require_open(_CHECKOUT, "clone into /opt or /srv")


def _require_open(needed: Path, remedy: str) -> None:
    """LabError with the `remedy` if learners, who are not root, cannot pass to what they need."""
    above = [place for place in needed.parents if place.exists()]
    closed = [place for place in above if not place.stat().st_mode & 0o001]
    if os.geteuid() == 0 and closed:
        raise LabError(
            f"learners are not root here and cannot read {needed}, because {closed[-1]} is closed: "
            f"{remedy}, or run this as an ordinary user"
        )


def _arguments(options: Options) -> dict[str, str]:
    """The teacher's password and the word with which learners sign up; made once for a folder."""
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            options.folder.chmod(0o711)  # learners reach their own folder, and list none
        options.state.mkdir(mode=0o700, exist_ok=True)
        path = options.state / "words.json"
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text())
            return {name: str(found[name]) for name in ("teacher", "learners")}
        made = {"teacher": secrets.token_urlsafe(12), "learners": secrets.token_hex(4)}
        path.touch(mode=0o600)
        path.write_text(json.dumps(made) + "\n")
    except OSError as error:
        raise _unwritable(options, error) from None
    return made


def _unwritable(options: Options, error: OSError) -> LabError:
    return LabError(
        f"{error.filename or options.folder} cannot be written ({error.strerror}): "
        "name another folder, `make class CLASS=FOLDER`"
    )


def _config(options: Options, words: dict[str, str]) -> Path:
    """Write the hub's configuration.  Raises LabError if the folder takes nothing more."""
    config = options.state / "jupyterhub_config.py"
    settings = {"options": options, "words": words}
    try:
        config.touch(mode=0o600)
        config.write_text(
            "# Written by `labs class` at every start.\n"
            "from pathlib import PosixPath\n\n"
            "from labs.jupyter.trial import Options, configure\n\n"
            f"configure(get_config(), **{pprint.pformat(settings)})\n"
        )
    except OSError as error:
        raise _unwritable(options, error) from None
    return config


def _serve(options: Options, words: dict[str, str]) -> int:
    config = _config(options, words)
    _require_open(options.folder, "name another folder, `make class CLASS=/srv/vrrp-lab-class`")
    log = options.state / "hub.log"
    with log.open("ab") as output:
        for left in reversed(range(TRIES)):
            server = subprocess.Popen(
                _command(config),
                cwd=options.state,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a terminal sends Ctrl-C to all; the hub stops one twice
            )
            end = _Ending(server)
            if _started(server, options):
                print(_welcome(options, words), flush=True)
                break
            if end.asked:
                break
            if not left:
                print(_end_of(log), file=sys.stderr)
        status = server.wait()
        end.over()
    place = f"The learners' work is in {options.folder}"
    if end.asked:
        print(f"The class has ended.  {place}; `labs report {options.folder}/*` lists it.")
        return 0
    print(
        f"labs: the hub ended (status {status}), and every lab with it; its log is {log}.\n"
        f"labs: {place}.  The same command starts the class again.",
        file=sys.stderr,
    )
    return 1


def _command(config: Path) -> list[str]:
    """What runs the hub of `config`."""
    return [sys.executable, "-m", "labs.jupyter.trial", str(config)]


class _Ending:
    """What Ctrl-C does: the hub stops the servers, and after END_SECONDS the kernel does."""

    def __init__(self, server: subprocess.Popen[bytes]) -> None:
        self.asked = False
        self._server = server
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._begin)
        signal.signal(signal.SIGALRM, lambda *_: server.kill())

    def _begin(self, *_: object) -> None:
        if self.asked:
            self._server.kill()
            return
        self.asked = True
        print("\n  The class ends ... (Ctrl-C once more ends it at once)", flush=True)
        self._server.send_signal(signal.SIGTERM)
        signal.alarm(END_SECONDS)

    def over(self) -> None:
        """Call the kernel off: there is nothing left to end but us, which may take a while."""
        signal.alarm(0)


def _started(server: subprocess.Popen[bytes], options: Options) -> bool:
    """Wait until the hub answers; False if it ended before."""
    for _ in range(START_SECONDS * 5):
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.2)
            return False
        if _answers(options):
            return True
    return True


def _answers(options: Options) -> bool:
    """Whether the hub behind the proxy says that it is well."""
    import ssl

    trusting = ssl._create_unverified_context()  # it is our own, whatever its name
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(options.ip)
    address = options.address.replace(options.ip, host, 1) if host else options.address
    try:
        with urllib.request.urlopen(f"{address}/hub/health", timeout=5, context=trusting) as page:
            return bool(page.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _welcome(options: Options, words: dict[str, str]) -> str:
    """What the terminal shows once the hub answers."""
    where, lines = options.address, []
    if options.ip in ("0.0.0.0", "::"):
        lines.append(f"  ({options.ip} means every address of this machine: give learners one)")
    local = ipaddress.ip_address(options.ip).is_loopback
    if local:
        lines.append("  Only this machine reaches it: `make class IP=0.0.0.0` opens it to others.")
    elif not options.certificate:
        lines.append("  Without TLS, passwords can be read on the way: CERT=FILE KEY=FILE adds it.")
    return "\n".join([
        "",
        f"  A class for {options.users} learners is at",
        "",
        f"      {where}/hub/signup",
        "",
        f"  learners sign up with the word   {words['learners']}",
        f"  you log in as {TEACHER} with      {words['teacher']}",
        f"  the wall, for you                {where}/services/wall/",
        f"  the learners' work               {options.folder}",
        *(["", *lines] if lines else []),
        "",
        "  Ctrl-C ends the hub and every lab.",
        "",
    ])  # fmt: skip


def _end_of(log: Path) -> str:
    """The last lines of the hub's log."""
    lines = log.read_text(errors="replace").splitlines()[-12:]
    return "\n".join(["labs: the hub did not start; its log ends with:", *lines])


def configure(c: Any, options: Options, words: dict[str, str]) -> None:
    """Fill the configuration `c` of the class's hub."""
    state = options.state
    hub.configure(c, None, None, idle=options.idle)
    hub.class_folders(c, options.folder)
    c.JupyterHub.bind_url = options.address
    c.JupyterHub.ssl_cert = str(options.certificate or "")
    c.JupyterHub.ssl_key = str(options.key or "")
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub.free_port()}"
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{hub.free_port()}"
    # The number in a file of the last evening is another process by now.
    pid_file = state / "proxy.pid"
    pid_file.unlink(missing_ok=True)
    c.ConfigurableHTTPProxy.pid_file = str(pid_file)
    c.JupyterHub.db_url = f"sqlite:///{state}/jupyterhub.sqlite"
    c.JupyterHub.cookie_secret_file = str(state / "cookie_secret")
    c.JupyterHub.template_paths = [str(_HERE / "templates")]
    c.JupyterHub.active_server_limit = options.users + 1  # the teacher's is one
    c.JupyterHub.authenticator_class = "labs.jupyter.signup.ClassAuthenticator"
    c.ClassAuthenticator.teacher_password = words["teacher"]
    c.ClassAuthenticator.learners_word = words["learners"]
    c.ClassAuthenticator.most_learners = options.users
    c.Authenticator.admin_users = {TEACHER}


def main(words: list[str]) -> int:
    """`python -m labs.jupyter.trial CONFIG`: the hub of a class, as a tree that ends as a whole."""
    from labs.sandbox import process_tree

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it
    try:
        return process_tree.run([sys.executable, "-m", "jupyterhub", "-f", words[0]])
    except LabError as error:
        print(f"labs: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
