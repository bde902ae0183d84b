"""`labs doctor`: can this machine run a lab, and if not, what is the remedy?

    diagnose() -> [Finding("mininet", True, "2.3.0", ""),
                   Finding("namespaces", False, "Operation not permitted", "sudo sysctl ..."), ...]

Each finding is something that was tried, not something that was looked up:
a bridge is made, an overlay is mounted, a raw socket is opened,
all in namespaces that vanish afterwards.
So a green list means that a lab will start, and nothing on the machine is changed by asking.

    machine        ── python, venv, mininet, memory, port, programs
    └─ namespaces  ── bridge, overlay, raw socket     (tried by a second process inside, `--probe`)
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

PORT = 8888
# A lab of three hosts with its notebook server and kernel needs about a third of this.
MEMORY_MIB = 1024
APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
PROFILE = Path(__file__).resolve().parents[2] / "packaging" / "apparmor" / "vrrp-lab"
APPARMOR_REMEDY = (
    "allow it to labs alone with these two commands,\n"
    f"sudo cp {PROFILE} /etc/apparmor.d/vrrp-lab\n"
    "sudo apparmor_parser -r /etc/apparmor.d/vrrp-lab\n"
    "or to everybody with `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, "
    "or run `sudo make lab`, which needs no user namespaces"
)
SBIN = "/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as needed, what was found, and the remedy if it is not.

    `needed` is False where only some lessons or tests want it.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True

    def lines(self) -> Iterator[str]:
        """One line for people, and the remedy below it where there is something to remedy."""
        sign = "ok" if self.ok else ("MISSING" if self.needed else "absent")
        yield f"{sign:<8} {self.name:<16} {self.found}"
        if not self.ok and self.remedy:
            first, *rest = self.remedy.splitlines()
            yield f"{'':<8} {'':<16} remedy: {first}"
            yield from (f"{'':<8} {'':<16} {line}" for line in rest)


def diagnose(port: int = PORT) -> list[Finding]:
    """Tries everything a lab needs and changes nothing; takes about a second."""
    return [
        _python(),
        _venv(),
        _mininet(),
        *_namespaces(),
        _apparmor(),
        _program("keepalived", "keepalived", "lessons and tests that compare vrrpd with it"),
        _program("tcpdump", "tcpdump", "tests that read our adverts with it"),
        _browser(),
        _kernel_spec(),
        _port(port),
        _memory(),
    ]


def report(findings: list[Finding]) -> str:
    """The findings as text, with a last line that sums them up."""
    lines = [line for finding in findings for line in finding.lines()]
    bad = [finding.name for finding in findings if finding.needed and not finding.ok]
    verdict = f"a lab cannot run yet: {', '.join(bad)}" if bad else "this machine can run the labs"
    return "\n".join([*lines, "", verdict])


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 10), version, "install Python 3.10 or newer")


def _venv() -> Finding:
    inside = sys.prefix != sys.base_prefix
    return Finding("venv", inside, sys.prefix, "run `make setup`, then .venv/bin/labs doctor")


def _mininet() -> Finding:
    code = "import mininet.net; print(mininet.net.VERSION)"
    done = _run([sys.executable, "-W", "ignore", "-c", code])
    found = (done.stdout.strip() or done.stderr.strip() or "silent").splitlines()[-1]
    return Finding("mininet", done.returncode == 0, found, "sudo apt-get install mininet")


def _namespaces() -> list[Finding]:
    """Namespaces, and what must work inside them, each told apart from the others."""
    kinds = "network, mount, pid" if os.geteuid() == 0 else "user, network, mount, pid"
    command = [
        sys.executable,
        "-m",
        "labs.sandbox.namespaces",
        "--",
        sys.executable,
        "-m",
        "labs.cli.doctor",
    ]
    done = _run([*command, "--probe"])
    try:
        inside = [Finding(**found) for found in json.loads(done.stdout)]
    except (ValueError, TypeError):
        words = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]
        remedy = APPARMOR_REMEDY if _apparmor_restricts() else "see the message, or `sudo make lab`"
        return [Finding("namespaces", False, words, remedy)]
    return [Finding("namespaces", True, kinds), *inside]


def _apparmor_restricts() -> bool:
    try:
        return APPARMOR.read_text().strip() != "0"
    except OSError:
        return False


def _apparmor() -> Finding:
    if not _apparmor_restricts():
        return Finding("apparmor", True, "does not restrict user namespaces")
    if os.geteuid() == 0:
        return Finding("apparmor", True, "restricts user namespaces, but root needs none")
    # The finding above says whether it hurts: a profile may allow our Python all the same.
    return Finding("apparmor", False, "restricts user namespaces", APPARMOR_REMEDY, needed=False)


def _which(*names: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), SBIN])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def _program(name: str, package: str, purpose: str) -> Finding:
    found = _which(name)
    remedy = f"sudo apt-get install {package}   (for {purpose})"
    return Finding(name, found is not None, found or "not installed", remedy, needed=False)


def _browser() -> Finding:
    found = _which("chromium", "chromium-browser", "google-chrome")
    remedy = "sudo apt-get install chromium   (for `make test`; a lesson opens in any browser)"
    return Finding("chromium", found is not None, found or "not installed", remedy, needed=False)


def _kernel_spec() -> Finding:
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError as error:
        return Finding("kernel spec", False, str(error), "run `make setup`")
    try:
        place = KernelSpecManager().get_kernel_spec("vrrp-lab").resource_dir
    except NoSuchKernel:
        return Finding("kernel spec", False, "Jupyter knows no vrrp-lab", "run `make setup`")
    return Finding("kernel spec", True, str(place))


def _port(port: int) -> Finding:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            words = f"{port}: {error.strerror}"
            return Finding("port", False, words, f"make lab PORT={port + 1}", needed=False)
    return Finding("port", True, f"{port} is free")


def _memory() -> Finding:
    words = dict(
        line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line
    )
    free = int(words["MemAvailable"].split()[0]) // 1024
    return Finding("memory", free >= MEMORY_MIB, f"{free} MiB free", "close something large")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """The outcome of a command; one that is absent or hangs counts as failed."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _probe() -> list[Finding]:
    """Inside the namespaces: what a lab does first, done once and thrown away with them."""
    return [
        _try("bridge", _make_bridge, "load the kernel module: sudo modprobe bridge"),
        _try("veth", _make_veth, "load the kernel module: sudo modprobe veth"),
        _try("overlay on /etc", _overlay_etc, "a kernel of 5.11 or newer with overlayfs"),
        _try("raw socket", _open_raw, "the container denies CAP_NET_RAW: use another one"),
    ]


def _try(name: str, step: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(name, True, step())
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", None) or str(error)
        return Finding(name, False, words.strip().splitlines()[-1], remedy)


def _check(*command: str) -> None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), SBIN])
    env = {**os.environ, "PATH": path}
    subprocess.run(command, check=True, capture_output=True, text=True, env=env)


def _make_bridge() -> str:
    _check("brctl", "addbr", "doctor0")  # Mininet's LinuxBridge does it with brctl
    return "made by brctl"


def _make_veth() -> str:
    _check("ip", "link", "add", "doctor1", "type", "veth", "peer", "name", "doctor2")
    return "made by ip"


def _overlay_etc() -> str:
    from labs.sandbox.namespaces import directory

    with tempfile.TemporaryDirectory(dir=directory()) as room:
        upper, work = Path(room, "upper"), Path(room, "work")
        upper.mkdir()
        work.mkdir()
        layers = f"lowerdir=/etc,upperdir={upper},workdir={work}"
        _check("mount", "-t", "overlay", "overlay", "-o", layers, "/etc")
        try:
            Path("/etc/vrrp-lab-doctor").touch()
        finally:
            _check("umount", "/etc")
    return "private and writable"


def _open_raw() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112):
        return "protocol 112 (VRRP)"


def main(argv: list[str] | None = None) -> int:
    """Prints the findings; 0 if a lab can run here, 1 if not."""
    if "--probe" in (sys.argv[1:] if argv is None else argv):
        print(json.dumps([asdict(finding) for finding in _probe()]))
        return 0
    findings = diagnose()
    print(report(findings))
    return 1 if any(finding.needed and not finding.ok for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
