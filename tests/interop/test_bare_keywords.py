"""A keyword without its argument ends vrrpd only where it ends keepalived, too.

keepalived ends at once with status 2 for most of them, ignores some with a message, and takes some.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.corpus import placed
from tests.interop.segment import KEEPALIVED, Holder
from tests.support import HUNG_S
from vrrpd.config import ConfigError, Keyword, keywords, loads
from vrrpd.config.grammar import BLOCK_KINDS

ENDS = 2
WORDS = [
    one
    for one in keywords()
    if one.kind not in BLOCK_KINDS and not one.newer_than("2.2.7") and one.status != "skipped"
]


@pytest.fixture(scope="module")
def holder() -> Iterator[Holder]:
    holder = Holder()
    for name in ("eth0", "eth1", "eth2"):
        holder.run("ip", "link", "add", name, "type", "bridge")
    yield holder
    holder.close()


def ends_vrrpd(text: str) -> bool:
    try:
        loads(text, config_id="master")
    except ConfigError as error:
        return any(
            "needs an argument" in one.message
            for one in error.diagnostics
            if one.severity == "fatal"
        )
    return False


@pytest.mark.parametrize("word", WORDS, ids=lambda word: f"{word.block or 'root'}-{word.name}")
def test_a_bare_keyword_ends_vrrpd_only_where_it_ends_keepalived(
    tmp_path: Path, holder: Holder, word: Keyword
) -> None:
    text = placed(word.block, word.name)
    path = tmp_path / "keepalived.conf"
    path.write_text(text)
    command = holder.inside(KEEPALIVED, "-t", "-i", "master", "-f", str(path))
    done = subprocess.run(command, capture_output=True, text=True, timeout=HUNG_S)
    if ends_vrrpd(text):
        assert done.returncode == ENDS, done.stderr
