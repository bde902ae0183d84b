"""What installs the kit: Debian's packages, the container, Kubernetes, and what they need.

`make deb` builds the packages and asks lintian, and packaging/debian/tests runs them once
installed; `make dist-check` lints the files for Kubernetes; that tools/debian13.sh makes a
Debian 13 and runs the rings there is seen by `make test-debian13` alone.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import vrrpd
from labs.cli.doctor import PORT
from labs.cli.main import _parser
from labs.jupyter import singleuser
from tests.support import HUNG_S, REPOSITORY, OrdinaryUser

# Debian's packages: what is installed exists, and pages and pins are current.


DEBIAN = REPOSITORY / "packaging" / "debian"
INSTALLED = sorted(DEBIAN.glob("*.install")) + sorted(DEBIAN.glob("*.manpages"))


def pins(name: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9-]+==[^ \n]+", (REPOSITORY / name).read_text(), re.M))


@pytest.mark.parametrize("listing", INSTALLED, ids=lambda path: path.name)
def test_what_is_installed_exists(listing: Path) -> None:
    for line in listing.read_text().splitlines():
        source = line.split()[0]
        here = source.replace("debian/", "packaging/debian/", 1)
        assert list(REPOSITORY.glob(here)), line


def test_the_changelog_has_the_version() -> None:
    assert f"({vrrpd.__version__})" in (DEBIAN / "changelog").read_text().splitlines()[0]
    for page in ("labs.1", "vrrp-lab.1"):
        assert f"VRRP Lab {vrrpd.__version__}" in (REPOSITORY / "docs" / "man" / page).read_text()


def test_the_commands_of_the_manual_page_exist() -> None:
    text = (REPOSITORY / "docs" / "man" / "labs.1").read_text()
    section = text.partition(".SH COMMANDS")[2].partition(".SH")[0]
    named = set(
        re.findall(r"(?:^\.B |, )([a-z]+)", "\n".join(re.findall(r"^\.B .*", section, re.M)), re.M)
    )
    [commands] = [a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert {"run", "terminal", "grade"} <= named
    assert named - set(commands.choices) == set()


def test_the_packages_that_make_setup_installs_are_dependencies() -> None:
    """What tools/setup.sh finds missing on a bare Debian, `apt install` brings."""
    setup = (REPOSITORY / "tools" / "setup.sh").read_text()
    listed = re.search(r"for pair in ip:iproute2(.*?); do", setup, re.S)
    assert listed
    needed = {"iproute2", "mininet", "python3-venv", *re.findall(r":([\w-]+)", listed[1])}
    control = (DEBIAN / "control").read_text()
    depends = set(re.findall(r"^ ([a-z][\w.-]+)[ ,]", control, re.M))
    assert needed - depends == {"util-linux"}, "essential: policy wants no dependency on it"


def test_the_lessons_get_the_versions_that_are_tested() -> None:
    own = pins("requirements-lessons.lock")
    assert any(pin.startswith("jupyterlab==") for pin in own)
    assert own - pins("requirements.lock") == set()


def test_the_menu_entry_is_valid() -> None:
    checker = shutil.which("desktop-file-validate")
    if checker is None:
        pytest.skip("optional: desktop-file-utils is not installed")
    done = subprocess.run([checker, DEBIAN / "vrrp-lab.desktop"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


# The packages that tools/setup.sh asks for on a bare machine, by what it sets up.


SETUP = (REPOSITORY / "tools" / "setup.sh").read_text()
MISSING = re.search(r"^missing\(\) \{\n.*?^\}\n", SETUP, re.M | re.S)


def needed(purpose: str) -> set[str]:
    """What `missing` finds where no program is on PATH."""
    assert MISSING
    text = f'PURPOSE={purpose} CI=\n{MISSING[0]}\nmissing\necho "$NEEDED $WANTED"\n'
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", text],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("purpose", ["lessons", "class"])
def test_a_learner_and_a_class_need_no_npm(purpose: str) -> None:
    assert not needed(purpose) & {"nodejs", "npm"}


def test_a_class_needs_the_proxy_besides() -> None:
    assert needed("class") - needed("lessons") == {"node-configurable-http-proxy"}


@pytest.mark.parametrize("purpose", ["tests", "site"])
def test_the_browser_edition_needs_node_and_npm(purpose: str) -> None:
    assert {"nodejs", "npm"} <= needed(purpose)


# .venv holds requirements.lock, whatever packages of Python the system has.


def test_a_matplotlib_of_the_system_does_not_get_in_the_way() -> None:
    """Debian 12's python3-matplotlib takes the name mpl_toolkits when Python starts."""
    code = "import matplotlib.projections, mpl_toolkits.mplot3d as own; print(own.__file__)"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).is_relative_to(sys.prefix)


# tools/debian13.sh: what it lacks is one line; where packages come from is the user's choice.


DEBIAN13 = REPOSITORY / "tools" / "debian13.sh"


def test_without_root_it_says_so_in_one_line(ordinary_user: OrdinaryUser) -> None:
    done = ordinary_user.run([DEBIAN13, "true"], timeout=HUNG_S, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "debian13: this needs root; remedy: put sudo before the command\n"


def test_without_debootstrap_it_says_so_in_one_line(tmp_path: Path) -> None:
    for program in ("dirname", "id"):
        (tmp_path / program).symlink_to(shutil.which(program) or program)
    done = subprocess.run(
        ["unshare", "--map-root-user", "env", f"PATH={tmp_path}", DEBIAN13, "true"],
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    missing = "debootstrap is missing; remedy: sudo apt-get install debootstrap"
    assert done.stderr == f"debian13: {missing}\n"


def test_without_a_command_it_says_how_it_is_used() -> None:
    done = subprocess.run([DEBIAN13], capture_output=True, text=True, timeout=HUNG_S)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "debian13: usage: tools/debian13.sh COMMAND [WORD...]\n"


def test_it_names_no_mirror() -> None:
    assert "://" not in DEBIAN13.read_text(encoding="utf-8")


# The dev container: its file fits the reference, and names what the repository has.


CONTAINER = REPOSITORY / ".devcontainer" / "devcontainer.json"
CONTAINER_SCHEMA = REPOSITORY / "tests" / "data" / "schemas" / "devcontainer.json"


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--schemafile", str(CONTAINER_SCHEMA), str(path)]
    return subprocess.run(command, capture_output=True, text=True)


def test_it_fits_the_reference() -> None:
    done = checked(CONTAINER)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_notices(tmp_path: Path) -> None:
    wrong = tmp_path / "devcontainer.json"
    wrong.write_text(CONTAINER.read_text().replace('"privileged"', '"privilege"'))
    assert checked(wrong).returncode == 1


def test_it_sets_up_at_build_and_forwards_the_port_of_the_lessons() -> None:
    content = json.loads(CONTAINER.read_text())
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (REPOSITORY / "Makefile").read_text(), re.M))
    for step in ("onCreateCommand", "postAttachCommand"):
        assert content[step].removeprefix("make ") in targets
    assert content["forwardPorts"] == [PORT]
    assert content["privileged"] is True


# Kubernetes: the files agree with each other and with the repository.


KUBERNETES = REPOSITORY / "packaging" / "kubernetes"


def read(name: str) -> Any:
    return yaml.safe_load((KUBERNETES / name).read_text())


def test_the_pod_to_try_is_as_those_of_learners() -> None:
    [container] = read("pod.yaml")["spec"]["containers"]
    values = read("values.yaml")
    spawner = values["hub"]["config"]["KubeSpawner"]
    assert container["securityContext"] == spawner["container_security_context"]
    assert read("pod.yaml")["spec"]["hostUsers"] is False
    assert values["singleuser"]["extraPodConfig"]["hostUsers"] is False
    assert values["singleuser"]["memory"]["limit"] == container["resources"]["limits"]["memory"]


def test_the_image_is_of_this_version() -> None:
    tag = f"REGISTRY/vrrp-lab:{vrrpd.__version__}"
    assert read("pod.yaml")["spec"]["containers"][0]["image"] == tag
    image = read("values.yaml")["singleuser"]["image"]
    assert f"{image['name']}:{image['tag']}" == tag


def test_what_the_dockerfile_copies_exists() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (KUBERNETES / "Dockerfile").read_text(), re.M)
    names = [name for line in copied for name in line.split() if not name.startswith("build/")]
    assert names
    assert [name for name in names if not (REPOSITORY / name).exists()] == []


def test_a_learners_server_is_ours_with_the_hub_and_without() -> None:
    """JupyterHub's own hands out no lessons, and a lab at work looks idle to it."""
    command = read("values.yaml")["singleuser"]["cmd"]
    assert f"\nCMD {json.dumps(command)}\n" in (KUBERNETES / "Dockerfile").read_text()
    assert command == ["python", "-m", singleuser._MODULE]


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", (KUBERNETES / "Dockerfile").read_text(), re.M)
    assert users == [str(read("values.yaml")["singleuser"]["uid"])]
