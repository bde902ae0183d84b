"""A fixed number of hostile inputs: the whole corpus, and some thousand that are near it.

The search for inputs of a new kind is `make fuzz`; here the ones that were found stay found.
FUZZ_SEED=N chooses other neighbours, and a failure says with which input it can be repeated.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, config, packet, request
from tests.support import REPOSITORY
from vrrpd.packet import Advertisement, decode

SEED = int(os.environ.get("FUZZ_SEED", "20260813"))
NEIGHBOURS = {"packet": 4000, "config": 1200, "request": 3000}
SMALL = 300 * 1024  # bytes: what a corpus in a repository may weigh


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus(target: str) -> None:
    inputs = corpus.corpus(target)
    assert len(inputs) >= 8
    for data in inputs:
        give(target, data)


@pytest.mark.parametrize("target", TARGETS)
def test_neighbours_of_the_corpus(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f" FUZZ_SEED={SEED}, {NEIGHBOURS[target]} inputs for {target} ", end="")
    for data in corpus.mutations(target, NEIGHBOURS[target], SEED):
        give(target, data)


def give(target: str, data: bytes) -> None:
    """Try one input; what goes wrong names it."""
    try:
        TARGETS[target](data)
    except Exception as error:
        raise AssertionError(f"{target} of {data!r}: {type(error).__name__}: {error}") from error


def test_the_same_seed_is_the_same_inputs() -> None:
    one, two, other = (list(corpus.mutations("packet", 50, seed)) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in corpus.CORPUS.rglob("*")) < SMALL


def test_the_seeds_are_there() -> None:
    """Captures, vectors, samples: a path that has moved would quietly be an empty seed."""
    assert len(list(corpus.seed_packets())) > 200
    assert len(list(corpus.seed_files())) > 1000


# A target that accepts everything finds nothing: each must notice what it is there for.


def test_the_packet_target_notices_a_wrong_field(monkeypatch: pytest.MonkeyPatch) -> None:
    right = decode
    good = next(corpus.seed_packets())
    packet(good)

    def wrong(*arguments: Any) -> Advertisement:
        found = right(*arguments)
        return found._replace(vrid=found.vrid ^ 1)

    monkeypatch.setattr("tests.fuzz.targets.decode", wrong)
    with pytest.raises(AssertionError):
        packet(good)


def test_the_packet_target_notices_any_other_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> None:
        raise IndexError

    monkeypatch.setattr("tests.fuzz.targets.parse_ip", broken)
    with pytest.raises(IndexError):
        packet(b"x")


def test_the_config_target_notices_a_daemon_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (REPOSITORY / "tests/data/conf/article-master.conf").read_bytes()
    config(text)

    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("vrrpd.daemon.Daemon.connect", broken)
    with pytest.raises(ZeroDivisionError):
        config(text)


def test_the_request_target_notices_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    request(b'{"command": "status"}')
    monkeypatch.setattr("vrrpd.control.Control.write", lambda *_: None)
    with pytest.raises(ValueError, match="unpack"):
        request(b'{"command": "status"}')


def test_minimising_keeps_what_reaches_more(tmp_path: Path) -> None:
    good, long = b'{"command": "status"}', b'{"command":    "status"}'
    assert corpus.minimised("request", {good, long}) == [good]
