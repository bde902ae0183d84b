"""One `vrrp_instance` block -> an Instance with every default filled in.

First what the block says, keyword by keyword (collect.py, instance_keywords.py); then what
keepalived makes of it, in this order, each step one function of `_Builder`:

    family -> version -> priority -> strict -> interval -> authentication, auth_hmac -> preemption
    -> addresses -> unicast -> gratuitous ARP

Nothing is looked up on the host: whether `eth0` exists is for the daemon to find out.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from typing import Literal

from vrrpd.config import address_lines, parse_route, vip_limit
from vrrpd.config.build_trackers import Trackables
from vrrpd.config.collect import Fields, collect
from vrrpd.config.diagnostics import Reporter, Severity
from vrrpd.config.globals import Globals
from vrrpd.config.hmac_keywords import build_auth_hmac
from vrrpd.config.instance_keywords import AUTH_SPECIALS, SPECIALS, notify_of
from vrrpd.config.model import Instance
from vrrpd.config.parse_rule import Preferences, rules
from vrrpd.config.parser import Statement
from vrrpd.config.scalars import BadValue, host_of
from vrrpd.config.source_text import Word
from vrrpd.config.values import (
    MILLISECOND,
    SECOND,
    Address,
    Auth,
    AuthHmac,
    Garp,
    IPAddress,
    Peer,
    SourceLocation,
)
from vrrpd.record import replace

_KNOWN = set(Instance._fields)
_SOURCES = ("mcast_src_ip", "unicast_src_ip", "mcast_dst_ip")
V3_STEP = 10 * MILLISECOND
V3_MOST = 4095 * V3_STEP  # 12 bits of centiseconds


def build_instance(
    block: Statement,
    defaults: Globals,
    trackables: Trackables,
    limits: vip_limit.Limits,
    report: Reporter,
    preferences: Preferences,
) -> Instance | None:
    """The instance, or None with a fatal diagnostic if it cannot exist."""
    return _Builder(block, defaults, trackables, limits, report, preferences).build()


class _Builder:
    def __init__(
        self,
        block: Statement,
        defaults: Globals,
        trackables: Trackables,
        limits: vip_limit.Limits,
        report: Reporter,
        preferences: Preferences,
    ) -> None:
        self.preferences = preferences
        self.block = block
        self.name = block.args[0].text
        self.defaults = defaults
        self.trackables = trackables
        self.limits = limits
        self.report = report
        self.by_name: dict[str, list[Statement]] = {}
        for one in block.block:
            self.by_name.setdefault(one.name.text, []).append(one)
        self.said, self.given = collect(block.block, SPECIALS, report)
        self.said.pop("state", None)
        self._state()
        self.fields: Fields = {}

    def build(self) -> Instance | None:
        said = self.said
        if not self._can_exist():
            return None
        self.fields = {name: value for name, value in said.items() if name in _KNOWN}
        for name, default in self._defaults().items():
            self.fields.setdefault(name, default)
        self.fields.update(name=self.name, where=self.block.where, notify=notify_of(said))
        self._family_and_version()
        self._priority()
        self._strict()
        self._interval()
        self._authentication()
        if not self._auth_hmac():
            return None
        self._preemption()
        self._sources()
        self._addresses()
        self._unicast()
        self._garp()
        self.fields.update(self.trackables.tracks(self.block.block, self.report))
        if not self._enough_addresses():
            return None
        return Instance(**self.fields)

    @cached_property
    def _tokens(self) -> dict[SourceLocation, Word]:
        """The first word of each line in a block of the instance; only messages need it."""
        return {line.where: line.name for one in self.block.block for line in one.block}

    def _token_of(self, address: Address) -> Word:
        """Where to point at for an address."""
        return self._tokens[address.where]

    def _state(self) -> None:
        """A BACKUP after a MASTER does not count; another word after it is a BACKUP that does."""
        for one in self.by_name.get("state", ()):
            if one.args:
                word, before = one.args[0].text, self.said.get("state")
                if word != "BACKUP" or before != "MASTER":
                    self.said["state"] = "MASTER" if word == "MASTER" else "BACKUP"

    def _place(self, keyword: str) -> Word:
        """Where to point at: the first argument of a keyword, or the name of the instance."""
        one = self.given.get(keyword)
        if one is None:
            return self.block.args[0]
        return one.args[0] if one.args else one.name

    def _warn(self, keyword: str, message: str, *, error: bool = False) -> None:
        severity: Literal["error", "warning"] = "error" if error else "warning"
        self.report.at(severity, self._place(keyword), f"({self.name}) {message}")

    def _blocks(self, keyword: str) -> list[Statement]:
        """The lines of all blocks of that keyword."""
        return [
            line
            for one in self.by_name.get(keyword, ())
            if one.keyword is not None
            for line in one.block
        ]

    def _can_exist(self) -> bool:
        place = self.block.args[0]
        if "vrid" not in self.said:
            self.report.at(
                "fatal",
                place,
                f"({self.name}) needs a virtual_router_id",
                expected="virtual_router_id with a number from 1 to 255",
                follows=True,
            )
            return False
        interface = self.said.get("interface", "")
        if not interface:
            self.report.at(
                "fatal",
                place,
                f"({self.name}) needs an interface",
                expected="a line like 'interface eth0'",
                follows=True,
            )
            return False
        if len(interface.encode("utf-8", "replace")) > address_lines.LABEL_LENGTH:
            self._warn(
                "interface", "no interface has a name of more than 15 characters", error=True
            )
        if interface == "lo":
            self.report.at(
                "fatal",
                self._place("interface"),
                f"({self.name}) cannot run on the loopback interface",
            )
            return False
        return True

    def _defaults(self) -> Fields:
        """What `global_defs` gives to an instance that says nothing itself."""
        of = self.defaults
        mail = of.smtp_alert if of.smtp_alert_vrrp is None else of.smtp_alert_vrrp
        return {
            "down_timer_adverts": of.vrrp_down_timer_adverts,
            "strict": of.vrrp_strict,
            "skip_check_adv_addr": of.vrrp_skip_check_adv_addr,
            "check_unicast_src": of.vrrp_check_unicast_src,
            "lower_prio_no_advert": of.vrrp_lower_prio_no_advert,
            "higher_prio_send_advert": of.vrrp_higher_prio_send_advert,
            "owner_ignore_adverts": of.vrrp_owner_ignore_adverts,
            "v3_checksum_as_v2": of.v3_checksum_as_v2,
            "notify_priority_changes": of.vrrp_notify_priority_changes,
            "smtp_alert": bool(mail),
        }

    def _family_and_version(self) -> None:
        self.fields["family"] = family = self._first_family()
        asked = self.said.get("version")
        if family == 6 and asked == 2:
            self._warn("version", "IPv6 needs version 3; version 2 ignored", error=True)
            asked = None
        version = asked or (3 if family == 6 else self.defaults.vrrp_version)
        self.fields["version"] = version

    def _first_family(self) -> Literal[4, 6]:
        """The family of the first address in the block that can be used decides."""
        silent = Reporter()  # what is wrong with the others is reported when they are read
        for one in self.block.block:
            name = one.name.text
            found: Iterable[IPAddress] = ()
            if name == "native_ipv6":
                return 6
            if name in _SOURCES and one.args:
                with suppress(BadValue):
                    found = [host_of(one.args[0].text)[0]]
            elif name == "virtual_ipaddress":
                found = (address.ip for address in address_lines.addresses(one.block, silent))
            elif name == "unicast_peer":
                found = (peer.ip for peer, _ in address_lines.peers(one.block, silent))
            for ip in found:
                return 4 if ip.version == 4 else 6
        return 4

    def _priority(self) -> None:
        if "priority" not in self.said:
            self.fields["priority"] = 255 if self.said.get("state") == "MASTER" else 100

    def _strict(self) -> None:
        """RFC-like behaviour (keepalived's `strict_mode`)."""
        owner = self.fields["priority"] == 255
        if not self.fields["strict"]:
            return
        if (self.said.get("state") == "MASTER") != owner and "state" in self.said:
            self._warn("state", "strict: state MASTER if and only if priority is 255; ignored")
            self.fields["state"] = "MASTER" if owner else "BACKUP"
        if self.fields["down_timer_adverts"] != 3:
            self._warn("down_timer_adverts", "strict: down_timer_adverts is 3")
        if self.said.get("vmac_xmit_base"):
            self._warn("vmac_xmit_base", "strict: vmac_xmit_base ignored")
            self.fields["vmac_xmit_base"] = False
        vmac = self.fields.get("vmac")
        if vmac is not None and vmac.mac is not None:
            self._warn("use_vmac", "strict: the virtual MAC address is the RFC's", error=True)
            self.fields["vmac"] = replace(vmac, mac=None)
        self.fields.update(
            down_timer_adverts=3, lower_prio_no_advert=True, higher_prio_send_advert=False
        )
        if "accept" not in self.said or self.fields["version"] == 2:
            self.fields["accept"] = owner

    def _interval(self) -> None:
        asked = self.said.get("advert_interval_ns", SECOND)
        if self.fields["version"] == 2:
            if asked < SECOND:
                self._warn(
                    "advert_int",
                    f"an interval of {asked / SECOND:g} s needs version 3: "
                    "version 2 counts whole seconds; 1 s is used",
                    error=True,
                )
                asked = SECOND
            exact = (asked + SECOND // 2) // SECOND * SECOND
        else:
            exact = (asked + V3_STEP // 2) // V3_STEP * V3_STEP
        if exact != asked:
            self._warn("advert_int", f"rounded to {exact / SECOND:g} s")
        if self.fields["version"] == 3 and exact > V3_MOST:
            self._warn("advert_int", "version 3 goes up to 40.95 s; that is used", error=True)
            exact = V3_MOST
        self.fields["advert_interval_ns"] = exact

    def _authentication(self) -> None:
        blocks = self.by_name.get("authentication")
        if blocks is None:
            return
        lines = (line for one in blocks for line in one.block)
        fields, _ = collect(lines, AUTH_SPECIALS, self.report)
        kind: Literal["PASS", "AH"] | None = fields.get("kind")
        password: bytes = fields.get("password", b"")
        why = ""
        if kind is None:
            why = "" if any("auth_type" in _names(one) for one in blocks) else "no auth_type"
            if not why:
                return  # an unknown one, reported where it stands
        elif not password:
            why = "no auth_pass"
        elif self.fields["version"] == 3:
            why = "version 3 has none"
        elif self.fields["strict"]:
            why = "strict mode has none"
        if why or kind is None:
            severity: Severity = "error" if kind else "warning"  # keepalived says nothing then
            place = blocks[-1].name
            self.report.at(severity, place, f"({self.name}) no authentication: {why}")
            return
        self.fields["auth"] = Auth(kind, password)

    def _auth_hmac(self) -> bool:
        """Whether what is asked for can be had; `authentication` does not go with it."""
        blocks = self.by_name.get("auth_hmac")
        if blocks is None:
            return True
        auth = build_auth_hmac(blocks, self.name, self.fields, self.report)
        if auth is None:
            return False
        if "auth" in self.fields:
            self.report.at(
                "error",
                blocks[0].name,
                f"({self.name}) auth_hmac and authentication "
                "do not go together; authentication ignored",
            )
            del self.fields["auth"]
        self.fields["auth_hmac"] = auth
        return True

    def _preemption(self) -> None:
        first = self.fields["priority"] == 255 or self.said.get("state") == "MASTER"
        why = "state MASTER" if self.said.get("state") == "MASTER" else "priority 255"
        if not self.fields.get("preempt", True) and first:
            self._warn("nopreempt", f"nopreempt does not go with {why}; ignored")
            self.fields["preempt"] = True
        if self.fields.get("timer_expired_backup") and self.fields.get("preempt", True):
            self._warn(
                "timer_expired_backup",
                "timer_expired_backup requires nopreempt; ignored",
                error=True,
            )
            self.fields["timer_expired_backup"] = 0
        if not self.fields.get("preempt_delay_ns"):
            return
        if not self.fields.get("preempt", True):
            why = "nopreempt"
        elif self.fields["strict"]:
            why = "strict mode"
        elif not first:
            return
        self._warn("preempt_delay", f"preempt_delay does not go with {why}; ignored")
        self.fields["preempt_delay_ns"] = 0

    def _sources(self) -> None:
        for name in _SOURCES:
            ip: IPAddress | None = self.fields.get(name)
            if ip is None:
                continue
            if ip.version != self.fields["family"]:
                why = "is of the other family"
            elif name == "mcast_dst_ip" and not ip.is_multicast:
                why = "is not a multicast address"
            else:
                continue
            self._warn(name, f"'{ip}' {why}; {name} ignored", error=True)
            self.fields[name] = None

    def _addresses(self) -> None:
        family = self.fields["family"]
        kept: list[Address] = []
        taken: dict[IPAddress, dict[str | None, Address]] = {}
        found = address_lines.addresses(self._blocks("virtual_ipaddress"), self.report)
        for one in found:
            if one.family == family:
                if self._is_new(one, taken):
                    kept.append(one)
            else:
                self.report.at(
                    "error",
                    self._token_of(one),
                    f"({self.name}) {one.ip} is not "
                    f"IPv{family} like the addresses before it; ignored",
                    expected="it in virtual_ipaddress_excluded",
                )
        found = address_lines.addresses(self._blocks("virtual_ipaddress_excluded"), self.report)
        excluded = [one for one in found if self._is_new(one, taken, excluded=True)]
        hmac: AuthHmac | None = self.fields.get("auth_hmac")
        addresses, more = vip_limit.fit(
            self.name,
            kept,
            self.limits,
            self.fields["version"],
            family,
            ah=self.fields.get("auth", Auth()).kind == "AH",
            hmac=hmac is not None and hmac.signs,
            report=self.report,
            word_of=self._token_of,
        )
        far = [one for one in addresses[:1] if not one.ip.is_link_local]
        if far and family == 6 and self.fields["strict"]:  # RFC 9568 section 5.2.9
            self.report.at(
                "error",
                self._token_of(far[0]),
                f"({self.name}) strict: the first IPv6 address must be link-local",
            )
        self.fields["addresses"] = addresses
        self.fields["excluded"] = (*excluded, *more)
        self.fields["routes"] = tuple(
            parse_route.routes(self._blocks("virtual_routes"), self.report)
        )
        self.fields["rules"] = tuple(
            rules(self._blocks("virtual_rules"), self.report, self.preferences)
        )

    def _is_new(
        self,
        one: Address,
        taken: dict[IPAddress, dict[str | None, Address]],
        excluded: bool = False,
    ) -> bool:
        """Take an address unless the instance has it already: as keepalived from 2.3.3 on.

        An excluded address may be that of a virtual one, or another excluded one, elsewhere.
        `taken` has the addresses by the interface they are on, and virtual ones by None, too.
        """
        interface = one.dev or self.fields["interface"]
        place = interface if excluded else None
        same = taken.setdefault(one.ip, {})
        if place in same:
            self.report.at(
                "error",
                self._token_of(one),
                f"({self.name}) {one.ip} again (first in line {same[place].where.line}); ignored",
            )
            return False
        same[place] = same[interface] = one
        return True

    def _enough_addresses(self) -> bool:
        if self.fields["addresses"] or "no_virtual_ipaddress" in self.said:
            return True
        hard = [
            what
            for what, true in (
                ("version 3", self.fields["version"] == 3),
                ("strict mode", self.fields["strict"]),
            )
            if true
        ]
        if hard:
            self.report.at(
                "fatal",
                self.block.args[0],
                f"({self.name}) {hard[0]} needs at least one virtual_ipaddress",
                follows=True,
            )
            return False
        self.report.at(
            "warning",
            self.block.args[0],
            f"({self.name}) has no virtual_ipaddress: nothing to take over",
        )
        return True

    def _unicast(self) -> None:
        """A peer that is refused leaves the instance a unicast one, in FAULT without peers.

        keepalived would multicast; but what the file asks for is not changed by an error in it.
        """
        kept: dict[IPAddress, Peer] = {}
        lines = self._blocks("unicast_peer")
        for peer, word in address_lines.peers(lines, self.report):
            if peer.ip.version != self.fields["family"]:
                self.report.at(
                    "error", word, f"({self.name}) the peer is of the other family; ignored"
                )
                continue
            if peer.ip in kept:  # keepalived from 2.3.3 on
                self.report.at("error", word, f"({self.name}) the same peer again; ignored")
                continue
            kept[peer.ip] = peer
        self.fields["unicast_peers"] = tuple(kept.values())
        asked = self.fields.get("unicast_src_ip") or "unicast_peer" in self.by_name
        lost = bool(self.fields.get("unicast_fault_no_peer"))
        self.fields["unicast"] = bool(lines) or lost
        if asked and not self.fields["unicast"]:
            self._warn("unicast_src_ip", "there is no unicast_peer: multicast is used")
        # A keyword of unicast brings vmac_xmit_base, even without peers (keepalived).
        if asked and self.fields.get("vmac") is not None and not self.fields["strict"]:
            self.fields["vmac_xmit_base"] = True
        if lines and not kept:
            self._warn("unicast_peer", "no unicast_peer is left: FAULT", error=True)
        if "unicast_ttl" in self.said and not kept:
            self._warn("unicast_ttl", "unicast_ttl has no effect without unicast_peer")
            self.fields.pop("unicast_ttl")

    def _garp(self) -> None:
        """The instance's numbers, then global_defs'.

        The ones for lower priorities do not follow the instance's own others (keepalived).
        """
        of = self.defaults
        said = self.said
        for name in ("garp_master_repeat", "garp_master_refresh_repeat"):
            if said.get(name) == 0:
                self._warn(name, f"{name} must be at least 1; 1 is used", error=True)
                said[name] = 1
        delay: int = said.get("garp_master_delay_ns", of.vrrp_garp_master_delay_ns)
        repeat: int = said.get("garp_master_repeat", of.vrrp_garp_master_repeat)
        low_delay = of.vrrp_garp_lower_prio_delay_ns
        low_repeat = of.vrrp_garp_lower_prio_repeat
        low_delay = of.vrrp_garp_master_delay_ns if low_delay is None else low_delay
        low_repeat = of.vrrp_garp_master_repeat if low_repeat is None else low_repeat
        garp = Garp(
            delay_ns=delay,
            repeat=repeat,
            refresh_ns=said.get("garp_master_refresh_ns", of.vrrp_garp_master_refresh_ns),
            refresh_repeat=said.get(
                "garp_master_refresh_repeat", of.vrrp_garp_master_refresh_repeat
            ),
            lower_prio_delay_ns=said.get("garp_lower_prio_delay_ns", low_delay),
            lower_prio_repeat=said.get("garp_lower_prio_repeat", low_repeat),
            extra_if_ns=said.get("garp_extra_if_ns", of.vrrp_garp_extra_if_ns),
            extra_if_all=said.get("garp_extra_if_all", of.vrrp_garp_extra_if_all),
        )
        if self.fields["strict"]:
            garp = replace(garp, lower_prio_delay_ns=0, lower_prio_repeat=0)
        self.fields["garp"] = garp


def _names(block: Statement) -> set[str]:
    return {one.name.text for one in block.block}
