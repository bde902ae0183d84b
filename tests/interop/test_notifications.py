"""Everything a daemon says besides packets, from both daemons in the same story, compared.

    FIFO lines   mails   keepalived.json, .data, .stats   what script security refuses

The story: two instances in a sync group and one alone; all become MASTER; the cable is pulled and
plugged; a reload takes the lonely one away; the daemon stops.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.interop.pairs import Runs, together
from tests.interop.segment import NO_SCRIPTS, Host, Segment, may_change_groups, network_of
from tests.interop.versions import expected
from tests.smtp import Server
from tests.support import DAEMONS

pytestmark = pytest.mark.skipif(not may_change_groups(), reason=NO_SCRIPTS)

GLOBALS = """global_defs {
 router_id R1
 notification_email { a@x.example
  b@y.example
 }
 notification_email_from k@z.example
 smtp_server 127.0.0.1 %(port)d
 smtp_helo_name me
 smtp_alert on
 script_user root
 enable_script_security
 vrrp_garp_master_delay 0
 notify_fifo %(room)s/fifo
 notify_fifo_script "%(room)s/reader.sh -x"
 fifo_write_vrrp_states_on_reload
}
"""
INSTANCE = """vrrp_instance %(name)s {
 interface eth0
 virtual_router_id %(vrid)d
 priority %(priority)d
 advert_int 1
 authentication { auth_type PASS
  auth_pass 1111
 }
 virtual_ipaddress { 192.168.1.%(vrid)d/24
 }
 %(more)s
}
"""
GROUP = """vrrp_sync_group VG {
 group { VI_1
  VI_2
 }
 notify "%(script)s"
}
"""
READER = """#!/bin/sh
echo "# $*" | sed 's#/.*/##' >>%(room)s/lines
trap 'exit 0' TERM
while read -r line; do echo "$line" >>%(room)s/lines; done <$2
"""
# Mails before the reload: VI_1, VI_2, VI_3 and VG become BACKUP, MASTER, FAULT, BACKUP and MASTER.
MAILS = 4 * 5
LAST = Counter(["VI_1 STOP", "VI_2 STOP", "VG STOP"])


@dataclass
class Notified:
    """What one daemon has logged."""

    lines: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    last_mails: list[str] = field(default_factory=list)  # those of the daemon's end
    json: list[dict[str, dict[str, object]]] = field(default_factory=list)
    data: str = ""
    stats: str = ""
    calls: list[str] = field(default_factory=list)


@contextmanager
def mail_server(host: Host) -> Iterator[Server]:
    """A mail server on a host's own loopback."""
    with network_of(host.holder.pid):
        server = Server()
    with server:
        yield server


def config(host: Host, port: int, lonely: bool) -> str:
    words = {"room": host.room, "port": port, "script": host.script}
    text = GLOBALS % words
    more = f"notify {host.script}\nnotify_master {host.script}"
    for number, name in enumerate(("VI_1", "VI_2")):
        text += INSTANCE % {"name": name, "vrid": 51 + number, "priority": 150, "more": more}
    if lonely:
        more = f"notify {host.script}\nnotify_deleted"
        text += INSTANCE % {"name": "VI_3", "vrid": 53, "priority": 90, "more": more}
    return text + GROUP % words


def story(room: Path, kind: str) -> Notified:
    """The whole story with one kind of daemon."""
    told = Notified()
    with Segment(room, hosts=1) as lan, mail_server(lan[0]) as server:
        host = lan[0]
        reader = host.room / "reader.sh"
        reader.write_text(READER % {"room": host.room})
        reader.chmod(0o755)
        lines = host.room / "lines"

        def fifo_lines() -> list[str]:
            return lines.read_text().splitlines() if lines.exists() else []

        def until(line: str, count: int = 1) -> None:
            lan.wait(lambda: fifo_lines().count(line) >= count, f"{line} in the FIFO")

        host.environment["TMPDIR"] = str(host.room)
        host.start(kind, config(host, server.port, lonely=True))
        until('GROUP "VG" MASTER 0')
        until('INSTANCE "VI_3" MASTER 90')
        told.data = dumped(lan, host, signal.SIGUSR1, "keepalived.data")
        told.stats = dumped(lan, host, signal.SIGUSR2, "keepalived.stats")
        told.json = json.loads(dumped(lan, host, 36, "keepalived.json"))
        host.unplug()
        until('GROUP "VG" FAULT 0')
        until('INSTANCE "VI_3" FAULT 90')
        host.plug()
        until('GROUP "VG" MASTER 0', 2)
        until('INSTANCE "VI_3" MASTER 90', 2)
        # A reload of keepalived cuts off the mails that are under way.
        lan.wait(lambda: mailed(server) >= MAILS, "the mails")
        host.reload(config(host, server.port, lonely=False))
        until('INSTANCE "VI_3" DELETED 90')
        lan.wait(lambda: "Reload complete" in host.text(), "the reload")
        lan.wait(lambda: fifo_lines()[-1].startswith("GROUP"), "the states once more")
        lan.wait(lambda: mailed(server) >= MAILS + 1, "the mail of the reload")
        before = len(server.conversations)
        host.stop()
        told.lines = fifo_lines()
        if kind == "vrrpd":  # keepalived kills its last scripts and mails with itself
            lan.wait(lambda: not LAST - Counter(host.calls()), "the last calls")
            lan.wait(lambda: len(server.conversations) >= before + 3, "the last mails")
        told.calls = host.calls()
    mails = [plain(one) for one in server.conversations]
    told.mails, told.last_mails = sorted(filter(None, mails[:before])), mails[before:]
    return told


def mailed(server: Server) -> int:
    """How many mails have arrived to the end."""
    return sum(one.endswith(b"QUIT\r\n") for one in list(server.conversations))


def dumped(lan: Segment, host: Host, number: int, name: str) -> str:
    """Have a dump written and read it."""
    path = host.room / name
    host.signal(number)
    # keepalived writes in place.
    lan.wait(lambda: path.exists() and path.read_text() and not held(host, path), name)
    return path.read_text()


def held(host: Host, path: Path) -> bool:
    """Whether a process of the daemon has a file open."""
    for pid in host.processes():
        with suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{fd}") == str(path):
                        return True
    return False


def plain(conversation: bytes) -> str:
    """A conversation with the mail server without the moment."""
    return re.sub(r"Date: [^\r]*", "Date: ...", conversation.decode())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[str, Notified]:
    # Here, not in the threads: two of them would make pytest's directory at the same time.
    rooms = {kind: tmp_path_factory.mktemp(kind) for kind in DAEMONS}
    return together(lambda kind: story(rooms[kind], kind), DAEMONS)


def test_fifo_lines_are_the_same_in_the_same_order(runs: Runs[str, Notified]) -> None:
    ours, theirs = steady(runs["vrrpd"].lines), steady(runs["keepalived"].lines)
    assert ours == theirs


def steady(lines: list[str]) -> list[str]:
    """The lines without those of the lonely instance, whose moments are its own affair."""
    return [line for line in lines if "VI_3" not in line]


def test_the_lonely_instance_is_notified_of_the_same(runs: Runs[str, Notified]) -> None:
    for kind in DAEMONS:
        own = [line for line in runs[kind].lines if "VI_3" in line]
        states = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "DELETED"]
        assert own == [f'INSTANCE "VI_3" {state} 90' for state in states], kind


def test_scripts_are_called_the_same(runs: Runs[str, Notified]) -> None:
    """In whatever order: they are started one after the other and race.

    The last ones are killed by keepalived when they take a second.
    """
    ours, theirs = Counter(runs["vrrpd"].calls), Counter(runs["keepalived"].calls)
    assert ours == theirs | LAST
    assert "VG MASTER" in ours


def test_mails_are_the_same_byte_for_byte(runs: Runs[str, Notified]) -> None:
    """All but those of the end, which keepalived cuts off with itself."""
    ours, theirs = runs["vrrpd"].mails, runs["keepalived"].mails
    joined = str if expected().folds_recipients else lambda mail: mail.replace(",\r\n ", ", ")
    assert [joined(one) for one in ours] == theirs
    assert len(ours) == MAILS + 1


def test_our_mails_of_the_end_arrive(runs: Runs[str, Notified]) -> None:
    assert sum("- Stopping\r\n" in mail for mail in runs["vrrpd"].last_mails) == 3


def test_the_json_has_the_same_fields_in_the_same_order(runs: Runs[str, Notified]) -> None:
    ours, theirs = runs["vrrpd"].json, runs["keepalived"].json
    assert [list(one["data"]) for one in ours] == [list(one["data"]) for one in theirs]
    assert [list(one["stats"]) for one in ours] == [list(one["stats"]) for one in theirs]


def test_the_json_says_the_same(runs: Runs[str, Notified]) -> None:
    """But for the moment, the number of Advertisements sent since, and the masked password."""
    for mine, other in zip(runs["vrrpd"].json, runs["keepalived"].json, strict=True):
        for part, loose in (("data", {"last_transition", "auth_data"}), ("stats", {"advert_sent"})):
            for name in set(mine[part]) - loose:
                assert type(mine[part][name]) is type(other[part][name]), name
                assert placeless(mine[part][name]) == placeless(other[part][name]), name


def placeless(value: object) -> str:
    """A value without the directory of the test."""
    return re.sub(r"'/[^']*/host0/", "'", str(value))


def test_statistics_are_the_same_but_for_what_time_counts(runs: Runs[str, Notified]) -> None:
    ours, theirs = (
        re.sub(r"Sent: \d+", "Sent: N", runs[kind].stats) for kind in ("vrrpd", "keepalived")
    )
    assert ours == theirs


def test_every_line_of_an_instance_is_keepalived_s(runs: Runs[str, Notified]) -> None:
    """The same keys in the same order, and the same values where time does not decide."""
    ours, theirs = (runs[kind].data for kind in ("vrrpd", "keepalived"))
    for pattern, replacement in expected().dump:
        ours = re.sub(pattern, replacement, ours)
    assert topology(ours) == topology(theirs)


def topology(data: str) -> list[str]:
    """The instances' lines without moments, sockets and passwords."""
    begin, end = data.index("------< VRRP Topology"), data.index("------< VRRP Sockpool")
    moments = r"(Last transition|Last advert sent|Read timeout|Password) = .*"
    text = re.sub(moments, r"\1", data[begin:end])
    text = re.sub(r"fd_in \d+, fd_out \d+", "fds", text)
    return [placeless(line) for line in text.splitlines()]


def test_our_sections_come_in_keepalived_s_order(runs: Runs[str, Notified]) -> None:
    titles = [re.findall(r"------< (.*) >------", runs[kind].data) for kind in DAEMONS]
    assert titles[0] == titles[1]


def test_no_password_in_our_dumps(runs: Runs[str, Notified]) -> None:
    told = runs["vrrpd"]
    assert "1111" not in told.data + json.dumps(told.json)


# Script security, with real files.

SCRIPTS = {
    "ok": 0o755,
    "world": 0o757,
    "group": 0o775,
    "plain": 0o644,
    "setuid": 0o4755,
}
VERDICTS = ("Unsafe", "WARNING - script", "Script ", "SECURITY", "Failed to set", "Unable to set",
            "Error setting", "Cannot find", "Wrong file", "Invalid user")  # fmt: skip


RESIDENT = {"keepalived": 2, "vrrpd": 1}  # processes that stay


def guarded(room: Path, kind: str, settings: str) -> list[str]:
    """What a daemon says of a directory of scripts, each the notify_backup of an instance."""
    with Segment(room, hosts=1) as lan:
        host = lan[0]
        text = f"global_defs {{\n{settings}\n}}\n"
        for number, (name, mode) in enumerate(SCRIPTS.items()):
            path = host.room / name
            path.write_text(f"#!/bin/sh\necho {name} >>{host.room}/ran\n")
            path.chmod(mode)
            more = f"notify_backup {path}"
            text += INSTANCE % {
                "name": f"I{number}",
                "vrid": 60 + number,
                "priority": 90,
                "more": more,
            }
        more = f"notify_backup {host.room}/missing"
        text += INSTANCE % {"name": "I9", "vrid": 69, "priority": 90, "more": more}
        host.start(kind, text)
        lan.wait(lambda: "Startup complete" in host.text(), "the start")
        lan.wait(lambda: host.text().count("Entering BACKUP") == 6, "all instances")
        # The last instance has no script that could be run: those of the others have been started.
        lan.wait(lambda: len(host.processes()) == RESIDENT[kind], "the end of the scripts")
        ran = host.room / "ran"
        said = [unplaced(line[26:].replace(str(room), "")) for line in host.text().splitlines()]
        verdicts = [line for line in said if line.startswith(VERDICTS)]
        return [*verdicts, *sorted(ran.read_text().split() if ran.exists() else [])]


def unplaced(line: str) -> str:
    """A line without the place in the file, which vrrpd does not know for `script_user`."""
    return re.sub(r"^\((\S+: )?Line \d+\) ", "", line)


SETTINGS = {
    "nothing": "",
    "root": "script_user root",
    "secure": "enable_script_security",
    "secure root": "enable_script_security\nscript_user root",
    "nobody": "script_user no_such_user",
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_script_security_refuses_the_same_with_the_same_words(
    tmp_path: Path, settings: str
) -> None:
    judged = together(lambda kind: guarded(tmp_path / kind, kind, settings), DAEMONS)
    assert judged["vrrpd"] == judged["keepalived"]
    assert judged["vrrpd"]
