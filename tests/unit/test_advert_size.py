"""The length of an Advertisement: from real bytes, in the text and in the figure."""

from __future__ import annotations

from matplotlib.patches import Rectangle

from labs.experiments.advert_size import Growth, of, vips
from labs.model.facts import Advert


def advert(count: int) -> Advert:
    """One with `count` addresses and as many bytes as the format asks for."""
    addresses = tuple(vips(count))
    return Advert(0.0, "web1", "192.168.1.11", 51, 2, 150, 1.0, addresses, "00" * (36 + 4 * count))


def test_the_addresses_are_the_articles_and_then_all_different() -> None:
    assert vips(23) == ["192.168.1.10", *(f"192.168.1.{last}" for last in range(101, 123))]
    assert len(set(vips(300))) == 300
    assert not {"192.168.1.11", "192.168.1.12", "192.168.1.100"} & set(vips(300))


def test_the_text_says_what_the_bytes_say() -> None:
    text = of([advert(1), advert(255)]).text()
    assert "1     40 = 36 + 4 × 1" in text
    assert "1056 = 36 + 4 × 255" in text


def test_every_bar_is_as_long_as_its_packet() -> None:
    figure = Growth({1: 40, 20: 116}).figure()
    ends: dict[float, float] = {}
    for bar in figure.axes[0].patches:
        assert isinstance(bar, Rectangle)
        row = bar.get_y()
        ends[row] = max(ends.get(row, 0.0), bar.get_x() + bar.get_width())
    assert sorted(ends.values()) == [40, 116]
