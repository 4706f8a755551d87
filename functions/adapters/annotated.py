"""The annotated copy: the user's own results in a fresh template, with what is wrong coloured, noted and listed.

It is rebuilt, never the upload edited: nothing of an untrusted workbook but plain values comes through. Rows keep their
numbers, so that what the page says of M4 is seen in M4 (columns go back to the template's order). What can be put right
without the user is: headings, pupil details from the MIS, missing pupils. What is left, corrected in place, passes.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time
from typing import TYPE_CHECKING, cast

from openpyxl.cell.cell import ERROR_CODES, Cell
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties

from adapters import templates
from early_results import messages
from early_results.findings import Code, Severity, cell_reference
from early_results.mark import Mark
from early_results.submission import upn_of
from early_results.workbook import ErrorValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from early_results.check import Verdict
    from early_results.findings import Finding
    from early_results.results import Pupil
    from early_results.roster import Roster
    from early_results.service import Service
    from early_results.submission import Submission
    from early_results.workbook import Value

OVERVIEW_SHEET = "What to correct"
LISTED = 5_000  # findings on the overview; the CSV has all

ERROR_FILL = PatternFill("solid", fgColor="F8C9C4")
WARNING_FILL = PatternFill("solid", fgColor="FFE9A8")
ADDED_FILL = PatternFill("solid", fgColor="CFE5FA")
ERROR_FONT = Font(name=templates.FONT, size=11, bold=True, color="9C0006")
LINK = Font(name=templates.FONT, size=11, underline="single", color="0B57A4")
TOP = Alignment(vertical="top")
_DONE = "Already corrected in this copy"


def annotated_workbook(
    service: Service,
    submission: Submission,
    verdict: Verdict,
    roster: Roster | None,
    issued: datetime,
    *,
    deadlines: Sequence[str] | None = None,
) -> bytes:
    """The annotated copy of a submission, as the bytes of an .xlsx file.

    `roster` is the one the verdict was made with (None if there was none, or if the school is not the uploader's);
    `issued` is aware; `deadlines` as for the template. Where no results could be read there is the overview alone.
    """
    book = templates.new_workbook()
    overview = cast("Worksheet", book.create_sheet(OVERVIEW_SHEET))
    if roster is not None and (roster.school != submission.school or _has(verdict, Code.WRONG_SCHOOL)):
        roster = None  # nobody is shown the pupils of a school that is not theirs
    names: dict[int, str] = {}
    if submission.columns is not None:
        names = _results(book, service, submission, verdict, roster)
        if roster is not None:
            if deadlines is None:
                deadlines = [messages.deadline(window) for window in service.windows]
            templates.add_help_sheet(book, service, roster, issued, deadlines)
            mark = Mark(service.service, service.ruleset, roster.school, roster.version, issued)
            templates.add_mark(book, mark)  # the pupils are now those of the current roster
        elif submission.mark is not None:
            templates.add_mark(book, submission.mark)
    _overview(overview, service, submission, verdict, names)
    return templates.saved(book, issued, f"{service.title}: {OVERVIEW_SHEET.lower()}")


def _results(
    book: Workbook, service: Service, submission: Submission, verdict: Verdict, roster: Roster | None
) -> dict[int, str]:
    """The results sheet; the pupils' names by row, for the overview."""
    sheet = templates.add_results_sheet(book, service, submission.heading_row)
    known = {pupil.upn: pupil for pupil in roster.pupils} if roster else {}
    columns = submission.columns or {}
    left = {f.row for f in verdict.warnings if f.code is Code.PUPIL_LEFT}
    names: dict[int, str] = {}
    rows_of: dict[str, list[int]] = {}
    last = submission.heading_row
    for row, cells in submission.rows:
        if row in left:  # in a copy made for the current list they would be errors
            continue
        last = row
        upn = upn_of(cells.get(columns.get("upn", 0)))
        pupil = known.get(upn)
        if upn:
            rows_of.setdefault(upn, []).append(row)
        values = {key: cells[position] for key, position in columns.items() if position in cells}
        names[row] = _row(sheet, service, row, values, pupil)
    for rows in rows_of.values():
        for row in rows if len(rows) > 1 else ():
            _unlock(sheet, service, row)  # one of them is to be deleted
    for pupil in known.values():
        if pupil.upn not in rows_of:
            last += 1
            templates.write_pupil(sheet, service, last, pupil)
            names[last] = f"{pupil.forename} {pupil.surname}".strip()
            for position in range(1, len(service.columns) + 1):
                cell = cast(Cell, sheet.cell(last, position))
                cell.fill = ADDED_FILL
            upn_at = _position(service, "upn")
            note = "This pupil of your school's list was not in your file. Enter the results, or leave the cells blank."
            templates.comment(cast(Cell, sheet.cell(last, upn_at)), note)
    templates.finish_results_sheet(sheet, service, last, first_row=submission.heading_row + 1)
    sheet.protection.deleteRows = False  # not forbidden: rows of pupils who are on no list have to go
    _colour(sheet, service, verdict)
    return names


def _row(sheet: Worksheet, service: Service, row: int, values: dict[str, Value], pupil: Pupil | None) -> str:
    """One row of the user's file; the pupil's name."""
    if pupil is not None:
        templates.write_pupil(sheet, service, row, pupil)
        name = f"{pupil.forename} {pupil.surname}"
    else:
        name = " ".join(
            str(values[key]) for key in ("forename", "surname") if key in values and isinstance(values[key], str)
        )
    for position, column in enumerate(service.columns, 1):
        if pupil is not None and column.kind == "identity":
            continue
        cell = _put_back(sheet, row, position, values.get(column.key))
        templates.style_entry(cell, column)
        cell.protection = Protection(locked=False)
    return name.strip()


def _put_back(sheet: Worksheet, row: int, position: int, value: Value | None) -> Cell:
    """The user's value as it was, as far as a workbook can hold it."""
    if isinstance(value, ErrorValue) and value in ERROR_CODES:
        cell = cast(Cell, sheet.cell(row, position))
        cell.value = str(value)
        return cell
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, date) and value.year < 1900):
        value = str(value)
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    if isinstance(value, time):
        cell = cast(Cell, sheet.cell(row, position))
        cell.value = value
        return cell
    return templates.put(sheet, row, position, value)


def _colour(sheet: Worksheet, service: Service, verdict: Verdict) -> None:
    """Colours the cells of the findings and notes on each what to do, errors before warnings."""
    notes: dict[tuple[int, int], list[Finding]] = {}
    for finding in verdict.findings:
        place = _place(service, finding)
        if place is not None and finding.code is not Code.PUPIL_LEFT:
            notes.setdefault(place, []).append(finding)
    for (row, position), findings in notes.items():
        cell = cast(Cell, sheet.cell(row, position))
        if findings[0].severity is Severity.ERROR:
            cell.fill, cell.font = ERROR_FILL, ERROR_FONT
        else:
            cell.fill = WARNING_FILL
        templates.comment(cell, "\n\n".join(dict.fromkeys(finding.message for finding in findings)))


def _place(service: Service, finding: Finding) -> tuple[int, int] | None:
    """The row and column of a finding in this copy; None if it is about the whole file or a foreign column."""
    if finding.row is None or finding.cell is None:
        return None
    for position, column in enumerate(service.columns, 1):
        if column.heading == finding.column:
            return finding.row, position
    return None


def _overview(
    sheet: Worksheet, service: Service, submission: Submission, verdict: Verdict, names: dict[int, str]
) -> None:
    """Counts by rule, then every finding with a link to its cell."""
    for letter, width in (("A", 11), ("B", 11), ("C", 26), ("D", 34), ("E", 88)):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    errors, warnings = len(verdict.errors), len(verdict.warnings)
    title = f"{errors} error{'' if errors == 1 else 's'} to correct" if errors else "No errors"
    title += f", {warnings} warning{'' if warnings == 1 else 's'} to look at" if warnings else ""
    _line(sheet, 1, f"{service.title}: {title}", templates.TITLE, 26)
    row = 2
    if submission.columns is not None:
        for text in (
            f"1.  Correct the red cells on the sheet “{service.sheet}”. Point at a cell to read its note, or click a "
            "cell reference below to go there. Amber cells are warnings: they do not stop the file.",
            "2.  Save this workbook and upload it. The colours, the notes and this sheet are ignored.",
            *_put_right(service, submission, verdict),
        ):
            _line(sheet, row, text, templates.PLAIN, 15.5 * (1 + len(text) // 165))
            row += 1
    row = _table_head(sheet, row + 1, ("Type", "How many", "What is wrong", "", "First cell"))
    counts: dict[Code, list[Finding]] = {}
    for finding in verdict.findings:
        counts.setdefault(finding.code, []).append(finding)
    for code, found in counts.items():
        _type(sheet, row, found[0])
        templates.put(sheet, row, 2, len(found))
        templates.put(sheet, row, 3, messages.TITLES[code])
        sheet.merge_cells(start_row=row, start_column=3, end_row=row, end_column=4)
        _link(sheet, row, 5, service, next((f for f in found if _place(service, f)), found[0]), submission)
        _frame(sheet, row)
        row += 1
    row = _table_head(sheet, row + 1, ("Type", "Cell", "Pupil", "Column", "What to do"))
    sheet.print_title_rows = f"{row - 1}:{row - 1}"
    for finding in verdict.findings[:LISTED]:
        _type(sheet, row, finding)
        _link(sheet, row, 2, service, finding, submission)
        templates.put(sheet, row, 3, names.get(finding.row or 0, ""))
        templates.put(sheet, row, 4, finding.column or "")
        templates.put(sheet, row, 5, finding.message)
        _frame(sheet, row)
        sheet.row_dimensions[row].height = 15.5 * (1 + max(len(finding.message) // 88, len(finding.column or "") // 32))
        row += 1
    if len(verdict.findings) > LISTED:
        _line(sheet, row, f"The first {LISTED:,} are listed here.", templates.BOLD, 16)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _put_right(service: Service, submission: Submission, verdict: Verdict) -> list[str]:
    """What this copy has already put right, in sentences."""
    done = []
    if _has(verdict, Code.UNKNOWN_COLUMN):
        columns = ", ".join(f"“{heading}”" for _, heading in submission.unknown)
        done.append(f"the columns that are not part of the template are left out ({columns})")
    if _has(verdict, Code.MISSING_COLUMN) or _has(verdict, Code.REPEATED_COLUMN):
        done.append("every heading of the template is there once (check the columns that were missing or repeated)")
    if _has(verdict, Code.DIFFERS_FROM_ROSTER):
        done.append("pupil details are those of your MIS")
    if _has(verdict, Code.PUPIL_MISSING) or _has(verdict, Code.PUPIL_JOINED):
        done.append("pupils who were not in your file are added below the others, in blue")
    left = [f.row for f in verdict.warnings if f.code is Code.PUPIL_LEFT and f.row is not None]
    if left:
        done.append(f"pupils who have left are taken out (row{'' if len(left) == 1 else 's'} {messages.spans(left)})")
    return [f"{_DONE}: {'; '.join(done)}."] if done else []


def _has(verdict: Verdict, code: Code) -> bool:
    return any(finding.code is code for finding in verdict.findings)


def _line(sheet: Worksheet, row: int, text: str, font: Font, height: float) -> None:
    cell = templates.put(sheet, row, 1, text)
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=5)
    cell.font, cell.alignment = font, templates.WRAP
    sheet.row_dimensions[row].height = height


def _table_head(sheet: Worksheet, row: int, titles: Sequence[str]) -> int:
    """Writes the head of a table; the row after it."""
    for position, title in enumerate(titles, 1):
        cell = templates.put(sheet, row, position, title)
        cell.font, cell.fill, cell.border = templates.WHITE, templates.HEAD, templates.BOX
    sheet.row_dimensions[row].height = 18
    return row + 1


def _frame(sheet: Worksheet, row: int) -> None:
    for position in range(1, 6):
        cell = cast(Cell, sheet.cell(row, position))
        cell.border, cell.alignment = templates.BOX, templates.WRAP
        if cell.font == Font() or cell.font.name != templates.FONT:
            cell.font = templates.PLAIN


def _type(sheet: Worksheet, row: int, finding: Finding) -> None:
    cell = templates.put(sheet, row, 1, finding.severity.value.capitalize())
    if finding.severity is Severity.ERROR:
        cell.fill, cell.font = ERROR_FILL, ERROR_FONT
    else:
        cell.fill, cell.font = WARNING_FILL, templates.BOLD


def _link(
    sheet: Worksheet, row: int, position: int, service: Service, finding: Finding, submission: Submission
) -> None:
    """A link to a finding's cell in this copy; for the whole file, the words say so."""
    place = _place(service, finding)
    if place is None or finding.code is Code.PUPIL_LEFT or submission.columns is None:
        templates.put(sheet, row, position, f"{finding.cell} (left out)" if finding.cell else "whole file")
        return
    reference = cell_reference(*place)
    cell = templates.put(sheet, row, position, reference)
    cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{service.sheet}'!{reference}", display=reference)
    cell.font = LINK


def _unlock(sheet: Worksheet, service: Service, row: int) -> None:
    for position in range(1, len(service.columns) + 1):
        cast(Cell, sheet.cell(row, position)).protection = Protection(locked=False)


def _position(service: Service, key: str) -> int:
    return 1 + [column.key for column in service.columns].index(key)
