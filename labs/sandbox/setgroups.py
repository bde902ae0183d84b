"""setgroups(2) in an ordinary user's namespace: answered with "done", because nothing is to do.

    keepalived ── setgroups() ──> seccomp filter ── 0 ──> goes on and starts the script
                  the kernel would say EPERM there: user_namespaces(7)

An ordinary user's namespace has one user and one group, and no others that a program could give
up; so the kernel refuses the call altogether.  keepalived takes that for a reason to run no script.
On a server, where root may change its groups, it just goes on.  (tcpdump, too, wants to be another
user, whom there is not: `tcpdump -Z root`.)

A filter goes to children only, and a shell that enters the namespace from outside is none:

    python3 setgroups.py bash -i        bash, with the filter

Everything else is let through, and this is only ever installed in a namespace of our own.
Only the standard library is used: see labs/sandbox/namespaces.py.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

# Numbers of the architecture (linux/audit.h) and of setgroups in it (asm/unistd.h).
CALLS = {"x86_64": (0xC000003E, 116), "aarch64": (0xC00000B7, 159)}
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # classic BPF, linux/bpf_common.h
NUMBER, ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
INSTRUCTION = struct.Struct("=HBBI")


def program(architecture: int, number: int) -> bytes:
    """A filter that lets everything through but this one call, which it answers with 0."""
    lines = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 0, 3, architecture),
        (LOAD, 0, 0, NUMBER),
        (JUMP_EQUAL, 0, 1, number),
        (RETURN, 0, 0, SECCOMP_RET_ERRNO | 0),
        (RETURN, 0, 0, SECCOMP_RET_ALLOW),
    ]
    return b"".join(INSTRUCTION.pack(*line) for line in lines)


def answer_for_the_kernel() -> bool:
    """From now on setgroups() succeeds, here and in all children; whether it could be arranged.

    Needs CAP_SYS_ADMIN in this process's user namespace.  Where it cannot be arranged nothing has
    changed, and keepalived runs no scripts.
    """
    if os.uname().machine not in CALLS:
        return False
    code = program(*CALLS[os.uname().machine])
    buffer = ctypes.create_string_buffer(code)
    length = len(code) // INSTRUCTION.size
    request = ctypes.create_string_buffer(struct.pack("@HP", length, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, request, 0, 0) == 0)


if __name__ == "__main__":
    answer_for_the_kernel()
    os.execvp(sys.argv[1], sys.argv[1:])
