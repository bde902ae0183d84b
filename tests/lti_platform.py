"""An LMS of our own: the platform's side of LTI 1.3, as far as a launch and a score need it.

with platform() as lms:
    lms.address                  issuer; below it /authorize, /jwks, /token, /items/1/scores
    lms.scores                   what was posted, each with the path and the subject

It is strict where an LMS is: a token is given for an assertion that is signed with the tool's key,
has the right audience and is used once; a score needs that token, the media type and the fields
of Assignment and Grade Services 2.0, section 3.4.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from jwcrypto.jwk import JWK

CLIENT = "10000000000001"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim"
AGS = "https://purl.imsglobal.org/spec/lti-ags"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
PROGRESS = {"Initialized", "Started", "InProgress", "Submitted", "Completed"}
GRADING = {"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"}


def key() -> JWK:
    """A new RSA key."""
    return JWK.generate(kty="RSA", size=2048, kid="test")


def pem(known: JWK) -> str:
    """A private key as a tool's file has it."""
    return str(known.export_to_pem(private_key=True, password=None).decode())


@dataclass
class Platform:
    """The LMS: its `key`, the `tool` whose key it knows, and what it was sent.

    `users`: the claims of each user, by login hint. `refusing`: a status for every score.
    """

    address: str
    key: JWK
    tool: JWK
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    refusing: int = 0

    def claims(self, email: str, subject: str, item: str = "1", lesson: str = "") -> dict[str, Any]:
        """What a launch says of a learner, by a link with the line item of that number."""
        return {
            "sub": subject,
            "email": email,
            f"{CLAIM}/message_type": "LtiResourceLinkRequest",
            f"{CLAIM}/version": "1.3.0",
            f"{CLAIM}/deployment_id": "1",
            f"{CLAIM}/target_link_uri": "http://hub.example/hub",
            f"{CLAIM}/resource_link": {"id": f"link-{item}"},
            f"{CLAIM}/roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
            f"{CLAIM}/custom": {"lesson": lesson} if lesson else {},
            f"{AGS}/claim/endpoint": {
                "scope": [f"{AGS}/scope/score"],
                "lineitem": f"{self.address}/items/{item}",
            },
        }

    def id_token(self, hint: str, nonce: str, **changes: Any) -> str:
        """The signed statement on the user of a login hint."""
        now = int(time.time())
        times = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce}
        claims = {**times, **self.users[hint], **changes}
        return str(jwt.encode(claims, pem(self.key), algorithm="RS256", headers={"kid": "test"}))

    def token(self, form: dict[str, str]) -> str:
        """An access token for a tool that proves who it is; raises ValueError or jwt's errors."""
        assertion = form["client_assertion"]
        public = self.tool.export_to_pem()
        found = jwt.decode(assertion, public, ["RS256"], audience=f"{self.address}/token")
        if found["iss"] != CLIENT or found["sub"] != CLIENT or found["jti"] in self.used:
            raise ValueError("iss, sub or jti")
        if form["grant_type"] != "client_credentials" or form["scope"] != f"{AGS}/scope/score":
            raise ValueError("grant_type or scope")
        self.used.add(found["jti"])
        made = secrets.token_hex(8)
        self.tokens.add(made)
        return made

    def receive(self, path: str, score: dict[str, Any]) -> None:
        """Keep a score; raises ValueError for one that lacks something."""
        if not {"userId", "timestamp", "activityProgress", "gradingProgress"} <= score.keys():
            raise ValueError(f"a field is missing: {sorted(score)}")
        if score["activityProgress"] not in PROGRESS or score["gradingProgress"] not in GRADING:
            raise ValueError("activityProgress or gradingProgress")
        if datetime.fromisoformat(score["timestamp"]).tzinfo is None:
            raise ValueError("timestamp without a zone")
        if not score["scoreGiven"] >= 0 or not score["scoreMaximum"] > 0:
            raise ValueError("scoreGiven or scoreMaximum")
        self.scores.append({**score, "path": path})


class _Handler(BaseHTTPRequestHandler):
    lms: Platform

    def log_message(self, *_words: object) -> None:
        """Print nothing."""

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """/jwks, and /authorize, which answers with the form that a browser would post."""
        where = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(where.query).items()}
        if where.path == "/jwks":
            self._answer(200, {"keys": [self.lms.key.export_public(as_dict=True)]})
        elif where.path == "/authorize" and asked.get("client_id") == CLIENT:
            token = self.lms.id_token(asked["login_hint"], asked["nonce"])
            form = {"id_token": token, "state": asked["state"]}
            self._answer(200, {"action": asked["redirect_uri"], "form": form})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        """/token and /items/N/scores."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            if self.path == "/token":
                form = {name: values[0] for name, values in parse_qs(body).items()}
                made = {"access_token": self.lms.token(form), "token_type": "bearer"}
                self._answer(200, {**made, "expires_in": 3600})
            elif self.headers["Authorization"].removeprefix("Bearer ") not in self.lms.tokens:
                self._answer(401, {"error": "no such token"})
            elif self.lms.refusing:
                self._answer(self.lms.refusing, {"error": "not now"})
            elif self.headers["Content-Type"] != SCORE_TYPE:
                self._answer(415, {})
            else:
                self.lms.receive(self.path, json.loads(body))
                self._answer(200, {})
        except (ValueError, LookupError, jwt.PyJWTError) as error:
            self._answer(400, {"error": repr(error)})


@contextmanager
def platform() -> Iterator[Platform]:
    """An LMS that runs, on a port of 127.0.0.1."""

    class Handler(_Handler):
        """The handler of this one."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        lms = Platform(f"http://127.0.0.1:{server.server_port}", key(), key())
        Handler.lms = lms
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield lms
        finally:
            server.shutdown()
            thread.join()
