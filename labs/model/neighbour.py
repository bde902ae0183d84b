"""An entry of a neighbour table, as `ip neighbour` shows it: which MAC address has an address."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Neighbour:
    """An entry of a host's neighbour table: `mac` and `host` are None where there is none."""

    asked: str
    address: str
    mac: str | None
    host: str | None
    state: str

    def __repr__(self) -> str:
        if self.mac is None:
            state = f" ({self.state})" if self.state else ""
            return f"{self.asked} does not know who has {self.address}{state}"
        who = self.host or "no host of this lab"
        return f"{self.asked}: {self.address} is at {self.mac}, that is {who} ({self.state})"
