"""Both daemons on a folder of configurations: do they agree, and if not, is it a known class?

    python -m labs.sandbox.namespaces -- python -m tests.interop.compare FOLDER ...
    python -m labs.sandbox.namespaces -- python -m tests.interop.compare --run 6 FOLDER ...

The verdict is that of `-t`, as `disagreements.py` defines it.  With `--run` both daemons also run
for so many seconds, one after the other in a network of their own, and what they leave on it is
compared: addresses, routes, rules and packet filters.  The interfaces that the files name are
there, as bridges, with addresses of 192.168.1.0/24.

Prints the number of files of each class, and every file that no class explains; exit status 1 if
there is one.  A file is what has a block of keepalived's VRRP side in it, whatever its name.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.disagreements import KEEPALIVED_ONLY, REMARKS, VRRPD_ONLY, Disagreement
from tests.interop.segment import ENVIRONMENT, KEEPALIVED, Holder
from vrrpd.config import ConfigError, load
from vrrpd.linux.accounts import Accounts
from vrrpd.script_security import VIOLATION, secure

BLOCK = re.compile(r"^\s*(vrrp_instance|vrrp_sync_group|vrrp_script|static_ipaddress)\b", re.M)
NAMED = re.compile(r"\b(?:interface|dev|default_interface)\s+([A-Za-z][\w.:-]{0,14})(?=\s|$)")
VMAC = re.compile(r"\buse_(?:vmac|ipvlan)\s+([A-Za-z][\w.:-]{0,14})(?=\s|$)")
PLACE = re.compile(r"^\((\S+: )?Line \d+\) ")
CONFIG_ID = "master"
MISSING_PARAMETER = 2  # keepalived ends at once, with this status
HANGS = 20.0  # seconds; `-t` takes a hundredth of one
LARGEST = 1 << 20  # bytes; larger files are no configurations
MOST_INTERFACES = 400
AGREE, CRASHED, UNEXPLAINED = "agree", "keepalived crashed or hung", "unexplained"
SEEN = {
    "addresses": ("ip", "-o", "address", "show", "up"),
    "routes": ("ip", "route", "show", "table", "all"),
    "routes6": ("ip", "-6", "route", "show", "table", "all"),
    "rules": ("ip", "rule"),
    "rules6": ("ip", "-6", "rule"),
    "filter": ("nft", "list", "ruleset"),
}
# What differs from one run to the next: numbers, lifetimes; the link-local address of a new link.
NOISE = re.compile(r"^\d+: |valid_lft \w+|preferred_lft \w+|expires \w+|\\|# handle \d+")
PASSING = re.compile(r"fe80:|tentative|ff00::/8")
UNCHECKED = "a check cannot run: keepalived runs without it, vrrpd is in FAULT"


@dataclass(frozen=True)
class Comparison:
    """One file: what each daemon complains of (None: it crashed or hung), and what was left."""

    path: Path
    theirs: list[str] | None
    ours: list[str]
    left: tuple[str, ...] = ()

    def classes(self) -> list[str]:
        """The classes of disagreement that apply, or AGREE, CRASHED, UNEXPLAINED."""
        if self.theirs is None:
            return [CRASHED]
        if bool(self.theirs) == bool(self.ours):
            return [AGREE]
        known = KEEPALIVED_ONLY if self.theirs else VRRPD_ONLY
        return sorted({name_of(known, one) for one in self.theirs or self.ours})

    def unchecked(self) -> bool:
        """Whether vrrpd misses a check that the file asks for."""
        return any("counts as failed" in one for one in self.ours)


def name_of(known: Iterable[Disagreement], message: str) -> str:
    """The class of a message."""
    return next((one.name for one in known if one.explains("", message)), UNEXPLAINED)


def files(folders: Iterable[Path]) -> Iterator[Path]:
    """The configurations below the folders, in order."""
    for folder in folders:
        for path in sorted(folder.rglob("*") if folder.is_dir() else [folder]):
            if path.is_file() and path.stat().st_size <= LARGEST and BLOCK.search(text_of(path)):
                yield path


def text_of(path: Path) -> str:
    """The text of a file, whatever its encoding."""
    return path.read_text(encoding="latin-1")


def interfaces(texts: Sequence[str]) -> list[str]:
    """The names of the interfaces in the texts that no daemon makes, the most frequent first."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(set(NAMED.findall(text)))
    made = {name for text in texts for name in VMAC.findall(text)}
    for name in [one for one in found if one == "lo" or one in made or one.startswith("vrrp.")]:
        del found[name]
    return sorted(found, key=lambda name: (-found[name], name))[:MOST_INTERFACES]


def furnish(holder: Holder, names: Sequence[str]) -> None:
    """Make interfaces of these names; each has an address of its own."""
    lines = ["link set lo up"]
    for number, name in enumerate(names):
        lines += [f"link add {name} type bridge", f"link set {name} up"]
        lines.append(f"addr add 192.168.{1 + number // 200}.{11 + number % 200}/24 dev {name}")
    subprocess.run(
        holder.inside("ip", "-force", "-batch", "-"),
        input="\n".join(lines) + "\n", text=True, capture_output=True, check=False,
    )  # fmt: skip


def keepalived_says(holder: Holder, path: Path) -> list[str] | None:
    """keepalived's complaints about a file, remarks left out; None if it crashed or hung."""
    command = [KEEPALIVED, "-t", "-i", CONFIG_ID, "-f", str(path)]
    # Into a file: a child that outlives a crash would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                holder.inside(*command),
                stdout=output, stderr=output, cwd=path.parent, timeout=HANGS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
        if done.returncode < 0 or done.returncode > 128:
            return None
        output.seek(0)
        said = output.read().decode(errors="replace")
    lines = [PLACE.sub("", one) for one in said.splitlines()]
    complaints = [one for one in lines if one.strip() and not REMARKS.search(one)]
    if done.returncode == MISSING_PARAMETER and not complaints:
        complaints = lines[-1:]
    return complaints


def vrrpd_says(path: Path) -> list[str]:
    """vrrpd's errors about a file, those about its scripts included."""
    try:
        loaded = load(path, config_id=CONFIG_ID)
    except ConfigError as error:
        return [one.message for one in error.diagnostics if one.severity in ("error", "fatal")]
    _, findings, _ = secure(loaded.config, Accounts())
    errors = [one.message for one in loaded.diagnostics if one.severity == "error"]
    violation = VIOLATION.partition(" - ")[0]
    return errors + [one.text for one in findings if one.counts and violation not in one.text]


@contextmanager
def network(names: Sequence[str]) -> Iterator[Holder]:
    """A network namespace with these interfaces."""
    holder = Holder()
    try:
        furnish(holder, names)
        yield holder
    finally:
        holder.close()


def left_by(kind: str, path: Path, seconds: float) -> dict[str, set[str]]:
    """What is on a network of its own while the daemon runs there, line by line."""
    program = [KEEPALIVED] if kind == "keepalived" else [sys.executable, "-m", "vrrpd.cli"]
    with network(interfaces([text_of(path)])) as holder:
        before = look(holder)
        with tempfile.TemporaryDirectory() as room:
            options = ["-n", "-P", "-l", "-i", CONFIG_ID, "-f", str(path), "-p", f"{room}/pid"]
            command = holder.inside(*program, *options)
            process = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=ENVIRONMENT, cwd=path.parent,
            )  # fmt: skip
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                after = look(holder)
                process.send_signal(signal.SIGTERM)
                process.wait(HANGS)
            else:
                after = look(holder)
    return {what: after[what] ^ before[what] for what in SEEN}


def look(holder: Holder) -> dict[str, set[str]]:
    """The state of a network, without what differs from run to run."""
    found: dict[str, set[str]] = {}
    for what, command in SEEN.items():
        done = subprocess.run(
            holder.inside(*command), capture_output=True, text=True, timeout=HANGS, check=False
        )
        stays = (one for one in done.stdout.splitlines() if not PASSING.search(one))
        lines = (" ".join(NOISE.sub("", one).split()) for one in stays)
        found[what] = {one for one in lines if one}
    return found


def compared(holder: Holder, path: Path, seconds: float) -> Comparison:
    """Both daemons on one file."""
    left: list[str] = []
    if seconds:
        ours, theirs = (left_by(kind, path, seconds) for kind in ("vrrpd", "keepalived"))
        left = [
            f"{what}: only {who}: {line}"
            for what in SEEN
            for who, mine, other in (("vrrpd", ours, theirs), ("keepalived", theirs, ours))
            for line in sorted(mine[what] - other[what])
        ]
    return Comparison(path, keepalived_says(holder, path), vrrpd_says(path), tuple(left))


def report(found: Sequence[Comparison], ran: bool) -> int:
    """Print the table and the rest; the exit status."""
    table = Counter(name for one in found for name in one.classes())
    for name, number in table.most_common():
        print(f"{number:5}  {name}")
    rest = [one for one in found if UNEXPLAINED in one.classes()]
    for one in rest:
        known = KEEPALIVED_ONLY if one.theirs else VRRPD_ONLY
        who = "keepalived" if one.theirs else "vrrpd"
        said = [text for text in one.theirs or one.ours if name_of(known, text) == UNEXPLAINED]
        print(f"{one.path}: only {who} says: {said}")
    if ran:
        same = sum(not one.left for one in found)
        print(f"{same} of {len(found)} leave the same on the network")
        for one in found:
            print(
                *(f"{one.path}: {line}" for line in one.left), sep="\n", end="\n" * bool(one.left)
            )
    agree = table[AGREE]
    print(f"{len(found)} files: {agree} agree, {len(rest)} of the others are unexplained")
    return 1 if rest else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="compare", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--run", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args(argv)
    if not shutil.which(KEEPALIVED):
        parser.error(f"{KEEPALIVED} is not installed")
    paths = [path.resolve() for path in files(options.folders)]
    names = interfaces([text_of(path) for path in paths])
    workers = (os.cpu_count() or 1) * (4 if options.run else 1)  # who runs them mostly waits
    with network(names) as holder, ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(lambda path: compared(holder, path, options.run), paths))
    return report(found, bool(options.run))


if __name__ == "__main__":
    sys.exit(main())
