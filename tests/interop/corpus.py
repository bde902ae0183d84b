"""Configurations by the thousand, valid and broken, always the same ones.

    for name, text in corpus(): ...        unique texts, in a fixed order

    samples      what the Debian package installs, and the article's files
    keywords     for every keyword of the table: good arguments, the edges of its range and beyond,
                 rubbish, nothing, too much; in the block where it belongs and in wrong ones
    entries      lines of the blocks that have a syntax of their own
    mutations    the article's files and a file with nearly everything, with lines, words, braces,
                 quotes and numbers lost, doubled, swapped and replaced

Nothing is drawn but with the seed below.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.interop.accidents import accidents
from tests.support import REPOSITORY
from vrrpd.config import Keyword, keywords

SEED = 20260813
MUTATIONS = 1200
SAMPLES = ("/usr/share/doc/keepalived/samples", "/etc/keepalived")
# What depends on namespaces of the machine, or ends the process before the file is judged.
LEFT_OUT = {"net_namespace", "net_namespace_ipvs", "namespace_with_ipsets", "instance"}

BASE = """\
global_defs {
    router_id LVS_DEVEL
%(global_defs)s
}
%(root)s
vrrp_script chk {
    script "/usr/bin/true"
%(vrrp_script)s
}
track_file level {
    file /tmp/level
%(track_file)s
}
%(garp_group)s
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 150
%(vrrp_instance)s
    track_script {
        chk
    }
    track_file {
        level
    }
    virtual_ipaddress {
        192.168.1.10
    }
}
vrrp_instance VI_2 {
    interface eth1
    virtual_router_id 52
    virtual_ipaddress {
        192.168.2.10
    }
}
vrrp_sync_group VG_1 {
    group {
        VI_1
        VI_2
    }
    sync_group_tracking_weight
%(vrrp_sync_group)s
}
%(end)s
"""

ADDRESSES = """
192.168.1.20|192.168.1.20/24|192.168.1.20/0|192.168.1.20/33|192.168.1.20/|192.168.1.20/x
192.168.1.256|192.168.1|1.2.3.4.5|01.02.03.04|2001:db8::1|2001:db8::1/129|fe80::1/64|::|:::|x
192.168.1.20 dev eth1|192.168.1.20 dev|192.168.1.20 dev eth1 dev eth0|192.168.1.20 label eth0:1
192.168.1.20 label|192.168.1.20 label abcdefghijklmnopq|192.168.1.20 brd +|192.168.1.20 brd -
192.168.1.20 brd 192.168.1.255|192.168.1.20 brd x|192.168.1.20 brd|192.168.1.20 broadcast +
192.168.1.20 scope link|192.168.1.20 scope global|192.168.1.20 scope x|192.168.1.20 scope 253
192.168.1.20 scope 256|192.168.1.20 peer 10.0.0.1|192.168.1.20 peer 10.0.0.1/24
192.168.1.20 peer x|192.168.1.20 home|192.168.1.20 noprefixroute|192.168.1.20 rubbish
192.168.1.20 192.168.1.21|192.168.1.20 no_track|192.168.1.20 -nodad|192.168.1.20 preferred_lft 5
192.168.1.20 preferred_lft forever|192.168.1.20 preferred_lft x|192.168.1.10|dev eth0 192.168.1.20
192.168.1.20 secondary|default|0.0.0.0|255.255.255.255|224.0.0.1|127.0.0.1|192.168.1.20 dev nope
"""
ROUTES = """
10.0.0.0/8 via 192.168.1.254 dev eth0|10.0.0.0/8 dev eth0|10.0.0.0/8
default via 192.168.1.1 dev eth0
to 10.0.0.0/8 dev eth0|src 192.168.1.1 to 10.0.0.0/8 via 192.168.1.254 dev eth0|blackhole 10.0.0.0/8
unreachable 10.0.0.0/8|prohibit 10.0.0.0/8|throw 10.0.0.0/8|10.0.0.0/33 dev eth0|x dev eth0
10.0.0.0/8 via x dev eth0|10.0.0.0/8 dev|10.0.0.0/8 dev nope|10.0.0.0/8 metric 5 dev eth0
10.0.0.0/8 metric x dev eth0|10.0.0.0/8 metric -1 dev eth0|10.0.0.0/8 table 100 dev eth0
10.0.0.0/8 table main dev eth0|10.0.0.0/8 table x dev eth0|10.0.0.0/8 scope link dev eth0
10.0.0.0/8 scope x dev eth0|10.0.0.0/8 gw 192.168.1.254 dev eth0|10.0.0.0/8 rubbish dev eth0
10.0.0.0/8 via 192.168.1.254 or 192.168.1.253|10.0.0.0/8 mtu 1400 dev eth0|10.0.0.0/8 mtu x dev eth0
10.0.0.0/8 mtu lock 1400 dev eth0|10.0.0.0/8 dev eth0 no_track|10.0.0.0/8 dev eth0 onlink
10.0.0.0/8 nexthop via 192.168.1.1 dev eth0 weight 1 nexthop via 192.168.1.2 dev eth0 weight 2
10.0.0.0/8 nexthop|10.0.0.0/8 nexthop via x|inet 10.0.0.0/8 dev eth0|inet6 2001:db8::/32 dev eth0
inet6 10.0.0.0/8 dev eth0|2001:db8::/32 via fe80::1 dev eth0|2001:db8::/32 via 10.0.0.1 dev eth0
10.0.0.0/8 proto static dev eth0|10.0.0.0/8 protocol 300 dev eth0|10.0.0.0/8 tos 0x10 dev eth0
10.0.0.0/8 tos x dev eth0|10.0.0.0/8 realms 1/2 dev eth0|10.0.0.0/8 pref high dev eth0
10.0.0.0/8 initcwnd 10 dev eth0|10.0.0.0/8 rtt 5ms dev eth0|10.0.0.0/8 rtt x dev eth0
10.0.0.0/8 features ecn dev eth0|10.0.0.0/8 quickack 1 dev eth0|10.0.0.0/8 congctl cubic dev eth0
"""
RULES = """
from 10.0.0.0/8 table 100 preference 5|to 10.0.0.0/8 table 100 preference 5
from 10.0.0.0/8 table 100
from x table 100 preference 5|from 10.0.0.0/33 table 100 preference 5|table 100 preference 5
from 10.0.0.0/8 preference 5|from 10.0.0.0/8 table x preference 5
from 10.0.0.0/8 lookup main pref 5
from 10.0.0.0/8 lookup main preference 5|not from 10.0.0.0/8 table 100 preference 5
from 10.0.0.0/8 table 100 preference x|from 10.0.0.0/8 table 100 preference -1
from 10.0.0.0/8 fwmark 1 table 100 preference 5|from 10.0.0.0/8 fwmark x table 100 preference 5
from 10.0.0.0/8 fwmark 0x1/0xff table 100 preference 5|iif eth0 table 100 preference 5
oif nope table 100 preference 5|from 10.0.0.0/8 tos 0x10 table 100 preference 5
from 10.0.0.0/8 goto 100 preference 5|from 10.0.0.0/8 nop preference 5
from 10.0.0.0/8 prohibit preference 5|from 10.0.0.0/8 blackhole preference 5
from 10.0.0.0/8 rubbish preference 5|from all table 100 preference 5
inet6 from all table 100 preference 5
from 10.0.0.0/8 suppress_prefixlength 0 table 100 preference 5
from 10.0.0.0/8 no_track table 100 preference 5
uidrange 1-5 table 100 preference 5|ipproto tcp table 100 preference 5
sport 5 table 100 preference 5
sport 5-3 table 100 preference 5|dport x table 100 preference 5
from 10.0.0.0/8 realms x table 100 preference 5
from 2001:db8::/32 to 10.0.0.0/8 table 100 preference 5|l3mdev protocol 5 preference 5
"""
TRACKED = """
%s|%s weight 10|%s weight -10|%s weight 253|%s weight 254|%s weight 255|%s weight -253
%s weight -254
%s weight -255|%s weight x|%s weight|%s weight 5x|%s weight 5 reverse|%s reverse
%s weight 5 noreverse
%s rubbish|nope|nope weight 5|%s %s|%s weight 0|%s weight 5 weight 6
"""
PEERS = """
192.168.1.12|192.168.1.12 min_ttl 254|192.168.1.12 min_ttl 254 max_ttl 255|192.168.1.12 min_ttl 256
192.168.1.12 min_ttl x|192.168.1.12 min_ttl|192.168.1.12 max_ttl 0|x|2001:db8::1|192.168.1.12/24
192.168.1.12 min_ttl 5 max_ttl 3|192.168.1.12 rubbish|192.168.1.12 192.168.1.13|224.0.0.1
192.168.1.11
"""
ENTRIES = {
    "virtual_ipaddress": ADDRESSES,
    "virtual_ipaddress_excluded": ADDRESSES,
    "static_ipaddress": ADDRESSES,
    "virtual_routes": ROUTES,
    "static_routes": ROUTES,
    "virtual_rules": RULES,
    "static_rules": RULES,
    "track_interface": TRACKED.replace("%s", "eth2"),
    "track_script": TRACKED.replace("%s", "chk"),
    "track_file": TRACKED.replace("%s", "level"),
    "unicast_peer": PEERS,
    "linkbeat_interfaces": "eth0|eth0 MII|eth0 ETHTOOL|eth0 IOCTL|eth0 mii|eth0 x|nope",
    "interface_up_down_delays": "eth0 1|eth0 1 2|eth0 0.5 0.25|eth0 x|eth0 300|eth0 -1|eth0|"
    "eth0 1 x",
    "notification_email": "a@example.org|a|a@b c@d|",
    "group": "VI_1|VI_2|nope|VI_1 VI_2|VI_1 nope|",
    "interfaces": "eth0|eth1|nope|eth0 eth1|",
}
NUMBERS = ["x", "5x", "-1", "1.5", '""', "+5", "007", "1e3", "0x10", "99999999999", '" 5"', "5 6",
           "0"]  # fmt: skip
DECIMALS = ["0.5", ".5", "1.", "1.1234567", "x", "-1", "1,5", "0x10", "5s", '""', "1 2", "0", "1e3"]
BOOLS = ["", "on", "off", "true", "false", "yes", "no", "On", "TRUE", "1", "0", "maybe", "yes no"]
WORDS = ["abc", '"a b"', "a b", "abcdefghijklmnopqrstuvwxyz", "1", "eth0", "eth1", '"', "a#b"]
COMMANDS = ['"/usr/bin/true"', "/usr/bin/true", '"/usr/bin/true a b"', "/usr/bin/true root",
            "true", '"/usr/bin/true', '"/usr/bin/echo \'a b\' c"', "/usr/bin/true a b c", '""',
            "/usr/bin/true root root", "/bin/true"]  # fmt: skip
IPS = ["192.168.1.11", "2001:db8::1", "1.2.3", "1.2.3.4/24", "x", "224.0.0.19", "ff02::12", "::1",
       "192.168.1.11 192.168.1.12", '""', "256.1.1.1"]  # fmt: skip
SPECIAL = {
    "state": "MASTER|BACKUP|FAULT|master|Master|x||MASTER BACKUP",
    "auth_type": "PASS|AH|HMAC|pass|NONE|",
    "use_vmac": "|vrrp.51|abcdefghijklmnopq|02:00:00:00:00:01|vmac0 02:00:00:00:00:01|vmac0 x|"
    "02:00:00:00:01|01:00:5e:00:00:01|00:00:5e:00:01:33|02:00:00:00:00:gg|"
    "vmac0 02:00:00:00:00:01 y",
    "use_ipvlan": "|ipv0|ipv0 192.168.1.77/24|192.168.1.77|bridge|x y z|ipv0 bridge",
    "garp_extra_if": "60|all 60|0|86400|86401|x|all|all x|",
    "vmac_garp_intvl": "60|all 60|0|x|",
    "vrrp_garp_extra_if": "60|all 60|0|86400|86401|x|all|all x|",
    "weight": "5|-5|253|254|255|-253|-254|-255|0|x|5 reverse|5 x||5x",
    "init_file": "|5|x|5 overwrite|overwrite|5 x",
    "process": '/usr/sbin/x|/usr/sbin/x -a|"/usr/sbin/x" a b||x',
    "param_match": "|initial|partial|x|exact",
    "smtp_server": "192.0.2.1|192.0.2.1 25|localhost|192.0.2.1 x|192.0.2.1 70000|x.invalid||::1 25",
    "umask": "0177|022|IRUSR|IRUSR\\|IWUSR|x|999|0888|IRUSR|IWUSR",
    "vrrp_rx_bufs_policy": "MTU|ADVERT|5000|x|MTU ADVERT||-1|0",
    "script_user": "root|root root|nosuchuser|root nosuchgroup||0|nosuchuser nosuchgroup",
    "user": "root|root root|nosuchuser|root nosuchgroup|",
    "dynamic_interfaces": "|allow_if_changes|x",
    "include_check": "|read|+read|-match|x|read match",
    "lvs_sync_daemon_interface": "eth0|nope|",
    "notify_deleted": "|/usr/bin/true|nope",
    "old_unicast_checksum": "|never|x",
    "nftables": "|keepalived|abc def",
    "vrrp_cpu_affinity": "0|0 1|x|9999|",
    "vrrp_priority": "-20|19|-21|20|x|0",
    "reload_file": "|/tmp/x|x",
    "reload_check_config": "|/tmp/x|x",
}  # fmt: skip


def corpus() -> Iterator[tuple[str, str]]:
    """(name, text) of every configuration, each text once."""
    seen = set()
    for name, text in generate():
        if text not in seen and not kills_keepalived(text):
            seen.add(text)
            yield name, text


def kills_keepalived(text: str) -> bool:
    """Whether a `track_file { }` names what is no track_file: keepalived 2.2.7 crashes or hangs.

    A good guess is enough; who runs keepalived has to reckon with a crash anyway.
    """
    for inside in re.findall(r"^\s*track_file\s*(?:\{|\n|$)([^}]*)", text, re.MULTILINE):
        named = [line.split()[0] for line in inside.splitlines() if line.split()]
        if any(word not in ("level", "{") for word in named):
            return True
    return False


def generate() -> Iterator[tuple[str, str]]:
    """All of it, in a fixed order."""
    yield from samples()
    yield "base", base()
    yield from instances()
    for word in keywords():
        if word.name not in LEFT_OUT and word.status != "skipped":
            yield from of_keyword(word)
    yield from misplaced()
    yield from accidents()
    yield from mutations()


def samples() -> Iterator[tuple[str, str]]:
    """What the package installs, without includes of files that are not there."""
    for directory in SAMPLES:
        for path in sorted(Path(directory).glob("*conf*")):
            if path.is_file() and path.suffix != ".gz":
                yield f"sample {path.name}", path.read_text(errors="replace")
    for path in sorted((REPOSITORY / "tests/data/conf").glob("article-*.conf")):
        yield f"sample {path.name}", path.read_text()


def base(**where: str) -> str:
    """The base with statements in some of its blocks; `root` and `end` are outside of any."""
    blocks = dict.fromkeys(re.findall(r"%\((\w+)\)s", BASE), "")
    return BASE % {**blocks, **where}


def placed(block: str, statement: str) -> str:
    """The base with a statement where keywords of `block` stand."""
    statement = "\n".join("    " + line for line in statement.splitlines())
    if block == "garp_group":
        statement = f"garp_group {{\n    interface eth2\n{statement}\n}}"
    elif block == "authentication":
        return base(vrrp_instance=f"    authentication {{\n{statement}\n    }}")
    elif block == "vrrp_track_process":
        return base(root=f"vrrp_track_process p {{\n    process /usr/sbin/x\n{statement}\n}}")
    elif block == "track_group":
        return base(root=f"track_group tg {{\n{statement}\n}}")
    return base(**{block or "root": statement})


def arguments(word: Keyword) -> list[str]:
    """What may be written after a keyword, rightly or wrongly."""
    if word.name in SPECIAL:
        return SPECIAL[word.name].split("|")
    if word.kind in ("int", "seconds", "decimal"):
        edges = []
        for edge, beyond in ((word.low, -1), (word.high, 1)):
            if edge:
                edges += [edge, str(int(float(edge)) + beyond)]
        return ["", *edges, *(DECIMALS if word.kind == "decimal" else NUMBERS)]
    return {
        "flag": ["", "yes", "off", "rubbish"],
        "bool": BOOLS,
        "word": ["", *WORDS],
        "words": ["", *WORDS],
        "optional": ["", *WORDS],
        "ip": ["", *IPS],
        "choice": ["", *word.choices, "x", "0"],
        "command": ["", *COMMANDS],
        "special": ["", "x", "1", "yes", "eth0", "/tmp/x", "0.5", "a b"],
    }.get(word.kind, [])


def of_keyword(
    word: Keyword, placed: Callable[[str, str], str] = placed
) -> Iterator[tuple[str, str]]:
    """Every way of writing one keyword; `placed` makes a file of its block and the statement."""
    where = f"{word.block or 'root'}/{word.name}"
    if word.kind in ("list", "entries", "block"):
        lines = ENTRIES.get(word.name, "x|")
        for line in lines.replace("\n", "|").strip("|").split("|"):
            statement = f"{word.name} {{\n    {line}\n}}"
            yield f"{where} {{ {line} }}", placed(word.block, statement)
        for shape in ("%s", "%s {\n}", "%s\n{\n}", "%s x {\n}", "%s {", "%s }", "%s { x }"):
            yield f"{where} as {shape!r}", placed(word.block, shape % word.name)
        return
    for argument in arguments(word):
        statement = f"{word.name} {argument}".rstrip()
        yield f"{where} {argument}", placed(word.block, statement)
    first = next((one for one in arguments(word) if one), "")
    statement = f"{word.name} {first}".rstrip()
    yield f"{where} twice", placed(word.block, f"{statement}\n{statement}")
    yield f"{where} upper", placed(word.block, statement.replace(word.name, word.name.upper()))
    yield f"{where} opened", placed(word.block, f"{statement} {{\n}}")


def misplaced() -> Iterator[tuple[str, str]]:
    """Keywords in blocks where they do not belong."""
    blocks = ("", "global_defs", "vrrp_instance", "vrrp_script", "track_file", "vrrp_sync_group")
    known = {block: {word.name for word in keywords() if word.block == block} for block in blocks}
    for i, word in enumerate(keywords()):
        block = blocks[i % len(blocks)]
        if word.name not in known[block] and word.kind in ("flag", "bool", "int", "word"):
            yield f"{word.name} in {block or 'root'}", placed(block, f"{word.name} 1")


INSTANCES = {
    "no interface": "virtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}",
    "no vrid": "interface eth2\nvirtual_ipaddress {\n10.0.0.1\n}",
    "no addresses": "interface eth2\nvirtual_router_id 1",
    "v3 no addresses": "interface eth2\nvirtual_router_id 1\nversion 3",
    "same vrid": "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.1\n}",
    "v2 ipv6": "interface eth2\nvirtual_router_id 1\nversion 2\nvirtual_ipaddress {\nfe80::1:1\n}",
    "v3 pass": "interface eth2\nvirtual_router_id 1\nversion 3\nauthentication {\nauth_type PASS\n"
    "auth_pass x\n}\nvirtual_ipaddress {\n10.0.0.1\n}",
    "long password": "interface eth2\nvirtual_router_id 1\nauthentication {\nauth_type PASS\n"
    "auth_pass 123456789\n}\nvirtual_ipaddress {\n10.0.0.1\n}",
    "no password": "interface eth2\nvirtual_router_id 1\nauthentication {\nauth_type PASS\n}\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "mixed families": "interface eth2\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n"
    "fe80::1:1\n}",
    "no link-local": "interface eth2\nvirtual_router_id 1\nvirtual_ipaddress {\n2001:db8::1\n}",
    "nopreempt master": "state MASTER\nnopreempt\ninterface eth2\nvirtual_router_id 1\n"
    "priority 5\nvirtual_ipaddress {\n10.0.0.1\n}",
    "preempt_delay master": "state MASTER\npreempt_delay 5\ninterface eth2\nvirtual_router_id 1\n"
    "priority 5\nvirtual_ipaddress {\n10.0.0.1\n}",
    "strict": "strict_mode\ninterface eth2\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}",
    "strict no addresses": "strict_mode\ninterface eth2\nvirtual_router_id 1",
    "strict preempt_delay": "strict_mode\npreempt_delay 5\ninterface eth2\nvirtual_router_id 1\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "unicast no source": "virtual_router_id 1\nunicast_peer {\n10.0.0.2\n}\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "unicast": "virtual_router_id 1\nunicast_src_ip 192.168.1.11\nunicast_peer {\n10.0.0.2\n}\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "unicast_ttl alone": "interface eth2\nvirtual_router_id 1\nunicast_ttl 5\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "v2 half a second": "interface eth2\nvirtual_router_id 1\nadvert_int 0.5\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "v3 millisecond": "interface eth2\nvirtual_router_id 1\nversion 3\nadvert_int 0.015\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "v3 41 s": "interface eth2\nvirtual_router_id 1\nversion 3\nadvert_int 41\n"
    "virtual_ipaddress {\n10.0.0.1\n}",
    "loopback": "interface lo\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}",
    "256 addresses": "interface eth2\nvirtual_router_id 1\nvirtual_ipaddress {\n"
    + "".join(f"10.0.{i // 200}.{i % 200}\n" for i in range(256)) + "}",
    "dual": "interface eth2\nvirtual_router_id 51\nvirtual_ipaddress {\nfe80::1:1\n}",
}  # fmt: skip


def instances() -> Iterator[tuple[str, str]]:
    """What is only seen to be wrong when the whole instance has been read."""
    for name, words in INSTANCES.items():
        yield f"instance {name}", base(end=f"vrrp_instance VI_3 {{\n{words}\n}}")
    yield "instance again", base(end="vrrp_instance VI_1 {\ninterface eth2\n}")
    yield "instance nameless", base(end="vrrp_instance {\ninterface eth2\n}")
    yield "group again", base(end="vrrp_sync_group VG_2 {\ngroup {\nVI_1\n}\n}")
    yield "group empty", base(end="vrrp_sync_group VG_2 {\n}")
    yield "script unused", base(end='vrrp_script c2 {\nscript "/usr/bin/true"\n}')
    yield "script again", base(end='vrrp_script chk {\nscript "/usr/bin/true"\n}')
    yield "empty file", ""
    yield "only comments", "# nothing\n! nothing\n"


def mutations() -> Iterator[tuple[str, str]]:
    """Accidents that happen to files."""
    rng = random.Random(SEED)
    directory = REPOSITORY / "tests/data/conf"
    originals = [(directory / f"article-{who}.conf").read_text() for who in ("master", "backup")]
    originals.append(base(vrrp_instance="    state BACKUP\n    advert_int 1\n    nopreempt"))
    words = [word.name for word in keywords() if word.name not in LEFT_OUT]
    for number in range(MUTATIONS):
        text = rng.choice(originals)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            text = mutate(rng, text, words)
        yield f"mutation {number}", text


def mutate(rng: random.Random, text: str, words: list[str]) -> str:
    """One accident."""
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    kind = rng.randrange(12)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        lines.insert(at, rng.choice(["{", "}", "}}", "{}", '"', "'", "#", "!", "@x y", "x"]))
    elif kind == 4:
        lines.insert(at, f"{rng.choice(words)} {rng.choice(['', '1', 'x', 'eth0', '{'])}".rstrip())
    elif kind == 5:
        lines[at] = lines[at].replace("{", "").replace("}", "")
    elif kind == 6:
        lines[at] = re.sub(r"\d+", lambda _: rng.choice(["0", "256", "-1", "1.5", "x"]), lines[at])
    elif kind == 7:
        split = lines[at].split()
        lines[at] = " ".join(split[:-1])
    elif kind == 8:
        lines[at] += rng.choice([" x", " 5", " {", " }", " #", ' "', "#x"])
    elif kind == 9:
        lines[at] = lines[at].upper() if rng.random() < 0.5 else lines[at].title()
    elif kind == 10:
        place = rng.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:place] + rng.choice("x5 {}\"'#!.-") + lines[at][place:]
    else:
        lines = lines[: at + 1]
    return "\n".join(lines or [""]) + "\n"
