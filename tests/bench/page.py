"""docs/performance.md and its pictures, from docs/performance.json.

    python -m tests.bench.page --write       write the page and the pictures: `make figures`
    python -m tests.bench.page               print the page

The page says nothing that is not in the file or in the sentences below; a test holds it current.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.targets import OURS, THEIRS, quantile
from tests.bench.targets import table as targets
from tests.support import REPOSITORY

DATA = REPOSITORY / "docs" / "performance.json"
PAGE = REPOSITORY / "docs" / "performance.md"
WORDS = Path(__file__).with_name("words.md")
THIRD = "frr"
Row = dict[str, Any]


def page(data: dict[str, Any]) -> str:
    """The whole page: the sentences of words.md, with a table for each {{section}}."""
    text = WORDS.read_text()
    tables: dict[str, Callable[[], Iterable[str]]] = {
        "machine": lambda: hardware(data),
        "targets": lambda: targets(data),
        "takeover": lambda: takeover(data["takeover"]),
        "jitter": lambda: jitter(data["jitter"]),
        "scale": lambda: scale(data["scale"]),
        "receiving": lambda: receiving(data["receiving"]),
        "once": lambda: once(data),
        "labs": lambda: labs(data["labs"]),
        "notebook": lambda: notebook(data.get("notebook", [])),
    }
    for name, table in tables.items():
        text = text.replace("{{" + name + "}}", "\n".join(table()))
    return text


def hardware(data: dict[str, Any]) -> Iterator[str]:
    """What it was measured on."""
    of, noise = data["machine"], data["noise"]
    yield (
        f"Debian's keepalived {of['keepalived'].lstrip('v')} and Python {of['python']} on Linux "
        f"{of['kernel']}, {of['processors']} shared processors."
    )
    yield (
        f"A process that only sleeps is woken {noise['median']:.2f} ms late there (median), "
        f"{noise['p99']:.2f} ms in one case of a hundred, {noise['max']:.1f} ms at the worst: "
        "no daemon can be better than that."
    )


def takeover(rows: list[Row]) -> Iterator[str]:
    """One line for each scenario and figure: both makes, and the ratio of the medians."""
    yield "| scenario | ms after the protocol's moment | keepalived | FRR | vrrpd | ratio | runs |"
    yield "|---|---|---|---|---|---|---|"
    figures = {
        "advert": "first Advertisement",
        "arp": "first gratuitous ARP",
        "addresses": "last address present",
        "ping": "client answered again",
    }
    for scenario, group in by(rows, "scenario"):
        for figure, title in figures.items():
            values = {
                kind: sorted(
                    value
                    for row in group
                    if row["kind"] == kind
                    if (value := row[figure]) is not None
                )
                for kind in (THEIRS, OURS, THIRD)
            }
            if values[THEIRS] and values[OURS]:
                ours, theirs = values[OURS], values[THEIRS]
                ratio = statistics.median(ours) / statistics.median(theirs)
                yield (
                    f"| {scenario} | {title} | {spread(theirs)} | {spread(values[THIRD])} "
                    f"| {spread(ours)} "
                    f"| **{ratio:.2f}** | {len(ours)} |"
                )


def spread(values: list[float]) -> str:
    """Median / p90 / p99 of sorted values; nothing of none."""
    if not values:
        return ""
    return " / ".join(f"{quantile(values, part):.2f}" for part in (0.5, 0.9, 0.99))


def jitter(rows: list[Row]) -> Iterator[str]:
    """Two lines for each interval."""
    yield "| interval | daemon | median ms | p99 ms | worst ms | drift | n |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        drift = f"{row['drift_ppm']:+.0f} ppm"
        yield (
            f"| {pace(row['interval'])} | {row['kind']} | {row['median']:.3f} | {row['p99']:.3f} "
            f"| {row['max']:.3f} | {drift} | {row['n']} |"
        )


def scale(rows: list[Row]) -> Iterator[str]:
    """Processor time and memory, one line for each number of instances."""
    yield (
        "| state | interval | instances | CPU keepalived | CPU vrrpd | ratio "
        "| MiB keepalived | MiB vrrpd | false takeovers |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for (role, interval, count), group in by(rows, "role", "interval", "instances"):
        of = {row["kind"]: row for row in group}
        theirs, ours = of[THEIRS], of[OURS]
        ratio = ours["cpu"] / theirs["cpu"] if theirs["cpu"] else float("nan")
        yield (
            f"| {role} | {pace(interval)} | {count} | {theirs['cpu']:.2f} % | {ours['cpu']:.2f} % "
            f"| **{ratio:.1f}** | {theirs['memory'] / 2**20:.1f} | {ours['memory'] / 2**20:.1f} "
            f"| {theirs['false_takeovers']} and {ours['false_takeovers']} |"
        )


def receiving(rows: list[Row]) -> Iterator[str]:
    """Microseconds for a packet, and how many one processor could take."""
    yield "| packet | keepalived µs | vrrpd µs | vrrpd, packets per second and processor |"
    yield "|---|---|---|---|"
    for packet, group in by(rows, "packet"):
        of = {row["kind"]: row["microseconds"] for row in group}
        rate = f"{1e6 / of[OURS]:,.0f}" if of[OURS] >= 1 else "more than 1,000,000"
        yield f"| {packet} | {of[THEIRS]:.1f} | {of[OURS]:.1f} | {rate} |"


def once(data: dict[str, Any]) -> Iterator[str]:
    """Start, test and reload: medians."""
    yield "| | keepalived | vrrpd | ratio | runs |"
    yield "|---|---|---|---|---|"
    checked = [
        (rows, "seconds", f"`-t`, {many:,} instance{'s' * (many > 1)} with {vips:,} addresses", "s")
        for (many, vips), rows in by(data["checking"], "instances", "addresses")
    ]
    silence = "longest silence around a reload of that file, at 100 ms"
    lines = (
        (data["start"], "seconds", "start to first Advertisement, priority 255", "s"),
        *checked,
        (data["reload"], "silence_ms", silence, "ms"),
    )
    for rows, key, title, unit in lines:
        of = {kind: [row[key] for row in rows if row["kind"] == kind] for kind in (THEIRS, OURS)}
        theirs, ours = statistics.median(of[THEIRS]), statistics.median(of[OURS])
        yield (
            f"| {title} | {theirs:.2f} {unit} | {ours:.2f} {unit} | **{ours / theirs:.2f}** "
            f"| {len(of[OURS])} |"
        )


def labs(rows: list[Row]) -> Iterator[str]:
    """One sentence for each crowd of labs."""
    for row in rows:
        ready = row["ready"]
        yield (
            f"{row['labs']} labs at once for {row['seconds'] / 60:.0f} minutes: "
            f'`Lab("basic")` ready in {quantile(ready, 0.5):.2f} s (median; the slowest '
            f"{ready[-1]:.2f} s, while the others run already), {row['memory'] / 2**20:.0f} MiB "
            f"each, {row['false_takeovers']} false takeovers.\n"
            f"By memory this machine would carry {row['carried']}."
        )


def notebook(rows: list[Row]) -> Iterator[str]:
    """One sentence: what passes until a lesson can be run."""
    if rows:
        address, ready = ([row[key] for row in rows] for key in ("address", "ready"))
        yield (
            f"`make lab`, not for the first time, prints its address after "
            f"{statistics.median(address):.1f} s, and a browser that is open already shows lesson "
            f"00 with a kernel that is ready after {statistics.median(ready):.1f} s "
            f"(medians of {len(rows)})."
        )


def pace(interval: float) -> str:
    """An interval in words."""
    return f"{interval:g} s" if interval >= 1 else f"{interval * 1000:g} ms"


def by(rows: Iterable[Row], *keys: str) -> Iterator[tuple[Any, list[Row]]]:
    """Rows with the same values of `keys`, in the order in which they first appear."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        groups.setdefault(key[0] if len(keys) == 1 else key, []).append(row)
    return iter(groups.items())


def main(argv: list[str]) -> int:
    """Print the page, or write it."""
    text = page(json.loads(DATA.read_text()))
    if "--write" in argv:
        from tests.bench.pictures import draw

        PAGE.write_text(text)
        draw(json.loads(DATA.read_text()), PAGE.parent / "images")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
