"""What a JupyterHub needs to serve the lessons: a teacher's jupyterhub_config.py in a few lines.

    from labs.jupyter import hub

    c = get_config()
    hub.configure(c, memory="1G", cpu=2.0)
    hub.system_accounts(c, group="learners", teachers=["prof"])
    c.JupyterHub.bind_url = "https://:443"
    c.JupyterHub.ssl_cert = "/etc/letsencrypt/live/class.example.org/fullchain.pem"
    c.JupyterHub.ssl_key = "/etc/letsencrypt/live/class.example.org/privkey.pem"

`configure` is for every spawner; packaging/jupyterhub has it as a plugin of The Littlest
JupyterHub, and `labs.jupyter.trial` uses it for a class on this machine without accounts.
`lti` lets learners in who come from an LMS, such as Canvas or Moodle.

    each learner    labs.jupyter.singleuser: a folder with the lessons, JupyterLab, the terminals
    each notebook   a kernel in namespaces of its own, as with `make lab`
    idle servers    are ended after `idle` seconds; one whose notebook is open and runs a lab is not
                    idle
    the wall        a service of the hub for its teachers: /services/wall/ (labs.wall)

Nothing is imported from JupyterHub here, so that any hub's Python can read this file.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from labs.jupyter import lti_launches
from labs.sandbox.namespaces import MARK

# Seconds without anything done after which a learner's server is ended.
IDLE = 3600
# How many bytes one learner needs, and the share of a processor: measured, see docs/teaching.md.
MEMORY, CPU = "1G", 2.0
# Processes and threads of one learner: a lab has about 60.
TASKS = 2000
# What a server inherits of the hub's environment: which daemon, which kind of lab, the lab's mark.
_CHOICES = ("LAB_DAEMON", "LAB_MODE", MARK)
_PROXY = ["env", "NODE_PATH=/usr/share/nodejs", "configurable-http-proxy"]


def configure(
    c: Any,
    memory: str | None = MEMORY,
    cpu: float | None = CPU,
    idle: int = IDLE,
    options: Sequence[str] = (),
) -> None:
    """Make the hub of the configuration `c` start servers with the lessons, and end idle ones.

    `memory`: most that a learner may use, as JupyterHub writes it ("600M", "1G"); `cpu`: most
    processors. Spawners without limits ignore both. `idle`: seconds.
    `options` of `labs.jupyter.singleuser`.
    """
    serve_lessons(c, options=options, idle=idle)
    c.Spawner.mem_limit, c.Spawner.cpu_limit = memory, cpu
    c.LocalProcessSpawner.interrupt_timeout = c.LocalProcessSpawner.term_timeout = 5
    c.JupyterHub.concurrent_spawn_limit = 0  # forty learners open the page in the same minute
    if Path("/usr/bin/configurable-http-proxy").exists():
        c.ConfigurableHTTPProxy.command = _PROXY
    cull_idle(c, idle)


def serve_lessons(
    c: Any, python: str = sys.executable, options: Sequence[str] = (), idle: int = IDLE
) -> None:
    """Make any spawner start the lessons' server; the rest of `c` stays as it is.

    `python`: that of the .venv in the checkout.
    """
    c.Spawner.cmd = [python, "-m", "labs.jupyter.singleuser", *options]
    c.Spawner.default_url = "/lab"
    c.Spawner.start_timeout = c.Spawner.http_timeout = 600
    c.Spawner.environment = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "JUPYTERHUB_ACTIVITY_INTERVAL": str(max(1, min(300, idle // 4))),
    }
    c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL", *_CHOICES]


def system_accounts(c: Any, group: str = "learners", teachers: Iterable[str] = ()) -> None:
    """Let the members of a Unix group in, each in a systemd unit under an account of its own.

    `teachers` are the accounts that may open the wall and JupyterHub's administration.
    """
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.isolate_tmp = True
    # sudo and setuid programs have no use in a lesson; user namespaces do not need them.
    c.SystemdSpawner.disable_user_sudo = True
    c.SystemdSpawner.default_shell = "/bin/bash"
    c.SystemdSpawner.unit_extra_properties = {"TasksMax": str(TASKS), "OOMPolicy": "continue"}
    c.LocalAuthenticator.allowed_groups = {group}
    c.LocalAuthenticator.admin_users = set(teachers)
    # An administrator outside of the group is not let in by being one.
    c.LocalAuthenticator.allowed_users = set(teachers)
    c.LocalAuthenticator.allow_existing_users = False
    wall(c, ["--accounts", group])


def class_folders(c: Any, folder: str | Path) -> None:
    """Give each learner a folder in `folder` and no account, and hide the others from its server.

    After `configure`.  Run by root, each server has a user id of its own.
    """
    c.Spawner.cmd = [*c.Spawner.cmd, "--class", str(folder)]
    c.JupyterHub.spawner_class = "labs.jupyter.signup.ClassSpawner"
    c.ClassSpawner.class_folder = str(folder)
    wall(c, ["--class", str(folder)])


def lti(
    c: Any,
    issuer: str,
    client_id: str,
    authorize_url: str,
    jwks_url: str,
    launches: str | Path,
    name: str = "email",
) -> None:
    """Let learners in who come from an LMS by LTI 1.3, and keep where their scores go.

    The first four are what the LMS shows when this hub is registered as a tool of it: its login
    URL is HUB/hub/lti13/oauth_login, its redirect URL HUB/hub/lti13/oauth_callback.
    `launches`: a folder for `labs grade lti`.  `name`: the claim that a learner is named by.
    """
    c.JupyterHub.authenticator_class = "ltiauthenticator.lti13.auth.LTI13Authenticator"
    c.LTI13Authenticator.issuer = issuer
    c.LTI13Authenticator.client_id = {client_id}
    c.LTI13Authenticator.authorize_url = authorize_url
    c.LTI13Authenticator.jwks_endpoint = jwks_url
    c.LTI13Authenticator.username_key = name
    # A name is the name of a folder, too.
    c.Authenticator.username_pattern = r"\w[\w.,'@+-]{0,99}\Z"
    c.Authenticator.allow_all = True
    c.Authenticator.post_auth_hook = lti_launches.hook(Path(launches))


def cull_idle(c: Any, idle: int) -> None:
    """Add the service that ends servers after `idle` seconds without activity."""
    command = [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={idle}"]
    command += [f"--cull-every={max(1, min(300, idle // 2))}"]
    _service(c, "idle-culler", command=command)
    _role(c, "idle-culler", ["list:users", "read:users:activity", "read:servers", "delete:servers"])


def wall(c: Any, where: Sequence[str]) -> None:
    """Add the wall as a service; `where`: the arguments of `labs.wall.service`."""
    command = [sys.executable, "-m", "labs.wall.service", *where]
    url = f"http://127.0.0.1:{free_port()}"
    _service(c, "wall", command=command, url=url, display=True, oauth_no_confirm=True)


def _service(c: Any, name: str, display: bool = False, **options: Any) -> None:
    services = [each for each in _list(c.JupyterHub, "services") if each["name"] != name]
    c.JupyterHub.services = [*services, {"name": name, "display": display, **options}]


def _role(c: Any, service: str, scopes: list[str]) -> None:
    roles = [each for each in _list(c.JupyterHub, "load_roles") if each["name"] != service]
    role = {"name": service, "services": [service], "scopes": scopes}
    c.JupyterHub.load_roles = [*roles, role]


def _list(section: Any, name: str) -> list[dict[str, Any]]:
    """The list that is configured so far; traitlets gives a placeholder where none is."""
    return list(section[name]) if name in section else []


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
