"""What every lesson has in common, read from the files: short cells, a question first, predictions
before the run, challenges, a quiz, words in both languages, no stored outputs."""

from __future__ import annotations

import ast
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from labs.emulation.lab import Lab
from labs.lessons import course
from tests.notebooks.lessons import (
    LESSONS,
    Cell,
    answers_to,
    checked,
    name,
    number,
    of_kind,
    read,
    tagged,
    where,
)
from tools.predictions import asked

# At 1600 pixels, with the terminals beside the lesson, JupyterLab shows about so many columns.
MAX_COLUMNS = 75
MAX_CELLS, MAX_LINES, MAX_WORDS, MAX_MINUTES = 55, 8, 100, 45
# The last lesson has six tickets.
EXAM, EXAM_MINUTES = 21, 60
BRIDGE = "### On your own servers"
# What a section does that a learner could do on a real server, too.
ACTS = re.compile(r"^%%(?:experiment|on|conf)\b", re.M)
KIT_FOR_COMMAND = re.compile(r"\blab\.(?:conf|start|stop|reload|run|log)\(|\bchange\(")
# What has no command on a server: cables, paths, waiting, looking.
CABLES = re.compile(
    r"lab\.(?:plug|unplug|cut|mend|loss|settle|holders|bench)\([^()]*\)|lab = Lab\([^()]*\)"
)
LEAST_PROSE, MOST_PROSE = 0.35, 0.65
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# Written in pieces, or this project's own rules would find it here.
SLEEP = re.compile(r"\bsle" + r"ep\b")
# What a cell does to, or wants of, a running lab.
TOUCHES = re.compile(r"\blab\.\w|\(lab\b|^%%(?:on|conf)|^%mn", re.M)
STARTS = re.compile(r"^(?:\w+, )?lab\b.* = |\b(?:Lab|Lan|Pairs)\(", re.M)

pytestmark = pytest.mark.parametrize("lesson", LESSONS, ids=name)


def prose_length(text: str) -> int:
    """Words of running prose; tables, headings, quotations, folded answers and links are not."""
    lines = [line for line in text.splitlines() if not re.match(r"[|#>\[]|<details>|.*</det", line)]
    return len(" ".join(lines).split())


def lines(text: str) -> int:
    """Lines that are not empty; a command that backslashes wrap is one."""
    return len([line for line in text.replace("\\\n", "").splitlines() if line.strip()])


def code(lesson: Path) -> list[Cell]:
    return of_kind(read(lesson), "code")


def prose(lesson: Path) -> list[Cell]:
    return of_kind(read(lesson), "markdown")


def calls(lesson: Path, function: str) -> list[tuple[int, ast.Call, Cell]]:
    """Every call of `function`: the number of its code cell, the call and the cell."""
    found = []
    for position, cell in enumerate(code(lesson)):
        if function not in cell["text"] or cell["text"].startswith("%"):
            continue
        for node in ast.walk(ast.parse(cell["text"])):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
                if called == function or getattr(called, "id", None) == function:
                    found.append((position, node, cell))
    return found


# --- size ----------------------------------------------------------------------------------------


def test_code_cells_are_short(lesson: Path) -> None:
    """A configuration file has the length that it has."""
    long = [
        f"{where(lesson, cell)}: {lines(cell['text'])} lines, {MAX_LINES} are allowed"
        for cell in code(lesson)
        if not cell["text"].startswith("%%conf") and not tagged(cell, "solution")
        if lines(cell["text"]) > MAX_LINES
    ]
    assert not long, "\n".join(long)


def test_no_line_of_code_is_cut_beside_the_terminals(lesson: Path) -> None:
    """Shell commands and files, too; a backslash at the end of a line wraps a command.

    A solution is folded, and no learner's copy has it.
    """
    cut = [
        f"{where(lesson, cell)}: {len(line)} columns: {line}"
        for cell in code(lesson)
        if not tagged(cell, "solution")
        for line in cell["text"].splitlines()
        if len(line) > MAX_COLUMNS
    ]
    assert not cut, "\n".join(cut)


def test_text_cells_are_short(lesson: Path) -> None:
    long = [
        f"{where(lesson, cell)}: {prose_length(cell['text'])} words, {MAX_WORDS} are allowed"
        for cell in prose(lesson)
        if prose_length(cell["text"]) > MAX_WORDS
    ]
    assert not long, "\n".join(long)


def test_cells_are_few_and_about_half_of_them_prose(lesson: Path) -> None:
    cells = [cell for cell in read(lesson) if not tagged(cell, "solution")]
    share = len(prose(lesson)) / len(cells)
    assert len(cells) <= MAX_CELLS, f"{len(cells)} cells"
    assert LEAST_PROSE <= share <= MOST_PROSE, f"{share:.0%} of {len(cells)} cells are prose"


def test_nothing_sleeps(lesson: Path) -> None:
    found = [where(lesson, cell) for cell in code(lesson) if SLEEP.search(cell["text"])]
    assert not found, "wait for a condition instead: " + "\n".join(found)


# --- files and names -----------------------------------------------------------------------------


def test_it_is_stored_without_outputs_for_our_kernel(lesson: Path) -> None:
    whole = json.loads(lesson.read_text())
    assert whole["metadata"]["kernelspec"]["name"] == "vrrp-lab"
    dirty = [
        where(lesson, c) for c in code(lesson) if c["outputs"] or c["execution_count"] is not None
    ]
    assert not dirty, "\n".join(dirty)


def test_every_cell_has_a_name_that_shows_what_it_is(lesson: Path) -> None:
    ids = [cell["id"] for cell in read(lesson)]
    assert len(set(ids)) == len(ids), sorted(i for i in ids if ids.count(i) > 1)
    dull = re.compile(r"(cell|code|markdown|text|md|c|m)?-?\d*|[0-9a-f]{8}(-.*)?")
    telling = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
    assert [i for i in ids if dull.fullmatch(i) or not telling.fullmatch(i)] == []


def test_its_links_lead_to_other_lessons_or_to_the_web(lesson: Path) -> None:
    """A learner's copy lies in a folder of its own, where nothing else of the repository is."""
    text = "\n".join(cell["text"] for cell in prose(lesson))
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert "/" not in link, f"{link} is not in the learner's folder"
        assert (lesson.parent / link).exists(), f"{link} does not exist"


def test_the_verbs_that_the_prose_names_exist(lesson: Path) -> None:
    text = "\n".join(cell["text"] for cell in prose(lesson))
    named = set(re.findall(r"`lab\.(\w+)", text))
    made = {"net", "hosts", "servers", "witness", "daemons", "directory", "state", "watch", "bench"}
    assert sorted(verb for verb in named - made if not hasattr(Lab, verb)) == []


# --- the loop ------------------------------------------------------------------------------------


def test_it_opens_with_a_title_and_a_question(lesson: Path) -> None:
    title, _, rest = read(lesson)[0]["text"].partition("\n")
    assert re.match(rf"# {lesson.stem[:2]} ", title), f"the title is {title!r}"
    assert re.search(r"^\*.*\?\*$", rest, re.M), "no question in italics below the title"


def test_its_first_code_cell_begins_the_lesson(lesson: Path) -> None:
    (begin, *others) = calls(lesson, "begin")
    assert others == []
    position, call, _ = begin
    assert position == 0
    assert ast.unparse(call) == f"begin('{lesson.stem}')"


def test_its_module_agrees_with_the_notebook(lesson: Path) -> None:
    about = course.lesson(lesson.stem)
    title = read(lesson)[0]["text"].partition("\n")[0]
    assert title == f"# {lesson.stem[:2]} {about.title}", "TITLE of the module is another"
    assert about.question.endswith("?")
    most = EXAM_MINUTES if number(lesson) == EXAM else MAX_MINUTES
    assert 5 <= about.minutes <= most


def test_everything_predicted_has_a_guess_is_committed_and_judged_in_this_order(
    lesson: Path,
) -> None:
    asked = calls(lesson, "predict")
    assert asked or number(lesson) in {0, EXAM}, "nothing is predicted"
    for position, call, cell in asked:
        told = where(lesson, cell)
        assert any(keyword.arg == "guess" for keyword in call.keywords), f"{told}: no guess="
        target = re.search(r"^(\w+) = predict\(", cell["text"], re.M)
        assert target, f"{told}: a prediction needs a name"
        variable = target.group(1)
        question = ast.literal_eval(call.args[0]) if isinstance(call.args[0], ast.Constant) else ""
        done = [n for n, c in enumerate(code(lesson)) if question in answers_to(lesson, c["text"])]
        if done:  # an experiment asks for the answer, and judges it
            assert position < min(done), f"{told}: predict, then the experiment"
            continue
        committed = [
            n for n, commit, _ in calls(lesson, "commit") if variable in ast.unparse(commit)
        ]
        judged = [
            n for n, c in enumerate(code(lesson)) if re.search(rf"\b{variable}\.judge\(", c["text"])
        ]
        assert committed, f"{told}: no commit({variable})"
        assert judged, f"{told}: {variable} is never judged"
        assert position < min(committed) <= min(judged), f"{told}: predict, commit, judge"


def test_a_cell_that_commits_does_so_first(lesson: Path) -> None:
    late = [
        where(lesson, cell)
        for _, _, cell in calls(lesson, "commit")
        if not cell["text"].startswith("commit(")
    ]
    assert not late, "\n".join(late)


def test_it_starts_a_lab_before_it_touches_one(lesson: Path) -> None:
    """The learner keeps this cluster from section to section."""
    for cell in code(lesson):
        if STARTS.search(cell["text"]):
            return
        assert not TOUCHES.search(cell["text"]), f"{where(lesson, cell)} comes before a Lab(...)"


def test_every_lab_comes_with_its_panel(lesson: Path) -> None:
    """In the cell that starts it or in the next one; the window that keeps it in sight follows."""
    cells = code(lesson)
    bare = [
        where(lesson, cell)
        for cell, after in pairwise([*cells, cells[-1]])
        if re.search(r"^lab = Lab\(", cell["text"], re.M)
        if not any(each["text"].endswith("lab.bench()") for each in (cell, after))
    ]
    assert not bare, "\n".join(bare)
    first = next((n for n, cell in enumerate(read(lesson)) if "lab.bench()" in cell["text"]), 0)
    shown = [cell["text"] for cell in read(lesson)[: first + 2]]
    assert any("Keep in sight" in text for text in shown), "the text does not name the button"


def test_it_has_its_frame(lesson: Path) -> None:
    """What it needs and gives, the bridge to real servers, a summary and a cheat sheet line."""
    texts = [cell["text"] for cell in prose(lesson)]
    for part in ("**You need**", "**Afterwards you can**", "(estimated)"):
        assert part in texts[0], f"the first cell lacks {part}"
    assert sum(text.startswith(BRIDGE) for text in texts) >= 2, f"two sections with {BRIDGE!r}"
    summary = re.search(r"^## Summary\n\n((?:- .*\n)+)", texts[-1], re.M)
    assert summary, "the last cell has no list below ## Summary"
    assert summary.group(1).count("\n") == 5, "the summary has five lines"
    assert re.search(r"^\*\*Cheat sheet:\*\* .+$", texts[-1], re.M), "no cheat sheet line"
    code_of_it = "\n".join(cell["text"] for cell in code(lesson))
    assert "lambda" not in code_of_it, "measurements are for labs.lessons.course"
    assert ".judge(" not in code_of_it, "verdicts are for %%experiment"


def test_every_section_ends_on_real_servers(lesson: Path) -> None:
    """A section with experiments or commands has its bridge as the last of its texts."""
    sections: list[list[Cell]] = [[]]
    for cell in read(lesson):
        if cell["cell_type"] == "markdown" and cell["text"].startswith("## "):
            sections.append([])
        sections[-1].append(cell)
    lacking = []
    for section in sections[1:]:
        heading = section[0]["text"].partition("\n")[0]
        texts = of_kind(section, "markdown")
        if heading.startswith("## Challenge") or not any(ACTS.search(c["text"]) for c in section):
            continue
        if not texts[-1]["text"].startswith(BRIDGE):
            lacking.append(heading)
    assert not lacking, f"without {BRIDGE!r} at their end: {lacking}"


def test_what_a_server_has_a_command_for_is_typed(lesson: Path) -> None:
    """Files and daemons are the shell's; the kit has cables, observers and figures."""
    found = [where(lesson, cell) for cell in code(lesson) if KIT_FOR_COMMAND.search(cell["text"])]
    assert not found, "systemctl, an editor or %%conf does that:\n" + "\n".join(found)


def test_a_solution_is_shell_commands_configuration_and_cables(lesson: Path) -> None:
    solutions = [cell for cell in code(lesson) if tagged(cell, "solution")]
    other = [
        where(lesson, cell)
        for cell in solutions
        if not cell["text"].startswith(("%%on ", "%%conf "))
        and not all(map(CABLES.fullmatch, filter(None, cell["text"].splitlines())))
    ]
    assert not other, "\n".join(other)


def test_the_longest_choice_is_no_clue(lesson: Path) -> None:
    """At most half of the right answers of a lesson are its longest choice, by more than a word."""
    questions = course.lesson(lesson.stem).questions
    longest = [q.text for q in questions if len(q.right) > max(map(len, q.wrong)) + 3]
    assert len(longest) <= len(questions) // 2, longest


def test_a_choice_has_no_backticks(lesson: Path) -> None:
    """A form shows a choice as it is; in all other texts they make code."""
    choices = [choice for each in course.lesson(lesson.stem).questions for choice in each.choices()]
    choices += [choice for each in asked(lesson) for choice in each.choices]
    assert [choice for choice in choices if "`" in choice] == []


def test_every_challenge_is_checked_before_and_after_its_solution(lesson: Path) -> None:
    cells = code(lesson)
    names = [checked(cell) for cell in cells]
    challenges = course.lesson(lesson.stem).challenges
    assert set(names) - {""} == set(challenges)
    for challenge in challenges:
        places = [n for n, found in enumerate(names) if found == challenge]
        assert len(places) == 2, f"{challenge} is checked {len(places)} times, not twice"
        between = cells[places[0] + 1 : places[1]]
        assert any(tagged(cell, "solution") for cell in between), f"{challenge} has no solution"
    for cell in cells:
        if tagged(cell, "solution"):
            hidden = cell["metadata"].get("jupyter", {}).get("source_hidden")
            assert hidden is True, f"{where(lesson, cell)} is not hidden"


def test_it_asks_three_or_four_questions(lesson: Path) -> None:
    if number(lesson) == 0:
        assert calls(lesson, "predict"), "the first lesson has no quiz, but a prediction"
        return
    (found,) = calls(lesson, "quiz")
    assert ast.unparse(found[1]) == f"quiz('{lesson.stem}')"
    questions = course.lesson(lesson.stem).questions
    assert 3 <= len(questions) <= 4, f"QUIZ has {len(questions)} questions"
    for question in questions:
        assert question.why.endswith("."), question.text
        assert all(reason.endswith(".") for reason in question.wrong.values()), question.text
        lengths = sorted(map(len, question.choices()))
        assert lengths[-1] <= max(2 * lengths[0], lengths[0] + 16), f"{question.text}: {lengths}"
    if number(lesson) > 1:
        earlier = f"(Lesson {number(lesson) - 2:02d}) "
        assert questions[-1].text.startswith(earlier), "the last question looks two lessons back"


def test_it_ends_with_words_in_both_languages_and_the_next_lesson(lesson: Path) -> None:
    last = read(lesson)[-1]
    assert last["cell_type"] == "markdown"
    rows = [line for line in last["text"].splitlines() if line.startswith("|")]
    assert JAPANESE.search("".join(rows)), "no glossary with Japanese words in the last cell"
    position = LESSONS.index(lesson)
    if position + 1 < len(LESSONS) and number(LESSONS[position + 1]) == number(lesson) + 1:
        following = LESSONS[position + 1].name
        assert f"]({following})" in last["text"], f"no link to {following} in the last cell"
