"""Keywords inside sync groups, trackers, `garp_group` and `track_group`."""

from __future__ import annotations

from functools import partial

from vrrpd.config.grammar.keyword import Keyword

_group = partial(Keyword, block="vrrp_sync_group", status="done")
_script = partial(Keyword, block="vrrp_script", status="done")
_process = partial(Keyword, block="vrrp_track_process", status="done")
_file = partial(Keyword, block="track_file", status="done")
_garp = partial(Keyword, block="garp_group", status="done")
_COMMAND = "a program, quoted with its arguments, and optionally user and group"
_WEIGHT = "lines of `NAME [weight -253..253 [reverse]]`"

KEYWORDS: tuple[Keyword, ...] = (
    _group(
        "group", "list", "The instances of the group.", once=True, syntax="{ names of instances }"
    ),
    _group("notify_master", "command", "Run on becoming MASTER.", once=True, syntax=_COMMAND),
    _group("notify_backup", "command", "Run on becoming BACKUP.", once=True, syntax=_COMMAND),
    _group("notify_fault", "command", "Run on becoming FAULT.", once=True, syntax=_COMMAND),
    _group("notify_stop", "command", "Run when the daemon stops.", once=True, syntax=_COMMAND),
    _group(
        "notify",
        "command",
        "Run on every change, with four arguments added.",
        once=True,
        syntax=_COMMAND,
    ),
    _group("notify_priority_changes", "bool", "Tell the FIFOs about priorities too."),
    _group("smtp_alert", "bool", "Send mail on changes."),
    _group(
        "track_interface", "entries", "Interfaces that must be up.", opens="track", syntax=_WEIGHT
    ),
    _group("track_script", "entries", "Scripts that must succeed.", opens="track", syntax=_WEIGHT),
    _group("track_process", "entries", "Processes that must run.", opens="track", syntax=_WEIGHT),
    _group(
        "track_file",
        "entries",
        "Files whose number changes the priority.",
        opens="track",
        syntax=_WEIGHT,
    ),
    _group("track_bfd", "entries", "BFD: sessions that must be up.", status="skipped"),
    _group(
        "sync_group_tracking_weight",
        "flag",
        "Let the members track with weights.",
        field="tracking_weight",
    ),
    _group(
        "global_tracking",
        "flag",
        "Old name of sync_group_tracking_weight.",
        field="tracking_weight",
        deprecated="sync_group_tracking_weight",
    ),
    _script(
        "script",
        "command",
        "The command; exit status 0 is success.",
        field="command",
        bare="ignored",
        syntax="a program, quoted with its arguments",
    ),
    _script("interval", "decimal", "How often to run it.", low="0", high="4294", default="1"),
    _script(
        "timeout",
        "decimal",
        "After how long it counts as failed.",
        low="0",
        high="4294",
        default="interval",
    ),
    _script(
        "weight",
        "special",
        "What it adds to the priority; 0: failure means FAULT.",
        low="-253",
        high="253",
        default="0",
        syntax="-253..253 [reverse]",
    ),
    _script(
        "rise",
        "int",
        "How many successes make it succeed.",
        low="1",
        high="2147483647",
        default="1",
        resets=True,
    ),
    _script(
        "fall",
        "int",
        "How many failures make it fail.",
        low="1",
        high="2147483647",
        default="1",
        resets=True,
    ),
    _script("user", "special", "Who runs it.", syntax="USER [GROUP]", default="script_user"),
    _script("init_fail", "flag", "Count as failed until it has succeeded."),
    _process(
        "process",
        "special",
        "The program, and optionally its arguments.",
        syntax="PATH [argument ...]",
        once=True,
    ),
    _process(
        "param_match",
        "special",
        "How the arguments are compared.",
        syntax="nothing (all equal), initial or partial",
    ),
    _process("full_command", "flag", "Compare the whole command line, not the short name."),
    _process(
        "weight",
        "special",
        "What it adds to the priority; 0: absence means FAULT.",
        bare="ignored",
        low="-254",
        high="254",
        default="0",
        syntax="-254..254 [reverse]",
        once=True,
    ),
    _process("quorum", "int", "How many must run.", low="1", high="65535", default="1"),
    _process("quorum_max", "int", "How many may run.", low="0", high="65535"),
    _process(
        "delay", "decimal", "fork_delay and terminate_delay in one.", low="0.000001", high="3600"
    ),
    _process(
        "fork_delay", "decimal", "How long it must run to count.", low="0.000001", high="3600"
    ),
    _process(
        "terminate_delay",
        "decimal",
        "How long it must be gone to count.",
        low="0.000001",
        high="3600",
    ),
    _file("file", "word", "The file.", once=True, bare="ignored"),
    _file(
        "weight",
        "special",
        "What the number in the file is multiplied with.",
        bare="ignored",
        low="-254",
        high="254",
        default="1",
        syntax="-254..254 [reverse]",
        once=True,
    ),
    _file("init_file", "special", "Create the file at the start.", syntax="[NUMBER] [overwrite]"),
    _garp(
        "garp_interval",
        "decimal",
        "Pause between two gratuitous ARP frames.",
        low="0",
        high="2147.483647",
    ),
    _garp(
        "gna_interval",
        "decimal",
        "Pause between two neighbour advertisements.",
        low="0",
        high="2147.483647",
    ),
    _garp("interface", "word", "The interface."),
    _garp(
        "interfaces", "list", "Interfaces that share the pace.", syntax="{ names of interfaces }"
    ),
    Keyword(
        "group",
        "list",
        "The instances.",
        block="track_group",
        syntax="{ names of instances }",
        status="done",
    ),
)
