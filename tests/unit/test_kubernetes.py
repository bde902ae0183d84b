"""The files for Kubernetes agree with each other and the repository; `make dist-check` lints."""

from __future__ import annotations

import re
from typing import Any

import yaml

import vrrpd
from tests.support import REPOSITORY

PLACE = REPOSITORY / "packaging" / "kubernetes"


def read(name: str) -> Any:
    return yaml.safe_load((PLACE / name).read_text())


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
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (PLACE / "Dockerfile").read_text(), re.M)
    names = [name for line in copied for name in line.split() if not name.startswith("build/")]
    assert names
    assert [name for name in names if not (REPOSITORY / name).exists()] == []


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", (PLACE / "Dockerfile").read_text(), re.M)
    assert users == [str(read("values.yaml")["singleuser"]["uid"])]
