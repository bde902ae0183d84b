"""The daemon's state and counters as OpenMetrics text (`vrrpctl metrics`, `--metrics`).

Source: OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/).

Contract: the names in METRICS are stable; docs/monitoring.md explains them.  Labels come from the
configuration and from closed sets, never from a packet, so that no sender can add a time series.
Times are in seconds.  `text()` yields pieces, and between them nothing is held that may not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from vrrpd import __version__
from vrrpd.fsm import SECOND, State
from vrrpd.packet import Check
from vrrpd.record import Record
from vrrpd.split_brain import EPISODES, RECEIVED

if TYPE_CHECKING:
    from vrrpd.daemon import Daemon
    from vrrpd.router import VirtualRouter

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OTHER_ERRORS = ("send-errors", "address-list-errors")
ERRORS = (*(check.value for check in Check), *OTHER_ERRORS)
# What brought the last change of state: the event of the state machine, as text.
CAUSES = {
    "Started": "started",
    "Stopped": "stopped",
    "TimerFired": "timer",
    "AdvertReceived": "advertisement",
    "Failed": "fault",
    "Recovered": "recovery",
    "AddressLost": "address_lost",
    "SyncGroupTransition": "sync_group",
    "Released": "released",
}

_Labels = tuple[tuple[str, str], ...]
_Sample = tuple[_Labels, float]


class _Metric(Record):
    """A metric family; `read` gives its samples for one router at a moment (ns)."""

    name: str
    kind: str
    help: str
    read: Callable[[VirtualRouter, int], Iterable[_Sample]]

    @property
    def unit(self) -> str:
        """The unit at the end of the name, as OpenMetrics has it."""
        return "seconds" if self.name.endswith("_seconds") else ""

    @property
    def sample(self) -> str:
        """The name of its samples."""
        return self.name + {"counter": "_total", "info": "_info"}.get(self.kind, "")


def _one(value: Callable[[VirtualRouter, int], float]) -> Callable[..., Iterable[_Sample]]:
    return lambda router, now: [((), value(router, now))]


def _counter(name: str) -> Callable[..., Iterable[_Sample]]:
    return _one(lambda router, now: router.counters[name])


def _states(router: VirtualRouter, now: int) -> Iterator[_Sample]:
    for state in State:
        yield (("vrrp_state", state.value),), router.state is state


def _transitions(router: VirtualRouter, now: int) -> Iterator[_Sample]:
    for state in State:
        yield (("to", state.value),), router.transitions[state]


def _last_transition(router: VirtualRouter, now: int) -> Iterator[_Sample]:
    last = router.last_change
    if last is not None:
        cause = CAUSES.get(last["trigger"], "other")
        yield (("from", last["from"]), ("to", last["to"]), ("cause", cause)), 1


def _errors(router: VirtualRouter, now: int) -> Iterator[_Sample]:
    for cause in ERRORS:
        yield (("cause", cause),), router.counters[cause]


METRICS = (
    _Metric("vrrp_state", "stateset", "State of the virtual router.", _states),
    _Metric(
        "vrrp_state_duration_seconds",
        "gauge",
        "Time since the last change of state.",
        _one(lambda router, now: max(0, now - router.entered) / SECOND),
    ),
    _Metric("vrrp_transitions", "counter", "Changes of state, by the new state.", _transitions),
    _Metric(
        "vrrp_last_transition",
        "info",
        "The last change of state and what brought it.",
        _last_transition,
    ),
    _Metric(
        "vrrp_priority",
        "gauge",
        "Effective priority: the configured one with all weights.",
        _one(lambda router, now: router.params.priority),
    ),
    _Metric(
        "vrrp_configured_priority",
        "gauge",
        "Priority in the configuration.",
        _one(lambda router, now: router.instance.priority),
    ),
    _Metric("vrrp_adverts_sent", "counter", "Advertisements sent.", _counter("advertisement-sent")),
    _Metric(
        "vrrp_adverts_received",
        "counter",
        "Valid Advertisements received.",
        _counter("advertisement-rcvd"),
    ),
    _Metric(
        "vrrp_priority_zero_sent",
        "counter",
        "Resignations sent (priority 0).",
        _counter("priority-zero-pkts-sent"),
    ),
    _Metric(
        "vrrp_priority_zero_received",
        "counter",
        "Resignations received (priority 0).",
        _counter("priority-zero-pkts-rcvd"),
    ),
    _Metric("vrrp_errors", "counter", "Packets dropped or not sent, by cause.", _errors),
    _Metric(
        "vrrp_master_received_as_master",
        "counter",
        "Advertisements of another MASTER that arrived while the router was MASTER.",
        _counter(RECEIVED),
    ),
    _Metric(
        "vrrp_split_brain_episodes",
        "counter",
        "Times that another MASTER was noticed while the router was MASTER.",
        _counter(EPISODES),
    ),
    _Metric(
        "vrrp_split_brain",
        "gauge",
        "1 while another MASTER was noticed within one Master_Down_Interval.",
        _one(lambda router, now: router.split_brain.active(router.params, now)),
    ),
    _Metric(
        "vrrp_released",
        "gauge",
        "1 while vrrpctl release keeps the router out of service.",
        _one(lambda router, now: router.released),
    ),
    _Metric(
        "vrrp_faults",
        "gauge",
        "Causes that keep the router in FAULT.",
        _one(lambda router, now: len(router.faults)),
    ),
)


def text(daemon: Daemon) -> Iterator[str]:
    """The exposition, in pieces: a few lines each, the last one is `# EOF`."""
    yield "# TYPE vrrpd info\n# HELP vrrpd The daemon.\n"
    yield _line("vrrpd_info", (("version", __version__),), 1)
    yield "# TYPE vrrpd_instances gauge\n# HELP vrrpd_instances Instances in the configuration.\n"
    yield _line("vrrpd_instances", (), len(daemon.routers))
    yield "# TYPE vrrpd_drained gauge\n# HELP vrrpd_drained 1 after vrrpctl drain.\n"
    yield _line("vrrpd_drained", (), daemon.maintenance.drained)
    routers = [(router, _labels(router)) for router in daemon.routers.values()]
    for metric in METRICS:
        yield _head(metric)
        for router, labels in routers:
            now = router.ports.clock.now()
            yield "".join(
                _line(metric.sample, labels + more, value)
                for more, value in metric.read(router, now)
            )
    yield from _segments(daemon)
    yield "# EOF\n"


def breathing(daemon: Daemon) -> Iterator[str]:
    """`text()`, and in between whatever is due: a long answer must not delay a timer."""
    for piece in text(daemon):
        daemon.ports.clock.breathe()
        yield piece


def _segments(daemon: Daemon) -> Iterator[str]:
    """What was dropped before it was known which virtual router it is for."""
    yield "# TYPE vrrp_interface_errors counter\n"
    yield "# HELP vrrp_interface_errors Packets dropped that are for no instance, by cause.\n"
    for place, segment in list(daemon.segments.items()):
        labels = (
            ("interface", place.interface),
            ("family", f"ipv{place.family}"),
            ("protocol", str(place.protocol)),
        )
        yield "".join(
            _line(
                "vrrp_interface_errors_total",
                (*labels, ("cause", check.value)),
                segment.counters[check.value],
            )
            for check in Check
        )


def _labels(router: VirtualRouter) -> _Labels:
    """What every sample of a router has; all of it is in the configuration."""
    one = router.instance
    return (
        ("instance", router.name),
        ("interface", one.interface),
        ("vrid", str(one.vrid)),
        ("family", f"ipv{one.family}"),
    )


def _head(metric: _Metric) -> str:
    unit = f"# UNIT {metric.name} {metric.unit}\n" if metric.unit else ""
    return f"# TYPE {metric.name} {metric.kind}\n{unit}# HELP {metric.name} {metric.help}\n"


def _line(name: str, labels: _Labels, value: float) -> str:
    shown = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels)
    number = int(value) if float(value).is_integer() else round(value, 6)
    return f"{name}{{{shown}}} {number}\n" if shown else f"{name} {number}\n"


def _escaped(word: str) -> str:
    """The value of a label as it is written; bytes that are not UTF-8 become question marks."""
    clean = word.encode("utf-8", "replace").decode()
    return clean.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
