"""`labs`: the lab on the command line.

    labs doctor                   what this machine lacks, with the remedy
    labs run failover             pull the cable and plug it again; prints and draws the timeline
    labs run FILE --simulated     a scenario file, in memory (without --simulated: on a real lab)
    labs cli                      Mininet's prompt on a running cluster
    labs watch                    a running lab on this terminal, live, with keys to pull its cables
    labs capture web1 | wireshark -k -i -
                                  every frame at its interface, as it passes
    labs ps                       the labs that are running
    labs terminal HOST            a shell on a host, which follows the lab of the lesson in front
    labs notebook                 the lessons in JupyterLab, the learner's own copies
    labs learner build/learner    those copies in another folder
    labs report class/*           what learners predicted, tried and answered, as CSV
    labs grade canvas class/*     what that is worth, for Canvas, Moodle, nbgrader and others
    labs exam new final.exam      an exam with numbers of each learner's own, in a time window
    labs wall class               where a class stands, a page that renews itself
    labs class --users 40         a class on this machine: a JupyterHub, until Ctrl-C
    labs new lesson gateways      every file of a new lesson, in a checkout
    labs check lesson 21          what `make test` runs on it, and what is not written yet
    labs exec -- COMMAND          anything, inside a lab's namespaces

What needs namespaces of its own starts itself again inside them; nothing here needs root.
Exit status: 0 done, 1 the command failed, 2 it cannot be done here, 130 after Ctrl-C, 141 if its
reader has left (`labs ps | head -0`); but for the last, the last line on standard error says why.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from labs.cli import author, exam, grade
from labs.errors import LabError
from labs.sandbox import namespaces
from labs.shared_files import make_or
from vrrpd.command import ended


def main(argv: list[str] | None = None) -> int:
    """The entry point of the program `labs`; returns its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    return ended("labs", lambda: _main(words))


def _main(words: list[str]) -> int:
    options = _parsed(words)
    simulated = getattr(options, "simulated", False)
    try:
        if before := getattr(options, "before", None):
            before(options)
        if options.inside and not simulated and not namespaces.inside():
            _require_folder()
            return namespaces.main(["--", sys.executable, "-m", "labs.cli.main", *words])
        return int(options.action(options) or 0)
    except LabError as error:
        print(f"labs: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "labs", "vrrpd", "topologies"):
            raise
        remedy = make_or("setup", f"pip install {package}")
        print(f"labs: the Python package {package} is missing: `{remedy}`", file=sys.stderr)
    return 2


def _parsed(words: list[str]) -> argparse.Namespace:
    """The command line, read; argparse would refuse `terminal HOST --lab 5 -- COMMAND`."""
    if words[:1] != ["terminal"] or "--" not in words:
        return _parser().parse_args(words)
    end = words.index("--")
    options = _parser().parse_args(words[:end])
    options.command += words[end + 1 :]
    return options


def _require_folder() -> None:
    """LabError if the current folder has been removed: no program could be started in it."""
    try:
        os.getcwd()
    except OSError as error:
        raise LabError(f"the current folder is gone ({error.strerror}): cd to another") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="labs", description="A VRRP cluster on this machine, in namespaces of its own."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, action: object, text: str, inside: bool = False) -> _Parser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(action=action, inside=inside)
        return made

    command("doctor", _doctor, "Say what this machine lacks for a lab, with the remedy.")
    run = command("run", _run, "Run a scenario and print what the observers saw.", inside=True)
    run.add_argument("scenario", help="`failover` (the master's cable), or a scenario file")
    run.add_argument("--simulated", action="store_true", help="in memory, in virtual time")
    run.add_argument(
        "--figure",
        type=Path,
        metavar="FILE",
        default=Path("failover.png"),
        help="where to draw the timeline: .png, .svg or .pdf (default: %(default)s)",
    )
    run.add_argument("--json", type=Path, metavar="FILE", help="save the facts as JSON lines")
    run.set_defaults(before=_check_run)
    _choose_daemon(run)
    cli = command("cli", _cli, "Mininet's prompt on a running cluster.", inside=True)
    cli.add_argument("--state", default="basic", help="the start state (default: %(default)s)")
    _choose_daemon(cli)
    _on_running_labs(command)
    _lesson_commands(command)
    report = command("report", _report, "What learners predicted, tried and answered, as CSV.")
    report.add_argument(
        "folders",
        type=Path,
        nargs="*",
        metavar="FOLDER",
        help="of a learner, whose name it has; default: your own, $LAB_WORK or ~/vrrp-lab",
    )
    grades = command("grade", grade.run, "Grades for Canvas, Moodle, nbgrader and others.")
    grade.add_arguments(grades)
    exam.add_arguments(command("exam", exam.run, "An exam: make it, hand it out, see the results."))
    _class_commands(command)
    command("kernelspec", _kernelspec, "Make the kernel 'VRRP Lab' known to this venv's Jupyter.")
    execute = command("exec", _exec, "Run a command inside a lab's namespaces.")
    execute.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    return parser


_Parser = argparse.ArgumentParser


def _on_running_labs(command: Callable[[str, object, str], _Parser]) -> None:
    """The commands that look into a lab that another program runs."""
    shell = command("terminal", _terminal, "A shell, or a command, on a host of a running lab.")
    shell.add_argument("host", help="web1, web2 or client")
    shell.add_argument("command", nargs="*", help="what to run instead of a shell, after --")
    shell.add_argument(
        "--lab", type=int, metavar="PID", help="which lab; default for a shell: the one used last"
    )
    shell.add_argument("--server", type=int, metavar="PID", help=argparse.SUPPRESS)
    watch = command("watch", _watch, "Watch a running lab, and pull its cables with keys.")
    watch.add_argument("--lab", type=int, metavar="PID", help="which lab, if several are running")
    capture = command(
        "capture", _capture, "Every frame at a host's interface, as pcapng into a pipe."
    )
    capture.add_argument("host", help="web1, web2 or client")
    capture.add_argument("--interface", default="eth0", help="default: %(default)s")
    capture.add_argument("--lab", type=int, metavar="PID", help="which lab, if several are running")
    command("ps", _ps, "List the labs that are running.")


def _lesson_commands(command: Callable[[str, object, str], _Parser]) -> None:
    """The commands that serve the lessons, copy them and make new ones."""
    notebook = command("notebook", _notebook, "Serve the lessons in JupyterLab until Ctrl-C.")
    notebook.add_argument("--port", type=_port, default=8888, help="default: %(default)s")
    notebook.add_argument("--no-browser", action="store_true", help="only print the address")
    notebook.add_argument("--source", action="store_true", help="the solved lessons, to edit them")
    workbooks = command("learner", _learner, "Put the learner's copies of the lessons in a folder.")
    workbooks.add_argument("folder", type=Path, help="edited copies in it are kept")
    author.add_arguments(command("new", author.new, "Make the files of a new lesson."))
    text = "Run the tests of a lesson, and list what is not written yet."
    author.add_arguments(command("check", author.check, text), check=True)


def _class_commands(command: Callable[[str, object, str], _Parser]) -> None:
    """The commands for a teacher with a class."""
    wall = command("wall", _wall, "Show where a class stands, on a page that renews itself.")
    wall.add_argument(
        "folders", type=Path, nargs="+", metavar="FOLDER", help="of a learner, or of a class"
    )
    wall.add_argument("--port", type=_port, default=8060, help="default: %(default)s")
    text = "Serve a class on this machine, a JupyterHub, until Ctrl-C."
    evening = command("class", _class, text)
    evening.add_argument("--users", type=_count, default=40, help="learners; default: %(default)s")
    evening.add_argument(
        "--ip", default="127.0.0.1", help="default: %(default)s; 0.0.0.0: for others, too"
    )
    evening.add_argument("--port", type=_port, default=8000, help="default: %(default)s")
    evening.add_argument(
        "--folder",
        type=Path,
        help="default: $LAB_CLASS or ~/vrrp-lab-class, as root /srv/vrrp-lab-class",
    )
    evening.add_argument("--certificate", type=Path, metavar="PEM", help="for TLS, with --key")
    evening.add_argument("--key", type=Path, metavar="PEM", help="the key of the certificate")


def _choose_daemon(parser: _Parser) -> None:
    parser.add_argument(
        "--daemon", choices=["vrrpd", "keepalived"], help="default: $LAB_DAEMON or vrrpd"
    )


def _port(word: str) -> int:
    """A TCP port; argparse reports the ValueError."""
    number = int(word)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"not a port from 1 to 65535: {number}")
    return number


def _count(word: str) -> int:
    """How many learners; argparse reports the ValueError."""
    number = int(word)
    if not 0 < number <= 10_000:
        raise argparse.ArgumentTypeError(f"not a number of learners from 1 to 10000: {number}")
    return number


def _check_run(options: argparse.Namespace) -> None:
    """LabError for what would fail after the scenario has been played."""
    from labs.cli.output_files import require_writable
    from labs.scenarios import model

    model.load(options.scenario)
    figure = options.figure
    if figure.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise LabError(f"--figure {figure}: unknown kind of picture: .png, .svg or .pdf")
    require_writable(figure, "--figure FILE")
    if options.json:
        require_writable(options.json, "--json FILE")


def _doctor(_options: argparse.Namespace) -> int:
    from labs.cli import doctor

    return doctor.main([])


def _run(options: argparse.Namespace) -> None:
    from labs.figures import plot  # its package gives every Timeline its figure and its text
    from labs.scenarios.runner import run_story, table

    timeline = run_story(options.scenario, options.simulated, options.daemon)
    print(timeline.text())
    print(f"\n{table(timeline)}\n")
    if options.json:
        timeline.save(options.json)
        print(f"facts:  {options.json}")
    plot.save(timeline.figure(), options.figure)
    print(f"figure: {options.figure}")


def _cli(options: argparse.Namespace) -> None:
    from labs.api.lab import Lab
    from labs.emulation.mininet_prompt import interact

    with Lab(options.state, daemon=options.daemon) as lab:
        if sys.stdin.isatty():
            print(f"{lab}\n`help` lists the commands; `exit` or Ctrl-D ends the lab.")
        interact(lab)


def _terminal(options: argparse.Namespace) -> int:
    from labs.emulation import discovery

    if not options.command and sys.stdin.isatty():
        from labs.cli.terminal import terminal

        return terminal(options.host, options.lab, options.server)
    lab = discovery.choose(discovery.find(), options.lab)
    command = discovery.shell(lab, options.host, options.command or ["bash"])
    sys.stdout.flush()
    os.execvp(command[0], command)


def _capture(options: argparse.Namespace) -> None:
    from labs.emulation import discovery

    if sys.stdout.isatty():
        raise LabError(f"frames are no text: labs capture {options.host} | wireshark -k -i -")
    lab = discovery.choose(discovery.find(), options.lab)
    command = discovery.capture(lab, options.host, options.interface)
    os.execvp(command[0], command)


def _watch(options: argparse.Namespace) -> None:
    from labs.cli.watch_app import watch
    from labs.emulation import discovery

    watch(discovery.choose(discovery.find(), options.lab))


def _ps(_options: argparse.Namespace) -> None:
    from labs.emulation import discovery

    labs = discovery.find()
    print(f"{'PID':>7} {'AGE':>8}  {'STATE':<10} HOSTS" if labs else "no lab is running")
    for lab in labs:
        minutes, seconds = divmod(int(lab.age), 60)
        notes = {name: [lab.daemons[name]] if name in lab.daemons else [] for name in lab.hosts}
        for name in lab.down:
            notes[name].append("down")
        hosts = ", ".join(
            f"{name} ({', '.join(said)})" if said else name for name, said in notes.items()
        )
        print(f"{lab.pid:>7} {minutes:>5}:{seconds:02}  {lab.state:<10} {hosts}")


def _notebook(options: argparse.Namespace) -> None:
    from labs.jupyter.server import serve

    browser = False if options.no_browser else None
    serve(options.port, browser=browser, source=options.source)


def _learner(options: argparse.Namespace) -> None:
    from labs.jupyter import workbooks

    for line in workbooks.hand_out(options.folder):
        print(line)
    print(f"the lessons are in {options.folder}")


def _report(options: argparse.Namespace) -> None:
    from labs.jupyter import gradebook, workbooks

    found = gradebook.learners(options.folders)
    own = [(os.environ.get("USER", "learner"), workbooks.folder())]
    gradebook.write(found or own, sys.stdout, _warn)


def _warn(sentence: str) -> None:
    print(f"labs: {sentence}", file=sys.stderr)


def _class(options: argparse.Namespace) -> int:
    from labs.jupyter import trial

    return trial.serve(
        trial.Options(
            folder=(options.folder or trial.folder()).absolute(),
            users=options.users,
            ip=options.ip,
            port=options.port,
            certificate=options.certificate and options.certificate.absolute(),
            key=options.key and options.key.absolute(),
        )
    )


def _wall(options: argparse.Namespace) -> None:
    from labs.wall import service

    service.serve(options.folders, options.port)


def _kernelspec(_options: argparse.Namespace) -> None:
    from labs.jupyter.kernel import install

    print(install())


def _exec(options: argparse.Namespace) -> int:
    return namespaces.main(["--", *options.command])


if __name__ == "__main__":
    sys.exit(main())
