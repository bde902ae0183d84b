"""Where `keepalived -t` and `vrrpd -t` do not agree about a file, class by class, with reasons.

    python -m tests.interop.disagreements        writes the section of docs/deviations.md again

What a verdict is.  keepalived's exit status cannot be it: it exits with 5 for a mere remark
(a rule without preference) and with 6 for scripts without `enable_script_security`.  So its
messages are read, those of every version in `versions.py`:

    REMARKS         what is written is in force, or as near as it can be: the file is valid
    anything else   something of what is written is not in force: the file is invalid

vrrpd says the same by severity: a file is invalid if there is an error, or something fatal.

A disagreement is explained if each message of the one who calls the file invalid is one of a class
here; otherwise the test fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support import REPOSITORY
from vrrpd.config import keywords

PAGE = REPOSITORY / "docs/deviations.md"
BEGIN = "<!-- verdicts: made by python -m tests.interop.disagreements -->"
END = "<!-- end of verdicts -->"

# What keepalived says about a file in which everything counts.
REMARKS = re.compile(
    "|".join(
        (
            r"SECURITY VIOLATION",
            r"[Dd]eprecated",
            r"[Pp]lease use",
            r"cannot track route",
            r"probably (not|isn't) what",
            r"^Warning",
            r"at least one is sensible",
            r"clearing$",
            r"State MASTER must match",
            r"resetting",
            r"[Rr]ounding",
            r"[Tt]runcating",
            r"not supported, using nft",
            r"[Ss]etting (it )?to",
            r"decimal places",
            r"has extra parameters|ignoring extra entries",
            r"all packets will be discarded",
            r"excess moved to eVIPs",
        )
    )
)


@dataclass(frozen=True)
class Disagreement:
    """A class of messages of the one who calls a file invalid while the other one does not."""

    name: str
    pattern: str
    keepalived: str
    vrrpd: str
    why: str
    files: tuple[str, ...] = ()  # with these names only; beginnings
    written: str = ""  # a pattern: in files only where it is found

    def explains(self, name: str, message: str, text: str = "") -> bool:
        """Whether this is the reason for a message about the configuration called `name`."""
        if self.files and not name.startswith(self.files):
            return False
        if self.written and not re.search(self.written, text, re.M):
            return False
        return re.search(self.pattern, message) is not None


@dataclass(frozen=True)
class Difference:
    """A class of differences in what the daemons do with the same file.

    `said` is a pattern of what one of them logs or complains of, `line` one of the difference.
    """

    name: str
    said: str
    line: str
    keepalived: str
    vrrpd: str
    why: str

    def explains(self, said: str, line: str) -> bool:
        """Whether this is the reason for a line of `apart()`, with these logs and complaints."""
        return bool(re.search(self.said, said, re.M) and re.search(self.line, line))


_LATER = "|".join(sorted({re.escape(word.name) for word in keywords() if word.newer_than("2.2.7")}))

# keepalived says invalid, vrrpd does not.
KEEPALIVED_ONLY = (
    Disagreement(
        "later keywords", rf"Unknown keyword '({_LATER}|vrrp_ipsets|\{{|\}})'|Unexpected '\{{'"
        r"|Extra '\}' found",
        "unknown", "done, or understood",
        "they come from later versions, or (vrrp_ipsets) from another build than Debian's",
    ),
    Disagreement(
        "interfaces", r"[Ii]nterface .*doesn't exist|unknown interface|Unknown interface!"
        r"|Non-existent interface|virtual router id must be set",
        "must exist", "may come later: FAULT until then",
        "a file is right or wrong whatever machine it is checked on, a pipeline's included",
    ),
    Disagreement(
        "users", r"default user|script uid/gid|Unable to set uid/gid|track script \S+ not found"
        r"|Disabling track script",
        "must exist, with the groups", "looked up when the script is to run, and the log says so",
        "as above",
    ),
    Disagreement(
        "LVS and BFD", r"persistence_timeout invalid|number '\d+' outside range \[1, 2678400\]"
        r"|Virtual server|[Rr]eal server|PARSER : unknown|BFD instance|lvs_sync_daemon"
        r"|Unknown keyword '(nat_mask|nb_get_retry|connect_timeout=10|weight)'",
        "checked", "skipped whole, with a line each", "out of scope",
    ),
    Disagreement(
        "an instance's own interface among those that it tracks",
        r"Ignoring track_interface \S+ since own interface"
        r"|track_interface \S+ is configured on VRRP instance and sync group",
        "ignored, an error", "ignored, with a line in the log at the start",
        "it is tracked anyway",
    ),
    Disagreement(
        "use_vmac with unicast", r"unicast with use_vmac requires vmac_xmit_base - setting",
        "vmac_xmit_base is set, with a message", "the same, in silence",
        "what is written is in force",
    ),
    Disagreement(
        "a switch that has no effect beside use_vmac",
        r"promote_secondaries is automatically set for vmacs",
        "an error", "no effect", "it is so anyway",
    ),
    Disagreement(
        "names of virtual interfaces",
        r"is already using \S+ - ignoring name|already exists and is not a private macvlan",
        "another name is taken, an error", "another name is taken when the interface is made",
        "a file is right or wrong whatever machine it is checked on",
    ),
    Disagreement(
        "the scope of an IPv6 address", r"Cannot specify scope for IPv6 addresses",
        "an error", "no effect", "the kernel has none for them",
    ),
    Disagreement(
        r"a backslash before `#` in the name of a block", r"",
        "cuts the line there and loses the block", "the name has a `#`",
        "2.2.7 reads a copy without the backslash, and cuts it again",
        written=r"^\s*\w+ [^#\n]*\\#.*\{",
    ),
    Disagreement(
        "comments that end with a backslash", r"Unknown keyword '\\'",
        "the backslash is a word of its own", "part of the comment", "a comment is no statement",
    ),
    Disagreement(
        "nftables after vrrp_iptables", r"nftables already specified",
        "vrrp_iptables counts as nftables, and nftables is ignored", "nftables counts",
        "who names a table wants it",
    ),
    Disagreement(
        "a second interface of a garp_group", r"garp_group already specified for",
        "an error", "counts once", "nothing is lost",
    ),
    Disagreement(
        "peer addresses with a prefix length",
        r"address prefix when specifying peer|VRRP parsed invalid IP \S+/\d+\. skipping IP",
        "refused, with their address", "understood as ip(8) means them",
        "keepalived's manual page says that the syntax is that of ip(8)",
    ),
    Disagreement(
        "patterns that match no file", r"Config files missing '[^']*[*?\[]",
        "an error", "a warning", "an empty directory of snippets is nothing unusual",
    ),
    Disagreement(
        "scripts reached by a symbolic link", r"Disabling (track|notify) script \S+ due to insecure"
        r"|Wrong file type",
        "2.3.3 does not run a script below a directory that is a symbolic link, as /bin is",
        "run", "a mistake: 2.2.7 runs it, and no setting asked for it",
    ),
    Disagreement(
        "track groups without members", r"Static track group \S+ has no members",
        "2.3.3 removes them, an error", "no effect", "nothing else is affected",
    ),
    Disagreement(
        "owner_ignore_adverts of a router that is not the owner",
        r"ignoring owner_ignore_adverts since priority is not 255",
        "2.3.3: an error", "no effect", "it means nothing at another priority",
    ),
    Disagreement(
        "further words behind a path or a name",
        r"_(dump_file|etc_dir|usr_dir) requires|VMAC interface name already specified"
        r"|timer_expired_backup highest_other_priority not valid"
        r"|invalid number '(off|false|no|yes)'",
        "2.3.3 refuses the line", "the first word counts, with a warning; "
        "of `timer_expired_backup` the first number", "what is written first is in force",
        ("global_defs/", "vrrp_instance/use_vmac", "vrrp_instance/timer_expired_backup"),
    ),
    Disagreement(
        "programs", r"Invalid (startup|shutdown) script|[Cc]annot (access|find)", "must exist",
        "looked up when they are to run", "as above",
    ),
    Disagreement(
        "mail servers and directories", r"Invalid smtp server|^cp: ", "looked up, copied into",
        "looked up when there is mail to send",
        "a name server that does not answer says nothing about the file",
    ),
    Disagreement(
        "weights in sync groups and of IP address owners", r"ignoring (weight from )?tracked",
        "an error for each", "an error where the file has the weight, not for the default weight "
        "1 of a track_file",
        "the file does not have what the error would be about",
    ),
    Disagreement(
        "prefix too long for broadcast", r"too long for broadcast",
        "`brd +` with /31 or /32: no broadcast address is set, an error", "the same, in silence",
        "there is nothing that could go wrong",
    ),
    Disagreement(
        "VRF beside interface", r"VRF interface", "an error", "`vrf` is not done, and says so",
        "one message is enough",
    ),
    Disagreement(
        "vmac_xmit_base without vmac", r"vmac_xmit_base is only valid with a vmac", "an error",
        "no effect", "without a virtual MAC the base is what transmits anyway",
    ),
    Disagreement(
        "ipvlan", r"ipvlan|IPVLAN", "needs a source address, one name", "not done, and says so",
        "one message is enough",
    ),
    Disagreement(
        "routes and rules as ip(8) writes them",
        r"Route must have a destination|parsed invalid IP proto|unknown route keyword proto"
        r"|Unknown rule option all|invalid sport range|pref is only valid|Invalid peer address"
        r"|parsed invalid IP 10\.0\.0\.1/24",
        "`inet` before a route, `proto`, `from all`, `sport 5`, `pref` for IPv4 and a peer with a "
        "prefix length are refused",
        "understood as ip(8) means them",
        "keepalived's manual page says that the syntax is that of ip(8)",
    ),
    Disagreement(
        "parts of a second for scripts",
        r"invalid number '\d*\.\d*'|vrrp script (interval|timeout)",
        "refused before 2.3.2", "taken, to the millisecond", "as later versions",
        written=r"^\s*(interval|timeout)\s+\d*\.",
    ),
    Disagreement(
        "processors", r"cpu_id|invalid number 'eth0'|number '\d+' outside range",
        "must be numbers of processors that the machine has",
        "not done for other processes than this one; what a machine lacks is said at the start",
        "there are none; a file is right or wrong whatever machine it is checked on",
        written=r"_cpu_affinity",
    ),
    Disagreement(
        "rubbish in what has no effect here",
        r"vrrp_rx_bufs|include_check|snmp_socket|reload_time_file|kernel_rx_buf_size",
        "refused", "taken, with a warning about further words",
        "settings of keepalived's own machinery; nothing here depends on them",
    ),
)  # fmt: skip

# vrrpd says invalid, keepalived does not.
VRRPD_ONLY = (
    Disagreement(
        "scripts that cannot run",
        r"^Script \S+ cannot be accessed|Disabling track script|is not executable for"
        r"|^Script (user|group) |Invalid user/group|Cannot find script|Wrong file type",
        "dropped, with a line that does not always come",
        "an error; a vrrp_script counts as failed",
        "what the file asks for will not be done",
    ),
    Disagreement(
        "track_bfd", r"track_bfd belongs to BFD",
        "until the session is up, the instance is in FAULT, or its weight counts as for a failed "
        "check; a session that is not defined is an error, and ignored",
        "an error: the instance runs without the check",
        "what the file asks for will not be done; with FAULT, no router with this line could hold "
        "the address",
    ),
    Disagreement(
        "one VRID twice, told apart by peers that are not there",
        r"virtual_router_id \d+ is used by",
        "2.2.7 makes both multicast", "the second is refused",
        "two instances that advertise the same VRID to the same group are no redundancy",
    ),
    Disagreement(
        "definitions without a value", r"is not defined; left as it is",
        "left as they are, in silence", "the same, and an error", "a misspelt name is no value",
    ),
    Disagreement(
        "parts of routes that are not done",
        r"'(ttl-propagate|encap|as|nat)' is not done by this version; route ignored",
        "done", "the route is refused by name", "not done (not-done.md)",
    ),
    Disagreement(
        "unicast without interface", r"needs an interface",
        "2.2.7 refuses it; 2.3 runs an instance with unicast_src_ip and without interface",
        "refused", "not done: an advertisement leaves by the interface that the file names",
    ),
    Disagreement(
        "empty and cut numbers",
        r"is not a number|more than six decimal places|prefix length '' is not"
        r"|garp_group without an interval",
        'an empty number ("") is 0, 1.1234567 is cut with a remark', "an error",
        "what is written is not what is in force",
    ),
    Disagreement(
        "switches", r"is not a switch", "`On`, `TRUE`, `1` pass for some keywords: they count as "
        "on, or as nothing", "an error",
        "the manual page says on, off, true, false, yes, no",
    ),
    Disagreement(
        "no program", r"no program|needs an argument", "an empty command is none", "an error",
        "the line asks for something to be run",
    ),
    Disagreement(
        "values cut to what fits",
        r"is out of range|must be at least 1|goes up to|counts whole seconds|needs version 3",
        "another value is used, with a remark or without", "the same value, and an error",
        "what is written is not what is in force",
    ),
    Disagreement(
        "timer_expired_backup without nopreempt", r"timer_expired_backup requires nopreempt",
        "reset, with a remark (2.3.3)", "ignored, and an error", "what is written is not in force",
    ),
    Disagreement(
        "repetitions", r"has been given in line|is defined already|no delay given",
        "the first counts, in silence", "the first counts, and an error",
        "one of the two lines has no effect",
    ),
    Disagreement(
        "addresses and peers twice", r"again \(first in line|the same peer again",
        "2.2.7 takes and advertises them twice", "the first counts, and an error", "as 2.3.3",
    ),
    Disagreement(
        "braces", r"is never closed|no '\{' after|unexpected '\{'|nothing is left|not known here"
        r"|unknown keyword",
        "a block of lines without its brace swallows the next block, in silence", "an error",
        "it ends with a virtual router that tracks what nobody named",
    ),
    Disagreement(
        "words in routes that mean nothing", r"unknown word '[^']*' in a route",
        "a second destination, for example, counts instead of the first", "the route is refused",
        "`10.0.0.0 255.0.0.0` is no route to 255.0.0.0",
    ),
    Disagreement(
        "groups of static entries", r"there is no vrrp_instance", "an unknown member of a "
        "track_group is nothing to speak of", "an error", "as for sync groups",
    ),
)  # fmt: skip


# What they do with the same file.
LEFT = (
    Difference(
        "checks that cannot run",
        r"counts as failed|\(script \S+ (failed|cannot)|cannot be accessed - [^,]*, first result"
        r"|\(not started: |failed \(there is no user to run ",
        r"", "runs without them", "FAULT, or the weight of a failed check",
        "who asks for a check must not be MASTER without it",
    ),
    Difference(
        "no peer is left", r"no unicast_peer is left", r"",
        "multicasts", "FAULT",
        "an error in the file does not change where advertisements go",
    ),
    Difference(
        "keepalived crashes",
        r"exited due to segmentation fault|died: Respawning|Can't initialize ipvs", r"",
        "crashes and is started again, without an end, or ends (`lvs_sync_daemon` without the "
        "kernel's module, for one)", "runs", "a mistake",
    ),
    Difference(
        "what the kernel refuses", r"^.*cannot (add|create) ", r"",
        "MASTER without it", "FAULT, if an address is refused",
        "it would be a MASTER that does not answer",
    ),
    Difference(
        "packet filter of virtual interfaces",
        r"VMAC interface",
        r"(^|: )filter: ",
        "2.2.7 lets more pass", "the filter of 2.3.3", "as 2.3.3",
    ),
    Difference(
        "interfaces that are not there", r"Non-existent interface specified", r"",
        "ends", "runs, FAULT until they appear",
        "a daemon that starts before its interface is the most frequent report",
    ),
    Difference(
        "files that keepalived will not run", r"exited with permanent error CONFIG", r"",
        "ends", "runs what is good in them", "one bad block must not cost the others their address",
    ),
    Difference(
        "the host's own address", r"is this host's own address", r"",
        "removed at the start, and then FAULT for want of an address", "never removed",
        "the host would be left without an address",
    ),
    Difference(
        "a unicast router's own address", r"sending gratuitous (ARP|NA) for", r" announces ",
        "announced after FAULT, and when the first result of a script lets it start",
        "announced after FAULT", "before it has started nobody needs its MAC address",
    ),
    Difference(
        "BFD", r"belongs to BFD", r"", "done",
        "the block is skipped whole, with a line; track_bfd is an error and has no effect",
        "out of scope",
    ),
    Difference(
        "programs that are reached by a link of another name", r"`pidof`", r"",
        "run under the name of the link's target", "run under their own", "what is written is run",
    ),
    Difference(
        "addresses that are listed twice", r"again \(first in line", r"^(after the stop: )?sent: ",
        "2.2.7 advertises them twice", "once", "as 2.3.3",
    ),
    Difference(
        "an address with two prefix lengths", r"again \(first in line", r"addresses: .*/32 scope",
        "added with both", "added with the first", "one address is meant",
    ),
    Difference(
        "an instance's own interface that its group tracks",
        r"track_interface \S+ is configured on VRRP instance and sync group", r"sent: ",
        "no longer tracked, with an error", "tracked by both, the weight counts",
        "what is written is in force",
    ),
    Difference(
        "addresses with a peer", r"", r"after the stop: addresses: only keepalived: .* peer |"
        r"after the stop: routes: only keepalived: (local )?\S+ dev \S+ .*proto kernel .*src",
        "left behind at the stop", "removed", "a mistake",
    ),
    Difference(
        "unicast over IPv6", r"", r"sent: .* > [0-9a-f:]+ ttl (64|255) v3 ",
        "leaves with the kernel's hop limit 64", "255",
        "RFC 9568 section 5.1.2.3; keepalived's own `min_ttl` wants 255",
    ),
    Difference(
        "unknown blocks", r"Unexpected '\{' - ignoring", r"",
        "its `}` closes the block around it: the rest of that is lost",
        "skipped, and nothing else", "one mistake must not hide what is right",
    ),
    Difference(
        "unicast_ttl without peers", r"Cannot use unicast_ttl without unicast peers", r"sent: ",
        "no advertisement leaves the host", "no effect, and a warning", "a mistake",
    ),
    Difference(
        "routes with an option that is wrong",
        r"Invalid weight \d+ specified for route", r"routes: ",
        "the next hop is dropped, the rest of the route added", "the route is ignored",
        "half a route leads elsewhere than what was written",
    ),
    Difference(
        "routes as ip(8) writes them",
        r"unknown route keyword proto|rtt value \S+ below minimum", r"routes: ",
        "`proto` is refused; `rtt` is at least 200 ms", "as ip(8)",
        "keepalived's manual page says that the syntax is that of ip(8)",
    ),
    Difference(
        "a tracked interface that does not exist, in a sync group, with a weight",
        r"FAULT STATE \(tracked interface \S+ does not exist", r"",
        "with `dynamic_interfaces`, ignored", "FAULT until it appears",
        "the weight is ignored in a sync group, so it counts as any tracked interface",
    ),
)  # fmt: skip


def unexplained(
    name: str, messages: list[str], known: tuple[Disagreement, ...], text: str
) -> list[str]:
    """The messages, about a configuration of this name and text, that no class explains."""
    return [one for one in messages if not any(k.explains(name, one, text) for k in known)]


def section() -> str:
    """The tables for docs/deviations.md."""
    lines = [BEGIN, ""]
    for title, known in (
        ("`keepalived -t` complains, `vrrpd -t` does not", KEEPALIVED_ONLY),
        ("`vrrpd -t` complains, `keepalived -t` does not", VRRPD_ONLY),
    ):
        lines += [
            f"### {title}",
            "",
            "| about | keepalived | vrrpd | why |",
            "| --- | --- | --- | --- |",
        ]
        lines += [f"| {one.name} | {one.keepalived} | {one.vrrpd} | {one.why} |" for one in known]
        lines.append("")
    lines += [
        "### They run the same file differently",
        "",
        "What `compare --run` sees: addresses, routes, rules, packet filters, frames.",
        "",
        "| about | keepalived | vrrpd | why |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {one.name} | {one.keepalived} | {one.vrrpd} | {one.why} |" for one in LEFT]
    return "\n".join([*lines, "", END])


def main() -> None:
    """Put the tables into the page, where they were or at its end."""
    text = PAGE.read_text(encoding="utf-8")
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        text = before + section() + rest.partition(END)[2]
    else:
        text = text.rstrip("\n") + HEAD + section() + "\n"
    PAGE.write_text(text, encoding="utf-8")


HEAD = """

## Configuration

Over 4,000 valid and broken files are given to `keepalived -t` and to `vrrpd -t` by
`tests/interop/test_same_verdict.py`.
`python -m tests.interop.compare FOLDER` does the same with any folder.
A file is invalid if something of what is written in it is not in force; a remark alone is none.
The two agree but for these classes.

"""

if __name__ == "__main__":
    main()
