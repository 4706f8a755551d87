"""Files of every service, from template to verdict, and the cells that only some services have."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from openpyxl import load_workbook

from adapters.annotated import annotated_workbook
from adapters.templates import template_workbook
from early_results.checking.changes import Kind, what_changed
from early_results.checking.check import Verdict, judge, read_submission
from early_results.checking.mark import HELP_SHEET, MARK_SHEET
from early_results.checking.roster import Roster
from early_results.findings import Code
from early_results.reporting.summary import summarise
from early_results.results import Pupil, extract_json, results_from_extract
from early_results.service import Service, load_service, service_names
from infra.local.demonstration import fill, pupils_of, results_of, with_errors

SCHOOL = "1231234"
MOMENT = datetime(2026, 6, 8, 8, tzinfo=UTC)


def roster_of(service: Service, number: int = 12) -> Roster:
    return Roster(SCHOOL, "v1", MOMENT, pupils_of(SCHOOL, number, service=service))


def judged(service: Service, data: bytes, roster: Roster) -> Verdict:
    return judge(read_submission(data, service), service, allowed_schools={SCHOOL}, roster=roster)


def verdict_on(service: Service, *values: dict[str, Any], keep_mark: bool = True) -> Verdict:
    """The verdict on a template whose first pupils have these results, typed as they are."""
    roster = roster_of(service, 3)
    template = template_workbook(service, roster, MOMENT)
    upns = [pupil.upn for pupil in roster.pupils]
    data = fill(template, service, dict(zip(upns, values, strict=False)))
    return judged(service, data if keep_mark else without_mark(data), roster)


def without_mark(data: bytes) -> bytes:
    book = load_workbook(io.BytesIO(data))
    del book[MARK_SHEET]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("name", service_names())
def test_a_template_filled_in_as_schools_do_is_accepted_and_counted(name: str) -> None:
    service = load_service(name)
    roster = roster_of(service, 40)
    results = {pupil.upn: results_of(service, pupil) for pupil in roster.pupils}
    template = template_workbook(service, roster, MOMENT)
    verdict = judged(service, fill(template, service, results), roster)
    assert verdict.errors == ()
    assert verdict.accepted
    assert {e.pupil.upn: {**e.assessments, **e.scores} for e in verdict.results} == results
    kinds = {c.key: {type(r[c.key]) for r in results.values() if c.key in r} for c in service.results}
    assert all(kinds.values())  # every column holds something
    assert results_from_extract(extract_json(verdict.results)) == verdict.results
    summary = summarise(service, verdict.results)
    assert summary.pupils == len(roster.pupils)
    help_sheet = load_workbook(io.BytesIO(template))[HELP_SHEET]
    told = " ".join(str(cell.value) for row in help_sheet.iter_rows() for cell in row if cell.value)
    assert service.words.not_statutory_here in told
    assert all(code.meaning in told for code in service.codes)
    assert service.year_group in told
    # a heading such as E01 means nothing to whoever fills it in
    assert all(c.subject_name in told or c.subject_name in c.heading for c in service.results)


@pytest.mark.parametrize("name", service_names())
def test_mistakes_are_told_in_their_cells_and_the_copy_shows_them(name: str) -> None:
    service = load_service(name)
    roster = roster_of(service)
    right: dict[str, dict[str, str | int]] = {pupil.upn: {} for pupil in roster.pupils}
    wrong = with_errors(service, right)
    submission = read_submission(fill(template_workbook(service, roster, MOMENT), service, wrong), service)
    verdict = judge(submission, service, allowed_schools={SCHOOL}, roster=roster)
    headings = {column.key: column.heading for column in service.results}
    wanted = {(row, headings[key]) for row, pupil in enumerate(roster.pupils, 2) for key in wrong[pupil.upn]}
    assert {(f.row, f.column) for f in verdict.errors if f.cell} == wanted
    copy = load_workbook(io.BytesIO(annotated_workbook(service, submission, verdict, roster, MOMENT)))
    assert all(copy[service.sheet][str(f.cell)].comment is not None for f in verdict.errors if f.cell)


def test_a_mark_of_nought_is_a_mark_and_false_is_none() -> None:
    phonics = load_service("phonics-2026")
    for value in (0, 0.0, "0", " 0 ", 1, "1", 40, "A", " a ", "l"):
        verdict = verdict_on(phonics, {"phonics": value})
        assert verdict.errors == (), value
        (held,) = [{**e.assessments, **e.scores} for e in verdict.results if e.assessments or e.scores]
        assert held == {
            "phonics": value.strip().upper() if isinstance(value, str) and value.strip().isalpha() else int(value)
        }
    for value, code in (
        (False, Code.SCALED_SCORE_RANGE),
        (True, Code.SCALED_SCORE_RANGE),
        (41, Code.SCALED_SCORE_RANGE),
        (-1, Code.SCALED_SCORE_RANGE),
        (31.5, Code.SCALED_SCORE_RANGE),
        ("41", Code.SCALED_SCORE_RANGE),
        ("B", Code.CODE_NOT_ACCEPTED),
        ("absent", Code.CODE_NOT_ACCEPTED),
    ):
        (finding,) = verdict_on(phonics, {"phonics": value}).errors
        assert (finding.code, finding.cell) == (code, "H2"), value
        assert "A, D, L, Q" in finding.message
        assert "0 to 40" in finding.message


def test_codes_that_are_digits_are_taken_as_excel_stores_them() -> None:
    profile = load_service("eyfsp-2026")
    for value, code in ((2, "2"), (2.0, "2"), ("2", "2"), (1, "1"), (1.0, "1"), (" 1 ", "1"), ("a", "A")):
        verdict = verdict_on(profile, {"e01": value})
        assert [e.assessments for e in verdict.results if e.assessments] == [{"e01": code}], value
    for value in (True, False, 0, 3, 1.5, "3", "EXS"):
        verdict = verdict_on(profile, {"e01": value})
        assert [(f.code, f.cell) for f in verdict.errors] == [(Code.CODE_NOT_ACCEPTED, "H2")], value


def test_only_what_belongs_together_is_asked_for() -> None:
    ks2 = load_service("ks2-2026")
    full = {"test_reading": 104, "test_gps": "A", "test_maths": 99, "ta_writing": "EXS", "ta_science": "EXS"}
    assert verdict_on(ks2, full).warnings == ()
    (warning,) = verdict_on(ks2, {k: v for k, v in full.items() if k != "test_gps"}).warnings
    assert (warning.code, warning.column) == (Code.ASSESSMENT_MISSING, "Test: KS2 GPS")
    assert "no scaled score or code" in warning.message
    assert verdict_on(load_service("mtc-2026"), {"mtc": 25}, {"mtc": "NAA"}).findings == ()


def test_a_code_of_another_column_is_told_with_what_this_one_takes() -> None:
    ks2 = load_service("ks2-2026")
    (finding,) = verdict_on(ks2, {"test_reading": "EXS"}).errors
    assert finding.message.startswith("EXS is not accepted for Reading test. Accepted codes are A, B, H")
    (finding,) = verdict_on(ks2, {"ta_writing": 104}).errors
    assert finding.message.startswith("This looks like a scaled score, but the column is a teacher assessment.")


def test_a_file_of_another_service_is_named_by_its_mark_and_by_its_headings() -> None:
    phonics, ks2 = load_service("phonics-2026"), load_service("ks2-2026")
    data = template_workbook(phonics, roster_of(phonics, 3), MOMENT)
    told = "This is the Phonics 2026 file; you are in KS2 2026. Upload it under Phonics 2026, or download the KS2 2026"
    for one in (data, without_mark(data)):
        (finding,) = read_submission(one, ks2).findings
        assert finding.code is Code.NO_RESULTS_SHEET
        assert finding.message.startswith(told)
    # The headings of two years are the same: without a mark the year cannot be told.
    (finding,) = read_submission(without_mark(template_workbook(ks2, roster_of(ks2, 3), MOMENT)), phonics).findings
    assert finding.message.startswith("This is the KS2 file; you are in Phonics 2026.")


def test_every_pair_of_services_with_other_headings_is_told_apart() -> None:
    for mine in map(load_service, service_names()):
        for theirs in map(load_service, service_names()):
            if mine.short_title == theirs.short_title:
                continue
            data = without_mark(template_workbook(theirs, roster_of(theirs, 2), MOMENT))
            (finding,) = read_submission(data, mine).findings
            assert f"This is the {theirs.short_title}" in finding.message


def test_a_number_that_became_a_code_is_one_change() -> None:
    service = load_service("mtc-2026")
    before = verdict_on(service, {"mtc": 0}, {"mtc": 20}, {"mtc": "A"}).results
    after = verdict_on(service, {"mtc": "A"}, {"mtc": 20}, {"mtc": 0}).results
    changes = what_changed(before, after, service)
    assert [(change.column, change.kind) for change in changes.cells] == [("mtc", Kind.CHANGED)] * 2
    cleared = verdict_on(service, {}, {"mtc": 20}, {"mtc": "A"}).results
    assert [change.kind for change in what_changed(before, cleared, service).cells] == [Kind.REMOVED]


def test_what_excel_lets_people_type_is_what_is_accepted() -> None:
    """A formula for both kinds: IF, as INT of a text is an error that OR would pass on."""
    service = load_service("phonics-2026")
    sheet = load_workbook(io.BytesIO(template_workbook(service, roster_of(service, 3), MOMENT)))[service.sheet]
    (check,) = sheet.data_validations.dataValidation
    assert check.type == "custom"
    assert check.formula1 == 'IF(ISNUMBER(H2),AND(H2>=0,H2<=40,H2=INT(H2)),OR(H2="A",H2="D",H2="L",H2="Q"))'
    for name in service_names():
        named = load_service(name)
        page = load_workbook(io.BytesIO(template_workbook(named, roster_of(named, 2), MOMENT)))[named.sheet]
        assert all(len(one.formula1) <= 255 for one in page.data_validations.dataValidation)


def test_a_pupil_who_takes_the_check_again_is_in_year_2() -> None:
    service = load_service("phonics-2026")
    pupils: tuple[Pupil, ...] = roster_of(service, 24).pupils
    assert {pupil.nc_year for pupil in pupils} == {"1", "2"}
    assert sum(pupil.nc_year == "2" for pupil in pupils) == 4


def test_a_score_that_no_mark_leads_to_is_a_warning_and_only_where_the_file_says_so() -> None:
    """Reading in 2025: no mark led to 81, 115 or 118."""
    service = load_service("ks2-2026")
    table = tuple(
        column._replace(unreachable=(81, 115, 118)) if column.key == "test_reading" else column
        for column in service.results
    )
    known = service._replace(results=table)
    typed = {"test_reading": "118", "test_gps": 81}
    assert verdict_on(service, typed).warnings == verdict_on(service, {**typed, "test_reading": 117}).warnings
    verdict = verdict_on(known, typed)
    found = [finding for finding in verdict.warnings if finding.code is Code.SCORE_UNREACHABLE]
    assert [(finding.cell, finding.column) for finding in found] == [("H2", "Test: KS2 Reading")]
    assert found[0].message.startswith("No number of marks in Reading test leads to this scaled score in 2026.")
    assert verdict.accepted
