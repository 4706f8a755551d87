"""Every number of a report's pages, counted again with pandas; and what the sentences say, by example.

pandas reads the service's file for itself (as in test_services.py) and knows nothing of the summary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import sqrt
from typing import Any

import pandas as pd
import pytest

from adapters.report_view import points, view
from early_results.reporting.disclosure import LEAST_GROUP
from early_results.reporting.figures import Beside, Copy, Earlier, ReportInput, measures, school_figures
from early_results.reporting.story import annex, between, eligible, lines, looks, message, patterns
from early_results.reporting.summary import EMPTY, summarise
from early_results.reporting.taking import national
from early_results.results import PupilResults
from early_results.service import Service, load_service, service_names
from tests.unit.reporting.report_samples import KS1, SCHOOL, cohort, nation_of, report_for, report_of
from tests.unit.reporting.test_services import class_of, column_in, file_of, frame_of, generated


def whole(count: int, of: int) -> int:
    return (Fraction(100 * count, of) + Fraction(1, 2)).__floor__()


def season(service: Service, own: Sequence[PupilResults], schools: int) -> tuple[ReportInput, pd.DataFrame]:
    """A school's report among so many others of 40 pupils, and everybody's pupils."""
    others = [generated(service, 40, 500 + at) for at in range(schools)]
    mine = summarise(service, own)
    files = [(SCHOOL, mine)] + [(f"90000{at:02}", summarise(service, results)) for at, results in enumerate(others)]
    beside = Beside(national(service, files, {}), SCHOOL, mine)
    report = replace(report_for(service, own), figures=school_figures(service, mine, beside))
    return report, frame_of([*own, *(entry for results in others for entry in results)])


def best(service: Service) -> list[PupilResults]:
    """A school in which everybody reaches everything."""
    top = {c.key: c.maximum if c.has_numbers else c.codes[0] for c in service.results}
    return class_of(service, (14, top))


SCHOOLS: dict[str, Callable[[Service], list[PupilResults]]] = {
    "likely": lambda service: generated(service, 48, 7),
    "all reach it": best,
    "one pupil": lambda service: generated(service, 1, 3),
    "all blank": lambda service: class_of(service, (13, {})),
    "half blank": lambda service: generated(service, 20, 4) + class_of(service, (20, {})),
}


def of_year(frame: pd.DataFrame, data: dict[str, Any], at: int) -> pd.DataFrame:
    years = data["year_group"]
    return frame if len(years) == 1 else frame[frame.year == years[at]["nc_year"]]


def measured(data: dict[str, Any], frame: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    """By measure: how many reached it, of how many, and how many have no result in it."""
    found = {}
    seen = {column["key"]: column_in(data, frame, column) for column in data["result"]}
    for column in data["result"]:
        rows = seen[column["key"]]
        if column["kind"] == "code" or "expected" in column:
            met = rows.met if column["kind"] == "code" else rows.number >= column["expected"]
            found[column["key"]] = (int(met.sum()), int(rows["in"].sum()), int((~rows.given).sum()))
        if "higher" in column:
            found[column["key"] + "/higher"] = (
                int((rows.number >= column["higher"]).sum()),
                int(rows["in"].sum()),
                int((~rows.given).sum()),
            )
        elif column["kind"] == "code":
            found[column["key"] + "/higher"] = (int(rows.higher.sum()), int(rows["in"].sum()), int((~rows.given).sum()))
    for measure in data.get("combined", ()):
        parts = [seen[part] for part in measure["parts"]]
        inside = pd.concat([part["in"] for part in parts], axis=1).all(axis=1)
        for end, name in (("", "met"), ("/higher", "higher")):
            met = inside & pd.concat([part[name] for part in parts], axis=1).all(axis=1)
            found[measure["key"] + end] = (int(met.sum()), int(inside.sum()), int((~inside).sum()))
    return found


def names(service: Service) -> dict[tuple[str, bool], str]:
    """The measure that a line's name means."""
    found: dict[tuple[str, bool], str] = {}
    for column in service.results:
        if column.kind == "code":
            found[column.subject_name, False] = column.key
        for threshold, higher in ((column.expected, False), (column.higher, True)):
            if threshold is not None:
                most = threshold == column.maximum and higher
                words = str(threshold) if most else f"{threshold} or more"
                found[f"{column.subject_name}, {service.words.one} of {words}", higher] = (
                    column.key + "/higher" * higher
                )
        if column.kind == "code":
            found[column.subject_name, True] = column.key + "/higher"
    for measure in service.combined:
        found[measure.name, False], found[measure.name, True] = measure.key, measure.key + "/higher"
    return found


@pytest.mark.parametrize("kind", SCHOOLS)
@pytest.mark.parametrize("name", service_names())
def test_every_number_of_the_pages_is_what_pandas_counts(name: str, kind: str) -> None:
    service, data = load_service(name), file_of(name)
    own = SCHOOLS[kind](service)
    report, everybody = season(service, own, 24)
    frame = frame_of(own)
    compared = 0
    known = names(service)
    for at, pages in enumerate(view(report, Copy.STAFF)["cohorts"]):
        mine, theirs = of_year(frame, data, at), of_year(everybody, data, at)
        must, all_schools = measured(data, mine), measured(data, theirs)
        assert pages["pupils"].startswith(f"{len(mine):,} pupils")
        for table in pages["dots"]:
            higher = table is not pages["dots"][0] or not any((row["name"], False) in known for row in table["rows"])
            for row in table["rows"]:
                count, of, blank = must[known[row["name"], higher]]
                assert row["count"] == (f"{count} of {of}" if of else "–")
                if not of:
                    continue
                assert row["percent"].partition(" ")[0] in (f"{whole(count, of)}%", "<1%", ">99%")
                assert row["at"] == 1000 * count // of
                centre, z2 = (count + 3.841459 / 2) / (of + 3.841459), 3.841459
                half = sqrt(z2 * (count * (of - count) / of + z2 / 4)) / (of + z2)
                assert abs(row["low"] - 1000 * (centre - half)) < 0.51
                assert abs(row["high"] - 1000 * (centre + half)) < 0.51
                limits = [(row[end] + 5) // 10 for end in ("low", "high")]
                assert row["interval"] == f"{limits[0]}% to {limits[1]}%"
                blanks = f"between {whole(count, of + blank)}% and {whole(count + blank, of + blank)}%"
                assert row["between"] == (blanks if 20 * blank > len(mine) else "")
                everywhere = all_schools[known[row["name"], higher]]
                if row["others"] != "–":
                    percent = whole(everywhere[0], everywhere[1])
                    assert row["others"] == f"{percent}%"
                    more = count - Fraction(of * percent, 100)
                    told = re.match(r"(\d+) (more|fewer)|as many", row["children"])
                    assert told is not None
                    shown = int(told[1]) * (1 if told[2] == "more" else -1) if told[1] else 0
                    assert abs(shown - more) <= Fraction(1, 2)
                compared += 9
        if pages["codes"]:
            columns = [c for c in data["result"] if c.get("codes")]
            order = [c for c in columns if c["kind"] == "code"] + [c for c in columns if c["kind"] != "code"]
            for column, row in zip(order, pages["codes"]["rows"], strict=True):
                rows = column_in(data, mine, column)
                having = int(rows.given.sum())
                assert row["blank"] == str(len(mine) - having)
                for code, cell in zip(pages["codes"]["names"], row["cells"], strict=True):
                    if code not in column["codes"]:
                        assert cell == ""
                        continue
                    count = int(rows.value.eq(code).sum())
                    assert cell.partition(" ")[0] == str(count)
                    assert not count or f"{whole(count, having)}%" in cell or "<1%" in cell or ">99%" in cell
                    compared += 1
        for measure, told in zip(data.get("combined", ()), pages["patterns"], strict=False):
            parts = [column_in(data, mine, c) for part in measure["parts"] for c in data["result"] if c["key"] == part]
            inside = pd.concat([part["in"] for part in parts], axis=1).all(axis=1)
            missed = (~pd.concat([part.met for part in parts], axis=1)[inside].astype(bool)).sum(axis=1)
            assert sum(int(count) for _, count in told["rows"]) == len(missed)
            ways = {words: int(count) for words, count in told["rows"]}
            assert ways.get("Reached all", 0) == int((missed == 0).sum())
            only = sum(count for words, count in ways.items() if words.startswith("Missed only"))
            assert only == int((missed == 1).sum()) or "In other ways" in ways
            compared += 2 + len(ways)
        if pages["scores"]:
            columns = [c for c in data["result"] if c["kind"] != "code"]
            for column, row in zip(columns, pages["scores"]["rows"], strict=True):
                rows = column_in(data, mine, column)
                number = int(rows.number.notna().sum())
                assert row["cells"][0] == str(number)
                for line in row["thresholds"]:
                    threshold = int(re.search(r"(\d+)( or more)?$", line["name"])[1])  # type: ignore[index]
                    count = int((rows.number >= threshold).sum())
                    of = number + int((rows["in"] & rows.number.isna()).sum()) + int((~rows.given).sum())
                    assert line["scored"] == (said(count, number))
                    assert line["eligible"] == said(count, of)
                    compared += 2
        if pages["annex"]:
            assert len(pages["annex"]["rows"]) == len(mine)
    if kind == "likely":
        assert compared > 10


def said(count: int, of: int) -> str:
    if not of:
        return "–"
    percent = "<1%" if count and not whole(count, of) else ">99%" if count < of and whole(count, of) == 100 else None
    return f"{percent or f'{whole(count, of)}%'} ({count} of {of})"


def test_two_schools_in_all_show_nothing_of_each_other() -> None:
    report, _ = season(KS1, generated(KS1, 29, 1), 1)
    pages = view(report, Copy.STAFF)
    assert pages["others"] is False
    assert pages["gaps"]
    told = pages["cohorts"][0]
    assert all(row["others"] == row["children"] == "–" for table in told["dots"] for row in table["rows"])
    assert told["standings"] == []
    assert "all schools" not in str(told).lower().replace("where we stand", "")


def test_the_copy_to_be_shown_names_nobody_and_leaves_small_groups_out() -> None:
    results = [r._replace(pupil=r.pupil._replace(forename="Zebedee", surname="Quux")) for r in cohort(29, 1)]
    shown, staff = (view(report_of(results, nation_of(45)), copy) for copy in (Copy.SHOWN, Copy.STAFF))
    assert "Quux" not in str(shown)
    assert "Quux" in str(staff)
    pupils = dict(zip(staff["cohorts"][0]["groups"]["columns"], _pupils_row(staff), strict=True))
    small = {group for group, count in pupils.items() if count.isdigit() and int(count) < LEAST_GROUP}
    assert small == {"Spring-born", "Summer-born"}
    assert not small & set(shown["cohorts"][0]["groups"]["columns"])
    assert shown["cohorts"][0]["groups_hidden"]
    few = view(report_of(results[:10], nation_of(45)), Copy.SHOWN)["cohorts"][0]
    assert set(few) == {"name", "few"}


def _pupils_row(seen: dict[str, Any]) -> list[str]:
    row = seen["cohorts"][0]["groups"]["rows"][1]
    assert row["name"] == "Pupils"
    cells: list[str] = row["cells"]
    return cells


# The sentences.


def told_of(results: Sequence[PupilResults], schools: int = 0) -> list[str]:
    report = report_of(results, nation_of(schools) if schools else None)
    found = view(report, Copy.STAFF)["cohorts"][0]["message"]
    return [str(sentence) for sentence in found]


@pytest.mark.parametrize("name", ["ks2-2023", "ks2-2026"])
def test_of_a_column_whose_codes_reach_nothing_no_share_is_told(name: str) -> None:
    """Reading is teacher assessed for pupils who did not sit the test. `0 of 2` would say that they failed at it."""
    service = load_service(name)
    top = {c.key: c.maximum if c.has_numbers else c.codes[0] for c in service.results}
    top = {key: value for key, value in top.items() if key not in ("ta_reading", "ta_maths")}
    below: dict[str, str | int] = dict.fromkeys(("test_reading", "test_gps", "test_maths"), "B")
    below |= dict.fromkeys(("ta_reading", "ta_maths", "ta_writing"), "PK4")
    results = class_of(service, (12, top), (2, below))
    report = report_for(service, results)
    (only,) = report.figures.cohorts
    told = {line.measure for line in lines(service, only, higher=False)}
    assert told == {"rwm", "test_reading", "test_gps", "test_maths", "ta_writing", "ta_science"}
    tables = [m for m in measures(service.words, only) if m.name in ("Reading", "Maths")]
    assert tables == []
    counted = {subject.key: subject.assessed for subject in only.all.school.assessments}
    assert counted["ta_reading"] == 2  # the codes themselves are told


def test_a_combined_measure_is_told_in_its_own_words_where_it_has_some() -> None:
    service = load_service("eyfsp-2026")
    every: dict[str, str | int] = {column.key: "2" for column in service.results}
    report = report_for(service, class_of(service, (12, every), (1, every | {"e10": "1"})))
    told = view(report, Copy.STAFF)["cohorts"][0]["message"][0]
    assert told == "12 of 13 pupils (92%) reached a good level of development."


def test_where_there_is_no_standard_the_question_is_of_those_close_to_full_marks() -> None:
    service = load_service("mtc-2026")
    report = report_for(service, class_of(service, (9, {"mtc": 25}), (4, {"mtc": 23}), (3, {"mtc": 12})))
    told = view(report, Copy.STAFF)["cohorts"][0]["message"]
    assert "Question to ask: what would have helped the 4 pupils with 22 to 24 in multiplication tables?" in told


FULL: dict[str, str | int] = {
    "ta_reading": "EXS",
    "ta_writing": "EXS",
    "ta_maths": "EXS",
    "ta_science": "EXS",
    "ss_reading": 104,
    "ss_maths": 104,
    "ss_gps": 104,
}


def test_what_held_combined_back_is_the_most_frequent_way_of_missing_it() -> None:
    results = class_of(KS1, (12, FULL), (5, FULL | {"ta_writing": "WTS"}), (2, FULL | {"ta_reading": "PK4"}))
    verdict, furthest, held, question = told_of(results)
    assert verdict == (
        "12 of 19 pupils (63%) reached the expected standard or above in reading, writing and maths combined."
    )
    # the combined measure can only ever be the lowest, so it is not set beside its parts
    assert furthest == "Highest: maths, 100% (19 of 19). Lowest: writing, 74% (14 of 19)."
    assert held == "Of the 7 pupils who did not reach it, 5 missed only writing: nothing else held back more."
    assert question == (
        "Question to ask: what would have brought the 5 pupils who missed only writing to the expected standard?"
    )


def test_a_figure_that_chance_seldom_explains_says_so() -> None:
    low = class_of(KS1, (8, FULL), (32, FULL | {"ta_writing": "WTS"}))
    told = told_of(low, 45)
    assert "fewer than at the rate of all schools taking part (55%), more than chance usually explains." in told[0]
    assert "Furthest below: writing, 20 fewer (20% beside 69%), more than chance usually explains." in told[1]
    assert told[-1].endswith("is unusual.")
    ordinary = told_of(cohort(29, 1), 45)
    assert "no more than chance explains." in ordinary[0]


def test_what_is_missing_is_asked_for_first() -> None:
    results = class_of(KS1, (20, FULL), (5, {key: value for key, value in FULL.items() if key != "ta_writing"}))
    assert told_of(results)[-1] == (
        "Question to ask: which results are still missing? Until they are there, reading, writing and maths combined "
        "is between 80% and 100%."
    )
    assert told_of(class_of(KS1, (13, {})))[0] == "No pupil has a result yet."


@pytest.mark.parametrize("name", service_names())
@pytest.mark.parametrize("kind", SCHOOLS)
def test_every_sentence_is_whole(name: str, kind: str) -> None:
    service = load_service(name)
    for schools in (0, 24):
        report, _ = season(service, SCHOOLS[kind](service), schools)
        for sentence in (s for pages in view(report, Copy.STAFF)["cohorts"] for s in pages["message"]):
            assert sentence[0].isupper() or sentence[0].isdigit(), sentence
            assert sentence[-1] in ".?", sentence
            assert "None" not in sentence
            assert "  " not in sentence
            assert not re.search(r"\b(the in|of of|in in|the the)\b", sentence), sentence


# Last time.


def test_a_change_is_told_beside_what_it_was() -> None:
    before = summarise(KS1, class_of(KS1, (10, FULL), (10, FULL | {"ta_writing": "WTS"})))
    now = report_of(class_of(KS1, (15, FULL), (5, FULL | {"ta_writing": "WTS"})))
    report = replace(now, window=2, earlier=(Earlier(KS1, 1, before, unchanged=False),))
    (look,) = view(report, Copy.SHOWN)["cohorts"][0]["looks"]
    assert look["title"] == "Window 1"
    rows = {row[0]: row[1:] for row in look["rows"]}
    assert rows["Reading, writing and maths combined"] == ["75% (15 of 20)", "50% (10 of 20)", "+25"]
    assert rows["Maths"] == ["100% (20 of 20)", "100% (20 of 20)", "0"]
    assert rows["Reading: mean scaled score"] == ["104.0", "104.0", "+0.0"]


def test_an_unchanged_upload_says_so() -> None:
    results = class_of(KS1, (15, FULL))
    for unchanged, words in ((True, "This is the very file of window 1"), (False, "no figure has changed")):
        earlier = (Earlier(KS1, 1, summarise(KS1, results), unchanged=unchanged),)
        report = replace(report_of(results), window=2, earlier=earlier)
        (look,) = looks(report, report.figures.cohorts[0])
        assert words in look.same
        assert look.changes == ()
    assert "no earlier window" in view(report_of(results), Copy.SHOWN)["cohorts"][0]["no_look"]


def test_small_years_are_told_together() -> None:
    later = load_service("ks1-2026")
    mine = class_of(later, (6, {"ta_reading": "EXS"}), (6, {"ta_reading": "WTS"}))
    before = summarise(KS1, class_of(KS1, (9, {"ta_reading": "EXS"}), (3, {"ta_reading": "WTS"})))
    report = replace(report_for(later, mine), earlier=(Earlier(KS1, 2, before, unchanged=False),))
    one, together = looks(report, report.figures.cohorts[0])
    assert one.title == "Key Stage 1 Early Results 2023"
    assert together.title == "2 years together, as each is small"
    (change,) = [change for change in together.changes if change.name == "Reading"]
    assert (change.before.count, change.before.of) == (15, 24)  # type: ignore[union-attr]
    large = replace(report_for(later, mine * 3), earlier=report.earlier)
    assert len(looks(large, large.figures.cohorts[0])) == 1


# Single rules.


def test_rules_by_example() -> None:
    report = report_of(class_of(KS1, (17, FULL), (2, FULL | {"ss_reading": 98}), (1, FULL | {"ss_reading": 96})))
    cohort_of = report.figures.cohorts[0]
    notes = [pupil.notes for pupil in annex(report, cohort_of)]
    assert sorted(notes)[-3:] == [
        ("apart: Reading EXS with 96",),
        ("close: Reading 98",),
        ("close: Reading 98",),
    ]
    reading = cohort_of.all.school.scores[0]
    assert reading.expected is not None
    assert eligible(reading, reading.expected) == reading.expected
    assert between(reading.expected, 1, 20) == ""
    assert between(reading.expected, 2, 20) == "between 77% and 86%"
    assert [points(d) for d in (3, -2, 0)] == ["+3", "-2", "0"]
    found = patterns(KS1, report.pupils, "", KS1.combined[0])
    assert [(pattern.words, pattern.pupils) for pattern in found] == [("reached all", 20)]
    assert message(report, cohort_of, found).held == "Everybody who has all results reached it."
    assert EMPTY.pupils == 0
