"""06 More virtual addresses: a reload, lists that differ, a service that binds; and an exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labs.conf import contents, with_setting
from labs.errors import LabError
from labs.experiments.role_swap import since
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.challenges import VALID
from labs.lessons.experiment import Measured
from labs.lessons.show import show
from labs.model.facts import Action

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.capture.packet_fields import Anatomy
    from labs.emulation.lab import Lab

TITLE = "More virtual addresses, and fewer"
QUESTION = "Can I add and remove addresses without an outage?"
MINUTES = 35

GAP = "Both are reloaded. For how long does the client get no answer?"
SIZE = "How many bytes has an advertisement with five?"
LISTEN = "web2 is BACKUP. A server program there binds to 192.168.1.101. What happens?"
DIFFER = "Only web1 has the longer list. Who holds 192.168.1.10 then?"
TOGETHER = "How do the three addresses arrive on web2?"

PAIR = ("web1", "web2")
FIVE = {f"192.168.1.{number}" for number in (10, 101, 102, 103, 104)}
# What a server program does with an address that its host does not have, as a program of two lines.
BIND = "python3 -c 'import socket; socket.create_server((\"192.168.1.101\", 8080))'"
LOOKS_ON = 6.0  # s; longer than a Master_Down_Interval
APART = 0.5  # s; addresses that arrive within it arrive together


def _lines(lab: Lab, host: str) -> list[str]:
    """The lines of virtual_ipaddress in the file of `host`."""
    return [" ".join(words) for words in _split_lines(lab, host)]


def _listed(lab: Lab, host: str) -> set[str]:
    """The addresses in the file of `host`."""
    return {words[0].partition("/")[0] for words in _split_lines(lab, host)}


def _split_lines(lab: Lab, host: str) -> list[list[str]]:
    return contents(lab.conf(host), "vrrp_instance", "virtual_ipaddress")


# --- the experiments -----------------------------------------------------------------------------


def _five_listed(lab: Lab) -> None:
    lacking = [host for host in PAIR if not _listed(lab, host) >= FIVE]
    if lacking:
        raise LabError(
            f"the file of {' and '.join(lacking)} does not have all five addresses: run the cell "
            "above that writes them, then this one"
        )


def _written_not_read(lab: Lab) -> None:
    _five_listed(lab)
    starts.web1_holds(lab)


def _five_held(lab: Lab) -> None:
    _five_listed(lab)
    starts.web1_holds(lab)
    lab.wait_until(
        lambda: lab.witness.held()["web1"] >= FIVE, what="web1 to hold the five addresses"
    )


def _since_reload(lab: Lab) -> Timeline:
    return since(lab, "reload")


def _gap(lab: Lab) -> Measured:
    return round(sum(outage.duration for outage in _since_reload(lab).outages), 2)


def _last_packet(lab: Lab) -> Anatomy:
    return show.packet(lab.frames()[-1])


def _size(lab: Lab) -> Measured:
    return len(lab.frames()[-1].packet)


def _not_local(lab: Lab) -> None:
    """Let web2 be BACKUP and its kernel as strict as it is by default."""
    starts.web1_holds(lab)
    if lab.run("web2", "sysctl -n net.ipv4.ip_nonlocal_bind").text.strip() == "1":
        print("ip_nonlocal_bind is set on web2: taking it back")
        lab.run("web2", "sysctl -w net.ipv4.ip_nonlocal_bind=0", changes=True)


def _fate_of_the_program(lab: Lab) -> Measured:
    failed = lab.run("web2", BIND).status != 0
    return "it fails and ends" if failed else "it runs and gets no requests"


def _equal_lists(lab: Lab) -> None:
    """Let neither file list .105, and web1 alone hold 192.168.1.10."""
    for host in PAIR:
        lines = [line for line in _lines(lab, host) if line != "192.168.1.105"]
        if lines != _lines(lab, host):
            print(f"the file of {host} lists .105 already: removing it, and reloading")
            lab.conf(host, with_setting(lab.conf(host), "virtual_ipaddress", lines))
            lab.reload(host)
    starts.web1_holds(lab)


def _a_while_after_the_reload(lab: Lab) -> None:
    end = _since_reload(lab).start + 1 + LOOKS_ON
    lab.wait_until(lambda: lab.now > end, timeout=2 * LOOKS_ON, what="six seconds to pass")


def _holder(lab: Lab) -> Measured:
    if _listed(lab, "web1") == _listed(lab, "web2"):
        raise LabError("the lists of web1 and web2 are equal: nothing differs that could be shown")
    return "both" if len(lab.holders()) > 1 else "".join(lab.holders())


def _with_cable(lab: Lab) -> None:
    """Let web1 alone hold what its file lists, as the daemons have read it."""
    starts.web1_holds(lab)
    listed = _listed(lab, "web1")
    if listed != _listed(lab, "web2"):
        raise LabError("the lists of web1 and web2 differ: run the cells above in order")
    lab.wait_until(
        lambda: lab.witness.held()["web1"] >= listed, what="web1 to hold what its file lists"
    )


def _arrivals(lab: Lab) -> list[Timeline]:
    """The timelines of the addresses that web2's file lists, since the last pull."""
    pulled = max((act.t for act in lab.timeline().of(Action) if act.verb == "unplug"), default=None)
    if pulled is None:
        raise LabError("no cable has been pulled yet: this experiment pulls web1's")
    listed = _listed(lab, "web2")
    return [
        each.between(pulled - 1, each.end) for each in lab.timelines() if each.address in listed
    ]


def _first_and_last(lab: Lab) -> Any:
    from labs.figures import plot

    found = _arrivals(lab)
    return plot.stack([found[0], found[-1]])


def _together(lab: Lab) -> Measured:
    moves = [[move.at for move in each.takeovers if move.to == "web2"] for each in _arrivals(lab)]
    if not all(moves):
        return "some stay behind"
    arrived = [each[0] for each in moves]
    apart = max(arrived) - min(arrived)
    return "all at once" if apart < APART else "a second apart", {"ms": 1000 * apart}


_RESTS = "the address to rest on one server (a few seconds, at most 30)"
EXPERIMENTS = {
    "reload": Experiment(
        "both daemons are reloaded",
        {GAP: _gap},
        start=_written_not_read,
        outcome=lambda lab: lab.settle(),
        waits=_RESTS,
        shows=_since_reload,
    ),
    "bytes": Experiment("five addresses", {SIZE: _size}, start=_five_held, shows=_last_packet),
    "listen": Experiment(
        "a program on the BACKUP", {LISTEN: _fate_of_the_program}, start=_not_local
    ),
    "differ": Experiment(
        "web1 has a longer list",
        {DIFFER: _holder},
        start=_equal_lists,
        outcome=_a_while_after_the_reload,
        waits="six seconds to pass: longer than web2's Master_Down_Interval of 3.609 s",
        shows=_since_reload,
    ),
    "together": Experiment(
        "the cable is pulled",
        {TOGETHER: _together},
        start=_with_cable,
        outcome=lambda lab: lab.settle(),
        waits=_RESTS,
        shows=_first_and_last,
    ),
}


# --- the challenge -------------------------------------------------------------------------------

WANTED = {f"192.168.1.{number}" for number in (10, 101, 102, 105)}
# s for a reload, and for two masters to become one.
AGREE = 6.0
# s, longer than a Master_Down_Interval.
LASTS = 4.0
FILE = "/etc/keepalived/keepalived.conf"
RELOAD = "`keepalived -t && systemctl reload keepalived` on both servers, close together"


def _wrong_files(lab: Lab) -> list[str]:
    return [host for host in PAIR if _listed(lab, host) != WANTED]


def _file_hint(lab: Lab) -> str:
    found = []
    for host in _wrong_files(lab):
        listed = _listed(lab, host)
        lacks, extra = sorted(WANTED - listed), sorted(listed - WANTED)
        words = [f"lacks {', '.join(lacks)}"] * bool(lacks)
        words += [f"still has {', '.join(extra)}"] * bool(extra)
        found.append(f"the file of {host} {' and '.join(words)}")
    return "; ".join(found)


def _held(lab: Lab, host: str) -> set[str]:
    return set(lab.witness.held()[host] & (WANTED | FIVE))


def _holder_hint(lab: Lab) -> str:
    stopped = [host for host in PAIR if not lab.running(host)]
    if stopped:
        return f"no daemon is running on {' and '.join(stopped)}"
    if len(lab.holders()) > 1:
        return "both servers hold 192.168.1.10: one of them still has the old list"
    stale = [host for host in PAIR if _held(lab, host) - WANTED]
    if stale:
        return f"{stale[0]} still holds an address that its file no longer lists"
    return "the files are right, but web1's daemon has not read its own yet"


def _moves(lab: Lab) -> int:
    """How often 192.168.1.10 has left its holder since the start."""
    return sum(takeover.frm is not None for takeover in lab.timeline().takeovers)


CHALLENGES = {
    "exchange": Challenge(
        "An exchange",
        state="five",
        steps=(
            VALID,
            Step(
                "both files list .10, .101, .102 and .105, and no other",
                lambda lab: not _wrong_files(lab),
                hints=(
                    _file_hint,
                    f"edit {FILE} on both servers: four lines in virtual_ipaddress, and no other",
                    "on both: sed -i '/192.168.1.10[345]/d; "
                    f"/192.168.1.102$/a\\                192.168.1.105' {FILE}",
                ),
            ),
            Step(
                "web1 holds these four, and web2 none; both daemons run",
                lambda lab: (
                    all(lab.running(host) for host in PAIR)
                    and (_held(lab, "web1"), _held(lab, "web2")) == (WANTED, set())
                ),
                hints=(_holder_hint, "a daemon reads its file at a start or a reload", RELOAD),
                timeout=AGREE,
                lasts=LASTS,
            ),
            Step(
                "192.168.1.10 has not moved in the meantime",
                lambda lab: _moves(lab) == 0,
                hints=(
                    "it has moved: a daemon that is stopped gives its addresses up, and lists that "
                    "differ for more than two seconds may make two masters",
                    'lab = Lab("five") starts over; which command reads the file without a stop?',
                    f"write both files first; then {RELOAD}",
                ),
            ),
        ),
    )
}

QUIZ = (
    Question(
        "You have written four more addresses into both files. Who holds them now?",
        right="no server",
        why="A daemon reads its file at its start and at a reload, not before.",
        wrong={
            "the MASTER": "Its daemon has not read the file again yet.",
            "both servers": "Even after a reload only the MASTER would hold them.",
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
        why="Up to 2.3.2 an advertisement with another list is dropped, so the BACKUP's timer "
        "expires.",
        wrong={
            "nothing at all": "That is so from 2.3.3 on; 2.2.7 compares the lists.",
            "the new ones are ignored": "The whole advertisement is dropped, not the addresses.",
        },
    ),
    Question(
        "(Lesson 04) An address moved and no mail came, though `global_defs` names a receiver and "
        "a mail server. What is missing?",
        right="smtp_alert",
        why="`global_defs` only says where mail goes; `smtp_alert`, in an instance or for all of "
        "them, turns it on.",
        wrong={
            "a password": "keepalived sends plain SMTP and has no password to give.",
            "notify_master": "That runs a script; mail needs none.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    GAP: "A reload keeps the state of the instance: there was no resignation and no election.",
    SIZE: "Four more addresses take four bytes each.",
    LISTEN: "A program may bind only to an address that its host has, unless the kernel allows it.",
    DIFFER: (
        "If web2 drops the advertisements, its Master_Down_Timer expires; if it accepts them, it "
        "stays BACKUP."
    ),
    TOGETHER: "One virtual router has one state; here they came within {ms:.1f} ms.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    GAP: (
        (0.6, "A reload is a short stop: the daemon resigns, and the Skew_Time passes."),
        (3.6, "A reload is a restart, and after a restart there is an election."),
    ),
    SIZE: (
        (200, "Each address has an advertisement of its own, of 40 bytes."),
        (100, "An address is sent as text, one byte for each character."),
    ),
    LISTEN: (
        (
            "it waits for the address",
            "The kernel knows the address from the file, and the program sleeps until it is there.",
        ),
        (
            "it runs and gets no requests",
            "A program may listen on any address; only the requests are missing.",
        ),
    ),
    DIFFER: (
        ("web2", "web2's file was not touched, and web1 is the one that has made a mistake."),
        (
            "both",
            "Advertisements with other addresses are dropped (right with keepalived up to 2.3.2).",
        ),
    ),
    TOGETHER: (
        ("a second apart", "Each address has an election of its own, at its own time."),
        (
            "some stay behind",
            "An address is moved by a message of its own, and a message may be lost.",
        ),
    ),
}
