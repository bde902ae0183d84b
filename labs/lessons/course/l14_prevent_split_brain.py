"""14 Split brain: what heals one, and a check of the gateway that prevents it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs.conf import contents, setting
from labs.errors import LabError
from labs.experiments.role_swap import since
from labs.experiments.split_brain import BEFORE, broken, split, until_answered
from labs.lessons import Challenge, Experiment, Question, Step
from labs.lessons.challenges import VALID

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab

TITLE = "Split brain: heal and prevent"
QUESTION = "What happens when the break is repaired, and how do you prevent the next one?"
MINUTES = 30

HEAL = "For how long does the client get no answer after the repair?"
GATEWAY = "With that check, the path to web1 is cut. Who holds the address in the end?"


# --- the experiments -----------------------------------------------------------------------------


def _one_master(lab: Lab) -> None:
    """Let web1 alone hold the address, on a whole network."""
    if not lab.witness.carrier().get("web1"):
        print("web1's cable is out: plugging it in first")
        lab.plug("web1")
    if broken(lab, "web1"):
        print("the path to web1 is broken: repairing it first")
        lab.mend("web1")
    lab.wait_until(lambda: lab.holders() == ["web1"], what="web1 to hold the address alone")
    lab.settle()


def _two_masters(lab: Lab) -> None:
    """Let both servers hold the address, the path to web1 being cut."""
    if len(lab.holders()) < 2:
        print("one server holds the address: cutting the path and waiting for the second one")
        split(lab)


def _two_masters_by_priority(lab: Lab) -> None:
    for host in lab.servers:
        if setting(lab.conf(host), "higher_prio_send_advert") is None:
            raise LabError(
                f"the file of {host} lacks higher_prio_send_advert: run the cell above first"
            )
    _two_masters(lab)


def _holder(lab: Lab) -> str:
    since(lab, "cut")
    return "both" if len(lab.holders()) == 2 else " and ".join(lab.holders()) or "nobody"


def _since_repair(lab: Lab) -> Timeline:
    seen = since(lab, "mend")
    return seen.between(seen.start + 1 - BEFORE, seen.end)


def _silence(lab: Lab) -> float:
    return max((part.duration for part in _since_repair(lab).outages), default=0.0)


def _with_gateway_check(lab: Lab) -> None:
    for host in lab.servers:
        asked = contents(lab.conf(host), "vrrp_instance", "track_script")
        if not asked:
            raise LabError(f"the file of {host} has no track_script: run the cells above first")
    _one_master(lab)


EXPERIMENTS = {
    "heal": Experiment(
        "repaired",
        {HEAL: _silence},
        start=_two_masters,
        outcome=until_answered,
        waits="the client to be answered by the only holder (up to 5 s)",
        shows=_since_repair,
        drawn=HEAL,
    ),
    "heal-better": Experiment(
        "repaired, with higher_prio_send_advert",
        start=_two_masters_by_priority,
        outcome=until_answered,
        waits="the client to be answered by the only holder (up to 5 s)",
        shows=_since_repair,
    ),
    "gateway": Experiment(
        "path cut, with a check of the gateway",
        {GATEWAY: _holder},
        start=_with_gateway_check,
        outcome=lambda lab: lab.settle(),
        waits="the check to fail twice and the address to rest on one server (at most 30 s)",
        shows=lambda lab: since(lab, "cut"),
    ),
}


# --- the challenge -------------------------------------------------------------------------------

# s for a check that has changed its mind, or its weight, to take effect.
AGREE = 6.0
# s, longer than Master_Down_Interval: a server that receives nothing would be MASTER by then.
LASTS = 6.0


def _is_cut(lab: Lab) -> bool:
    """Whether the client cannot reach the real address of web1."""
    return lab.run("client", "ping -c 1 -W 1 192.168.1.11").status != 0


def _holder_hint(lab: Lab) -> str:
    weight = setting(lab.conf("web1"), "weight") or "0"
    asked = contents(lab.conf("web1"), "vrrp_instance", "track_script")
    if not any(words[0] == "chk_gateway" for words in asked):
        return "the instance of web1 does not use chk_gateway any more: what else could it notice?"
    if weight.lstrip("-") != "0":
        return (
            f"with weight {weight} web1's priority changes, but web1 receives no advertisement of "
            "a higher one, and so it stays MASTER, even with priority 1"
        )
    return "web1's file says FAULT, but has its daemon read it? systemctl reload keepalived"


CHALLENGES = {
    "lonely": Challenge(
        "Lonely at the top",
        state="lonely",
        steps=(
            VALID,
            Step(
                "the daemon runs on both servers",
                lambda lab: all(lab.running(host) for host in lab.servers),
                hints=(
                    "next time you will not be there to stop it: web1 must give way by itself",
                    "systemctl start keepalived; then look at the check in web1's file",
                    "a check without a weight, or with weight 0, leads to FAULT",
                ),
            ),
            Step(
                "the path to web1 is still cut",
                _is_cut,
                hints=(
                    "a repaired path heals this split brain, and not the next one",
                    "lab.cut('web1') cuts it again; then look at the check in web1's file",
                    "a check without a weight, or with weight 0, leads to FAULT",
                ),
            ),
            Step(
                "192.168.1.10 is held by web2 alone, and it lasts",
                lambda lab: lab.holders() == ["web2"],
                hints=(
                    _holder_hint,
                    "lesson 12: what does a failing check without a weight do?",
                    "on web1: `weight 0` in vrrp_script, then systemctl reload keepalived",
                ),
                timeout=AGREE,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "What do advertisements by unicast change about split brain?",
        right="nothing: they take the same path",
        why="They help where multicast is not carried, not where the path is broken.",
        wrong={
            "they prevent it from the start": "A broken path loses unicast as well.",
            "they make it heal much sooner": (
                "It heals with the first advertisement after the repair, in both cases."
            ),
        },
    ),
    Question(
        "A split brain heals: web2 becomes BACKUP. Why may a client get no answer for a while?",
        right="its ARP cache still has web2's MAC address",
        why="If web1 received no advertisement of web2, it sends no gratuitous ARP, and the client "
        "sends to web2's MAC address until its entry expires.",
        wrong={
            "web1 waits for its Master_Down_Timer": (
                "web1 was MASTER all the time and has nothing to wait for."
            ),
            "web2 has not removed the address yet": "web2 removed it when it became BACKUP.",
        },
    ),
    Question(
        "Both servers check the gateway, with weight 0. The gateway dies: who holds the address?",
        right="neither of them",
        why="The check fails on both, and each goes to FAULT: better than two holders where data "
        "could be damaged.",
        wrong={
            "the one that was MASTER": "Its check fails, too, and weight 0 means FAULT.",
            "both of them": "A server in FAULT removes the address.",
        },
    ),
    Question(
        "(Lesson 12) Which check must not have weight 0, if some service is better than none?",
        right="one that can fail on all servers at once",
        why="FAULT everywhere means that no server holds the address.",
        wrong={
            "one that is run every second on all servers": (
                "How often it runs has nothing to do with its weight."
            ),
            "one that asks the web server on the same host": (
                "It fails on one server only, and FAULT is right there."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    HEAL: "No gratuitous ARP was sent, so the client kept sending to web2's MAC address.",
    GATEWAY: "The check fails on web1, which goes to FAULT and removes the address.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    HEAL: (
        (0, "web2 gives the address up at once, and web1 never stopped answering."),
        (3.6, "Every change of MASTER costs a Master_Down_Interval."),
    ),
    GATEWAY: (
        ("web1", "web1 has the higher priority, and a check changes nothing about that."),
        ("both", "The path is cut as before, so the result is the same."),
        ("nobody", "Each server misses the other, so the check fails on both."),
    ),
}
