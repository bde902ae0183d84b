"""The options of keepalived(8), one by one: accepted, and done or named."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster import conf
from tests.support import HUNG_S
from vrrpd.cli import main
from vrrpd.command_line import OPTIONS, attached, parse, umask
from vrrpd.config import loads
from vrrpd.config_reading import overridden
from vrrpd.linux.own_process import dump_core

KEEPALIVED = shutil.which("keepalived", path="/usr/sbin:/usr/bin:/sbin:/bin")
PRINTS_AND_ENDS = {"help", "version"}

# keepalived 2.4.3's usage(), its internal options, and what debugging builds add.
OPTIONS_OF_KEEPALIVED = """
    -f FILE --use-file=FILE -P --vrrp -C --check -B --no_bfd --all -l --log-console -D --log-detail
    -S 0 -S local1 --log-facility=user -S daemon -g --log-file --log-file=FILE --flush-log-file
    -G --no-syslog -u 022 --umask=022 -X --release-vips -V --dont-release-vrrp
    -I --dont-release-ipvs -R --dont-respawn -n --dont-fork -d --dump-conf -p FILE --pid=FILE
    -r FILE --vrrp_pid=FILE -c FILE --checkers_pid=FILE -a --address-monitoring
    -b FILE --bfd_pid=FILE -x --snmp -A FILE --snmp-agent-socket=FILE -s NAME --namespace=NAME
    -m --core-dump -M -Mcore --core-dump-pattern --core-dump-pattern=core --no-mem-check
    -L --mem-check-log -O --openssl-mem-check -e --all-config -i ID --config-id=ID --ignore-sigint
    --signum=STOP -t -tFILE --config-test --config-test=FILE --config-fd=3 --perf --perf=run
    --debug --debug=v -T --genhash
"""
UNIT_FILES = [
    "--dont-fork",
    "-D",
    "--dont-fork -D",
    "-D -d -S 0",
    "-nlD",
    "--dont-fork --log-console --log-detail --dump-conf",
    "-f /etc/keepalived/keepalived.conf --dont-fork --vrrp --log-detail --log-console",
    "--dont-fork --log-console --release-vips --log-detail --vrrp --pid=/keepalived.pid",
    "--dont-fork --dump-conf --log-console --log-detail --vrrp --all -P -R",
    "-n -l -D -f /x.conf -p /run/k.pid -r /run/vrrp.pid -c /run/checkers.pid -b /run/bfd.pid",
    "--log-con --dont-f --log-fac=local7",
]


def separate() -> list[list[str]]:
    """Every option above, with its value if that is a word of its own."""
    found: list[list[str]] = []
    for word in OPTIONS_OF_KEEPALIVED.split():
        if word.startswith("-"):
            found.append([word])
        else:
            found[-1].append(word)
    return found


@pytest.mark.parametrize("words", separate(), ids=" ".join)
def test_an_option_of_the_newest_keepalived_is_accepted(words: list[str]) -> None:
    parse(words)


@pytest.mark.parametrize("line", UNIT_FILES)
def test_a_unit_file_needs_nothing_but_the_other_name(line: str) -> None:
    options = parse(line.split())
    assert not any("Unexpected" in text for text in options.missing)


def test_every_option_of_the_installed_keepalived_is_accepted() -> None:
    if KEEPALIVED is None:
        pytest.skip("optional: needs the package keepalived")
    done = subprocess.run([KEEPALIVED, "--help"], capture_output=True, text=True, timeout=HUNG_S)
    rows = re.findall(r"^  (?:-(\w), |    )--([\w-]+)(\[?=| id)?", done.stdout + done.stderr, re.M)
    assert len(rows) > 25
    for short, long, value in rows:
        if long in PRINTS_AND_ENDS:
            continue
        given = "0" if value and "[" not in value else ""
        parse([f"--{long}={given}" if given else f"--{long}"])
        if short:
            parse([f"-{short}{given}"])


OURS = [
    ["--log-format", "json"],
    ["--metrics", "9650"],
    ["--max-vips", "20"],
    ["--control", "/x", "--journal", "/y", "-f", "/z", "-n", "-l", "-D", "-G"],
    ["-f", ""],
    ["-C", "--all"],
    ["-f", "/x", "surplus"],
]


@pytest.mark.parametrize(
    "words", [*separate(), *(line.split() for line in UNIT_FILES), *OURS, []], ids=" ".join
)
def test_the_short_way_of_whole_names_ends_where_argparse_does(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = vars(parse(words))
    monkeypatch.setattr("vrrpd.command_line._exact", lambda _: None)
    assert vars(parse(words)) == short


@pytest.mark.parametrize("words", [["-f"], ["-f", "-D"], ["--log-format", "x"], ["--unknown"]])
def test_a_mistake_in_the_command_line_ends_with_the_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 2
    assert "usage: vrrpd" in capsys.readouterr().err


def test_what_is_not_done_is_named_in_a_line_each() -> None:
    options = parse(["-x", "-A", "/x", "-V", "-n", "-D"])
    assert [line.partition(":")[0] for line in options.missing] == [
        "-V, --dont-release-vrrp",
        "-x, --snmp",
        "-A, --snmp-agent-socket",
    ]
    assert parse([]).missing == []


def test_a_configuration_behind_t_is_not_written_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(conf(150))
    for words in (["-t", str(file)], ["-nt", str(file)], ["--config-test", str(file)]):
        main(["-f", str(file), *words])
        assert file.read_text() == conf(150)
        assert f"Unexpected argument(s): {file}" in capsys.readouterr().err


def test_an_optional_value_is_attached() -> None:
    assert attached(["-t", "x", "-nt", "x", "-tx", "-M", "-gx", "-p", "-x"]) == [
        "--config-test=",
        "x",
        "-n",
        "--config-test=",
        "x",
        "-tx",
        "--core-dump-pattern=",
        "-gx",
        "-p",
        "-x",
    ]
    assert parse(["-tx"]).config_test == "x"
    assert parse(["-t"]).config_test == ""
    assert parse([]).config_test is None


def test_the_last_of_check_and_all_decides_whether_vrrp_runs() -> None:
    config = loads(conf(150)).config
    for words, runs in (("", True), ("-C", False), ("-C --all", True), ("-P -C", False)):
        assert bool(overridden(config, parse(words.split())).instances) == runs


def test_the_facility_of_syslog() -> None:
    given = {"0": 16, "local7": 23, "user": 1, "daemon": 3}
    assert {text: parse(["-S", text]).log_facility for text in given} == given
    options = parse(["-S", "mail"])
    assert (options.log_facility, len(options.missing)) == (3, 1)


def test_the_umask_of_the_command_line_overrides_that_of_the_file() -> None:
    assert [umask(text) for text in ("022", "18", "0x12")] == [0o22] * 3
    config = overridden(loads(conf(150)).config, parse(["-u", "027"]))
    assert config.globals.umask == 0o27
    assert "Invalid --umask" in parse(["-u", "999x"]).missing[0]


def test_all_config_wants_every_included_file(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(conf(150) + "\ninclude absent.conf\n")
    assert main(["-t", "-f", str(file)]) == 4
    assert main(["-t", "-e", "-f", str(file)]) == 6


def test_genhash_is_named_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-T", "-s", "127.0.0.1"]) == 1
    assert "genhash" in capsys.readouterr().err


def test_core_dumps_are_allowed_as_far_as_they_may_be() -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        dump_core()
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        assert soft == hard
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


def test_every_option_of_keepalived_has_a_name_and_a_meaning() -> None:
    names = [name for one in OPTIONS for name in one.names]
    assert len(names) == len(set(names))
    assert all(one.help for one in OPTIONS)
