"""The corpus that the fuzzer starts from: inputs worth keeping, and the seeds it grew from.

    tests/data/corpus/TARGET/NAME      one input each; NAME is the beginning of its SHA-1
    tests/data/corpus/TARGET/bug-*     an input that once was a finding; never minimised away

`python -m tests.fuzz.corpus FOUND...` takes directories of inputs (of a fuzzing run, say), keeps
those which reach something that no smaller input reaches, and writes the corpus again.  Reached is
measured here, in pure Python, as pairs of lines run one after the other in `vrrpd/`: the result
is the same on every machine.

Seeds are what the repository has anyway: the packets of the captures and of the vectors, the
configurations of the tests and lessons.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import FrameType
from typing import Any

from tests.captures import packets
from tests.fuzz.targets import TARGETS
from tests.interop.corpus import INSTANCES, of_keyword
from tests.support import REPOSITORY
from vrrpd.config import keywords
from vrrpd.packet import ipv4_packet, ipv6_packet

CORPUS = REPOSITORY / "tests" / "data" / "corpus"
CAPTURES = ("01", "02", "03", "04", "05", "06", "07", "15")
VECTORS = REPOSITORY / "tests" / "data" / "vrrp-vectors.json"
REQUESTS = (
    b'{"command": "status"}',
    b'{"command": "why", "name": "VI_1"}',
    b'{"command": "why", "name": 1}',
    b'{"command": "watch"}',
    b'{"command": "reload"}',
    b'{"command": "stats"}',
    b"[]",
    b'"watch"',
    b"{",
)
INSTANCE = "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.168.1.10\n}\n"
TRACKED = {  # a block, what it is tracked with, and what it cannot be without
    "vrrp_script": ("track_script", "script /bin/true"),
    "track_file": ("track_file", "file /tmp/level"),
    "vrrp_track_file": ("track_file", "file /tmp/level"),
    "vrrp_track_process": ("track_process", "process x"),
}
LANGUAGE = (
    "$A=5\nvrrp_instance I {\npriority $A\n" + INSTANCE + "}\n",
    "$A=\\\n" + INSTANCE.replace("\n", "\\\n") + "\nvrrp_instance I {\n$A\n}\n",
    "~SEQ(i,1,3) vrrp_instance I$i {\n}\n",
    "~SEQx(i,10,-1,8) x$i\n~LST({a,b},{1,2},{3,4}) x${a}${b}\n",
    "@host router_id x\n@^host y\n@other z\n",
    "$A=$B\n$B=$A\n$A\n",
    "${_PWD} ${_INSTANCE} ${_HASH} ${_BANG} ${_ENV HOME} ${_NONE}\n",
    "include nothing\nincludem {a,b*}\nincludea x\n",
    "virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n}\n}\nbfd_instance b {\n}\n",
)
CODE = str(REPOSITORY / "vrrpd")

Arc = tuple[str, int, int]


def seeds(target: str) -> Iterator[bytes]:
    """What the repository has anyway, smallest first."""
    found: dict[str, Callable[[], Iterator[bytes]]] = {
        "packet": seed_packets,
        "config": seed_files,
        "request": lambda: iter(REQUESTS),
    }
    yield from sorted(set(found[target]()), key=lambda one: (len(one), one))


def seed_packets() -> Iterator[bytes]:
    """The captures' packets, and the vectors in an IP header of our own."""
    for capture in CAPTURES:
        yield from packets(capture)
    for vector in json.loads(VECTORS.read_text()):
        about = vector.get("decoded") or {}
        with suppress(KeyError, ValueError, TypeError):
            if about["layer"] != "vrrp":
                yield bytes.fromhex(vector["hex"])
            elif about["ip_version"] == 4:
                ends = IPv4Address(about["ip_src"]), IPv4Address(about["ip_dst"])
                yield ipv4_packet(bytes.fromhex(vector["hex"]), *ends, 1)
            else:
                wide = IPv6Address(about["ip_src"]), IPv6Address(about["ip_dst"])
                yield ipv6_packet(bytes.fromhex(vector["hex"]), *wide)


def seed_files() -> Iterator[bytes]:
    """The configurations of the tests and of the lessons, and every keyword in a small file."""
    for folder in ("tests/data/conf", "labs/states"):
        for path in sorted((REPOSITORY / folder).rglob("*.conf")):
            yield path.read_bytes()
    for text in LANGUAGE:
        yield text.encode()
    for words in INSTANCES.values():
        yield f"vrrp_instance I {{\n{words}\n}}\n".encode()
    for word in keywords():
        for _, text in of_keyword(word, small):
            yield text.encode()


def small(block: str, statement: str) -> str:
    """The smallest file in which keywords of `block` have an effect."""
    inside = f"{block} {{\n{statement}\n}}\n"
    named = inside.replace(" {", " x {", 1)
    if block == "":
        return statement + "\n"
    if block == "vrrp_instance":
        return f"vrrp_instance I {{\n{INSTANCE}{statement}\n}}\n"
    if block == "authentication":
        return f"vrrp_instance I {{\n{INSTANCE}{inside}}}\n"
    if block == "vrrp_sync_group":
        instance = f"vrrp_instance I {{\n{INSTANCE}}}\n"
        return f"{instance}vrrp_sync_group G {{\ngroup {{\nI\n}}\n{statement}\n}}\n"
    if block in TRACKED:
        track, needed = TRACKED[block]
        tracker = named.replace("{\n", f"{{\n{needed}\n", 1)
        return f"{tracker}vrrp_instance I {{\n{INSTANCE}{track} {{\nx\n}}\n}}\n"
    return named if block in ("garp_group", "track_group") else inside


def corpus(target: str) -> list[bytes]:
    """The kept inputs in the order of their names."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def mutations(target: str, count: int, seed: int) -> Iterator[bytes]:
    """`count` inputs near those of the corpus; the same ones for the same seed."""
    rng = random.Random(f"{target} {seed}")
    pool = corpus(target)
    for _ in range(count):
        data = bytearray(rng.choice(pool))
        for _ in range(rng.randint(1, 4)):
            mutate(rng, data, pool)
        yield bytes(data)


def mutate(rng: random.Random, data: bytearray, pool: list[bytes]) -> None:
    """One accident: a bit, a byte, a piece lost, doubled, or taken from another packet."""
    kind = rng.randrange(7)
    at = rng.randrange(len(data)) if data else 0
    size = rng.choice((1, 2, 4, 8, 32))
    if kind == 0 and data:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    elif kind == 2:
        del data[at : at + size]
    elif kind == 3:
        data[at:at] = data[at : at + size]
    elif kind == 4:
        other = rng.choice(pool)
        place = rng.randrange(len(other) + 1)
        data[at : at + size] = other[place : place + size]
    elif kind == 5:
        del data[at:]
    else:
        data[at:at] = rng.randbytes(size)


# Keeping what is worth it.


def reached(target: str, data: bytes) -> set[Arc]:
    """The pairs of lines of vrrpd that `data` runs one after the other."""
    arcs: set[Arc] = set()

    def begin(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(CODE):
            return None
        last = 0

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            if event == "line":
                arcs.add((name, last, frame.f_lineno))
                last = frame.f_lineno
            return line

        return line

    before = sys.gettrace()
    sys.settrace(begin)
    try:
        TARGETS[target](data)
    finally:
        sys.settrace(before)
    return arcs


def minimised(target: str, inputs: set[bytes]) -> list[bytes]:
    """Those of `inputs` that reach something that no smaller one does."""
    kept, known = [], set[Arc]()
    TARGETS[target](next(seeds(target)))  # what is done once is done before anything is measured
    for data in sorted(inputs, key=lambda one: (len(one), one)):
        try:
            arcs = reached(target, data)
        except Exception as error:
            print(f"{target}: still a finding: {data[:60]!r}: {error!r}")
            continue
        if not arcs <= known:
            known |= arcs
            kept.append(data)
    print(f"{target}: {len(kept)} of {len(inputs)} inputs kept, {len(known)} arcs")
    return kept


def name(data: bytes) -> str:
    """What an input is called."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]


def main(found: list[str]) -> None:
    """Write the corpus again from itself, the seeds and what was found."""
    for target in TARGETS:
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        inputs = set(seeds(target)) | set(corpus(target))
        for place in found:
            for path in sorted((Path(place) / target).glob("*")):
                inputs.add(path.read_bytes())
        kept = minimised(target, inputs)
        for path in folder.iterdir():
            if not path.name.startswith("bug-"):
                path.unlink()
        for data in kept:
            (folder / name(data)).write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
