"""The service's data file: what it says of ks1-2023, and what it refuses to be."""

from __future__ import annotations

import re
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
    read_service,
    service_names,
    with_ruleset,
)

FILE = Path(module.__file__).parent / "services" / "ks1-2023.toml"
DATA = tomllib.loads(FILE.read_text(encoding="utf-8"))


def test_the_guide_is_followed() -> None:
    service = load_service("ks1-2023")
    others = ("ks1-2026", "ks2-2023", "ks2-2026", "mtc-2026", "phonics-2026")
    assert service_names() == ("eyfsp-2026", "ks1-2023", *others)
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


def _rename(path: list[Any], old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        place: Any = data
        for step in path:
            place = place[step]
        place[new] = place.pop(old)

    return change


def test_a_file_that_an_editor_marked_as_utf_8_is_read() -> None:
    text = FILE.read_bytes()
    assert read_service(b"\xef\xbb\xbf" + text, "ks1-2023.toml") == read_service(text, "ks1-2023.toml")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_set(["result", 0, "kind"], "number"), "[[result]] ta_reading: codes: is there"),
        (_set(["result", 0, "kind"], "grade"), 'kind: is "grade". Write one of code, number, number-or-code'),
        (_set(["result", 0, "codes"], ["GDS", "ZZZ"]), "ta_reading: codes: ZZZ has no meaning. Write a [[code]]"),
        (_set(["result", 0, "codes"], []), "takes codes. Write codes"),
        (_set(["result", 0, "codes"], ["GDS", 2]), "Write texts only"),
        (_set(["result", 0, "codes"], ["GDS", "GDS"]), "names something twice"),
        (
            _set(["result", 4, "unreachable"], [84]),
            "unreachable: has something else in it. Write whole numbers from 85",
        ),
        (_set(["result", 4, "unreachable"], ["99"]), "unreachable: has something else in it"),
        (_set(["result", 4, "unreachable"], [99, 99]), "unreachable: names a number twice"),
        (_set(["result", 0, "unreachable"], [99]), "a column of kind code takes no numbers. Write kind = number-or"),
        (_set(["result", 4, "minimum"], 115), "maximum: is 115. Write a whole number from 116"),
        (_set(["result", 4, "minimum"], -1), "minimum: is -1. Write a whole number from 0"),
        (_set(["result", 4, "minimum"], "85"), "minimum: is a text in quotation marks. Write a whole number"),
        (_set(["result", 4, "minimum"], True), "minimum: is true or false"),
        (_set(["result", 4, "minimum"], 85.0), "minimum: is a number with a decimal point. Write a whole number"),
        (_rename(["result", 4], "minimum", "minumum"), "minimum: is missing, and minumum is no setting. Write a whole"),
        (_set(["result", 4, "expected"], 116), "expected: is 116. Write a whole number from 85 to 115"),
        (_set(["result", 4, "higher"], 100), "higher: is 100. Write a whole number from 101"),
        (_set(["result", 4, "heading"], "upn"), "share a heading"),
        (_set(["result", 4, "heading"], "U P N"), "share a heading"),
        (_set(["result", 4, "key"], "ss_maths"), "share a heading or a key"),
        (_set(["result", 4, "colour"], "red"), "[[result]] ss_reading: colour: is not a setting"),
        (_set(["result", 4, "minimun"], 85), "minimun: is not a setting of a service file. Did you mean minimum?"),
        (_set(["colour"], "red"), "colour: is not a setting"),
        (_set(["nc_year"], ["1", "2"]), "nc_year: is not a setting"),
        (_set(["year_group", 0, "nc_year"], ["1", "2"]), "nc_year: is a list in square brackets. Write a text"),
        (_set(["year_group", 0, "headline"], "Expected"), "headline: and measure belong together"),
        (_set(["year_group"], []), "year_group: is empty. Write at least one [[year_group]]"),
        (_set(["code", 0, "fate"], "passed"), 'fate: is "passed". Write one of higher, met, not-met, out'),
        (_set(["code", 0, "code"], "GDs"), "has small letters"),
        (_set(["code", 1, "code"], "GDS"), "two codes share a name"),
        (_set(["code", 0, "met"], True), "[[code]] GDS: met: is not a setting"),
        (_set(["combined", 0, "parts"], ["ta_reading", "reading"]), 'parts: names "reading". Write one of ta_reading'),
        (_set(["combined", 0, "key"], "pupils"), "key: is taken"),
        (_set(["result", 0, "codes"], ["HNM", "PK1"]), "parts: no code of ta_reading reaches the standard"),
        (
            lambda data: (
                data["result"][0].update(codes=["HNM", "PK1"]),
                data["combined"].clear(),
                data["year_group"][0].update(measure="ta_reading", headline="Reading"),
            ),
            "[[year_group]] 2: measure: no code of ta_reading reaches the standard",
        ),
        (_set(["combined", 0, "key"], "ta_maths"), "is that of another measure or of a column"),
        (_set(["pair", 0, "codes"], "ss_reading"), "[[pair]] codes: names"),
        (_set(["mismatch", 0, "codes"], ["XYZ"]), "[[mismatch]] codes: names"),
        (_set(["mismatch", 0, "any_score"], True), "exclude each other"),
        (_set(["together", 0, "columns"], ["ta_maths", "reading"]), "[[together]] columns: names"),
        (_set(["words", "higher"], ""), "higher: is blank"),
        (lambda data: data["words"].pop("higher"), "[words] higher: is missing"),
        (lambda data: data["words"].pop("statutory"), "[words] statutory: is missing. Write a text"),
        (_set(["window", 1, "opens"], datetime(2023, 6, 30, 11)), "window 2 does not follow window 1"),  # noqa: DTZ001
        (_set(["window", 1, "number"], 1), "window 1 does not follow window 1"),
        (_set(["window", 0, "closes"], datetime(2023, 6, 1)), "window 1 does not close after it opens"),  # noqa: DTZ001
        (_set(["window", 0, "closes"], datetime(2023, 6, 30, 12, tzinfo=UTC)), "closes: has an offset"),
        (_set(["window", 0, "closes"], date(2023, 6, 30)), "closes: is a date"),
        (_set(["window", 0, "reports"], datetime(2023, 7, 7)), "reports: is a London date and time"),  # noqa: DTZ001
        (_set(["window", 0, "reports"], date(2023, 6, 29)), "reports: is before the close"),
        (_set(["year"], "2023"), "year: is a text in quotation marks"),
        (_set(["title"], "Two\nlines"), "Write one line"),
        (_set(["identity", 1, "key"], "name"), 'key: is "name". Write one of school, upn'),
        (lambda data: data["identity"].pop(), "[[identity]] nc_year: is missing"),
        (lambda data: data.pop("words"), "words: is missing. Write a table"),
        (_set(["notes"], "9 to 5"), "notes: is a text in quotation marks. Write a list"),
        (_set(["support"], {"email": "a@b.example"}), "support: is not a setting of a service file"),
        (_set(["result"], {}), "result: is one table, and there may be several. Write [[result]] for each"),
        (_set(["words"], [{}]), "words: is there several times. Write it once, as [words]"),
        (lambda data: data.pop("identity"), "identity: is missing. Write at least one [[identity]]"),
        (_set(["title"], "Key Stage 1 Early Results"), "title: does not name the year. Write 2023 in it"),
        (_set(["service"], "KS1 2023"), 'service: is "KS1 2023". Write small letters, digits and hyphens'),
        (_set(["service"], "k" * 41), "40 characters at most"),
        (_set(["ruleset"], "../ks1-2023.1"), "ruleset: is"),
        (_set(["sheet"], "KS1: results"), 'sheet: is "KS1: results". Write a name that Excel takes: 31 characters'),
        (_set(["sheet"], "s" * 32), "sheet: is"),
        (_set(["result", 0, "key"], "TA reading"), 'key: is "TA reading". Write small letters, digits and _'),
        (_set(["combined", 0, "key"], "R,W,M"), 'key: is "R,W,M". Write small letters'),
        (_set(["year_group", 0, "nc_year"], "1/2"), 'nc_year: is "1/2". Write letters and digits'),
        (_set(["together", 0, "columns"], ["ta_reading"]), "columns: names one column. Write two or more"),
        (_set(["result"], ["ta_reading"]), "result: is a list. Write a table under [[result]] for each"),
    ],
)
def test_a_setting_that_does_not_fit_refuses_to_load(change: Callable[[dict[str, Any]], Any], told: str) -> None:
    data = deepcopy(DATA)
    change(data)
    with pytest.raises(BadServiceFile, match=re.escape(told)):
        parse_service(data)


def test_a_combined_measure_needs_thresholds_for_its_numbers() -> None:
    data = deepcopy(DATA)
    del data["result"][5]["expected"], data["result"][5]["higher"], data["pair"], data["mismatch"]
    data["combined"][0]["parts"] = ["ta_reading", "ss_maths"]
    with pytest.raises(BadServiceFile, match="ss_maths has no threshold to reach"):
        parse_service(data)


def _texts_of(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(data, dict | list):
        for key, inner in data.items() if isinstance(data, dict) else enumerate(data):
            yield (*path, key)
            yield from _texts_of(inner, (*path, key))


@pytest.mark.parametrize("name", service_names())
def test_no_setting_of_any_service_may_be_of_another_type(name: str) -> None:
    """Each setting of each file in turn is made what it is not: the file refuses to load, and names the setting."""
    data = tomllib.loads((FILE.parent / f"{name}.toml").read_text(encoding="utf-8"))
    for path in _texts_of(data):
        spoilt = deepcopy(data)
        _set(list(path), 3.5)(spoilt)
        setting = next(step for step in reversed(path) if isinstance(step, str))
        with pytest.raises(BadServiceFile, match=re.escape(setting)):
            parse_service(spoilt)


@pytest.mark.parametrize("name", service_names())
def test_every_service_loads_and_says_whom_its_lists_are_from(name: str) -> None:
    service = load_service(name)
    assert service.name == name
    assert service.ruleset.startswith(name)
    assert str(service.year) in service.title
    text = (FILE.parent / f"{name}.toml").read_text(encoding="utf-8")
    assert "Sources:" in text
    assert name == "ks1-2023" or all(f"[{trust}]" in text for trust in "ABC")


def test_a_file_that_is_not_toml_is_refused_by_its_name() -> None:
    with pytest.raises(BadServiceFile, match=r"a.toml: not a TOML file: .*line 1"):
        read_service(b"service = \n", "a.toml")
    with pytest.raises(BadServiceFile, match=r"a.toml: not a TOML file"):
        read_service(b"\xff", "a.toml")


def test_a_file_under_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ks2-2031.toml").write_bytes(FILE.read_bytes())
    monkeypatch.setattr(module, "_FOLDER", str(tmp_path))
    load_service.cache_clear()
    with pytest.raises(BadServiceFile, match=r'ks2-2031.toml: service: is "ks1-2023"\. Write'):
        load_service("ks2-2031")


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
