"""docs/services.md names every setting, kind and fate of a service file; and no program names a collection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from early_results import service as module
from early_results.service import RESULT_KINDS, Fate, load_service, service_names

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "services.md").read_text(encoding="utf-8")
PROGRAMS = [
    path
    for folder in ("functions", "infra")
    for ending in ("py", "typ", "js", "html")
    for path in sorted((ROOT / folder).rglob(f"*.{ending}"))
]


def test_every_setting_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    get = module._Settings._get

    def heard(self: module._Settings, setting: str, kind: type, *, needed: bool = True) -> object:
        asked.add(setting)
        return get(self, setting, kind, needed=needed)

    monkeypatch.setattr(module._Settings, "_get", heard)
    load_service.cache_clear()
    for name in service_names():
        load_service(name)
    load_service.cache_clear()
    assert len(asked) > 40
    tables = {name for name in asked if f"[[{name}]]" in PAGE or f"[{name}]" in PAGE}
    assert {"result", "code", "window", "words"} <= tables
    assert [name for name in sorted(asked) if f"`{name}`" not in PAGE and name not in tables] == []
    for word in (*RESULT_KINDS, *Fate):
        assert f"| `{word}` |" in PAGE


def test_the_words_of_a_collection_stand_in_its_file_alone() -> None:
    """DESIGN 13: programs know kinds, never key stages."""
    names = re.compile(r"\bKS[1-5]\b|\d{4}KS\d|greater depth|scaled scores?\b", re.IGNORECASE)
    # The names of services, as `ks1-2023`, stand in examples and in the demonstration's choice.
    allowed = re.compile(r"\bks[1-5]-\d{4}\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in PROGRAMS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if names.search(allowed.sub("", line))
    ]
    assert found == []


def test_the_words_differ_as_the_collections_do() -> None:
    """The test above can find something: the files themselves have such words."""
    text = (ROOT / "functions/early_results/services/ks1-2023.toml").read_text(encoding="utf-8")
    assert "greater depth" in text
    assert len({load_service(name).words.number for name in service_names()}) > 2
