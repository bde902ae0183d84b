"""tools/image.py does what the Dockerfile of packaging/kubernetes says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import image


def test_every_step_of_the_dockerfile_is_read_with_its_whole_text() -> None:
    steps = list(image.instructions())
    assert [text for name, text in steps if name == "FROM"] == ["${DEBIAN} AS build", "${DEBIAN}"]
    whole = " ".join(image.DOCKERFILE.read_text().replace("\\\n", " ").split())
    for name, text in steps:
        assert " ".join([name, *text.split()]) in whole
    installed = " ".join(text for name, text in steps if name == "RUN")
    assert {"mininet", "keepalived", "tini", "--require-hashes"} <= set(installed.split())


def test_a_step_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nHEALTHCHECK NONE\n")
    with pytest.raises(ValueError, match="what does HEALTHCHECK do"):
        list(image.instructions(tmp_path / "Dockerfile"))


def test_files_are_copied_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the checkout by pattern, from a stage by path; what is missing is an error."""
    monkeypatch.setattr(image, "REPOSITORY", tmp_path)
    for name in ("one.lock", "two.lock", "build/opt/lab/labs"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tree := tmp_path / "image").joinpath("opt").mkdir(parents=True)
    image._copy(tmp_path, tree, "*.lock /in/")
    image._copy(tmp_path, tree, "--from=build /opt/lab /opt/lab")
    assert sorted(path.name for path in (tree / "in").iterdir()) == ["one.lock", "two.lock"]
    assert (tree / "opt/lab/labs").read_text() == "build/opt/lab/labs"
    with pytest.raises(FileNotFoundError, match="COPY finds nothing"):
        image._copy(tmp_path, tree, "none-*.whl /in/")
