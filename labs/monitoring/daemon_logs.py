"""What the daemons say about themselves: vrrpd's journal and keepalived's log, as State facts.

    {"t": 1795367244.1, "host": "web2", "instance": "VI_1", "event": "state", "from": "BACKUP",
     "to": "MASTER", "reason": "no advertisement for 3.609 s ...", "priority": 100}

    Sun Nov 22 17:07:24 2026: (VI_1) Receive advertisement timeout
    Sun Nov 22 17:07:24 2026: (VI_1) Entering MASTER STATE

keepalived stamps its lines with whole seconds of local time, and gives its reasons, if at all, in
the line before (with -D).  Lines that say nothing about a state are skipped; so is a last line
that is still being written.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable

from labs.model.facts import State

LOG_LINE = re.compile(
    r"^(?P<when>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}): "
    r"(?:\((?P<instance>[^)]+)\) )?(?P<text>.*)$"
)
ENTERING = re.compile(r"^Entering (?P<state>MASTER|BACKUP|FAULT) STATE(?P<init> \(init\))?")
# keepalived 2.2.7's lines that announce a change of state; the first two need -D.
REASONS = re.compile(
    r"^(Receive advertisement timeout|Backup received priority 0 advertisement"
    r"|Master received advert from .* with higher priority .*|Netlink reports \S+ (?:up|down))$"
)

# What a daemon logs when it does not work as its file says.
_COMPLAINS = re.compile(
    r"does ?n[o']t exist|passw|auth|mismatch|ignor|reject|drop|invalid|unknown|error|fail",
    re.IGNORECASE,
)
_LINE = 160  # characters of a complaint


def complaint(log: str) -> str:
    """The line of a log that may explain why its router does not do what it was meant to do.

    That it is in FAULT, and why; or else what it complained of since its last change of state.
    Empty if there is neither.
    """
    last, latest = "", ""
    for line in log.splitlines():
        found = LOG_LINE.match(line)
        text = line.partition(f"{found['when']}: ")[2] if found else line
        entered = ENTERING.match(found["text"]) if found else None
        if found and entered:
            reason = f" ({latest})" if latest and "(" not in found["text"] else ""
            last = f"{text}{reason}" if entered["state"] == "FAULT" else ""
            latest = ""
        elif _COMPLAINS.search(text) or re.search("Netlink reports .* down", text):
            latest = text.strip()
    return (last or latest)[:_LINE]


def states(lines: Iterable[str], host: str) -> list[State]:
    """The changes of state in a journal or log of `host`, whichever of the two it is.

    A keepalived State has no priority, and `frm` is "INIT" for the first of an instance.
    """
    result: list[State] = []
    log: list[str] = []
    for line in lines:
        if line.startswith("{"):
            result += _journal_line(line, host)
        else:
            log.append(line)
    return [*result, *_log_lines(log, host)]


def _journal_line(line: str, host: str) -> list[State]:
    """The State in one journal line: none or one."""
    try:
        entry = json.loads(line)
        if entry["event"] != "state" or entry.get("from") == entry["to"]:
            return []
        state = State(
            t=float(entry["t"]),
            host=host,
            instance=str(entry.get("instance", "")),
            frm=str(entry.get("from", "")),
            to=str(entry["to"]),
            reason=str(entry.get("reason", "")),
            priority=entry.get("priority"),
        )
    # Not of our daemon: a learner may write into this file, too.
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return []
    is_priority = state.priority is None or isinstance(state.priority, int)
    return [state] if math.isfinite(state.t) and is_priority else []


def _log_lines(lines: Iterable[str], host: str) -> list[State]:
    result: list[State] = []
    current: dict[str, str] = {}
    reason = ""
    for line in lines:
        found = LOG_LINE.match(line.rstrip())
        if found is None:
            continue
        entering = ENTERING.match(found["text"])
        if entering is None:
            reason = found["text"] if REASONS.match(found["text"]) else reason
            continue
        instance = found["instance"] or ""
        try:
            t = time.mktime(time.strptime(found["when"], "%a %b %d %H:%M:%S %Y"))
        except (ValueError, OverflowError):  # no such day
            continue
        # keepalived writes down that it starts, never that it stops.
        before = "INIT" if entering["init"] else current.get(instance, "INIT")
        current[instance] = entering["state"]
        if before != entering["state"]:
            told = State(t, host, instance, before, entering["state"], reason, resolution=1.0)
            result.append(told)
        reason = ""
    return result
