"""HostFile: a file of a host, opened as the host itself would find it, and nowhere else.

    host.path("/etc/keepalived/keepalived.conf").read_text()

    on the host    ln -sf /etc/shadow /etc/keepalived/keepalived.conf
    found          /etc/shadow of the host's own files, or nothing; never the machine's

Whatever is root on a host decides what lies there: links to anywhere, pipes without a writer,
devices.  So paths are resolved below the host's own files by openat2(2) with RESOLVE_IN_ROOT, and
only regular files are opened.  Python has no openat2, so ctypes calls it.
The methods are those of pathlib.Path, as far as the lab needs them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from labs.errors import LabError

# The number is that of every architecture; linux/openat2.h; Linux 5.6.
_SYS_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS, _RESOLVE_IN_ROOT = 0x02, 0x10

_libc = ctypes.CDLL(None, use_errno=True)


def open_in_root(root: Path, path: str, flags: int, mode: int = 0) -> int:
    """Open `path` as a process whose root directory is `root` would; a descriptor.

    OSError as of open(2); no symbolic link and no `..` leads out of `root`.
    """
    how = struct.pack("=3Q", flags | os.O_CLOEXEC, mode, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    place = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while True:
            found = _libc.syscall(
                _SYS_OPENAT2, place, os.fsencode(path), how, ctypes.c_size_t(len(how))
            )
            code = ctypes.get_errno()
            if found >= 0:
                return int(found)
            # EAGAIN: something was renamed meanwhile, and the kernel cannot be sure.
            if code not in (errno.EAGAIN, errno.EINTR):
                raise OSError(code, os.strerror(code), path)
    finally:
        os.close(place)


def read_in_root(root: Path, path: str) -> bytes:
    """The content of the regular file at `path` below `root`; OSError if there is none."""
    with _regular(open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK), path, "rb") as file:
        return file.read()


def _regular(descriptor: int, path: str, mode: str) -> BinaryIO:
    """The open file; OSError (EINVAL), and it is closed, unless it is a regular one."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return os.fdopen(descriptor, mode)  # type: ignore[return-value]


class HostFile:
    """The file or directory at the absolute `path` of a host whose own files lie below `root`.

    What is written belongs to `owner`, the host's root.  What cannot be written raises OSError.
    What cannot be read raises LabError, but FileNotFoundError or NotADirectoryError if it is not
    there.
    """

    def __init__(self, root: Path, path: str, owner: int = 0) -> None:
        self._root, self._path, self._owner = root, path, owner

    def __str__(self) -> str:
        return self._path

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self._path).name

    def __truediv__(self, name: str) -> HostFile:
        return HostFile(self._root, f"{self._path}/{name}", self._owner)

    def open(self) -> BinaryIO:
        """The regular file, open for reading."""
        try:
            return _regular(self._open(os.O_RDONLY | os.O_NONBLOCK), self._path, "rb")
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            raise self._refused(error) from None

    def read_bytes(self) -> bytes:
        """Its content."""
        with self.open() as file:
            return file.read()

    def read_text(self, errors: str = "strict") -> str:
        """Its content as text."""
        return self.read_bytes().decode(errors=errors)

    def write_text(self, text: str) -> None:
        """Write `text` into the file, which is made, with its directories, if it is missing."""
        self.write_bytes(text.encode())

    def write_bytes(self, content: bytes, mode: int = 0o644) -> None:
        """As `write_text`; `mode`: the permissions of a file that is made, or made again."""
        self._make_directories()
        flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK
        with _regular(self._open(flags, mode), self._path, "wb") as file:
            os.fchown(file.fileno(), self._owner, self._owner)
            os.fchmod(file.fileno(), mode)
            file.truncate()
            file.write(content)

    def symlink_to(self, target: str) -> None:
        """Make it a symbolic link to `target`, in place of the file or link that is there."""
        self._make_directories()
        self.unlink(missing_ok=True)
        parent = self._parent()._open(os.O_PATH | os.O_DIRECTORY)
        try:
            os.symlink(target, self.name, dir_fd=parent)
            os.chown(self.name, self._owner, self._owner, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)

    def stat(self) -> os.stat_result:
        """What stat(2) says of it."""
        descriptor = self._open(os.O_PATH)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def exists(self) -> bool:
        """Whether there is such a file or directory, behind whatever link of the host's."""
        try:
            self.stat()
        except OSError:
            return False
        return True

    def names(self) -> Iterable[str]:
        """The names in the directory, sorted; none if there is no such directory."""
        try:
            descriptor = self._open(os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return []
        try:
            return sorted(os.listdir(descriptor))
        finally:
            os.close(descriptor)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file, or the link that is in its place."""
        try:
            parent = self._parent()._open(os.O_PATH | os.O_DIRECTORY)
            try:
                os.unlink(PurePosixPath(self._path).name, dir_fd=parent)
            finally:
                os.close(parent)
        except FileNotFoundError:
            if not missing_ok:
                raise
        except OSError as error:
            raise self._refused(error) from None

    # --- insides ---------------------------------------------------------------------------------

    def _open(self, flags: int, mode: int = 0) -> int:
        return open_in_root(self._root, self._path, flags, mode)

    def _parent(self) -> HostFile:
        return HostFile(self._root, str(PurePosixPath(self._path).parent), self._owner)

    def _make_directories(self) -> None:
        parent = self._parent()
        if parent.exists():
            return
        parent._make_directories()
        above = parent._parent()._open(os.O_PATH | os.O_DIRECTORY)
        try:
            name = PurePosixPath(parent._path).name
            os.mkdir(name, dir_fd=above)
            os.chown(name, self._owner, self._owner, dir_fd=above, follow_symlinks=False)
        finally:
            os.close(above)

    def _refused(self, error: OSError) -> LabError:
        return LabError(
            f"{self._path} on the host cannot be used: {error.strerror}; look at it with "
            f"`ls -l {self._path}` there, or start over with lab.reset()"
        )
