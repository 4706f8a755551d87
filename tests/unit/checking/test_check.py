"""The checks, through real workbooks: every finding by example, and what is forgiven."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest

from early_results.checking import messages
from early_results.checking.check import Verdict, judge, read_submission
from early_results.findings import Code, Severity
from early_results.results import PupilResults
from tests.unit.checking.school_files import (
    GOOD,
    HEADINGS,
    POSITION,
    SCHOOL,
    SERVICE,
    Formula,
    Grid,
    Shown,
    book,
    grid,
    mark,
    merged,
    pupil,
    roster,
    told,
    verdict_on,
)

ROSTER = roster()


def with_cells(changes: dict[tuple[int, int], Any], current: int = 4) -> Verdict:
    """The verdict on a good file of four pupils (rows 2 to 5) after these changes; None clears a cell."""
    return verdict_on(book({**grid(roster(current).pupils), **changes}), roster(current))


def test_a_filled_in_template_is_accepted() -> None:
    verdict = verdict_on(book(grid(ROSTER.pupils)), ROSTER)
    assert verdict.findings == ()
    assert verdict.accepted
    assert verdict.school == SCHOOL
    assert verdict.pupils == 4
    assert verdict.ruleset == SERVICE.ruleset
    assert verdict.changes is None
    assert [entry.pupil for entry in verdict.results] == list(ROSTER.pupils)
    assert [entry.row for entry in verdict.results] == [2, 3, 4, 5]
    keys = [column.key for column in SERVICE.results]
    assert verdict.results[0].assessments == dict(zip(keys[:4], GOOD[:4], strict=True))
    assert verdict.results[0].scores == dict(zip(keys[4:], GOOD[4:], strict=True))


def test_the_guides_own_example() -> None:
    verdict = with_cells({(4, POSITION["ss_gps"]): 84})
    assert not verdict.accepted
    assert verdict.results == ()
    (finding,) = verdict.errors
    assert finding.code is Code.SCALED_SCORE_RANGE
    assert finding.message == "Range must be between 85 to 115 and be whole numbers. Allows empty field"
    assert (finding.column, finding.row, finding.cell) == ("Scaled Score: KS1 GPS", 4, "N4")


# Every finding that a file can earn: the code, the cell it is told for, and how a file comes to it.


def _changed(changes: dict[tuple[int, int], Any], **how: Any) -> Callable[[], Verdict]:
    return lambda: verdict_on(book({**grid(ROSTER.pupils), **changes}, **how), ROSTER)


def _formula(formula: str, stored: Any) -> Verdict:
    return verdict_on(book({**grid(ROSTER.pupils), (3, 12): Formula(formula, stored)}), ROSTER)


def _without_column(position: int) -> Callable[[], Verdict]:
    return lambda: verdict_on(
        book({place: value for place, value in grid(ROSTER.pupils).items() if place[1] != position}), ROSTER
    )


def _previous() -> tuple[PupilResults, ...]:
    return verdict_on(book(grid(ROSTER.pupils)), ROSTER).results


EXAMPLES: dict[str, tuple[Code, str | None, Callable[[], Verdict]]] = {
    "an empty file": (Code.NOT_A_WORKBOOK, None, lambda: verdict_on(b"", ROSTER)),
    "a CSV": (Code.NOT_A_WORKBOOK, None, lambda: verdict_on(b"School DFE,UPN\r\n1231234,P1\r\n", ROSTER)),
    "another sheet only": (Code.NO_RESULTS_SHEET, None, lambda: verdict_on(book({(1, 1): "Hello"}), ROSTER)),
    "last year's template": (
        Code.NO_RESULTS_SHEET,
        None,
        _changed({}, mark=mark(service="ks1-2022")),
    ),
    "another key stage's headings": (
        Code.NO_RESULTS_SHEET,
        None,
        lambda: verdict_on(
            book({p: v.replace("KS1", "KS2") if isinstance(v, str) else v for p, v in grid(ROSTER.pupils).items()}),
            ROSTER,
        ),
    ),
    "a missing result column": (Code.MISSING_COLUMN, None, _without_column(POSITION["ss_gps"])),
    "a missing identity column": (Code.MISSING_COLUMN, None, _without_column(POSITION["upn"])),
    "a repeated column": (Code.REPEATED_COLUMN, "O1", _changed({(1, 15): "Scaled Score: KS1 GPS"})),
    "an unknown column": (Code.UNKNOWN_COLUMN, "P1", _changed({(1, 16): "Notes"})),
    "another school": (
        Code.WRONG_SCHOOL,
        None,
        lambda: verdict_on(book(grid(ROSTER.pupils)), None, allowed=("7654321",)),
    ),
    "no school number": (
        Code.WRONG_SCHOOL,
        None,
        _changed({(row, 1): "our school" for row in range(2, 6)}),
    ),
    "two schools": (Code.MIXED_SCHOOLS, "A3", _changed({(3, 1): 7654321})),
    "a pupil of no list": (Code.PUPIL_NOT_ON_ROSTER, "B3", _changed({(3, 2): "P9999999999999"})),
    "results without a UPN": (Code.PUPIL_NOT_ON_ROSTER, "B3", _changed({(3, 2): None})),
    "no list at all": (Code.PUPIL_NOT_ON_ROSTER, None, lambda: verdict_on(book(grid(ROSTER.pupils)), None)),
    "nobody of the list": (
        Code.PUPIL_NOT_ON_ROSTER,
        None,
        lambda: verdict_on(book(grid(roster(4, first=50).pupils)), ROSTER),
    ),
    "a pupil missing": (Code.PUPIL_MISSING, None, lambda: verdict_on(book(grid(ROSTER.pupils[:3])), ROSTER)),
    "a pupil twice": (Code.PUPIL_REPEATED, "B4", _changed({(4, 2): f" {ROSTER.pupils[1].upn.lower()}"})),
    "a code that is none": (Code.CODE_NOT_ACCEPTED, "H3", _changed({(3, 8): "EXP"})),
    "a number for a code": (Code.CODE_NOT_ACCEPTED, "H3", _changed({(3, 8): 3})),
    "a tick for a code": (Code.CODE_NOT_ACCEPTED, "H3", _changed({(3, 8): True})),
    "a code of another subject": (Code.CODE_NOT_ACCEPTED, "K3", _changed({(3, 11): "GDS"})),
    "a score too low": (Code.SCALED_SCORE_RANGE, "L3", _changed({(3, 12): 84})),
    "a score too high": (Code.SCALED_SCORE_RANGE, "L3", _changed({(3, 12): 116})),
    "half a point": (Code.SCALED_SCORE_RANGE, "L3", _changed({(3, 12): 100.5})),
    "a code for a score": (Code.SCALED_SCORE_RANGE, "L3", _changed({(3, 12): "EXS"})),
    "TRUE for a score": (Code.SCALED_SCORE_RANGE, "L3", _changed({(3, 12): True})),
    "a date for a score": (Code.SCALED_SCORE_RANGE, "L3", _changed({(3, 12): datetime(2023, 4, 9)})),  # noqa: DTZ001
    "an error for a result": (Code.CELL_ERROR, "M3", _changed({(3, 13): Shown("#N/A")})),
    "an error for a UPN": (Code.CELL_ERROR, "B3", _changed({(3, 2): Shown("#REF!")})),
    "an error for a name": (Code.CELL_ERROR, "C3", _changed({(3, 3): Shown("#NAME?")})),
    "an error for a school": (Code.CELL_ERROR, "A3", _changed({(3, 1): Shown("#VALUE!")})),
    "no results": (Code.NO_RESULTS, None, lambda: verdict_on(book(grid(ROSTER.pupils, ())), ROSTER)),
    "a formula that nobody worked out": (Code.FORMULA_NOT_CALCULATED, "L3", lambda: _formula("=100+1", "")),
    "merged scores": (
        Code.CELLS_MERGED,
        "N2",
        lambda: verdict_on(merged(book({**grid(ROSTER.pupils), (3, 14): None}), "N2:N3"), ROSTER),
    ),
    "two sheets that differ": (
        Code.SEVERAL_SHEETS,
        None,
        lambda: verdict_on(book(grid(ROSTER.pupils), others={"Copy": {**grid(ROSTER.pupils), (3, 12): 90}}), ROSTER),
    ),
    "a total": (Code.ROW_NOT_A_PUPIL, "A6", _changed({(6, 1): "Total", (6, 8): 4, (6, 12): 100.5})),
    "no pupils": (Code.NO_RESULTS, None, lambda: verdict_on(book(grid(())), ROSTER)),
    "a name that differs": (Code.DIFFERS_FROM_ROSTER, "D3", _changed({(3, 4): "Browne"})),
    "a birth date that differs": (Code.DIFFERS_FROM_ROSTER, "F3", _changed({(3, 6): date(2015, 1, 1)})),
    "a school number cleared": (Code.DIFFERS_FROM_ROSTER, "A3", _changed({(3, 1): None})),
    "one assessment missing": (Code.ASSESSMENT_MISSING, "J3", _changed({(3, 10): None})),
    "greater depth below 100": (Code.ASSESSMENT_SCORE_MISMATCH, "H3", _changed({(3, 8): "GDS", (3, 12): 99})),
    "pre-key stage with a score": (Code.ASSESSMENT_SCORE_MISMATCH, "J3", _changed({(3, 10): "PK2"})),
    "results removed": (
        Code.RESULTS_REMOVED,
        "B3",
        lambda: verdict_on(
            book({**grid(ROSTER.pupils), **{(3, position): None for position in range(8, 15)}}),
            ROSTER,
            previous=_previous(),
        ),
    ),
    "a pupil joined": (
        Code.PUPIL_JOINED,
        None,
        lambda: verdict_on(book(grid(ROSTER.pupils), mark=mark()), roster(5, version="v2"), template=ROSTER),
    ),
    "a pupil left": (
        Code.PUPIL_LEFT,
        "B5",
        lambda: verdict_on(book(grid(ROSTER.pupils), mark=mark()), roster(3, version="v2"), template=ROSTER),
    ),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_finding_by_example(example: str) -> None:
    code, cell, make = EXAMPLES[example]
    verdict = make()
    assert (code, cell) in told(verdict.findings)
    assert verdict.accepted is not any(finding.severity is Severity.ERROR for finding in verdict.findings)
    assert bool(verdict.results) is verdict.accepted
    for finding in verdict.findings:
        if finding.cell is not None:
            assert finding.cell.endswith(str(finding.row))
            assert finding.column
        for one in ROSTER.pupils:
            assert not any(value in finding.message for value in (one.upn, one.surname, "1231234 "))


def test_the_examples_leave_no_code_out() -> None:
    readers = {Code.OLD_EXCEL, Code.ENCRYPTED, Code.MACROS, Code.DAMAGED, Code.TOO_LARGE}  # tested with the reader
    around = {Code.WINDOW_CLOSED, Code.COULD_NOT_PROCESS}  # not earned by a file's cells
    elsewhere = {Code.SCORE_UNREACHABLE}  # of services whose file names a test's scores: test_services.py
    assert {code for code, _, _ in EXAMPLES.values()} == set(Code) - readers - around - elsewhere


def test_nothing_more_is_told_than_is_wrong() -> None:
    """One slip, one finding: what it entails for other rows is not listed beside it."""
    alone = set(EXAMPLES) - {
        "an empty file",
        "nobody of the list",  # and that the list's pupils are missing
        "results without a UPN",
        "an error for a UPN",
        "a pupil of no list",
        "a pupil twice",  # whose own row is now missing, and whose name differs
        "another school",
        "a missing identity column",
        "no pupils",
    }
    assert {example: len(EXAMPLES[example][2]().findings) for example in alone} == dict.fromkeys(alone, 1)


@pytest.mark.parametrize(
    ("column", "written", "meant"),
    [
        ("ta_reading", " exs ", "EXS"),
        ("ta_reading", "\u00a0Gds\u200b", "GDS"),
        ("ta_science", "hnm\n", "HNM"),
        ("ss_maths", 100.0, 100),
        ("ss_maths", "100", 100),
        ("ss_maths", " 100.0\u00a0", 100),
        ("ss_maths", 99.99999999999999, 100),
        ("ss_gps", 85, 85),
        ("ss_gps", 115, 115),
    ],
)
def test_ways_of_writing_that_are_forgiven(column: str, written: str | float, meant: str | int) -> None:
    verdict = with_cells({(3, POSITION[column]): written})
    assert verdict.findings == ()
    entry = verdict.results[1]
    found: str | int = entry.assessments[column] if column.startswith("ta") else entry.scores[column]
    assert (found, type(found)) == (meant, type(meant))


@pytest.mark.parametrize("written", ["", " ", "\u00a0", "\u200b", "\t \n", None])
def test_cells_that_are_blank_to_people_are_blank(written: str | None) -> None:
    verdict = with_cells({(3, position): written for position in range(8, 15)})
    assert verdict.findings == ()
    assert (verdict.results[1].assessments, verdict.results[1].scores) == ({}, {})


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("school", "1231234"),
        ("school", "123/1234"),
        ("school", 1231234.0),
        ("upn", " p1234567891235 "),
        ("upn", "P1234567891235\u00a0"),
        ("forename", "ANN"),
        ("forename", "Ann "),
        ("gender", "F"),
        ("birth_date", "02/09/2014"),
        ("birth_date", "2014-09-02"),
        ("birth_date", 41884),
        ("birth_date", datetime(2014, 9, 2, 13, 30)),  # noqa: DTZ001
        ("nc_year", "2"),
        ("nc_year", "Year 2"),
        ("nc_year", 2.0),
    ],
)
def test_prefilled_cells_that_still_say_the_same(key: str, written: Any) -> None:
    assert with_cells({(3, POSITION[key]): written}).findings == ()


@pytest.mark.parametrize("written", ["O\u2019Neill\u2013Smith", "o'neill-smith", " O\u2019NEILL-SMITH"])
def test_a_name_that_excel_retouched_does_not_differ(written: str) -> None:
    assert with_cells({(6, POSITION["surname"]): written}, current=5).findings == ()


@pytest.mark.parametrize("value", [None, "someone else", 7, True, time(9, 30), "31/02/2014"])
@pytest.mark.parametrize("key", ["forename", "surname", "gender", "birth_date", "nc_year"])
def test_a_prefilled_cell_that_differs_is_a_warning_and_the_roster_counts(key: str, value: Any) -> None:
    verdict = with_cells({(3, POSITION[key]): value})
    assert [(f.code, f.row, f.column) for f in verdict.findings] == [
        (Code.DIFFERS_FROM_ROSTER, 3, HEADINGS[POSITION[key] - 1])
    ]
    assert verdict.accepted
    assert verdict.results[1].pupil == ROSTER.pupils[1]


def test_all_errors_of_a_row_are_told_in_the_order_of_the_file() -> None:
    verdict = with_cells({(5, 14): "high", (5, 8): "exp", (3, 11): "GDS", (5, 2): "P0", (1, 16): "Total"})
    assert told(verdict.errors) == [
        (Code.PUPIL_MISSING, None),
        (Code.UNKNOWN_COLUMN, "P1"),
        (Code.CODE_NOT_ACCEPTED, "K3"),
        (Code.PUPIL_NOT_ON_ROSTER, "B5"),
        (Code.CODE_NOT_ACCEPTED, "H5"),
        (Code.SCALED_SCORE_RANGE, "N5"),
    ]


def test_messages_name_what_is_accepted() -> None:
    verdict = with_cells({(2, 11): "WTS", (3, 11): 101, (4, 11): "x", (5, 12): "WTS"})
    assert [finding.message for finding in verdict.errors] == [
        "WTS is not accepted for Science. Accepted codes are EXS, HNM, A. Allows empty field",
        "This looks like a scaled score, but the column is a teacher assessment. "
        "Accepted codes are EXS, HNM, A. Allows empty field",
        "Accepted codes are EXS, HNM, A. Allows empty field",
        "This looks like a teacher assessment code, but the column is a scaled score. Range must be between 85 to 115 "
        "and be whole numbers. Allows empty field",
    ]


# Where the table is


@pytest.mark.parametrize("heading_row", [1, 2, 7, 40])
def test_headings_are_found_below_titles(heading_row: int) -> None:
    cells: Grid = {(1, 3): "Our results", (1, 1): "UPN"} if heading_row > 1 else {}
    cells |= grid(ROSTER.pupils, heading_row=heading_row)
    cells[heading_row + 2, 12] = 84
    assert told(verdict_on(book(cells), ROSTER).findings) == [(Code.SCALED_SCORE_RANGE, f"L{heading_row + 2}")]


def test_headings_are_forgiven_case_spaces_and_line_breaks() -> None:
    cells = grid(ROSTER.pupils)
    for position, heading in enumerate(HEADINGS, 1):
        cells[1, position] = " " + heading.upper().replace(": ", ":\n") + "\u00a0"
    assert verdict_on(book(cells), ROSTER).findings == ()


@pytest.mark.parametrize("name", ["KS1 results", "ks1 RESULTS ", "Sheet2", "My copy"])
def test_the_results_may_be_on_any_sheet(name: str) -> None:
    others: dict[str, Grid] = {"What to correct": {(1, 1): "UPN", (2, 1): "School DFE"}, "Notes": {(1, 1): "x"}}
    assert verdict_on(book(grid(ROSTER.pupils), sheet=name, others=others), ROSTER).findings == ()


def test_the_sheet_of_the_templates_name_comes_first() -> None:
    others = {"Old": grid(ROSTER.pupils, ())}
    assert verdict_on(book(grid(ROSTER.pupils), others=others), ROSTER).findings == ()
    alike = {"Old": grid(ROSTER.pupils[:2], heading_row=4)}
    assert verdict_on(book(grid(ROSTER.pupils), others=alike), ROSTER).findings == ()


def test_a_very_hidden_sheet_is_never_the_results() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(book(grid(ROSTER.pupils), others={"Front": {(1, 1): "x"}})))
    workbook[SERVICE.sheet].sheet_state = "veryHidden"
    out = io.BytesIO()
    workbook.save(out)
    assert [f.code for f in verdict_on(out.getvalue(), ROSTER).findings] == [Code.NO_RESULTS_SHEET]


def test_a_cleared_row_of_headings_is_told_as_such() -> None:
    cells = {place: value for place, value in grid(ROSTER.pupils).items() if place[0] > 1}
    (finding,) = verdict_on(book(cells), ROSTER).findings
    assert finding.code is Code.NO_RESULTS_SHEET
    assert "headings" in finding.message


def test_another_template_is_named() -> None:
    (finding,) = EXAMPLES["last year's template"][2]().findings
    assert finding.message == "This is the KS1 2022 template. Download the KS1 2023 template and fill that in."
    (finding,) = EXAMPLES["another key stage's headings"][2]().findings
    assert finding.message.startswith("This is the KS2 file; you are in KS1 2023. Upload it under KS2, or download")


# What stands around the table


def test_what_stands_around_the_table_is_left_alone() -> None:
    """Blank rows, formats dragged down, strays far outside, jottings beside and below: none of it is a pupil."""
    cells = grid(ROSTER.pupils)
    for position in range(1, 15):
        cells[6, position] = cells.pop((4, position))  # now row 4 is blank
    for row in range(7, 60):
        cells[row, 1] = 1231234  # the school number, dragged down
    cells[30, 3] = "Completed by Mrs Jones"
    cells[500, 27] = Shown("#REF!")
    cells[3, 20], cells[9, 20] = 12.5, "check with Ann"
    cells[1, 22], cells[1, 23], cells[1, 24] = Shown("#REF!"), 2023, "  "
    verdict = verdict_on(book(cells), ROSTER)
    assert verdict.findings == ()
    assert verdict.pupils == 4


def test_a_stray_error_in_a_service_column_is_one_finding() -> None:
    assert told(with_cells({(900, 12): Shown("#REF!")}).findings) == [(Code.CELL_ERROR, "L900")]


def test_a_total_below_the_table_is_told_kindly() -> None:
    (finding,) = with_cells({(8, 12): 101.25}).errors
    assert (finding.code, finding.cell) == (Code.ROW_NOT_A_PUPIL, "L8")
    assert "a total, a key of codes" in finding.message


# Schools


def test_one_slip_in_a_school_number_hides_nothing_else() -> None:
    verdict = with_cells({(3, 1): 1231235, (4, 2): "P1", (5, 12): 0})
    assert told(verdict.errors) == [
        (Code.PUPIL_MISSING, None),
        (Code.MIXED_SCHOOLS, "A3"),
        (Code.PUPIL_NOT_ON_ROSTER, "B4"),
        (Code.SCALED_SCORE_RANGE, "L5"),
    ]
    assert verdict.school == SCHOOL


def test_a_school_that_is_not_the_uploaders_learns_nothing_of_its_roster() -> None:
    cells = {**grid(ROSTER.pupils), (3, 2): "P1", (3, 12): 84, (3, 3): "Someone"}
    cells |= {(4, position): None for position in range(8, 15)}
    for given in (ROSTER, None):
        verdict = verdict_on(book(cells), given, allowed=("7654321",), previous=_previous())
        assert told(verdict.findings) == [(Code.WRONG_SCHOOL, None), (Code.SCALED_SCORE_RANGE, "L3")]
        assert verdict.school == SCHOOL


def test_half_and_half_belongs_to_neither() -> None:
    cells = {**grid(ROSTER.pupils), (2, 1): 7654321, (3, 1): 7654321}
    submission = read_submission(book(cells), SERVICE)
    assert submission.school is None
    assert submission.schools == ("7654321", "1231234")
    verdict = judge(submission, SERVICE, allowed_schools=(SCHOOL, "7654321"), roster=ROSTER)
    assert told(verdict.errors) == [(Code.MIXED_SCHOOLS, "A4"), (Code.MIXED_SCHOOLS, "A5")]


def test_a_roster_of_another_school_is_not_looked_at() -> None:
    verdict = verdict_on(book(grid(ROSTER.pupils)), roster(school="7654321"))
    assert told(verdict.findings) == [(Code.PUPIL_NOT_ON_ROSTER, None)]
    assert SERVICE.support.email in verdict.errors[0].message


@pytest.mark.parametrize("written", [123123, "12312345", -1231234, 1231234.5, "1231234; DROP", "١٢٣١٢٣٤"])
def test_only_seven_digits_are_ever_a_school(written: Any) -> None:
    submission = read_submission(book({**grid(ROSTER.pupils), **{(r, 1): written for r in range(2, 6)}}), SERVICE)
    assert submission.schools == ()
    assert submission.school is None


# Joining, leaving, missing


def test_missing_pupils_are_told_once_by_their_rows_in_a_new_template() -> None:
    current = roster(8)
    pupils = tuple(current.pupils[i] for i in (0, 4, 5))
    (finding,) = verdict_on(book(grid(pupils)), current).errors
    assert finding.code is Code.PUPIL_MISSING
    assert finding.message.startswith("5 pupils of your school's current Year 2 list are not in this file.")
    assert "the pupils on rows 3 to 5, 8 and 9." in finding.message


def test_without_a_mark_the_current_roster_judges() -> None:
    joined = verdict_on(book(grid(ROSTER.pupils)), roster(5), template=ROSTER)
    assert told(joined.findings) == [(Code.PUPIL_MISSING, None)]
    left = verdict_on(book(grid(ROSTER.pupils)), roster(3), template=ROSTER)
    assert told(left.findings) == [(Code.PUPIL_NOT_ON_ROSTER, "B5")]


def test_a_mark_of_a_version_we_do_not_hold_is_no_mark() -> None:
    data = book(grid(ROSTER.pupils), mark=mark(version="forged"))
    assert read_submission(data, SERVICE).template_roster_version == "forged"
    assert [f.code for f in verdict_on(data, roster(5), template=ROSTER).findings] == [Code.PUPIL_MISSING]


def test_who_was_on_the_template_and_is_on_the_list_may_not_be_left_out() -> None:
    data = book(grid(ROSTER.pupils[:3]), mark=mark())
    verdict = verdict_on(data, roster(5, version="v2"), template=ROSTER)
    assert told(verdict.findings) == [(Code.PUPIL_MISSING, None), (Code.PUPIL_JOINED, None)]


def test_a_pupil_who_left_is_not_counted_and_cannot_block() -> None:
    cells = {**grid(ROSTER.pupils), (5, 8): "nonsense", (5, 12): Shown("#N/A")}
    verdict = verdict_on(book(cells, mark=mark()), roster(3, version="v2"), template=ROSTER)
    assert told(verdict.findings) == [(Code.PUPIL_LEFT, "B5")]
    assert verdict.pupils == 3
    assert [entry.pupil for entry in verdict.results] == list(ROSTER.pupils[:3])


# Results


def test_science_has_no_score_to_disagree_with() -> None:
    assert with_cells({(3, 11): "A", (3, 12): None, (3, 13): None, (3, 14): None}).findings == ()


def test_a_missing_score_is_fine_and_a_bad_code_is_not_a_missing_one() -> None:
    assert told(with_cells({(3, 12): None, (3, 8): "?", (4, 14): None}).findings) == [(Code.CODE_NOT_ACCEPTED, "H3")]


def test_results_all_wrong_are_not_no_results() -> None:
    verdict = verdict_on(book(grid(ROSTER.pupils, ("x",) * 7)), ROSTER)
    assert {finding.code for finding in verdict.findings} == {Code.CODE_NOT_ACCEPTED, Code.SCALED_SCORE_RANGE}


def test_what_changed_since_the_last_good_file() -> None:
    before = verdict_on(book(grid(ROSTER.pupils)), ROSTER).results
    cells = {**grid(ROSTER.pupils), (2, 12): 110, (3, 14): None}
    changes = verdict_on(book(cells), ROSTER, previous=before).changes
    assert changes is not None
    assert changes.to_json(SERVICE) == {
        "added": 0,
        "changed": 1,
        "removed": 1,
        "pupils": 2,
        "columns": [
            {"column": "Scaled Score: KS1 Reading", "added": 0, "changed": 1, "removed": 0},
            {"column": "Scaled Score: KS1 GPS", "added": 0, "changed": 0, "removed": 1},
        ],
        "rows": [2, 3],
    }


def test_a_stream_is_read_as_the_bytes_are() -> None:
    data = book(grid(ROSTER.pupils))
    assert read_submission(io.BytesIO(data), SERVICE) == read_submission(data, SERVICE)


def test_a_service_without_a_subject_still_judges() -> None:
    """Columns and rules come from the service, not from this code."""
    columns = tuple(c for c in SERVICE.results if c.subject != "science")
    smaller = SERVICE._replace(results=columns, name="ks1-2024", year=2024)
    submission = read_submission(book(grid(ROSTER.pupils)), smaller)
    verdict = judge(submission, smaller, allowed_schools=(SCHOOL,), roster=ROSTER)
    assert told(verdict.findings) == [(Code.UNKNOWN_COLUMN, "K1")]
    assert "KS1 2024" in verdict.errors[0].message


def test_words_about_the_window() -> None:
    assert messages.deadline(SERVICE.windows[1]) == (
        "Window 2 closes at 12 noon on Friday 21 July 2023; reports are available from 28 July 2023."
    )


def test_pupils_of_the_helper_differ() -> None:
    assert len({pupil(number).upn for number in range(200)}) == 200


@pytest.mark.parametrize(
    ("renamed", "words"),
    [
        (
            {"ta_maths": "Maths outcome"},
            "If it is the column “Teacher Assessment: KS1 Maths”, rename it to exactly that",
        ),
        ({"ta_maths": "Sums", "ss_gps": "Scaled GPS"}, "If it is one that is missing, rename it to exactly that (“Tea"),
        ({}, "This column is not part of the KS1 2023 template. Delete it, or move it to another sheet."),
    ],
)
def test_a_heading_that_was_renamed_is_to_be_renamed_and_not_deleted(renamed: dict[str, str], words: str) -> None:
    cells = {**grid(ROSTER.pupils), **{(1, POSITION[key]): heading for key, heading in renamed.items()}}
    if not renamed:
        cells[1, len(HEADINGS) + 1] = "Notes"
    told = [one.message for one in verdict_on(book(cells), ROSTER).errors if one.code is Code.UNKNOWN_COLUMN]
    assert words in told[0]
    assert "Delete the whole column" not in told[0]
