"""The names of modules, classes and functions are words of the field: a list of words that are not.

The docstrings and comments of all packages, tools and tests are searched for them, too.

The readers are sysadmins, students and engineers: a name is a word that they can look up in RFC
9568, in keepalived.conf(5) or in a log.  A name that has such a word all the same is in FIELD with
its reason.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
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
    "test_a_script_of_the_user_nobody_has_no_privileges": "the user nobody",
    "test_a_hanging_script_of_the_user_nobody_is_ended": "the user nobody",
    "l18_trust_nobody": "the title of lesson 18",
    "mend": "the fault verb that undoes cut; recordings have it",
    "Heard": "a fact; recordings have its name",
    "card": "a card of a user interface",
    "cards": "cards of a user interface",
    "test_cards": "cards of a user interface",
    "test_house_rules": "the file that the contributors' checks name",
    "Card": "a card of a user interface",
    "_card": "a card of a user interface",
    "bench": "`lab.bench()`, which shows the panel, in lessons; and `make bench`, the benchmarks",
    "Bench": "what `lab.bench()` gives",
    "test_bench": "tests of `lab.bench()`",
    "test_a_bench_of_memory_has_no_shell": "what `lan.bench()` gives",
    "test_the_bench_plays_a_recording_and_obeys_what_was_done": "what `lab.bench()` gives",
    "is_owner": "IP address owner",
    "machine": "the state machine, which `show.machine()` draws; the module of the simulated host",
    "_without_owner_weights": "IP address owner",
    "owner": "the owner of a FIFO: uid and gid",
    "Word": "a word of a line of keepalived.conf, as the manual of a shell has it",
    "word": "a word of a line of keepalived.conf",
    "Words": "the words of a line of keepalived.conf",
    "split_words": "the words of a line of keepalived.conf",
    "after_first_word": "what follows the keyword in a line of keepalived.conf",
    "inner_words": "the words of a block of keepalived.conf",
    "owner_text": "the owner of a process: uid and gid",
}

# Not searched for in prose and in the names of tests, which are sentences.
PROSE_HAS = {
    "say": "a file, a table and an RFC say something",
    "says": "a file, a table and an RFC say something",
    "word": "a line of keepalived.conf and a sentence have words",
    "words": "a line of keepalived.conf and a sentence have words",
    "owner": "an address, a file and a process have one",
    "owners": "addresses, files and processes have them",
    "better": "a value may be better than another",
    "machine": "the computer that the labs and the tests run on; what a lab has are hosts",
    "machines": "such computers",
}
# Phrases of prose in which a word of the list is the field's own, or a name of this program.
PHRASES = {
    "'a b' c\" nobody": "the user nobody, in an example",
    "[nobody]": "the user nobody, in an example",
    "root of the host, and nobody": "the user nobody",
    "a card with a coloured edge": "a card of a user interface",
    "HTML of a card": "a card of a user interface",
    "without an answer: a card": "a card of a user interface",
    "Refuses, with a card": "a card of a user interface",
    "refuses: one card or": "a card of a user interface",
    "polite: a card or": "a card of a user interface",
    "mend             undoes": "the fault verb",
    "Trust nobody": "the title of lesson 18",
    "Heard": "the fact of that name, which recordings have",
    "lab.bench()": "the verb that shows the panel",
    "js/bench.js": "a file of the panel",
    "test_bench.py": "the tests of the panel",
    "images/bench.png": "a picture of the panel",
    "lab-x/door": "the name of the control socket",
    "You said": "what a learner predicted, as it is shown",
    "you said": "what a learner predicted, as it is shown",
    "| nobody  ": "a label of the timeline figure, in a drawing of it",
    "mended |": "a label of the timeline figure, in a drawing of it",
    '"nobody", or "several"': "values of a function of lesson 19",
    '"it was nobody"': "a learner's text, in an example",
    "tests.bench": "the benchmarks",
    "tests/bench": "the benchmarks",
    "make bench": "runs the benchmarks",
    "ROOM": "a constant: the most frames that a capture has",
    '("vrrpd", 100, room)': "a directory of the tests",
}
PACKAGES = ("vrrpd", "labs", "topologies", "tools", "tests")


def sources() -> Iterator[Path]:
    """Every Python file."""
    for package in PACKAGES:
        yield from sorted((REPOSITORY / package).rglob("*.py"))


def names(path: Path) -> Iterator[str]:
    """The module's own name, or its package's, and those of its classes and functions."""
    yield path.parent.name if path.name == "__init__.py" else path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def avoided(name: str) -> set[str]:
    """The words of a name that are in the list: of `speak_from` and `SpeakFrom`, "speak".

    The name of a test is a sentence, and searched like prose.
    """
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    words = {part.lower() for part in parts} & {word for row in WORDS for word in row.split()}
    return words - PROSE_HAS.keys() if name.startswith("test_") else words


def found() -> set[str]:
    """The names of modules, classes and functions that have a word of the list."""
    every = {name for path in sources() if path != Path(__file__).resolve() for name in names(path)}
    return {name for name in every if avoided(name)}


def remedy(name: str) -> str:
    return "; ".join(say for row, say in WORDS.items() if avoided(name) & set(row.split()))


# Words of the list that no text has: identifiers, docstrings, comments and messages.
NOWHERE = ("afresh", "anew", "in vain", "shall", "withal", "whoever", "dear", "lend", "hearsay",
           "farewell")  # fmt: skip


def test_no_text_has_a_word_that_was_given_up() -> None:
    word = re.compile(rf"\b({'|'.join(NOWHERE)})(s?)\b", re.I)
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {match[0]}"
        for folder in ("labs", "topologies", "tools", "tests")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for match in word.finditer(line)
    ]
    assert not found, "\n".join(found)


def test_no_name_has_a_word_of_the_list_without_a_reason() -> None:
    wrong = found() - FIELD.keys()
    assert not wrong, "\n".join(f"{name}: use {remedy(name)}" for name in sorted(wrong))


def test_every_name_with_a_reason_is_there() -> None:
    assert FIELD.keys() <= found(), f"take these off FIELD: {FIELD.keys() - found()}"


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


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Line number and text of every comment and docstring; what is back-quoted is left out."""
    lines = source.splitlines()
    found = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and ast.get_docstring(node) is not None:
                last = first.end_lineno or first.lineno
                found |= {number: lines[number - 1] for number in range(first.lineno, last + 1)}
    for number, text in sorted(found.items()):
        yield number, re.sub(r"`[^`]*`", "", text)


def avoided_in_prose(text: str) -> set[str]:
    for phrase in PHRASES:
        text = text.replace(phrase, "")
    words = set(re.findall(r"[a-z]+", text.lower()))
    return (words & {word for row in WORDS for word in row.split()}) - PROSE_HAS.keys()


def test_docstrings_and_comments_have_no_word_of_the_list() -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{number}: {', '.join(sorted(words))}"
        for path in sources()
        if path != Path(__file__).resolve()
        for number, text in prose(path.read_text())
        if (words := avoided_in_prose(text))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x = 1  # nobody hears it", {"nobody", "hears"}),
        ('def f():\n    """Tell the scripts."""', {"tell"}),
        ("x = 'told'  # the state machine, and `told`", set()),
    ],
)
def test_words_are_found_in_prose(line: str, words: set[str]) -> None:
    assert {word for _, text in prose(line) for word in avoided_in_prose(text)} == words


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
