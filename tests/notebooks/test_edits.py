"""Cells that edit a keepalived.conf, run twice in a row: lesson 00 promises that any cell may be.

The lines of the cell run in a shell whose /etc is a temporary directory and whose PATH has only the
programs that edit files; every other command is a no-op there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from labs.conf import contents
from labs.emulation import start_states
from labs.lessons.course import l06_more_vips
from tests.notebooks.lessons import LESSONS, name, read, tagged
from tests.support import HUNG_S

EDITORS = [
    "awk",
    "cat",
    "chmod",
    "cp",
    "grep",
    "head",
    "mkdir",
    "mv",
    "printf",
    "rm",
    "sed",
    "seq",
    "sort",
    "tail",
    "tee",
    "tr",
    "wc",
]
STATE = re.compile(r'^(?:\w+, )?lab\b.* = Lab\("([\w-]+)"', re.M)
ON = re.compile(r"^%%on (?P<hosts>[^\n]+) --changes\n(?P<lines>.*)", re.M | re.S)
# What writes into a file; the other cells start and stop daemons.
WRITES = re.compile(r"sed -E?i|>> ?[\w/]|> /etc")
CONF = re.compile(r"^%%conf (?P<hosts>[^\n]+)\n(?P<text>.*)", re.S)


@pytest.fixture(scope="module")
def editors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the programs that edit files, for PATH."""
    place = tmp_path_factory.mktemp("editors")
    for each in EDITORS:
        found = shutil.which(each)
        assert found, f"{each} is not installed"
        (place / each).symlink_to(found)
    return place


def run(lines: str, host: str, etc: Path, editors: Path) -> None:
    """Run the lines of a cell as `host`; only files below `etc` can change."""
    inside = re.sub(r"/(?:etc|tmp)/", f"{etc}/", lines.replace("/sbin/", ""))
    script = f"enable -n kill; command_not_found_handle() {{ return 0; }}\n{inside}"
    env = {"PATH": str(editors), "HOSTNAME": host, "LC_ALL": "C"}
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "-c", script], env=env, cwd=etc, capture_output=True, text=True, timeout=HUNG_S
    )
    assert not done.stderr, f"{done.stderr} of {lines}"


def files(etc: Path) -> dict[str, str]:
    """What is in the files of a host, by path."""
    return {
        str(path.relative_to(etc)): path.read_text()
        for path in sorted(etc.rglob("*"))
        if path.is_file()
    }


def start(state: str, place: Path) -> None:
    """Give each host of `state` the files that it starts with."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for source in start_states.read(state).sources:
        for host in (path for path in (start_states.STATES / source).iterdir() if path.is_dir()):
            shutil.copytree(host, place / host.name / "keepalived", dirs_exist_ok=True)


@pytest.mark.parametrize("lesson", LESSONS, ids=name)
def test_an_edit_that_is_run_twice_leaves_what_it_left_once(
    lesson: Path, editors: Path, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    twice: dict[str, str] = {}
    for cell in (cell for cell in read(lesson) if cell["cell_type"] == "code"):
        source = "".join(cell["source"]).removeprefix("%%experiment ")
        if (found := STATE.search(source)) is not None:
            start(found[1], hosts)
        if (conf := CONF.match(source)) is not None:
            for host in conf["hosts"].split():
                (hosts / host / "keepalived").mkdir(parents=True, exist_ok=True)
                (hosts / host / "keepalived" / "keepalived.conf").write_text(conf["text"])
        edit = ON.search(source)
        if edit is None or tagged(cell, "solution") or not WRITES.search(edit["lines"]):
            continue
        for host in edit["hosts"].split():
            etc = hosts / host
            (etc / "keepalived").mkdir(parents=True, exist_ok=True)
            run(edit["lines"], host, etc, editors)
            once = files(etc)
            run(edit["lines"], host, etc, editors)
            for path, text in files(etc).items():
                if text != once.get(path):
                    twice[f"{cell['id']} on {host}: {path}"] = text
    assert not twice, f"{os.linesep.join(twice)} has changed again at the second run"


@pytest.mark.parametrize(
    "tried",
    [
        "true",
        "sed -i '/192.168.1.10[34]/d' /etc/keepalived/keepalived.conf",
        "sed -i 's/192.168.1.103/192.168.1.105/' /etc/keepalived/keepalived.conf",
    ],
)
def test_the_last_hint_of_an_exchange_helps_wherever_the_learner_is(
    tried: str, editors: Path, tmp_path: Path
) -> None:
    """It undid one half of the exchange, and did nothing once both lines had gone."""
    start("five", tmp_path / "hosts")
    etc = tmp_path / "hosts" / "web1"
    files_step = l06_more_vips.CHALLENGES["exchange"].steps[1]
    hint = str(files_step.hints[-1]).removeprefix("on both: ")
    run(tried, "web1", etc, editors)
    run(hint, "web1", etc, editors)
    text = (etc / "keepalived" / "keepalived.conf").read_text()
    found = [words[0] for words in contents(text, "vrrp_instance", "virtual_ipaddress")]
    assert set(found) == l06_more_vips.WANTED
    assert len(found) == len(l06_more_vips.WANTED)
