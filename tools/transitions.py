"""The state machine as a table, found by asking `vrrpd.fsm.step()` itself.

    python -m tools.transitions          print the table in Markdown
    python tools/transitions.py --write    put it into README.md between its two marks

Every state is shown every kind of event; a row is what came of it.  Events that mean nothing in a
state have no row.  A test holds README.md to this output.
"""

from __future__ import annotations

import sys
from ipaddress import IPv4Address
from pathlib import Path

from vrrpd import events, fsm
from vrrpd.fsm import SECOND, Params, Router, State

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- transitions -->\n", "<!-- end of transitions -->\n"

US = Params(vrid=51, priority=100, source=IPv4Address("192.168.1.12"))
LOWER, HIGHER = IPv4Address("192.168.1.11"), IPv4Address("192.168.1.13")
NOW = 100 * SECOND
DUE = NOW + SECOND // 2  # so that a timer that starts anew is seen to

STATES = {
    State.INIT: Router(),
    State.BACKUP: Router(State.BACKUP, DUE, NOW),
    State.MASTER: Router(State.MASTER, DUE, NOW),
    State.FAULT: Router(State.FAULT),
}

EVENTS: tuple[tuple[str, events.Event, int], ...] = (
    ("started", events.Started(), NOW),
    ("timer fires", events.TimerFired(), DUE),
    ("Advertisement, priority 0", events.AdvertReceived(0, LOWER, SECOND), NOW),
    ("Advertisement, lower priority", events.AdvertReceived(50, HIGHER, SECOND), NOW),
    ("Advertisement, equal, lower address", events.AdvertReceived(100, LOWER, SECOND), NOW),
    ("Advertisement, equal, higher address", events.AdvertReceived(100, HIGHER, SECOND), NOW),
    ("Advertisement, higher priority", events.AdvertReceived(150, LOWER, SECOND), NOW),
    ("an address is removed by others", events.AddressLost(LOWER), NOW),
    ("fails (no carrier, script, ...)", events.Failed("no carrier"), NOW),
    ("recovers", events.Recovered("carrier"), NOW),
    ("sync group: not ready yet", events.Held("VI_2 is not ready"), NOW),
    ("sync group becomes MASTER", events.Led(True, "VI_2 is MASTER"), NOW),
    ("sync group becomes BACKUP", events.Led(False, "VI_2 is BACKUP"), NOW),
    ("stopped", events.Stopped(), NOW),
)

ACTIONS = {
    "TakeAddresses": "take the addresses",
    "ReleaseAddresses": "release the addresses",
    "Announce": "announce (ARP)",
    "Reassert": "announce again",
}


def rows() -> list[tuple[str, str, str, str, str]]:
    """(state, event, actions, timer, next state) for everything that has a consequence."""
    found = []
    for state, router in STATES.items():
        for name, event, now in EVENTS:
            after, actions = fsm.step(US, router, event, now)
            same = (after.state, after.deadline) == (router.state, router.deadline)
            heard = isinstance(event, events.AdvertReceived) and router.deadline is not None
            if actions or heard or not same:
                done = ", ".join(map(action, actions)) or "none"
                running = "runs on" if same else timer(after, now)
                found.append((state.value, name, done, running, after.state.value))
    return found


def action(one: events.Action) -> str:
    """An action in a few words."""
    if isinstance(one, events.SendAdvert):
        return "send an Advertisement" + (" of priority 0" if one.priority == 0 else "")
    return ACTIONS[type(one).__name__]


def timer(router: Router, now: int) -> str:
    """The running timer as the RFC calls it, recognised by its length."""
    if router.deadline is None:
        return "none"
    names = {
        US.master_down(SECOND): "Master_Down_Interval",
        US.skew(SECOND): "Skew_Time",
        SECOND: "Advertisement_Interval",
    }
    return names[router.deadline - now]


def table() -> str:
    """The whole table in Markdown, one line for each row."""
    head = ("state", "event", "actions, in order", "timer", "next state")
    lines = [head, ("---",) * len(head), *rows()]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def written(text: str) -> str:
    """`text` with the present table between the marks.  Raises ValueError without marks."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no {BEGIN.strip()} ... {END.strip()}")
    return before + BEGIN + "\n" + table() + "\n" + END + after


def main() -> None:
    """Print the table, or write it where readers find it."""
    if "--write" in sys.argv[1:]:
        README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()
