"""04 What the settings mean: the file line by line, mail, the interval; and a slow line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs import own_numbers
from labs.analysis.master_down_timer import master_down, skew
from labs.conf import contents, has, setting, with_setting
from labs.errors import LabError
from labs.experiments.role_swap import hold, since, takeover
from labs.lessons import Challenge, Experiment, Question, Step, starts
from labs.lessons.challenges import VALID
from labs.lessons.experiment import Measured
from labs.model.facts import Advert

if TYPE_CHECKING:
    from labs.analysis.timeline import Timeline
    from labs.emulation.lab import Lab
    from labs.emulation.mailbox import Mailbox

TITLE = "What the settings mean"
QUESTION = "What does each line of the file do, and who gets a mail at a takeover?"
MINUTES = 25

MAILS = "The cable of web1 is pulled. How many mails does web2 send?"
OWN_NUMBERS = ({"interval": 2}, {"interval": 3}, {"interval": 4})
SLOW = (
    "advert_int {interval} on both. How long after web1's last advertisement does web2 take over?"
)
PAIR, ADDRESS = ("web1", "web2"), "192.168.1.10"
# The mailboxes of the servers, in this kernel.
_boxes: dict[str, Mailbox] = {}


def _intervals(lab: Lab) -> tuple[str | None, ...]:
    """What the files of web1 and of web2 have for advert_int."""
    return tuple(setting(lab.conf(host), "advert_int") for host in PAIR)


# --- the experiments -----------------------------------------------------------------------------


def _agree(lab: Lab) -> None:
    """Let web1 alone hold the address, with one interval in both files."""
    if set(lab.daemons) != set(PAIR):
        raise LabError(
            'this experiment is for web1 and web2 alone: run the cells from lab = Lab("empty") on'
        )
    first, second = _intervals(lab)
    if first and first != second:
        print(f"web2's file has another advert_int: writing {first}, as on web1, and reloading")
        lab.conf("web2", with_setting(lab.conf("web2"), "advert_int", first))
        lab.reload("web2")
    starts.web1_holds(lab)


def _open_mailboxes(lab: Lab) -> None:
    print("a mail server is running on web1 and on web2")
    for host in PAIR:
        _boxes[host] = lab.mail(host)
        _boxes[host].clear()


def _without_smtp_alert(lab: Lab) -> None:
    _agree(lab)
    if any(has(lab.conf(host), "smtp_alert") for host in PAIR):
        raise LabError(
            "the files have smtp_alert already: to see what they do without it, run the cells from "
            'lab = Lab("empty") on'
        )
    _open_mailboxes(lab)


def _with_smtp_alert(lab: Lab) -> None:
    lacking = [host for host in PAIR if not has(lab.conf(host), "smtp_alert")]
    if lacking:
        raise LabError(
            f"the file of {' and '.join(lacking)} has no smtp_alert: run the cell above that "
            "writes it, then this one"
        )
    starts.cable_out(lab)
    _open_mailboxes(lab)


def _count_mails(_lab: Lab) -> Measured:
    return len(_boxes["web2"])


def _wait_for_mail(lab: Lab) -> None:
    _boxes["web2"].wait(1)
    hold(lab, "web1")


def _own_interval(lab: Lab) -> None:
    starts.has_own(lab, "advert_int", "{interval}", *PAIR)
    starts.web1_holds(lab)
    hold(lab, "web1")  # its next advertisement is one that web2 accepts, too


def _since_pull(lab: Lab) -> Timeline:
    return since(lab, "unplug")


def _after_last_advert(lab: Lab) -> Measured:
    move = takeover(_since_pull(lab))
    if move.to != "web2" or move.after is None:
        raise LabError("web2 has not taken over: was it web1's cable that was pulled?")
    interval = own_numbers.values()["interval"]
    facts = {"skew": skew(100, 2, interval), "down": master_down(100, 2, interval)}
    return round(move.after, 2), facts


_RESTS = "the address to rest on one server (a few seconds, at most 30)"
EXPERIMENTS = {
    "mails": Experiment(
        "without smtp_alert",
        {MAILS: _count_mails},
        start=_without_smtp_alert,
        outcome=lambda lab: lab.settle(),
        waits=_RESTS,
    ),
    "alert": Experiment(
        "with smtp_alert",
        start=_with_smtp_alert,
        outcome=_wait_for_mail,
        waits="a mail of web2, and web1 to hold the address (up to 15 s)",
        shows=lambda _lab: _boxes["web2"],
    ),
    "slow": Experiment(
        "a longer advert_int",
        {SLOW: _after_last_advert},
        start=_own_interval,
        outcome=lambda lab: hold(lab, "web2"),
        waits="web2 to hold the address (up to 15 s)",
        shows=_since_pull,
    ),
}


# --- the challenge -------------------------------------------------------------------------------

RECEIVER, INTERVAL = "noc@example.com", 3
# s for a reload, and for two masters to become one.
AGREE = 12.0
# s, longer than a Master_Down_Interval of the old interval.
LASTS = 6.0
FILE = "/etc/keepalived/keepalived.conf"


def _with_another_interval(lab: Lab) -> list[str]:
    files = zip(PAIR, _intervals(lab), strict=True)
    return [host for host, seconds in files if seconds != str(INTERVAL)]


def _receivers(lab: Lab, host: str) -> list[str]:
    lines = contents(lab.conf(host), "global_defs", "notification_email")
    return [word for words in lines for word in words]


def _mails_elsewhere(lab: Lab) -> list[str]:
    return [host for host in PAIR if _receivers(lab, host) != [RECEIVER]]


def _without_mail(lab: Lab) -> list[str]:
    return [host for host in PAIR if not has(lab.conf(host), "smtp_alert")]


def _mail_hint(lab: Lab) -> str:
    if elsewhere := _mails_elsewhere(lab):
        there = ", ".join(_receivers(lab, elsewhere[0])) or "nobody"
        return f"{elsewhere[0]}'s file sends mail to {there}"
    return (
        f"the file of {' and '.join(_without_mail(lab))} says where mail goes, and nothing there "
        "makes keepalived send one"
    )


def _read(lab: Lab) -> bool:
    """Whether web1 alone holds the address, and advertises the new interval."""
    return lab.holders() == ["web1"] and _latest(lab) == INTERVAL


def _latest(lab: Lab) -> float:
    """The interval in web1's latest advertisement (s), 0 if there is none."""
    sent = [advert for advert in lab.timeline().last(AGREE).of(Advert) if advert.host == "web1"]
    return sent[-1].interval if sent else 0.0


def _read_hint(lab: Lab) -> str:
    stopped = [host for host in PAIR if not lab.running(host)]
    if stopped:
        return f"no daemon is running on {' and '.join(stopped)}"
    if _latest(lab) != INTERVAL:
        return (
            f"web1's advertisements still say {_latest(lab):g} s: its daemon has not read the file "
            "since you wrote it"
        )
    return "web2 drops web1's advertisements: its daemon still expects the old interval"


CHALLENGES = {
    "two-sites": Challenge(
        "A slow line between two sites",
        state="basic",
        steps=(
            VALID,
            Step(
                f"both files have one advertisement every {INTERVAL} seconds",
                lambda lab: not _with_another_interval(lab),
                hints=(
                    lambda lab: (
                        f"the file of {' and '.join(_with_another_interval(lab))} has another "
                        "interval"
                    ),
                    "which line of the vrrp_instance has the seconds from one advertisement to the "
                    "next?",
                    f"on both: sed -i 's/advert_int .*/advert_int {INTERVAL}/' {FILE}",
                ),
            ),
            Step(
                f"both files have a mail sent to {RECEIVER}, and to no other address",
                lambda lab: not _mails_elsewhere(lab) and not _without_mail(lab),
                hints=(
                    _mail_hint,
                    "the section about mail has the word that turns it on; the receivers are in "
                    "notification_email",
                    f"on both: {RECEIVER} alone in notification_email, and `smtp_alert` in the "
                    "vrrp_instance",
                ),
            ),
            Step(
                f"both daemons have read it: web1 alone holds {ADDRESS}, and it lasts",
                lambda lab: all(lab.running(host) for host in PAIR) and _read(lab),
                hints=(
                    _read_hint,
                    "a daemon reads its file when it starts, and at a reload",
                    "`keepalived -t && systemctl reload keepalived` on both; if no daemon is "
                    "running, `systemctl start keepalived`",
                ),
                timeout=AGREE,
                lasts=LASTS,
            ),
        ),
    )
}

QUIZ = (
    Question(
        "advert_int 5, priority 100: how long is its Master_Down_Interval?",
        right="15.609 s",
        why="Three intervals of 5 s; Skew_Time is below one second in version 2, whatever the "
        "interval.",
        wrong={
            "5.609 s": "That is one interval; a BACKUP waits for three.",
            "18.047 s": "Skew_Time does not grow with the interval in version 2.",
        },
    ),
    Question(
        "Both files have `smtp_alert`, and web1's cable is pulled. Which report will arrive?",
        right="that of web2, which takes over",
        why="web1 has no cable: its report cannot leave it.",
        wrong={
            "that of web1, which fails": "Without a cable its mail stays on web1.",
            "that of the mail server": "keepalived writes the mail; the server only passes it on.",
        },
    ),
    Question(
        "Which line must NOT be the same in the files of two servers?",
        right="priority",
        why="The server with the higher priority is preferred; with equal ones the address of the "
        "interface decides.",
        wrong={
            "advert_int": "It must be equal, or advertisements are dropped in version 2.",
            "virtual_router_id": "With another number it is another virtual router.",
        },
    ),
    Question(
        "(Lesson 02) Two MASTERs of equal priority receive each other's advertisements. Which one "
        "stays?",
        right="the one with the higher address",
        why="RFC 3768, section 6.4.3: the sender's primary address is compared with the "
        "receiver's own.",
        wrong={
            "the one that was MASTER first": (
                "Nothing in an advertisement says since when its sender is MASTER."
            ),
            "neither: both become BACKUP": (
                "One of the two addresses is higher, and that router stays."
            ),
        },
    ),
)

# The reason that a verdict gives, by the question of the prediction.
REASONS = {
    MAILS: "Without `smtp_alert` in the instance or in global_defs, no mail is sent.",
    SLOW: "Three intervals of {interval} s, and the Skew_Time of {skew:.3f} s: {down:.3f} s.",
}

# Wrong answers to expect, each with what its learner probably thinks.
EXPECTED = {
    MAILS: (
        (1, "`notification_email` has an address, so the new MASTER sends a mail there."),
        (2, "There is one mail for the end of web1 and one for the new state of web2."),
    ),
    SLOW: (
        (2, "One missing advertisement is enough."),
        (3.6, "The time to a takeover belongs to the protocol and not to the file."),
    ),
}
