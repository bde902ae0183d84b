"""The block `auth_hmac` -> an AuthHmac: keys, and what is asked of a received trailer.

    auth_hmac {
        key 1 hex:000102...1f          32 to 64 bytes; or file:/etc/keepalived/keys/vrrp51
        active_key 1                   the one that signs
        anti_replay time               or monotonic
        time_window 5                  seconds; three intervals, at least 5 s, if it is not given
        mode enforce                   or permissive, receive-only
    }

The words are keepalived 2.4's.  An instance that asks for authentication and cannot have it is a
fatal mistake: keepalived runs it without, and then its peers and it no longer accept each other.
No diagnostic shows a key.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from vrrpd.config.collect import Fields, collect, remark
from vrrpd.config.diagnostics import Reporter
from vrrpd.config.parser import Statement
from vrrpd.config.scalars import BadValue, int_of
from vrrpd.config.values import SECOND, AuthHmac

SHORTEST, LONGEST = 32, 64  # bytes of a key
WINDOW_FLOOR, WINDOW_MOST = 5, 300  # s
FILE_BYTES = 4 + 2 * LONGEST + 8  # hex:, the digits, and a line end


def build_auth_hmac(
    blocks: list[Statement], name: str, fields: Fields, report: Reporter
) -> AuthHmac | None:
    """Return what all `auth_hmac` blocks of instance `name` say together.

    `fields` has what the rest of the instance says: `strict` and `advert_interval_ns`.
    None, with a fatal diagnostic, if there is no key to sign with.
    """
    lines = [line for one in blocks for line in one.block]
    keys = _keys([one for one in lines if one.name.text == "key"], name, report)
    said, given = collect([one for one in lines if one.name.text != "key"], {}, report)
    active: int | None = said.get("active_key")
    if active is None or active not in keys:
        lost = "no active_key is given" if active is None else f"key {active} is not defined"
        report.at(
            "fatal",
            blocks[-1].name,
            f"({name}) auth_hmac: {lost}, so nothing can be signed",
            expected="active_key with the id of one of the keys",
        )
        return None
    mode: Any = said.get("mode", "enforce")
    if fields["strict"] and mode != "enforce":
        report.at(
            "error",
            given["mode"].args[0],
            f"({name}) strict mode requires auth_hmac mode enforce; that is used",
        )
        mode = "enforce"
    derived = max(WINDOW_FLOOR, min(3 * (fields["advert_interval_ns"] // SECOND), WINDOW_MOST))
    return AuthHmac(
        keys=tuple(keys.items()),
        active_key=active,
        mode=mode,
        anti_replay=said.get("anti_replay", "time"),
        time_window=said.get("time_window", derived),
    )


def _keys(lines: list[Statement], name: str, report: Reporter) -> dict[int, bytes]:
    """The keys by their ids; a bad one is reported and left out."""
    keys: dict[int, bytes] = {}
    for one in lines:
        assert one.keyword is not None
        remark(one, one.keyword, report)
        try:
            if len(one.args) < 2:
                raise BadValue("a key needs an id and a value")
            key_id = int_of(one.args[0].text, 1, 255, strict=True)[0]
            if key_id in keys:
                raise BadValue(f"key {key_id} is defined already")
            key = _value(one.args[1].text, one, report)
            if not SHORTEST <= len(key) <= LONGEST:
                raise BadValue(f"key {key_id} has {len(key)} bytes, not {SHORTEST} to {LONGEST}")
        except BadValue as error:
            report.at(
                "error",
                one.name,
                f"({name}) auth_hmac: {error}; ignored",
                expected=one.keyword.expected,
            )
            continue
        if len(one.args) > 2:
            report.at(
                "warning",
                one.name,
                f"({name}) auth_hmac: only the first word after the id is the key",
                expected="quotes around a key with blanks in it",
            )
        keys[key_id] = key
    return keys


def _value(text: str, one: Statement, report: Reporter) -> bytes:
    """The bytes of a key as it is written, or as a file has it.  Raises BadValue."""
    if text.startswith("file:"):
        return _decoded(_from_file(text[5:], one, report))
    return _decoded(text.encode("utf-8", "replace"))


def _decoded(raw: bytes) -> bytes:
    """`hex:` and digits, or the bytes themselves.  Raises BadValue."""
    if not raw.startswith(b"hex:"):
        return raw
    try:
        return bytes.fromhex(raw[4:].decode("ascii"))
    except ValueError:
        raise BadValue("a key behind hex: has two hexadecimal digits for each byte") from None


def _from_file(path: str, one: Statement, report: Reporter) -> bytes:
    """What a key file says, without the end of its line.  Raises BadValue."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise BadValue(f"key file {path} is not a regular file")
        with open(path, "rb") as file:
            raw = file.read(FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, BadValue):
            raise
        why = error.strerror if isinstance(error, OSError) else error
        raise BadValue(f"key file {path} cannot be read: {why}") from None
    if len(raw) > FILE_BYTES:
        raise BadValue(f"key file {path} is longer than a key can be")
    if status.st_mode & 0o077:
        report.at(
            "warning", one.name, f"key file {path} can be read by group or others: chmod 600 {path}"
        )
    return raw.rstrip(b"\r\n")
