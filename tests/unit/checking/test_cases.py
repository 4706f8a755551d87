"""Files as people really have them: after public reports and from many programs, with what must come of each.

They are kept as they were found, in `cases/`, with the roster of their school. The kinds behind them are held by
properties in test_ways_of_writing.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from early_results.checking.check import Verdict, judge, read_submission
from early_results.checking.roster import Roster, parse_rosters
from early_results.findings import Code
from tests.unit.checking.school_files import SERVICE, told

CASES = Path(__file__).parent / "cases"
SCHOOL = "3304567"
PUPILS = parse_rosters((CASES / "roster.csv").read_bytes(), SERVICE)[SCHOOL]
ROSTER = Roster(SCHOOL, "v1", datetime(2026, 11, 25, tzinfo=UTC), PUPILS)

SOUND = (
    *("date-apostrophe", "date-d-mmm-yyyy", "date-long", "dfe-apostrophe", "dfe-zero-width", "gender-girl"),
    *("heading-bom", "heading-zero-width", "name-primes", "results-on-sheet1", "sst-empty-v", "sst-empty-v3"),
    *("w-sheetjs", "year-Y2"),
)
# What the files that are not sound are told: the findings' code and cells, and words that must be among the message.
REFUSED: dict[str, tuple[Code, list[str | None], tuple[str, ...]]] = {
    "copy-differs": (
        Code.SEVERAL_SHEETS,
        [None],
        ("“KS1 results” and “KS1 results (2)”", "different results for the same pupils", "delete the others"),
    ),
    "count-row": (Code.ROW_NOT_A_PUPIL, ["A33"], ("not a pupil", "total", "delete the whole row")),
    "header-repeated": (Code.ROW_NOT_A_PUPIL, ["A17"], ("headings once more", "Delete the whole row")),
    "excel-owner-file": (Code.NOT_A_WORKBOOK, [None], ("has it open", "“~$”", "Upload the workbook itself")),
    "label-encrypted": (Code.ENCRYPTED, [None], ("sensitivity label", "no password to clear", "Home, Sensitivity")),
    "merged-scores": (Code.CELLS_MERGED, ["N2"], ("N2:N5", "Unmerge")),
    "mis-export": (Code.NO_RESULTS_SHEET, [None], ("“Marksheet”", "export from your MIS", "match its columns")),
    "formula-no-cache": (
        Code.FORMULA_NOT_CALCULATED,
        [f"{column}{row}" for row in range(2, 32) for column in "LMN"],
        ("has a formula", "does not hold its value", "Open the workbook in Excel, save it there, and upload it again"),
    ),
    "w-exceljs-formula": (
        Code.FORMULA_NOT_CALCULATED,
        [f"N{row}" for row in range(2, 32)],
        ("has a formula", "does not hold its value"),
    ),
}


def verdict_on_case(name: str) -> Verdict:
    submission = read_submission((CASES / f"{name}.xlsx").read_bytes(), SERVICE)
    return judge(submission, SERVICE, allowed_schools={SCHOOL}, roster=ROSTER)


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_is_accepted_without_a_word(name: str) -> None:
    verdict = verdict_on_case(name)
    assert verdict.findings == ()
    assert verdict.accepted
    assert [entry.pupil for entry in verdict.results] == list(PUPILS)
    blank = 1 if name.startswith("sst") else 0  # they have no score in their last column
    assert {len(entry.assessments) + len(entry.scores) for entry in verdict.results} == {7 - blank}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told_once_and_in_words_that_help(name: str) -> None:
    code, cells, words = REFUSED[name]
    verdict = verdict_on_case(name)
    assert told(verdict.findings) == [(code, cell) for cell in cells]
    for finding in verdict.findings:
        assert all(word in finding.message for word in words), finding.message
        assert not any(pupil.upn in finding.message or pupil.surname in finding.message for pupil in PUPILS)


def test_no_case_is_left_out() -> None:
    assert {*SOUND, *REFUSED} == {path.stem for path in CASES.glob("*.xlsx")}
    assert len({*SOUND, *REFUSED}) == 23
