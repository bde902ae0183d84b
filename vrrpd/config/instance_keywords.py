"""The keywords of `vrrp_instance` and `authentication` whose argument needs a function of its own.

Each takes the statement and returns the fields it sets; BadValue means "ignored, and say so".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vrrpd.config.build_globals import garp_extra_if
from vrrpd.config.collect import Fields, Special, choose, command_of
from vrrpd.config.diagnostics import Reporter
from vrrpd.config.parser import Statement
from vrrpd.config.routes_model import names
from vrrpd.config.scalars import BadValue, int_of, ip_of
from vrrpd.config.source_text import Word
from vrrpd.config.values import Notify, Vmac

PASSWORD_LENGTH = 8  # RFC 2338 section 5.3.10
_NOTIFY = {
    "notify": "any",
    "notify_master": "master",
    "notify_backup": "backup",
    "notify_fault": "fault",
    "notify_stop": "stop",
    "notify_deleted": "deleted",
    "notify_master_rx_lower_pri": "master_rx_lower_pri",
    "notify_split_brain": "split_brain",
}
_NO_SCRIPTS = Notify()


def notify_of(said: Fields) -> Notify:
    """The scripts among the fields of an instance or a group."""
    found: dict[str, Any] = {_NOTIFY[name]: said[name] for name in said if name in _NOTIFY}
    if not found:
        return _NO_SCRIPTS
    return Notify(report_deleted="notify_deleted" in said, **found)


def _state(one: Statement, report: Reporter) -> Fields:
    if not one.args:
        raise BadValue("no state given")
    hint = {"MASTER": "MASTER", "BACKUP": "BACKUP"}.get(one.args[0].text.upper(), "")
    if one.args[0].text != hint:
        report.at(
            "error",
            one.args[0],
            f"unknown state '{one.args[0].text}'; BACKUP is used",
            expected="" if hint else "MASTER or BACKUP",
            suggestion=hint,
        )
        return {"state": "BACKUP"}
    _one_argument(one, report)
    return {"state": hint}


def _one_argument(one: Statement, report: Reporter) -> None:
    if len(one.args) > 1:
        report.at(
            "warning",
            one.args[1],
            f"'{one.args[1].text}' is ignored: '{one.name.text}' takes one word",
        )


def _auth_type(one: Statement, report: Reporter) -> Fields:
    if not one.args:
        raise BadValue("no type given")
    _one_argument(one, report)
    return {"kind": choose(one.args[0].text, ("PASS", "AH"), "type")}


def _auth_pass(one: Statement, report: Reporter) -> Fields:
    if not one.args:
        raise BadValue("no password given")
    if len(one.args) > 1:  # the words themselves are not logged
        report.at(
            "warning",
            one.args[1],
            "'auth_pass' takes one word, the rest is ignored",
            expected="quotes around a password with blanks in it",
        )
    raw = one.args[0].text.encode("utf-8", "replace")
    if len(raw) > PASSWORD_LENGTH:
        report.at("warning", one.args[0], f"Truncating auth_pass to {PASSWORD_LENGTH} characters")
    return {"password": raw[:PASSWORD_LENGTH].ljust(PASSWORD_LENGTH, b"\0") if raw else b""}


def _notify_deleted(one: Statement, report: Reporter) -> Fields:
    return {"notify_deleted": command_of(one, report) if one.args else None}


def _extra_if(one: Statement, report: Reporter) -> Fields:
    return garp_extra_if(one, 0, "garp_", report)


def _old_checksum(one: Statement, report: Reporter) -> Fields:
    if not one.args:
        return {"old_unicast_checksum": True}
    choose(one.args[0].text, ["never"], "option")
    return {"old_unicast_checksum": False}


def _mac(text: str) -> bytes | None:
    """Five octets (the virtual router number follows) or six; None if it is no MAC."""
    parts = text.split(":")
    if len(parts) not in (5, 6) or not all(
        1 <= len(part) <= 2 and set(part.lower()) <= set("0123456789abcdef") for part in parts
    ):
        return None
    return bytes(int(part, 16) for part in parts)


def _is_interface_name(text: str) -> bool:
    """Linux: up to 15 bytes, no slash, no colon (which begins an alias)."""
    return len(text.encode()) < 16 and not set(text) & set("/:")


def _vmac(one: Statement, report: Reporter) -> Fields:
    """A bad word is ignored, and the instance has a virtual MAC nevertheless (keepalived).

    Of the words that are no options 2.2.7 looks at two only.
    """
    found: dict[str, Any] = {}
    for number, (word, plain) in enumerate(_arguments(one, found, report)):
        mac = _mac(word.text) if plain else None
        if mac is None and ("name" in found or not _is_interface_name(word.text)):
            report.at(
                "error" if number < 2 else "warning",
                word,
                f"'{word.text}' is neither a MAC nor a free name of an interface; ignored",
                expected="use_vmac [[name] NAME] [MAC] [group GROUP]",
            )
        elif mac is None:
            found["name"] = word.text
        elif mac[0] & 1 or mac[:4] == b"\x00\x00\x5e\x00":
            report.at("error", word, f"'{word.text}' is a multicast or a reserved address; ignored")
        else:
            found["mac"] = mac
    return {"vmac": Vmac(**found)}


def _ipvlan(one: Statement, report: Reporter) -> Fields:
    found: dict[str, Any] = {}
    for word, plain in _arguments(one, found, report):
        if plain and word.text in ("bridge", "private", "vepa"):
            found["mode"] = word.text
            continue
        try:
            ip_of(word.text.partition("/")[0])
            found["address"] = word.text
        except BadValue:
            found["name"] = word.text
    return {"vmac": Vmac(kind="ipvlan", **found)}


def _arguments(
    one: Statement, found: dict[str, Any], report: Reporter
) -> Iterator[tuple[Word, bool]]:
    """The words that are no options: (word, whether it may be anything but a name).

    keepalived from 2.3.0: `group GROUP` goes into `found`, and what follows `name` is a name.
    `netlink_notify_msg` has no effect: nothing here relies on the message that it is about.
    """
    words = iter(one.args)
    for word in words:
        if word.text == "netlink_notify_msg":
            continue
        value = next(words, None) if word.text in ("group", "name") else word
        if value is None:
            report.at("error", word, f"'{word.text}' needs an argument; ignored")
        elif word.text != "group":
            yield value, value is word
        else:
            try:
                found["group"] = names("group").get(value.text)
                if found["group"] is None:
                    found["group"] = int_of(value.text, 0, 0xFFFFFFFF, strict=True)[0]
            except BadValue as error:
                del found["group"]
                report.at(
                    "error",
                    value,
                    f"{error}; that of the base interface is used",
                    expected="a number or a name of /etc/iproute2/group",
                )


def _timer_expired(one: Statement, report: Reporter) -> Fields:
    """The highest priority of another router; without a number the highest there is."""
    if not one.args:
        return {"timer_expired_backup": 254}
    return {"timer_expired_backup": int_of(one.args[0].text, 1, 254, strict=True)[0]}


SPECIALS: dict[str, Special] = {
    "state": _state,
    "notify_deleted": _notify_deleted,
    "garp_extra_if": _extra_if,
    "vmac_garp_intvl": _extra_if,
    "old_unicast_checksum": _old_checksum,
    "timer_expired_backup": _timer_expired,
    "thread_timer_expired": _timer_expired,
    "use_vmac": _vmac,
    "use_ipvlan": _ipvlan,
}
AUTH_SPECIALS: dict[str, Special] = {"auth_type": _auth_type, "auth_pass": _auth_pass}
