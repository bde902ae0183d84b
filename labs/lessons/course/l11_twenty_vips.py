"""11 Twenty VIPs: what limits the addresses, and how to hold 23 and advertise 20."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import instances
from labs.errors import LabError
from labs.experiments import advert_size
from labs.experiments.role_swap import hold, since
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.challenges import VALID

if TYPE_CHECKING:
    from labs.emulation.lab import Lab
    from labs.lessons.experiment import Measured

TITLE = "Twenty VIPs: the 21st address"
QUESTION = "What happened at the 21st address, and what limits us today?"
MINUTES = 20

LAST = "What becomes of 192.168.1.122, the last one in the file?"
COUNT = "How many addresses does the advertisement carry now?"
SIZE = "One address makes an IP packet of 40 bytes. And 255?"
MORE = "256 addresses in the file: what becomes of the last one?"

OLD_LIMIT, FULL = 20, 255
EVERY = advert_size.vips(23)
# What the challenge wants to have compared.
COMPARED = (EVERY[0], *EVERY[-3:])
ONE_MORE = "192.168.3.1"


# --- the experiments -----------------------------------------------------------------------------


def _last_held(lab: Lab) -> Measured:
    holders = lab.holders(EVERY[-1])
    return f"{holders[0]} holds it" if holders else "nobody holds it"


def _excluded_held(lab: Lab) -> None:
    lab.wait_until(lambda: lab.holders(EVERY[-1]) == ["web1"], what=f"web1 to hold {EVERY[-1]}")
    hold(lab, "web1")


def _count(lab: Lab) -> Measured:
    return str(len(advert_size.last(lab).addresses))


def _alone(lab: Lab) -> None:
    """Let web1 hold the address, and no daemon run on web2."""
    if lab.running("web2"):
        raise LabError(
            "web2 runs, and its list would differ: run the cell above with "
            "`systemctl stop keepalived`, then this one"
        )
    lab.wait_until(lambda: lab.holders() == ["web1"], what="web1 to hold the address")


def _full(lab: Lab) -> None:
    """Let web1 be alone with a list of FULL addresses, or more."""
    _alone(lab)
    if len(advert_size.last(lab).addresses) < FULL:
        raise LabError("web1 has no list of 255 yet: run the experiment above, then this one")


def _grown(lab: Lab) -> None:
    lab.wait_until(
        lambda: len(advert_size.last(lab).addresses) == FULL,
        what=f"an Advertisement of {FULL} addresses",
    )


def _more_held(lab: Lab) -> None:
    lab.wait_until(lambda: lab.holders(ONE_MORE) == ["web1"], what=f"web1 to hold {ONE_MORE}")
    hold(lab, "web1")


def _more(lab: Lab) -> Measured:
    named = ONE_MORE in advert_size.last(lab).addresses
    return "held and advertised" if named else "held, not advertised"


EXPERIMENTS = {
    "old-limit": Experiment("the limit of 20", {LAST: _last_held}, start=starts.web1_holds),
    "exclude": Experiment(
        "three addresses excluded",
        {COUNT: _count},
        start=starts.web1_holds,
        outcome=_excluded_held,
        waits=f"web1 to hold {EVERY[-1]}, and for its next Advertisement (a second or two)",
    ),
    "move": Experiment(
        "a failover with excluded addresses",
        start=starts.web1_holds,
        outcome=lambda lab: hold(lab, "web2"),
        waits="web2's Master_Down_Timer, 3.6 s, and its Advertisement",
        shows=lambda lab: since(lab, "unplug"),
    ),
    "grow": Experiment(
        "255 addresses",
        {SIZE: lambda lab: advert_size.on_the_wire(lab).length(FULL)},
        start=_alone,
        outcome=_grown,
        waits="an Advertisement of 255 addresses (a second or two)",
        shows=advert_size.on_the_wire,
    ),
    "one-more": Experiment(
        "256 addresses",
        {MORE: _more},
        start=_full,
        outcome=_more_held,
        waits=f"web1 to hold {ONE_MORE}, and for its next Advertisement (a second or two)",
    ),
}


# --- the challenge -------------------------------------------------------------------------------


def _lists(lab: Lab, host: str) -> tuple[set[str], set[str]]:
    """What the file of `host` says that is advertised, and what is excluded."""
    found = instances(lab.conf(host), host)
    advertised = {str(address.ip) for one in found for address in one.addresses}
    excluded = {str(address.ip) for one in found for address in one.excluded}
    return advertised, excluded


def _alike(lab: Lab) -> bool:
    return _lists(lab, "web1") == _lists(lab, "web2")


def _alike_hint(lab: Lab) -> str:
    counts = " and ".join(f"{len(_lists(lab, host)[0])} ({host})" for host in ("web1", "web2"))
    return f"the two files advertise different addresses: {counts}; both need the same lists"


def _files_hint(lab: Lab) -> str:
    advertised, excluded = _lists(lab, "web1")
    missing = sorted(set(EVERY) - advertised - excluded)
    if missing:
        return f"{', '.join(missing)} is in neither list: no server will hold it"
    return f"the files advertise {len(advertised)} addresses; the old server knows {OLD_LIMIT}"


def _compared_hint(lab: Lab) -> str:
    hidden = sorted(_lists(lab, "web1")[1] & set(COMPARED))
    return f"{', '.join(hidden)} is excluded now, so no daemon would notice if it were missing"


def _held_hint(lab: Lab) -> str:
    missing = [address for address in EVERY if lab.holders(address) != ["web1"]]
    return f"web1 does not hold {', '.join(missing[:3])}: has its daemon read the new file?"


CHALLENGES = {
    "excluded": Challenge(
        "An old neighbor",
        state="twenty-three",
        steps=(
            VALID,
            Step(
                "the two files have the same lists",
                _alike,
                hints=(
                    _alike_hint,
                    "`grep -A99 virtual_ipaddress /etc/keepalived/keepalived.conf` on both",
                    "type every change on both servers: a cell with `%%on web1 web2` does; lab = "
                    "Lab('twenty-three') starts again, with equal files",
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
                    "which block holds addresses that are not in the advertisement?",
                    "move three of .101 to .119 into a block virtual_ipaddress_excluded { ... }",
                ),
            ),
            Step(
                "192.168.1.10 and .120 to .122 are among those 20",
                lambda lab: set(COMPARED) <= _lists(lab, "web1")[0],
                hints=(
                    _compared_hint,
                    "any three of .101 to .119 may be excluded instead",
                    "put .120 to .122 back, and move .101 to .103 into the excluded block",
                ),
            ),
            Step(
                "the advertisement carries 20",
                lambda lab: len(advert_size.last(lab).addresses) == OLD_LIMIT,
                hints=(
                    "the files are right, and the advertisement is not: has a daemon read them?",
                    "`keepalived -t && systemctl reload keepalived` on both",
                ),
                timeout=6.0,
            ),
            Step(
                "web1 holds all 23, and web2 holds none",
                lambda lab: all(lab.holders(address) == ["web1"] for address in EVERY),
                hints=(_held_hint, "reload both, one right after the other"),
                timeout=6.0,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "Why can an advertisement of version 2 list no more than 255 addresses?",
        right="their number is in one byte",
        why="255 of them make 1056 bytes: a packet has room for more, the byte does not.",
        wrong={
            "Ethernet has a limit of 1500": (
                "255 addresses make 1056 bytes, so there would be room for more."
            ),
            "a constant in keepalived": "That was the limit of 20, and it is gone.",
        },
    ),
    Question(
        "What happened to the 21st address of a file in 2014?",
        right="it was ignored",
        why="keepalived up to 1.2.19 ignored it, with two lines in the log.",
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
            "a warning in web1's log, at each reload": (
                "web1 receives no advertisement from a BACKUP."
            ),
            "a warning in web2's log, at each advertisement": (
                "The advertisement does not list the address, so web2 cannot miss it."
            ),
        },
    ),
    Question(
        "(Lesson 09) Two files have been swapped, and both daemons reload. Which order is better?",
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
    LAST: "The daemons of that time ignored all addresses after the twentieth.",
    COUNT: "The excluded addresses are on the interface but not in the advertisement.",
    SIZE: "20 + 8 + 4 × 255 + 8 bytes, and an Ethernet frame carries 1500.",
    MORE: "The count field has eight bits, so the 256th address is held like an excluded one.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    LAST: (
        ("web1 holds it", "What is in the file is added, however long the list is."),
        ("web2 holds it", "What is too much for web1 goes to the other server."),
        ("no daemon starts", "A file with an error is rejected as a whole."),
    ),
    COUNT: (
        ("3", "Only the new block is meant: the excluded ones are those that are sent."),
        ("23", "web1 holds 23 addresses, so it advertises 23."),
    ),
    SIZE: (
        (10200, "Each address takes a packet's 40 bytes: 255 times 40."),
        (1500, "So many addresses fill the largest packet that Ethernet carries."),
    ),
    MORE: (
        ("held and advertised", "The packet still has room, so one more fits."),
        ("neither of the two", "What cannot be advertised is ignored, as in 2015."),
    ),
}
