"""Knowledge that stands in one place: each test fails where a second copy returns."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import settings
from adapters.settings import deployed_service, read_support
from early_results import guide, ids
from early_results.canonical import canonical, sha256, sha256_of
from early_results.checking.roster import BadRoster
from early_results.media import XLSX
from early_results.organisations import parse_trusts
from early_results.service import load_service, service_names

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS, OPERATOR = ROOT / "functions", ROOT / "infra" / "operator"
MODULES = sorted([*FUNCTIONS.rglob("*.py"), *OPERATOR.rglob("*.py")])
ASSETS = FUNCTIONS / "portal" / "assets"


@cache
def texts(path: Path) -> tuple[str, ...]:
    """The texts in a module's code, docstrings left out; the parts of an f-string one by one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            found.append(node.value)
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            parts = (part.value for part in ast.walk(node.format_spec) if isinstance(part, ast.Constant))
            found.append("".join(map(str, parts)))
    return tuple(found)


def code(path: Path) -> set[str]:
    """The modules that a module imports, or imports from, and the names of the arguments that it gives."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    given_ = {word.arg or "" for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords}
    return imported | given_


# What only one module may say, by a part of it.
ONE_MODULE = {
    "early_results/ids.py": ["[0-9]{7}", "0-9A-HJKMNP-TV-Z"],
    "early_results/times.py": ["February", "Wednesday", "midnight"],
    "early_results/media.py": [XLSX, "text/csv; charset", "application/pdf"],
}
TWINS = {
    "midnight": {"words.js"}
}  # the page words a moment itself; tests/page/words.test.js holds it to the same words


@pytest.mark.parametrize("words", [word for words in ONE_MODULE.values() for word in words])
def test_what_one_module_says_no_other_says(words: str) -> None:
    home = next(name for name, own in ONE_MODULE.items() if words in own)
    found = {path.relative_to(FUNCTIONS).as_posix() for path in MODULES if any(words in text for text in texts(path))}
    page = {path.name for path in ASSETS.glob("*.js") if words in path.read_text(encoding="utf-8")}
    assert found | page - TWINS.get(words, set()) == {home}


STATUSES = (*guide.NEXT_STEPS.values(), *guide.STATUS_WORDS.values())
GUIDE = (*STATUSES, guide.REPORT_FAILED, guide.DELETING, *guide.SUPPORT[:2], *guide.SUPPORT.hours)
ERRORS, VIEW = guide.NEXT_STEPS["UPLOAD_ERROR"].split(". ")  # the history's key has the same two in another sentence
SENTENCES = sorted({words for words in (*GUIDE, ERRORS, VIEW) if len(words) > 15 and words != f"{ERRORS}. {VIEW}"})
PRODUCT = [*MODULES, *ASSETS.glob("*.js"), *(FUNCTIONS / "early_results" / "services").rglob("*.toml")]


@pytest.mark.parametrize("words", SENTENCES)
def test_the_guide_s_sentences_are_said_in_one_module(words: str) -> None:
    def says(path: Path) -> bool:
        if path.suffix == ".py":
            return any(words in text for text in texts(path))
        return words in re.sub(r'"\s*\+\s*"', "", path.read_text(encoding="utf-8"))

    assert [path.name for path in PRODUCT if says(path)] == ["guide.py"]


# Numbers of the settings that mean nothing else on the page; of these modules, other numbers look the same.
LIMITS = {"500", "1500", "1_500", "255", "3_000_000"}
OTHER = {"api.js", "icons.js", "peek.js", "send.js", "srp.js", "transfer.js", "verdicts.js"}


def test_the_page_repeats_no_limit_that_it_is_told() -> None:
    repeats = {
        path.name: found
        for path in ASSETS.glob("*.js")
        if path.name not in OTHER and (found := LIMITS & set(re.findall(r"\b[0-9_]+\b", path.read_text("utf-8"))))
    }
    assert repeats == {}


def test_whom_to_ask_is_the_deployment_s_to_say() -> None:
    assert read_support({}) == read_support({"SUPPORT_EMAIL": "", "SUPPORT_HOURS": ""}) == guide.SUPPORT
    told = {
        "SUPPORT_EMAIL": "help@trust.example",
        "SUPPORT_TELEPHONE": "1",
        "SUPPORT_HOURS": "Monday: 9am; Friday: 10am",
    }
    assert read_support(told) == ("help@trust.example", "1", ("Monday: 9am", "Friday: 10am"))


def test_a_deployment_s_support_is_in_every_service_and_every_ruleset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORT_EMAIL", "help@trust.example")
    for name in service_names():
        service = deployed_service(name)
        assert service.support.email == "help@trust.example"
        assert service._replace(support=guide.SUPPORT) == load_service(name)
        assert deployed_service(name) is service, "or the checks would work everything out anew"


def test_no_module_names_days_by_the_machine_s_locale() -> None:
    names = {path.name for path in MODULES if any(re.search("%[ABab]", text) for text in texts(path))}
    assert names == set()


def test_json_is_made_canonical_and_hashed_in_one_module() -> None:
    found = {path.name for path in MODULES if code(path) & {"hashlib", "sort_keys"}}
    assert found == {"canonical.py"}


def test_canonical_json_is_one_for_equal_values() -> None:
    assert canonical({"b": 1, "a": {"é", "d"}}) == '{"a":["d","é"],"b":1}'.encode()
    assert sha256_of([]) == sha256(b"[]") == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    with pytest.raises(TypeError):
        canonical(object())
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))


@given(
    st.from_regex(ids.ULID, fullmatch=True) | st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=25, max_size=27)
)
def test_the_pattern_of_an_upload_id_is_what_is_taken_for_one(text: str) -> None:
    assert ids.is_ulid(text) == bool(re.fullmatch(ids.ULID, text))


@given(st.text("0123456789٣²", min_size=6, max_size=8))
def test_the_pattern_of_a_school_number_is_what_is_taken_for_one(text: str) -> None:
    assert ids.is_school(text) == bool(re.fullmatch(ids.SCHOOL, text))


@given(st.text("aZ09._-#é ", min_size=1, max_size=3) | st.integers(39, 41).map(lambda length: "x" * length))
def test_the_pattern_of_a_trust_is_what_is_taken_for_one(text: str) -> None:
    taken = True
    try:
        parse_trusts(f"Trust,Name\n{text},A trust\n".encode())
    except BadRoster:
        taken = False
    assert taken == bool(re.fullmatch(ids.TRUST, text.strip()))


def test_a_service_file_that_changes_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the simulation, whose deployments change the rules in the middle of a window."""
    monkeypatch.setenv("SUPPORT_EMAIL", "help@trust.example")
    name = service_names()[0]
    before = deployed_service(name)
    changed = load_service(name)._replace(ruleset="another")
    monkeypatch.setattr(settings, "load_service", lambda _: changed)
    assert deployed_service(name).ruleset == "another" != before.ruleset
