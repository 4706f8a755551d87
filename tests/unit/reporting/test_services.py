"""The figures of every service: known classes worked out by hand, and any class counted again with pandas.

pandas reads the service's file for itself here, and shares no code with what it checks.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook

from adapters.report_workbook import build_workbook
from early_results import service as module
from early_results.reporting.figures import Block, Cohort, Mean, Scores, Share, school_figures, told, words
from early_results.reporting.summary import BadSummary, Summary, add, summarise, year_key
from early_results.results import Pupil, PupilResults
from early_results.service import Service, load_service, service_names
from tests.unit.reporting.report_samples import report_for

SCHOOL = "1231234"
Result = str | int


def class_of(service: Service, *runs: tuple[int, dict[str, Result]], year: str | None = None) -> list[PupilResults]:
    """A class: so many pupils with these results, by column key."""
    made: list[PupilResults] = []
    for count, given in runs:
        for _ in range(count):
            number = len(made)
            nc_year = service.year_groups[0].nc_year if year is None else year
            pupil = Pupil(SCHOOL, f"P{nc_year}{number}", "", "", "FM"[number % 2], date(2015, 9, 1), nc_year)
            codes = {key: value for key, value in given.items() if isinstance(value, str)}
            scores = {key: value for key, value in given.items() if isinstance(value, int)}
            made.append(PupilResults(pupil, number + 2, codes, scores))
    return made


def cohorts_of(service: Service, results: Sequence[PupilResults]) -> tuple[Cohort, ...]:
    return school_figures(service, Summary.from_json(summarise(service, results).to_json())).cohorts


def scores_of(block: Block, key: str) -> Scores:
    return next(scores for scores in block.scores if scores.key == key)


@pytest.mark.parametrize("name", ["ks2-2023", "ks2-2026"])
def test_the_known_class_of_key_stage_2(name: str) -> None:
    service = load_service(name)
    out: dict[str, Result] = dict.fromkeys(("test_reading", "test_gps", "test_maths", "ta_writing"), "L")
    block = cohorts_of(
        service,
        class_of(
            service,
            (28, {"test_reading": 104, "ta_writing": "EXS", "test_maths": 105}),
            (1, {"test_reading": "A", "ta_writing": "WTS", "test_maths": 98}),
            (1, out),
        ),
    )[0].all.school
    (rwm,) = block.combined
    assert (rwm.assessed, rwm.expected, rwm.expected.shown) == (29, Share(28, 29), "97%")
    assert rwm.higher == Share(0, 29)
    reading = scores_of(block, "test_reading")
    assert (reading.assessed, reading.expected, reading.out) == (29, Share(28, 29), 1)
    assert (reading.number, reading.mean.text) == (28, "104.0")
    assert {code.code: code.share.count for code in reading.codes if code.share.count} == {"A": 1, "L": 1}
    maths = scores_of(block, "test_maths")
    assert (maths.expected, maths.mean) == (Share(28, 29), Mean(28 * 105 + 98, 29))
    writing = next(a for a in block.assessments if a.key == "ta_writing")
    assert (writing.assessed, writing.out, writing.expected) == (29, 1, Share(28, 29))


def test_the_known_classes_of_phonics() -> None:
    service = load_service("phonics-2026")
    marks: list[tuple[int, Result]] = [(10, 32), (4, 31), (1, 0), (2, "A"), (1, "D"), (2, "L")]
    first = class_of(service, *((count, {"phonics": mark}) for count, mark in marks), year="1")
    again: list[Result] = [35, 30, "A", "L"]
    second = class_of(service, *((1, {"phonics": mark}) for mark in again), year="Y2")
    one, two = cohorts_of(service, first + second)
    assert (one.name, one.all.school.pupils, two.name, two.all.school.pupils) == ("Year 1", 20, "Year 2", 4)
    assert one.headline_figure == Share(10, 18)
    assert two.headline_figure == Share(1, 3)
    (mine,) = one.all.school.scores
    assert (mine.number, mine.assessed, mine.out, mine.mean) == (15, 18, 2, Mean(10 * 32 + 4 * 31, 15))
    assert mine.high is None
    assert mine.distribution[0].share.count == 1  # a mark of 0 is a mark
    facts = dict(words(report_for(service, first + second)).facts)
    assert facts["Year 1: met the expected standard"] == "56% (10 of 18)"
    assert facts["Year 2: met the expected standard by the end of Year 2"] == "33% (1 of 3)"


def test_the_known_class_of_the_profile() -> None:
    service = load_service("eyfsp-2026")
    goals = [f"e{n:02}" for n in range(1, 18)]
    every: dict[str, Result] = dict.fromkeys(goals, "2")
    block = cohorts_of(service, class_of(service, (7, every), (1, every | {"e17": "1"}), (1, every | {"e10": "1"})))[
        0
    ].all.school
    (gld,) = block.combined
    assert (gld.expected, gld.higher) == (Share(8, 9), None)
    assert {a.key: a.expected for a in block.assessments} == {
        goal: Share(9 - (goal in ("e10", "e17")), 9) for goal in goals
    }


def test_the_known_class_of_the_tables_check() -> None:
    service = load_service("mtc-2026")
    scores: list[Result] = [25, 25, 20, 0, "A", "L"]
    (cohort,) = cohorts_of(service, class_of(service, *((1, {"mtc": score}) for score in scores)))
    (mine,) = cohort.all.school.scores
    assert (mine.mean.text, mine.high, mine.expected) == ("17.5", Share(2, 4), None)
    assert cohort.headline_figure is not None
    assert told(cohort.headline_figure) == "17.5 (mean of 4 pupils)"
    results = class_of(service, *((1, {"mtc": score}) for score in scores))
    book = load_workbook(BytesIO(build_workbook(report_for(service, results))))
    heads = next(row for sheet in book for row in sheet.values if row[0] == "Test")
    assert heads[:5] == ("Test", "Pupils with a score", "Without", "Mean", "Score of 25")  # and not "25" alone


@pytest.mark.parametrize("name", ["ks1-2023", "ks1-2026"])
def test_a_code_out_of_one_part_takes_nobody_out_where_none_is_out(name: str) -> None:
    service = load_service(name)
    given: dict[str, Result] = {"ta_reading": "A", "ta_writing": "EXS", "ta_maths": "GDS"}
    (combined,) = cohorts_of(service, class_of(service, (2, given)))[0].all.school.combined
    assert combined.expected == Share(0, 2)


def test_a_pupil_of_no_year_group_of_the_service_is_counted_apart() -> None:
    service = load_service("phonics-2026")
    results = class_of(service, (1, {"phonics": 33}), year="3") + class_of(service, (1, {"phonics": 33}), year="Year 1")
    assert [(cohort.name, cohort.all.school.pupils) for cohort in cohorts_of(service, results)] == [
        ("Year 1", 1),
        ("Year 2", 0),
        ("Other year groups", 1),
    ]


def test_years_are_one_however_they_are_written() -> None:
    assert {year_key(text) for text in ("1", "01", "Y1", "Year 1", " year  1 ", "y01")} == {"1"}
    assert {year_key(text) for text in ("R", "Reception", "0", "Y0", "Year R")} == {"0"}
    assert year_key("10") == "10"


def test_a_year_group_that_was_cut_short_refuses_to_load() -> None:
    service = load_service("phonics-2026")
    data = summarise(service, class_of(service, (3, {"phonics": 33}))).to_json()
    data["groups"]["2/autumn"] = data["groups"].pop("1/autumn")
    with pytest.raises(BadSummary, match="same totals"):
        Summary.from_json(data)


# Any class, counted again


def generated(service: Service, size: int, seed: int) -> list[PupilResults]:
    random = Random(f"{service.name}/{seed}")  # noqa: S311
    made = []
    for number in range(size):
        ability = random.gauss(0.62, 0.2)
        codes: dict[str, str] = {}
        scores: dict[str, int] = {}
        gone = random.random() < 0.05
        for column in service.results:
            if random.random() < 0.04:
                continue
            if column.codes and (gone or not column.has_numbers or random.random() < 0.1):
                best = min(len(column.codes) - 1, max(0, round(4 * (0.75 - ability + random.gauss(0, 0.1)))))
                codes[column.key] = random.choice(column.codes) if random.random() < 0.15 else column.codes[best]
            elif column.has_numbers:
                span = column.maximum - column.minimum
                number_of = column.minimum + round(span * (ability + random.gauss(0, 0.15)))
                scores[column.key] = min(max(number_of, column.minimum), column.maximum)
        group = random.choice(service.year_groups)
        born = date(2015 + random.randrange(4), random.randint(1, 12), 1) if random.random() > 0.02 else None
        pupil = Pupil(SCHOOL, f"P{number}", "", "", random.choice(["Female", "Male", ""]), born, group.nc_year)
        made.append(PupilResults(pupil, number + 2, codes, scores))
    return made


def file_of(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(module.__file__).parent / "services" / f"{name}.toml").read_text(encoding="utf-8"))


def frame_of(results: Sequence[PupilResults]) -> pd.DataFrame:
    rows = []
    for entry in results:
        born = entry.pupil.birth_date
        month = born.month if born else 0
        rows.append(
            {
                "year": entry.pupil.nc_year,
                "gender": {"Female": "Girls", "Male": "Boys"}.get(entry.pupil.gender, "Gender not recorded"),
                "term": ["", *["Spring-born"] * 4, *["Summer-born"] * 4, *["Autumn-born"] * 4][month]
                or "Date of birth not recorded",
                **entry.assessments,
                **entry.scores,
            }
        )
    return pd.DataFrame(rows)


def column_in(data: dict[str, Any], frame: pd.DataFrame, column: dict[str, Any]) -> pd.DataFrame:
    """Per pupil: in the cohort, met, higher, number; a blank cell is in nothing."""
    values = frame[column["key"]] if column["key"] in frame else pd.Series(None, index=frame.index, dtype=object)
    fates = {code["code"]: code["fate"] for code in data.get("code", ())}
    fate = values.map(lambda v: fates.get(v) if isinstance(v, str) else None)
    number = pd.to_numeric(values.where(values.map(lambda v: isinstance(v, int | float))), errors="coerce")
    if column["kind"] == "code":
        number = number.where(number.isna())  # its digits are codes
    scored = number.notna()
    met = fate.isin(["met", "higher"])
    higher = fate.eq("higher")
    if "expected" in column:
        met |= number >= column["expected"]
    if "higher" in column:
        higher |= number >= column["higher"]
    return pd.DataFrame(
        {
            "given": values.notna(),
            "in": scored | fate.isin(["met", "higher", "not-met"]),
            "met": met,
            "higher": higher,
            "number": number,
            "value": values,
        }
    )


def same(share: Share | None, met: Any, of: Any) -> None:
    assert share is not None
    assert (share.count, share.of) == (int(met), int(of))
    if of:
        exact = Fraction(100 * int(met), int(of)) + Fraction(1, 2)
        assert share.percent == exact.numerator // exact.denominator


def recount(data: dict[str, Any], frame: pd.DataFrame, block: Block) -> int:
    """Asserts every figure of a block against the frame's pupils; how many it compared."""
    compared = 0
    assert block.pupils == len(frame)
    by_key = {column["key"]: column_in(data, frame, column) for column in data["result"]}
    columns = {column["key"]: column for column in data["result"]}
    for subject in block.assessments:
        seen = by_key[subject.key]
        same(subject.expected, seen.met.sum(), seen["in"].sum())
        assert (subject.assessed, subject.blank) == (seen["in"].sum(), (~seen.given).sum())
        assert subject.out == (seen.given & ~seen["in"]).sum()
        if subject.higher is not None:
            same(subject.higher, seen.higher.sum(), seen["in"].sum())
        for code in subject.codes:
            same(code.share, seen.value.eq(code.code).sum(), seen.given.sum())
        compared += 5 + len(subject.codes)
    for scores in block.scores:
        seen, column = by_key[scores.key], columns[scores.key]
        assert (scores.number, scores.assessed) == (seen.number.notna().sum(), seen["in"].sum())
        assert scores.blank == (~seen.given).sum()
        assert scores.out == (seen.given & ~seen["in"]).sum()
        if scores.number:
            exact = Fraction(int(seen.number.sum()), int(seen.number.count()))
            assert scores.mean.tenths == (10 * exact + Fraction(1, 2)).__floor__()
        for share, key in ((scores.expected, "expected"), (scores.high, "higher")):
            assert (share is None) is (key not in column)
            if share is not None:
                same(share, (seen.number >= column[key]).sum(), seen["in"].sum())
        counts = seen.number.value_counts()
        assert [(bar.score, bar.share.count) for bar in scores.distribution] == [
            (at, int(counts.get(at, 0))) for at in range(column["minimum"], column["maximum"] + 1)
        ]
        for code in scores.codes:
            same(code.share, seen.value.eq(code.code).sum(), seen.given.sum())
        compared += 7 + len(scores.distribution) + len(scores.codes)
    for measure, told_of in zip(block.combined, data.get("combined", ()), strict=True):
        parts = [by_key[part] for part in told_of["parts"]]
        cohort = pd.concat([part["in"] for part in parts], axis=1).all(axis=1)
        same(measure.expected, (cohort & pd.concat([p.met for p in parts], axis=1).all(axis=1)).sum(), cohort.sum())
        if measure.higher is not None:
            reached = pd.concat([p.higher for p in parts], axis=1).all(axis=1)
            same(measure.higher, (cohort & reached).sum(), cohort.sum())
        compared += 2
    return compared


@pytest.mark.parametrize("name", service_names())
def test_every_figure_is_what_pandas_counts(name: str) -> None:
    service, data = load_service(name), file_of(name)
    compared = 0
    schools = [generated(service, size, seed) for seed, size in enumerate((0, 1, 3, 29, 61, 120))]
    everybody = [entry for school in schools for entry in school]
    for results in (*schools[1:], everybody):
        frame = frame_of(results)
        cohorts = cohorts_of(service, results)
        for cohort, year in zip(cohorts, data["year_group"], strict=True):
            of_year = frame if len(cohorts) == 1 else frame[frame.year == year["nc_year"]]
            for group in cohort.groups:
                mine = {"all": of_year, "gender": of_year[of_year.gender == group.short]}.get(
                    group.dimension, of_year[of_year.term == group.short]
                )
                compared += recount(data, mine, group.school)
    assert compared > 500
    total = add(summarise(service, results) for results in schools)
    assert total == summarise(service, everybody)
