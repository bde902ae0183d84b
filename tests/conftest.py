"""Rules that hold for every ring.

tests/RING/...   gets the marker RING, so `pytest -m lab` and `pytest tests/lab` are the same
a skip           is a failure in continuous integration (CI=true): a ring that silently does
                 not run is worse than a red one. What may be absent anywhere says so:
                 pytest.skip("optional: this kernel has no netem")
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import labs.figures  # noqa: F401  lets every Timeline of a test show itself
from labs.jupyter.server import leave_out_iri_grammar
from labs.sandbox.namespaces import system_path
from tests.support import DAEMONS, HUNG_S, OrdinaryUser, checkout_is_public, has_other_ids

if TYPE_CHECKING:
    from tests.interop.segment import Host, Segment

TESTS = Path(__file__).parent
RINGS = ("unit", "sim", "lab", "interop", "notebooks", "browser")
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# Test files import nbformat and jsonschema; every worker collects all files of its ring.
leave_out_iri_grammar()

# How long an example takes is the machine's business, and no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def _first_line(name: str, *words: str) -> str:
    # keepalived is in /usr/sbin, which is not in an ordinary user's PATH.
    program = shutil.which(name, path=system_path(os.environ.get("PATH")))
    if program is None:
        return "absent"
    try:
        done = subprocess.run([program, *words], capture_output=True, text=True, timeout=HUNG_S)
    except (OSError, subprocess.TimeoutExpired):
        return "absent"
    return ((done.stdout + done.stderr).strip().splitlines() or ["silent"])[0]


def pytest_report_header() -> list[str]:
    """What a reader of a failure in another place wants to know first."""
    keepalived = _first_line("keepalived", "--version").removeprefix("Keepalived ").split(" (")[0]
    mininet = _first_line(
        sys.executable, "-W", "ignore", "-c", "import mininet.net as m; print(m.VERSION)"
    )
    who = "root" if os.geteuid() == 0 else f"uid {os.geteuid()}"
    return [
        f"machine: {platform.system()} {platform.release()}, {os.cpu_count()} cores, {who}",
        f"versions: python {platform.python_version()}, mininet {mininet}, "
        f"keepalived {keepalived}{', CI' if IN_CI else ''}",
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The directory is the ring."""
    for item in items:
        ring = item.path.relative_to(TESTS).parts[0]
        if ring in RINGS:
            item.add_marker(getattr(pytest.mark, ring))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _no_silent_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason(report)
        if not reason.startswith("optional:"):
            report.outcome = "failed"
            report.longrepr = f"a skip is a failure in CI: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _no_silent_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _no_silent_skip(report)
    return report


@pytest.fixture
def ordinary_user() -> Iterator[OrdinaryUser]:
    """An account without root, even when the tests run as root."""
    if has_other_ids() and not checkout_is_public():
        pytest.skip(f"nobody else can read {TESTS.parent}; remedy: clone it outside /root")
    with OrdinaryUser() as user:
        yield user


@pytest.fixture(scope="module", params=DAEMONS)
def any_daemon(request: pytest.FixtureRequest) -> str:
    """Run the test once with each daemon: "keepalived", the machine's own, and "vrrpd"."""
    name: str = request.param
    return name


@pytest.fixture
def segment(tmp_path: Path) -> Iterator[Segment]:
    """One host on a segment of its own; no other router competes with it."""
    from tests.interop.segment import Segment  # it needs namespaces, which some rings do without

    with Segment(tmp_path, hosts=1) as segment:
        yield segment


@pytest.fixture
def host(segment: Segment) -> Host:
    """The host of `segment`."""
    return segment[0]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Segment]:
    """Two hosts on a segment."""
    from tests.interop.segment import Segment

    with Segment(tmp_path, hosts=2) as segment:
        yield segment
