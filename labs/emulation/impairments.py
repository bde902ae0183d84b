"""What a switch drops on purpose: nftables rules that lose frames at one port.

    table bridge lab-s1-eth1        one table a port, so that one command takes all of it away
        forward                     between ports, after a frame has come in and been recorded:
            from  iifname           what the host has sent got as far as the switch
            to    oifname           what is sent to it does not leave the switch

A frame that is dropped here has entered the switch and is not passed on, as on a bad uplink:
the observers see it come in, and see no host receive it.
"""

from __future__ import annotations

from labs.errors import LabError

WAYS = {"to": "oifname", "from": "iifname"}
# One frame in so many is the smallest share that can be lost.
_GRAIN = 10_000


def share(words: float | str) -> float:
    """A share of frames, 0 to 1; LabError for anything else."""
    try:
        value = float(words)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise LabError(f"{words!r} is no share of frames: choose 0 (none) to 1 (all), such as 0.3")
    return value


def losing(port: str, part: float, way: str | None = None) -> str:
    """The command that lets a switch drop `part` of the frames at `port`: one way, or both."""
    chance = f"numgen random mod {_GRAIN} < {round(part * _GRAIN)}" if part < 1 else ""
    table = _table(port)
    rules = "; ".join(
        f'add rule bridge {table} forward {WAYS[each]} "{port}" {chance} drop'
        for each in ([way] if way else WAYS)
    )
    # Added first, so that deleting it never fails.
    fresh = f"add table bridge {table}; delete table bridge {table}; add table bridge {table}"
    chain = f"add chain bridge {table} forward {{ type filter hook forward priority 0; }}"
    return f"nft '{fresh}; {chain}; {rules}'"


def passing(port: str) -> str:
    """The command that undoes `losing`, whether or not it was done."""
    table = _table(port)
    return f"nft 'add table bridge {table}; delete table bridge {table}'"


def _table(port: str) -> str:
    return f"lab-{port}"
