"""A learner comes from an LMS by LTI 1.3 and is logged in, and the score goes back.

The LMS is our own (tests/lti_platform.py), the hub a real one with the configuration of
packaging/jupyterhub, the browser a session of HTTP.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from labs.progress import FILE, Entry
from tests.class_evening import Evening, Learner
from tests.notebooks.leftovers import nothing_left
from tests.served import free_port
from tests.support import HUNG_S, OrdinaryUser, eventually

pytest.importorskip("pylti1p3", reason="PyLTI1p3 is not installed: make setup-class")
if shutil.which("configurable-http-proxy") is None:
    pytest.skip(
        "the proxy is missing; remedy: sudo apt-get install node-configurable-http-proxy",
        allow_module_level=True,
    )

from tests import lti_platform
from tests.lti_platform import CLIENT, Platform

ANNA = "anna@example.org"
WANTED = (
    "class", "class.log", "launches", "config.py", "jupyterhub.sqlite", "jupyterhub_cookie_secret",
    "jupyterhub-proxy.pid", "lti.json", "lti.pem", ".npm",
)  # fmt: skip
CONFIG = """
from labs.jupyter import hub

c = get_config()
hub.configure(c, None, None)
hub.class_folders(c, {folder!r})
hub.lti(c, {lms!r}, {client!r}, {lms!r} + "/authorize", {lms!r} + "/jwks", {launches!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:" + str(hub.free_port())
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:" + str(hub.free_port())
"""


@contextmanager
def hub_for(user: OrdinaryUser, lms: Platform, mark: dict[str, str]) -> Iterator[Evening]:
    """A hub in the user's home directory that takes learners from `lms`."""
    home, port = user.home, free_port()
    (home / "class").mkdir()
    values = {"folder": str(home / "class"), "launches": str(home / "launches"), "port": port}
    config = home / "config.py"
    config.write_text(CONFIG.format(lms=lms.address, client=CLIENT, **values))
    for path in (home / "class", config):
        shutil.chown(path, user.home.stat().st_uid, user.home.stat().st_gid)
    log = home / "class.log"
    command: list[str | Path] = ["env", "-C", home, sys.executable, "-m", "labs.jupyter.trial"]
    with log.open("wb") as output:
        process = user.popen([*command, config], mark, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"

    def is_there() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return bool(requests.get(f"{address}/hub/health", timeout=HUNG_S).status_code == 200)
        except requests.ConnectionError:
            return False

    try:
        eventually(is_there, what="the hub to answer", every=0.5)
        yield Evening(process, address, "", "", home / "class", log)
    finally:
        process.terminate()
        process.wait(HUNG_S)


def come(learner: Learner, lms: Platform, hint: str) -> requests.Response:
    """Click on the link in the LMS; what the hub answers to the launch."""
    address = learner.evening.address
    asked = {"iss": lms.address, "login_hint": hint, "client_id": CLIENT}
    login = f"{address}/hub/lti13/oauth_login"
    form = learner.session.get(login, params={**asked, "target_link_uri": f"{address}/hub"})
    assert form.status_code == 200, form.text
    found = form.json()
    assert found["action"] == f"{address}/hub/lti13/oauth_callback"
    return learner.session.post(
        found["action"], found["form"], allow_redirects=False, timeout=HUNG_S
    )


@pytest.mark.timeout(2400)
def test_a_learner_of_an_lms_and_the_way_back_of_the_score(ordinary_user: OrdinaryUser) -> None:
    home = ordinary_user.home
    with lti_platform.platform() as lms, nothing_left(ordinary_user, WANTED) as mark:
        lms.users = {"anna": lms.claims(ANNA, "user-7"), "out": lms.claims("../x", "user-8")}
        with hub_for(ordinary_user, lms, mark) as one:
            learner = Learner(one, ANNA)
            launch = come(learner, lms, "anna")
            assert (launch.status_code, launch.headers["Location"]) == (302, "/hub/spawn")
            shown = learner.session.get(f"{one.address}/hub/home", timeout=HUNG_S)
            assert ANNA in shown.text
            lms.users["anna"] = {**lms.claims(ANNA, "user-7"), "aud": "another tool"}
            assert come(Learner(one, "forged"), lms, "anna").status_code == 401
            assert come(Learner(one, "outside"), lms, "out").status_code == 403
        (home / "class" / ANNA).mkdir()
        solved = Entry(1.0, "07-failover", "check", "leave", passed=True)
        with (home / "class" / ANNA / FILE).open("w") as file:
            file.write(solved.line())
        (home / "lti.pem").write_text(lti_platform.pem(lms.tool))
        about = {"client_id": CLIENT, "token_url": f"{lms.address}/token"}
        (home / "lti.json").write_text(
            json.dumps({**about, "key": "lti.pem", "launches": "launches"})
        )
        labs = Path(sys.executable).with_name("labs")
        command: list[str | Path] = [labs, "grade", "lti", home / "class" / ANNA]
        command += ["--platform", home / "lti.json", "--lessons", "07", "--count", "challenge"]
        ordinary_user.run(command, HUNG_S, mark)
    (score,) = lms.scores
    assert (score["path"], score["userId"]) == ("/items/1/scores", "user-7")
    assert (score["scoreGiven"], score["scoreMaximum"]) == (1.0, 1.0)
