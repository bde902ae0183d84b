"""The namespaces and the file system of one host, around the command that follows.

    python -I -S host.py STATUS FILES ETC NAME MAP KEPT... -- COMMAND ARGUMENT...

    lab's namespaces ── host.py ── builds a root directory and makes it the root
                           └─ own user, mount, network, UTS, IPC and cgroup namespaces
                                └─ unshare --pid --fork ── sh ── mounts /proc ── COMMAND, process 1

    /usr /bin /lib ..., KEPT  the machine's, read-only
    /etc                      the machine's below, from the directory ETC, the host's own on top
    OWN                       the host's own, from the directory FILES
    /dev /proc /sys           a few devices; of its own namespaces
    everything else           is not there: no home, no disks, no sockets of the machine's services

The root directory is built before the user namespace is entered, so its mounts are locked
(mount_namespaces(7)): root on the host can add mounts of its own, but cannot make writable,
uncover or unmount what the host was given.
STATUS is a descriptor: "ready" is written to it just before COMMAND starts, and else why it cannot.
MAP is a line for /proc/PID/uid_map and gid_map, its words separated by commas.
Where the lab has many user ids, the host's are others than the lab's own, and so belong to no
account of the machine.

It imports only the standard library, and is run without site-packages: a lab waits for it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

# The directories a host has for itself, each below FILES; what is in /etc lies over the machine's.
OWN = ("/root", "/run", "/tmp", "/var/log", "/var/tmp")
# What a host has of the machine, where the machine has it: a link stays a link.
MACHINE = ("bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr")
EMPTY = ("home", "media", "mnt", "opt", "srv", "var/cache", "var/lib", "var/spool")
LINKS = (("/run", "var/run"), ("/run/lock", "var/lock"))
TERMINALS = (("pts/ptmx", "ptmx"), ("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"),
             ("/proc/self/fd/1", "stdout"), ("/proc/self/fd/2", "stderr"))  # fmt: skip
DEVICES = ("full", "null", "random", "tty", "urandom", "zero")

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWCGROUP = 0x04000000, 0x08000000, 0x02000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000
MNT_DETACH = 2
# linux/mount.h; the number of mount_setattr(2), Linux 5.12, is that of every architecture.
SYS_MOUNT_SETATTR, MOUNT_ATTR_RDONLY, AT_RECURSIVE, AT_FDCWD = 442, 0x1, 0x8000, -100
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
# See labs.sandbox.namespaces.mark: what a lab has made is known by it.
MARK = os.environ.get("VRRP_LAB_MARK") or "vrrp-lab"
# Process 1 of the host prepares what only it can: /proc shows the pid namespace of the mounter.
# An IPv6 address is of use at once, without a second of duplicate address detection.
FIRST = f"""{{ mount -n -t proc -o nosuid,nodev,noexec '{MARK}' /proc &&
for name in all default; do
    dad=/proc/sys/net/ipv6/conf/$name/accept_dad
    test ! -e $dad || echo 0 >$dad || exit
done && echo ready; }} >&3 2>&3 && exec "$@" 3>&-"""
STATUS = 3

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    """OSError with the reason unless a system call has returned 0."""
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2); OSError naming the target if the kernel refuses."""
    done = libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        os.fsencode(data) or None,
    )
    check(done, target)


def unmount(target: str) -> None:
    """Take away the mount at `target`, though files on it be open; OSError naming the target."""
    check(libc.umount2(os.fsencode(target), MNT_DETACH), target)


def bind(source: str, target: str) -> None:
    """Show the directory or file `source`, with all that is mounted below it, at `target`, too."""
    mount(source, target, None, MS_BIND | MS_REC)


def read_only(path: str, on: bool = True, recursive: bool = False) -> None:
    """Make the mount at `path` read-only or, with `on` False, writable; `recursive`: all below it.

    OSError if the kernel refuses: a mount that is locked read-only stays so.
    """
    words = (MOUNT_ATTR_RDONLY, 0, 0, 0) if on else (0, MOUNT_ATTR_RDONLY, 0, 0)
    attributes = ctypes.create_string_buffer(struct.pack("=4Q", *words), 32)
    flags = ctypes.c_uint(AT_RECURSIVE if recursive else 0)
    done = libc.syscall(
        SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), flags, attributes, ctypes.c_size_t(32)
    )
    check(done, path)


def small_dev(place: str) -> None:
    """Make the directory `place` a /dev of the devices that every program expects."""
    mount(MARK, place, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k,nr_inodes=64")
    for name in DEVICES:
        if os.path.exists(f"/dev/{name}"):
            os.close(os.open(f"{place}/{name}", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC))
            bind(f"/dev/{name}", f"{place}/{name}")
    os.mkdir(f"{place}/shm")
    mount(MARK, f"{place}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=16m")
    os.mkdir(f"{place}/pts")
    for target, name in TERMINALS:
        os.symlink(target, f"{place}/{name}")


def terminals(place: str) -> None:
    """Mount the terminals of this user namespace, and no others, at `place`."""
    options = "newinstance,ptmxmode=0666,mode=620"
    mount(MARK, place, "devpts", MS_NOSUID | MS_NOEXEC, options)


def make_directory(root: str, path: str, owner: int) -> str:
    """Make the directory `path` below `root`, with those above it that are missing; its place."""
    place = root
    for name in path.strip("/").split("/"):
        place = f"{place}/{name}"
        if not os.path.isdir(place):
            os.mkdir(place)
            os.chown(place, owner, owner)
    return place


def make_link(target: str, place: str, owner: int) -> None:
    """Make a symbolic link at `place`."""
    os.symlink(target, place)
    os.lchown(place, owner, owner)


def root_directory(files: str, etc: str, kept: list[str], owner: int) -> str:
    """Build a host's root directory, of the directories below `files`; its path.

    `etc`: the machine's /etc, or a copy. `owner`: root of the host, as the lab knows it.
    """
    root = f"{files}/host"
    os.mkdir(root)
    options = f"mode=755,uid={owner},gid={owner},size=64k,nr_inodes=256"
    mount(MARK, root, "tmpfs", MS_NOSUID | MS_NODEV, options)
    for name in MACHINE:
        if os.path.islink(f"/{name}"):
            make_link(os.readlink(f"/{name}"), f"{root}/{name}", owner)
        elif os.path.isdir(f"/{name}"):
            bind(f"/{name}", make_directory(root, name, owner))
    for name in (*EMPTY, "etc", "proc", "sys", "dev"):
        make_directory(root, name, owner)
    layers = f"lowerdir={etc},upperdir={files}/etc,workdir={files}/work"
    mount(MARK, f"{root}/etc", "overlay", 0, layers)
    bind(f"{files}/etc/keepalived", f"{root}/etc/keepalived")
    for path in OWN:
        bind(files + path, make_directory(root, path, owner))
    for path in kept:
        bind(path, make_directory(root, path, owner))
    # Without its children: those that mask something would keep the host from a /proc of its own.
    mount("/proc", f"{root}/proc", None, MS_BIND)
    bind("/sys", f"{root}/sys")
    small_dev(f"{root}/dev")
    for target, name in LINKS:
        make_link(target, f"{root}/{name}", owner)
    read_only(root, recursive=True)
    for path in ("/etc", "/etc/keepalived", *OWN, "/dev", "/dev/shm", "/proc", "/sys"):
        try:
            read_only(root + path, on=False)
        except PermissionError:
            if path not in ("/proc", "/sys"):  # a container may have them read-only
                raise
    return root


def make_root(root: str) -> None:
    """Make the mount `root` the root directory of this mount namespace, and leave the old one.

    Where a container's seccomp filter refuses pivot_root(2), the old one is covered: it stays below
    a mount that is locked as soon as the user namespace of the host is entered.
    """
    os.chdir(root)
    if libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b".") == 0:
        unmount(".")
    elif ctypes.get_errno() == errno.EPERM:
        namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        mount(".", "/", None, MS_MOVE)
        # Who enters a mount namespace has the uppermost of its roots: chroot(2) is refused, too.
        check(libc.setns(namespace, CLONE_NEWNS), "its root directory")
        os.close(namespace)
    else:
        check(-1, "pivot_root")
    os.chdir("/")


def enter_user_namespace(line: str) -> None:
    """Become root of a new user namespace that knows the ids of `line`, and owns all the others.

    Only a process outside may give it ids that are not the caller's own.
    """
    this = os.getpid()
    there, done = os.pipe(), os.pipe()
    # Its /proc is the lab's: opened here, it can be used after the root directory has changed.
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    writer = os.fork()
    if writer == 0:
        os.close(there[1])
        os.read(there[0], 1)
        for name in ("uid_map", "gid_map"):
            descriptor = os.open(f"{this}/{name}", os.O_WRONLY, dir_fd=proc)
            os.write(descriptor, line.encode())
        os._exit(0)
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC
    check(libc.unshare(flags | CLONE_NEWCGROUP), "namespaces of a host")
    os.close(there[1])
    if os.waitpid(writer, 0)[1] != 0:
        raise OSError(0, "its user ids are refused", "uid_map")
    for descriptor in (there[0], *done, proc):
        os.close(descriptor)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def main(words: list[str]) -> None:
    """Never returns: it becomes the command, or ends with a line that says why not."""
    split = words.index("--")
    (status, files, etc, name, ids, *kept), command = words[:split], words[split + 1 :]
    os.dup2(int(status), STATUS)
    os.closerange(STATUS + 1, 65536)
    owner = int(ids.split(",")[1])
    check(libc.unshare(CLONE_NEWNS), "a mount namespace")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    make_root(root_directory(files, etc, kept, owner))
    enter_user_namespace(ids.replace(",", " "))
    for flags in (0, MS_RDONLY):
        try:
            mount(MARK, "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | flags)
            break
        except PermissionError:
            continue
    terminals("/dev/pts")
    check(libc.sethostname(name.encode(), len(name)), "its name")
    os.chdir("/root")
    own = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", FIRST, "sh"]
    os.execvp(own[0], [*own, *command])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        os.write(STATUS, f"{error.filename}: {error.strerror}".encode())
        sys.exit(1)
