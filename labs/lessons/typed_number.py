"""The number that a learner typed into a form: its sign, its unit, a decimal comma.

    number("3,1")                3.1
    number("500 ms", "s")        0.5
    number("1,060", "bytes")     1060.0
    number("4 of 6", "of 6")     4.0
    number("9", "of 6")          ValueError: at most 6
    number("3-4", "s")           ValueError: two numbers
    number("500 ms", "bytes")    ValueError: bytes are asked for, not a time

ValueError has a sentence that the form shows.
"""

from __future__ import annotations

import math
import re

# Seconds in a unit of time, by the words that people type.
_SECONDS = {
    word: seconds
    for words, seconds in (
        ("us µs μs microsecond microseconds", 1e-6),
        ("ms msec msecs millisecond milliseconds", 1e-3),
        ("s sec secs second seconds", 1.0),
        ("m min mins minute minutes", 60.0),
        ("h hr hrs hour hours", 3600.0),
    )
    for word in words.split()
}
# What measures something else than a number or bytes.
_MEASURES = {*_SECONDS, "kb", "kib", "kbyte", "kbytes", "mb", "mib", "bit", "bits"}
# A sign belongs to a number unless it follows another number or a word, as in 3-4 and web-3.
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w\s])[-−]\s*|(?<=\D\s)[-−]\s*)?"
    r"(?P<value>(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][-+]?\d+)?)"
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3})+|(?:\.\d{3})+)")


def number(text: str, unit: str = "") -> float:
    """The number in `text`, in `unit`; a time in another unit is converted.

    Raises ValueError for no number, several of them, one below zero, one too large for a float or
    for what it is a part of, and a unit that cannot be converted into `unit`.
    """
    text = text.strip()
    if unit not in _SECONDS:
        text = text.removesuffix(unit)  # the answer is shown as "4 of 6", so it is typed like that
    found = list(_NUMBER.finditer(text))
    if not found:
        raise ValueError("a number in digits, please")
    if len(found) > 1:
        raise ValueError(f"one number, please: {' or '.join(each['value'] for each in found)}?")
    (only,) = found
    if only["sign"]:
        raise ValueError("a number that is not below zero, please")
    value = _value(only["value"], unit)
    word = re.match(r"\s*([^\W\d_]+)", text[only.end() :])
    measure = word[1].lower() if word else ""
    if unit in _SECONDS and measure in _SECONDS:
        value = round(value * _SECONDS[measure] / _SECONDS[unit], 9)
    elif measure in _MEASURES and measure != unit:
        asked = f"a number of {unit}" if unit else "a number without a unit"
        raise ValueError(f"{asked}, please: not {word[1] if word else ''}")
    most = re.fullmatch(r"of (\d+)", unit)
    if most and value > int(most[1]):
        raise ValueError(f"a number from 0 to {most[1]}, please")
    if math.isinf(value):
        raise ValueError("a smaller number, please")
    return value


def _value(digits: str, unit: str) -> float:
    """Digits as a number: a comma or a point is a decimal one, but not in a count of thousands."""
    plain = digits.replace(",", ".")
    if unit not in _SECONDS and _THOUSANDS.fullmatch(digits):
        plain = plain.replace(".", "")
    try:
        return float(plain)
    except ValueError:
        raise ValueError(f"a number, please: {digits} is not one") from None
