"""Cells whose commands would not reach the host that they name, in IPython's own shell.

Each mistake is one that ran on another host, or beside the lab, or waited for ever, without a word.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from labs import waiting
from labs.errors import LabError
from labs.jupyter import ended, magics


@pytest.fixture
def learners(monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A shell of IPython's with the kit's magics and manners, as the kernel has it."""
    monkeypatch.setattr(waiting, "show", waiting.show)
    monkeypatch.setattr(ended, "announce", lambda shell: None)
    settings = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell(config=settings)
    magics.load_ipython_extension(shell)
    return shell


def printed(shell: InteractiveShell, cell: str) -> str:
    """The error with which a cell ends; "" if it ends well."""
    result = shell.run_cell(cell)
    error = result.error_before_exec or result.error_in_exec
    return "" if error is None else str(error)


@pytest.mark.parametrize(
    "cell",
    [
        "%%on web1\nhostname\n%%on web2\nhostname",
        "ran = True\n%%on web2\nhostname",
        "%%experiment cut\n%%on web1\ndate\n%%on web2\ndate",
        "%%conf web1\n\n%%on web1\nkeepalived -t",
    ],
)
def test_a_second_magic_of_a_cell_is_refused_before_anything_runs(
    cell: str, learners: InteractiveShell
) -> None:
    words = printed(learners, cell)
    assert "works in the first line of a cell only, and nothing of this cell has run" in words
    assert "ran" not in learners.user_ns


@pytest.mark.parametrize("before", ["# on web1\n", " ", "\n# see what it says\n\n  "])
def test_a_comment_or_a_space_before_the_magic_changes_nothing(before: str) -> None:
    lines = f"{before}%%on web1\nhostname\n".splitlines(keepends=True)
    plain = ["%%on web1\n", "hostname\n"]
    assert magics.magic_comes_first(lines) == plain
    assert magics.magic_comes_first(["%%experiment cut\n", *lines]) == [
        "%%experiment cut\n",
        *plain,
    ]
    assert magics.magic_comes_first(["# text\n", "x = 1\n"]) == ["# text\n", "x = 1\n"]
    assert magics.magic_comes_first([]) == []


@pytest.mark.parametrize("magic", ["%%capture seen", "%%time", "%%writefile cell.txt"])
def test_a_magic_of_ipython_does_what_it_does_with_its_lines(magic: str) -> None:
    lines = [f"{magic}\n", "%%on web1\n", "date\n"]
    assert magics.magic_comes_first(lines) == lines


def test_one_percent_sign_is_answered_with_two(
    learners: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(learners, "%on web1 ip link")
    assert "write `%%on`, with two % signs, in the first line" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "cell",
    [
        "!systemctl restart keepalived",
        "!sudo ip address",
        "!cat /etc/keepalived/keepalived.conf",
        "text = !ping -c 1 192.168.1.10",
    ],
)
def test_a_command_for_a_host_is_not_run_beside_the_lab(
    cell: str, learners: InteractiveShell
) -> None:
    assert "on none of its hosts: write `%%on web1` in the first line" in printed(learners, cell)


@pytest.mark.parametrize("words", ["of the learner", "my-keepalived-notes.txt"])
def test_other_commands_run_beside_the_lab(words: str, learners: InteractiveShell) -> None:
    assert printed(learners, f"found = !echo {words}") == ""
    assert list(learners.user_ns["found"]) == [words]


@pytest.mark.parametrize("command", ["vi /etc/hosts", "sudo vim x", "date\nnano"])
def test_an_editor_in_a_cell_is_refused(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal it would wait until it is interrupted; nothing of the cell has run."""
    lab = SimpleNamespace(hosts=("web1",), run=lambda *_, **__: pytest.fail("it has run"))
    monkeypatch.setattr(magics, "_lab", lambda: lab)
    with pytest.raises(LabError, match=r"needs a terminal.* type it in the terminal of web1"):
        magics.LabMagics(None).on("web1", command)
