"""A container as containerd makes it for packaging/kubernetes/pod.yaml, on one machine.

    python -m tests.pod [--tree DIRECTORY] [--without SETTING] -- COMMAND ARGUMENT...

    root ── user, mount, network, UTS, IPC, cgroup and pid namespaces, 65536 ids
              └─ the container's file system, masks, capabilities, seccomp filter ── COMMAND

COMMAND sees the files of DIRECTORY, /home/learner as a volume, and runs as the user of pod.yaml.
Without --tree it sees this machine's files and the checkout, its working directory.
SETTING is procMount or capabilities: the container as it is without that line of pod.yaml.

The rest is read from pod.yaml: ids, capabilities, procMount, allowPrivilegeEscalation.
Sources: containerd 2.4.0-beta.0, contrib/seccomp/seccomp_default.go (`RuntimeDefault`),
pkg/oci/spec.go and mounts.go (masks, mounts); user_namespaces(7).

What differs from a node: no AppArmor, no limits of a cgroup, and files of the image belong to
user 65534, where a node shows them as root's by an idmapped mount.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import yaml

from labs.sandbox import host, namespaces

REPOSITORY = Path(__file__).resolve().parent.parent
POD = REPOSITORY / "packaging" / "kubernetes" / "pod.yaml"
HOME = "/home/learner"
# Where the file system of the container is built, of the tree and the checkout shown there.
BASE = "/mnt"
CHECKOUT = f"{BASE}/checkout"

# x86-64's and arm64's system calls that RuntimeDefault refuses to a container with CAP_SYS_ADMIN.
# Filters by argument are left out: socket(2) of AF_VSOCK and AF_ALG, personality(2) of odd ones.
REFUSED = [
    "_sysctl", "acct", "add_key", "afs_syscall", "chroot", "clock_settime", "create_module",
    "delete_module", "finit_module", "get_kernel_syms", "get_mempolicy", "getpmsg", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp",
    "kexec_file_load", "kexec_load", "keyctl", "mbind", "migrate_pages", "move_pages", "nfsservctl",
    "open_by_handle_at", "pidfd_getfd", "pivot_root", "process_madvise", "process_vm_readv",
    "process_vm_writev", "putpmsg", "query_module", "reboot", "request_key", "security",
    "set_mempolicy", "set_mempolicy_home_node", "settimeofday", "swapoff", "swapon", "sysfs",
    "tuxcall", "uselib", "userfaultfd", "ustat", "vhangup", "vserver",
]  # fmt: skip
# And those that it refuses to a container without that capability.
WITHOUT_SYS_ADMIN = [
    "bpf", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie", "mount",
    "mount_setattr", "move_mount", "open_tree", "perf_event_open", "quotactl", "quotactl_fd",
    "setdomainname", "sethostname", "setns", "syslog", "umount2", "unshare",
]  # fmt: skip
MASKED = ("acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats",
          "sched_debug", "scsi")  # fmt: skip
READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")
# Of capability.h: the number of the one that pods of labs have.
CAPABILITIES = {"SYS_ADMIN": 21}
_CLONE_NEWPID, _PR_SET_PDEATHSIG = 0x20000000, 1
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_SCMP_ALLOW, _SCMP_ERRNO, _EPERM, _NO_SUCH_CALL = 0x7FFF0000, 0x00050000, 1, -1
_VOLUME = host.MS_NOSUID | host.MS_NODEV


def security_context() -> dict[str, Any]:
    """The container's securityContext in pod.yaml."""
    pod = yaml.safe_load(POD.read_text())["spec"]
    assert pod["hostUsers"] is False
    context: dict[str, Any] = pod["containers"][0]["securityContext"]
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["capabilities"]["drop"] == ["ALL"]
    return context


def ids() -> str:
    """The 65536 ids of the pod as a line of uid_map(5).  Raises SystemExit if there are too few."""
    if os.geteuid() != 0 or int(Path("/proc/self/uid_map").read_text().split()[2]) != 2**32 - 1:
        raise SystemExit("pod: only root of the machine has the 65536 user ids of a pod")
    return f"0 {namespaces.BASE} 65536"


def _volume(place: str, options: str, kind: str = "tmpfs", flags: int = _VOLUME) -> None:
    os.makedirs(place, exist_ok=True)
    host.mount(kind, place, kind, flags, options)


def _show(tree: str | Path, checkout: Path | None) -> None:
    """Show both in BASE of a new mount namespace, where every user may pass."""
    host.check(host.libc.unshare(host.CLONE_NEWNS), "a mount namespace")
    host.mount("none", "/", None, host.MS_REC | host.MS_PRIVATE)
    kept = [(name, os.open(path, os.O_PATH)) for name, path in
            (("tree", tree), ("checkout", checkout)) if path is not None]  # fmt: skip
    host.mount("pod", BASE, "tmpfs", 0, "mode=755,size=64k")
    for name, descriptor in kept:
        os.mkdir(f"{BASE}/{name}")
        host.mount(f"/proc/self/fd/{descriptor}", f"{BASE}/{name}", None, host.MS_BIND)
        os.close(descriptor)
    os.mkdir(f"{BASE}/pod")


def _root_directory(user: int) -> str:
    """Mount the container's file system; its root."""
    own = f"{BASE}/pod"
    host.mount("pod", own, "tmpfs", 0, "mode=755,size=64m")
    root, upper, work = (f"{own}/{name}" for name in ("root", "upper", "work"))
    for place in (root, upper, work):
        os.mkdir(place)
    layers = f"lowerdir={BASE}/tree,upperdir={upper},workdir={work}"
    host.mount("overlay", root, "overlay", 0, layers)
    quiet = host.MS_NOSUID | host.MS_NODEV | host.MS_NOEXEC
    host.mount("proc", f"{root}/proc", "proc", quiet)
    host.mount("sysfs", f"{root}/sys", "sysfs", quiet | host.MS_RDONLY)
    with suppress(OSError):  # a machine with cgroup v1 has none to give
        host.mount("cgroup", f"{root}/sys/fs/cgroup", "cgroup2", quiet | host.MS_RDONLY)
    host.small_dev(f"{root}/dev")
    host.terminals(f"{root}/dev/pts")
    os.mkdir(f"{root}/dev/mqueue")
    _volume(f"{root}/dev/mqueue", "", "mqueue", quiet)
    for name in (
        {"home", "tmp", REPOSITORY.parts[1]} if os.path.isdir(CHECKOUT) else {"home", "tmp"}
    ):
        _volume(f"{root}/{name}", "mode=1777,size=64m")
    os.mkdir(root + HOME)
    os.chown(root + HOME, user, user)
    if os.path.isdir(CHECKOUT):
        os.makedirs(f"{root}{REPOSITORY}")
        host.bind(CHECKOUT, f"{root}{REPOSITORY}")
        host.read_only(f"{root}{REPOSITORY}")
    for name in ("hosts", "resolv.conf"):  # the kubelet's, bound over the image's
        Path(f"{own}/{name}").write_text("127.0.0.1 localhost\n" if name == "hosts" else "")
        if os.path.exists(f"{root}/etc/{name}"):
            host.bind(f"{own}/{name}", f"{root}/etc/{name}")
    return root


def _mask(root: str) -> None:
    """Cover parts of /proc, as every runtime does by default."""
    for name in MASKED:
        place = f"{root}/proc/{name}"
        if os.path.isdir(place):
            host.mount("tmpfs", place, "tmpfs", host.MS_RDONLY)
        elif os.path.exists(place):
            host.bind("/dev/null", place)
    for name in READ_ONLY:
        place = f"{root}/proc/{name}"
        if os.path.exists(place):
            host.bind(place, place)
            host.read_only(place)


def _confine(context: dict[str, Any]) -> None:
    """Become the pod's user, with its capabilities and its seccomp filter."""
    kept = {CAPABILITIES[name] for name in context["capabilities"].get("add", [])}
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in range(last + 1):
        if number not in kept:
            host.check(host.libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0), "capabilities")
    os.setgroups([])
    os.setresgid(*[context["runAsGroup"]] * 3)
    os.setresuid(*[context["runAsUser"]] * 3)
    if not context["allowPrivilegeEscalation"]:
        host.check(host.libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    names = REFUSED if CAPABILITIES["SYS_ADMIN"] in kept else REFUSED + WITHOUT_SYS_ADMIN
    _refuse(names)


def _refuse(names: list[str]) -> None:
    """Install a seccomp filter that answers the system calls `names` with EPERM."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_SCMP_ALLOW)))
    known = 0
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == _NO_SUCH_CALL:
            continue  # one that this libseccomp does not know yet
        known += 1
        rule = library.seccomp_rule_add(context, ctypes.c_uint32(_SCMP_ERRNO | _EPERM), number, 0)
        assert rule == 0, (name, rule)
    assert known > len(names) // 2
    assert library.seccomp_load(context) == 0


def _enter(options: argparse.Namespace, context: dict[str, Any]) -> NoReturn:
    """Process 1 of the pod's pid namespace: build the container, and become the command."""
    host.check(host.libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "the end of the pod")
    namespaces._loopback_up()
    root = _root_directory(context["runAsUser"])
    if context.get("procMount") != "Unmasked":
        _mask(root)
    host.make_root(root)
    os.chdir(HOME if options.tree else REPOSITORY)
    _confine(context)
    path = "/opt/vrrp-lab/bin" if options.tree else f"{REPOSITORY}/.venv/bin"
    environment = {"HOME": HOME, "LANG": "C.UTF-8", "LAB_WORK": f"{HOME}/vrrp-lab"}
    environment["KUBERNETES_SERVICE_HOST"] = "10.96.0.1"
    environment["PATH"] = f"{path}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    os.execvpe(options.command[0], options.command, environment)


def main(words: list[str]) -> int:
    """Run the command in a pod; its exit status.  OSError if the machine refuses a part of it."""
    parser = argparse.ArgumentParser(prog="tests.pod")
    parser.add_argument("--tree")
    parser.add_argument("--without", choices=["procMount", "capabilities"])
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(words)
    context = security_context()
    if options.without == "procMount":
        del context["procMount"]
    elif options.without == "capabilities":
        del context["capabilities"]["add"]
    _show(options.tree or "/", None if options.tree else REPOSITORY)
    host.enter_user_namespace(ids())
    host.mount("none", "/", None, host.MS_REC | host.MS_PRIVATE)
    host.check(host.libc.unshare(_CLONE_NEWPID), "a pid namespace")
    first = os.fork()
    if first == 0:
        _enter(options, context)
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
