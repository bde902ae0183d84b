"""Which scripts may run, and as whom.  The messages are those seen of keepalived 2.2.7."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

import pytest

from vrrpd.config import loads
from vrrpd.config.model import Command, Config, TrackScript
from vrrpd.linux.accounts import Accounts, acting_as
from vrrpd.script_security import FileStatus, Finding, Identity, secure

SECURE = "enable_script_security"
ROOT = "script_user root"
FILE, DIRECTORY = stat.S_IFREG, stat.S_IFDIR


@dataclass
class ImaginedFiles:
    """Accounts and files that are only imagined; whatever is not given is root's and harmless."""

    users: dict[str, Identity] = field(
        default_factory=lambda: {"root": (0, 0), "nobody": (65534, 65534)}
    )
    files: dict[str, FileStatus] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)  # what only root can reach
    path: dict[str, str] = field(default_factory=dict)
    myself: Identity = (0, 0)

    def me(self) -> Identity:
        return self.myself

    def user(self, name: str) -> Identity | None:
        return self.users.get(name)

    def group(self, name: str) -> int | None:
        return {"daemon": 1}.get(name)

    def find(self, name: str, identity: Identity) -> str | None:
        return self.path.get(name)

    def resolve(self, path: str, identity: Identity) -> str:
        if path in self.closed and identity[0] != 0:
            raise PermissionError(13, "Permission denied")
        real = self.links.get(path, path)
        if real not in self.files:
            raise FileNotFoundError(2, "No such file or directory")
        return real

    def status(self, path: str) -> FileStatus:
        return self.files.get(path) or FileStatus(DIRECTORY | 0o755, 0, 0)

    def add(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> ImaginedFiles:
        self.files[path] = FileStatus(FILE | mode, uid, gid)
        return self


def config(script: str, *settings: str) -> Config:
    inside = "\n".join(settings)
    text = f"""global_defs {{\n{inside}\n}}
vrrp_instance VI_1 {{
interface eth0
virtual_router_id 51
notify_master {script}
virtual_ipaddress {{\n10.0.0.1\n}}
}}"""
    return loads(text).config


def judged(machine: ImaginedFiles, script: str, *settings: str) -> tuple[Command | None, list[str]]:
    allowed, findings, _ = secure(config(script, *settings), machine)
    return allowed.instances[0].notify.master, [str(one) for one in findings]


# Who.


def test_the_default_user_is_keepalived_script() -> None:
    machine = ImaginedFiles().add("/s")
    machine.users["keepalived_script"] = (77, 78)
    command, said = judged(machine, "/s", SECURE)
    assert command is not None
    assert command.identity == (77, 78)
    assert said == []


def test_without_that_account_we_run_it_ourselves_and_say_so() -> None:
    command, said = judged(ImaginedFiles(myself=(5, 6)).add("/s"), "/s")
    assert command is not None
    assert command.identity == (5, 6)
    assert said == [
        "Script user 'keepalived_script' does not exist",
        "SECURITY VIOLATION - scripts are being executed but script_security not enabled.",
    ]


def test_without_that_account_security_runs_nothing() -> None:
    command, said = judged(ImaginedFiles().add("/s"), "/s", SECURE)
    assert command is None
    assert said == [
        "Script user 'keepalived_script' does not exist",
        "Unable to set default user keepalived_script for script",
        "Failed to set default user for notify script /s - ignoring",
    ]


@pytest.mark.parametrize(
    ("script", "settings", "identity"),
    [
        ("/s", ("script_user nobody",), (65534, 65534)),
        ("/s", ("script_user nobody daemon",), (65534, 1)),
        ("/s nobody", ("script_user root",), (65534, 65534)),
        ("'/s a' root daemon", ("script_user nobody",), (0, 1)),
    ],
)
def test_the_user_that_is_named(script: str, settings: tuple[str, ...], identity: Identity) -> None:
    command, said = judged(ImaginedFiles().add("/s"), script, SECURE, *settings)
    assert command is not None
    assert command.identity == identity
    assert said == []


@pytest.mark.parametrize(
    ("script", "setting", "said"),
    [
        (
            "/s ghost",
            ROOT,
            ["Script user 'ghost' does not exist", "Invalid user/group for notify script /s - "
             "ignoring"],
        ),
        (
            "/s nobody ghosts",
            ROOT,
            ["Script group 'ghosts' does not exist", "Invalid user/group for notify script /s - "
             "ignoring"],
        ),
        (
            "/s",
            "script_user ghost",
            ["Script user 'ghost' does not exist", "Error setting global script uid/gid",
             "Failed to set default user for notify script /s - ignoring"],
        ),
    ],
)  # fmt: skip
def test_no_account_by_that_name(script: str, setting: str, said: list[str]) -> None:
    assert judged(ImaginedFiles().add("/s"), script, SECURE, setting) == (None, said)


# What.


@pytest.mark.parametrize(
    ("machine", "script", "said"),
    [
        (
            ImaginedFiles(),
            "/missing",
            "Script /missing cannot be accessed - No such file or directory",
        ),
        (
            ImaginedFiles(closed={"/s"}).add("/s"),
            "/s nobody",
            "Script /s cannot be accessed - Permission denied",
        ),
        (
            ImaginedFiles(files={"/d": FileStatus(DIRECTORY | 0o755, 0, 0)}),
            "/d",
            "Wrong file type found in script path '/d'.",
        ),
        (
            ImaginedFiles().add("/s", 0o644),
            "/s",
            "WARNING - script '/s' is not executable for uid:gid 0:0 - disabling.",
        ),
        (
            ImaginedFiles().add("/s", 0o750),
            "/s nobody",
            "WARNING - script '/s' is not executable for uid:gid 65534:65534 - disabling.",
        ),
        (ImaginedFiles(), "nowhere", "Cannot find script nowhere in path - disabling"),
    ],
)
def test_what_cannot_run_is_disabled_with_or_without_security(
    machine: ImaginedFiles, script: str, said: str
) -> None:
    for settings in ((SECURE, ROOT), (ROOT,)):
        command, lines = judged(machine, script, *settings)
        assert command is None
        assert lines[0] == said
        assert secure(config(script, *settings), machine)[1][0].counts  # an error of -t


def test_a_name_is_looked_for_in_path_and_a_link_followed() -> None:
    machine = ImaginedFiles(path={"true": "/bin/true"}, links={"/bin/true": "/usr/bin/true"})
    machine.add("/usr/bin/true")
    command, said = judged(machine, "'true x'", SECURE, ROOT)
    assert command is not None
    assert command.argv == ("/usr/bin/true", "x")
    found = "WARNING - script `true` resolved by path search to `/bin/true`. "
    assert said == [found + "Please specify full path."]
    kept, _ = judged(machine, "'true x'", SECURE, ROOT, "use_symlink_paths")
    assert kept is not None
    assert kept.argv == ("/bin/true", "x")


def tracked(machine: ImaginedFiles, line: str) -> tuple[TrackScript, list[Finding]]:
    text = f"""global_defs {{\nenable_script_security\nscript_user root\n}}
vrrp_script chk {{\nscript {line}\n}}
vrrp_instance VI_1 {{
interface eth0
virtual_router_id 51
track_script {{\nchk\n}}
virtual_ipaddress {{\n10.0.0.1\n}}
}}"""
    allowed, findings, _ = secure(loads(text).config, machine)
    return allowed.scripts[0], findings


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('"</dev/tcp/127.0.0.1/80"', "</dev/tcp/127.0.0.1/80"),
        ('"< /etc/keepalived/up"', "</etc/keepalived/up"),
        ("</etc/keepalived/up", "</etc/keepalived/up"),
        ("\"</etc/up 'a b' c\"", "</etc/up 'a b' 'c'"),
    ],
)
def test_a_redirection_is_tried_by_the_shell(line: str, text: str) -> None:
    script, findings = tracked(ImaginedFiles(), line)
    assert script.command.argv == ("/bin/sh", "-c", text)
    assert (script.problem, script.command.identity, findings) == ("", (0, 0), [])


@pytest.mark.parametrize("line", ['"exit 0"', '"<x"', '"if true; then :; fi"', '"["'])
def test_what_is_no_program_counts_as_failed(line: str) -> None:
    script, findings = tracked(ImaginedFiles(), line)
    assert script.problem.startswith("Cannot find script")
    assert all(one.counts for one in findings)


def test_shell_syntax_behind_a_program_is_named() -> None:
    script, findings = tracked(ImaginedFiles().add("/bin/ps"), '"/bin/ps ax | grep nginx"')
    assert script.problem == ""
    assert script.command.argv == ("/bin/ps", "ax", "|", "grep", "nginx")
    assert [one.counts for one in findings] == [False]
    assert "'|' is an argument of /bin/ps" in findings[0].text


@pytest.mark.parametrize(
    ("links", "name", "executable"),
    [
        # A link beside its target: run by its own name, which stays the name of the process.
        (
            {"/usr/bin/xzcat": "/usr/bin/xz", "/bin/xzcat": "/usr/bin/xz"},
            "/usr/bin/xzcat",
            "/usr/bin/xz",
        ),
        # One elsewhere: the name that was written, and the file that others cannot replace.
        ({"/bin/xzcat": "/usr/lib/many"}, "/bin/xzcat", "/usr/lib/many"),
        ({"/bin/xzcat": "/usr/bin/xzcat"}, "/usr/bin/xzcat", None),
    ],
)
def test_a_script_runs_under_its_own_name(
    links: dict[str, str], name: str, executable: str | None
) -> None:
    machine = ImaginedFiles(links=links, path={"xzcat": "/bin/xzcat"})
    machine.add(executable or name)
    for line in ('"/bin/xzcat -0 nginx"', '"xzcat -0 nginx"'):
        script, _ = tracked(machine, line)
        assert script.command.argv == (name, "-0", "nginx")
        assert script.command.executable == executable


def directory(mode: int, uid: int = 0, gid: int = 0) -> FileStatus:
    return FileStatus(DIRECTORY | mode, uid, gid)


UNSAFE = {
    "the file is writable by the world": ImaginedFiles().add("/a/s", 0o757),
    "the file belongs to somebody": ImaginedFiles().add("/a/s", uid=1000),
    "the file is writable by a group": ImaginedFiles().add("/a/s", 0o775, gid=1),
    "a sticky bit does not help a file": ImaginedFiles().add("/a/s", 0o1757),
    "its directory is writable by the world": ImaginedFiles(files={"/a": directory(0o777)}).add(
        "/a/s"
    ),
    "its directory belongs to somebody": ImaginedFiles(files={"/a": directory(0o755, 9)}).add(
        "/a/s"
    ),
    "the root directory is not safe": ImaginedFiles(files={"/": directory(0o757)}).add("/a/s"),
}
SAFE = {
    "nobody else can write": ImaginedFiles().add("/a/s"),
    "the group of root may write": ImaginedFiles().add("/a/s", 0o775),
    "its directory is sticky": ImaginedFiles(files={"/a": directory(0o1777)}).add("/a/s"),
}


@pytest.mark.parametrize("machine", UNSAFE.values(), ids=UNSAFE)
def test_root_runs_nothing_that_others_could_change(machine: ImaginedFiles) -> None:
    said = "Unsafe permissions found for script '/a/s'"
    assert judged(machine, "/a/s", SECURE, ROOT) == (None, [said + " - disabling."])
    command, lines = judged(machine, "/a/s", ROOT)
    assert command is not None
    violation = "SECURITY VIOLATION - scripts are being executed but script_security not enabled."
    assert lines == [said + ".", violation + " There are insecure scripts."]


@pytest.mark.parametrize("machine", SAFE.values(), ids=SAFE)
def test_what_only_root_can_change_runs(machine: ImaginedFiles) -> None:
    command, said = judged(machine, "/a/s", SECURE, ROOT)
    assert command is not None
    assert said == []


def test_an_ordinary_user_runs_what_he_likes_unless_it_becomes_root() -> None:
    loose = ImaginedFiles().add("/a/s", 0o757)
    assert judged(loose, "/a/s nobody", SECURE, ROOT)[0] is not None
    setuid = ImaginedFiles(files={"/a": directory(0o777)}).add("/a/s", 0o4755)
    assert judged(setuid, "/a/s nobody", SECURE, ROOT)[0] is None
    group_root = ImaginedFiles().add("/a/s", 0o757)
    assert judged(group_root, "/a/s nobody root", SECURE, ROOT)[0] is None


# Everything that holds a script.


def test_a_tracked_script_that_may_not_run_counts_as_failed() -> None:
    text = """global_defs {\nenable_script_security\nscript_user root\n}
vrrp_script loose {\nscript "/loose"\n}
vrrp_script gone {\nscript "/gone"\n}
vrrp_script alien {\nscript "/fine"\nuser ghost\n}
vrrp_script fine {\nscript "/fine"\n}
vrrp_instance VI_1 {
interface eth0
virtual_router_id 51
track_script {\nloose\ngone\nalien\nfine\n}
virtual_ipaddress {\n10.0.0.1\n}
}"""
    machine = ImaginedFiles().add("/loose", 0o777).add("/fine")
    allowed, findings, violated = secure(loads(text).config, machine)
    assert {one.name: one.problem for one in allowed.scripts} == {
        "loose": "Unsafe permissions found for script '/loose'",
        "gone": "Script /gone cannot be accessed - No such file or directory",
        "alien": "there is no user to run /fine",
        "fine": "",
    }
    assert allowed.scripts[3].command.identity == (0, 0)
    assert len(allowed.instances[0].track_scripts) == 4
    assert all(one.counts for one in findings)
    assert not violated
    assert [str(one) for one in findings] == [
        "Unsafe permissions found for script '/loose' - disabling.",
        "Disabling track script loose due to insecure: it counts as failed",
        "Script /gone cannot be accessed - No such file or directory",
        "Disabling track script gone since not found/accessible: it counts as failed",
        "Script user 'ghost' does not exist",
        "(keepalived.conf: Line 11) Unable to set uid/gid for script '/fine'",
    ]


def test_scripts_at_both_ends_have_a_line_of_their_own() -> None:
    text = "global_defs {\nscript_user root\nstartup_script /s\nshutdown_script /gone\n}"
    allowed, findings, violated = secure(loads(text).config, ImaginedFiles().add("/s"))
    assert allowed.globals.startup_script is not None
    assert allowed.globals.shutdown_script is None
    assert violated
    assert str(findings[-1]) == (
        "SECURITY VIOLATION - start/shutdown scripts are being executed but "
        "script_security not enabled."
    )


def test_fifos_belong_to_the_default_user() -> None:
    text = "global_defs {\nscript_user nobody\nnotify_fifo /run/f\nnotify_fifo_script /s\n}"
    allowed, _, _ = secure(loads(text).config, ImaginedFiles().add("/s"))
    assert allowed.globals.script_identity == (65534, 65534)
    assert allowed.globals.notify_fifo_script is not None


def test_a_configuration_without_scripts_has_nothing_to_say() -> None:
    """Not even about the account that it does not need."""
    allowed, findings, violated = secure(
        loads("global_defs {\nrouter_id x\n}").config, ImaginedFiles()
    )
    assert (findings, violated) == ([], False)
    assert allowed.globals.script_identity is None


# The real machine.


def test_the_real_machine_knows_root_and_its_files() -> None:
    host = Accounts()
    assert host.user("root") == (0, 0)
    assert host.group("root") == 0
    assert (host.user("no such user"), host.group("no such group")) == (None, None)
    shell = host.resolve("/bin/sh", host.me())
    assert stat.S_ISREG(host.status(shell).mode)
    assert host.find("sh", host.me()) in ("/bin/sh", "/usr/bin/sh")
    assert host.find("no-such-program", host.me()) is None
    with pytest.raises(FileNotFoundError):
        host.resolve("/no/such/file", host.me())


def test_an_identity_that_was_put_on_is_taken_off_again() -> None:
    before = (os.geteuid(), os.getegid(), os.getgroups())
    with pytest.raises(RuntimeError), acting_as((65534, 65534)):
        raise RuntimeError
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
