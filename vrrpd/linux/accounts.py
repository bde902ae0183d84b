"""Users, groups, and files as a user sees them: the Host of vrrpd/script_security.py on a
real host.

What a user can reach is decided by the kernel, not by us: the daemon puts his identity on for one
system call (seteuid(2)) and takes it off again.  A daemon that is not root can only look for
itself.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from vrrpd.script_security import FileStatus, Identity


class Accounts:
    """The accounts of a real host."""

    def me(self) -> Identity:
        """Our real uid and gid."""
        return os.getuid(), os.getgid()

    def user(self, name: str) -> Identity | None:
        """An account's uid and primary gid."""
        try:
            entry = pwd.getpwnam(name)
        except (KeyError, ValueError):
            return None
        return entry.pw_uid, entry.pw_gid

    def group(self, name: str) -> int | None:
        """A group's gid."""
        try:
            return grp.getgrnam(name).gr_gid
        except (KeyError, ValueError):
            return None

    def find(self, name: str, identity: Identity) -> str | None:
        """Look through PATH."""
        import shutil  # it brings all that it packs with; most scripts have a path

        with acting_as(identity):
            found = shutil.which(name)
            if found is not None:
                return os.path.abspath(found)
            there = shutil.which(name, mode=os.F_OK)
        if there is not None and os.path.isfile(there):
            raise PermissionError(13, "Permission denied")
        return None

    def resolve(self, path: str, identity: Identity) -> str:
        """Follow symbolic links."""
        with acting_as(identity):
            real = os.path.realpath(path, strict=True)
            os.stat(real)
        return real

    def status(self, path: str) -> FileStatus:
        """stat(2)."""
        found = os.stat(path)
        return FileStatus(found.st_mode, found.st_uid, found.st_gid)


@contextmanager
def acting_as(identity: Identity) -> Iterator[None]:
    """Have the kernel treat us as another user; nothing happens unless we are root."""
    uid, gid = identity
    if os.geteuid() != 0 or identity == (0, os.getegid()):
        yield
        return
    before = os.getegid(), os.getgroups()
    with suppress(PermissionError):  # refused in a user namespace, where it would change nothing
        os.setgroups([gid])
    try:
        with suppress(OSError):  # an identity that this user namespace does not know
            os.setegid(gid)
            os.seteuid(uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(before[0])
        with suppress(PermissionError):
            os.setgroups(before[1])
