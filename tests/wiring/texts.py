"""The tests on the template's text, asked about another template than the one on disk."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent.parent / "template"


@cache
def _tests() -> dict[str, Callable[..., None]]:
    """Every test that takes nothing but the template."""
    return dict(_found())


def _found() -> Iterator[tuple[str, Callable[..., None]]]:
    for path in sorted(_FOLDER.glob("test_*.py")):
        module = importlib.import_module(f"tests.template.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and list(inspect.signature(test).parameters) == ["template"]:
                yield name, test


def objections(template: dict[str, Any]) -> list[str]:
    """The tests that fail on a template. A template they cannot even read is objected to as well."""
    found = []
    for name, test in _tests().items():
        try:
            test(template)
        except (AssertionError, LookupError, TypeError, ValueError, AttributeError):
            found.append(name)
    return found
