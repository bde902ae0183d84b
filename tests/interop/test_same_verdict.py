"""`vrrpd -t` and `keepalived -t` call the same files valid and the same ones invalid.

`corpus.py` makes the files, `disagreements.py` says what a verdict is and lists what they do not
agree about.  vrrpd reads the files in this process, keepalived is run for each, in a network
namespace with the interfaces that the files name.

`make test` takes every second file, `make interop` all of them.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop import compare
from tests.interop.corpus import corpus
from tests.interop.disagreements import (
    KEEPALIVED_ONLY,
    PAGE,
    VRRPD_ONLY,
    section,
    unexplained,
)
from tests.interop.segment import Holder
from tests.interop.traces import CONFIG_ID
from tests.interop.versions import expected
from vrrpd.config import ConfigError, loads

INTERFACES = ("eth0", "eth1", "eth2", "eth3", "eth0.1")
TWIN = re.compile(r"again \(first in line")  # an address, which one of the samples lists twice
EVERY = 1 if os.environ.get("INTEROP") == "whole" else 2


@dataclass(frozen=True)
class Verdict:
    """What either one has against a file; `theirs` is None where keepalived crashed or hung."""

    name: str
    text: str
    theirs: list[str] | None
    ours: list[str]


def keepalived_errors(holder: Holder, room: Path, text: str) -> list[str] | None:
    """keepalived's complaints about a text; see `compare.keepalived_errors`."""
    with tempfile.TemporaryDirectory(dir=room) as directory:
        path = Path(directory, "keepalived.conf")
        path.write_text(text, newline="")
        return compare.keepalived_errors(holder, path)


def vrrpd_errors(text: str) -> list[str]:
    """vrrpd's errors."""
    try:
        found = loads(text, config_id=CONFIG_ID).diagnostics
    except ConfigError as error:
        found = error.diagnostics
    return [one.message for one in found if one.severity in ("error", "fatal")]


def chosen() -> Iterator[tuple[str, str]]:
    """The samples and every second of the others, or all."""
    for number, (name, text) in enumerate(corpus()):
        if name.startswith("sample") or number % EVERY == 0:
            yield name, text


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    room = tmp_path_factory.mktemp("verdicts")
    holder = Holder()
    lines = [f"link add {name} type bridge\nlink set {name} up" for name in INTERFACES]
    lines.append("addr add 192.168.1.11/24 dev eth0")
    holder.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def judge(one: tuple[str, str]) -> Verdict:
        name, text = one
        return Verdict(name, text, keepalived_errors(holder, room, text), vrrpd_errors(text))

    try:
        with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
            return list(pool.map(judge, chosen()))
    finally:
        holder.close()


def test_every_disagreement_is_explained(verdicts: list[Verdict]) -> None:
    riddles = []
    for one in verdicts:
        if one.theirs is None or bool(one.theirs) == bool(one.ours):
            continue
        known = KEEPALIVED_ONLY if one.theirs else VRRPD_ONLY
        left = unexplained(one.name, one.theirs or one.ours, known, one.text)
        if left:
            who = "keepalived" if one.theirs else "vrrpd"
            riddles.append(f"{one.name}: only {who} says: {left}")
    assert not riddles, f"{len(riddles)}:\n" + "\n".join(riddles)


def test_what_the_package_installs_gets_the_same_verdict(verdicts: list[Verdict]) -> None:
    samples = [one for one in verdicts if one.name.startswith("sample")]
    if len(samples) < 10:
        pytest.skip("optional: this package comes without its samples")
    # Whether the programs that the samples run are installed says nothing about the files.
    lookup = re.compile(r"[Cc]annot (access|find)|Disabling track script|script \S+ not found")
    differing = []
    for one in samples:
        theirs = [said for said in one.theirs or () if not lookup.search(said)]
        ours = [said for said in one.ours if expected().refuses_twins or not TWIN.search(said)]
        if bool(theirs) != bool(ours):
            differing.append((one.name, theirs, ours))
    assert differing == []


def test_most_files_get_the_same_verdict_and_both_verdicts_occur(verdicts: list[Verdict]) -> None:
    """The explanations are exceptions; a rule that explains everything would prove nothing."""
    judged = [one for one in verdicts if one.theirs is not None]
    assert len(judged) >= 2000
    assert len(verdicts) - len(judged) < 0.02 * len(verdicts), "keepalived crashes too often"
    agreed = Counter(bool(one.ours) for one in judged if bool(one.theirs) == bool(one.ours))
    assert agreed.total() >= 0.9 * len(judged)
    assert min(agreed[True], agreed[False]) >= 0.3 * len(judged)


def test_the_page_lists_them() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert section() in text, "remedy: python -m tests.interop.disagreements"
