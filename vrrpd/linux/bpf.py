"""A filter for the time of a flood: the kernel keeps only what has one of our shapes.

Classic BPF, a block of tests for each shape; a test that fails leads to the next block:

    IPv4   x = length of the IP header;   [8] TTL   [x] [x+1] [x+2] [x+4] [x+5]   [end-8] [end-4]
    IPv6   the program begins with the VRRP message (raw(7)): [0] [1] [2]

In quiet times it is not in force, because what the kernel drops is counted under no cause.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from vrrpd.packet import AUTH_BYTES
from vrrpd.packet_signature import PacketSignature

# struct sock_filter, and its instructions (linux/bpf_common.h)
INSTRUCTION = struct.Struct("@HBBI")
LD_BYTE, LD_BYTE_X, LD_WORD_X, LD_LENGTH, LDX_HEADER_LENGTH = 0x30, 0x50, 0x40, 0x80, 0xB1
SUBTRACT, TO_X, JUMP_EQ, JUMP_GE, RETURN = 0x14, 0x07, 0x15, 0x35, 0x06
ALL = 0xFFFF
TTL = 8  # its place in an IPv4 header
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
LD_WORD_AT, LD_HALF_AT, JUMP = 0x20, 0x28, 0x05
NETWORK = 0xFFF00000  # SKF_NET_OFF: counted from the IP header, wherever the program begins
MOST = 4096  # instructions that the kernel takes
WORDS = 120  # a longer message is not compared

_Line = tuple[int, int]  # code and operand


def sieve(shapes: Iterable[PacketSignature], family: int) -> bytes:
    """The program that keeps what has one of `shapes`."""
    blocks = [_block(lines_of(one, family)) for one in shapes]
    return b"".join([*blocks, INSTRUCTION.pack(RETURN, 0, 0, 0)])


def lines_of(shape: PacketSignature, family: int) -> list[_Line]:
    """The loads and tests for one shape."""
    if family == 6:
        lines = [(LD_BYTE, 0), (JUMP_EQ, shape.first), (LD_BYTE, 1), (JUMP_EQ, shape.vrid)]
        return [*lines, (LD_BYTE, 2), *_strong_enough(shape)]
    lines = [(LDX_HEADER_LENGTH, 0)]
    if shape.near:
        lines += [(LD_BYTE, TTL), (JUMP_EQ, 255)]
    lines += [(LD_BYTE_X, 0), (JUMP_EQ, shape.first), (LD_BYTE_X, 1), (JUMP_EQ, shape.vrid)]
    lines += [(LD_BYTE_X, 2), *_strong_enough(shape)]
    for place, value in enumerate(shape.second or (), 4):
        lines += [(LD_BYTE_X, place), (JUMP_EQ, value)]
    if shape.password is not None:
        lines += [(LD_LENGTH, 0), (SUBTRACT, AUTH_BYTES), (TO_X, 0)]
        for at, word in enumerate(struct.unpack("!II", shape.password)):
            lines += [(LD_WORD_X, 4 * at), (JUMP_EQ, word)]
    return lines


def _strong_enough(shape: PacketSignature) -> list[_Line]:
    """The test of a priority: less 1, without a sign, 0 is the highest of all."""
    return [(SUBTRACT, 1), (JUMP_GE, shape.least - 1)]


def attach(one: socket.socket, program: bytes) -> None:
    """Have the kernel run `program` for what arrives at a socket.  Raises OSError."""
    code = ctypes.create_string_buffer(program, len(program))
    request = struct.pack("@HP", len(program) // INSTRUCTION.size, ctypes.addressof(code))
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, request)


def detach(one: socket.socket) -> None:
    """Have everything pass that arrives at a socket, whether there is a program or not."""
    with suppress(OSError):  # ENOENT: there is none
        one.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def exactly(packets: Iterable[bytes], family: int, hit: int, otherwise: int | None = None) -> bytes:
    """The program that yields `hit` for one of these packets, but for identification and checksum.

    For others it goes on to what is appended, or yields `otherwise`.  Packets with the same IP
    header share its tests: a header, then a block for each message.
    """
    headers: dict[tuple[_Line, ...], list[list[_Line]]] = {}
    for packet in packets:
        header, message = _comparison(packet, family)
        headers.setdefault(tuple(header), []).append(message)
    code = b""
    for lines, messages in headers.items():
        blocks = b"".join(_block(message, hit) for message in messages)
        # A test that fails jumps to the second jump, which leads behind the blocks.
        code += _tests(list(lines), skip=1)
        code += INSTRUCTION.pack(JUMP, 0, 0, 1)
        code += INSTRUCTION.pack(JUMP, 0, 0, len(blocks) // INSTRUCTION.size)
        code += blocks
    return code if otherwise is None else code + INSTRUCTION.pack(RETURN, 0, 0, otherwise)


def _comparison(packet: bytes, family: int) -> tuple[list[_Line], list[_Line]]:
    """The loads and tests of an IP header, and those of a VRRP message.

    The length comes first: behind it no load is beyond the end.
    """
    if family == 4:
        start, parts = 20, [(0, 4), (6, 2), (8, 2), (12, 4), (16, 4)]
        header = [line for at, size in parts for line in _compare(packet, at, size, at)]
    else:
        start, parts = 40, [(4, 2), (6, 2), *((at, 4) for at in range(8, 40, 4))]
        header = [line for at, size in parts for line in _compare(packet, at, size, NETWORK + at)]
    shift = 0 if family == 4 else start
    words = range(start, len(packet), 4)
    return header, [line for at in words for line in _compare(packet, at, 4, at - shift)]


def _compare(packet: bytes, at: int, size: int, where: int) -> list[_Line]:
    """A load of 4 or 2 bytes at `where`, and the test that they are those of `packet`."""
    load = LD_WORD_AT if size == 4 else LD_HALF_AT
    return [(load, where), (JUMP_EQ, int.from_bytes(packet[at : at + size], "big"))]


def can_compare(packet: bytes, family: int) -> bool:
    """Whether `exactly()` can have a block for it: no IP options, and not too long."""
    start = 20 if family == 4 else 40
    plain = packet[:1] == b"\x45" if family == 4 else packet[:1] == b"\x60"
    return plain and len(packet) % 4 == 0 and start + 8 <= len(packet) <= start + 4 * WORDS


def _block(lines: list[_Line], hit: int = ALL) -> bytes:
    """The program: a test that fails jumps behind the block, all that succeed yield `hit`."""
    return _tests(lines, skip=1) + INSTRUCTION.pack(RETURN, 0, 0, hit)


def _tests(lines: list[_Line], skip: int) -> bytes:
    """The program: a test that fails jumps to `skip` instructions behind the last one."""
    code = b""
    for at, (operation, operand) in enumerate(lines):
        miss = len(lines) - 1 - at + skip if operation in (JUMP_EQ, JUMP_GE) else 0
        code += INSTRUCTION.pack(operation, 0, miss, operand)
    return code
