"""`global_defs` and the switches at the root of the file -> Globals."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.collect import Fields, Special, choose, collect, surplus
from vrrpd.config.diagnostics import Reporter
from vrrpd.config.globals import Globals
from vrrpd.config.parser import Statement
from vrrpd.config.scalars import BadValue, int_of, ip_of, time_of
from vrrpd.config.values import SECOND
from vrrpd.record import replace

_KNOWN = set(Globals._fields)
_UMASK_NAMES = {
    name[2:]: getattr(stat, name)
    for name in dir(stat)
    if name[:5] in ("S_IRU", "S_IWU", "S_IXU", "S_IRG", "S_IWG", "S_IXG", "S_IRO", "S_IWO", "S_IXO")
}


def build_globals(
    blocks: Iterable[Statement], root: Iterable[Statement], report: Reporter
) -> Globals:
    """All `global_defs` blocks together, and the root-level statements."""
    statements = [one for block in blocks for one in block.block]
    fields, _ = collect([*statements, *root], _SPECIALS, report)
    for one in statements:
        if one.name.text == "notification_email" and not one.block:
            report.at("warning", one.name, "empty notification_email: nobody gets mail")
    for name in ("vrrp_garp_master_repeat", "vrrp_garp_master_refresh_repeat"):
        if fields.get(name) == 0:
            fields[name] = 1
    if fields.get("smtp_connect_timeout_ns") == 0:
        fields["smtp_connect_timeout_ns"] = SECOND
    known = {name: value for name, value in fields.items() if name in _KNOWN}
    built = Globals(**known)
    return _least_garp(built) if built.vrrp_min_garp else built


def _least_garp(built: Globals) -> Globals:
    """`vrrp_min_garp`: one frame for each address, once."""
    return replace(
        built,
        vrrp_garp_master_repeat=1,
        vrrp_garp_master_delay_ns=0,
        vrrp_garp_master_refresh_ns=0,
        vrrp_garp_master_refresh_repeat=1,
        vrrp_garp_lower_prio_delay_ns=0,
        vrrp_garp_lower_prio_repeat=1,
    )


def _smtp_server(one: Statement, report: Reporter) -> Fields:
    if not one.args:
        raise BadValue("no mail server given")
    port = int_of(one.args[1].text, 1, 65535, strict=True)[0] if len(one.args) > 1 else 25
    _no_more(one, 2, report)
    return {"smtp_server": (one.args[0].text, port)}


def _script_user(one: Statement, report: Reporter) -> Fields:
    return {"script_user": user_of(one, report)}


def user_of(one: Statement, report: Reporter) -> tuple[str, str | None]:
    """USER [GROUP]. Raises BadValue."""
    if not one.args:
        raise BadValue("no user given")
    _no_more(one, 2, report)
    return one.args[0].text, one.args[1].text if len(one.args) > 1 else None


def _dynamic_interfaces(one: Statement, report: Reporter) -> Fields:
    found: Fields = {"dynamic_interfaces": True}
    if one.args:
        choose(one.args[0].text, ["allow_if_changes"], "option")
        report.note_once(
            "allow_if_changes",
            one.args[0],
            "'allow_if_changes' is understood but not done by this version",
        )
        found["allow_if_changes"] = True
    _no_more(one, 1, report)
    return found


def _mcast_group(one: Statement, report: Reporter) -> Fields:
    group = ip_of(one.args[0].text)
    wanted = IPv4Address if one.name.text.endswith("4") else IPv6Address
    if not isinstance(group, wanted) or not group.is_multicast:
        raise BadValue(f"'{group}' is no such multicast address")
    if isinstance(group, IPv6Address) and group.packed[1] & 0x0F != 2:
        report.at("warning", one.args[0], "not a link-local group: routers may forward it")
    return {one.name.text: group}


def garp_extra_if(one: Statement, low: int, prefix: str, report: Reporter) -> Fields:
    """`[all] SECONDS`, for `garp_extra_if` and its relatives. Raises BadValue."""
    words = [word.text for word in one.args]
    everywhere = words[:1] == ["all"]
    words = words[1:] if everywhere else words
    if not words:
        raise BadValue("no number of seconds")
    seconds, rest = int_of(words[0], low, 86400, strict=False)
    surplus(rest, one.args[-len(words)], seconds, report)
    return {prefix + "extra_if_ns": seconds * SECOND, prefix + "extra_if_all": everywhere}


def _cpu_affinity(one: Statement, report: Reporter) -> Fields:
    return {
        "vrrp_cpu_affinity": tuple(int_of(word.text, 0, 4095, strict=True)[0] for word in one.args)
    }


def _nftables(one: Statement, report: Reporter) -> Fields:
    if not one.args or not one.args[0].text:
        return {"nftables": Globals().nftables}
    name = one.args[0].text
    if not re.fullmatch(_TABLE, name) or name in _NFT_WORDS:
        raise BadValue(f"'{name}' cannot be the name of a table in nft; 'keepalived' is used")
    return {"nftables": name}


def _umask(one: Statement, report: Reporter) -> Fields:
    text = "".join(word.text for word in one.args)
    if text.isascii() and text.isdecimal() and set(text) <= set("01234567") and len(text) < 6:
        value = int(text, 8)
    else:
        value = 0
        for name in text.split("|"):
            value |= _UMASK_NAMES[choose(name, _UMASK_NAMES, "permission")]
    if value > 0o777:
        raise BadValue(f"'{text}' is out of range")
    return {"umask": value}


def _rx_bufs(one: Statement, report: Reporter) -> Fields:
    for word in one.args:
        if word.text not in ("MTU", "ADVERT"):
            int_of(word.text, 1, 0xFFFFFFFF, strict=True)
    if not one.args:
        raise BadValue("no size given")
    return {"vrrp_rx_bufs_policy": tuple(word.text for word in one.args)}


def _linkbeat_interfaces(one: Statement, report: Reporter) -> Fields:
    found: list[tuple[str, str | None]] = []
    for line in one.block:
        method = line.args[0].text if line.args else None
        if method not in (None, "MII", "ETHTOOL", "IOCTL"):
            report.at(
                "error",
                line.args[0],
                f"unknown method '{method}'; ignored",
                expected="MII, ETHTOOL or IOCTL",
            )
            method = None
        found.append((line.name.text, method))
    return {"linkbeat_interfaces": tuple(found)}


def _delays(one: Statement, report: Reporter) -> Fields:
    found: list[tuple[str, int, int]] = []
    for line in one.block:
        try:
            times = [time_of(word.text, "0", "255")[0] for word in line.args[:2]]
            if not times:
                raise BadValue("no delay given")
        except BadValue as error:
            report.at(
                "error",
                line.name,
                f"{error}; line ignored",
                expected="INTERFACE DOWN [UP], seconds from 0 to 255",
            )
            continue
        found.append((line.name.text, times[0], times[1] if len(times) > 1 else 0))
    return {"interface_up_down_delays": tuple(found)}


def _no_more(one: Statement, count: int, report: Reporter) -> None:
    if len(one.args) > count:
        report.at("warning", one.args[count], f"'{one.args[count].text}' is ignored")


def _extra_if(one: Statement, report: Reporter) -> Fields:
    return garp_extra_if(one, 1, "vrrp_garp_", report)


# What nft(8) can take for the name of a table: an identifier that is no word of its language.
_TABLE = r"[A-Za-z][A-Za-z0-9/\\_.-]*"
_NFT_WORDS = frozenset(
    """
    accept add ah all and arp auto-merge bridge cgroup chain comment comp constant continue
    counter cpu create ct day dccp define delete describe device devices dnat drop dst dup
    dynamic ecn element elements eq esp ether exists expires export exthdr fib flags flow
    flowtable flush frag fwd gc-interval ge get goto gt handle hbh hook hour ibriport ibrname
    icmp icmpv6 igmp iif iifgroup iifname iiftype import include index inet insert interval ip
    ip6 ipsec jhash jump le limit list log lt map mark masquerade meta meter mh missing monitor
    ne netdev nftrace not notrack numgen obriport obrname offload oif oifgroup oifname oiftype
    or osf pkttype policy position priority queue quota random redefine redirect reject rename
    replace reset return rt rt0 rt2 rtclassid rule ruleset sctp secmark set size skgid skuid
    snat socket srh symhash synproxy table tcp th time timeout tproxy type typeof udp udplite
    undefine update vlan vmap xor xt
    """.split()  # noqa: SIM905
)

_SPECIALS: dict[str, Special] = {
    "smtp_server": _smtp_server,
    "script_user": _script_user,
    "dynamic_interfaces": _dynamic_interfaces,
    "vrrp_mcast_group4": _mcast_group,
    "vrrp_mcast_group6": _mcast_group,
    "vrrp_garp_extra_if": _extra_if,
    "vrrp_vmac_garp_intvl": _extra_if,
    "vrrp_cpu_affinity": _cpu_affinity,
    "umask": _umask,
    "nftables": _nftables,
    "vrrp_rx_bufs_policy": _rx_bufs,
    "linkbeat_interfaces": _linkbeat_interfaces,
    "interface_up_down_delays": _delays,
}
