"""A function of `vrrpd/` that no other module uses begins with `_`.

So a reader of a module sees what it offers.  A name counts as used when another module of vrrpd,
labs, topologies or tools imports it, or asks its module for it; a test may use any name, and one
that only tests use is offered to them.  ENTRY_POINTS and READ_BESIDE_THE_RFC are the exceptions.
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
# Modules whose functions are the rules of a section of the RFC, one each: lessons show them.
READ_BESIDE_THE_RFC = {
    "vrrpd.fsm": "RFC 9568 section 6.4",
    "vrrpd.validation": "RFC 9568 section 7.1",
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


def unused(source: dict[str, ast.Module]) -> list[str]:
    """The public functions of modules of vrrpd that none of the others has."""
    users: dict[str, set[str]] = {}
    for module, tree in source.items():
        for name in used(tree):
            users.setdefault(name, set()).add(module)
    return [
        full
        for module, tree in source.items()
        if module.startswith("vrrpd.") and module not in READ_BESIDE_THE_RFC
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if not users.get(full := f"{module}.{node.name}", set()) - {module}
    ]


def test_a_function_that_no_other_module_uses_is_private() -> None:
    assert set(unused(trees())) == ENTRY_POINTS.keys(), "begin these with `_`"
    assert READ_BESIDE_THE_RFC.keys() <= trees().keys()


def test_every_way_to_use_a_name_counts() -> None:
    one = "def a(): b()\ndef b(): pass\ndef c(): pass\ndef d(): pass\ndef _e(): pass"
    other = "from vrrpd.x import a\nfrom vrrpd import x\nimport vrrpd.x\nx.c()\nvrrpd.x.d()"
    assert unused({"vrrpd.x": ast.parse(one), "labs.y": ast.parse(other)}) == ["vrrpd.x.b"]
