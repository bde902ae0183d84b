"""09 Twenty VIPs: hold 23 addresses and advertise 20."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.experiments import advert_size
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Twenty VIPs: the 21st address"
QUESTION = "What happened at the 21st address, and what limits us today?"
MINUTES = 15

OLD_LIMIT = 20
EVERY = advert_size.vips(23)


def _lists(lab: Lab, host: str) -> tuple[set[str], set[str]]:
    """What the file of `host` says that is advertised, and what is excluded."""
    from vrrpd.config import ConfigError, loads

    try:
        config = loads(lab.conf(host), config_id=host).config
    except ConfigError:
        return set(), set()
    named = {str(address.ip) for one in config.instances for address in one.addresses}
    excluded = {str(address.ip) for one in config.instances for address in one.excluded}
    return named, excluded


def _alike(lab: Lab) -> bool:
    return _lists(lab, "web1") == _lists(lab, "web2")


def _alike_hint(lab: Lab) -> str:
    counts = " and ".join(f"{len(_lists(lab, host)[0])} ({host})" for host in ("web1", "web2"))
    return f"the two files advertise different addresses: {counts}; both need the same lists"


def _files_hint(lab: Lab) -> str:
    named, excluded = _lists(lab, "web1")
    missing = sorted(set(EVERY) - named - excluded)
    if missing:
        return f"{', '.join(missing)} is in neither list: nobody will hold it"
    return f"the files advertise {len(named)} addresses, and the old machine knows {OLD_LIMIT}"


def _held_hint(lab: Lab) -> str:
    missing = [address for address in EVERY if lab.holders(address) != ["web1"]]
    return f"web1 does not hold {', '.join(missing[:3])}: has its daemon read the new file?"


CHALLENGES = {
    "excluded": Challenge(
        "An old neighbour",
        state="twenty-three",
        steps=(
            Step(
                "the two files have the same lists",
                _alike,
                hints=(
                    _alike_hint,
                    "lab.conf('web2') and lab.conf('web1'): the same two blocks in each",
                    "a loop over lab.servers, as in the section on the excluded ones",
                ),
            ),
            Step(
                "they name all 23 addresses, and 20 of them to be advertised",
                lambda lab: (
                    set().union(*_lists(lab, "web1")) == set(EVERY)
                    and len(_lists(lab, "web1")[0]) == OLD_LIMIT
                ),
                hints=(
                    _files_hint,
                    "which block holds addresses that the advertisement does not mention?",
                    "change(lab, host, virtual_ipaddress=names[:20], "
                    "virtual_ipaddress_excluded=names[20:]), with names = advert_size.vips(23)",
                ),
            ),
            Step(
                "the advertisement carries 20",
                lambda lab: len(advert_size.last(lab).addresses) == OLD_LIMIT,
                hints=(
                    "the files are right, and the wire still says something else: reload",
                    "lab.reload('web1'), lab.reload('web2')",
                ),
                patience=6.0,
            ),
            Step(
                "web1 holds all 23, and nobody else holds one",
                lambda lab: all(lab.holders(address) == ["web1"] for address in EVERY),
                hints=(_held_hint, "lab.reload for each of the two, one right after the other"),
                patience=6.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Why can an advertisement of version 2 list no more than 255 addresses?",
        right="their number is in one byte",
        why="255 of them make 1056 bytes: the packet has room, the byte has not.",
        wrong={
            "Ethernet has a limit of 1500": (
                "255 addresses make 1056 bytes, so there would be room for more."
            ),
            "a constant in keepalived": "That was the limit of 20, and it is gone.",
        },
    ),
    Question(
        "What became of the 21st address in 2014?",
        right="it was dropped",
        why="keepalived up to 1.2.19 dropped it with two lines in the log.",
        wrong={
            "held, but not advertised": "That is what virtual_ipaddress_excluded does.",
            "the daemon did not start": "It started, and logged two lines.",
        },
    ),
    Question(
        "An address is excluded on web1, and missing on web2. What shows it?",
        right="nothing, before the next failover",
        why="Excluded addresses are not in the advertisement, so no daemon can compare them.",
        wrong={
            "a warning in the log of web1": "web1 receives no advertisement from a BACKUP.",
            "a warning in the log of web2": (
                "The advertisement does not list the address, so web2 cannot miss it."
            ),
        },
    ),
    Question(
        "(Lesson 07) The order of two reloads that swap the files: which one is better?",
        right="there is no difference",
        why="For a moment both have the same priority, and a BACKUP does not preempt an equal one.",
        wrong={
            "web1 first, then web2": "The result is the same in the other order.",
            "web2 first, then web1": "The result is the same in the other order.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "What becomes of 192.168.1.122, the last one in the file?": (
        "The daemons of that time dropped all addresses after the twentieth."
    ),
    "How many addresses does the advertisement carry now?": (
        "The excluded addresses are on the interface but not in the advertisement."
    ),
    "One address makes an IP packet of 40 bytes. And 255?": (
        "20 + 8 + 4 × 255 + 8 bytes, and an Ethernet frame carries 1500."
    ),
    "256 addresses in the file: what becomes of the last one?": (
        "The count field has eight bits, so the 256th address is held like an excluded one."
    ),
}
