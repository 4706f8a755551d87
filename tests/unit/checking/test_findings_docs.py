"""Codes, words and the page that explains them stay in step."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from early_results.checking import messages
from early_results.findings import WARNINGS, Code
from early_results.service import load_service

PAGE = (Path(__file__).parents[3] / "docs" / "findings.md").read_text(encoding="utf-8")
ERRORS_PART, WARNINGS_PART = PAGE.split("## Warnings")
ROW = re.compile(r"^\| `([a-z-]+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def test_every_code_is_explained_once_under_its_severity_and_by_its_name() -> None:
    errors, warnings = ROW.findall(ERRORS_PART), ROW.findall(WARNINGS_PART)
    assert [code for code, _ in errors] == [code.value for code in Code if code not in WARNINGS]
    assert [code for code, _ in warnings] == [code.value for code in Code if code in WARNINGS]
    assert {Code(code): name for code, name in errors + warnings} == {
        code: messages.title(code, load_service("ks1-2023")) for code in Code
    }


def test_every_message_is_used() -> None:
    """No words are kept that nobody will see."""
    folder = Path(messages.__file__).parents[2]
    code = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    for name, _ in inspect.getmembers(messages, inspect.isfunction):
        assert len(re.findall(rf"\b(?:messages\.)?{name}\(", code)) > 1, name
