"""The annotated copy: the user's own results in a fresh template, with what is wrong coloured, noted and listed.

It is built anew, and the upload itself is not edited: of an untrusted workbook only plain values come through. Rows
keep their numbers, so that what the page says of row 4 is found in row 4; columns go back to the template's order. The
copy corrects what it can without the user: headings, pupil details from the MIS, missing pupils. Once the user has
corrected the rest in it, it passes the check.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, datetime, time
from typing import TYPE_CHECKING, cast

from openpyxl.cell.cell import ERROR_CODES
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties

from adapters import templates
from early_results.checking import messages
from early_results.checking.cells import as_date, folded, is_blank, upn_of
from early_results.checking.mark import OVERVIEW_SHEET, TemplateMark
from early_results.checking.submission import comparable, pupil_key
from early_results.findings import Code, Severity, cell_reference
from early_results.workbook import ErrorValue, Uncalculated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

    from early_results.checking.check import Verdict
    from early_results.checking.roster import Roster
    from early_results.checking.submission import Cells, OtherSheet, Submission
    from early_results.findings import Finding
    from early_results.results import Pupil
    from early_results.service import Service
    from early_results.workbook import Value

# how many findings the overview lists and how many cells have notes; the CSV has all, and all bad cells are coloured
LISTED = 3_000

ERROR_FILL = PatternFill("solid", fgColor="F8C9C4")
WARNING_FILL = PatternFill("solid", fgColor="FFE9A8")
PUT_RIGHT_FILL = PatternFill("solid", fgColor="CFE5FA")
ERROR_FONT = Font(name=templates.FONT, size=11, bold=True, color="9C0006")
LINK = Font(name=templates.FONT, size=11, underline="single", color="0B57A4")
DONE = "Already corrected in this copy"
_PUT_RIGHT = frozenset(
    {
        Code.UNKNOWN_COLUMN,
        Code.MISSING_COLUMN,
        Code.REPEATED_COLUMN,
        Code.PUPIL_MISSING,
        Code.PUPIL_JOINED,
        Code.PUPIL_LEFT,
        Code.ROW_NOT_A_PUPIL,
    }
)


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
        roster = None  # the copy must not show the pupils of a school that is not the user's
    copy = _Copy(service, submission, verdict, roster)
    if submission.columns is not None:
        _results(book, copy)
        if roster is not None:
            if deadlines is None:
                deadlines = [messages.deadline(window) for window in service.windows]
            templates.add_help_sheet(book, service, roster, issued, deadlines)
            mark = TemplateMark(service.name, service.ruleset, roster.school, roster.version, issued)
            templates.add_mark(book, mark)  # the copy's pupils are those of the current roster
        elif submission.mark is not None:
            templates.add_mark(book, submission.mark)
    _overview(overview, copy)
    return templates.saved(book, issued, f"{service.title}: {OVERVIEW_SHEET.lower()}")


LAST_COLUMN = 16_384  # of Excel's
LONGEST_SAID = 60  # characters of another sheet's result that a note quotes

# Stands in a cell whose result the file does not hold. If the cell were blank, the copy would pass the check unchanged,
# and the result would be lost silently.
UNKNOWN = "?"


class _Copy:
    """Which pupil stands on which row of the copy, and which findings the copy corrects by itself."""

    def __init__(self, service: Service, submission: Submission, verdict: Verdict, roster: Roster | None) -> None:
        self.service, self.submission, self.verdict = service, submission, verdict
        self.columns = dict(submission.columns or {})
        self.pupils: dict[int, Pupil] = {}  # by row: the pupil whom the roster knows
        self.recognised: set[int] = set()  # rows with a wrong UPN, whose name and date of birth are right
        self.repeated: set[int] = set()  # rows of the same pupil, of which the user must delete all but one
        self.added: dict[int, Pupil] = {}  # by row: the roster's pupils who are not in the file
        # The copy is for the current list, on which the rows of pupils who have left would be errors.
        self.left = {finding.row for finding in verdict.warnings if finding.code is Code.PUPIL_LEFT}
        self.no_pupils = {finding.row for finding in verdict.errors if finding.code is Code.ROW_NOT_A_PUPIL}
        self.left_out = self.left | self.no_pupils
        self.rows = [(row, cells) for row, cells in submission.rows if row not in self.left_out]
        # Of other sheets with results: who was only there, by row; what was only there, and where the sheets say
        # different things, by row and column key. Each with what to tell of it.
        self.from_elsewhere: dict[int, str] = {}
        self.joined: dict[tuple[int, str], str] = {}
        self.clashes: dict[tuple[int, str], str] = {}
        for sheet in submission.others:
            self._join(sheet)
        self.cells = dict(self.rows)
        if roster is not None:
            self._recognise(roster)

    @property
    def last_row(self) -> int:
        return max([self.submission.heading_row, *(row for row, _ in self.rows), *self.added])

    def value(self, cells: Cells, key: str) -> Value | None:
        return cells.get(self.columns.get(key, 0))

    def name(self, row: int) -> str:
        """The pupil's name on a row, as the roster or else the file has it; none on a row that is left out."""
        if row in self.left_out:
            return ""
        pupil = self.pupils.get(row) or self.added.get(row)
        if pupil is not None:
            return f"{pupil.forename} {pupil.surname}".strip()
        cells = self.cells.get(row, {})
        words = (self.value(cells, key) for key in ("forename", "surname"))
        return " ".join(word for word in words if isinstance(word, str) and not isinstance(word, ErrorValue))

    def place(self, finding: Finding) -> tuple[int, int] | None:
        """The row and column of a finding in the copy.

        None if it is about the whole file or about something left out.
        """
        if finding.row is None or finding.cell is None or finding.row in self.left_out or not self.columns:
            return None
        for position, column in enumerate(self.service.columns, 1):
            if column.heading == finding.column:
                return finding.row, position
        return None

    def puts_right(self, finding: Finding) -> bool:
        """Whether the copy has corrected what the finding says, so that the user need only look at it."""
        if not self.columns:
            return False
        if finding.code in _PUT_RIGHT:
            return True
        if finding.code is Code.SEVERAL_SHEETS:
            return not self.clashes
        if finding.code in (Code.PUPIL_NOT_ON_ROSTER, Code.PUPIL_REPEATED):
            return finding.row in self.recognised
        identity = any(column.heading == finding.column for column in self.service.identity)
        if finding.row is None:
            return identity and bool(self.pupils)  # a whole column of details that differ from the roster's
        return finding.row in self.pupils and identity

    def _join(self, sheet: OtherSheet) -> None:
        """Takes in the results that only another sheet has. Uploaded as it is, the copy must not lose them.

        Where both have a result and these differ, only the school knows which is right: neither is taken.
        """
        for key in sheet.columns:
            self.columns.setdefault(key, 1 + max([LAST_COLUMN, *self.columns.values()]))
        here = {pupil_key(row, cells, self.columns): at for at, (row, cells) in enumerate(self.rows)}
        for row, cells in sheet.rows:
            theirs = {self.columns[key]: cells[there] for key, there in sheet.columns.items() if there in cells}
            at = here.get(pupil_key(row, cells, sheet.columns))
            if at is None:
                new = self.last_row + 1
                self.rows.append((new, theirs))
                self.from_elsewhere[new] = f"This pupil was on the sheet “{sheet.name}”."
            else:
                number, mine = self.rows[at]
                self.rows[at] = (number, self._joined(number, dict(mine), theirs, sheet.name))

    def _joined(self, row: int, mine: Cells, theirs: Cells, sheet: str) -> Cells:
        """One pupil's cells, with the results that only the other sheet has."""
        for column in self.service.results:
            place = self.columns.get(column.key, 0)
            value = theirs.get(place)
            if is_blank(value) or comparable(value) == comparable(mine.get(place)):
                continue
            if is_blank(mine.get(place)):
                mine[place] = cast("Value", value)
                self.joined[row, column.key] = f"Only the sheet “{sheet}” has a result here."
            else:
                said = templates.printable(str(value))[:LONGEST_SAID]
                told = f"The sheet “{sheet}” has “{said}” here instead. Enter the right one."
                self.clashes[row, column.key] = " ".join(filter(None, (self.clashes.get((row, column.key)), told)))
        return mine

    def _recognise(self, roster: Roster) -> None:
        known = {pupil.upn: pupil for pupil in roster.pupils}
        strangers: list[tuple[int, Cells]] = []
        seen: set[str] = set()
        for row, cells in self.rows:
            pupil = known.get(upn_of(self.value(cells, "upn")))
            if pupil is None or (pupil.upn in seen and not self._is(cells, pupil)):
                strangers.append((row, cells))
            else:
                self.pupils[row] = pupil
                seen.add(pupil.upn)
        missing = [pupil for pupil in roster.pupils if pupil.upn not in seen]
        for row, cells in strangers:
            # With a mistyped UPN, one finding calls the row unknown and another calls the same pupil missing. If the
            # copy added a row for the pupil, correcting the UPN would repeat the pupil. So the copy corrects the UPN.
            same = [pupil for pupil in missing if self._is(cells, pupil)]
            if len(same) == 1:
                self.pupils[row] = same[0]
                self.recognised.add(row)
                missing.remove(same[0])
            elif (pupil := known.get(upn_of(self.value(cells, "upn")))) is not None:
                self.pupils[row] = pupil
        self.added = dict(enumerate(missing, self.last_row + 1))
        times = Counter(pupil.upn for pupil in self.pupils.values())
        self.repeated = {row for row, pupil in self.pupils.items() if times[pupil.upn] > 1}

    def _is(self, cells: Cells, pupil: Pupil) -> bool:
        """Whether a row has the pupil's names and date of birth."""
        return (
            pupil.birth_date is not None
            and as_date(self.value(cells, "birth_date")) == pupil.birth_date
            and folded(str(self.value(cells, "forename"))) == folded(pupil.forename)
            and folded(str(self.value(cells, "surname"))) == folded(pupil.surname)
        )


def _results(book: Workbook, copy: _Copy) -> None:
    """The results sheet: the user's rows where they were, then the pupils who were missing."""
    service = copy.service
    page = templates.ResultsSheet(book, service, copy.submission.heading_row)
    for row, cells in copy.rows:
        _row(page, copy, row, cells)
    covered = _covered(copy)
    for row, position in covered:
        page.entry(row, position).value = UNKNOWN
    upn_at = 1 + [column.key for column in service.columns].index("upn")
    joined = _draw_joined(page, copy, upn_at)
    note = "This pupil of your school's list was not in your file. Enter the results, or leave the cells blank."
    for row, pupil in copy.added.items():
        page.write_pupil(row, pupil)
        for position in range(1, len(service.columns) + 1):
            cast("Cell", page.sheet.cell(row, position)).fill = PUT_RIGHT_FILL
        templates.comment(cast("Cell", page.sheet.cell(row, upn_at)), note)
    page.finish(copy.last_row)
    # False is "not forbidden": the user must be able to delete rows of pupils who are on no list
    page.sheet.protection.deleteRows = False
    notes: dict[tuple[int, int], list[Finding]] = {}
    for finding in copy.verdict.findings:
        place = copy.place(finding)
        if place is not None:
            notes.setdefault(place, []).append(finding)
    for number, ((row, position), findings) in enumerate(notes.items()):
        cell = cast("Cell", page.sheet.cell(row, position))
        left = [finding for finding in findings if not copy.puts_right(finding)]
        if not left:
            cell.fill = PUT_RIGHT_FILL
        elif left[0].severity is Severity.ERROR:  # errors come first
            cell.fill, cell.font = ERROR_FILL, ERROR_FONT
        else:
            cell.fill = WARNING_FILL
        if number >= LISTED:
            continue
        texts = list(dict.fromkeys(finding.message for finding in findings))
        templates.comment(cell, "\n\n".join(texts if left else [f"{DONE}: please check.", *texts]))
    for row, position in [*covered, *joined]:
        cell = cast("Cell", page.sheet.cell(row, position))
        cell.fill, cell.font = ERROR_FILL, ERROR_FONT


def _draw_joined(page: templates.ResultsSheet, copy: _Copy, upn_at: int) -> list[tuple[int, int]]:
    """What other sheets had: blue with a note. Where sheets differ there is no result; the row and column of those."""
    at = {column.key: position for position, column in enumerate(copy.service.columns, 1)}
    for row, note in copy.from_elsewhere.items():
        for position in at.values():
            cast("Cell", page.sheet.cell(row, position)).fill = PUT_RIGHT_FILL
        templates.comment(cast("Cell", page.sheet.cell(row, upn_at)), note)
    clashes = [(row, at[key]) for row, key in copy.clashes]
    for (row, key), note in list(copy.joined.items())[:LISTED]:
        cell = cast("Cell", page.sheet.cell(row, at[key]))
        cell.fill = PUT_RIGHT_FILL
        templates.comment(cell, note)
    for (row, position), note in list(zip(clashes, copy.clashes.values(), strict=True))[:LISTED]:
        templates.comment(
            page.entry(row, position),
            f"The sheet “{copy.submission.sheet}” has "
            f"“{templates.printable(str(page.entry(row, position).value))[:LONGEST_SAID]}” here. {note}",
        )
    for row, position in clashes:
        page.entry(row, position).value = UNKNOWN
    return clashes


def _covered(copy: _Copy) -> list[tuple[int, int]]:
    """Row and column, in the copy, of the blank result cells that merged cells of the file cover."""
    return [
        (row, position)
        for area in copy.submission.merged
        for row, cells in copy.rows
        if area.first_row <= row <= area.last_row
        for position, column in enumerate(copy.service.columns, 1)
        if column.kind != "identity"
        and area.first_column <= copy.columns.get(column.key, 0) <= area.last_column
        and copy.value(cells, column.key) is None
    ]


def _row(page: templates.ResultsSheet, copy: _Copy, row: int, cells: Cells) -> None:
    """One row of the user's file, with the roster's details where it knows the pupil."""
    pupil = copy.pupils.get(row)
    if pupil is not None:
        # Excel deletes a row of a protected sheet only if no cell of it is locked.
        page.write_pupil(row, pupil, locked=row not in copy.repeated)
    for position, column in enumerate(copy.service.columns, 1):
        if pupil is None or column.kind != "identity":
            _put_back(page, row, position, copy.value(cells, column.key))


def _put_back(page: templates.ResultsSheet, row: int, position: int, value: Value | None) -> None:
    """The user's value as it was, as far as a workbook can hold it."""
    cell = page.entry(row, position)
    if isinstance(value, Uncalculated):
        value = UNKNOWN
    if isinstance(value, ErrorValue) and value in ERROR_CODES:
        cell.value = str(value)
        return
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, date) and value.year < 1900):
        value = str(value)
    if isinstance(value, time):
        cell.value = value
    else:
        templates.put(page.sheet, row, position, value)


def _overview(sheet: Worksheet, copy: _Copy) -> None:
    """Counts by rule, then every finding with a link to its cell: first those to correct, then those corrected here."""
    for letter, width in (("A", 12), ("B", 14), ("C", 26), ("D", 34), ("E", 88)):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    # the sort is stable: errors, warnings, then what the copy has corrected
    findings = sorted(copy.verdict.findings, key=copy.puts_right)
    _line(sheet, 1, f"{copy.service.title}: {_title(copy)}", templates.TITLE, 26)
    row = 2
    if copy.columns:
        for text in (
            f"1.  Correct the red cells on the sheet “{copy.service.sheet}”. Point at a cell to read its note, or "
            "click a cell reference below to go there.",
            "2.  Blue is already corrected in this copy: please check it. Amber is a warning: it stops nothing.",
            "3.  Save this workbook and upload it. The colours, the notes and this sheet are ignored.",
            *_put_right_sentences(copy),
        ):
            _line(sheet, row, text, templates.PLAIN, 15.5 * (1 + len(text) // 175))
            row += 1
    row = _table_head(sheet, row + 1, ("Type", "How many", "What is wrong", "", "First cell"))
    counts: dict[tuple[str, Code], list[Finding]] = {}
    for finding in findings:
        counts.setdefault((_kind(copy, finding), finding.code), []).append(finding)
    for (_, code), found in counts.items():
        _type(sheet, row, _kind(copy, found[0]))
        templates.put(sheet, row, 2, len(found))
        templates.put(sheet, row, 3, messages.title(code, copy.service))
        sheet.merge_cells(start_row=row, start_column=3, end_row=row, end_column=4)
        _link(sheet, row, 5, copy, next((f for f in found if copy.place(f)), found[0]))
        _frame(sheet, row)
        row += 1
    row = _table_head(sheet, row + 1, ("Type", "Cell", "Pupil", "Column", "What to do"))
    sheet.print_title_rows = f"{row - 1}:{row - 1}"
    for finding in findings[:LISTED]:
        _type(sheet, row, _kind(copy, finding))
        _link(sheet, row, 2, copy, finding)
        templates.put(sheet, row, 3, copy.name(finding.row) if finding.row else "")
        templates.put(sheet, row, 4, finding.column or "")
        templates.put(sheet, row, 5, finding.message)
        _frame(sheet, row)
        sheet.row_dimensions[row].height = 15.5 * (1 + max(len(finding.message) // 92, len(finding.column or "") // 34))
        row += 1
    if len(findings) > LISTED:
        _line(sheet, row, f"The first {LISTED:,} are listed here.", templates.BOLD, 16)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _title(copy: _Copy) -> str:
    """`3 errors to correct, 2 already corrected, 1 warning`."""
    kinds = [_kind(copy, finding) for finding in copy.verdict.findings]
    errors, warnings, done = (kinds.count(kind) for kind in ("Error", "Warning", "Corrected"))
    words = [f"{errors} error{'' if errors == 1 else 's'} to correct" if errors else "no errors left to correct"]
    words += [f"{done} already corrected"] if done else []
    words += [f"{warnings} warning{'' if warnings == 1 else 's'}"] if warnings else []
    return ", ".join(words)


def _put_right_sentences(copy: _Copy) -> list[str]:
    """What this copy has put right, in one sentence."""
    verdict, done = copy.verdict, []
    if copy.submission.unknown:
        columns = ", ".join(f"“{heading}”" for _, heading in copy.submission.unknown[:5])
        done.append(f"columns that are not part of the template are left out ({columns})")
    if _has(verdict, Code.MISSING_COLUMN):
        done.append("the headings that were missing are back (enter their results again)")
    if _has(verdict, Code.REPEATED_COLUMN):
        done.append("of columns that were there twice, the first is kept")
    if copy.pupils and (_has(verdict, Code.DIFFERS_FROM_ROSTER) or _has(verdict, Code.MIXED_SCHOOLS)):
        done.append("pupil details are those of your MIS")
    if copy.recognised:
        done.append("UPNs are put right where the name and date of birth are those of a pupil on your list")
    if copy.added:
        done.append("pupils who were not in your file are added below the others")
    if copy.submission.others:
        names = ", ".join(f"“{sheet.name}”" for sheet in copy.submission.others[:5])
        done.append(f"the results that were only on other sheets are taken in ({names})")
    others = sorted(row for row in copy.no_pupils if row is not None)
    if others:
        done.append(
            f"rows that are not pupils are taken out (row{'' if len(others) == 1 else 's'} {messages.spans(others)})"
        )
    left = sorted(row for row in copy.left if row is not None)
    if left:
        done.append(f"pupils who have left are taken out (row{'' if len(left) == 1 else 's'} {messages.spans(left)})")
    clashes = len(copy.clashes)
    where = "one cell" if clashes == 1 else f"{clashes:,} cells"
    differ = f"In {where} your sheets have different results: each is red, with “{UNKNOWN}”, and its note says both."
    return ([differ] if clashes else []) + ([f"{DONE}: {'; '.join(done)}."] if done else [])


def _kind(copy: _Copy, finding: Finding) -> str:
    """`Error`, `Warning` or `Corrected`."""
    return "Corrected" if copy.puts_right(finding) else finding.severity.value.capitalize()


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
        cell.alignment = templates.INDENT
    sheet.row_dimensions[row].height = 18
    return row + 1


def _frame(sheet: Worksheet, row: int) -> None:
    for position in range(1, 6):
        cell = cast("Cell", sheet.cell(row, position))
        cell.border, cell.alignment = templates.BOX, templates.INDENT
        if cell.font.name != templates.FONT:
            cell.font = templates.PLAIN


def _type(sheet: Worksheet, row: int, kind: str) -> None:
    cell = templates.put(sheet, row, 1, kind)
    cell.fill = {"Error": ERROR_FILL, "Warning": WARNING_FILL, "Corrected": PUT_RIGHT_FILL}[kind]
    cell.font = ERROR_FONT if kind == "Error" else templates.BOLD


def _link(sheet: Worksheet, row: int, position: int, copy: _Copy, finding: Finding) -> None:
    """A link to a finding's cell in this copy, or words for the place if it has no cell here."""
    place = copy.place(finding)
    if place is None and copy.added and finding.code in (Code.PUPIL_MISSING, Code.PUPIL_JOINED):
        place = (next(iter(copy.added)), 2)
    if place is None:
        templates.put(sheet, row, position, f"{finding.cell} (left out)" if finding.cell else "whole file")
        return
    reference = cell_reference(*place)
    cell = templates.put(sheet, row, position, reference)
    cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{copy.service.sheet}'!{reference}", display=reference)
    cell.font = LINK
