"""14 Trust nobody: keep an attacker from moving the address, by whichever lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.errors import LabError
from labs.experiments import attacker
from labs.lessons import Challenge, Question, Step

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

TITLE = "Trust nobody"
QUESTION = "What can anyone on the LAN do to my cluster?"
MINUTES = 20

OWN, BORROWED = "192.168.1.66", "192.168.1.12"
# Seconds for a cluster to find its holder again: a start, and one Master_Down_Interval.
PATIENCE = 9.0


# By far longer than the Master_Down_Interval of web2: by then a server that hears nothing has
# spoken, on a busy machine, too.
DEAF = 5.5


def _one_cluster(lab: Lab) -> bool:
    if lab.holders() != ["web1"] or not all(lab.running(host) for host in lab.daemons):
        return False
    # Rules made a moment ago may have made a server deaf, and it takes a while to show.
    return not any(_rules(lab, host) for host in lab.daemons) or _stays(lab)


def _rules(lab: Lab, host: str) -> str:
    return lab.run(host, "nft list ruleset").text


def _stays(lab: Lab) -> bool:
    try:
        lab.wait_until(lambda: lab.holders() != ["web1"], DEAF)
    except LabError:
        return True
    return False


def _cluster_hint(lab: Lab) -> str:
    if attacker.HOST in lab.holders():
        return "the attacker holds the address: attacker.withdraw(lab) ends the theft"
    silent = [host for host in lab.daemons if not lab.running(host)]
    if silent:
        return f"no daemon runs on {' and '.join(silent)}: that is one way to be left alone"
    if len(lab.holders()) > 1:
        return (
            "web1 and web2 both hold the address: they do not hear each other any more, "
            "so your lock keeps out too many"
        )
    holder = " and ".join(lab.holders()) or "nobody"
    return f"the address is with {holder}: lab.settle(), then check again"


def _what_it_knows(lab: Lab) -> str:
    """How the attacker came by what it needed, seen from what it has heard."""
    guessed = attacker.password_guessed(lab)
    if guessed is not None and "AH" in lab.conf("web1"):
        return f"it has guessed the password behind your signature from one packet: {guessed!r}"
    read = attacker.passwords_read(lab)
    if "unicast_peer" in lab.conf("web1"):
        return f"it hears nothing now, but it read the password {read[0]!r} before"
    return f"it reads the password in every advertisement: now it is {read[0]!r}"


def _borrowed_hint(lab: Lab) -> str:
    if _rules(lab, "web1"):
        return "your rule believes the source address, and the attacker writes that of web2"
    return _what_it_knows(lab)


CHALLENGES = {
    "locked": Challenge(
        "Lock it out",
        state="attacker",
        steps=(
            Step(
                "web1 holds 192.168.1.10, and web2 follows it",
                _one_cluster,
                hints=(
                    _cluster_hint,
                    "lab.log('web2') names what it drops; lab.reset() starts over",
                    "both files need the same auth_type, auth_pass and peers",
                ),
                patience=PATIENCE,
            ),
            Step(
                "what the attacker says in its own name moves nothing",
                lambda lab: attacker.repelled(lab, OWN),
                hints=(
                    _what_it_knows,
                    "go through the table above: which rows say no under `forges in its own name`?",
                    "auth_type AH with eight random characters, in both files, then lab.reload",
                ),
            ),
            Step(
                "what it says in the name of web2 moves nothing",
                lambda lab: attacker.repelled(lab, BORROWED),
                hints=(
                    _borrowed_hint,
                    "a source address is only a field; a signature or a switch port is more",
                    "auth_type AH with eight random characters, or attacker.lock_port(lab)",
                ),
            ),
        ),
    )
}

QUIZ = (
    Question(
        "What is `auth_type PASS` good for?",
        right="it keeps out a router that was meant for another cluster",
        why="The password is in clear text in every packet, and anyone on the LAN receives them.",
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
        "Whom does the check of TTL 255 keep out?",
        right="everybody whose packet has passed a router",
        why="Each router takes one off, and nobody can send more than 255.",
        wrong={
            "everybody who does not know the password": (
                "The TTL has nothing to do with the password."
            ),
            "everybody who is not in `unicast_peer`": (
                "A neighbor on the LAN sends with TTL 255 as well."
            ),
        },
    ),
    Question(
        "Your advertisements are signed with a strong key. What can a neighbor still do?",
        right="answer ARP for your address",
        why="Clients believe ARP, which nobody signs; only the switch can refuse it.",
        wrong={
            "nothing that would harm you": (
                "ARP is not signed, and it decides where the clients' frames go."
            ),
            "send valid advertisements": "Without the key its advertisements are dropped.",
        },
    ),
    Question(
        "(Lesson 12) A master dies. Why does version 2 need two seconds at the very least?",
        right="its interval is a whole number of seconds, at least one",
        why="Three intervals of one second, of which up to one is over when the master dies, "
        "and Skew_Time.",
        wrong={
            "its password has to be compared in every packet": (
                "Comparing eight bytes takes no time worth measuring."
            ),
            "its packets are longer than those of version 3": "A few bytes more take microseconds.",
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    "Both servers have auth_pass 1111. How can the attacker learn it?": "It read {read}.",
    "It is sent once. For how long does the client get no answer?": (
        "Both servers waited a Master_Down_Interval for a MASTER that did not exist."
    ),
    "Who answers the client now?": "Its gratuitous ARP has updated the client's ARP cache.",
    "How long does it take to find 1111?": (
        "{found}. Signed with it, the forged packet was accepted."
    ),
}
