"""What `make lint` says of the packages that ship: their licences, and advisories against them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra import advisories, lint
from infra.local.stack import ROOT

EXPORT = """\
annotated-types==0.8.0
aws-lambda-powertools[parser]==3.37.0 ; python_version >= '3.11'
# a comment
    # via pydantic
"""
PINNED = [("annotated-types", "0.8.0"), ("aws-lambda-powertools", "3.37.0")]
# As PyPI tells them (https://docs.pypi.org/api/json/); one that was withdrawn says nothing.
TOLD: dict[str, list[dict[str, Any]]] = {
    "annotated-types": [],
    "aws-lambda-powertools": [
        {"id": "PYSEC-2026-1", "fixed_in": ["3.37.1", "4.0.0"], "withdrawn": None},
        {"id": "PYSEC-2026-2", "fixed_in": ["3.0.0"], "withdrawn": "2026-02-01T00:00:00Z"},
        {"id": "PYSEC-2026-3", "fixed_in": [], "withdrawn": None},
    ],
}


def told(package: str, version: str) -> dict[str, Any]:
    return {"info": {"version": version}, "vulnerabilities": TOLD[package]}


def test_each_pinned_version_is_asked_for_once() -> None:
    assert advisories.pinned([EXPORT, EXPORT]) == PINNED


def test_the_exports_are_read_whole() -> None:
    exports = [(ROOT / name).read_text() for name in lint.EXPORTS]
    lines = {line.split("==")[0] for text in exports for line in text.splitlines() if "==" in line}
    assert {package for package, _ in advisories.pinned(exports)} == lines


def test_an_advisory_names_what_mends_it() -> None:
    found = [advisory.words for advisory in advisories.advisories(PINNED, told)]
    assert found == [
        "aws-lambda-powertools 3.37.0 ships, and has PYSEC-2026-1: mended in 3.37.1, 4.0.0",
        "aws-lambda-powertools 3.37.0 ships, and has PYSEC-2026-3: not mended in any version yet",
    ]


def test_a_registry_that_tells_nothing_is_not_taken_for_one_that_tells_of_none() -> None:
    with pytest.raises(advisories.NotAsked, match="without a word"):
        advisories.advisories(PINNED, lambda package, version: {"info": {}})


def test_what_ships_has_licences_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lint.licences_unknown() == []
    monkeypatch.setattr(lint, "LICENCES", re.compile("Apache"))
    assert "openpyxl" in lint.licences_unknown(), "it is under the MIT licence"
