"""What no other module uses of `vrrpd/` begins with `_`: functions, classes, types and methods.

So a reader of a module sees what it offers; its constants keep the names of the kernel's headers
and of the RFCs.  A name counts as used when another module of vrrpd,
labs, topologies or tools imports it, or asks its module for it; a test may use any name, and one
that only tests use is offered to them.  ENTRY_POINTS and READ_AS_A_WHOLE are the exceptions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support import REPOSITORY

# Called from outside of Python.
ENTRY_POINTS = {
    "vrrpd.linux.smtp_worker.main": "what the child of `smtp_client` runs",
}
# Modules without private functions and classes.
READ_AS_A_WHOLE = {
    "vrrpd.fsm": "read beside RFC 9568 section 6.4, of which each function is a rule; in lessons",
    "vrrpd.validation": "read beside RFC 9568 section 7.1, of which each function is a check",
    "vrrpd.ports": "what a host must offer: a new kind of host needs each class",
}
# Methods that only their own object calls, and yet are no private ones.
METHODS = {
    "vrrpd.linux.loop.Loop.fire": "a step of the journey in docs/architecture.md",
}
PACKAGES = ("vrrpd", "labs", "topologies", "tools", "tests")


def module_of(path: Path) -> str:
    """The name that `import` knows a file by."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def trees() -> dict[str, ast.Module]:
    """Every module, parsed."""
    return {
        module_of(path): ast.parse(path.read_text())
        for package in PACKAGES
        for path in sorted((REPOSITORY / package).rglob("*.py"))
    }


def used(tree: ast.Module) -> Iterator[str]:
    """The full names of what a module has of the modules of vrrpd."""
    modules: dict[str, str] = {}  # the name of a module in this file: its full name
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                full = f"{node.module}.{one.name}"
                yield full
                modules[one.asname or one.name] = full
        elif isinstance(node, ast.Import):
            modules |= {one.asname or one.name: one.name for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            yield f"{modules.get(owner, owner)}.{node.attr}"


def defined(tree: ast.Module) -> Iterator[str]:
    """The public functions, classes and type aliases of a module, but no constant."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        else:
            targets = node.targets if isinstance(node, ast.Assign) else []
            names = [one.id for one in targets if isinstance(one, ast.Name)]
            names = [name for name in names if name != name.upper()]
        yield from (name for name in names if not name.startswith("_"))


def unused(source: dict[str, ast.Module]) -> list[str]:
    """The public functions, classes and types of vrrpd that no other module has."""
    users: dict[str, set[str]] = {}
    for module, tree in source.items():
        for name in used(tree):
            users.setdefault(name, set()).add(module)
    return [
        full
        for module, tree in source.items()
        if module.startswith("vrrpd.") and module not in READ_AS_A_WHOLE
        for name in defined(tree)
        if not users.get(full := f"{module}.{name}", set()) - {module}
    ]


def test_what_no_other_module_uses_is_private() -> None:
    assert set(unused(trees())) == ENTRY_POINTS.keys(), "begin these with `_`"
    assert READ_AS_A_WHOLE.keys() <= trees().keys()


def test_every_way_to_use_a_name_counts() -> None:
    one = "def a(): b()\n" + "".join(f"def {name}(): pass\n" for name in ("b", "c", "d", "_e"))
    one += "class F: pass\nTypes = A | B\nG_H = 1\n"
    other = "from vrrpd.x import a\nfrom vrrpd import x\nimport vrrpd.x\nx.c()\nvrrpd.x.d()"
    assert unused({"vrrpd.x": ast.parse(one), "labs.y": ast.parse(other)}) == [
        "vrrpd.x.b",
        "vrrpd.x.F",
        "vrrpd.x.Types",
    ]


def called_on_self_only(source: dict[str, ast.Module]) -> list[str]:
    """The public methods of vrrpd that nothing but `self` and `cls` is asked for."""
    asked = {
        node.attr
        for tree in source.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }
    classes = [
        (module, node)
        for module, tree in source.items()
        if module.startswith("vrrpd.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    protocols = {
        one.name
        for _, node in classes
        if any("Protocol" in ast.unparse(base) for base in node.bases)
        for one in node.body
        if isinstance(one, ast.FunctionDef)
    }
    return [
        f"{module}.{node.name}.{one.name}"
        for module, node in classes
        for one in node.body
        if isinstance(one, ast.FunctionDef)
        if not one.name.startswith("_") and one.name not in asked | protocols
    ]


def test_a_method_that_only_its_object_calls_is_private() -> None:
    assert set(called_on_self_only(trees())) == METHODS.keys(), "begin these with `_`"


def test_a_method_that_another_object_is_asked_for_is_public() -> None:
    one = (
        "class P(Protocol):\n  def a(self): ...\n"
        "class C:\n  def a(self): pass\n  def b(self): self.c()\n  def c(self): pass"
    )
    assert called_on_self_only({"vrrpd.x": ast.parse(one), "t": ast.parse("x.b")}) == [
        "vrrpd.x.C.c"
    ]
