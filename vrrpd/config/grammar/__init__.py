"""The table of keywords: every word of keepalived.conf on the VRRP side, and what we do with it.

`status` is the truth about this version:

* done     it has its effect;
* parsed   it is understood and stands in the model, but nothing acts on it yet;
* skipped  LVS or BFD: out of scope, passed over with one line.

Source: keepalived 2.2.7 to 2.4.3, its manual page and observed behaviour.  Which version brought
a keyword is in since.py, for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from vrrpd.config.grammar import global_defs, groups, instance, root
from vrrpd.config.grammar.keyword import BLOCK_KINDS, Keyword, Kind, Status
from vrrpd.config.grammar.since import SINCE

_TABLE: tuple[Keyword, ...] = tuple(
    one._replace(since=SINCE.get((one.block, one.name), ""))
    for one in (
        *root.KEYWORDS,
        *global_defs.KEYWORDS,
        *instance.KEYWORDS,
        *groups.KEYWORDS,
    )
)
_BY_BLOCK: dict[str, dict[str, Keyword]] = {}
for _one in _TABLE:
    _BY_BLOCK.setdefault(_one.block, {})[_one.name] = _one


def keywords() -> Iterator[Keyword]:
    """Every keyword, block by block, in the order in which a reader wants them."""
    return iter(_TABLE)


def in_block(block: str) -> dict[str, Keyword]:
    """The keywords that may stand in a block; "" is the root of the file."""
    return _BY_BLOCK.get(block, {})


def blocks_of(name: str) -> list[str]:
    """The blocks that know a keyword of this name."""
    return [block for block, known in _BY_BLOCK.items() if name in known]


__all__ = ["BLOCK_KINDS", "Keyword", "Kind", "Status", "blocks_of", "in_block", "keywords"]
