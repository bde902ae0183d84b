"""Debian's packages: what `make deb` installs exists, and their pages and pins are current.

`make deb` builds them and asks lintian; packaging/debian/tests runs them once installed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import vrrpd
from labs.cli.main import _parser
from tests.support import REPOSITORY

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
