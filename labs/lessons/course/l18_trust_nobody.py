"""18 Trust nobody: what a rogue host on the LAN can do, and what keeps it out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.experiments import attacker
from labs.experiments.cluster_health import answerer, answering
from labs.lessons import Challenge, Experiment, Question, Step
from labs.lessons.challenges import VALID

if TYPE_CHECKING:
    from collections.abc import Callable

    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab
    from labs.lessons.experiment import Measured

TITLE = "Trust nobody"
QUESTION = "What can anyone on the LAN do to my cluster?"
MINUTES = 40

SECRET = "Both servers have auth_pass 1111. How can the attacker learn it?"
GAP = "The packet is sent once. For how long does the client get no answer?"
WHO = "The attacker sends it every second and claims the address. Who answers the client?"
EFFORT = "The attacker has recorded one signed packet. How long does it take to find 1111?"
LOCKED = "The port is locked, and the attacker claims the address. Who answers the client?"


# --- the experiments -----------------------------------------------------------------------------


def _calm(lab: Lab) -> None:
    """Let web1 hold the address, and the attacker send nothing."""
    if attacker.HOST in lab.holders():
        print("the attacker still claims the address: ending that first")
        attacker.withdraw(lab)
    lab.wait_until(lambda: lab.holders() == ["web1"], what="web1 to hold the address")
    lab.settle()


def _read(lab: Lab) -> Measured:
    read = attacker.passwords_read(lab)
    return ("by reading one packet" if read else "not at all"), {"read": ", ".join(read)}


def _fallen(lab: Lab) -> None:
    lab.wait_until(lambda: not lab.holders(), what="the master to give the address up")
    lab.settle()


def _gap(lab: Lab) -> Measured:
    seen = lab.timeline().last(6)
    if not seen.takeovers:
        raise LabError("the address has not moved: this cell must send the forged packet")
    outage = seen.outage_at(seen.takeovers[-1].at)
    return outage.duration if outage else 0.0


def _stolen(lab: Lab) -> None:
    lab.wait_until(
        lambda: answering(lab, for_seconds=2) == attacker.HOST, what="the attacker to answer"
    )


def _with_attacker(lab: Lab) -> Timeline:
    return attacker.with_lane(lab.timeline().last(3))


def _refused(lab: Lab) -> None:
    lab.wait_until(lambda: " 254" in lab.log("web1"), what="web1 to log the packet")


def _effort(lab: Lab) -> Measured:
    found = attacker.guess(attacker.last_advertisement(lab))
    took = "less than a second" if found.seconds < 1 else "some minutes"
    return took, {"found": found}


def _three_seconds(lab: Lab) -> None:
    end = lab.now + 3
    lab.wait_until(lambda: lab.now > end, what="three seconds")


EXPERIMENTS = {
    "listen": Experiment("one packet read", {SECRET: _read}),
    "send-once": Experiment(
        "one forged packet",
        {GAP: _gap},
        start=_calm,
        outcome=_fallen,
        waits="web1 to give the address up, and one server to hold it (a few seconds, at most 45)",
        shows=lambda lab: lab.timeline().last(6),
        drawn=GAP,
    ),
    "steal": Experiment(
        "a forged packet every second",
        {WHO: answerer},
        start=_calm,
        outcome=_stolen,
        waits="two seconds of answers from one host",
        shows=_with_attacker,
    ),
    "from-afar": Experiment(
        "TTL 254", start=_calm, outcome=_refused, waits="web1 to log it (about a second)"
    ),
    "guess": Experiment("passwords tried", {EFFORT: _effort}),
    "arp-only": Experiment(
        "nothing but ARP",
        start=_calm,
        outcome=_stolen,
        waits="two seconds of answers from one host",
        shows=_with_attacker,
    ),
    "locked-port": Experiment(
        "the switch port locked",
        {LOCKED: answerer},
        start=_calm,
        outcome=_three_seconds,
        waits="three seconds to pass",
        shows=_with_attacker,
    ),
}


# --- the challenge -------------------------------------------------------------------------------

OWN, BORROWED = "192.168.1.66", "192.168.1.12"
# A cluster has one holder again within this time: a start, and one Master_Down_Interval.
ONE_HOLDER_WITHIN_S = 9.0


# s, longer than the Master_Down_Interval of web2: a server that receives nothing is MASTER by then.
RECEIVES_NOTHING_AFTER_S = 5.5


def _one_cluster(lab: Lab) -> bool:
    if lab.holders() != ["web1"] or not all(lab.running(host) for host in lab.daemons):
        return False
    # Rules or peers of a moment ago may keep the advertisements out, which shows only later.
    changed = "unicast_peer" in lab.conf("web2")
    return not (changed or any(_rules(lab, host) for host in lab.daemons)) or _stays(lab)


def _rules(lab: Lab, host: str) -> str:
    return lab.run(host, "nft list ruleset").text


def _stays(lab: Lab) -> bool:
    try:
        lab.wait_until(
            lambda: lab.holders() != ["web1"],
            RECEIVES_NOTHING_AFTER_S,
            what="a takeover from web1, which must not happen",
        )
    except LabError:
        return True
    return False


def _cluster_hint(lab: Lab) -> str:
    if attacker.HOST in lab.holders():
        return "the attacker holds the address: attacker.withdraw(lab) ends that"
    silent = [host for host in lab.daemons if not lab.running(host)]
    if silent:
        return f"no daemon is running on {' and '.join(silent)}: that is no cluster any more"
    if len(lab.holders()) > 1:
        return (
            "web1 and web2 both hold the address: they do not receive each other any more, "
            "so your rule keeps out too many"
        )
    holder = " and ".join(lab.holders()) or "nobody"
    return f"the address is held by {holder}: wait until it is web1, then check again"


def _what_it_knows(lab: Lab) -> str:
    """How the attacker came by what it needed, from the packets that it has received."""
    guessed = attacker.password_guessed(lab)
    if guessed is not None and "AH" in lab.conf("web1"):
        return f"it has guessed the password behind your signature from one packet: {guessed!r}"
    read = attacker.passwords_read(lab)
    if "unicast_peer" in lab.conf("web1"):
        return f"it receives nothing now, but it read the password {read[0]!r} before"
    return f"it reads the password in every advertisement: now it is {read[0]!r}"


def _repelled(source: str) -> Callable[[Lab], bool]:
    """A step: no forged advertisement in the name of `source` moves the address.

    After one that did, the cluster gets its holder back, and the report shows it as it was before.
    """

    def repelled(lab: Lab) -> bool:
        if attacker.repelled(lab, source):
            return True
        print("a forged advertisement has moved the address")
        with suppress(LabError):
            lab.wait_until(
                lambda: lab.holders() == ["web1"], ONE_HOLDER_WITHIN_S, what="web1 to hold it again"
            )
        return False

    return repelled


def _borrowed_hint(lab: Lab) -> str:
    if _rules(lab, "web1"):
        return "your rule trusts the source address, and the attacker writes that of web2"
    return _what_it_knows(lab)


CHALLENGES = {
    "locked": Challenge(
        "Lock it out",
        state="attacker",
        steps=(
            VALID,
            Step(
                "web1 holds 192.168.1.10, and web2 is its BACKUP",
                _one_cluster,
                hints=(
                    _cluster_hint,
                    "journalctl -u keepalived on web2 names what it drops; lab.reset() starts over",
                    "both files need the same auth_type, auth_pass and peers",
                ),
                timeout=ONE_HOLDER_WITHIN_S,
            ),
            Step(
                "what the attacker sends from its own address moves nothing",
                _repelled(OWN),
                hints=(
                    _what_it_knows,
                    "which rows of the table say no under `forges from its own address`?",
                    "unicast_peer and a new auth_pass in both files, then reload both",
                ),
            ),
            Step(
                "what it sends with the address of web2 moves nothing",
                _repelled(BORROWED),
                hints=(
                    _borrowed_hint,
                    "a source address is only a field; a password that it never receives is more",
                    "unicast_peer and a new auth_pass in both files, or attacker.lock_port(lab)",
                ),
            ),
        ),
    )
}

QUIZ = (
    Question(
        "What is `auth_type PASS` good for?",
        right="it keeps out a router meant for another cluster",
        why="The password is in clear text in every packet, and any host on the LAN receives them.",
        wrong={
            "it keeps attackers from reading the advertisements": (
                "Nothing in an advertisement is encrypted."
            ),
            "it keeps attackers from sending advertisements": (
                "An attacker reads the password in the first packet."
            ),
        },
    ),
    Question(
        "Which hosts does the check of TTL 255 keep out?",
        right="all whose packets have passed a router",
        why="Each router takes one off, and no one can send more than 255.",
        wrong={
            "all that do not know the password": "The TTL has nothing to do with the password.",
            "all that are not in unicast_peer": (
                "A neighbor on the LAN sends with TTL 255 as well."
            ),
        },
    ),
    Question(
        "Your advertisements are signed with a strong key. What can a neighbor still do?",
        right="answer ARP for your address",
        why="Clients believe ARP, which is not signed; only the switch can refuse it.",
        wrong={
            "nothing that would do any harm": (
                "ARP is not signed, and it decides where the clients' frames go."
            ),
            "send valid advertisements": "Without the key its advertisements are dropped.",
        },
    ),
    Question(
        "(Lesson 16) Two instances in one file, for two addresses on one LAN. What keeps their "
        "advertisements apart?",
        right="the VRID",
        why="Each virtual router has a number of its own, and ignores advertisements of another.",
        wrong={
            "the password": "Both may have the same one; it does not name a virtual router.",
            "the priority": "That decides who is MASTER of one virtual router.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    SECRET: "It read the password: {read}.",
    GAP: "Both servers waited a Master_Down_Interval for a MASTER that did not exist.",
    WHO: "Its gratuitous ARP has updated the client's ARP cache.",
    EFFORT: "{found}: every number of four digits was tried in that time.",
    LOCKED: "The switch drops the ARP packets that claim the address at this port.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    SECRET: (
        ("by trying them all", "A password that is in a packet is encrypted."),
        ("not at all", "The servers send to each other, so no third host gets the packets."),
    ),
    GAP: (
        (0, "web1 knows its partner and ignores another sender."),
        (1, "web1 advertises again a second later, and is MASTER as before."),
    ),
    WHO: (
        ("web1", "web1 holds the address and still answers for it."),
        ("nobody", "The attacker has no file and no daemon, so it cannot be MASTER."),
    ),
    EFFORT: (
        ("some minutes", "Thousands of passwords have to be sent to a server, one at a time."),
        ("some days", "A signature is cryptography, and cryptography cannot be broken."),
    ),
    LOCKED: (
        ("nobody", "A claim that is blocked blocks the address for everybody."),
        ("attacker", "ARP is not VRRP, so a rule against forged VRRP does not stop it."),
    ),
}
