"""Keywords at the root of the file."""

from __future__ import annotations

from functools import partial

from vrrpd.config.grammar.keyword import Keyword

_root = partial(Keyword, block="")
_skipped = partial(Keyword, kind="special", block="", status="skipped")

KEYWORDS: tuple[Keyword, ...] = (
    _root(
        "global_defs",
        "block",
        "Settings of the daemon and defaults of the instances.",
        opens="global_defs",
        status="done",
    ),
    _root(
        "vrrp_instance",
        "block",
        "A virtual router.",
        opens="vrrp_instance",
        syntax="a name and a block { ... }",
        status="done",
    ),
    _root(
        "vrrp_sync_group",
        "block",
        "Instances that are MASTER together or not at all.",
        opens="vrrp_sync_group",
        syntax="a name and a block { ... }",
        status="done",
    ),
    _root(
        "vrrp_script",
        "block",
        "A command whose exit status instances can track.",
        opens="vrrp_script",
        syntax="a name and a block { ... }",
        status="done",
    ),
    _root(
        "vrrp_track_process",
        "block",
        "A process whose presence instances can track.",
        opens="vrrp_track_process",
        syntax="a name and a block { ... }",
        status="done",
    ),
    _root(
        "track_file",
        "block",
        "A file with a number that instances can track.",
        opens="track_file",
        syntax="a name and a block { ... }",
        status="done",
    ),
    _root(
        "vrrp_track_file",
        "block",
        "Old name of track_file.",
        opens="track_file",
        syntax="a name and a block { ... }",
        deprecated="track_file",
        status="done",
    ),
    _root(
        "garp_group",
        "block",
        "Interfaces whose gratuitous ARP frames share one pace.",
        opens="garp_group",
        status="done",
    ),
    _root(
        "track_group",
        "block",
        "A named set of instances, for static entries.",
        opens="track_group",
        syntax="a name and a block { ... }",
        status="done",
    ),
    _root(
        "static_ipaddress",
        "entries",
        "Addresses that are there while the daemon runs.",
        opens="address",
        syntax="a block of addresses",
        status="done",
    ),
    _root(
        "static_routes",
        "entries",
        "Routes that are there while the daemon runs.",
        opens="route",
        syntax="a block of routes",
        status="done",
    ),
    _root(
        "static_rules",
        "entries",
        "Routing rules that are there while the daemon runs.",
        opens="rule",
        syntax="a block of rules",
        status="done",
    ),
    _root(
        "net_namespace",
        "word",
        "Run in this named network namespace.",
        bare="ignored",
        status="done",
    ),
    _root("net_namespace_ipvs", "word", "The network namespace of IPVS.", bare="accepted"),
    _root("namespace_with_ipsets", "flag", "Use ipsets in a network namespace."),
    _root(
        "instance",
        "word",
        "Part of the names of pid files, to run several daemons.",
        bare="ignored",
        status="done",
    ),
    _root("use_pid_dir", "flag", "Put the pid files into /run/keepalived.", status="done"),
    _root(
        "child_wait_time",
        "seconds",
        "No effect: vrrpd is one process and has none to wait for.",
        low="0",
        high="4294",
        default="5",
        status="done",
    ),
    _root("linkbeat_use_polling", "flag", "Ask interfaces for their state instead of listening."),
    _root(
        "linkbeat_interfaces",
        "entries",
        "Interfaces to be asked for their state.",
        opens="linkbeat",
        syntax="lines of `INTERFACE [MII|ETHTOOL|IOCTL]`",
    ),
    _root(
        "interface_up_down_delays",
        "entries",
        "How long a change must last to count.",
        opens="delays",
        syntax="lines of `INTERFACE DOWN [UP]` in seconds",
        status="done",
    ),
    _skipped("virtual_server", doc="LVS: a balanced service."),
    _skipped("virtual_server_group", doc="LVS: addresses of a balanced service."),
    _skipped("SSL", doc="LVS: certificates of health checks."),
    _skipped("bfd_instance", doc="BFD: a session."),
)
