"""The project's own rules, held by a test so that no reviewer has to check them.

    notebooks ──> labs ──> topologies, vrrpd        dependencies point one way
    vrrpd ──> the standard library                  and nothing else

Sources are read, never imported: a rule must hold for a file that cannot even be loaded here.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import HUNG_S

HOUSE = Path(__file__).resolve().parents[2]
MAX_FUNCTION_LINES = 50
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# Written in pieces, or this file would break the rules it holds.
SLEEP = re.compile(r"\b(time|asyncio)\.sle" + r"ep\(|from time import .*\bsle" + r"ep\b")
BROAD_KILL = re.compile(r"\bpk" + r"ill\b|\bkill" + r"all\b|\bmn\s+-" + r"c\b")

# What each package may import besides the standard library and itself.
ALLOWED = {
    "vrrpd": {"typing_extensions"},  # for type checkers alone: test_layers.py imports it without
    "topologies": {"mininet"},
    "labs": {
        *("topologies", "vrrpd", "mininet", "scapy"),
        *("IPython", "anywidget", "ipykernel", "ipywidgets", "jupyter_client", "jupyter_core"),
        *(
            "jupyterlab",
            "jupyter_server",
            "jupyter_server_terminals",
            "nbconvert",
            "jupyterlab_server",
            "tornado",
            "traitlets",
            "zmq",
            "nbformat",
        ),
        *("jupyterhub", "nativeauthenticator", "bcrypt", "pylti1p3", "jwcrypto", "requests"),
        *("matplotlib", "numpy", "prompt_toolkit", "pygments", "aiosmtpd"),
    },
}


def sources(*packages: str) -> list[Path]:
    """The Python files under the given top directories, sorted."""
    return sorted(path for package in packages for path in (HOUSE / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every absolute import, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.split(".")[0]


def foreign_imports(path: Path, text: str) -> list[str]:
    """Imports of `text` that a file at `path` may not have."""
    package = name_of(path).split("/")[0]
    allowed = ALLOWED[package] | {package} | sys.stdlib_module_names
    return [
        f"{name_of(path)}:{line}: imports {module}"
        for line, module in imports(ast.parse(text))
        if module not in allowed
    ]


def definitions(tree: ast.AST) -> Iterator[Definition]:
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            yield node


def long_functions(path: Path, text: str) -> list[str]:
    return [
        f"{name_of(path)}:{node.lineno}: {node.name} has {length} lines"
        for node in definitions(ast.parse(text))
        if not isinstance(node, ast.ClassDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def public(tree: ast.Module) -> Iterator[tuple[Definition, str]]:
    """Public functions and classes of a module, and public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, Definition):
            if node.name.startswith("_"):
                continue
            yield node, node.name
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    yield member, f"{node.name}.{member.name}"


def undocumented(path: Path, text: str) -> list[str]:
    """Public things without a docstring; a method may inherit the one of the Protocol it fills."""
    tree = ast.parse(text)
    return [
        f"{name_of(path)}:{node.lineno}: {name} has no docstring"
        for node, name in public(tree)
        if not ast.get_docstring(node) and "." not in name
    ]


def test_packages_import_only_what_they_may() -> None:
    found = [
        complaint
        for path in sources("vrrpd", "labs", "topologies")
        for complaint in foreign_imports(path, path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("place", "text", "complaints"),
    [
        ("vrrpd/fsm.py", "import scapy.all", 1),
        ("vrrpd/fsm.py", "def f():\n    from pyroute2 import IPRoute", 1),
        ("vrrpd/fsm.py", "import labs", 1),
        ("vrrpd/linux/kernel.py", "from pyroute2 import IPRoute", 1),
        ("vrrpd/linux/kernel.py", "import mininet.net", 1),
        ("topologies/ha_pair.py", "from labs.emulation.lab import Lab", 1),
        ("labs/emulation/lab.py", "from vrrpd.fsm import State\nfrom . import errors", 0),
    ],
)
def test_the_import_rule_notices(place: str, text: str, complaints: int) -> None:
    assert len(foreign_imports(HOUSE / place, text)) == complaints


def test_functions_are_short_enough_to_read() -> None:
    found = [
        complaint
        for path in sources("vrrpd", "labs", "topologies")
        for complaint in long_functions(path, path.read_text())
    ]
    assert not found, "\n".join(found)


def test_the_length_rule_notices() -> None:
    body = "    pass\n" * MAX_FUNCTION_LINES
    assert long_functions(HOUSE / "labs/x.py", f"def f():\n{body}")
    assert not long_functions(HOUSE / "labs/x.py", f"def f():\n{body[9:]}")


def test_every_module_opens_with_a_docstring() -> None:
    found = [
        name_of(path)
        for path in sources("vrrpd", "labs", "topologies", "tests")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not found, "\n".join(found)


def test_public_names_of_the_daemon_are_documented() -> None:
    found = [
        complaint for path in sources("vrrpd") for complaint in undocumented(path, path.read_text())
    ]
    assert not found, "\n".join(found)


def readable_things() -> Iterator[tuple[str, str]]:
    """Name and text of everything that runs: sources, scripts, Makefile, the cells of lessons."""
    paths = [*sources("vrrpd", "labs", "topologies", "tests"), HOUSE / "Makefile"]
    paths += [*(HOUSE / "tools").glob("*"), HOUSE / ".ci/run"]
    yield from ((name_of(path), path.read_text()) for path in paths if path.is_file())
    for notebook in sorted((HOUSE / "notebooks").glob("*.ipynb")):
        for number, cell in enumerate(json.loads(notebook.read_text())["cells"], 1):
            if cell["cell_type"] == "code":
                yield f"{name_of(notebook)} cell {number}", "".join(cell["source"])


def without_prose(text: str) -> str:
    """Python without its docstrings: a text may name a command that code may not run."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = ""
    return "\n".join(lines)


def test_every_file_is_formatted() -> None:
    places = ["vrrpd", "labs", "topologies", "tests", "tools"]
    ruff = Path(sys.executable).with_name("ruff")
    command: list[str | Path] = [ruff, "format", "--check", "--no-cache", *places]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 0, f"run `ruff format {' '.join(places)}`:\n{done.stdout}"


def test_nothing_waits_by_sleeping() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in readable_things()
        if name.startswith(("tests/", "labs/", "notebooks/")) and (match := SLEEP.search(text))
    ]
    assert not found, "wait for a condition with a deadline instead:\n" + "\n".join(found)


# What waits for another process, and whether its first argument is the time for that.
WAITS = {
    **dict.fromkeys(("wait", "settimeout"), True),
    **dict.fromkeys(("run", "communicate", "eventually", "urlopen", "open"), False),
    **dict.fromkeys(("get", "post", "request", "execute_interactive", "wait_for_ready"), False),
}


def own_guards(text: str) -> Iterator[str]:
    """The waits whose time (s) is long enough for a guard, and yet a number of their own."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in WAITS:
            continue
        times = [word.value for word in node.keywords if word.arg == "timeout"]
        times += node.args[:1] if WAITS[name] else []
        times += node.args[1:2] if name == "eventually" else []
        numbers = [time.value for time in times if isinstance(time, ast.Constant)]
        if any(isinstance(one, int | float) and 10 <= one < HUNG_S for one in numbers):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def test_a_guard_against_hangs_is_no_number_of_its_own() -> None:
    """What takes a second here takes a minute where all rings share a slow machine."""
    rings = ("unit", "lab", "interop", "notebooks")
    places = [*(HOUSE / "tests").glob("*.py")]
    places += [path for ring in rings for path in (HOUSE / "tests" / ring).rglob("*.py")]
    found = [f"{path.name} {one}" for path in places for one in own_guards(path.read_text())]
    assert not found, "take tests.support.HUNG_S instead:\n" + "\n".join(found)


def test_nothing_kills_by_name() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in readable_things()
        if (match := BROAD_KILL.search(without_prose(text) if name.endswith(".py") else text))
    ]
    assert not found, "end only what you started, by its id:\n" + "\n".join(found)


def makefile_targets() -> dict[str, str]:
    """Every target of the Makefile with the words behind its ##, if any."""
    rules = re.findall(
        r"^([a-z][a-z0-9-]*):(?!=)[^#\n]*(?:## *(.*))?$", (HOUSE / "Makefile").read_text(), re.M
    )
    return dict(rules)


def test_every_make_target_explains_itself() -> None:
    targets = makefile_targets()
    assert {"help", "setup", "lab", "demo", "test", "test-fast", "check", "doctor"} <= set(targets)
    assert [name for name, words in targets.items() if not words] == []


def test_the_lock_pins_everything_by_hash_and_names_no_place() -> None:
    text = (HOUSE / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.M).strip())
    loose = [entry.split()[0] for entry in entries if "==" not in entry or "--hash=" not in entry]
    assert len(entries) > 50
    assert loose == []
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links", text)


def test_the_lock_has_everything_that_was_asked_for() -> None:
    normal = (HOUSE / "requirements.in").read_text().replace("_", "-").lower()
    wanted = {line for line in normal.splitlines() if re.match(r"[a-z]", line)}
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (HOUSE / "requirements.lock").read_text(), re.M))
    assert wanted - pinned == set()


def readme() -> str:
    return (HOUSE / "README.md").read_text()


def test_readme_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", readme())
    assert links
    assert [link for link in links if not (HOUSE / link).exists()] == []


def test_readme_commands_exist() -> None:
    commands = set(re.findall(r"(?:^|`)(?:\w+=\w+ )?make ([a-z][a-z0-9-]*)\b", readme(), re.M))
    assert {"lab", "test"} <= commands
    assert commands - set(makefile_targets()) == set()


def test_readme_paths_exist() -> None:
    """Every folder and file between backquotes is in the tree."""
    paths = re.findall(r"`([\w./-]+(?:/|\.py|\.ipynb|\.md|\.sh))`", readme())
    assert paths
    assert [path for path in paths if not (HOUSE / path).exists()] == []
