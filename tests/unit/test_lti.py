"""Scores to an LMS of our own by LTI 1.3: who came from where, what is posted, what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.cli.main import main
from labs.errors import LabError
from labs.jupyter import hub, lti_launches
from labs.progress import FILE, Entry

pytest.importorskip("pylti1p3", reason="PyLTI1p3 is not installed: make setup-class")

from labs.grading import lti
from tests import lti_platform
from tests.lti_platform import AGS, CLIENT, Platform
from tests.support import REPOSITORY

NAMES = ("anna@example.org", "lee,jun", "花子")


@pytest.fixture(scope="module")
def server() -> Iterator[Platform]:
    with lti_platform.platform() as lms:
        yield lms


@pytest.fixture
def lms(server: Platform) -> Platform:
    """The LMS, which has no score yet."""
    server.scores.clear()
    server.refusing = 0
    return server


@pytest.fixture
def teacher(lms: Platform, tmp_path: Path) -> Path:
    """lti.json, and the folders of learners who have met the challenge of lesson 07."""
    (tmp_path / "lti.pem").write_text(lti_platform.pem(lms.tool))
    for number, name in enumerate(NAMES):
        folder = tmp_path / "class" / name
        folder.mkdir(parents=True)
        entries = [
            Entry(1.0, "07-failover", "check", "leave", passed=number != 1),
            Entry(2.0, "08-failback", "check", "stay", passed=False),
        ]
        (folder / FILE).write_text("".join(entry.line() for entry in entries))
        claims = lms.claims(name, f"user-{number}")
        assert lti_launches.remember(tmp_path / "launches", name, claims)
    file = tmp_path / "lti.json"
    content = {"client_id": CLIENT, "token_url": f"{lms.address}/token"}
    file.write_text(json.dumps({**content, "key": "lti.pem", "launches": "launches"}))
    return file


def grade(teacher: Path, *words: str) -> int:
    folders = [str(teacher.parent / "class" / name) for name in NAMES]
    return main(
        ["grade", "lti", *folders, "--platform", str(teacher), "--count", "challenge", *words]
    )


def given(lms: Platform) -> list[tuple[str, str, float, float, str]]:
    return [
        (each["path"], each["userId"], each["scoreGiven"], each["scoreMaximum"],
         each["activityProgress"])
        for each in lms.scores
    ]  # fmt: skip


def test_every_learner_who_came_gets_a_score(
    teacher: Path, lms: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert grade(teacher, "--lessons", "07,08") == 0
    assert capsys.readouterr().out == "3 scores were accepted\n"
    assert given(lms) == [
        ("/items/1/scores", "user-0", 1.0, 2.0, "InProgress"),
        ("/items/1/scores", "user-1", 0.0, 2.0, "InProgress"),
        ("/items/1/scores", "user-2", 1.0, 2.0, "InProgress"),
    ]


def test_a_link_of_one_lesson_gets_the_score_of_that_lesson(teacher: Path, lms: Platform) -> None:
    launches = teacher.parent / "launches"
    for item, lesson in (("5", "07"), ("6", "08-failback")):
        claims = lms.claims(NAMES[0], "user-0", item, lesson)
        lti_launches.remember(launches, NAMES[0], claims)
    assert grade(teacher, "--lessons", "07,08") == 0
    assert given(lms)[1:3] == [
        ("/items/5/scores", "user-0", 1.0, 1.0, "Completed"),
        ("/items/6/scores", "user-0", 0.0, 1.0, "InProgress"),
    ]


def test_who_did_not_come_is_left_out_with_a_line(
    teacher: Path, lms: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    next((teacher.parent / "launches").glob("lee*")).write_text("{damaged")
    assert grade(teacher) == 1
    assert "lee,jun: did not come from the LMS: left out" in capsys.readouterr().err
    assert [each["userId"] for each in lms.scores] == ["user-0", "user-2"]


def test_a_lesson_that_is_not_graded_is_a_line(
    teacher: Path, lms: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    lti_launches.remember(
        teacher.parent / "launches", NAMES[0], lms.claims(NAMES[0], "user-0", "7", "09")
    )
    assert grade(teacher, "--lessons", "07") == 1
    assert "lesson '09' of the LMS's link is not graded" in capsys.readouterr().err
    assert len(lms.scores) == 3


def test_a_score_that_is_refused_costs_no_other(
    teacher: Path, lms: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    lms.refusing = 422
    assert grade(teacher) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0] == (
        "labs: anna@example.org: the LMS does not accept the score: "
        'status 422: {"error": "not now"}'
    )


def test_another_key_gets_no_token(
    teacher: Path, lms: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    (teacher.parent / "lti.pem").write_text(lti_platform.pem(lti_platform.key()))
    assert grade(teacher) == 1
    assert "status 400: " in capsys.readouterr().err
    assert lms.scores == []


def test_an_lms_that_does_not_answer_is_a_line_for_each(
    teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(teacher.read_text())
    teacher.write_text(json.dumps({**content, "token_url": "http://127.0.0.1:9/token"}))
    assert grade(teacher) == 1
    assert capsys.readouterr().err.count("does not accept the score") == 3


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda _: "{", "is not JSON of ours"),
        (lambda _: "[]", "is not JSON of ours"),
        (lambda found: json.dumps({**found, "key": "absent.pem"}), "absent.pem cannot be read"),
        (lambda found: json.dumps({"key": "lti.pem"}), "'client_id' is missing"),
    ],
)
def test_what_is_wrong_with_the_teachers_file_is_one_line(
    teacher: Path,
    damage: Callable[[dict[str, str]], str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    teacher.write_text(damage(json.loads(teacher.read_text())))
    assert grade(teacher) == 2
    assert reason in capsys.readouterr().err


def test_without_a_platform_it_says_what_is_missing(
    teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grade", "lti", str(teacher.parent / "class" / NAMES[0])]) == 2
    assert "add --platform FILE" in capsys.readouterr().err


@pytest.mark.parametrize("endpoint", [None, {}, {"lineitem": "x"}, {"scope": [], "lineitem": "x"}])
def test_a_launch_without_a_place_for_scores_is_not_kept(
    tmp_path: Path, lms: Platform, endpoint: object
) -> None:
    claims = {**lms.claims("anna", "user-0"), f"{AGS}/claim/endpoint": endpoint}
    assert not lti_launches.remember(tmp_path / "launches", "anna", claims)
    assert list(lti_launches.all_of(tmp_path / "launches")) == []


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path, lms: Platform) -> None:
    folder = tmp_path / "launches"
    lti_launches.remember(folder, "../x/y", lms.claims("anna", "user-0"))
    assert [path.parent for path in tmp_path.rglob("*.json")] == [folder]
    assert [each.name for each in lti_launches.all_of(folder)] == ["../x/y"]


def test_the_public_key_is_for_the_lms_and_has_nothing_private(lms: Platform) -> None:
    found = json.loads(lti.public_key(lti_platform.pem(lms.tool)))
    assert sorted(found) == ["alg", "e", "kid", "kty", "n", "use"]
    assert found["n"] == lms.tool.export_public(as_dict=True)["n"]
    for wrong in ("", "not a key", lms.tool.export_to_pem().decode()):
        with pytest.raises(LabError, match="not a private key"):
            lti.public_key(wrong)


def test_the_example_of_a_configuration_is_one() -> None:
    traitlets_config = pytest.importorskip("traitlets.config")
    c: Any = traitlets_config.Config()
    place = REPOSITORY / "packaging" / "jupyterhub" / "jupyterhub_config_lti.py"
    exec(compile(place.read_text(), str(place), "exec"), {"get_config": lambda: c})
    assert c.ClassSpawner.class_folder == "/srv/vrrp-lab/class"
    assert c.LTI13Authenticator.issuer == "https://lms.example.org"
    for name in ("anna@example.org", "lee,jun", "花子", "x"):
        assert re.match(c.Authenticator.username_pattern, name), name
    for name in (".hub", "../x", "a/b", "", "-rf", "a b", "a\nb", "anna\n"):
        assert not re.match(c.Authenticator.username_pattern, name), name


def test_the_hub_lets_in_by_lti_and_writes_down_where_scores_go(
    tmp_path: Path, lms: Platform
) -> None:
    traitlets_config = pytest.importorskip("traitlets.config")
    c: Any = traitlets_config.Config()
    hub.configure(c)
    hub.class_folders(c, tmp_path / "class")
    hub.lti(c, lms.address, CLIENT, "https://a.example", "https://j.example", tmp_path / "launches")
    assert c.Spawner.cmd[-2:] == ["--class", str(tmp_path / "class")]
    assert c.JupyterHub.authenticator_class == "ltiauthenticator.lti13.auth.LTI13Authenticator"
    assert c.LTI13Authenticator.client_id == {CLIENT}
    logged: list[str] = []
    log = SimpleNamespace(warning=lambda *words: logged.append(words[0]), error=logged.append)
    found = {"name": "anna", "auth_state": lms.claims("anna", "user-0")}
    hook = c.Authenticator.post_auth_hook
    assert hook(SimpleNamespace(log=log), None, found) is found
    hook(SimpleNamespace(log=log), None, {"name": "jun", "auth_state": None})
    assert [each.name for each in lti_launches.all_of(tmp_path / "launches")] == ["anna"]
    assert logged == ["LTI: %s came by a link without a score"]
