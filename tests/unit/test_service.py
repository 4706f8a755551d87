"""The service's data file: what it says of ks1-2023, and what it refuses to be."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from early_results import service as module
from early_results.service import (
    LONDON,
    BadServiceFile,
    UnknownRuleset,
    UnknownService,
    load_service,
    london,
    parse_service,
    service_names,
    with_ruleset,
)

FILE = Path(module.__file__).parent / "services" / "ks1-2023.toml"
DATA = tomllib.loads(FILE.read_text(encoding="utf-8"))


def test_the_guide_is_followed() -> None:
    service = load_service("ks1-2023")
    assert service_names() == ("ks1-2023",)
    assert [column.heading for column in service.columns][7:] == [
        "Teacher Assessment: KS1 Reading",
        "Teacher Assessment: KS1 Writing",
        "Teacher Assessment: KS1 Maths",
        "Teacher Assessment: KS1 Science",
        "Scaled Score: KS1 Reading",
        "Scaled Score: KS1 Maths",
        "Scaled Score: KS1 GPS",
    ]
    assert service.assessments[3].codes == ("EXS", "HNM", "A")
    assert {(column.minimum, column.maximum) for column in service.scores} == {(85, 115)}
    assert service.code("EM").meaning.startswith("Working below the level of the national curriculum")


def test_windows_close_at_noon_in_london() -> None:
    first, second = load_service("ks1-2023").windows
    assert first.closes == datetime(2023, 6, 30, 11, tzinfo=UTC) == second.opens  # an hour ahead in summer
    assert second.closes == datetime(2023, 7, 21, 11, tzinfo=UTC)
    assert first.reports == date(2023, 7, 7)
    assert london(datetime(2023, 1, 9, 12)) == datetime(2023, 1, 9, 12, tzinfo=UTC)  # noqa: DTZ001
    assert str(LONDON) == "Europe/London"
    assert load_service("ks1-2023").windows is load_service("ks1-2023").windows
    with pytest.raises(AttributeError):
        module.PARIS  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("name", ["", "ks1-2022", "../services/ks1-2023", "KS1-2023", "ks1-2023.toml"])
def test_an_unknown_service_is_refused(name: str) -> None:
    with pytest.raises(UnknownService):
        load_service(name)


def _set(path: list[Any], value: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_set(["result", 0, "kind"], "score"), "lists codes"),
        (_set(["result", 0, "kind"], "grade"), "kind grade"),
        (_set(["result", 0, "codes"], ["GDS", "ZZZ"]), "ZZZ"),
        (_set(["result", 4, "minimum"], 115), "minimum below its maximum"),
        (_set(["result", 4, "heading"], "upn"), "share a heading"),
        (_set(["result", 4, "key"], "ss_maths"), "share a heading or a key"),
        (_set(["result", 4, "colour"], "red"), "colour"),
        (_set(["window", 1, "opens"], datetime(2023, 6, 30, 11)), "window 2 does not follow window 1"),  # noqa: DTZ001
        (_set(["window", 1, "number"], 1), "window 1 does not follow window 1"),
        (_set(["window", 0, "closes"], datetime(2023, 6, 1)), "window 1 does not close after it opens"),  # noqa: DTZ001
        (lambda data: data.pop("support"), "support"),
    ],
)
def test_a_setting_that_does_not_fit_refuses_to_load(change: Callable[[dict[str, Any]], Any], told: str) -> None:
    data = deepcopy(DATA)
    change(data)
    with pytest.raises((ValueError, TypeError, KeyError), match=told):
        parse_service(data)


@pytest.fixture
def _changed_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The rules were changed in mid-season: the file that was in force before is kept under their name."""
    text = FILE.read_text(encoding="utf-8")
    (tmp_path / "rulesets").mkdir()
    (tmp_path / "rulesets" / "ks1-2023.1.toml").write_text(text, encoding="utf-8")
    changed = text.replace('"ks1-2023.1"', '"ks1-2023.2"').replace("maximum = 115", "maximum = 120")
    (tmp_path / FILE.name).write_text(changed, encoding="utf-8")
    monkeypatch.setattr(module, "_FOLDER", str(tmp_path))
    load_service.cache_clear()
    with_ruleset.cache_clear()
    yield
    load_service.cache_clear()
    with_ruleset.cache_clear()


@pytest.mark.usefixtures("_changed_rules")
def test_rules_that_are_no_longer_in_force_can_still_judge(tmp_path: Path) -> None:
    service = load_service("ks1-2023")
    assert with_ruleset(service, "ks1-2023.2") is service
    earlier = with_ruleset(service, "ks1-2023.1")
    assert (earlier.ruleset, earlier.scores[0].maximum, service.scores[0].maximum) == ("ks1-2023.1", 115, 120)
    for unknown in ("ks1-2023.0", "../ks1-2023", "ks1-2023"):
        with pytest.raises(UnknownRuleset, match=unknown):
            with_ruleset(service, unknown)
    (tmp_path / "rulesets" / "ks1-2023.0.toml").write_bytes((tmp_path / FILE.name).read_bytes())
    with pytest.raises(BadServiceFile, match="under the rules ks1"):
        with_ruleset(service, "ks1-2023.0")
