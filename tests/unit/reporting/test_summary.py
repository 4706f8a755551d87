"""A summary is counts: it adds up, in any order, and says nothing of any one pupil."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from early_results.canonical import canonical
from early_results.reporting.summary import (
    ALL,
    EMPTY,
    GENDERS,
    TERMS,
    BadSummary,
    Summary,
    add,
    gender_of,
    summarise,
    term_of,
)
from early_results.results import PupilResults
from tests.unit.reporting.report_samples import KS1, UNHURRIED, cohort, cohorts


@UNHURRIED
@given(cohorts(), cohorts())
def test_the_summary_of_two_files_is_the_sum_of_their_summaries(
    one: list[PupilResults], two: list[PupilResults]
) -> None:
    assert summarise(KS1, one + two) == add([summarise(KS1, one), summarise(KS1, two)])


@UNHURRIED
@given(cohorts(), st.randoms(use_true_random=False))
def test_the_order_of_pupils_does_not_matter(results: list[PupilResults], random: Any) -> None:
    shuffled = list(results)
    random.shuffle(shuffled)
    assert summarise(KS1, shuffled).sha256 == summarise(KS1, results).sha256


@UNHURRIED
@given(cohorts(6), cohorts(6), cohorts(6))
def test_adding_is_commutative_and_associative_and_empty_is_its_nothing(
    one: list[PupilResults], two: list[PupilResults], three: list[PupilResults]
) -> None:
    a, b, c = (summarise(KS1, results) for results in (one, two, three))
    assert add([a, b]) == add([b, a])
    assert add([add([a, b]), c]) == add([a, add([b, c])]) == add(iter([c, a, b]))
    assert add([a, EMPTY]) == add([EMPTY, a]) == a
    assert add([]) == EMPTY


@UNHURRIED
@given(cohorts())
def test_what_is_stored_is_what_is_read(results: list[PupilResults]) -> None:
    summary = summarise(KS1, results)
    again = Summary.from_json(json.loads(canonical(summary.to_json())))
    assert again == summary
    assert canonical(again.to_json()) == canonical(summary.to_json())


@UNHURRIED
@given(cohorts())
def test_every_pupil_is_counted_once_by_gender_and_once_by_term(results: list[PupilResults]) -> None:
    summary = summarise(KS1, results)
    assert sum(summary.count(group, "pupils") for group in GENDERS) == len(results)
    assert sum(summary.count(group, "pupils") for group in TERMS) == len(results)
    assert summary.count(ALL, "pupils") == len(results)
    assert summary.count(ALL, "empty") == sum(not r.assessments and not r.scores for r in results)


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (("GDS", "GDS", "GDS"), {"complete": 1, "met": 1, "higher": 1}),
        (("GDS", "EXS", "GDS"), {"complete": 1, "met": 1, "higher": 0}),
        (("GDS", "GDS", "WTS"), {"complete": 1, "met": 0, "higher": 0}),
        (("WTS", "EM", "PK1"), {"complete": 1, "met": 0, "higher": 0}),
        (("GDS", "GDS", None), {"complete": 0, "met": 0, "higher": 0}),
    ],
)
def test_reading_writing_and_maths_together(codes: tuple[str | None, ...], found: dict[str, int]) -> None:
    columns = ("ta_reading", "ta_writing", "ta_maths")
    assessments = {column: code for column, code in zip(columns, codes, strict=True) if code}
    summary = summarise(KS1, [cohort(1, 1)[0]._replace(assessments=assessments, scores={})])
    assert {name: summary.count(ALL, "combined", name) for name in found} == found


def test_it_is_small_and_names_nobody() -> None:
    results = [
        r._replace(pupil=r.pupil._replace(upn="P1234567891234", forename="Zebedee", surname="Quux"))
        for r in cohort(60, 1)
    ]
    text = canonical(summarise(KS1, results).to_json()).decode()
    assert len(text) < 8_000
    assert len(canonical(summarise(KS1, cohort(5000, 2)).to_json())) < 20_000
    for secret in ("P1234567891234", "Zebedee", "Quux"):
        assert secret not in text


def test_summaries_of_two_services_do_not_add() -> None:
    ours = summarise(KS1, cohort(2, 1))
    with pytest.raises(BadSummary, match="ks1-2024"):
        add([ours, replace(ours, service="ks1-2024")])


def test_a_correction_of_the_rules_in_mid_window_still_adds_up() -> None:
    ours = summarise(KS1, cohort(2, 1))
    both = add([ours, replace(ours, rulesets=("ks1-2023.2",))])
    assert both.rulesets == ("ks1-2023.1", "ks1-2023.2")
    assert both.count(ALL, "pupils") == 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.pop("rulesets"),
        lambda data: data.update(rulesets="ks1"),
        lambda data: data.update(service=None),
        lambda data: data["groups"].update(tall={"pupils": 1}),
        lambda data: data["groups"].update(male=3),
        lambda data: data["groups"]["male"].update(pupils=-1),
        lambda data: data["groups"]["male"].update(pupils=True),
        lambda data: data["groups"]["male"].update(pupils=1.0),
        lambda data: data["groups"]["male"].update(pupils=99),  # the terms then hold fewer pupils than the genders
        lambda data: data["groups"].pop("autumn"),
    ],
)
def test_a_summary_that_was_spoilt_refuses_to_load(spoil: Any) -> None:
    data = json.loads(canonical(summarise(KS1, cohort(40, 3)).to_json()))
    spoil(data)
    with pytest.raises(BadSummary):
        Summary.from_json(data)


@pytest.mark.parametrize(
    ("assessments", "scores"),
    [
        ({"ta_reading": "XYZ"}, {}),
        ({"ta_science": "GDS"}, {}),
        ({"ta_latin": "EXS"}, {}),
        ({}, {"ss_maths": 84}),
        ({}, {"ss_x": 100}),
    ],
)
def test_results_that_did_not_pass_the_checks_are_not_counted(
    assessments: dict[str, str], scores: dict[str, int]
) -> None:
    unchecked = cohort(1, 1)[0]._replace(assessments=assessments, scores=scores)
    with pytest.raises(ValueError, match=next(iter({**assessments, **scores}))) as caught:
        summarise(KS1, [unchecked])
    assert not any(
        str(value) in str(caught.value) for value in (*assessments.values(), *scores.values()) if value != "EXS"
    )


def test_groups() -> None:
    assert [gender_of(g) for g in ("Male", "m", "BOY", "Female", " F ", "girl")] == ["male"] * 3 + ["female"] * 3
    assert [gender_of(g) for g in ("", "X", "Unknown", "Mx")] == ["gender-unknown"] * 4
    assert [term_of(date(2015, month, 1)) for month in range(1, 13)] == ["spring"] * 4 + ["summer"] * 4 + ["autumn"] * 4
    assert term_of(None) == "term-unknown"
