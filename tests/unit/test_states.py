"""Start states and topologies as they lie on disk: each can be read, and each hangs together."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from ipaddress import ip_interface
from pathlib import Path

import pytest

from labs import progress
from labs.emulation import network, start_states
from labs.errors import LabError
from labs.model.story import Step
from tests.support import REPOSITORY


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of states of the test's own, beside a copy of `basic`."""
    shutil.copytree(start_states.STATES / "basic", tmp_path / "basic")
    monkeypatch.setattr(start_states, "STATES", tmp_path)
    return tmp_path


def begin(states: Path, text: str, name: str = "own") -> None:
    (states / name).mkdir()
    (states / name / "begin").write_text(text)


def _hosts(step: Step) -> tuple[str, ...]:
    """The hosts that a line names."""
    if step.verb == "wait":
        return tuple(word for word in step.words[1:] if word != "of" and "." not in word)
    return step.words[:1]


@pytest.mark.parametrize("name", start_states.names())
def test_every_state_can_be_read_and_names_hosts_that_exist(name: str) -> None:
    told = start_states.read(name)
    layout = network.layout(told.topology)
    files = [path for source in told.sources for path in (start_states.STATES / source).iterdir()]
    assert {path.name for path in files if path.is_dir()} <= set(layout.servers)
    hosts = {word for _, step in told.steps for word in _hosts(step)}
    assert hosts <= {*layout.hosts, "nobody"}


@pytest.mark.parametrize("name", start_states.names())
def test_every_state_explains_itself(name: str) -> None:
    first, blank, *rest = (start_states.STATES / name / "README.md").read_text().splitlines()
    assert (first, blank) == (f"# {name}", "")
    assert "".join(rest).strip()


def test_begin_says_topology_addresses_sources_and_steps(states: Path) -> None:
    begin(states, "topology routers  # two networks\nwatch 10.0.0.10\n", name="first")
    begin(states, "from first\nfrom basic\n\nlose r1 0.3\nwait holder r2 of 10.0.0.10\nsettle\n")
    told = start_states.read("own")
    assert told.sources == ("basic", "first", "own")
    begin(states, "from first\nsettle\n", name="second")
    told = start_states.read("second")
    assert (told.topology, told.watch, told.sources) == (
        "routers",
        ("10.0.0.10",),
        ("first", "second"),
    )
    assert [step.text for _, step in told.steps] == ["settle"]


@pytest.mark.parametrize("line", ["dance web1", "wait web1", "watch", "topology", "from a b"])
def test_a_line_that_is_not_understood_is_named(states: Path, line: str) -> None:
    begin(states, f"settle\n{line}\n")
    with pytest.raises(LabError, match=re.escape(f"own/begin:2: `{line}` is no instruction")):
        start_states.read("own")


def test_unknown_states_and_topologies_are_answered_with_the_known_ones(states: Path) -> None:
    with pytest.raises(LabError, match=r"no state called 'basics' .*: choose basic"):
        start_states.read("basics")
    with pytest.raises(LabError, match=r"no topology called 'ring'.*ha_pair, .* or two_pairs"):
        network.layout("ring")


@pytest.mark.parametrize("name", network.names())
def test_a_topology_is_whole(name: str) -> None:
    layout = network.layout(name)
    assert {*layout.servers, layout.client} <= set(layout.hosts)
    for field in ("ip", "ip6", "mac", "port"):
        values = [getattr(socket, field) for socket in layout.sockets]
        assert len(set(values)) == len(values), field
    for socket in layout.sockets:
        # The last byte of the MAC address and the last number of both addresses are one number.
        number = int(socket.mac.rpartition(":")[2], 16)
        assert ip_interface(socket.ip).ip.packed[-1] == number
        assert socket.ip6.partition("/")[0].endswith(f"::{number}")
    networks = {ip_interface(socket.ip).network for socket in layout.sockets}
    assert len(networks) == len(layout.switches)
    assert all(any(ip_interface(one).ip in each for each in networks) for one in layout.virtual)


@pytest.mark.parametrize("name", network.names())
def test_the_drawing_names_every_host_and_address(name: str) -> None:
    layout = network.layout(name)
    drawing = (REPOSITORY / "topologies" / f"{name}.py").read_text().split('"""')[1]
    assert [host for host in layout.hosts if not re.search(rf"\b{host}\b", drawing)] == []
    addresses = [socket.ip.partition("/")[0] for socket in layout.sockets]
    assert [one for one in (*addresses, *layout.virtual) if one not in drawing] == []
    assert f"mn --custom topologies/{name}.py --topo {name} --switch lxbr" in drawing


@pytest.mark.parametrize("name", network.names())
def test_plain_mininet_can_read_it(name: str) -> None:
    """As `mn --custom` does: the file alone, executed, with nothing of ours on the path."""
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); names = {}\n"
        "exec(compile(open(sys.argv[1]).read(), sys.argv[1], 'exec'), names, names)\n"
        "print(*names['topos'][sys.argv[2]]().hosts())"
    )
    path = REPOSITORY / "topologies" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), name],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert set(done.stdout.split()) == set(network.layout(name).hosts)


def learner(place: Path, monkeypatch: pytest.MonkeyPatch, seed: str) -> None:
    """The kernel has the folder of a learner with this seed."""
    place.mkdir()
    (place / progress.SEED).write_text(seed)
    monkeypatch.setenv(progress.VARIABLE, str(place))


def test_a_learner_has_numbers_of_their_own_and_keeps_them(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(states, "own 15 17 25 35\nfrom basic\n")
    told, text = start_states.read("own"), "virtual_router_id 15 # 150 1.15 15.1\n"
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    assert told.with_own(text) == text
    found = []
    for number in range(12):
        learner(tmp_path / f"learner-{number}", monkeypatch, f"seed {number}")
        found.append(told.with_own(text))
        assert start_states.read("own").with_own(text) == found[-1]
    ends = {each.removeprefix("virtual_router_id ") for each in found}
    assert ends == {f"{vrid} # 150 1.15 15.1\n" for vrid in (15, 17, 25, 35)}


def test_a_state_without_such_numbers_leaves_the_folder_alone(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "work"))
    assert start_states.read("basic").with_own("virtual_router_id 15") == "virtual_router_id 15"
    assert list((tmp_path / "work").iterdir()) == []


def test_a_number_of_ones_own_has_a_choice(states: Path) -> None:
    begin(states, "own 15\n")
    with pytest.raises(LabError, match=r"begin:1: `own 15` is no instruction"):
        start_states.read("own")


@pytest.mark.parametrize("name", start_states.names())
def test_the_files_have_the_first_of_the_learners_own_numbers(name: str) -> None:
    """In a keepalived.conf, which can be read with each of them."""
    told = start_states.read(name)
    place = start_states.STATES / name
    texts = [path.read_text() for path in place.rglob("keepalived.conf")]
    for first, *others in told.own:
        found = [text for text in texts if re.search(rf"(?<![\w.]){first}(?![\w.])", text)]
        assert found, f"{name}: no file has {first}"
        for other in others:
            assert not any(other in text for text in texts)
