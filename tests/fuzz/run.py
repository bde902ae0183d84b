"""Coverage-guided fuzzing with atheris (libFuzzer for Python): `make fuzz SECONDS=60`.

    tests/data/corpus/TARGET ──> libFuzzer ──> build/fuzz/found/TARGET   worth keeping
                                     └───────> build/fuzz/TARGET-crash-*  findings

    python -m tests.fuzz.run SECONDS [TARGET...]     all targets share the time
    python -m tests.fuzz.run --one TARGET FILE       give one file to a target, to see the finding
    python -m tests.fuzz.corpus build/fuzz/found     take what was found into the corpus

Each target has a process of its own, because libFuzzer ends the process with the first finding.
The exit status is 0 only if there was none.  atheris is in requirements-fuzz.lock, because only
this needs it and not every Python has a wheel; `make fuzz` installs it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "fuzz"
TARGETS = ("packet", "config", "request")
LONGEST = {"packet": 1500, "config": 4096, "request": 4096}
SLOW = 10  # seconds for one input are a finding
MEMORY = 1024  # megabytes are one, too


def fuzz(target: str, seconds: int) -> None:
    """Search in this process; ends it."""
    import atheris

    with atheris.instrument_imports(include=["vrrpd"]):
        from tests.fuzz.corpus import CORPUS
        from tests.fuzz.targets import TARGETS as functions

    found = BUILD / "found" / target
    found.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST[target]}",
        f"-timeout={SLOW}",
        f"-rss_limit_mb={MEMORY}",
        f"-artifact_prefix={BUILD}/{target}-",
        "-print_final_stats=1",
    ]
    folders = [str(found), str(CORPUS / target)]  # new inputs go into the first
    atheris.Setup([sys.argv[0], *options, *folders], functions[target])
    atheris.Fuzz()


def search(targets: list[str], seconds: int) -> int:
    """Give every target its share of the time; the exit status."""
    status = 0
    for target in targets:
        began = time.monotonic()
        share = max(1, seconds // len(targets))
        print(f"── {target} for {share} s " + "─" * 50, flush=True)
        command = [sys.executable, "-m", "tests.fuzz.run", "--target", target, str(share)]
        done = subprocess.run(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        lines = done.stderr.splitlines()
        told = [line for line in lines if line.startswith(("stat::number", "stat::new"))]
        print("\n".join(told if done.returncode == 0 else lines[-40:]))
        verdict = "no finding" if done.returncode == 0 else "A FINDING: see above"
        print(f"{target}: {verdict} in {time.monotonic() - began:.0f} s", flush=True)
        status = status or done.returncode
    return 1 if status else 0


def main() -> int:
    """Read the command line; see the top of this file."""
    parser = argparse.ArgumentParser(description="fuzz vrrpd's readers of foreign bytes")
    parser.add_argument("seconds", type=int, nargs="?", default=60)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--target", choices=TARGETS, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=2, metavar=("TARGET", "FILE"), help="try one input")
    options = parser.parse_args()
    if options.one:
        from tests.fuzz.targets import TARGETS as functions

        functions[options.one[0]](Path(options.one[1]).read_bytes())
        return 0
    if options.target:
        fuzz(options.target, options.seconds)
        return 0
    return search(options.targets or list(TARGETS), options.seconds)


if __name__ == "__main__":
    sys.exit(main())
