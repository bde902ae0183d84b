"""Both daemons on a folder of configurations: do they agree, and if not, is it a known class?

    python -m labs.sandbox.namespaces -- python -m tests.interop.compare FOLDER ...
    python -m labs.sandbox.namespaces -- python -m tests.interop.compare --run 6 FOLDER ...

The verdict is that of `-t`, as `disagreements.py` defines it.  With `--run` both daemons also run,
each in a network of its own (`traces.py`), and what they do there is compared: addresses, routes,
rules, packet filters, the fields of all advertisements, and the addresses that are announced, while
they run and after they were stopped.  The seconds are those after which a difference counts.

Prints what no class explains as it is found, and the number of files of each class; exit status 1
if something is not explained.
A file is what has a block of keepalived's VRRP side in it, whatever its name.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.interop.disagreements import KEEPALIVED_ONLY, LEFT, REMARKS, VRRPD_ONLY, Disagreement
from tests.interop.segment import KEEPALIVED, Holder
from tests.interop.traces import CONFIG_ID, differences, network
from tests.support import HUNG_S
from vrrpd.config import ConfigError, load
from vrrpd.config.model import Instance
from vrrpd.linux.accounts import Accounts
from vrrpd.script_security import VIOLATION, secure

BLOCK = re.compile(r"^\s*(vrrp_instance|vrrp_sync_group|vrrp_script|static_ipaddress)\b", re.M)
NAMED = re.compile(r"\b(?:interface|dev|default_interface)\s+([A-Za-z][\w.:-]{0,14})(?=\s|$)")
VMAC = re.compile(r"\buse_(?:vmac|ipvlan)\s+([A-Za-z][\w.:-]{0,14})(?=\s|$)")
PLACE = re.compile(r"^\((\S+: )?Line \d+\) ")
MISSING_PARAMETER = 2  # keepalived ends at once, with this status
HANGS = 20  # seconds of processor time; `-t` takes a hundredth of one
LARGEST = 1 << 20  # bytes; larger files are no configurations
MOST_INTERFACES = 400
AGREE, CRASHED, UNEXPLAINED = "agree", "keepalived crashed or hung", "unexplained"


@dataclass(frozen=True)
class Comparison:
    """One file: what each daemon complains of (None: it crashed or hung), and what was left."""

    path: Path
    theirs: list[str] | None
    ours: list[str]
    left: tuple[str, ...] = ()
    logs: str = ""

    def classes(self) -> list[str]:
        """The classes of disagreement that apply, or AGREE, CRASHED, UNEXPLAINED."""
        if self.theirs is None:
            return [CRASHED]
        if bool(self.theirs) == bool(self.ours):
            return [AGREE]
        known = KEEPALIVED_ONLY if self.theirs else VRRPD_ONLY
        text = text_of(self.path) if self.path.exists() else ""
        return sorted({name_of(known, one, text) for one in self.theirs or self.ours})

    def left_by_class(self) -> dict[str, list[str]]:
        """What only one daemon has done, by the class that explains it, or UNEXPLAINED."""
        found: dict[str, list[str]] = {}
        seen = "\n".join([self.logs, *self.ours, *(self.theirs or ())])
        for line in self.left:
            name = next((one.name for one in LEFT if one.explains(seen, line)), UNEXPLAINED)
            found.setdefault(name, []).append(line)
        return found


def name_of(known: Iterable[Disagreement], message: str, text: str) -> str:
    """The class of a message about a file with this text."""
    return next((one.name for one in known if one.explains("", message, text)), UNEXPLAINED)


def instances(path: Path) -> tuple[Instance, ...]:
    """The virtual routers that a file starts; none of a file that is refused."""
    try:
        return load(path, config_id=CONFIG_ID).config.instances
    except ConfigError:
        return ()


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


def keepalived_errors(holder: Holder, path: Path) -> list[str] | None:
    """keepalived's complaints about a file, remarks left out; None if it crashed or hung."""
    command = [KEEPALIVED, "-t", "-i", CONFIG_ID, "-f", str(path)]
    # Into a file: a child that outlives a crash would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        # The kernel kills what needs more than that, however long a busy machine makes it wait.
        done = subprocess.run(
            holder.inside("prlimit", f"--cpu={HANGS}", *command),
            stdout=output, stderr=output, cwd=path.parent, timeout=HUNG_S,
        )  # fmt: skip
        if done.returncode < 0 or done.returncode > 128:
            return None
        output.seek(0)
        said = output.read().decode(errors="replace")
    lines = [PLACE.sub("", one) for one in said.splitlines()]
    complaints = [one for one in lines if one.strip() and not REMARKS.search(one)]
    if done.returncode == MISSING_PARAMETER and not complaints:
        complaints = lines[-1:]
    return complaints


def vrrpd_errors(path: Path) -> list[str]:
    """vrrpd's errors about a file, those about its scripts included."""
    try:
        loaded = load(path, config_id=CONFIG_ID)
    except ConfigError as error:
        return [one.message for one in error.diagnostics if one.severity in ("error", "fatal")]
    _, findings, _ = secure(loaded.config, Accounts())
    errors = [one.message for one in loaded.diagnostics if one.severity == "error"]
    violation = VIOLATION.partition(" - ")[0]
    return errors + [one.text for one in findings if one.counts and violation not in one.text]


def compared(holder: Holder, path: Path, seconds: float) -> Comparison:
    """Both daemons on one file."""
    left: list[str] = []
    logs = ""
    if seconds:
        try:
            left, logs = differences(path, interfaces([text_of(path)]), instances(path), seconds)
        except (OSError, subprocess.SubprocessError) as error:
            left = [f"cannot be compared: {error}"]
    said = keepalived_errors(holder, path), vrrpd_errors(path)
    return Comparison(path, *said, tuple(left), logs)


def report(found: Sequence[Comparison], ran: bool) -> int:
    """Print the tables and the rest; the exit status."""
    table = Counter(name for one in found for name in one.classes())
    for name, number in table.most_common():
        print(f"{number:5}  {name}")
    rest = [one for one in found if UNEXPLAINED in one.classes()]
    for one in rest:
        print(f"{one.path}: only one says: {one.theirs or one.ours}")
    agree, riddles = table[AGREE], 0
    if ran:
        sorts = Counter(name for one in found for name in one.left_by_class())
        riddles = sorts[UNEXPLAINED]
        print(f"{sum(not one.left for one in found)} of {len(found)} do the same on the network")
        for name, number in sorts.most_common():
            print(f"{number:5}  {name}")
    print(f"{len(found)} files: {agree} agree, {len(rest) + riddles} of the others are unexplained")
    return 1 if rest or riddles else 0


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
        found = []
        for one in pool.map(lambda path: compared(holder, path, options.run), paths):
            found.append(one)
            for line in one.left_by_class().get(UNEXPLAINED, ()):
                print(f"{one.path}: {line}", flush=True)
    return report(found, bool(options.run))


if __name__ == "__main__":
    sys.exit(main())
