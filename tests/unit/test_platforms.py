"""`labs doctor` recognizes a system by its own files; here by those of other systems."""

from __future__ import annotations

import pytest

from labs.cli import doctor, platforms
from labs.cli.platforms import Facts, recognize
from tests.support import REPOSITORY

DEBIAN = {"NAME": "Debian GNU/Linux", "ID": "debian", "VERSION_ID": "12"}
UBUNTU_22 = {"NAME": "Ubuntu", "ID": "ubuntu", "VERSION_ID": "22.04"}
UBUNTU_24 = {"NAME": "Ubuntu", "ID": "ubuntu", "VERSION_ID": "24.04"}
# The form of /proc/version: release, builder, compiler, number and date of the build.
ORDINARY = "Linux version 6.8.0-41-generic (buildd@lcy02) (x86_64-linux-gnu-gcc-13) #41-Ubuntu SMP"
WSL2 = "Linux version 5.15.153.1-microsoft-standard-WSL2 (root@941d701f84f1) (gcc (GCC) 11.2.0) #1"
WSL1 = "Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com) (gcc version 5.4.0) #1237"
ORBSTACK = "Linux version 6.10.14-orbstack-00291-g1b252bd3edea (orbstack@builder) (clang) #1 SMP"
AZURE = "Linux version 6.5.0-1025-azure (buildd@bos03) (x86_64-linux-gnu-gcc-11) #26~22.04.1-Ubuntu"
DOCKER = frozenset({"/.dockerenv"})


@pytest.mark.parametrize(
    ("facts", "name", "remedy"),
    [
        (Facts(DEBIAN, ORDINARY), "Debian 12", ""),
        (Facts(UBUNTU_22, ORDINARY), "Ubuntu 22.04", ""),
        (Facts(UBUNTU_24, ORDINARY), "Ubuntu 24.04", ""),
        (Facts(UBUNTU_24, WSL2), "Ubuntu 24.04 on WSL2", "wsl --update"),
        (Facts(UBUNTU_22, WSL1), "Ubuntu 22.04 on WSL1", "wsl --set-version"),
        (Facts(DEBIAN, AZURE, DOCKER, {"CODESPACES": "true", "REMOTE_CONTAINERS": "true"}),
         "Debian 12 in Codespaces", ".devcontainer/devcontainer.json"),
        (Facts(DEBIAN, ORDINARY, DOCKER, {"REMOTE_CONTAINERS": "true"}),
         "Debian 12 in a dev container", ".devcontainer/devcontainer.json"),
        (Facts(DEBIAN, ORDINARY, DOCKER), "Debian 12 in a container", "--privileged"),
        (Facts(DEBIAN, ORDINARY, frozenset({"/run/.containerenv"})),
         "Debian 12 in a container", "--privileged"),
        (Facts(DEBIAN, ORBSTACK), "Debian 12 on OrbStack", "orb create"),
        (Facts(UBUNTU_24, ORDINARY, frozenset({"/mnt/lima-cidata"})),
         "Ubuntu 24.04 on Lima", "limactl"),
        (Facts(DEBIAN | {"VERSION_ID": "10"}, ORDINARY), "Debian 10", "unprivileged_userns_clone"),
        (Facts({}, ""), "Linux", ""),
    ],
)  # fmt: skip
def test_a_system_is_recognized_and_has_its_remedy(facts: Facts, name: str, remedy: str) -> None:
    found = recognize(facts)
    assert found.name == name
    assert remedy in found.remedy
    assert bool(remedy) == bool(found.remedy)


def test_only_what_was_tested_is_listed_as_such() -> None:
    assert str(recognize(Facts(DEBIAN, ORDINARY))) == "Debian 12"
    for facts in (Facts(UBUNTU_24, ORDINARY), Facts(DEBIAN, WSL2), Facts(DEBIAN, ORDINARY, DOCKER)):
        assert "not tested" in str(recognize(facts))


def test_this_system_has_facts() -> None:
    found = platforms.facts()
    assert found.kernel.startswith("Linux version")
    assert found.release["ID"]


@pytest.mark.parametrize("restricted", [True, False])
def test_the_remedy_for_namespaces_is_that_of_the_system(
    restricted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AppArmor comes first: its remedy is certain where it restricts."""
    monkeypatch.setattr(platforms, "facts", lambda: Facts(UBUNTU_24, WSL2))
    monkeypatch.setattr(doctor, "_apparmor_restricts", lambda: restricted)
    remedy = doctor._remedy_for_namespaces()
    assert ("wsl --update" in remedy) != restricted
    assert ("apparmor_parser" in remedy) == restricted
    assert "LAB_MODE=replay" in remedy


@pytest.mark.parametrize("heading", ["Ubuntu", "WSL2", "Lima", "OrbStack", "Dev containers"])
def test_the_page_has_a_section_for_each(heading: str) -> None:
    text = (REPOSITORY / "docs" / "install.md").read_text()
    assert f"\n## {heading}" in text or f" {heading}\n" in text
