"""The annotated copy: what it shows, what it puts right, and that what is left can be corrected in place."""

from __future__ import annotations

import io
from datetime import datetime, time
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.annotated import ERROR_FILL, PUT_RIGHT_FILL, WARNING_FILL, annotated_workbook
from early_results.checking.check import Verdict, judge, read_submission
from early_results.checking.mark import OVERVIEW_SHEET
from early_results.checking.roster import Roster
from early_results.findings import Code
from tests.effort import examples
from tests.unit.checking.school_files import ISSUED, SCHOOL, SERVICE, Grid, Shown, book, grid, mark, roster, told

ROSTER = roster(8)


def annotate(
    data: bytes, current: Roster | None = ROSTER, template: Roster | None = None
) -> tuple[openpyxl.Workbook, Verdict, bytes]:
    submission = read_submission(data, SERVICE)
    verdict = judge(submission, SERVICE, allowed_schools=(SCHOOL,), roster=current, template_roster=template)
    copy = annotated_workbook(SERVICE, submission, verdict, current, ISSUED)
    assert annotated_workbook(SERVICE, submission, verdict, current, ISSUED) == copy
    return openpyxl.load_workbook(io.BytesIO(copy)), verdict, copy


def again(workbook: openpyxl.Workbook, current: Roster = ROSTER) -> Verdict:
    out = io.BytesIO()
    workbook.save(out)
    return judge(read_submission(out.getvalue(), SERVICE), SERVICE, allowed_schools=(SCHOOL,), roster=current)


def filled(cell: Any) -> str:
    return str(cell.fill.fgColor.rgb)[2:]


RED, AMBER, BLUE = (str(fill.fgColor.rgb)[2:] for fill in (ERROR_FILL, WARNING_FILL, PUT_RIGHT_FILL))


def test_bad_cells_are_coloured_noted_and_listed_with_links() -> None:
    copy, verdict, _ = annotate(book({**grid(ROSTER.pupils), (4, 13): 84, (5, 8): "=1+1", (6, 9): None}))
    sheet, overview = copy[SERVICE.sheet], copy[OVERVIEW_SHEET]
    assert copy.worksheets[0] is overview
    assert [filled(sheet[cell]) for cell in ("M4", "H5", "I6")] == [RED, RED, AMBER]
    for finding in verdict.findings:
        note = sheet[str(finding.cell)].comment
        assert note is not None
        assert note.text == finding.message
    assert sheet["H5"].value == "=1+1"
    assert sheet["H5"].data_type == "s"
    assert sheet["M4"].value == 84
    assert sheet["M5"].comment is None
    links = {cell.value: cell.hyperlink.location for row in overview for cell in row if cell.hyperlink}
    assert links == {cell: f"'KS1 results'!{cell}" for cell in ("M4", "H5", "I6")}
    text = [[cell.value for cell in row] for row in overview]
    assert text[0][0] == "Key Stage 1 Early Results 2023: 2 errors to correct, 1 warning"
    assert ["Error", 1, "Scaled score out of range", None, "M4"] in text
    assert ["Error", "M4", "James Page", "Scaled Score: KS1 Maths", verdict.errors[0].message] in text


def test_rows_keep_their_numbers_under_titles_and_gaps() -> None:
    cells = {(place[0] * 3 - 2 + 4, place[1]): value for place, value in grid(ROSTER.pupils).items()}
    cells[8, 12] = 84
    copy, verdict, _ = annotate(book({(1, 1): "Our results", **cells}))
    assert told(verdict.errors) == [(Code.SCALED_SCORE_RANGE, "L8")]
    assert filled(copy[SERVICE.sheet]["L8"]) == RED
    copy[SERVICE.sheet]["L8"] = 85
    assert again(copy).findings == ()


def test_columns_go_back_to_the_templates_order_and_foreign_ones_are_left_out() -> None:
    order = [14, *range(1, 14)]
    cells: Grid = {(row, order[position - 1]): value for (row, position), value in grid(ROSTER.pupils).items()}
    cells |= {(1, 20): "=Notes", (3, 20): "x", (3, order[12]): 84}
    copy, _, data = annotate(book(cells))
    assert filled(copy[SERVICE.sheet]["M3"]) == RED
    assert "“=Notes”" in str(list(copy[OVERVIEW_SHEET].values))
    assert told(again(openpyxl.load_workbook(io.BytesIO(data))).findings) == [(Code.SCALED_SCORE_RANGE, "M3")]


def test_missing_pupils_are_added_in_blue() -> None:
    copy, verdict, _ = annotate(book(grid(ROSTER.pupils[:6])))
    sheet = copy[SERVICE.sheet]
    assert [cell.value for cell in sheet["B"]][7:] == [one.upn for one in ROSTER.pupils[6:]]
    assert filled(sheet["B8"]) == filled(sheet["N9"]) == BLUE
    assert "already corrected" in copy[OVERVIEW_SHEET]["A1"].value
    assert not verdict.accepted
    assert again(copy).accepted


def test_a_mistyped_upn_is_put_right_by_name_and_birth_date() -> None:
    cells = {**grid(ROSTER.pupils), (4, 2): "P0000", (6, 2): ROSTER.pupils[1].upn}
    copy, verdict, _ = annotate(book(cells))
    assert {finding.code for finding in verdict.errors} == {
        Code.PUPIL_NOT_ON_ROSTER,
        Code.PUPIL_REPEATED,
        Code.PUPIL_MISSING,
    }
    sheet = copy[SERVICE.sheet]
    assert [sheet["B4"].value, sheet["B6"].value] == [ROSTER.pupils[2].upn, ROSTER.pupils[4].upn]
    assert filled(sheet["B4"]) == filled(sheet["B6"]) == BLUE
    assert sheet.max_row == 9
    assert again(copy).findings == ()


def test_a_pupil_of_no_list_is_kept_red_and_can_be_deleted() -> None:
    cells = {**grid(ROSTER.pupils), (4, 2): "P0000", (4, 3): "Someone", (4, 4): "@Else"}
    copy, _, _ = annotate(book(cells))
    sheet = copy[SERVICE.sheet]
    assert filled(sheet["B4"]) == RED
    assert sheet["D4"].value == "@Else"
    assert sheet["D4"].data_type == "s"
    assert not any(cell.protection.locked for cell in sheet[4])
    assert not sheet.protection.deleteRows  # not forbidden
    for cell in sheet[4]:
        cell.value = None
    assert again(copy).accepted


def test_who_has_left_is_taken_out_and_who_has_joined_is_added() -> None:
    current = roster(8, first=1, version="v2")
    copy, verdict, _ = annotate(book({**grid(ROSTER.pupils), (5, 12): 84}, mark=mark()), current, ROSTER)
    assert [finding.code for finding in verdict.warnings] == [Code.PUPIL_JOINED, Code.PUPIL_LEFT]
    sheet = copy[SERVICE.sheet]
    assert [cell.value for cell in sheet["B"]][1:] == [None, *(one.upn for one in current.pupils)]
    assert "(row 2)" in str(list(copy[OVERVIEW_SHEET].values))
    sheet["L5"] = 90
    assert again(copy, current).findings == ()


def test_values_of_every_kind_come_through() -> None:
    odd: dict[tuple[int, int], Any] = {
        (2, 12): Shown("#N/A"),
        (3, 12): True,
        (4, 12): datetime(2023, 4, 9),  # noqa: DTZ001
        (5, 12): 1e300,
        (6, 12): "x" * 32_000,
        (7, 12): "a\nb\t_x0041_",
        (8, 12): "\x01odd",
    }
    copy, verdict, _ = annotate(book({**grid(ROSTER.pupils), **odd}))
    assert len(verdict.errors) == len(odd)
    repeated = again(copy)
    assert told(repeated.errors) == told(verdict.errors)
    assert [f.message for f in repeated.errors] == [f.message for f in verdict.errors]


def test_a_file_that_could_not_be_read_has_an_overview_alone() -> None:
    copy, verdict, _ = annotate(b"not a workbook")
    assert copy.sheetnames == [OVERVIEW_SHEET]
    assert verdict.errors[0].message in str(list(copy[OVERVIEW_SHEET].values))


def test_another_schools_file_shows_nobody_of_the_list() -> None:
    data = book(grid(roster(2, school="7654321").pupils))
    submission = read_submission(data, SERVICE)
    verdict = judge(submission, SERVICE, allowed_schools=(SCHOOL,), roster=None)
    other = roster(8, school="7654321")
    copy = openpyxl.load_workbook(io.BytesIO(annotated_workbook(SERVICE, submission, verdict, other, ISSUED)))
    assert copy[SERVICE.sheet].max_row == 3
    assert "whole file" in str(list(copy[OVERVIEW_SHEET].values))


def test_results_that_a_file_does_not_hold_are_not_lost_by_uploading_its_copy_as_it_is() -> None:
    """A formula without a value, and what merged cells cover, stand as a red `?`: the copy is refused as the file."""
    workbook = openpyxl.load_workbook(io.BytesIO(book(grid(ROSTER.pupils))))
    sheet = workbook[SERVICE.sheet]
    sheet["L3"] = "=50+50"  # openpyxl writes no value beside a formula
    sheet.merge_cells("M4:M6")
    out = io.BytesIO()
    workbook.save(out)
    copy, verdict, _ = annotate(out.getvalue())
    assert {finding.code for finding in verdict.errors} == {Code.FORMULA_NOT_CALCULATED, Code.CELLS_MERGED}
    shown = copy[SERVICE.sheet]
    for place in ("L3", "M5", "M6"):
        assert (shown[place].value, filled(shown[place])) == ("?", RED)
    assert {finding.cell for finding in again(copy).errors} == {"L3", "M5", "M6"}
    for place in ("L3", "M4", "M5", "M6"):
        shown[place].value = 100
    assert again(copy).accepted


def with_sheet(data: bytes, cells: Grid, name: str = "Sheet2") -> bytes:
    """The workbook with one more sheet."""
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    sheet = workbook.create_sheet(name)
    for (row, column), value in cells.items():
        sheet.cell(row, column, value)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def test_results_that_are_on_another_sheet_are_not_lost_by_uploading_the_copy_as_it_is() -> None:
    """Two classes on two sheets are joined. Where two sheets contradict each other the copy is refused as the file."""
    first, second = grid(ROSTER.pupils[:5]), grid(ROSTER.pupils[5:])
    copy, verdict, _ = annotate(with_sheet(book(first), second))
    assert told(verdict.errors) == [(Code.SEVERAL_SHEETS, None)]
    sheet = copy[SERVICE.sheet]
    assert [cell.value for cell in sheet["B"]][1:] == [one.upn for one in ROSTER.pupils]
    assert filled(sheet["L9"]) == BLUE
    assert again(copy).accepted

    other = {**grid(ROSTER.pupils), (3, 12): 97, (4, 8): "WTS"}
    own = {**grid(ROSTER.pupils), (5, 13): None}
    copy, verdict, _ = annotate(with_sheet(book(own), other))
    assert told(verdict.errors) == [(Code.SEVERAL_SHEETS, None)]
    sheet = copy[SERVICE.sheet]
    assert [(sheet[place].value, filled(sheet[place])) for place in ("L3", "H4")] == [("?", RED)] * 2
    assert "“Sheet2” has “97” here instead" in sheet["L3"].comment.text
    assert (sheet["M5"].value, filled(sheet["M5"])) == (other[5, 13], BLUE)
    assert "In 2 cells your sheets have different results" in str(list(copy[OVERVIEW_SHEET].values))
    assert {finding.cell for finding in again(copy).errors} == {"L3", "H4"}
    sheet["L3"], sheet["H4"] = 97, "WTS"
    assert again(copy).accepted


@settings(max_examples=examples(25), deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(2, 9), st.integers(8, 14)), st.sampled_from([None, 97, "WTS", "x"]), max_size=9
    ),
    st.sets(st.integers(2, 9), max_size=7),
    st.sets(st.integers(2, 9), max_size=7),
    st.permutations(range(1, 15)),
)
def test_no_result_of_any_sheet_is_lost(
    edits: dict[tuple[int, int], Any], gone: set[int], gone_there: set[int], order: list[int]
) -> None:
    """Whatever result either sheet has is in the copy, or the copy is refused where it stood."""
    ours = {place: value for place, value in grid(ROSTER.pupils).items() if place[0] not in gone}
    theirs = {place: value for place, value in {**grid(ROSTER.pupils), **edits}.items() if place[0] not in gone_there}
    moved = {(row, order[position - 1]): value for (row, position), value in theirs.items()}
    copy, verdict, data = annotate(with_sheet(book(ours), moved))
    if Code.SEVERAL_SHEETS not in {finding.code for finding in verdict.errors}:
        return
    sheet = copy[SERVICE.sheet]
    rows = {sheet.cell(row, 2).value: row for row in range(2, sheet.max_row + 1)}
    refused = {finding.cell for finding in again(openpyxl.load_workbook(io.BytesIO(data))).errors}
    for cells in (ours, theirs):
        for (row, column), value in cells.items():
            if row > 1 and column > 7 and value is not None:
                cell = sheet.cell(rows[ROSTER.pupils[row - 2].upn], column)
                assert cell.value == value or cell.coordinate in refused


BAD: st.SearchStrategy[Any] = st.sampled_from(
    ["x", "GDS", 84, 100.5, Shown("#REF!"), True, "=1", " ", None, time(1, 2), "115"]
)


@settings(max_examples=examples(25), deadline=None)
@given(
    st.dictionaries(st.tuples(st.integers(2, 9), st.integers(3, 14)), BAD, max_size=15),
    st.sets(st.integers(2, 9), max_size=3),
    st.permutations(range(1, 15)),
    st.integers(0, 3),
)
def test_the_copy_corrected_in_place_passes(
    edits: dict[tuple[int, int], Any], gone: set[int], order: list[int], above: int
) -> None:
    """Clear every red cell, and what was wrong is right: whatever else was done to the file."""
    cells = {place: value for place, value in {**grid(ROSTER.pupils), **edits}.items() if place[0] not in gone}
    cells[10, 1], cells[10, 2] = 1231234, ROSTER.pupils[0].upn if 2 not in gone else None
    moved = {(row + above, order[position - 1]): value for (row, position), value in cells.items()}
    copy, _, _ = annotate(book(moved))
    sheet = copy[SERVICE.sheet]
    for row in sheet:
        if filled(row[1]) == RED:  # a pupil who is there twice, or of no list
            for cell in row:
                cell.value = None
        for cell in row:
            if filled(cell) == RED:
                cell.value = None
    if all(cell.value is None for row in sheet[f"H{above + 2}:N{sheet.max_row}"] for cell in row):
        upns = [cell for cell in sheet["B"][above + 1 :] if cell.value]
        sheet.cell(upns[0].row, 12).value = 100
    verdict = again(copy)
    assert verdict.errors == ()
    assert verdict.pupils == len(ROSTER.pupils)


@pytest.mark.long
def test_a_hopeless_file_is_coloured_whole_and_listed_in_part() -> None:
    many = roster(450)
    copy, verdict, _ = annotate(book(grid(many.pupils, ("x",) * 7)), many)
    assert len(verdict.errors) == 3_150
    sheet, overview = copy[SERVICE.sheet], copy[OVERVIEW_SHEET]
    assert filled(sheet["H2"]) == filled(sheet["N451"]) == RED
    assert sheet["H2"].comment is not None
    assert sheet["N451"].comment is None
    assert overview[overview.max_row][0].value == "The first 3,000 are listed here."
