"""The pages of docs/: what is generated is current, and what a page names exists.

manual         docs/configuration.md and the man pages, from the sources
performance    docs/performance.md, from docs/performance.json
security       docs/security.md claims nothing that no test holds
monitoring     docs/monitoring.md: its YAML can be read, its metrics and commands exist
architecture   docs/architecture.md: every file, folder, function, module and layer exists
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bench.page import DATA, PAGE, page
from tests.cluster import cluster, conf
from tests.support import REPOSITORY
from tests.unit.test_metrics import SUFFIX, parse
from tools import manual
from vrrpd import ctl, metrics
from vrrpd.config import keywords

# The reference pages are made from the sources.


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


# docs/performance.md


def test_the_page_is_the_one_that_follows_from_the_figures() -> None:
    assert PAGE.read_text() == page(json.loads(DATA.read_text())), "run `make figures`"


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", PAGE.read_text())
    assert pictures
    assert all((PAGE.parent / picture).exists() for picture in pictures)


# docs/security.md


SECURITY = (REPOSITORY / "docs" / "security.md").read_text()
NAMED_TESTS = sorted(set(re.findall(r"`(tests/\S+?\.py)::(\w+)`", SECURITY)))


@pytest.mark.parametrize(("path", "name"), NAMED_TESTS)
def test_the_test_exists(path: str, name: str) -> None:
    text = (REPOSITORY / path).read_text()
    assert re.search(rf"^def {name}\(", text, re.M), f"{path} has no {name}"


def test_every_row_of_a_claim_names_a_test() -> None:
    rows = SECURITY.partition("## A hostile LAN")[2].splitlines()
    claims = [row for row in rows if row.startswith("| ") and not row.startswith(("| ---", "| |"))]
    assert len(claims) > 25
    assert [row for row in claims if "::" not in row] == []


# Bullets without a test, by their first words: what holds of any host, or is measured elsewhere.
UNTESTED = {
    "keepalived 2.2.7 keeps all": "about another program",
    "**What that is not:**": "what Linux gives to uid 0",
    "answer ARP for the": "true of every Ethernet",
    "drown a BACKUP in": "measured: docs/guarantees-real.md",
    "the addresses: ARP and": "true of every Ethernet",
}


def test_every_bullet_names_a_test_or_is_known_to_have_none() -> None:
    bullets = [line[2:] for line in SECURITY.splitlines() if line.startswith("- ")]
    assert len(bullets) > 15
    bare = [" ".join(bullet.split()[:4]) for bullet in bullets if "::" not in bullet]
    assert bare == list(UNTESTED)


def test_the_grades_are_those_that_the_tests_allow() -> None:
    from tests.lab.test_hostile_unit import BETTER, GOOD

    found = re.search(r"graded ([\d.]+) \(OK\).*, and ([\d.]+) with", SECURITY)
    assert found
    assert float(found[1]) <= GOOD
    assert float(found[2]) <= BETTER


# docs/monitoring.md


MONITORING = (REPOSITORY / "docs/monitoring.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", MONITORING, re.DOTALL)
METRIC = re.compile(r"\bvrrpd?_[a-z_]+")
NO_METRICS = {"vrrp_instance", "vrrp_sync_group"}


def written() -> set[str]:
    """The names of all samples that a daemon writes."""
    lan = cluster(one=conf(150))
    lan.run(5)
    families = parse("".join(metrics.text(lan.daemons["one"])))
    return {name + SUFFIX[family.kind] for name, family in families.items()}


def rules() -> list[dict[str, Any]]:
    return [
        rule
        for block in BLOCKS
        for group in yaml.safe_load(block).get("groups", ())
        for rule in group["rules"]
    ]


def test_there_is_a_scrape_config_and_there_are_alerts() -> None:
    (job,) = yaml.safe_load(BLOCKS[0])["scrape_configs"]
    assert job["static_configs"][0]["targets"]
    assert {"VrrpTwoMasters", "VrrpNoMaster"} <= {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_is_whole_and_its_metrics_exist(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    expr = rule["expr"]
    assert expr.count("(") == expr.count(")")
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]
    names = set(METRIC.findall(re.sub(r"\{[^}]*\}", "", expr)))
    assert names <= written()
    assert names or "up{" in expr


def test_two_metrics_are_joined_on_all_labels_that_both_have() -> None:
    """So that a label which the scrape adds or renames changes nothing."""
    families = parse("".join(metrics.text(cluster(one=conf(150)).daemons["one"])))
    labels = {
        name: set(dict(next(iter(one.samples)))) for name, one in families.items() if one.samples
    }
    joins = [
        re.findall(r"(\w+)(?:\{[^}]*\})? == 1 and ignoring \((\w+)\) (\w+)", rule["expr"])
        for rule in rules()
        if " and " in rule["expr"]
    ]
    assert joins
    for ((left, ignored, right),) in joins:
        assert labels[left] ^ labels[right] == {ignored}


def test_the_page_names_every_metric_and_no_other() -> None:
    named = {name for name in METRIC.findall(MONITORING) if not name.endswith("_")}
    assert named - NO_METRICS == written()


def test_every_cause_is_named() -> None:
    (row,) = [
        line for line in MONITORING.splitlines() if line.startswith("| `vrrp_last_transition_info")
    ]
    for cause in (*metrics.CAUSES.values(), "other"):
        assert cause in row


def test_the_commands_of_the_page_exist() -> None:
    for line in re.findall(r"`(vrrpctl [a-zA-Z_0-9 ]+)`", MONITORING):
        words = [word for word in line.split()[1:] if word != "NAME"]
        ctl.parse(words)


# docs/architecture.md


ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text()
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", ARCHITECTURE)))
PLACES = [q for q in QUOTED if re.fullmatch(r"[\w./-]+(?:/|\.py|\.md|\.toml)", q)]
FUNCTIONS = [q for q in QUOTED if re.fullmatch(r"[\w/]+\.py:\w+", q)]
MODULES = [q for q in QUOTED if re.fullmatch(r"(?:labs|vrrpd)(?:\.\w+)*", q)]


def _defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_the_page_names_things() -> None:
    assert len(PLACES) > 40
    assert len(FUNCTIONS) > 15
    assert len(MODULES) > 4


@pytest.mark.parametrize("place", PLACES)
def test_a_place_exists(place: str) -> None:
    assert (REPOSITORY / place).exists()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_exists(name: str) -> None:
    path, function = name.split(":")
    assert function in _defined(REPOSITORY / path)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_exists(name: str) -> None:
    assert importlib.util.find_spec(name)


def test_every_package_of_the_product_is_on_the_page() -> None:
    packages = [
        f"{path.parent.relative_to(REPOSITORY)}/"
        for top in ("labs", "vrrpd")
        for path in (REPOSITORY / top).glob("*/__init__.py")
    ]
    assert [package for package in packages if package not in PLACES] == []
