"""From files to words: comments, quotes, braces, definitions, sequences, conditions, includes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import REPOSITORY
from vrrpd.config import ConfigError, Diagnostic, load, loads
from vrrpd.config.diagnostics import Reporter
from vrrpd.config.include import braces
from vrrpd.config.reader import Reader


def split(text: str | bytes, config_id: str = "host") -> list[list[str]]:
    reader = Reader(Reporter(), config_id)
    reader.read_text(text if isinstance(text, bytes) else text.encode(), "f", ".")
    return [[word.text for word in line.words] for line in reader.lines]


def messages(text: str) -> list[str]:
    report = Reporter()
    Reader(report, "host").read_text(text.encode(), "f", ".")
    return [f"{one.severity}: {one.message}" for one in report]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b\tc\f\vd\r\n", [["a", "b", "c", "d"]]),
        ("a # b\n! c\n d!e", [["a"], ["d"]]),
        ("router_id foo#bar", [["router_id", "foo"]]),
        ('router_id "foo#bar"', [["router_id", "foo#bar"]]),
        (r"router_id foo\#bar", [["router_id", "foo#bar"]]),
        ('tail"mid dle"end', [["tail", "mid dle", "end"]]),
        ("'a b'", [["'a", "b'"]]),
        ('empty ""', [["empty", ""]]),
        ("name{", [["name"], ["{"]]),
        ("n { a }", [["n"], ["{"], ["a"], ["}"]]),
        ('n "{ a }"', [["n", "{ a }"]]),
        ("router_id\\", [["router_id\\"]]),
        ('broken "quote\nnext', [["next"]]),
        (b"cut\0here", [["cut"]]),
        ("", []),
    ],
)
def test_words(text: str | bytes, expected: list[list[str]]) -> None:
    assert split(text) == expected


def test_a_line_beyond_keepalived_s_buffer_is_two_lines() -> None:
    found = split("k " + "x" * 1030)
    assert [len(line[-1]) for line in found] == [1021, 9]


def test_comments_are_cut_twice_inside_vrrp_blocks_as_keepalived_does() -> None:
    assert split("vrrp_instance V {\n auth_pass a\\#b\n}")[2] == ["auth_pass", "a"]
    assert split('vrrp_instance V {\n auth_pass "a#b"\n}')[2] == ["auth_pass", "a#b"]
    assert split("global_defs {\n router_id a\\#b\n}")[2] == ["router_id", "a#b"]


def test_a_password_cut_by_a_comment_sign_is_warned_about_but_not_shown() -> None:
    report = Reporter()
    Reader(report, "").read_text(b"vrrp_instance V {\n auth_pass pass!word\n}", "f", ".")
    (found,) = report
    assert found.severity == "warning"
    assert (found.line, found.column) == (2, 16)
    assert "word" not in found.source_line
    assert "pass!" not in found.render()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$M=@host\n$M a\n$M b c\n", [["a"], ["b", "c"]]),
        ("$O=@other\n$O a\nb", [["b"]]),
        ("$N=@^host\n$N a\n${N} b\nc", [["c"]]),
        ("@host a\n@other b\n@^host c\n@^other d\n@host", [["a"], ["d"]]),
        ("$P=150\npriority $P", [["priority", "150"]]),
        ("$P=150\npriority ${P}5", [["priority", "1505"]]),
        ("$P=150\npriority $Px", [["priority", "$Px"]]),
        ("$A=${B}\n$B=late\n$A", [["late"]]),
        ("$E=\na${E}b", [["ab"]]),
        ("$M=\\\n one 1 # why \\\n two 2\nx\n$M", [["x"], ["one", "1"], ["two", "2"]]),
        ("$M=\\\n one \\\n@other two \\\n three\n$M", [["one"], ["three"]]),
        ("$IF=eth0   # the LAN\ndev $IF label x", [["dev", "eth0", "label", "x"]]),
        ("$IF=eth0 ! the LAN\ndev ${IF}", [["dev", "eth0"]]),
        ('$P="a#b" # c\nauth $P', [["auth", "a#b"]]),
        ("$M=\\ # first\n one \\ # why\n two # last\nx\n$M", [["x"], ["one"], ["two"]]),
        ("$M=\\\n one \\\n # ends it\nx\n$M", [["x"], ["one"]]),
        ("$M=\\\n one \\\n # goes on \\\n two\nx\n$M", [["x"], ["one"], ["two"]]),
        ("$M=\\\n one \\\n\nx\n$M", [["x"], ["one"]]),
        ("$M=\\\n one\nx $M y", [["x", "one", "y"]]),
        ("$M=\\\n \\\n one\nx $M y", [["x", "one", "y"]]),
        ("$A=\\\n one \\\n $B\n$B=\\\n two \\\n three\n$A", [["one"], ["two"], ["three"]]),
        ("$A=\\\n $B \\\n three\n$B=\\\n one \\\n two\n$A", [["one"], ["two"], ["three"]]),
        ("$A=\\\n $B=1 \\\n x${B}\n$A", [["x1"]]),
        ("$A=\\\n a$i \\\n b$i\n~SEQ(i,1,2) $A", [["a1"], ["b1"], ["a2"], ["b2"]]),
        ("$A=a$i\n~SEQ(i,1,2) $A # two\nlast $i", [["a1"], ["a2"], ["last", "2"]]),
        ("$N=2\n~SEQ(i,1,$N) a$i", [["a1"], ["a2"]]),
        ("$A=~SEQ(i,1,2) a$i\n$A", [["a1"], ["a2"]]),
        ("~LST({i,j},{1,2},{3}) a${i}b$j", [["a1b2"], ["a3b"]]),
        ("b { ~SEQ(i,1,2) a$i\n}", [["b"], ["{"], ["a1"], ["a2"], ["}"]]),
        ("a # it \\\nb", [["a"], ["b"]]),
        ("~SEQ(i,1,3) a$i", [["a1"], ["a2"], ["a3"]]),
        ("~SEQ(i,3) a$i", [["a1"], ["a2"], ["a3"]]),
        ("~SEQ(i,-2) a$i", [["a-1"], ["a-2"]]),
        ("~SEQ(i,2,4,10) a${i}b", [["a2b"], ["a6b"], ["a10b"]]),
        ("~SEQx(i,9,11) $i", [["9"], ["a"], ["b"]]),
        ("~LST(i,x,y) $i", [["x"], ["y"]]),
        ("~LST({a,b},{1,2},{3,4}) ${a}.${b}", [["1.2"], ["3.4"]]),
        ("~SEQ(i,1,2)~LST(j,a,b) ${i}${j}", [["1a"], ["1b"], ["2a"], ["2b"]]),
        ("~SEQ(i,1,2) $i.x", [["$i.x"], ["$i.x"]]),
        ("${_INSTANCE} ${_PWD}", [["host", "."]]),
        ("x${_HASH}y${_BANG}", [["x"]]),
        ('"x${_HASH}y${_BANG}"', [["x#y!"]]),
        ("a ${NOPE} b", [["a", "${NOPE}", "b"]]),
        ("a # ${NOPE}", [["a"]]),
    ],
)
def test_definitions_and_conditions(text: str, expected: list[list[str]]) -> None:
    assert split(text) == expected


def test_random_numbers_stay_in_range_and_follow_the_seed() -> None:
    text = "random_seed 7\n" + "${_RANDOM 5 9}\n" * 20
    numbers = [int(line[0]) for line in split(text)[1:]]
    assert set(numbers) <= set(range(5, 10))
    assert numbers == [int(line[0]) for line in split(text)[1:]]


@pytest.mark.parametrize(
    "text",
    [
        "$A=${A}\n$A",
        "$A=${B}\n$B=${A}\n$A",
        "$A=${A}${A}\n$A",
        "~SEQ(i,1,9999)~SEQ(j,1,9999) $i",
    ],
)
def test_a_definition_without_end_is_one_error(text: str) -> None:
    assert [one for one in messages(text) if one.startswith("error")] == [
        "error: definitions grow without end; line ignored"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "~SEQ() a",
        "~SEQ(i,x) a",
        "~SEQ(i,1,0,3) a",
        "~LST(a) b",
        "~SEQ(i,1,99999999) a",
        "~LST({a,b},{1,2,3}) c",
        "~SEQ(i,1,-1,3) a",
        "~SEQx(i,-1,3) a",
        "~LST(a,x y) b",
        "~SEQ(i,1,3 a",
    ],
)
def test_a_sequence_not_understood_is_an_error_with_the_form(text: str) -> None:
    report = Reporter()
    Reader(report, "").read_text(text.encode(), "f", ".")
    (found,) = report
    assert found.severity == "error"
    assert "~SEQ(name" in found.expected


def test_columns_point_at_the_reference_not_at_its_value() -> None:
    reader = Reader(Reporter(), "")
    reader.read_text(b"$P=150\n  priority ${P} x", "f", ".")
    _, value, last = reader.lines[0].words
    assert (value.text, value.column) == ("150", 12)
    assert (last.text, last.column) == ("x", 17)


def test_braces_of_a_pattern() -> None:
    assert braces("a{b,c{d,e}}f") == ["abf", "acdf", "acef"]
    assert braces("plain") == ["plain"]
    assert braces("{odd") == ["{odd"]


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        (directory / f"{name}.conf").write_text(text)


def router_id(path: Path) -> str | None:
    return load(path).config.globals.router_id


def test_include_is_relative_to_the_including_file_and_works_in_blocks(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    write(tmp_path, main="global_defs {\n include d/a.conf\n}\n")
    write(tmp_path / "d", a="include b.conf\n", b="router_id here\n")
    assert router_id(tmp_path / "main.conf") == "here"


def test_wildcards_in_sorted_order_and_executables_skipped(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    write(tmp_path, main="global_defs {\n include d/{x,y}*.conf\n}\n")
    write(tmp_path / "d", x2="router_id two", x1="router_id one", y="", z="router_id z")
    assert router_id(tmp_path / "main.conf") == "two"
    (tmp_path / "d" / "x2.conf").chmod(0o755)
    loaded = load(tmp_path / "main.conf")
    assert loaded.config.globals.router_id == "one"
    assert "executable" in loaded.diagnostics[0].message


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("include nope.conf", "error"),
        ("includer nope.conf", "error"),
        ("includem nope.conf", "fatal"),
        ("includem nope*", "warning"),
        ("includew nope*", "fatal"),
        ("includeb {main,nope}.conf", "fatal"),
        ("includer .", "fatal"),
        ("includea nope*", "fatal"),
        ('include "main.conf"', "error"),
    ],
)
def test_what_a_missing_include_means(tmp_path: Path, line: str, severity: str) -> None:
    write(tmp_path, main=line)
    found: tuple[Diagnostic, ...]
    try:
        loaded = load(tmp_path / "main.conf")
        status, found = loaded.exit_status, loaded.diagnostics
    except ConfigError as error:
        status, found = error.exit_status, error.diagnostics
    assert severity in [one.severity for one in found]
    assert status == {"warning": 0, "error": 4, "fatal": 6}[severity]


def test_include_check_makes_include_strict(tmp_path: Path) -> None:
    write(tmp_path, main="global_defs {\n include_check match\n}\ninclude nope.conf\n")
    with pytest.raises(ConfigError, match="nope"):
        load(tmp_path / "main.conf")


def test_a_file_that_includes_itself_is_an_error_and_the_rest_counts(tmp_path: Path) -> None:
    write(
        tmp_path, main="include b.conf\n", b="include main.conf\nglobal_defs {\n router_id x\n}\n"
    )
    loaded = load(tmp_path / "main.conf")
    assert loaded.config.globals.router_id == "x"
    assert [one.severity for one in loaded.diagnostics] == ["error"]
    assert "includes itself" in loaded.diagnostics[0].message
    assert loaded.exit_status == 4


def test_includes_that_multiply_end(tmp_path: Path) -> None:
    for level in range(30):
        write(tmp_path, **{f"f{level}": f"include f{level + 1}.conf\n" * 2})
    write(tmp_path, f30="")
    assert "too many includes" in load(tmp_path / "f0.conf").diagnostics[0].message


@pytest.mark.parametrize("what", ["absent", "directory"])
def test_a_main_file_that_cannot_be_read_is_fatal_with_status_6(tmp_path: Path, what: str) -> None:
    path = tmp_path / "nope" if what == "absent" else tmp_path
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.exit_status == 6
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text_do_no_harm() -> None:
    loaded = loads(b"global_defs {\n router_id \xff\xfe\n}\n")
    assert loaded.config.globals.router_id == "\N{REPLACEMENT CHARACTER}" * 2


PLACES = sorted(REPOSITORY.glob("tests/data/conf/**/*.conf"))
SHORT = [
    "a b {",
    "a  b\t{ ",
    "}",
    " \t} ",
    "a{",
    "{",
    "a }",
    "{ }",
    "include nothing",
    "",
    " \t",
    "a\r",
]


@pytest.mark.parametrize("data", [*(p.read_bytes() for p in PLACES), *(s.encode() for s in SHORT)])
def test_the_short_way_of_plain_lines_ends_where_the_long_one_does(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> tuple[list[object], list[str]]:
        report = Reporter()
        reader = Reader(report, "host")
        reader.read_text(data, "f", ".")
        lines = [(one.words, one.rest, one.brace) for one in reader.lines]
        return [*lines], [str(one) for one in report]

    short = read()
    monkeypatch.setattr("vrrpd.config.reader.plain_lines", lambda *_: None)
    assert read() == short


def test_a_check_shows_the_lines_of_a_file_that_is_included(tmp_path: Path) -> None:
    """docs/security.md warns of it: whatever the caller can read."""
    (tmp_path / "foreign").write_text("root:*:19000:0:99999:7:::\n")
    with pytest.raises(ConfigError) as caught:
        loads(f"include {tmp_path}/foreign\nvrrp_instance VI_1 {{\n}}\n")
    assert "root:*:19000" in str(caught.value)
