"""FIFOs and mail in virtual time: the lines and their order are those seen of keepalived 2.2.7."""

from __future__ import annotations

import pytest

from labs.simulation.lan import Lan
from labs.simulation.programs import END
from tests.cluster import advert, cluster, conf, inject, scripts
from vrrpd.fsm import SECOND
from vrrpd.notify.mail import text

FIFO = "/run/fifo"
READER = 'notify_fifo_script "/bin/reader -x"'
MAIL = """router_id R1
notification_email {
 a@x.example
 b@y.example
}
notification_email_from k@z.example
smtp_server 192.0.2.25 2525
smtp_helo_name me
smtp_connect_timeout 7"""


def with_globals(*lines: str, rest: str) -> str:
    inside = "\n".join(lines)
    return f"global_defs {{\n{inside}\n}}\n{rest}"


def lines(lan: Lan, path: str = FIFO) -> list[str]:
    return [line.rstrip("\n") for line in lan.machines["one"].workload.pipes.get(path, [])]


def subjects(lan: Lan) -> list[str]:
    mails = [letter.text for _, letter in lan.machines["one"].workload.mails]
    return [mail.split("Subject: ")[1].split("\r\n")[0] for mail in mails]


def group(*words: str, members: str = "VI_1 VI_2") -> str:
    inside = "\n".join((f"group {{\n{members}\n}}", *words))
    return f"vrrp_sync_group VG {{\n{inside}\n}}\n"


def pair(*words: str) -> str:
    first = conf(150, *words, name="VI_1", vrid=51, vips=["192.168.1.10"])
    return first + conf(150, name="VI_2", vrid=52, vips=["192.168.1.20"])


def test_a_whole_life_in_both_fifos() -> None:
    both = (f"notify_fifo {FIFO}", "vrrp_notify_fifo /run/other")
    lan = cluster(one=with_globals(*both, rest=conf(100)))
    lan.run(4)
    inject(lan, "one", advert(50))
    inject(lan, "one", advert(150))
    lan.unplug("one")
    lan.run(0)
    lan.stop("one")
    assert lines(lan) == [
        'INSTANCE "VI_1" BACKUP 100',
        'INSTANCE "VI_1" MASTER 100',
        'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100',
        'INSTANCE "VI_1" BACKUP 100',
        'INSTANCE "VI_1" FAULT 100',
        'INSTANCE "VI_1" STOP 100',
        END,
    ]
    assert lines(lan, "/run/other") == lines(lan)


def test_groups_are_notified_first_at_the_start_and_last_later() -> None:
    lan = cluster(one=with_globals(f"notify_fifo {FIFO}", rest=pair() + group()))
    lan.run(4)
    lan.stop("one")
    assert lines(lan) == [
        'GROUP "VG" BACKUP 0',
        'INSTANCE "VI_1" BACKUP 150',
        'INSTANCE "VI_2" BACKUP 150',
        'INSTANCE "VI_2" MASTER 150',  # the last to be ready leads
        'INSTANCE "VI_1" MASTER 150',
        'GROUP "VG" MASTER 0',
        'INSTANCE "VI_1" STOP 150',
        'INSTANCE "VI_2" STOP 150',
        'GROUP "VG" STOP 0',
        END,
    ]


def test_an_instance_that_begins_in_fault_is_notified_before_the_groups() -> None:
    lan = Lan("empty", hosts={"one": "192.168.1.11"}, ping=None)
    broken = conf(90, name="VI_9", vrid=59, vips=["192.168.1.90"]).replace("eth0", "eth9")
    text = with_globals("dynamic_interfaces", f"notify_fifo {FIFO}", rest=pair() + group() + broken)
    lan.conf("one", text)
    lan.start("one")
    assert lines(lan)[:3] == [
        'INSTANCE "VI_9" FAULT 90',
        'GROUP "VG" BACKUP 0',
        'INSTANCE "VI_1" BACKUP 150',
    ]


def test_group_scripts_get_no_priority() -> None:
    words = ('notify_master "/gm"', 'notify "/g x"')
    lan = cluster(one=pair('notify "/i"') + group(*words))
    lan.run(4)
    assert scripts(lan, "one")[-3:] == [
        ("notify", ("/i", "INSTANCE", "VI_1", "MASTER", "150")),
        ("notify_master", ("/gm",)),
        ("notify", ("/g", "x", "GROUP", "VG", "MASTER", "0")),
    ]


@pytest.mark.parametrize("where", ["instance", "group", "nobody"])
def test_changes_of_priority_are_written_to_fifos_where_asked_for(where: str) -> None:
    file = "track_file load {\nfile /tmp/load\nweight 1\n}\n"
    asked = ["notify_priority_changes"]
    tracking = "track_file {\nload weight 1\n}"
    body = pair(tracking, *(asked if where == "instance" else []))
    body += group("sync_group_tracking_weight", *(asked if where == "group" else []))
    lan = cluster(one=with_globals(f"notify_fifo {FIFO}", rest=file + body))
    lan.run(1)
    lan.machines["one"].workload.write("/tmp/load", "-3")
    lan.run(4)
    lan.machines["one"].workload.write("/tmp/load", "-5")
    lan.run(1)
    told = [line for line in lines(lan) if "_PRIORITY" in line]
    expected = ['INSTANCE "VI_1" BACKUP_PRIORITY 147', 'INSTANCE "VI_1" MASTER_PRIORITY 145']
    assert told == ([] if where == "nobody" else expected)


def test_the_reader_gets_the_path_and_ends_before_the_stop_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lan = cluster(one=with_globals(f"notify_fifo {FIFO}", READER, rest=conf(100)))
    assert ("notify_fifo_script", ("/bin/reader", "-x", FIFO)) in [
        (what, argv) for _, what, argv in lan.machines["one"].scripts
    ]
    pipe = lan.machines["one"].workload.pipes[FIFO]
    seen: list[int] = []
    ended = lan.machines["one"].workload.killed
    fifos = lan.daemons["one"].notifier.fifos
    dismiss = fifos.dismiss

    def watched() -> None:
        seen.append(len(pipe))
        dismiss()

    monkeypatch.setattr(fifos, "dismiss", watched)
    lan.stop("one")
    assert [name for _, name in ended] == ["/bin/reader -x"]
    assert seen[0] == 1  # nothing but BACKUP
    assert pipe[1:] == ['INSTANCE "VI_1" STOP 100\n', END]


def test_a_reload_makes_the_fifos_and_their_readers_again() -> None:
    lan = cluster(one=with_globals(f"notify_fifo {FIFO}", READER, rest=conf(100)))
    lan.reload("one")
    starts = [what for _, what, _ in lan.machines["one"].scripts if what == "notify_fifo_script"]
    assert len(starts) == 2
    assert lines(lan) == ['INSTANCE "VI_1" BACKUP 100', END]
    lan.conf("one", conf(100))
    lan.reload("one")
    lan.run(4)
    assert lines(lan) == ['INSTANCE "VI_1" BACKUP 100', END, END]


def test_a_reload_repeats_the_states_where_asked_for() -> None:
    """An instance in the state of its group is not repeated, but its group is (keepalived)."""
    lonely = conf(90, name="VI_3", vrid=53, vips=["192.168.1.30"])
    body = pair() + lonely + group()
    asked = "fifo_write_vrrp_states_on_reload"
    lan = cluster(one=with_globals(f"notify_fifo {FIFO}", asked, rest=body))
    lan.run(4)
    lan.reload("one")
    after = lines(lan)[lines(lan).index(END) + 1 :]
    assert after == ['INSTANCE "VI_3" MASTER 90', 'GROUP "VG" MASTER 0']


@pytest.mark.parametrize("word", ["FAULT", "DELETED"])
def test_an_instance_that_a_reload_removes(word: str) -> None:
    words = ['notify "/n"', 'notify_fault "/f"', 'notify_stop "/s"']
    if word == "DELETED":
        words.append('notify_deleted "/d"')
    gone = conf(90, *words, name="VI_2", vrid=52, vips=["192.168.1.20"])
    settings = (f"notify_fifo {FIFO}", "smtp_alert on", MAIL)
    lan = cluster(one=with_globals(*settings, rest=conf(150) + gone))
    lan.run(4)
    before = len(scripts(lan, "one"))
    lan.conf("one", with_globals(*settings, rest=conf(150)))
    lan.reload("one")
    special = ("notify_fault", ("/f",)) if word == "FAULT" else ("notify_deleted", ("/d",))
    assert scripts(lan, "one")[before:] == [
        special,
        ("notify", ("/n", "INSTANCE", "VI_2", word, "90")),
    ]
    assert lines(lan)[-1] == f'INSTANCE "VI_2" {word} 90'
    what = "Entering FAULT state" if word == "FAULT" else "Deleted"
    assert subjects(lan)[-1] == f"[R1] VRRP Instance VI_2 - {what}"


def test_two_fifos_of_one_path_are_one() -> None:
    both = (f"notify_fifo {FIFO}", f"vrrp_notify_fifo {FIFO}")
    lan = cluster(one=with_globals(*both, rest=conf(100)))
    assert lines(lan) == ['INSTANCE "VI_1" BACKUP 100']


# Mail.


def test_the_words_of_a_mail() -> None:
    body = "=> VRRP Instance is now owning VRRP VIPs <="
    mail = text(1795377519.4, "k@z.example", "[R1] X", ("a@x.example", "b@y.example"), body)
    head, rest = mail.split("\r\n", 1)
    assert head.startswith("Date: ")
    assert rest == (
        "From: k@z.example\r\nSubject: [R1] X\r\nX-Mailer: Keepalived\r\n"
        "To: a@x.example,\r\n b@y.example\r\n\r\n"
        "=> VRRP Instance is now owning VRRP VIPs <=\r\n\r\n"
    )


def test_a_letter_knows_everything_that_the_server_will_ask() -> None:
    lan = cluster(one=with_globals("smtp_alert on", MAIL, rest=conf(100)))
    [(_, letter)] = lan.machines["one"].workload.mails
    assert letter.server == ("192.0.2.25", 2525)
    assert letter.timeout == 7 * SECOND
    assert (letter.helo, letter.sender) == ("me", "k@z.example")
    assert letter.recipients == ("a@x.example", "b@y.example")


@pytest.mark.parametrize(
    ("settings", "own", "mails"),
    [
        ((), None, False),
        (("smtp_alert on",), None, True),
        (("smtp_alert off", "smtp_alert_vrrp on"), None, True),
        (("smtp_alert on", "smtp_alert_vrrp off"), None, False),
        (("smtp_alert on",), "off", False),
        (("smtp_alert_vrrp off",), "on", True),
    ],
)
def test_who_sends_mail(settings: tuple[str, ...], own: str | None, mails: bool) -> None:
    """The instance's word, else smtp_alert_vrrp, else smtp_alert, else no."""
    words = [] if own is None else [f"smtp_alert {own}"]
    lan = cluster(one=with_globals(*settings, MAIL, rest=conf(100, *words)))
    assert bool(subjects(lan)) is mails


def test_without_a_server_or_a_reader_there_is_no_mail() -> None:
    for lacking in ("smtp_server 192.0.2.25 2525\n", " a@x.example\n b@y.example\n"):
        settings = MAIL.replace(lacking, "")
        assert settings != MAIL
        lan = cluster(one=with_globals("smtp_alert on", settings, rest=conf(100)))
        assert subjects(lan) == []


@pytest.mark.parametrize("faults", [True, False])
def test_mail_about_faults_can_be_switched_off(faults: bool) -> None:
    """Then the next BACKUP is no news, if the last mail was of BACKUP (keepalived)."""
    words = ["smtp_alert on", MAIL] + ([] if faults else ["no_email_faults"])
    lan = cluster(one=with_globals(*words, rest=conf(100)))
    lan.unplug("one")
    lan.run(0)
    lan.plug("one")
    lan.run(0)
    states = [subject.split(" - ")[1].split()[1] for subject in subjects(lan)]
    assert states == (["BACKUP", "FAULT", "BACKUP"] if faults else ["BACKUP"])


def test_groups_send_mail_of_their_own() -> None:
    lan = cluster(one=with_globals(MAIL, rest=pair() + group("smtp_alert on")))
    lan.run(4)
    lan.stop("one")
    assert subjects(lan) == [
        f"[R1] VRRP Group VG - {what}"
        for what in ("Entering BACKUP state", "Entering MASTER state", "Stopping")
    ]
