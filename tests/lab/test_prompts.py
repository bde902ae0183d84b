"""The ways to type at a lab: magics in a notebook, Mininet's prompt, the program `labs`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from labs import Lab
from labs.emulation import mininet_prompt
from labs.errors import NO_LAB
from labs.jupyter.kernel import NAME, install
from labs.jupyter.magics import typed
from tests.lab.outside import LABS, calm, no_more_than, picture
from tests.support import HUNG_S, REPOSITORY, eventually


def labs(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program `labs`."""
    options.setdefault("cwd", REPOSITORY)
    return subprocess.run(
        [*LABS, *words], capture_output=True, text=True, timeout=HUNG_S, **options
    )


# --- notebooks -----------------------------------------------------------------------------------


class Notebook:
    """A kernel "VRRP Lab" as a notebook uses it."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(self, cell: str) -> str:
        """Execute a cell; everything it printed, showed or complained about."""
        said: list[str] = []

        def on_output(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "execute_result":
                said.append(content["data"]["text/plain"])
            elif message["msg_type"] == "error":
                said.append("\n".join(content["traceback"]))

        self.client.execute_interactive(cell, timeout=HUNG_S, output_hook=on_output)
        return "".join(said)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """A running kernel, known to Jupyter by a specification of our own."""
    prefix = tmp_path_factory.mktemp("prefix")
    install(str(prefix))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        manager, client = start_new_kernel(kernel_name=NAME, cwd=str(REPOSITORY / "notebooks"))
        yield Notebook(manager, client)
        client.stop_channels()
        manager.shutdown_kernel()


def test_magics_without_a_lab_are_one_line_with_the_remedy(notebook: Notebook) -> None:
    # Another test may have left a lab in this kernel: a new one ends it.
    notebook.run('from labs import Lab\nLab("empty").close()')
    for cell in ("%mn net", "%%on web1\ntrue", "%%conf web1\n#"):
        answer = notebook.run(cell)
        assert answer == f"LabError: {NO_LAB}"


def test_magics_act_on_the_running_lab(notebook: Notebook) -> None:
    answer = notebook.run('from labs import Lab\nlab = Lab("basic", daemon="keepalived")\nlab')
    assert "web1 runs keepalived" in answer
    # Not *: what a package of the machine must have there is there, too.
    answer = notebook.run("%%on web1 web2\nhostname\ncd /etc\nls keepalived/*.conf")
    assert answer == "".join(
        f"[root@{host} ~]# hostname\n{host}\n[root@{host} ~]# cd /etc\n"
        f"[root@{host} etc]# ls keepalived/*.conf\nkeepalived/keepalived.conf\n"
        for host in ("web1", "web2")
    )
    assert "s1-eth1:eth0" in notebook.run("%mn net")
    assert "<BROADCAST,MULTICAST>" in notebook.run(
        "%mn link s1 web1 down\n%mn web1 ip -br link show eth0\n%mn link s1 web1 up"
    )
    actions = notebook.run("[fact.text for fact in lab.facts() if fact.kind == 'action']")
    assert "'link s1 web1 down'" in actions


def test_slips_of_the_first_cell_are_one_line(notebook: Notebook) -> None:
    """In a kernel that was just restarted, too: nothing of a lesson has been imported."""
    for cell in ("ping 192.168.1.10", "cat /etc/hostname", "ls", "ip address"):
        assert "is a shell command, and this cell is Python" in notebook.run(cell), cell
    for cell in ("%%experiment pull\nlab.unplug('web1')", "%catch_up", "%catch_up 2"):
        assert "this kernel has not begun a lesson" in notebook.run(cell)
    for cell in ("exit", "quit", "exit()"):
        assert "Shut Down Kernel" in notebook.run(cell)
    assert notebook.run("check(lab_2, 'home')").count("\n") == 0
    notebook.run('from labs import Lab\nlab = Lab("empty")')
    assert 'write lab.unplug("web1"), with the parentheses' in notebook.run("lab.unplug")
    assert "bound method" in notebook.run("lab.directory.exists")


def test_every_cell_brings_its_lab_to_the_front(notebook: Notebook) -> None:
    """The terminals of hosts follow the lab that was used last."""
    notebook.run('from labs import Lab\nlab = Lab("empty")\ncard = lab.directory / "lab.json"')
    first = float(notebook.run("card.stat().st_mtime"))
    assert float(notebook.run("card.stat().st_mtime")) > first


def test_a_cell_that_prints_without_end_can_be_interrupted(notebook: Notebook) -> None:
    """It shows what comes, but not all of it, and the command ends on the host."""
    notebook.run('from labs import Lab\nlab = Lab("empty")')
    said: list[str] = []

    def on_output(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            said.append(message["content"]["text"])
            if "more follows" in said[-1]:
                notebook.manager.interrupt_kernel()
        elif message["msg_type"] == "error":
            said.append(message["content"]["ename"])

    notebook.client.execute_interactive("%%on client\nyes", timeout=HUNG_S, output_hook=on_output)
    told = "".join(said)
    assert told.startswith("[root@client ~]# yes\ny\ny\n")
    assert re.search(r"\[\.\.\. [\d,]+ characters left out; to have all", told)
    assert told.endswith("KeyboardInterrupt")
    assert len(told) < 101_000
    assert notebook.run("lab.run('client', 'pgrep -c yes').text") == "'0\\n'"


def test_conf_writes_the_file_and_says_what_is_wrong_with_it(notebook: Notebook) -> None:
    notebook.run('from labs import Lab\nlab = Lab("basic", daemon="keepalived")')
    answer = notebook.run("%%conf web1\nvrrp_instance VI_1 {\n    priorty 3\n}")
    assert "keepalived.conf:2:5:" in answer
    assert "did you mean 'priority'?" in answer
    assert answer.endswith(
        "keepalived.conf of web1 written; `systemctl reload keepalived` on web1 puts it to use\n"
    )
    assert "priorty 3" in notebook.run("lab.conf('web1')")
    answer = notebook.run("%%conf web1\nvrrp_instance VI_1 {\n    interface eth1\n}")
    assert "web1 has no interface eth1: it has eth0" in answer
    assert "choose web1 or web2" in notebook.run("%%conf client\n#")
    assert "choose web1, web2 or client" in notebook.run("%%conf nobody\n#")
    assert "which host? write %%conf web1" in notebook.run("%%conf\n#")
    assert "which host? write %%on web1" in notebook.run("%%on\ntrue")


def test_a_lab_error_has_no_traceback(notebook: Notebook) -> None:
    notebook.run('from labs import Lab\nlab = Lab("empty")')
    answer = notebook.run('lab.unplug("mastr")')
    assert answer == ("LabError: no host called 'mastr' in this lab: choose web1, web2 or client")


def running(command: str) -> bool:
    """Whether a process with exactly this command line runs, here or in a lab."""
    line = "".join(f"{word}\0" for word in command.split())
    return any(line == said for said in map(command_line, Path("/proc").glob("[0-9]*/cmdline")))


def command_line(file: Path) -> str:
    """What /proc says of a process; "" if that has ended in the meantime."""
    try:
        return file.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_kernel_can_be_interrupted_and_restarted(notebook: Notebook) -> None:
    notebook.run('from labs import Lab\nlab = Lab("empty")')
    notebook.client.execute('lab.run("web1", "sleep 6666")')
    # Not at the first "busy": until it has reached the cell, a kernel ignores an interrupt.
    eventually(lambda: running("sleep 6666"))
    notebook.manager.interrupt_kernel()
    eventually(lambda: "fine" in notebook.run('print("fine")'))
    eventually(lambda: not running("sleep 6666"), what="the end of the command")
    notebook.manager.restart_kernel(now=True)
    notebook.client.wait_for_ready(timeout=HUNG_S)
    assert "this kernel has no lab yet" in notebook.run("lab")
    assert "<Lab 'empty'" in notebook.run('from labs import Lab\nlab = Lab("empty")\nlab')


def test_a_killed_kernel_leaves_nothing(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    before = calm()
    manager, client = start_new_kernel(kernel_name=NAME)
    Notebook(manager, client).run('from labs import Lab\nlab = Lab("basic", daemon="keepalived")')
    assert len(picture()["processes"]) > len(before["processes"]) + 10
    assert manager.provisioner is not None
    os.kill(manager.provisioner.pid, signal.SIGKILL)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    eventually(lambda: no_more_than(before), what="the machine as it was before")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cell", "commands"),
    [
        ("date\nuptime", 2),
        ("for i in 1 2; do\n  echo $i\ndone", 1),
        ("cat <<END\nfirst\nEND\ndate", 2),
        ("echo one \\\n  two\n\ndate", 2),
        ("echo 'never closed", 0),
    ],
)
def test_typed_lines_are_cut_into_commands(cell: str, commands: int) -> None:
    assert typed(cell).count("printf '[root@") == commands


# --- Mininet's prompt ----------------------------------------------------------------------------


def test_mininets_commands_and_the_labs_verbs(bare_lab: Lab) -> None:
    assert mininet_prompt.command(bare_lab, "nodes").split()[-4:] == [
        "client",
        "s1",
        "web1",
        "web2",
    ]
    assert mininet_prompt.command(bare_lab, "client hostname") == "client\n"
    assert "1 packets transmitted" in mininet_prompt.command(bare_lab, "client ping -c 1 -W 1 web1")
    assert mininet_prompt.command(bare_lab, "holders") == "nobody\n"
    assert mininet_prompt.command(bare_lab, "unplug web1") == ""
    bare_lab.wait_until(lambda: not bare_lab.witness.carrier()["web1"])
    assert mininet_prompt.command(bare_lab, "plug web1") == ""
    assert mininet_prompt.command(bare_lab, "unplug mastr").startswith("no host called 'mastr'")
    assert mininet_prompt.command(bare_lab, "unplug") == "which host? unplug web1 or web2\n"
    assert mininet_prompt.command(bare_lab, "link web1 down").startswith("usage: link s1 web1|web2")
    assert mininet_prompt.command(bare_lab, "lose web1 1") == ""
    assert "100% packet loss" in mininet_prompt.command(bare_lab, "client ping -c 1 -W 0.2 web1")
    assert mininet_prompt.command(bare_lab, "mend web1") == ""
    assert mininet_prompt.command(bare_lab, "oneway web1").startswith("usage: oneway HOST to|from")
    assert "Unknown command: dance" in mininet_prompt.command(bare_lab, "dance")


# --- the program ---------------------------------------------------------------------------------


def test_a_scenario_prints_saves_and_draws(tmp_path: Path) -> None:
    figure, facts = tmp_path / "figure.svg", tmp_path / "facts.jsonl"
    done = labs(
        "run", "failover", "--daemon", "keepalived", "--figure", str(figure), "--json", str(facts)
    )
    assert done.returncode == 0, done.stderr
    row = r"^ *(\w+ -> \w+) +[\d.]+ s +[\d.]+ s +[+-][\d.]+ ms$"
    takeovers = re.findall(row, done.stdout, re.MULTILINE)
    # On a busy machine web1 may start so late that web2 is the first for a moment.
    assert takeovers[0] in ("nobody -> web1", "nobody -> web2")
    assert takeovers[-2:] == ["web1 -> web2", "web2 -> web1"]
    assert figure.read_text().startswith("<?xml")
    kinds = {json.loads(line)["kind"] for line in facts.read_text().splitlines()}
    assert kinds >= {"address", "link", "advert", "arp", "ping", "action", "state"}


def test_running_labs_are_listed_and_can_be_entered() -> None:
    before = labs("ps").stdout.splitlines()
    with subprocess.Popen(
        [*LABS, "cli", "--state", "empty"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=REPOSITORY,
    ) as prompt:
        assert prompt.stdin is not None
        assert prompt.stdout is not None
        prompt.stdin.write("web1 hostname\n")
        prompt.stdin.flush()
        assert prompt.stdout.readline().strip() == "web1"
        listed = {line.split()[0]: line for line in labs("ps").stdout.splitlines()[1:]}
        pid = str(prompt.pid)
        assert set(listed) - {line.split()[0] for line in before} == {pid}
        assert listed[pid].endswith(" empty      web1 (vrrpd), web2 (vrrpd), client")
        enter = ("terminal", "--lab", pid)
        shown = labs(*enter, "web2", "--", "sh", "-c", "hostname; pwd; ps -o comm= 1")
        assert shown.stdout == "web2\n/root\nbash\n"
        assert labs(*enter, "web2", "--", "sh", "-c", "exit 5").returncode == 5
        assert "choose web1, web2 or client" in labs(*enter, "mastr").stderr
        prompt.stdin.close()
        assert prompt.wait(HUNG_S) == 0
    refused = labs(*enter, "web1")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert re.search("no lab of yours is running: start one|no lab called", refused.stderr)


def test_any_command_can_run_inside() -> None:
    done = labs("exec", "--", sys.executable, "-c", "from labs import Lab; print(Lab('empty'))")
    assert done.stdout.startswith("<Lab 'empty': 192.168.1.10 is held by nobody;")
    assert labs("exec", "--", "sh", "-c", "exit 3").returncode == 3


def test_a_wrong_command_lists_the_right_ones() -> None:
    done = labs("rnu")
    assert done.returncode == 2
    # Python puts each choice into quotes, from 3.12 on not.
    assert re.search(r"choose from '?doctor'?, '?run'?, ", done.stderr)
    assert labs("--help").returncode == 0


def test_a_busy_port_is_one_line_with_the_remedy() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = labs("notebook", "--port", str(port), "--no-browser")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"labs: port {port} cannot be used (Address already in use): `make lab PORT={port + 1}`\n"
    )


def test_the_notebook_server_ends_in_order(tmp_path: Path) -> None:
    own = {name: str(tmp_path / name) for name in ("runtime", "config")}
    environment = {
        **os.environ,
        "JUPYTER_RUNTIME_DIR": own["runtime"],
        "JUPYTER_CONFIG_DIR": own["config"],
        "HOME": str(tmp_path),
    }
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
        address = next(line.strip() for line in server.stdout if "http" in line)
        assert re.fullmatch(
            rf"http://127\.0\.0\.1:{port}/lab/workspaces/vrrp-lab\?token=\w{{32}}", address
        )
        server.send_signal(signal.SIGINT)
        assert server.wait(HUNG_S) == 0
    left = [path.name for path in (tmp_path / "runtime").iterdir()]
    assert left in ([], ["jupyter_cookie_secret"])
