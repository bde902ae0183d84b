"""04 More virtual addresses: exchange some of them without moving the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import contents
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "More virtual addresses, and fewer"
QUESTION = "Can I add and remove addresses without an outage?"
MINUTES = 15

SERVERS = ("web1", "web2")
WANTED = {f"192.168.1.{number}" for number in (10, 101, 102, 105)}
GONE = {"192.168.1.103", "192.168.1.104"}
# Seconds for a reload, and for two masters to become one.
PATIENCE = 6.0


def _listed(lab: Lab, host: str) -> set[str]:
    """The addresses in the file of `host`."""
    lines = contents(lab.conf(host), "vrrp_instance", "virtual_ipaddress")
    return {words[0].partition("/")[0] for words in lines}


def _wrong_files(lab: Lab) -> list[str]:
    return [host for host in SERVERS if _listed(lab, host) != WANTED]


def _file_hint(lab: Lab) -> str:
    told = []
    for host in _wrong_files(lab):
        listed = _listed(lab, host)
        lacks, extra = sorted(WANTED - listed), sorted(listed - WANTED)
        words = [f"lacks {', '.join(lacks)}"] * bool(lacks)
        words += [f"still has {', '.join(extra)}"] * bool(extra)
        told.append(f"the file of {host} {' and '.join(words)}")
    return "; ".join(told)


def _held(lab: Lab, host: str) -> set[str]:
    return lab.witness.held()[host] & (WANTED | GONE)


def _holder_hint(lab: Lab) -> str:
    if len(lab.holders()) > 1:
        return "both hold 192.168.1.10: one of them still works with the old list"
    stale = [host for host in SERVERS if _held(lab, host) - WANTED]
    if stale:
        return f"{stale[0]} still holds an address that its file no longer lists"
    return "the files are right, but the daemon of web1 has not read its own yet"


def _moves(lab: Lab) -> int:
    """How often 192.168.1.10 has left its holder since the start."""
    return sum(takeover.frm is not None for takeover in lab.timeline().takeovers)


CHALLENGES = {
    "exchange": Challenge(
        "An exchange",
        state="five",
        steps=(
            Step(
                "both files list .10, .101, .102 and .105, and no other",
                lambda lab: not _wrong_files(lab),
                hints=(
                    _file_hint,
                    "change(lab, host, virtual_ipaddress=[...]) writes the whole list, for each",
                    'wanted = ["192.168.1.10", "192.168.1.101", "192.168.1.102", "192.168.1.105"]; '
                    'change(lab, "web1", virtual_ipaddress=wanted), and web2 likewise',
                ),
            ),
            Step(
                "web1 holds these four, and web2 none",
                lambda lab: (_held(lab, "web1"), _held(lab, "web2")) == (WANTED, set()),
                hints=(_holder_hint, "a daemon reads its file at a reload", "lab.reload(host)"),
                patience=PATIENCE,
            ),
            Step(
                "192.168.1.10 has not moved in the meantime",
                lambda lab: _moves(lab) == 0,
                hints=(
                    "it has moved: a daemon that is stopped gives its addresses up",
                    'lab = Lab("five") starts over; which verb reads the file without stopping?',
                    "write both files, then lab.reload(host) for each",
                ),
            ),
        ),
    )
}

QUIZ = (
    Question(
        "You have written four more addresses into both files. Who holds them now?",
        right="nobody",
        why="A daemon reads its file at its start and at a reload, not before.",
        wrong={
            "web1": "Its daemon has not read the file again yet.",
            "both": "Even after a reload only the MASTER would hold them.",
        },
    ),
    Question(
        "How many advertisements a second does a virtual router with five addresses send, at "
        "advert_int 1?",
        right="one",
        why="One message lists them all; it is 16 bytes longer than with one address.",
        wrong={
            "five": "All addresses of a virtual router are in one advertisement.",
            "six": "All addresses of a virtual router are in one advertisement.",
        },
    ),
    Question(
        "Two servers with keepalived 2.2.7, and only one has the new list. What follows?",
        right="both become MASTER",
        why="Up to 2.3.2 an advertisement with another list is dropped, so each runs into its "
        "timer.",
        wrong={
            "nothing at all": "That is so from 2.3.3 on; 2.2.7 compares the lists.",
            "the new ones are ignored": "The whole advertisement is dropped, not the addresses.",
        },
    ),
    Question(
        "(Lesson 02) web2 was started first and holds the address. Now web1, with the higher "
        "priority, starts. What happens?",
        right="web1 takes it after 3.4 s",
        why="It discards the advertisements of lower priority, so its Master_Down_Timer of 3 + "
        "106/256 s expires.",
        wrong={
            "web2 keeps it for good": (
                "Only with nopreempt; by default the higher priority preempts."
            ),
            "web1 takes it at once": (
                "It starts as BACKUP and waits its Master_Down_Interval first."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "Both are reloaded. For how long does the client get no answer?": (
        "A reload keeps the state of the instance: there was no resignation and no election."
    ),
    "That one has 40 bytes, with one address. How many has one with five?": (
        "Four more addresses take four bytes each."
    ),
    "Only web1 has the new list. Who holds 192.168.1.10?": (
        "The daemons differ here: the rules are below."
    ),
    "How do the five arrive on web2?": "The first and the last address were {ms:.1f} ms apart.",
}
