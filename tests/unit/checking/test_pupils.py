"""Whom a finding is about, and what its cell holds, read from the file."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time
from typing import Any

import pytest

from early_results.checking.changes import what_changed
from early_results.checking.check import judge
from early_results.checking.listing import concerned_csv
from early_results.checking.pupils import NOT_CALCULATED, Concerned, concerned, from_to, shown
from early_results.checking.submission import read_submission
from early_results.findings import Code
from early_results.workbook import ErrorValue, Uncalculated
from tests.unit.checking.school_files import POSITION, SCHOOL, SERVICE, book, grid, mark, roster, verdict_on

FOUR = roster(4)


def found(data: bytes, current: Any = FOUR, template: Any = None) -> list[Concerned]:
    submission = read_submission(data, SERVICE)
    verdict = judge(submission, SERVICE, allowed_schools={SCHOOL}, roster=current, template_roster=template)
    return concerned(verdict.findings, submission, SERVICE, current, template)


def test_a_finding_in_a_cell_has_its_pupil_as_the_list_names_them_and_what_the_cell_holds() -> None:
    cells = {**grid(FOUR.pupils), (4, POSITION["ss_gps"]): 84.0, (5, POSITION["ta_maths"]): "=1+1 is no code"}
    cells[5, POSITION["surname"]] = "Retouched"
    error, other, warning = found(book(cells))
    third, fourth = FOUR.pupils[2:]
    assert error.pupil == (third.upn, third.forename, third.surname)
    assert error.value == "84"
    assert other.to_json()["pupil"] == {"upn": fourth.upn, "forename": fourth.forename, "surname": fourth.surname}
    assert (warning.finding.code, warning.value) == (Code.DIFFERS_FROM_ROSTER, "Retouched")
    lines = list(csv.DictReader(io.StringIO(concerned_csv([error, other]).decode("utf-8-sig"))))
    assert [line["Pupil"] for line in lines] == [f"{one.forename} {one.surname}" for one in (third, fourth)]
    assert [line["In your file"] for line in lines] == ["84", "'=1+1 is no code"]


def test_a_pupil_whom_the_list_does_not_know_is_named_as_in_the_file() -> None:
    cells = {**grid(FOUR.pupils), (2, POSITION["upn"]): "z999 000111222"}
    missing, stranger = found(book(cells))
    assert stranger.pupil == ("Z999000111222", FOUR.pupils[0].forename, FOUR.pupils[0].surname)
    assert stranger.value == "z999 000111222"
    assert missing.to_json()["pupils"] == [
        {"upn": one.upn, "forename": one.forename, "surname": one.surname} for one in FOUR.pupils[:1]
    ]


def test_missing_pupils_are_parted_from_those_who_joined_since_the_template() -> None:
    now, then = roster(5, version="v2"), FOUR
    missing, joined = found(book(grid(FOUR.pupils[:3]), mark=mark("v1")), now, then)
    assert (missing.finding.code, [one.upn for one in missing.pupils]) == (Code.PUPIL_MISSING, [FOUR.pupils[3].upn])
    assert (joined.finding.code, [one.upn for one in joined.pupils]) == (Code.PUPIL_JOINED, [now.pupils[4].upn])
    lines = list(csv.DictReader(io.StringIO(concerned_csv([missing, joined]).decode("utf-8-sig"))))
    assert [line["UPN"] for line in lines] == [FOUR.pupils[3].upn, now.pupils[4].upn]


def test_of_another_schools_file_only_what_is_in_it_is_told() -> None:
    submission = read_submission(book({**grid(FOUR.pupils), (2, POSITION["ta_maths"]): "?"}), SERVICE)
    verdict = judge(submission, SERVICE, allowed_schools={"7654321"}, roster=FOUR)
    told = concerned(verdict.findings, submission, SERVICE, None, None)
    assert [one.pupils for one in told] == [()] * len(told)
    assert {one.finding.code: one.value for one in told}[Code.WRONG_SCHOOL] == SCHOOL  # which number was found
    assert {one.finding.code for one in told} == {Code.WRONG_SCHOOL, Code.CODE_NOT_ACCEPTED}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        ("  ", ""),
        (116.0, "116"),
        (99.5, "99.5"),
        (True, "TRUE"),
        (datetime(2015, 4, 14, 9, 30), "14/04/2015"),  # noqa: DTZ001  # as a cell has it
        (date(2015, 4, 14), "14/04/2015"),
        (time(9, 30), "09:30"),
        (ErrorValue("#N/A"), "#N/A"),
        (Uncalculated("="), NOT_CALCULATED),
        ("x" * 300, "x" * 120),
    ],
)
def test_a_cell_is_told_as_a_person_sees_it(value: Any, words: str) -> None:
    assert shown(value) == words


def test_a_value_that_explains_nothing_is_not_told() -> None:
    data = book({**grid(FOUR.pupils), (2, POSITION["ta_maths"]): None, (5, POSITION["upn"]): FOUR.pupils[1].upn})
    values = [(one.finding.code, one.value) for one in found(data) if one.pupil]
    assert values[:2] == [(Code.PUPIL_REPEATED, None), (Code.ASSESSMENT_MISSING, None)]
    assert (Code.DIFFERS_FROM_ROSTER, "Lolly") in values


def test_every_change_is_told_from_and_to() -> None:
    before = verdict_on(book(grid(FOUR.pupils)), FOUR).results
    cells = {**grid(FOUR.pupils), (2, POSITION["ss_gps"]): 99, (3, POSITION["ta_maths"]): None}
    after = verdict_on(book(cells), FOUR).results
    told = from_to(what_changed(before, after, SERVICE), before, after, SERVICE)
    assert [(one.pupil.upn, one.row, one.before, one.after) for one in told] == [
        (FOUR.pupils[0].upn, 2, "115", "99"),
        (FOUR.pupils[1].upn, 3, "GDS", ""),
    ]
    gone = from_to(what_changed(before, after[1:], SERVICE), before, after[1:], SERVICE)
    assert [(one.pupil.forename, one.row, one.after) for one in gone if one.row is None] == [("John", None, "")] * 7
