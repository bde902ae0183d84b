"""The reference pages are made from the sources, and are current."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import manual
from vrrpd.config import keywords


@pytest.mark.parametrize("path", manual.pages(), ids=lambda path: path.name)
def test_the_page_on_disk_is_what_the_sources_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == manual.pages()[path], (
        "remedy: python -m tools.manual --write"
    )


def test_every_keyword_has_a_row_with_its_status() -> None:
    text = manual.configuration()
    for one in keywords():
        assert manual.row(one) in text


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed here")
@pytest.mark.parametrize("name", ["vrrpd.8", "vrrpctl.8", "vrrpd.conf.5"])
def test_groff_has_no_complaint(name: str) -> None:
    command = ["groff", "-man", "-ww", "-Tascii", "-z", str(manual.DOCS / "man" / name)]
    assert subprocess.run(command, capture_output=True, text=True).stderr == ""


def test_text_cannot_become_a_request_of_roff() -> None:
    assert manual.roff(".SH evil \\-") == "\\&.SH evil \\e\\-"
