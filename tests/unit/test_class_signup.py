"""Who may sign up for a class, with which folder, and what a teacher's configuration becomes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.cli.main import main
from labs.emulation import discovery
from labs.errors import LabError
from labs.jupyter import hub, singleuser, trial

traitlets_config = pytest.importorskip("traitlets.config")
EXAMPLE = Path(__file__).parents[2] / "packaging" / "jupyterhub" / "jupyterhub_config.py"
if not Path(sys.executable).with_name("jupyterhub").exists():
    pytest.skip("optional: JupyterHub is not installed: make setup-class", allow_module_level=True)

from jupyterhub import auth  # noqa: E402

from labs.jupyter import signup  # noqa: E402  it imports JupyterHub

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize("name", ["anna", "lee,jun", "花子", "o'neil", "x2", "anna-maria", "é"])
def test_names_of_people_are_names(name: str) -> None:
    assert signup.problem_of_name(name) == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "missing"),
        ("anna lee", "a space"),
        ("../etc", "begins with"),
        (".hub", "begins with"),
        ("a/b", "“/”"),
        ("a\nb", "a control"),
        ("a!user=b", "“!”"),
        ("x" * 41, "at most 40"),
        ("a\ud800", "not a control"),
    ],
)
def test_what_cannot_be_a_folder_or_an_address_is_no_name(name: str, problem: str) -> None:
    assert problem in signup.problem_of_name(name)


def test_a_folder_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "anna"
    signup.prepare(folder)
    (folder / "progress.jsonl").write_text("{}\n")
    signup.prepare(folder)
    assert (folder / "progress.jsonl").read_text() == "{}\n"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root gives ids to learners")
def test_under_root_each_learner_has_an_id(tmp_path: Path) -> None:
    for name in ("anna", "ben"):
        signup.prepare(tmp_path / name)
    owners = [(tmp_path / name).stat().st_uid for name in ("anna", "ben")]
    assert owners == [trial.FIRST_ID, trial.FIRST_ID + 1]


def test_a_folder_that_is_not_the_learners_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "anna").symlink_to("other")
    with pytest.raises(signup.Refusal, match="not a directory"):
        signup.prepare(tmp_path / "anna")
    if os.geteuid() == 0:
        with pytest.raises(signup.Refusal, match="belongs to user id 0"):
            signup.prepare(tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []


def test_a_full_disk_is_reported_before_a_server_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1_000_000))
    with pytest.raises(signup.Refusal, match=r"is full \(1 MB are free\)") as refused:
        signup.prepare(tmp_path / "anna")
    assert refused.value.jupyterhub_message == str(refused.value)


def options(folder: Path, **more: object) -> trial.Options:
    return trial.Options(folder=folder, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"ip": "localhost"}, "not an address"),
        ({"certificate": Path("/nowhere.pem")}, "belong together"),
        ({"certificate": Path("/nowhere.pem"), "key": Path("/k.pem")}, "cannot be read"),
    ],
)
def test_what_was_asked_for_is_checked_first(
    tmp_path: Path, more: dict[str, object], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "/usr/bin/true")
    with pytest.raises(LabError, match=complaint):
        trial.serve(options(tmp_path, **more))
    with pytest.raises(LabError, match="lies in the checkout"):
        trial.serve(options(Path(__file__).parent / "class"))


def test_a_class_of_root_is_where_learners_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not root, and root's home is closed to them: no server of theirs could start."""
    monkeypatch.delenv("LAB_CLASS", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert trial.folder() == Path("/srv/vrrp-lab-class")
    (closed := tmp_path / "root").mkdir(mode=0o700)
    (closed / "class" / ".hub").mkdir(parents=True)
    with pytest.raises(
        LabError, match=f"cannot read {closed}/class, because .* is closed: name an"
    ):
        trial._serve(options(closed / "class"), {})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert trial.folder() == Path.home() / "vrrp-lab-class"


@pytest.mark.parametrize(("ip", "other"), [("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1")])
def test_a_second_class_on_the_same_port_is_one_line(
    tmp_path: Path, ip: str, other: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It ends at once, in another folder, too, and leaves the first one its words."""
    if shutil.which("configurable-http-proxy") is None:
        pytest.skip("the proxy is missing; remedy: make setup-class")
    with socket.create_server((ip, 0)) as first:
        port = first.getsockname()[1]
        words = ["class", "--folder", str(tmp_path / "b"), "--port", str(port), "--ip", other]
        assert main(words) == 2
    printed = capfd.readouterr()
    remedy = f"`make class PORT={port + 10}`"
    assert printed.out == ""
    assert printed.err == f"labs: port {port} cannot be used (Address already in use): {remedy}\n"


def test_words_are_made_once_and_are_the_teachers_alone(tmp_path: Path) -> None:
    first = trial._arguments(options(tmp_path / "class"))
    assert trial._arguments(options(tmp_path / "class")) == first
    assert (tmp_path / "class" / ".hub").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "class" / ".hub" / "words.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "class" / ".hub" / "words.json").write_text("{")
    assert trial._arguments(options(tmp_path / "class")) != first


def test_the_example_configures_systemd_and_the_culler() -> None:
    c = traitlets_config.Config()
    exec(compile(EXAMPLE.read_text(), EXAMPLE, "exec"), {"get_config": lambda: c})
    assert c.JupyterHub.spawner_class == "systemd"
    assert c.Spawner.cmd == [sys.executable, "-m", "labs.jupyter.singleuser"]
    assert "idle-culler" in [service["name"] for service in c.JupyterHub.services]
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and line[0] != "#"]
    assert len(lines) <= 10


def test_spawner_and_authenticator_take_every_setting() -> None:
    """An option that they do not know would be ignored without a word."""
    systemdspawner = pytest.importorskip("systemdspawner")
    c = traitlets_config.Config()
    hub.configure(c)
    hub.system_accounts(c)
    known = set(systemdspawner.SystemdSpawner.class_traits(config=True))
    assert set(c.Spawner) | set(c.SystemdSpawner) <= known
    assert set(c.LocalAuthenticator) <= set(auth.PAMAuthenticator.class_traits(config=True))


def verified(unit: Path) -> str:
    """What systemd finds wrong with a unit."""
    # It makes /run/systemd, which an ordinary user may not where systemd has not been started.
    own_run = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    own_run += ['mount -t tmpfs none /run && exec "$@"', "sh"]
    done = subprocess.run(
        [*own_run, "systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    return done.stdout + done.stderr or f"{done.returncode or ''}"


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="optional: systemd-analyze is not installed"
)
def test_systemd_takes_the_units_of_the_hub_and_of_a_learner(tmp_path: Path) -> None:
    """The learner's is made of what the spawner has taken from our configuration."""
    checkout = str(EXAMPLE.parents[2])
    hub_unit = EXAMPLE.with_name("vrrp-lab-class.service").read_text()
    (tmp_path / "hub.service").write_text(hub_unit.replace("/opt/vrrp-lab", checkout))
    assert verified(tmp_path / "hub.service") == ""
    c = traitlets_config.Config()
    hub.configure(c)
    hub.system_accounts(c)
    spawner_class = pytest.importorskip("systemdspawner").SystemdSpawner
    spawner = spawner_class(config=c, user=SimpleNamespace(name="anna", id=1))
    assert spawner.unit_name == "jupyter-anna-singleuser"
    assert (spawner.mem_limit, spawner.cpu_limit) == (1 << 30, 2.0)
    assert (spawner.isolate_tmp, spawner.disable_user_sudo) == (True, True)
    own = [f"{name}={value}" for name, value in spawner.unit_extra_properties.items()]
    unit = tmp_path / "learner.service"
    unit.write_text("\n".join(["[Service]", "ExecStart=/bin/true", *own, ""]))
    assert verified(unit) == ""
    unit.write_text(unit.read_text().replace("OOMPolicy=continue", "OOMPolicy=carry-on"))
    assert "carry-on" in verified(unit)


@pytest.mark.parametrize(("account", "allowed"), [("nobody", True), ("daemon", False)])
def test_a_teacher_outside_of_the_group_is_let_in(account: str, allowed: bool) -> None:
    """JupyterHub 6 lets no administrator in for being one."""
    c = traitlets_config.Config()
    hub.system_accounts(c, group="no-such-group", teachers=["nobody"])
    rules = auth.PAMAuthenticator(config=c)
    assert rules.check_allowed(account, None) is allowed
    assert not rules.allow_existing_users


def test_the_plugin_of_tljh_changes_the_server_and_leaves_the_rest() -> None:
    path = EXAMPLE.with_name("vrrp_lab_tljh.py")
    plugin: dict[str, Any] = {"__name__": "plugin"}
    exec(compile(path.read_text(), path, "exec"), plugin)
    c = traitlets_config.Config()
    c.Spawner.mem_limit = "2G"
    plugin["tljh_custom_jupyterhub_config"](c)
    assert c.Spawner.cmd == ["/opt/vrrp-lab/.venv/bin/python", "-m", "labs.jupyter.singleuser"]
    assert (c.Spawner.mem_limit, "JupyterHub" in c) == ("2G", False)
    sys.path.remove(plugin["CHECKOUT"])


class HubThatEnds:
    """The hub's process, which ends when the teacher has pressed Ctrl-C."""

    def send_signal(self, _number: int) -> None:
        pass

    def wait(self) -> int:
        signal.raise_signal(signal.SIGINT)
        return 0


def test_a_class_that_has_ended_sets_no_alarm_on_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine Python's own end takes seconds, and the alarm would kill it then."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    monkeypatch.setattr(subprocess, "Popen", lambda *_words, **_options: HubThatEnds())
    monkeypatch.setattr(trial, "_started", lambda *_: True)
    monkeypatch.setattr(trial, "_require_open", lambda *_: None)
    chosen = options(tmp_path)
    chosen.state.mkdir()
    try:
        assert trial._serve(chosen, trial._arguments(chosen)) == 0
        assert signal.alarm(0) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Kernels:
    """One kernel with so many open notebooks, as Jupyter Server's kernel manager shows it."""

    def __init__(self, connections: int, pid: int) -> None:
        self.connections, self.provisioner, self.pid = connections, self, pid

    def list_kernels(self) -> list[dict[str, Any]]:
        return [{"id": "k", "connections": self.connections}]

    def get_kernel(self, _number: str) -> Kernels:
        return self


@pytest.mark.parametrize(
    ("connections", "labs", "active"), [(1, ["a lab"], True), (0, ["a lab"], False), (1, [], False)]
)
def test_an_open_notebook_with_a_lab_keeps_its_server_from_being_idle(
    connections: int, labs: list[str], active: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "find", lambda above: labs if above == 42 else [])
    times: dict[str, Any] = {}
    web = SimpleNamespace(settings={"last_activity_times": times})
    application = SimpleNamespace(kernel_manager=Kernels(connections, 42), web_app=web)
    assert singleuser.mark_active(application) is active
    assert bool(times) is active
