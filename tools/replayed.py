"""One lesson executed from its recording, with what its page can ask instead of what it would show.

    execute(path) -> [{"kind": "markdown", "text"}, {"kind": "code", "text", "tags", "outputs",
                      "failed"}, ...]

An output is {"kind": "text" | "html" | "prediction" | "verdict" | "commit" | "quiz" |
"panel" | "check", ...}.  predict() takes no guess of the author's, commit() refuses nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from tools.openings import opening

ASK = "application/vnd.vrrp-lab+json"


def execute(lesson: Path) -> list[dict[str, Any]]:
    """Run every cell; needs LAB_MODE=replay, and a process of its own for each lesson."""
    shown: list[dict[str, Any]] = []
    shell = _shell(shown)
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
        lines = printed.getvalue()
        outputs = [{"kind": "text", "text": lines}] if lines.strip() else []
        outputs += [_output(data) for data in shown]
        failed = f"{text.splitlines()[-1][:60]}: {type(error).__name__}: {error}" if error else ""
        tags = cell["metadata"].get("tags", [])
        about = {"kind": "code", "text": text, "tags": tags}
        cells.append({**about, "outputs": outputs, "failed": failed})
    return cells


def _shell(shown: list[dict[str, Any]]) -> Any:
    """An IPython in which whatever a cell displays is added to `shown`."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell

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
    return shell


def _output(data: dict[str, Any]) -> dict[str, Any]:
    if ASK in data:
        return dict(data[ASK])
    text = data.get("text/plain", "")
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

    ask, check = predictions.predict, challenges.check
    challenge_of: dict[int, str] = {}

    def predict(question: str, guess: Any = None, **options: Any) -> predictions.Prediction:
        return ask(question, **options)

    def commit(*all_of: predictions.Prediction) -> None:
        _ask("commit", questions=[one.text for one in all_of])

    def noted(lab: Any, challenge: str) -> challenges.Report:
        report = check(lab, challenge)
        challenge_of[id(report)] = challenge
        return report

    def show_report(report: challenges.Report) -> None:
        shown = {"kind": "html", "html": report._repr_html_()}
        _ask("check", challenge=challenge_of.get(id(report), ""), report=shown)

    for module in (labs.lessons, predictions, challenges, experiment):
        for name, made in (("predict", predict), ("commit", commit), ("check", noted)):
            if hasattr(module, name):
                setattr(module, name, made)
    ways: list[tuple[Any, Any]] = [
        (predictions.Prediction, _show_prediction),
        (predictions.Verdict, _show_verdict),
        (Quiz, _show_quiz),
        (challenges.Report, show_report),
    ]
    for kind, show in ways:
        kind._ipython_display_ = show
    lab_class: Any = ReplayLab
    lab_class.bench = lambda lab: _Panel(lab)


def _show_prediction(asked: Any) -> None:
    about = {"question": asked.text, "unit": asked.unit, "choices": list(asked.choices)}
    _ask("prediction", **about, ordered=asked.ordered)


def _show_verdict(verdict: Any) -> None:
    asked = verdict.prediction
    about = {"question": asked.text, "unit": asked.unit, "choices": list(asked.choices)}
    chance = {"spread": verdict.spread, "between": verdict.between}
    _ask("verdict", **about, measured=verdict.measured, because=verdict.because, **chance)


def _show_quiz(_quiz: Any) -> None:
    from labs.progress import memory

    _ask("quiz", lesson=memory.lesson)


class _Panel:
    """lab.bench(): the cluster that a tab can play, or the recording where it cannot."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def _ipython_display_(self) -> None:
        from labs.api.panel_widget import recorded

        lab = self.lab
        opened = opening(lab.state, lab.deeds())
        _ask("panel", opening=opened, run=None if opened else recorded(lab.timeline()))
