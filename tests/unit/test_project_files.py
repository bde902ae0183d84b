"""Files every visitor of a repository expects: license, version, changelog, workflows."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import vrrpd

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
MAKE = re.compile(r"(?:^|`|run: |&& )make ([a-z][a-z-]*)", re.M)


def _text(name: str) -> str:
    return (REPOSITORY / name).read_text()


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", _text("Makefile"), re.M))


def test_the_version_is_written_once() -> None:
    assert metadata.version("vrrp-lab") == vrrpd.__version__
    written = [
        str(path.relative_to(REPOSITORY))
        for package in ("vrrpd", "labs", "topologies", "tools")
        for path in (REPOSITORY / package).rglob("*.py")
        if f'"{vrrpd.__version__}"' in path.read_text()
    ]
    assert written == ["vrrpd/__init__.py"]


def test_the_changelog_has_the_version_and_keeps_the_order() -> None:
    versions = re.findall(r"^## \[([\w.]+)\]", _text("CHANGELOG.md"), re.M)
    assert versions[0] == "Unreleased"
    assert versions[1] == vrrpd.__version__
    numbers = [tuple(map(int, version.split("."))) for version in versions[1:]]
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize("name", ["LICENSE", "LICENSE-docs.md"])
def test_the_package_carries_both_licenses(name: str) -> None:
    assert name in metadata.metadata("vrrp-lab").get_all("License-File", [])
    assert metadata.metadata("vrrp-lab")["License-Expression"] == "MIT AND CC-BY-4.0"
    assert f"]({name})" in _text("README.md")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "LICENSE-docs.md"])
def test_links_of_the_project_files_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", _text(name))
    assert links
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", ".github/workflows/tests.yml"])
def test_make_targets_that_are_named_exist(name: str) -> None:
    named = set(MAKE.findall(_text(name)))
    assert named
    assert named - _targets() == set()


def test_the_workflows_fit_their_schema() -> None:
    assert WORKFLOWS
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.github-workflows", *WORKFLOWS],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_notices(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "runs_on:"))
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.github-workflows", wrong], capture_output=True
    )
    assert done.returncode == 1
