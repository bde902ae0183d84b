"""One lesson executed from its recording, with what its page can ask instead of what it would show.

    execute(path) -> [{"kind": "markdown", "text"}, {"kind": "code", "text", "tags", "outputs",
                      "failed"}, ...]

An output is {"kind": "text" | "html" | "figure" | "prediction" | "verdict" | "commit" | "quiz" |
"panel" | "check", ...}.  predict() takes no guess of the author's, commit() refuses nothing.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labs.browser.run import Run
from labs.browser.topologies import TOPOLOGIES
from labs.emulation import start_states
from labs.errors import LabError
from labs.model import fault_verbs, story

ASK = "application/vnd.vrrp-lab+json"
NETWORKS = {"ha_pair": "pair", "three_nodes": "three", "two_pairs": "pairs"}
LONGEST = 60.0  # s for what a start state waits for
QUIET = 2.0  # s of a cluster that has settled


def execute(lesson: Path) -> list[dict[str, Any]]:
    """Run every cell; needs LAB_MODE=replay, and a process of its own for each lesson."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell

    shown: list[dict[str, Any]] = []

    class Hook(DisplayHook):  # type: ignore[misc]  # IPython has no types
        """The last line of a cell goes where everything goes that a cell displays."""

        def write_output_prompt(self) -> None: ...

        def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
            shown.append(format_dict)

        def finish_displayhook(self) -> None:
            self._is_active = False

    _prepare()
    shell = InteractiveShell.instance(displayhook_class=Hook)
    shell.display_pub.publish = lambda data, *_args, **_options: shown.append(data)
    shell.run_line_magic("load_ext", "labs.jupyter.magics")
    cells: list[dict[str, Any]] = []
    for cell in json.loads(lesson.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "code":
            cells.append({"kind": "markdown", "text": text})
            continue
        shown.clear()
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            done = shell.run_cell(text, store_history=True)
        error = done.error_before_exec or done.error_in_exec
        outputs = [{"kind": "text", "text": said}] if (said := printed.getvalue()).strip() else []
        outputs += [_output(data) for data in shown]
        failed = f"{text.splitlines()[-1][:60]}: {type(error).__name__}: {error}" if error else ""
        tags = cell["metadata"].get("tags", [])
        cells.append(
            {"kind": "code", "text": text, "tags": tags, "outputs": outputs, "failed": failed}
        )
    return cells


def _output(data: dict[str, Any]) -> dict[str, Any]:
    if ASK in data:
        return dict(data[ASK])
    text = data.get("text/plain", "")
    if "image/png" in data:
        png = data["image/png"]
        if isinstance(png, bytes):
            png = base64.b64encode(png).decode()
        return {"kind": "figure", "png": png, "text": text}
    if "text/html" in data:
        return {"kind": "html", "html": data["text/html"]}
    return {"kind": "text", "text": text}


def _ask(kind: str, **data: Any) -> None:
    from IPython.display import display

    display({ASK: {"kind": kind, **data}}, raw=True)


def _prepare() -> None:
    """Have what a lesson asks describe itself."""
    import labs.lessons
    from labs.api.replay import ReplayLab
    from labs.lessons import challenges, experiment, predictions
    from labs.lessons.quiz import Quiz

    ask = predictions.predict

    def predict(question: str, guess: Any = None, **options: Any) -> predictions.Prediction:
        return ask(question, **options)

    def commit(*all_of: predictions.Prediction) -> None:
        _ask("commit", questions=[one.question for one in all_of])

    def asks(self: predictions.Prediction) -> None:
        _ask("prediction", question=self.question, unit=self.unit, choices=list(self.choices))

    def judges(self: predictions.Verdict) -> None:
        asked = self.prediction
        about = {"question": asked.question, "unit": asked.unit, "choices": list(asked.choices)}
        _ask("verdict", **about, measured=self.measured, because=self.because)

    def quizzes(self: Quiz) -> None:
        from labs.progress import memory

        _ask("quiz", lesson=memory.lesson)

    checked: dict[int, str] = {}
    check = challenges.check

    def checks(lab: Any, challenge: str) -> challenges.Report:
        report = check(lab, challenge)
        checked[id(report)] = challenge
        return report

    def reports(self: challenges.Report) -> None:
        shown = {"kind": "html", "html": self._repr_html_()}
        _ask("check", challenge=checked.get(id(self), ""), report=shown)

    for module in (labs.lessons, predictions, challenges, experiment):
        for name, made in (("predict", predict), ("commit", commit), ("check", checks)):
            if hasattr(module, name):
                setattr(module, name, made)
    shows: list[tuple[Any, Any]] = [
        (predictions.Prediction, asks),
        (predictions.Verdict, judges),
        (Quiz, quizzes),
        (challenges.Report, reports),
    ]
    for kind, show in shows:
        kind._ipython_display_ = show
    lab_class: Any = ReplayLab
    lab_class.bench = lambda lab: _Panel(lab)


class _Panel:
    """lab.bench(): the cluster that a tab can play, or the recording where it cannot."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def _ipython_display_(self) -> None:
        from labs.api.panel_widget import recorded

        lab = self.lab
        opened = opening(lab.state, lab._run.done(lab._count))
        _ask("panel", opening=opened, run=None if opened else recorded(lab.timeline()))


def opening(state: str, deeds: list[list[Any]]) -> dict[str, Any] | None:
    """What `labs.browser.player.start` takes for a start state and what was done since.

    None if the simulation cannot bear it: another network, a host without a daemon, shell commands.
    """
    start = start_states.read(state)
    network = NETWORKS.get(start.topology, "")
    if network not in TOPOLOGIES or start.watch:
        return None
    files = {}
    for host in TOPOLOGIES[network].hosts:
        found = [start_states.STATES / one / host / "keepalived.conf" for one in start.sources]
        present = [path for path in found if path.exists()]
        if not present:
            return None
        files[host] = present[-1].read_text(encoding="utf-8")
    run = Run(network, files, [])
    try:
        for _, step in start.steps:
            _play(run, step.verb, step.words)
        for verb, *words in deeds:
            _play(run, verb, [str(word) for word in words])
    except LabError:
        return None
    _settle(run)
    rows = [one.row() for one in run.actions]
    return {"topology": network, "files": files, "actions": rows, "moment": run.now / 1000}


def _play(run: Run, verb: str, words: Any) -> None:
    if verb == "settle":
        _settle(run)
    elif verb == "wait":
        _until(run, lambda: story.holds(run.lan, words))
    elif verb in fault_verbs.simulated() or verb == "conf":
        run.act(verb, words)
    else:
        raise LabError(f"{verb} cannot be done in a simulation")


def _settle(run: Run) -> None:
    _until(run, lambda: len(run.lan.holders()) == 1)
    run.to(run.now / 1000 + QUIET)


def _until(run: Run, condition: Callable[[], bool]) -> None:
    """Play until it is so.  Raises LabError after LONGEST."""
    end = run.now / 1000 + LONGEST
    while not condition():
        if run.now / 1000 >= end:
            raise LabError("it did not become so in the simulation")
        run.to(run.now / 1000 + 0.1)
