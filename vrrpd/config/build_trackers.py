"""`vrrp_script`, `vrrp_track_process`, `track_file`, and the blocks that refer to them.

keepalived reads from top to bottom: only what has been defined above a `track_script` line exists
for it. The weight of the line counts; where it has none, that of the tracked thing does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vrrpd.config import address_lines
from vrrpd.config.build_globals import user_of
from vrrpd.config.collect import Fields, Special, choose, collect, surplus
from vrrpd.config.diagnostics import Reporter, nearest
from vrrpd.config.model import TrackFile, TrackProcess, TrackScript
from vrrpd.config.parser import Statement
from vrrpd.config.scalars import BadValue, int_of
from vrrpd.config.values import SECOND, Command, Track

_LIMITS = {"track_interface": 253, "track_script": 253, "track_process": 254, "track_file": 254}
_BOTH = ("reverse", "noreverse")
_TURNS = {
    "track_interface": ("reverse",),
    "track_script": _BOTH,
    "track_process": _BOTH,
    "track_file": _BOTH,
}
_FIELDS = {
    "track_interface": "track_interfaces",
    "track_script": "track_scripts",
    "track_process": "track_processes",
    "track_file": "track_files",
}


class Trackables:
    """What has been defined so far and can be tracked."""

    def __init__(self) -> None:
        self.scripts: dict[str, TrackScript] = {}
        self.processes: dict[str, TrackProcess] = {}
        self.files: dict[str, TrackFile] = {}

    def define(self, block: Statement, report: Reporter) -> None:
        """Add what a block defines; without its mandatory line it is removed."""
        name = block.args[0].text
        fields, _ = collect(block.block, _SPECIALS, report, within=block.keyword)
        fields.update(name=name, where=block.where)
        kind = block.name.text
        if kind == "vrrp_script":
            self._script(name, fields, block, report)
        elif kind == "vrrp_track_process":
            self._process(name, fields, block, report)
        elif "file" not in fields:
            report.at("error", block.args[0], f"'{name}' has no file; ignored")
        elif _new(name, self.files, block, report):
            self.files[name] = TrackFile(**fields)

    def _script(self, name: str, fields: Fields, block: Statement, report: Reporter) -> None:
        user = fields.pop("user", None)
        if "command" not in fields:
            report.at("error", block.args[0], f"'{name}' has no script; ignored")
            return
        if not _new(name, self.scripts, block, report):
            return
        command: Command = fields["command"]
        owner, group = user or (None, None)
        fields["command"] = Command(command.argv, owner, group, command.text)
        for time in ("interval_ns", "timeout_ns"):
            if fields.get(time) == 0:
                fields[time] = SECOND
        fields.setdefault("interval_ns", SECOND)
        fields.setdefault("timeout_ns", fields["interval_ns"])
        self.scripts[name] = TrackScript(**fields)

    def _process(self, name: str, fields: Fields, block: Statement, report: Reporter) -> None:
        both = fields.pop("delay_ns", None)
        if both is not None:
            fields["fork_delay_ns"] = fields["terminate_delay_ns"] = both
        if "process" not in fields:
            report.at("error", block.args[0], f"'{name}' has no process; ignored")
        elif _new(name, self.processes, block, report):
            if fields.get("params") and "param_match" not in fields:
                fields["param_match"] = "exact"
            self.processes[name] = TrackProcess(**fields)

    def tracks(self, statements: Iterable[Statement], report: Reporter) -> Fields:
        """The fields `track_interfaces` ... for the track blocks among the statements."""
        found: dict[str, dict[str, Track]] = {field: {} for field in _FIELDS.values()}
        for one in statements:
            if one.keyword is None or one.name.text not in _FIELDS:
                continue
            kind = one.name.text
            into = found[_FIELDS[kind]]
            for line in address_lines.tracked(one.block, _LIMITS[kind], report, _TURNS[kind]):
                known = self._known(kind)
                if known is not None and line.word.text not in known:
                    report.at(
                        "error",
                        line.word,
                        f"nothing called '{line.word.text}' is defined above; ignored",
                        suggestion=nearest(line.word.text, known),
                    )
                    continue
                own = known[line.word.text] if known is not None else None
                if line.word.text in into:
                    report.at("error", line.word, f"'{line.word.text}' is tracked already; ignored")
                    continue
                into[line.word.text] = (
                    line.track(own.weight, own.reverse) if own is not None else line.track()
                )
        return {field: tuple(tracks.values()) for field, tracks in found.items()}

    def _known(self, kind: str) -> dict[str, Any] | None:
        """The definitions a kind of track block refers to; None for interfaces."""
        known: dict[str, dict[str, Any]] = {
            "track_script": self.scripts,
            "track_process": self.processes,
            "track_file": self.files,
        }
        return known.get(kind)


def _new(name: str, known: dict[str, Any], block: Statement, report: Reporter) -> bool:
    if name in known:
        report.at(
            "error",
            block.args[0],
            f"'{name}' is defined already in line {known[name].where.line}; ignored",
        )
    return name not in known


def _weight(one: Statement, report: Reporter) -> Fields:
    assert one.keyword is not None
    if not one.args:
        raise BadValue("no weight given")
    low, high = int(one.keyword.low), int(one.keyword.high)
    number, rest = int_of(one.args[0].text, low, high, strict=False)
    surplus(rest, one.args[0], number, report)
    found: Fields = {"weight": number}
    for word in one.args[1:]:
        found["reverse"] = choose(word.text, ("reverse", "noreverse"), "word") == "reverse"
    return found


def _user(one: Statement, report: Reporter) -> Fields:
    return {"user": user_of(one, report)}


def _process(one: Statement, report: Reporter) -> Fields:
    if not one.args:
        raise BadValue("no process given")
    words = [word.text for word in one.args]
    return {"process": words[0], "params": tuple(words[1:])}


def _param_match(one: Statement, report: Reporter) -> Fields:
    if not one.args:
        return {"param_match": "exact"}
    return {"param_match": choose(one.args[0].text, ("initial", "partial"), "way")}


def _init_file(one: Statement, report: Reporter) -> Fields:
    found: Fields = {"init_file": True}
    for word in one.args:
        if word.text == "overwrite":
            found["init_overwrite"] = True
        else:
            number, rest = int_of(word.text, -(2**31), 2**31 - 1, strict=False)
            surplus(rest, word, number, report)
            found["init_value"] = number
    return found


_SPECIALS: dict[str, Special] = {
    "weight": _weight,
    "user": _user,
    "process": _process,
    "param_match": _param_match,
    "init_file": _init_file,
}
