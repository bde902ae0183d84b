"""docs/monitoring.md: its YAML can be read, and every metric and command that it names exists."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.cluster import cluster, conf
from tests.support import REPOSITORY
from tests.unit.test_metrics import SUFFIX, parse
from vrrpd import ctl, metrics

PAGE = (REPOSITORY / "docs/monitoring.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
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
    named = {name for name in METRIC.findall(PAGE) if not name.endswith("_")}
    assert named - NO_METRICS == written()


def test_every_cause_is_named() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `vrrp_last_transition_info")]
    for cause in (*metrics.CAUSES.values(), "other"):
        assert cause in row


def test_the_commands_of_the_page_exist() -> None:
    for line in re.findall(r"`(vrrpctl [a-zA-Z_0-9 ]+)`", PAGE):
        words = [word for word in line.split()[1:] if word != "NAME"]
        ctl.parse(words)
