"""The statements of one block -> the fields they set, by what the table says about each keyword.

    priority 120          kind int        {"priority": 120}
    advert_int 0.5        kind decimal    {"advert_interval_ns": 500000000}
    state MASTER          kind special    whatever the function given for `state` returns

Here, once for all keywords, is what keepalived does about a missing argument (the end), a bad one
(ignored, or the default where the table says `resets`), further words (ignored) and repetitions
(the last counts, unless the table says `once`).  The last two it does silently; we warn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vrrpd.config.commands import UnterminatedQuote, parse_command
from vrrpd.config.diagnostics import Reporter
from vrrpd.config.grammar import BLOCK_KINDS, Keyword
from vrrpd.config.parser import Statement
from vrrpd.config.scalars import BadValue, bool_of, host_of, int_of, time_of
from vrrpd.config.source_text import Word
from vrrpd.config.values import SECOND, IPAddress

Fields = dict[str, Any]
Special = Callable[[Statement, Reporter], Fields]


def collect(
    statements: Iterable[Statement],
    specials: Mapping[str, Special],
    report: Reporter,
    *,
    within: Keyword | None = None,
) -> tuple[Fields, dict[str, Statement]]:
    """The fields that the statements set, and by keyword the last statement that set some.

    Statements of blocks and entries without an entry in `specials` are left to the caller.
    `within` is the keyword of the block: if that is not done, it is needless to say of its parts.
    """
    quiet = within is not None and within.status != "done"
    fields: Fields = {}
    given: dict[str, Statement] = {}
    for one in statements:
        keyword = one.keyword
        assert keyword is not None
        remark(one, keyword, report, quiet=quiet)
        if keyword.kind in BLOCK_KINDS and keyword.name not in specials:
            if keyword.kind == "list":
                _add_values(one, keyword, fields, report)
            continue
        found = _value_of(one, keyword, specials, report)
        if not found:
            continue
        before = given.get(keyword.name)
        if before and keyword.once:
            report.at(
                "error",
                one.name,
                f"'{keyword.name}' has been given in line "
                f"{before.where.line} already; ignored here",
            )
            continue
        if before and keyword.kind not in (*BLOCK_KINDS, "flag"):
            report.at(
                "warning",
                one.name,
                f"'{keyword.name}' again (first in line {before.where.line}): the last one counts",
            )
        given[keyword.name] = one
        if keyword.kind == "entries":  # several blocks add up
            found = {name: fields.get(name, ()) + value for name, value in found.items()}
        fields.update(found)
    return fields, given


def _add_values(one: Statement, keyword: Keyword, fields: Fields, report: Reporter) -> None:
    """Several blocks of words add up, unless the keyword may stand once only."""
    if keyword.once and keyword.target in fields:
        report.at("error", one.name, f"'{keyword.name}' has been given already; ignored here")
        return
    words = tuple(word.text for word in one.inner_words())
    fields[keyword.target] = fields.get(keyword.target, ()) + words


def remark(one: Statement, keyword: Keyword, report: Reporter, *, quiet: bool = False) -> None:
    """What there is to say about the keyword whatever its argument."""
    if keyword.status == "parsed" and not quiet:
        report.note_once(
            f"parsed {keyword.name}",
            one.name,
            f"'{keyword.name}' is understood but not done by this version",
        )
    if keyword.deprecated:
        report.at(
            "warning", one.name, f"'{keyword.name}' is an old name; write '{keyword.deprecated}'"
        )
    if len(one.args) > keyword.most_arguments and keyword.kind != "block":
        extra = one.args[keyword.most_arguments]
        report.at(
            "warning",
            extra,
            f"'{extra.text}' is ignored: '{keyword.name}' takes "
            + ("one word" if keyword.most_arguments else "no argument on its line"),
        )


def _value_of(
    one: Statement, keyword: Keyword, specials: Mapping[str, Special], report: Reporter
) -> Fields:
    """The fields that one statement sets; a bad argument is reported, and sets none or a default.

    An instance whose priority is bad has priority 100, also where `state MASTER` alone means 255.
    """
    if not one.args and keyword.needs_argument:
        # keepalived ends at once, but not for names in global_defs.
        mild = keyword.block == "global_defs" and keyword.kind in ("word", "command", "special")
        mild = mild or keyword.bare == "ignored"
        report.at(
            "error" if mild else "fatal",
            one.name,
            f"'{keyword.name}' needs an argument" + ("; ignored" if mild else ""),
            expected=keyword.expected,
        )
        return {}
    if not one.args and keyword.bare == "accepted":
        return {}
    try:
        if keyword.name in specials:
            return specials[keyword.name](one, report)
        return {keyword.target: _plain(one, keyword, report)}
    except BadValue as error:
        first = one.args[0] if one.args else one.name
        place = next((word for word in one.args if f"'{word.text}'" in str(error)), first)
        outcome = f"{keyword.default} is used" if keyword.resets else f"'{keyword.name}' ignored"
        report.at("error", place, f"{error}; {outcome}", expected=keyword.expected)
        return {keyword.target: _default(keyword)} if keyword.resets else {}


def _default(keyword: Keyword) -> int:
    """The value of a numeric keyword that is not in the file."""
    number = int(keyword.default)
    return number * SECOND if keyword.kind in ("seconds", "decimal") else number


def _plain(one: Statement, keyword: Keyword, report: Reporter) -> Any:
    """The value of a keyword whose kind says everything. Raises BadValue."""
    text = one.args[0].text if one.args else ""
    match keyword.kind:
        case "flag":
            return keyword.constant
        case "bool":
            return bool_of(text) if one.args else True
        case "int" | "seconds":
            low, high = int(keyword.low), int(keyword.high)
            number, rest = int_of(text, low, high, strict=keyword.strict)
            surplus(rest, one.args[0], number, report)
            return number * SECOND if keyword.kind == "seconds" else number
        case "decimal":
            time_ns, rest = time_of(text, keyword.low, keyword.high)
            if rest:
                report.at(
                    "error",
                    one.args[0],
                    f"'{text}' has more than six decimal places; {time_ns / SECOND:g} is used",
                )
            return time_ns
        case "words":
            return tuple(word.text for word in one.args)
        case "ip":
            return host(one.args[0], report)
        case "choice":
            if text not in keyword.choices:
                raise BadValue(f"'{text}' is not known")
            return int(text) if all(word.isdecimal() for word in keyword.choices) else text
        case "command":
            return command_of(one, report)
        case _:
            return text


def surplus(rest: str, word: Word, number: int, report: Reporter) -> None:
    """Report what stands behind a number that counts nevertheless."""
    if rest:
        report.at(
            "error", word, f"'{word.text}' is not a number; {number} is used (delete '{rest}')"
        )


def host(word: Word, report: Reporter) -> IPAddress:
    """The address that a word gives, with or without prefix length.  Raises BadValue."""
    ip, rest = host_of(word.text)
    if rest:
        report.at("warning", word, f"'{rest}' counts for nothing; {ip} is used")
    return ip


def command_of(one: Statement, report: Reporter) -> Any:
    """The command of a statement. Raises BadValue."""
    try:
        command, ignored = parse_command(one.rest)
    except UnterminatedQuote as quote:
        raise BadValue(f"a quote ({quote}) that never ends") from None
    if command is None:
        raise BadValue("no program")
    if ignored:
        report.at(
            "warning",
            one.name,
            f"'{' '.join(ignored)}' is ignored: quote the program together with its arguments",
        )
    return command


def choose(value: str, known: Iterable[str], what: str) -> str:
    """`value` if it is known. Raises BadValue."""
    if value not in known:
        raise BadValue(f"unknown {what} '{value}'")
    return value
