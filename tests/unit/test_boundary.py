"""The domain imports the standard library and itself, and asks nobody what time it is (early_results/README.md)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).resolve().parents[2] / "functions" / "early_results"
MODULES = sorted(DOMAIN.rglob("*.py"))
# What would bring in a clock, chance, the environment or the outside world, though it is in the standard library.
FORBIDDEN = {"os", "random", "secrets", "time", "socket", "subprocess", "urllib", "http", "logging", "threading"}
HARMLESS = {"os.path", "urllib.parse"}  # where a service's data file lies; a name in a package's relationships
ENVIRONMENT = {"environ", "getenv", "putenv", "system", "popen"}
CLOCKS = {("datetime", "now"), ("datetime", "today"), ("datetime", "utcnow"), ("date", "today")}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(DOMAIN)))
def test_a_module_of_the_domain_knows_nothing_of_the_outside(module: Path) -> None:
    tree = ast.parse(module.read_text())
    names = set(_imports(tree))
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"early_results"} == set()
    imported = {name.partition(".")[0] for name in names - HARMLESS}
    assert imported & FORBIDDEN == set()
    asked = {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    assert asked & CLOCKS == set()
    assert {name for _, name in asked} & ENVIRONMENT == set()


def test_there_is_a_domain_to_look_at() -> None:
    assert len(MODULES) > 15
