"""`labs doctor`: can this machine run a lab, and if not, what is the remedy?

    diagnose() -> [Finding("mininet", True, "2.3.0", ""),
                   Finding("namespaces", False, "Operation not permitted", "sudo sysctl ..."), ...]

Each finding is something that was tried, in the caller's own environment, not looked up.
The last line says "this machine can run the labs" only after a lab has run: its hosts and its
switch, one frame, one rule of nftables, each daemon that is installed.
All of it happens in namespaces that vanish afterwards; nothing on the machine is changed.

    machine         ── system, python, venv, mininet, memory, port, programs
    └─ namespaces   ── bridge, veth, overlay, raw socket   (tried by a second process, `--probe`)
       └─ a lab     ── hosts and switch, frame, nft, vrrpd, keepalived
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
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labs import waiting
from labs.cli import platforms
from labs.errors import LabError
from labs.sandbox import namespaces
from labs.shared_files import in_checkout, make_or, shared

if TYPE_CHECKING:
    from labs.emulation.lab import Lab

PORT = 8888
PROBE_SECONDS = 180  # for a trial lab, of 3 s alone, while a whole class starts theirs
# A lab of three hosts with its notebook server and kernel needs about a third of this.
MEMORY_MIB = 1024
APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
PROFILE = shared("packaging/apparmor/vrrp-lab")
SETUP = make_or("setup", "pipx reinstall --system-site-packages vrrp-lab")
REPLAY = (
    f"without root: `LAB_MODE=replay {make_or('lab', 'labs notebook')}` plays every lesson "
    "from a recorded run"
)
APPARMOR_REMEDY = (
    f"{REPLAY};\n"
    "with root: allow it to labs alone with these two commands,\n"
    f"sudo cp {PROFILE} /etc/apparmor.d/vrrp-lab\n"
    "sudo apparmor_parser -r /etc/apparmor.d/vrrp-lab\n"
    "or to everybody with `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
)


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
        sign = "ok" if self.ok else ("FAILED" if self.needed else "absent")
        yield f"{sign:<8} {self.name:<16} {self.found}"
        if not self.ok and self.remedy:
            first, *rest = self.remedy.splitlines()
            yield f"{'':<8} {'':<16} remedy: {first}"
            yield from (f"{'':<8} {'':<16} {line}" for line in rest)


def diagnose(port: int = PORT) -> list[Finding]:
    """Try everything a lab needs, then a lab; changes nothing and takes some seconds."""
    return [
        Finding("system", True, str(platforms.recognize(platforms.facts()))),
        _python(),
        _venv(),
        _mininet(),
        *_namespaces(),
        _apparmor(),
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
    if not bad and any(finding.name == "keepalived" and not finding.ok for finding in findings):
        verdict += ", with vrrpd alone: keepalived is not installed"
    return "\n".join([*lines, "", verdict])


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 10), version, "install Python 3.10 or newer")


def _venv() -> Finding:
    inside = sys.prefix != sys.base_prefix
    if not inside and _installed_by_debian():
        return Finding("venv", True, "none: Debian's package vrrp-lab brings its own libraries")
    return Finding("venv", inside, sys.prefix, f"run `{SETUP}`, then its `labs doctor`")


def _installed_by_debian() -> bool:
    """Whether this is the system's Python with labs from the package vrrp-lab."""
    return sys.prefix == sys.base_prefix and not in_checkout()


def _mininet() -> Finding:
    code = "import mininet.net; print(mininet.net.VERSION)"
    done = _run([sys.executable, "-W", "ignore", "-c", code])
    found = (done.stdout.strip() or done.stderr.strip() or "silent").splitlines()[-1]
    return Finding("mininet", done.returncode == 0, found, "sudo apt-get install mininet")


def _namespaces() -> list[Finding]:
    """Namespaces, and what must work inside them, each checked apart from the others."""
    command = [
        sys.executable,
        "-m",
        "labs.sandbox.namespaces",
        "--",
        sys.executable,
        "-m",
        "labs.cli.doctor",
    ]
    waiting.report("starting a lab, to try it: a few seconds")
    done = _run([*command, "--probe"])
    try:
        inside = [Finding(**found) for found in json.loads(done.stdout)]
    except (ValueError, TypeError):
        words = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]
        return [Finding("namespaces", False, words, _remedy_for_namespaces())]
    return [Finding("namespaces", True, "user, network, mount, IPC, pid"), *inside]


def _remedy_for_namespaces() -> str:
    if _apparmor_restricts():
        return APPARMOR_REMEDY
    special = platforms.recognize(platforms.facts()).remedy or "as the message says"
    return f"{special};\n{REPLAY}"


def _apparmor_restricts() -> bool:
    try:
        return APPARMOR.read_text().strip() != "0"
    except OSError:
        return False


def _apparmor() -> Finding:
    if not _apparmor_restricts():
        return Finding("apparmor", True, "does not restrict user namespaces")
    if os.geteuid() == 0:
        return Finding("apparmor", True, "restricts user namespaces, but not root's")
    # The finding above says whether it hurts: a profile may allow our Python all the same.
    return Finding("apparmor", False, "restricts user namespaces", APPARMOR_REMEDY, needed=False)


def _which(*names: str) -> str | None:
    path = namespaces.system_path(os.environ.get("PATH"))
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
        if _installed_by_debian():
            remedy = "run `vrrp-lab`, which asks before it downloads JupyterLab"
            return Finding("kernel spec", False, "no JupyterLab yet", remedy, needed=False)
        return Finding("kernel spec", False, str(error), f"run `{SETUP}`")
    try:
        place = KernelSpecManager().get_kernel_spec("vrrp-lab").resource_dir
    except NoSuchKernel:
        return Finding("kernel spec", False, "Jupyter knows no vrrp-lab", "run `labs kernelspec`")
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
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _probe() -> list[Finding]:
    """Inside the namespaces: what a lab does first, then a lab; thrown away with them."""
    basics = [
        _try("bridge", _make_bridge, "load the kernel module: sudo modprobe bridge"),
        _try("veth", _make_veth, "load the kernel module: sudo modprobe veth"),
        _try("overlay on /etc", _overlay_etc, "a kernel of 5.12 or newer with overlayfs"),
        _try("raw socket", _open_raw, "the container denies CAP_NET_RAW: use another one"),
    ]
    return [*basics, *_rehearse()] if all(finding.ok for finding in basics) else basics


def _try(name: str, step: Callable[[], str], remedy: str) -> Finding:
    """What `step` returns, or, whatever it raises, the last line of that and `remedy`."""
    try:
        return Finding(name, True, step())
    except Exception as error:
        words = getattr(error, "stderr", None) or str(error) or type(error).__name__
        return Finding(name, False, words.strip().splitlines()[-1], remedy)


def _rehearse() -> list[Finding]:
    """A lab, one step after the other, until one fails that the next one needs."""
    from labs.emulation.lab import Lab  # it takes a moment, and a message if Mininet is missing

    installed = [name for name in ("vrrpd", "keepalived") if _which(name) or name == "vrrpd"]
    runs = dict(zip(("web1", "web2"), installed, strict=False))
    made: list[Lab] = []

    def start() -> str:
        made.append(Lab("empty", daemon=runs))
        made[0].hide()
        return f"{', '.join(made[0].hosts)} and {', '.join(made[0].layout.switches)} have started"

    found = [_try("hosts and switch", start, f"as the message says; {REPLAY}")]
    if not made:
        return found
    with made[0] as lab:
        found.append(_try("frame", lambda: _pass_frame(lab), REPLAY))
        if found[-1].ok:
            found.append(_try("nft", lambda: _drop_frame(lab), _remedy_for_nft()))
        for host, name in runs.items():
            found.append(_try(name, partial(_start_daemon, lab, host), _remedy_for_daemon(name)))
    if "keepalived" not in installed:
        remedy = "sudo apt-get install keepalived   (for lessons that compare vrrpd with it)"
        found.append(Finding("keepalived", False, "not installed", remedy, needed=False))
    return found


def _answered(lab: Lab, seconds: float) -> bool:
    return lab.run("client", f"ping -c 1 -W {seconds} 192.168.1.11").status == 0


def _pass_frame(lab: Lab) -> str:
    if not _answered(lab, 1):
        raise LabError("client sent a ping to web1, and no answer came back")
    return "client and web1 reach each other through the switch"


def _drop_frame(lab: Lab) -> str:
    # Before the lab's own rule, whose message would repeat all of that.
    if refused := lab.at_switch(lab.layout.switches[0], "nft add table bridge doctor").strip():
        raise LabError(refused)
    lab.oneway("web1", "to")
    if _answered(lab, 0.1):
        raise LabError("a rule that drops all frames to web1 was accepted and dropped none")
    lab.mend("web1")
    return "one rule of nftables dropped a frame at the switch"


def _remedy_for_nft() -> str:
    nft = shutil.which("nft")
    if nft is not None and os.path.dirname(nft) not in namespaces.SYSTEM_PATH:
        return f"take {os.path.dirname(nft)} out of PATH: its nft is not the system's"
    return (
        "sudo apt-get install --reinstall nftables, and sudo modprobe nf_tables; until then "
        "lab.lose and lab.oneway are refused\n"
        f"{REPLAY}"
    )


def _start_daemon(lab: Lab, host: str) -> str:
    from labs.emulation.start_states import STATES

    lab.conf(host, (STATES / "basic" / host / "keepalived.conf").read_text())
    try:
        lab.start(host)
    except LabError as error:
        logged = lab.log(host).strip().splitlines()
        raise LabError(logged[-1] if logged else str(error).partition("\n")[0]) from None
    return f"has started on {host}"


def _remedy_for_daemon(name: str) -> str:
    if name == "vrrpd":
        return f"run `{SETUP}`"
    return (
        "the lessons run with vrrpd, which is the default; "
        "sudo apt-get install --reinstall keepalived"
    )


def _check(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _make_bridge() -> str:
    _check("ip", "link", "add", "doctor0", "type", "bridge")
    return "made by ip"


def _make_veth() -> str:
    _check("ip", "link", "add", "doctor1", "type", "veth", "peer", "name", "doctor2")
    return "made by ip"


def _overlay_etc() -> str:
    from labs.sandbox.namespaces import directory

    with tempfile.TemporaryDirectory(dir=directory()) as room:
        upper, work = Path(room, "upper"), Path(room, "work")
        upper.mkdir()
        work.mkdir()
        layers = f"lowerdir={namespaces.lower_etc()},upperdir={upper},workdir={work}"
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
        with redirect_stdout(sys.stderr):  # the answer is all that is printed
            probed = _probe()
        print(json.dumps([asdict(finding) for finding in probed]))
        return 0
    findings = diagnose()
    print(report(findings))
    return 1 if any(finding.needed and not finding.ok for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
