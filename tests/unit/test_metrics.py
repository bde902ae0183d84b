"""OpenMetrics text: judged by a strict parser of our own, and by what the daemon has done."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from labs.simulation.lan import Lan
from tests.cluster import advert, cluster, conf, inject, router
from vrrpd import metrics
from vrrpd.events import Event
from vrrpd.record import replace

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
SUFFIX = {"counter": "_total", "info": "_info", "gauge": "", "stateset": ""}


@dataclass
class Family:
    """One metric family of an exposition."""

    kind: str = ""
    unit: str = ""
    help: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """Read an exposition and hold it to the rules of OpenMetrics 1.0; AssertionError if not."""
    assert text.endswith("# EOF\n")
    assert "\r" not in text
    assert text.encode("utf-8").decode("utf-8") == text
    lines = text.split("\n")[:-2]
    assert "# EOF" not in lines
    families: dict[str, Family] = {}
    name = ""
    for line in lines:
        assert line, "an empty line"
        if line.startswith("#"):
            _, word, about, value = line.split(" ", 3)
            assert re.fullmatch(NAME, about)
            if about != name:
                assert about not in families, f"{about} in two places"
                assert word == "TYPE", "TYPE is first here"
                families[about] = Family()
                name = about
            family = families[name]
            assert not family.samples, "metadata after samples"
            key = {"TYPE": "kind", "UNIT": "unit", "HELP": "help"}[word]
            assert not getattr(family, key), f"{word} twice"
            setattr(family, key, value)
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        family = families[name]
        assert found[1] == name + SUFFIX[family.kind], line
        labels = tuple(re.findall(LABEL, found[2] or ""))
        assert len({key for key, _ in labels}) == len(labels), line
        assert labels not in family.samples, f"twice: {line}"
        family.samples[labels] = float(found[found.lastindex or 0])
    for name, family in families.items():
        judge(name, family)
    return families


def judge(name: str, family: Family) -> None:
    """The rules of one family."""
    assert family.kind in SUFFIX, name
    assert family.help, name
    assert not name.endswith(("_total", "_info", "_count", "_sum", "_bucket", "_created")), name
    if family.unit:
        assert name.endswith(f"_{family.unit}"), name
    values = list(family.samples.values())
    if family.kind == "counter":
        assert min(values, default=0) >= 0
    if family.kind == "info":
        assert set(values) <= {1}
    if family.kind == "stateset":
        assert set(values) <= {0, 1}
        assert all(name in dict(labels) for labels in family.samples)


def of(lan: Lan, host: str = "one") -> dict[str, Family]:
    return parse("".join(metrics.text(lan.daemons[host])))


def value(families: dict[str, Family], name: str, **labels: str) -> float:
    """The one sample that has these labels."""
    wanted = set(labels.items())
    found = [v for key, v in families[name].samples.items() if wanted <= set(key)]
    assert len(found) == 1, (name, labels, found)
    return found[0]


@pytest.fixture
def lan() -> Lan:
    lan = cluster(one=conf(150), two=conf(100))
    lan.run(10)
    return lan


def test_state_time_priority_and_counters(lan: Lan) -> None:
    found = of(lan)
    assert value(found, "vrrp_state", vrrp_state="MASTER") == 1
    assert sum(found["vrrp_state"].samples.values()) == 1
    sent = router(lan, "one").counters["advertisement-sent"]
    assert value(found, "vrrp_adverts_sent", instance="VI_1") == sent > 0
    assert value(found, "vrrp_transitions", to="MASTER") == 1
    assert value(found, "vrrp_priority") == 150
    assert value(found, "vrrp_state_duration_seconds") == pytest.approx(10 - 3 - 106 / 256)
    (last,) = found["vrrp_last_transition"].samples
    assert {("from", "BACKUP"), ("to", "MASTER"), ("cause", "timer")} <= set(last)
    heard = of(lan, "two")
    assert value(heard, "vrrp_adverts_received") == sent


def test_errors_are_counted_by_cause(lan: Lan) -> None:
    inject(lan, "one", advert(50, ttl=64))
    assert value(of(lan), "vrrp_errors", cause="ip-ttl-errors") == 1
    inject(lan, "one", advert(50, vrid=99))
    assert value(of(lan), "vrrp_interface_errors", cause="vrid-errors") == 1


def test_another_master_is_seen(lan: Lan) -> None:
    inject(lan, "one", advert(50))
    found = of(lan)
    assert value(found, "vrrp_master_received_as_master") == 1
    assert value(found, "vrrp_split_brain_episodes") == value(found, "vrrp_split_brain") == 1
    lan.run(10)
    assert value(of(lan), "vrrp_split_brain") == 0


def test_release_and_drain(lan: Lan) -> None:
    lan.daemons["one"].drain()
    found = of(lan)
    assert value(found, "vrrp_released") == value(found, "vrrpd_drained") == 1
    (last,) = found["vrrp_last_transition"].samples
    assert ("cause", "released") in last


def test_no_packet_adds_a_time_series(lan: Lan) -> None:
    before = {name: len(one.samples) for name, one in of(lan).items()}
    for number in range(300):
        packet = bytearray(advert(number % 256, source=f"10.0.{number % 200}.9", vrid=51))
        packet[20 + number % (len(packet) - 20)] ^= 1 + number % 255
        inject(lan, "one", bytes(packet))
        inject(
            lan, "one", advert(50, source=f"192.168.1.{1 + number % 250}", vrid=1 + number % 254)
        )
    after = {name: len(one.samples) for name, one in of(lan).items()}
    assert after == before


def test_every_event_has_a_cause_of_its_own() -> None:
    """Those that cannot change a state are left out."""
    union = {name.strip() for name in str(Event).split("|")}
    assert union - set(metrics.CAUSES) == {
        "SyncGroupHold",
        "PacketsLost",
        "Resumed",
        "Reconfigured",
    }
    assert len(set(metrics.CAUSES.values())) == len(metrics.CAUSES)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\\b", "a\\\\b"), ('a"b', 'a\\"b'), ("a\nb", "a\\nb"), ("a\udcffb", "a?b"), ("é", "é")],
)
def test_names_from_the_configuration_are_escaped(lan: Lan, name: str, shown: str) -> None:
    one = router(lan, "one")
    one.instance = replace(one.instance, name=name)
    (labels,) = of(lan)["vrrp_priority"].samples
    assert dict(labels)["instance"] == shown


def test_a_daemon_without_instances_has_metrics() -> None:
    lan = cluster(one="")
    assert value(of(lan), "vrrpd_instances") == 0


def test_a_rule_of_the_parser_can_fail() -> None:
    for text in (
        "# TYPE a counter\n# HELP a x.\na 1\n# EOF\n",
        "# TYPE a gauge\n# HELP a x.\na 1\na 2\n# EOF\n",
        "# TYPE a gauge\n# HELP a x.\na 1\n",
        '# TYPE a gauge\n# HELP a x.\na{b="\n"} 1\n# EOF\n',
        "# TYPE a_seconds gauge\n# UNIT a_seconds bytes\n# HELP a_seconds x.\na_seconds 1\n# EOF\n",
    ):
        with pytest.raises(AssertionError):
            parse(text)
