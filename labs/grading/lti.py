"""Posts scores to an LMS by LTI 1.3, Assignment and Grade Services 2.0, section 3.4 (Score).

    platform = load(Path("lti.json"))
    post(platform, learners, warn)              a score for each link through which a learner came

    python -m labs.grading.lti lti.pem          the public key as a JWK, for the LMS

lti.json is the teacher's, and names what the LMS has shown when the tool was registered:

    {"client_id": "10000000000001", "token_url": "https://lms.example.org/login/oauth2/token",
     "key": "lti.pem", "key_id": "vrrp-lab", "launches": "/var/lib/vrrp-lab/launches"}

`launches` is the folder in which the hub writes who came from where (`labs.jupyter.lti_launches`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from labs import jsonlines
from labs.errors import LabError
from labs.grading.exports import Learner
from labs.jupyter.lti_launches import SCORE, Launches, Link, all_of
from labs.lessons import course

KEY_ID = "vrrp-lab"
ANSWER_SECONDS = 30
Warn = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Platform:
    """An LMS as lti.json describes it; `key` is the private key, as PEM text."""

    client_id: str
    token_url: str
    key: str
    launches: Path
    key_id: str = KEY_ID


def load(path: Path) -> Platform:
    """The LMS in a file; its `key` and `launches` are relative to it.

    Raises LabError that says what is wrong with it.
    """
    try:
        found = json.loads(jsonlines.whole(path))
        return Platform(
            str(found["client_id"]),
            str(found["token_url"]),
            jsonlines.whole(path.parent / found["key"]),
            path.parent / found["launches"],
            str(found.get("key_id", KEY_ID)),
        )
    except OSError as error:
        raise LabError(f"{error.filename or path} cannot be read ({error.strerror})") from None
    except KeyError as error:
        raise LabError(f"{path}: {error} is missing: docs/teaching.md has an example") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise LabError(f"{path} is not JSON of ours: {error}") from None


def post(platform: Platform, learners: Sequence[Learner], warn: Warn) -> int:
    """Post the scores; how many were accepted.

    `warn` is called with a sentence for each learner who did not come from the LMS, and for each
    score that it does not accept: neither keeps the others from being posted.
    """
    came = {each.name: each for each in all_of(platform.launches)}
    service, accepted = _service(platform), 0
    for learner in learners:
        if learner.name not in came:
            warn(f"{learner.name}: did not come from the LMS: left out")
            continue
        launches = came[learner.name]
        for link in launches.links.values():
            accepted += _post(service, launches, link, learner, warn)
    return accepted


def _service(platform: Platform) -> Any:
    """What gets a token from the LMS, once, and sends requests with it."""
    from pylti1p3.registration import Registration
    from pylti1p3.service_connector import ServiceConnector
    from requests import Session

    class Limited(Session):
        """An LMS that does not answer is given up."""

        def request(self, *words: Any, **options: Any) -> Any:
            return super().request(*words, **{"timeout": ANSWER_SECONDS, **options})

    class Registered(Registration):
        """Registration has no place for the id of a key that is not in a JWK set."""

        def get_kid(self) -> str:
            return platform.key_id

    tool = Registered().set_client_id(platform.client_id).set_auth_token_url(platform.token_url)
    return ServiceConnector(tool.set_tool_private_key(platform.key), Limited())


def _post(service: Any, launches: Launches, link: Link, learner: Learner, warn: Warn) -> bool:
    """Post one score; whether the LMS has accepted it."""
    from pylti1p3.assignments_grades import AssignmentsGradesService
    from pylti1p3.exception import LtiException
    from requests import RequestException

    wanted = course.numbers_of(link.lesson) if link.lesson else ()
    grades = [each for each in learner.grades if not wanted or each.assignment.number in wanted]
    if not grades:
        warn(f"{learner.name}: lesson {link.lesson!r} of the LMS's link is not graded: left out")
        return False
    one = Learner(learner.name, tuple(grades))
    place = AssignmentsGradesService(service, {"scope": [SCORE], "lineitem": link.lineitem})
    try:
        place.put_grade(_score(launches.subject, one))
    except (LtiException, RequestException, ValueError) as error:
        warn(f"{learner.name}: the LMS does not accept the score: {_why(error)}")
        return False
    return True


def _score(subject: str, learner: Learner) -> Any:
    """A Score: what the learner has, of what there is, at this moment."""
    from pylti1p3.grade import Grade

    done = learner.score >= learner.possible
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    score = Grade().set_user_id(subject).set_timestamp(now)
    score.set_score_given(learner.score).set_score_maximum(learner.possible)
    score.set_activity_progress("Completed" if done else "InProgress")
    return score.set_grading_progress("FullyGraded")


def _why(error: Exception) -> str:
    """An error in a few words; that of an LMS has the status of its answer."""
    answer = getattr(error, "response", None)
    status = f"status {answer.status_code}: " if answer is not None else ""
    text = answer.text.strip() if answer is not None else ""
    return f"{status}{text[:200] or error}"


def public_key(private: str) -> str:
    """The public half of a private key in PEM, as a JWK for an LMS.

    Raises LabError if it is not a private RSA key.
    """
    from jwcrypto.common import JWException
    from jwcrypto.jwk import JWK

    try:
        known = JWK.from_pem(private.encode())
        if known["kty"] != "RSA" or not known.has_private:
            raise ValueError("it is not a private RSA key")
        found = json.loads(known.export_public())
    except (ValueError, JWException) as error:
        raise LabError(f"not a private key in PEM ({error}): openssl genrsa 2048") from None
    return json.dumps({**found, "kid": KEY_ID, "alg": "RS256", "use": "sig"})


def main(words: Sequence[str]) -> int:
    """Print the public key of a file; the exit status."""
    try:
        print(public_key(jsonlines.whole(Path(words[0]))))
    except (OSError, ValueError, IndexError, LabError) as error:
        print(f"labs: name a private key in PEM: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
