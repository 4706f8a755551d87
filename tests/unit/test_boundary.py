"""Who may import whom (functions/README.md), and what the domain may never know (early_results/README.md)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
DOMAIN = FUNCTIONS / "early_results"
MODULES = sorted(path for path in FUNCTIONS.rglob("*.py"))
DOMAINS = [path for path in MODULES if DOMAIN in path.parents]
# What would bring in a clock, chance, the environment or the outside world, though it is in the standard library.
FORBIDDEN = {"os", "random", "secrets", "time", "socket", "subprocess", "urllib", "http", "logging", "threading"}
HARMLESS = {"os.path", "urllib.parse"}  # where a service's data file lies; a name in a package's relationships
ENVIRONMENT = {"environ", "getenv", "putenv", "system", "popen"}
CLOCKS = {("datetime", "now"), ("datetime", "today"), ("datetime", "utcnow"), ("date", "today")}

HANDLERS = ("validate", "supersede", "report", "roster", "dataset", "overview", "tell")
# For each room what it may import of ours; the longest name that fits decides, for a room and for what it imports.
MAY_IMPORT = {
    **{handler: {handler, "workflow", "adapters", "early_results"} for handler in HANDLERS},
    "portal": {"portal", "workflow", "adapters", "early_results"},
    "workflow": {"workflow", "adapters", "early_results"},
    "adapters": {"adapters", "early_results"},
    "early_results": {"early_results"},
}
NEVER = {
    "early_results.workbook": {"early_results.checking", "early_results.counting", "early_results.reporting"},
    "early_results.checking": {"early_results.counting", "early_results.reporting"},
    "early_results.reporting": {"early_results.counting", "early_results.checking", "early_results.releasing"},
    "early_results.counting": {
        "early_results.checking",
        "early_results.reporting",
        "early_results.releasing",
        "early_results.telling",
    },
    "early_results.releasing": {"early_results.checking", "early_results.counting", "early_results.estimating"},
    "early_results.telling": {"early_results.checking", "early_results.reporting", "early_results.releasing"},
    "early_results.estimating": {"early_results.checking", "early_results.counting", "early_results.releasing"},
}
OURS = set(MAY_IMPORT)


def module_name(path: Path) -> str:
    """The dotted name of a module under functions/."""
    parts = path.relative_to(FUNCTIONS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """The dotted names that a module of this package imports, those inside functions and for types alone included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def modules_of_the_library(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported by their absolute names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def objections(name: str, is_package: bool, source: str) -> list[str]:
    """What a module imports of ours and may not."""
    package = name if is_package else name.rpartition(".")[0]
    top = name.partition(".")[0]
    never = {other for room, others in NEVER.items() if f"{name}.".startswith(f"{room}.") for other in others}
    wrong = set()
    for other in imported(ast.parse(source), package):
        if other.partition(".")[0] in OURS - MAY_IMPORT[top]:
            wrong.add(f"{top} may not import {other.partition('.')[0]}")
        wrong |= {f"{name} may not import {room}" for room in never if f"{other}.".startswith(f"{room}.")}
    return sorted(wrong)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    assert objections(module_name(path), path.name == "__init__.py", path.read_text()) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("workflow.check_upload", "from portal import problems"),
        ("workflow.check_upload", "def f():\n    from report.build import handler"),
        ("validate.app", "import report.freeze"),
        ("supersede.app", "from portal.history import shown"),
        ("adapters.table", "from workflow.sweep_bucket import sweep"),
        ("early_results.service", "from adapters import clients"),
        ("early_results.checking.check", "from ..counting.registers import Register"),
        ("early_results.checking.check", "from .. import counting"),
        ("early_results.reporting.figures", "from early_results.checking import messages"),
        ("early_results.reporting.figures", "from ..counting import freeze"),
        ("early_results.workbook.sheet", "from ..checking.submission import read_submission"),
    ],
)
def test_an_arrow_against_the_grain_is_seen(name: str, source: str) -> None:
    assert objections(name, False, source)


@pytest.mark.parametrize("path", DOMAINS, ids=module_name)
def test_a_module_of_the_domain_knows_nothing_of_the_outside(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = set(modules_of_the_library(tree))
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"early_results"} == set()
    assert {name.partition(".")[0] for name in names - HARMLESS} & FORBIDDEN == set()
    asked = {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    assert asked & CLOCKS == set()
    assert {name for _, name in asked} & ENVIRONMENT == set()


def test_there_is_something_to_look_at() -> None:
    assert len(DOMAINS) > 15
    assert {module_name(path).partition(".")[0] for path in MODULES} - {""} == OURS


def test_a_media_type_is_written_down_once() -> None:
    found = [path.name for path in MODULES if "spreadsheetml.sheet" + '"' in path.read_text(encoding="utf-8")]
    assert found == ["media.py"]
