"""A rule cannot change under an unchanged ruleset (docs/decisions/0012)."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from early_results.checking import messages, rules
from early_results.service import Service
from tests.unit.checking.probes import line, rulesets, said
from tests.unit.checking.school_files import SERVICE

LOCK = Path(__file__).parents[2] / "rulesets.lock"
LOCKED = dict(text.split() for text in LOCK.read_text(encoding="utf-8").splitlines())


@cache
def as_it_is(service: Service) -> tuple[str, ...]:
    """What the rules say as they are. Who changes them asks `said`."""
    return tuple(said(service))


def new_ruleset(service: Service, told: Iterable[str] | None = None) -> str:
    """What is to be done, where the rules no longer say what the lock holds them to; "" where they do."""
    name, found = line(service, told).split()
    if LOCKED.get(name) == found:
        return ""
    if name not in LOCKED:
        return f"new ruleset {name}: add this line to {LOCK.name}: {name} {found}"
    return (
        f"The rules of {name} have changed: they need a new ruleset. Keep the service file as it was as "
        f"services/rulesets/{name}.toml, give `ruleset` in the service file its next name, and add the line that "
        f"`python -m tests.unit.checking.probes` prints for it to {LOCK.name}. If nothing that is said of any file "
        f"was meant to change, this change does more than it should: python -m benchmarks.verdicts shows what."
    )


@pytest.mark.parametrize("service", rulesets(), ids=lambda service: service.ruleset)
def test_the_rules_say_what_their_ruleset_is_locked_to(service: Service) -> None:
    assert new_ruleset(service, as_it_is(service)) == ""


def test_no_ruleset_is_locked_that_cannot_judge() -> None:
    """Or a check that died under it could not be finished."""
    assert set(LOCKED) == {service.ruleset for service in rulesets()}


def test_a_new_ruleset_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FEW_PUPILS", 4)
    assert "they need a new ruleset" in new_ruleset(SERVICE)
    assert new_ruleset(SERVICE._replace(ruleset="ks1-2023.9"), ()).startswith("new ruleset ks1-2023.9: add this line")


@pytest.fixture(scope="module")
def unchanged() -> tuple[str, ...]:
    return as_it_is(SERVICE)


def differs(service: Service, unchanged: tuple[str, ...]) -> bool:
    """Whether other words are said; it is known at the first that differ."""
    return any(one != other for one, other in zip(said(service), unchanged, strict=True))


def _wider(service: Service) -> Service:
    wider = [c._replace(maximum=c.maximum + 1) if c.key == service.scores[0].key else c for c in service.results]
    return service._replace(results=tuple(wider))


def _one_code_more(service: Service) -> Service:
    first = service.results[0]
    return service._replace(results=(first._replace(codes=(*first.codes, "HNM")), *service.results[1:]))


def _some_unreachable(service: Service) -> Service:
    some = [c._replace(unreachable=(99,)) if c.key == service.scores[0].key else c for c in service.results]
    return service._replace(results=tuple(some))


@pytest.mark.parametrize(
    "change", [_wider, _one_code_more, _some_unreachable, lambda service: service._replace(mismatches=())]
)
def test_a_change_of_the_services_data_is_seen(change: Any, unchanged: tuple[str, ...]) -> None:
    assert differs(change(SERVICE), unchanged)


@pytest.mark.parametrize(
    ("where", "name", "other"),
    [
        (messages, "DOWNLOAD", "take another template"),
        (messages, "cell_error", lambda: "Excel shows an error in this cell."),
        (rules, "score_of", lambda *_: None),
        (rules, "is_blank", lambda value: value is None),
    ],
)
def test_a_change_of_a_rule_or_of_its_words_is_seen(
    where: Any, name: str, other: Any, unchanged: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, other)
    assert differs(SERVICE, unchanged)


def test_every_rule_and_every_word_of_a_finding_is_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no probe asks for could change unseen."""
    # Words in words, and the page's.
    elsewhere = {"deadline", "name", "any_of", "spans", "_sheets_named", "title", "a", "capital"}
    wanted = {name for name, _ in inspect.getmembers(messages, inspect.isfunction)} - elsewhere
    asked = set()

    def heard(name: str, original: Any) -> Any:
        def spoken(*arguments: Any) -> str:
            asked.add(name)
            return str(original(*arguments))

        return spoken

    for name in wanted:
        monkeypatch.setattr(messages, name, heard(name, getattr(messages, name)))
    unreachable = (text for text in said(_some_unreachable(SERVICE)) if "score-unreachable" in text)
    told = "".join([*said(SERVICE), next(unreachable)])
    assert asked == wanted
    assert {rule.code for rule in rules.TABLE if f'"code": "{rule.code}"' not in told} == set()
