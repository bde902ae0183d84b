"""The names of modules, classes and functions are words of the field: a list of words that are not.

The readers are sysadmins, students and engineers: a name is a word that they can look up in RFC
9568, in keepalived.conf(5) or in a log.  Names that had such a word before the list was made are in
PRESENT with the number of their definitions.  It is a ratchet: PRESENT may only get shorter.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY

# Not this word, but that: what a message of the test proposes.
WORDS = {
    "card cards": "interface; NIC for the hardware",
    "voice voices hear hears heard hearing": "advertisement; to receive",
    "say says said speak speaks speaking spoken": "to send, to log, to report",
    "word words": "advertisement, keyword, argument, token or text",
    "tell tells telling told": "to show, to report, to print, to log",
    "patience": "Master_Down_Interval, Master_Down_Timer, or what is bounded: a timeout",
    "farewell goodbye": "priority-0 advertisement, resignation",
    "stronger weaker better favourite": "higher priority, lower priority",
    "owner owners": "holder; IP address owner is RFC 3768's priority 255",
    "stranger strangers thief": "attacker, rogue host",
    "customer": "client",
    "dear cheap": "expensive, inexpensive; slow, fast",
    "afresh anew vain shall withal whoever nobody somebody": "again, timed out, must, anyone, none",
    "mend mended": "to repair, to fix",
    "room house door lend lent dress dressed tidy labour": "the term of the field",
    "bench": "panel; a benchmark is a measurement",
    "witness witnesses": "observer",
    "machine machines": "host, server",
}
# The same word in the field's own sense.
FIELD = {
    "Card": "a card of a user interface",
    "_card": "a card of a user interface",
    "is_owner": "IP address owner",
    "_without_owner_weights": "IP address owner",
    "owner_text": "the owner of a process: uid and gid",
}
# name: how many definitions have it
PRESENT = {
    "Bench": 1, "Door": 1, "Heard": 2, "House": 1, "Machine": 3, "Patience": 1, "Witness": 1,
    "Word": 1, "Words": 1, "_Heard": 1, "_add_words": 1, "_as_heard": 1, "_heard": 1,
    "_machine": 1, "_mend_after": 1, "_nobody": 1, "_one_word": 1, "_own_voice": 1,
    "_owner_hint": 4, "_owners": 1, "_patience": 1, "_said": 2, "_same_patience": 1, "_say": 2,
    "_say_all": 1, "_say_if_idle": 1, "_speaks": 1, "_spoken": 2, "_tell": 1, "_told_by_now": 1,
    "_told_of_fault": 1, "_unknown_word": 1, "_words": 3, "address_words": 1,
    "after_first_word": 1, "backup_hears": 1, "bench": 4, "card": 2, "cards": 2,
    "dress": 1, "have_room": 3, "hear": 2, "heard": 2, "hears": 2, "hmac_words": 1, "hop_words":
    1, "inner_words": 1, "l14_trust_nobody": 1, "labour": 1, "last_heard": 2, "lend": 1,
    "machine": 4, "machine_part": 1, "make_room": 4, "master_hears": 1, "mend": 3, "most_words":
    1, "owner": 1, "patience": 2,
    "patience_of": 1, "remove_card": 1, "report_card": 1, "room": 2, "route_words": 1, "said":
    3, "say": 7, "says": 1, "set_card": 1, "somebody": 1, "speak": 1, "speak_from": 2,
    "speaks_on": 1, "split_words": 1, "spoken": 1, "suppress_and_say": 1, "tell": 5, "tidy": 1,
    "told": 5, "with_hearing": 1, "word": 1, "words": 2, "words_on": 1,
}  # fmt: skip


def names(path: Path) -> Iterator[str]:
    """The module's own name, or its package's, and those of its classes and functions."""
    yield path.parent.name if path.name == "__init__.py" else path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def avoided(name: str) -> set[str]:
    """The words of a name that are in the list: of `speak_from` and `SpeakFrom`, "speak"."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {part.lower() for part in parts} & {word for row in WORDS for word in row.split()}


def found() -> Counter[str]:
    """How many modules, classes and functions have each of the names that should be others."""
    paths = [path for package in ("vrrpd", "labs") for path in (REPOSITORY / package).rglob("*.py")]
    every = (name for path in paths for name in names(path))
    return Counter(name for name in every if name not in FIELD and avoided(name))


def remedy(name: str) -> str:
    return "; ".join(say for row, say in WORDS.items() if avoided(name) & set(row.split()))


def test_no_new_name_has_a_word_of_the_list() -> None:
    added = found() - Counter(PRESENT)
    assert not added, "\n".join(f"{name}: use {remedy(name)}" for name in sorted(added))


def test_the_list_of_present_names_gets_shorter_with_every_new_name() -> None:
    gone = Counter(PRESENT) - found()
    assert not gone, f"take off PRESENT, by as many as are gone: {dict(gone)}"


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "topologies").glob("[a-z]*.py")), ids=lambda it: it.stem
)
def test_no_host_is_called_like_a_state(path: Path) -> None:
    strings = {node.value for node in ast.walk(ast.parse(path.read_text()))
               if isinstance(node, ast.Constant) and isinstance(node.value, str)}  # fmt: skip
    names = {name for name in strings if re.fullmatch(r"\w+", name)}
    assert not [name for name in names if re.match("master|backup|fault|init", name, re.I)]


@pytest.mark.parametrize(
    "path", sorted(REPOSITORY.glob("notebooks/*.ipynb")), ids=lambda it: it.stem
)
def test_no_lesson_quotes_a_state_as_a_host(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert (
        re.findall(r"[\"'`](?:master|backup)\d?[\"'`]|\bowners?\(|^%%\w+ .*\bmaster\b", text, re.M)
        == []
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Patience", {"patience"}),
        ("master_hears", {"hears"}),
        ("_Heard", {"heard"}),
        ("HouseDoor", {"house", "door"}),
        ("keyword", set()),
        ("master_down_interval", set()),
    ],
)
def test_words_are_found_inside_of_names(name: str, words: set[str]) -> None:
    assert avoided(name) == words
