"""A filter for the time of a flood: the kernel keeps only what has one of our shapes.

Classic BPF, a block of tests for each shape; a test that fails leads to the next block:

    IPv4   x = length of the IP header;   [8] TTL   [x] [x+1] [x+2] [x+4] [x+5]   [end-8] [end-4]
    IPv6   the program begins with the VRRP message (raw(7)): [0] [1] [2]

In quiet times it is not in force, because what the kernel drops is counted under no cause.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from vrrpd.packet import AUTH_BYTES
from vrrpd.packet_signature import Shape

# struct sock_filter, and its instructions (linux/bpf_common.h)
INSTRUCTION = struct.Struct("@HBBI")
LD_BYTE, LD_BYTE_X, LD_WORD_X, LD_LENGTH, LDX_HEADER_LENGTH = 0x30, 0x50, 0x40, 0x80, 0xB1
SUBTRACT, TO_X, JUMP_EQ, JUMP_GE, RETURN = 0x14, 0x07, 0x15, 0x35, 0x06
ALL = 0xFFFF
TTL = 8  # its place in an IPv4 header

Line = tuple[int, int]  # code and operand


def sieve(shapes: Iterable[Shape], family: int) -> bytes:
    """The program that keeps what has one of `shapes`."""
    blocks = [block(lines_of(one, family)) for one in shapes]
    return b"".join([*blocks, INSTRUCTION.pack(RETURN, 0, 0, 0)])


def lines_of(shape: Shape, family: int) -> list[Line]:
    """The loads and tests for one shape."""
    if family == 6:
        lines = [(LD_BYTE, 0), (JUMP_EQ, shape.first), (LD_BYTE, 1), (JUMP_EQ, shape.vrid)]
        return [*lines, (LD_BYTE, 2), *strong_enough(shape)]
    lines = [(LDX_HEADER_LENGTH, 0)]
    if shape.near:
        lines += [(LD_BYTE, TTL), (JUMP_EQ, 255)]
    lines += [(LD_BYTE_X, 0), (JUMP_EQ, shape.first), (LD_BYTE_X, 1), (JUMP_EQ, shape.vrid)]
    lines += [(LD_BYTE_X, 2), *strong_enough(shape)]
    for place, value in enumerate(shape.second or (), 4):
        lines += [(LD_BYTE_X, place), (JUMP_EQ, value)]
    if shape.password is not None:
        lines += [(LD_LENGTH, 0), (SUBTRACT, AUTH_BYTES), (TO_X, 0)]
        for at, word in enumerate(struct.unpack("!II", shape.password)):
            lines += [(LD_WORD_X, 4 * at), (JUMP_EQ, word)]
    return lines


def strong_enough(shape: Shape) -> list[Line]:
    """The test of a priority: less 1, without a sign, 0 is the highest of all."""
    return [(SUBTRACT, 1), (JUMP_GE, shape.least - 1)]


def block(lines: list[Line]) -> bytes:
    """The program: a test that fails jumps behind the block, all that succeed keep the packet."""
    code = b""
    for at, (operation, operand) in enumerate(lines):
        miss = len(lines) - at if operation in (JUMP_EQ, JUMP_GE) else 0
        code += INSTRUCTION.pack(operation, 0, miss, operand)
    return code + INSTRUCTION.pack(RETURN, 0, 0, ALL)
