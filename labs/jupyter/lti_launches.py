"""Where the score of a learner goes who came from an LMS by LTI 1.3: the launches, as files.

    FOLDER/anna%40example.org.json    {"name": "anna@example.org", "subject": "user-7",
                                       "links": {"link-1": {"lesson": "07", "lineitem": "https://..."}}}

The hub writes it at every launch (`labs.jupyter.hub.lti`), `labs grade lti` reads it
(`labs.grading.lti`). A link of the LMS may name a lesson by the custom parameter `lesson`; its
score is then that of this lesson alone.
Nothing is imported from JupyterHub here, so that any hub's Python can read this file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labs import jsonlines

# LTI 1.3 Core, section 5.3 and 5.4; Assignment and Grade Services 2.0, section 3.1.
_ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
_LINK = "https://purl.imsglobal.org/spec/lti/claim/resource_link"
_CUSTOM = "https://purl.imsglobal.org/spec/lti/claim/custom"
SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the LMS: the URL of its column in the gradebook, and a lesson or ""."""

    lineitem: str
    lesson: str = ""


@dataclass(slots=True)
class Launches:
    """How the LMS calls the learner `name`, and the links through which the learner came."""

    name: str
    subject: str
    links: dict[str, Link] = field(default_factory=dict)


def remember(folder: Path, name: str, claims: Mapping[str, Any]) -> bool:
    """Write down a launch by its verified `claims`; whether there is a place for a score in it.

    Raises OSError if it cannot be written.
    """
    endpoint = claims.get(_ENDPOINT) or {}
    lineitem, scopes = endpoint.get("lineitem"), endpoint.get("scope") or []
    if not lineitem or SCORE not in scopes:
        return False
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    known = _read(_file(folder, name)) or Launches(name, "")
    known.subject = str(claims["sub"])
    link = str((claims.get(_LINK) or {}).get("id", ""))
    known.links[link] = Link(str(lineitem), str((claims.get(_CUSTOM) or {}).get("lesson", "")))
    path = _file(folder, name)
    half = path.with_name(f".{path.name}.half")
    half.write_text(json.dumps(asdict(known), ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(path)
    return True


def hook(folder: Path) -> Callable[[Any, Any, dict[str, Any]], dict[str, Any]]:
    """JupyterHub's Authenticator.post_auth_hook, which writes every launch into `folder`."""

    def after_login(authenticator: Any, _handler: Any, found: dict[str, Any]) -> dict[str, Any]:
        name = found["name"]
        try:
            if not remember(folder, name, found.get("auth_state") or {}):
                authenticator.log.warning("LTI: %s came by a link without a score", name)
        except OSError as error:
            authenticator.log.error("LTI: the launch of %s is not kept: %s", name, error)
        return found

    return after_login


def all_of(folder: Path) -> Iterator[Launches]:
    """The learners who came, by name; a damaged file is left out."""
    for path in sorted(folder.glob("*.json")):
        if (found := _read(path)) is not None:
            yield found


def _file(folder: Path, name: str) -> Path:
    return folder / f"{quote(name, safe='')}.json"


def _read(path: Path) -> Launches | None:
    try:
        found = json.loads(jsonlines.whole(path))
        links = {
            str(name): Link(str(link["lineitem"]), str(link.get("lesson", "")))
            for name, link in found["links"].items()
        }
        return Launches(str(found["name"]), str(found["subject"]), links)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
