"""Files with the mistakes that people make, for `keepalived -t` and `vrrpd -t` (see `corpus.py`).

Each is whole; the instances in them are ordinary but for the accident.
"""

from __future__ import annotations

from collections.abc import Iterator

OWN = "192.168.1.11"  # the address of eth0 where the files are checked


def instance(name: str, vip: str, *lines: str) -> str:
    """An instance of VRID 51 on eth0."""
    words = "\n".join(lines)
    return (
        f"vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id 51\n{words}\n"
        f"virtual_ipaddress {{\n{vip}\n}}\n}}\n"
    )


def whole(*lines: str) -> str:
    """A file with one instance."""
    return instance("A", "10.0.0.1", *lines)


def peers(*addresses: str) -> str:
    """A block of unicast peers."""
    return "unicast_peer {\n" + "\n".join(addresses) + "\n}"


def accidents() -> Iterator[tuple[str, str]]:
    """Name and text of each."""
    for number, text in enumerate(shared_vrid()):
        yield f"accident: vrid shared {number}", text
    for char in "\u00a0\u202f\u3000\u200b\ufeff\u2013\u201c\u2019\uff13\u0430\x0c":
        name = f"accident: U+{ord(char):04X}"
        yield f"{name} for the space", whole().replace("interface eth0", f"interface{char}eth0")
        yield f"{name} at the beginning", char + whole()
        yield f"{name} before a keyword", whole(f"{char}priority 150")
        yield f"{name} behind a value", whole(f"priority 150{char}")
        yield f"{name} behind a brace", whole().replace("{", "{" + char)
        yield f"{name} in a comment", whole(f"priority 150 # {char}")
    for number, text in enumerate(braces()):
        yield f"accident: braces {number}", text
    for number, lines in enumerate(
        ((), (f"unicast_src_ip {OWN}",), (peers("192.168.1.12"),),
         (f"unicast_src_ip {OWN}", peers("192.168.1.12")))
    ):  # fmt: skip
        text = whole(*lines).replace("interface eth0\n", "")
        yield f"accident: no interface {number}", text
    bad = ("10.0.0.2/24", "10.0.0.2-9", "10.0.0.2;", "10.0.0.300", "fe80::1")
    for number, peer in enumerate(bad):
        yield f"accident: peer {number}", whole(peers(peer))
        yield f"accident: peer {number} of two", whole(peers("192.168.1.12", peer))
    yield "accident: CR LF", whole("priority 150").replace("\n", "\r\n")
    yield "accident: CR", whole("priority 150").replace("\n", "\r")


def shared_vrid() -> Iterator[str]:
    """One virtual_router_id twice on one interface."""
    first = instance("A", "10.0.0.1", peers("192.168.1.12"))
    for lines in (
        (peers("192.168.1.13"),),
        (peers("192.168.1.12"),),
        (peers("192.168.1.13", "192.168.1.12"),),
        (),
        (f"unicast_src_ip {OWN}", peers("192.168.1.13")),
    ):
        yield first + instance("B", "10.0.0.2", *lines)
    plain = instance("A", "10.0.0.1")
    for group in ("", "mcast_dst_ip 224.0.0.55", "mcast_dst_ip 224.0.0.18"):
        yield plain + instance("B", "10.0.0.2", group)
    for source in (OWN, "192.168.1.99"):
        yield instance("A", "10.0.0.1", f"unicast_src_ip {OWN}", peers("192.168.1.12")) + instance(
            "B", "10.0.0.2", f"unicast_src_ip {source}", peers("192.168.1.12")
        )


LVS = """virtual_server 192.168.1.100 80 {
lvs_sched rr
lvs_method NAT
protocol TCP
real_server 192.168.1.11 80 {
weight 1
TCP_CHECK {
connect_timeout 3
}
}
}
"""
GROUP = """virtual_server_group G {
192.168.1.100 80
}
"""


def braces() -> Iterator[str]:
    """Each brace of LVS blocks and of virtual routers left out once, and written twice."""
    yield LVS + GROUP + whole()
    for block in (LVS, GROUP):
        places = [at for at, char in enumerate(block) if char in "{}"]
        for at in places:
            yield block[:at] + block[at + 1 :] + whole()
            yield whole() + block[:at] + block[at + 1 :]
            yield block[:at] + block[at] + block[at:] + whole()
    text = whole("track_interface {\neth1\n}", peers("192.168.1.12"))
    for at in [at for at, char in enumerate(text) if char in "{}"]:
        yield text[:at] + text[at + 1 :] + whole().replace("instance A", "instance B")
