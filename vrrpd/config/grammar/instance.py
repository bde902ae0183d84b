"""Keywords inside `vrrp_instance`, and inside its `authentication` and `auth_hmac`."""

from __future__ import annotations

from functools import partial

from vrrpd.config.grammar.keyword import Keyword

_done = partial(Keyword, block="vrrp_instance", status="done")
_parsed = partial(Keyword, block="vrrp_instance", status="parsed")
_auth = partial(Keyword, block="authentication", status="done", kind="special")
_hmac = partial(Keyword, block="auth_hmac", status="done")
_COMMAND = "a program, quoted with its arguments, and optionally user and group"
_WEIGHT = "lines of `NAME [weight -253..253 [reverse]]`"

_IDENTITY = (
    _done(
        "state",
        "special",
        "The role the administrator has in mind; priorities decide.",
        syntax="MASTER or BACKUP",
    ),
    _done("interface", "word", "The interface the virtual router runs on."),
    _done(
        "virtual_router_id",
        "int",
        "Number of the virtual router on its network.",
        field="vrid",
        low="1",
        high="255",
        strict=True,
    ),
    _done(
        "priority",
        "int",
        "Who is to be MASTER: the highest; 255 is the address owner.",
        low="1",
        high="255",
        default="100",
        strict=True,
        resets=True,
    ),
    _done(
        "advert_int",
        "decimal",
        "Interval of advertisements; whole seconds in version 2.",
        field="advert_interval_ns",
        low="0.01",
        high="255",
        default="1",
    ),
    _done("version", "int", "VRRP version.", low="2", high="3", default="vrrp_version", once=True),
    _done(
        "authentication", "block", "Password of the group (version 2 only).", opens="authentication"
    ),
    _done(
        "auth_hmac",
        "block",
        "Sign advertisements, and take no others (keepalived's own).",
        opens="auth_hmac",
    ),
    _done(
        "nopreempt",
        "flag",
        "Leave a working MASTER of lower priority alone.",
        field="preempt",
        constant=False,
    ),
    _done("preempt", "flag", "Take over from a MASTER of lower priority (the default)."),
    _done(
        "preempt_delay",
        "decimal",
        "How long to wait before taking over from a lower one.",
        low="0",
        high="1000",
        default="0",
        resets=True,
    ),
    _done(
        "down_timer_adverts",
        "int",
        "How many missed advertisements make a MASTER dead.",
        low="1",
        high="100",
        default="3",
    ),
)
_ADDRESSES = (
    _done(
        "virtual_ipaddress",
        "entries",
        "The addresses, advertised in this order.",
        opens="address",
        syntax="a block of addresses",
    ),
    _done(
        "virtual_ipaddress_excluded",
        "entries",
        "More addresses, not in the advertisement.",
        opens="address",
        syntax="a block of addresses",
    ),
    _done(
        "virtual_routes",
        "entries",
        "Routes that exist while MASTER.",
        opens="route",
        syntax="a block of routes",
    ),
    _done(
        "virtual_rules",
        "entries",
        "Routing rules that exist while MASTER.",
        opens="rule",
        syntax="a block of rules",
    ),
    _done("no_virtual_ipaddress", "flag", "It is intended that there are no addresses."),
    _done("promote_secondaries", "flag", "Set that sysctl on the interface."),
    _done("mcast_src_ip", "ip", "Source address of multicast advertisements."),
    _done("mcast_dst_ip", "ip", "Multicast group of this instance."),
    _done("unicast_src_ip", "ip", "Source address of unicast advertisements."),
    _done("track_src_ip", "flag", "FAULT while the source address is not on the interface."),
    _done(
        "unicast_peer",
        "entries",
        "Send to these addresses instead of a multicast group.",
        opens="peer",
        syntax="lines of `ADDRESS [min_ttl N] [max_ttl N]`",
    ),
    _done(
        "unicast_ttl",
        "int",
        "TTL of unicast advertisements.",
        low="0",
        high="255",
        default="255",
        strict=True,
    ),
    _done("check_unicast_src", "flag", "Accept advertisements from the peers only."),
    _done("unicast_fault_no_peer", "flag", "FAULT instead of multicast if no peer is left."),
    _parsed(
        "old_unicast_checksum",
        "special",
        "Checksum of keepalived before 1.3.6.",
        syntax="nothing or never",
    ),
    _done("native_ipv6", "flag", "This is an IPv6 instance."),
    _done(
        "kernel_rx_buf_size",
        "int",
        "Receive buffer of the socket, bytes.",
        bare="ignored",
        low="1",
        high="4294967295",
        strict=True,
    ),
)
_LINKS = (
    _done(
        "use_vmac",
        "special",
        "Hold the addresses on an interface with the virtual MAC.",
        syntax="[[name] NAME] [MAC] [netlink_notify_msg] [group GROUP]",
        once=True,
    ),
    _done("vmac_xmit_base", "flag", "Advertise from the base interface nevertheless."),
    _done("use_vmac_addr", "flag", "A virtual MAC for addresses on other interfaces too."),
    _done(
        "use_ipvlan",
        "special",
        "Hold the addresses on an ipvlan interface.",
        syntax="[[name] NAME] [ADDRESS[/len]] [bridge|private|vepa] [group GROUP]",
    ),
    _parsed("vrf", "word", "The VRF (unicast without interface only)."),
    _parsed(
        "linkbeat_use_polling",
        "flag",
        "Ask the interface for its state.",
        deprecated="linkbeat_interfaces",
    ),
    _done("dont_track_primary", "flag", "Ignore the state of the instance's own interface."),
    _done(
        "track_interface", "entries", "Interfaces that must be up.", opens="track", syntax=_WEIGHT
    ),
    _done("track_script", "entries", "Scripts that must succeed.", opens="track", syntax=_WEIGHT),
    _done("track_process", "entries", "Processes that must run.", opens="track", syntax=_WEIGHT),
    _done(
        "track_file",
        "entries",
        "Files whose number changes the priority.",
        opens="track",
        syntax=_WEIGHT,
    ),
    Keyword(
        "track_bfd",
        "entries",
        "BFD: sessions that must be up.",
        block="vrrp_instance",
        status="skipped",
    ),
)
_BEHAVIOUR = (
    _done("accept", "flag", "Accept packets to the addresses (the default)."),
    _done(
        "no_accept",
        "flag",
        "Drop packets to the addresses unless owner.",
        field="accept",
        constant=False,
    ),
    _done("strict_mode", "bool", "As the RFC says.", field="strict", default="vrrp_strict"),
    _done(
        "skip_check_adv_addr",
        "bool",
        "Do not compare the addresses with each advertisement.",
        default="vrrp_skip_check_adv_addr",
    ),
    _done(
        "lower_prio_no_advert",
        "bool",
        "Leave advertisements of lower priority unanswered.",
        default="vrrp_lower_prio_no_advert",
    ),
    _done(
        "higher_prio_send_advert",
        "bool",
        "Advertise once before giving way.",
        default="vrrp_higher_prio_send_advert",
    ),
    _done("owner_ignore_adverts", "bool", "An address owner ignores others."),
    _done("v3_checksum_as_v2", "bool", "No pseudo-header in version 3 over IPv4."),
    _done(
        "timer_expired_backup",
        "special",
        "With nopreempt: become BACKUP after not having "
        "run for so long that a router of this priority is MASTER by now.",
        syntax="[highest priority of another router, from 1 to 254; 254 if not given]",
    ),
    _done(
        "thread_timer_expired",
        "special",
        "Other name of timer_expired_backup.",
        syntax="[a number from 1 to 254]",
        deprecated="timer_expired_backup",
    ),
    _done("debug", "int", "No effect.", low="0", high="4", default="0"),
)
_GARP = (
    _done(
        "garp_master_delay",
        "seconds",
        "Second burst of gratuitous ARP; 0 is none.",
        low="0",
        high="4294",
        default="vrrp_garp_master_delay",
    ),
    _done(
        "garp_master_repeat",
        "int",
        "Gratuitous ARP frames per address and burst.",
        low="0",
        high="4294967295",
        default="vrrp_garp_master_repeat",
    ),
    _done(
        "garp_master_refresh",
        "seconds",
        "Period of further bursts; 0 is none.",
        low="0",
        high="4294",
        default="vrrp_garp_master_refresh",
    ),
    _done(
        "garp_master_refresh_repeat",
        "int",
        "Frames per address in those bursts.",
        low="0",
        high="4294967295",
        default="vrrp_garp_master_refresh_repeat",
    ),
    _done(
        "garp_lower_prio_delay",
        "seconds",
        "Second burst after a lower advertisement.",
        low="0",
        high="4294",
        default="vrrp_garp_lower_prio_delay",
    ),
    _done(
        "garp_lower_prio_repeat",
        "int",
        "Frames after a lower advertisement; 0 is none.",
        low="0",
        high="2147483647",
        default="vrrp_garp_lower_prio_repeat",
    ),
    _done(
        "garp_extra_if",
        "special",
        "Gratuitous ARP on other interfaces of the VMAC.",
        syntax="[all] seconds from 0 to 86400",
    ),
    _done(
        "vmac_garp_intvl",
        "special",
        "Old name of garp_extra_if.",
        syntax="[all] seconds from 0 to 86400",
        deprecated="garp_extra_if",
    ),
)
_NOTIFY = (
    _done("notify_master", "command", "Run on becoming MASTER.", once=True, syntax=_COMMAND),
    _done("notify_backup", "command", "Run on becoming BACKUP.", once=True, syntax=_COMMAND),
    _done("notify_fault", "command", "Run on becoming FAULT.", once=True, syntax=_COMMAND),
    _done("notify_stop", "command", "Run when the daemon stops.", once=True, syntax=_COMMAND),
    _done(
        "notify",
        "command",
        "Run on every change, with four arguments added.",
        once=True,
        syntax=_COMMAND,
    ),
    _done(
        "notify_deleted",
        "special",
        "Run when a reload removes the instance.",
        once=True,
        syntax="nothing, or " + _COMMAND,
    ),
    _done(
        "notify_master_rx_lower_pri",
        "command",
        "Run when a MASTER receives an advertisement of lower priority.",
        once=True,
        syntax=_COMMAND,
    ),
    _done(
        "notify_split_brain",
        "command",
        "Run when a MASTER receives another MASTER's advertisement, once an episode, with six "
        "arguments added: INSTANCE, name, SPLIT_BRAIN, own priority, the other's address and "
        "priority. An addition of vrrpd's: keepalived does not know the keyword.",
        once=True,
        syntax=_COMMAND,
    ),
    _done(
        "notify_priority_changes",
        "bool",
        "Tell the FIFOs about priorities too.",
        default="vrrp_notify_priority_changes",
    ),
    _done("smtp_alert", "bool", "Send mail on changes.", default="smtp_alert_vrrp"),
    Keyword(
        "lvs_sync_daemon_interface",
        "special",
        "LVS: connection synchronisation.",
        block="vrrp_instance",
        status="skipped",
    ),
)

KEYWORDS: tuple[Keyword, ...] = (
    *_IDENTITY,
    *_ADDRESSES,
    *_LINKS,
    *_BEHAVIOUR,
    *_GARP,
    *_NOTIFY,
    _auth("auth_type", doc="PASS: a password in clear; AH: a hash (IPsec).", syntax="PASS or AH"),
    _auth(
        "auth_pass",
        doc="The password; eight characters count.",
        syntax="a password of up to eight characters",
    ),
    _hmac(
        "key",
        "special",
        "A key of 32 to 64 bytes; several may be known at a time.",
        syntax="ID VALUE, the id from 1 to 255, the value as hex:DIGITS, file:PATH or text",
    ),
    _hmac("active_key", "int", "The id of the key that signs.", low="1", high="255", strict=True),
    _hmac(
        "anti_replay",
        "choice",
        "time: fresh, and never twice; monotonic: never twice.",
        choices=("time", "monotonic"),
        default="time",
    ),
    _hmac(
        "time_window",
        "int",
        "How far a sender's clock may be from ours, seconds.",
        low="1",
        high="300",
        default="three intervals, at least 5",
        strict=True,
    ),
    _hmac(
        "mode",
        "choice",
        "What becomes of advertisements without trailer; receive-only sends such.",
        choices=("enforce", "permissive", "receive-only"),
        default="enforce",
    ),
)
