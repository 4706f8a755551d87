"""The template: the workbook a school downloads, prefilled with its pupils, to fill in and upload.

Written with openpyxl. The same service, roster and moment of issue give the same bytes, so a download can be repeated
and compared. Names come from an MIS, and whatever they begin with they are written as text, never as a formula.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from copy import copy
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, cast

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from early_results.checking import messages
from early_results.checking.mark import HELP_SHEET, MARK_SHEET, Repair, TemplateMark, mark_rows
from early_results.checking.roster import TEMPLATE_FIRST_ROW, Roster, british_date
from early_results.service import LONDON, Column, Service
from early_results.times import date_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from openpyxl.styles.cell_style import StyleArray

    from early_results.results import Pupil
    from early_results.workbook import Value

LONGEST_TEXT = 32_767  # the most characters of a cell

FONT = "Calibri"
INK = "1F2A37"
HEAD = PatternFill("solid", fgColor="1F3A5F")
HEAD_ASSESSMENT = PatternFill("solid", fgColor="1D6F5C")
HEAD_SCORE = PatternFill("solid", fgColor="7A4A12")
LOCKED = PatternFill("solid", fgColor="EEF1F5")
_LINE = Side(style="thin", color="C5CCD6")
BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
LEFT = Alignment(horizontal="left", vertical="center", indent=1)
CENTRE = Alignment(horizontal="center", vertical="center")
WRAP = Alignment(wrap_text=True, vertical="top")
INDENT = Alignment(horizontal="left", wrap_text=True, vertical="top", indent=1)
HEAD_ALIGN = Alignment(horizontal="center", vertical="center", wrap_text=True)
PLAIN = Font(name=FONT, size=11, color=INK)
BOLD = Font(name=FONT, size=11, bold=True, color=INK)
WHITE = Font(name=FONT, size=11, bold=True, color="FFFFFF")
TITLE = Font(name=FONT, size=16, bold=True, color="1F3A5F")
SECTION = Font(name=FONT, size=12, bold=True, color="1F3A5F")

# Widths in characters: wide enough for people's longest values, and narrow enough that the results stay on the screen.
_WIDTHS = {"school": 12, "upn": 18, "forename": 16, "surname": 18, "gender": 10, "birth_date": 12.5, "nc_year": 8}
_RESULT_WIDTH = 17
_SHORT_HEADING, _SHORT_WIDTH = 5, 7  # so that seventeen columns of one digit each fit a screen and a page


def template_workbook(
    service: Service,
    roster: Roster,
    issued: datetime,
    *,
    deadlines: Sequence[str] | None = None,
    results: Mapping[str, Mapping[str, Value]] | None = None,
    repairs: tuple[Repair, ...] = (),
    corrected_from: str = "",
) -> bytes:
    """The template of a school, as the bytes of an .xlsx file.

    `issued` is aware. `results`, by UPN and column key, are filled in as they are; `repairs` and `corrected_from` are
    told by the mark.
    `deadlines` are sentences for the help sheet: the calendar in force may differ from the one that the service was
    published with.
    """
    book = new_workbook()
    page = ResultsSheet(book, service)
    for row, pupil in enumerate(roster.pupils, TEMPLATE_FIRST_ROW):
        page.write_pupil(row, pupil)
        for position, column in enumerate(service.columns, 1):
            given = (results or {}).get(pupil.upn, {}).get(column.key)
            if given is not None and column.kind != "identity":
                put(page.sheet, row, position, str(given) if isinstance(given, time) else given)
    page.finish(TEMPLATE_FIRST_ROW + len(roster.pupils) - 1)
    if deadlines is None:
        deadlines = [messages.deadline(window) for window in service.windows]
    add_help_sheet(book, service, roster, issued, deadlines)
    mark = TemplateMark(service.name, service.ruleset, roster.school, roster.version, issued, repairs, corrected_from)
    add_mark(book, mark)
    return saved(book, issued, f"{service.title}: {roster.school}")


def new_workbook() -> Workbook:
    """A workbook without sheets."""
    book = Workbook()
    while book.worksheets:
        book.remove(book.worksheets[0])
    return book


class ResultsSheet:
    """The sheet the pupils go on, with its row of headings, which stays in view.

    Setting a cell's font, fill and borders one by one takes most of openpyxl's time. So each look is set once and then
    copied, which makes a template of 120 pupils in 50 ms instead of 120.
    """

    def __init__(self, book: Workbook, service: Service, heading_row: int = TEMPLATE_FIRST_ROW - 1) -> None:
        self.sheet = sheet = cast(Worksheet, book.create_sheet(service.sheet))
        self.service = service
        self._columns = service.columns
        self._first_row = heading_row + 1
        self._looks: dict[tuple[str, bool, bool], StyleArray] = {}
        fills = {"identity": HEAD, "code": HEAD_ASSESSMENT, "number": HEAD_SCORE, "number-or-code": HEAD_SCORE}
        for position, column in enumerate(service.columns, 1):
            cell = put(sheet, heading_row, position, column.heading)
            cell.font, cell.fill, cell.alignment, cell.border = WHITE, fills[column.kind], HEAD_ALIGN, BOX
            if column.kind != "identity":
                accepted = ", ".join(column.codes)
                if column.has_numbers:
                    number = f"a whole number from {column.minimum} to {column.maximum}"
                    accepted = f"{number}; or {accepted}" if accepted else number
                comment(cell, f"{column.subject_name}: {accepted}; or empty.")
            sheet.column_dimensions[get_column_letter(position)].width = _WIDTHS.get(column.key, _result_width(column))
        sheet.row_dimensions[heading_row].height = 48
        # Names stay in view while people type results at the far right.
        names = [position for position, column in enumerate(service.identity, 1) if column.key == "surname"]
        sheet.freeze_panes = f"{get_column_letter(max(names, default=0) + 1)}{self._first_row}"
        sheet.print_title_rows = f"{heading_row}:{heading_row}"

    def write_pupil(self, row: int, pupil: Pupil, *, locked: bool = True) -> None:
        """A pupil's row: details filled in (and locked), result cells empty and open."""
        for position, column in enumerate(self.service.columns, 1):
            if column.kind == "identity":
                self.entry(row, position, known=True, locked=locked)
                put(self.sheet, row, position, identity_value(pupil, column.key))
            else:
                self.entry(row, position)

    def entry(self, row: int, position: int, *, known: bool = False, locked: bool = False) -> Cell:
        """A pupil's cell with its look.

        `known` says that it holds a detail from the roster. Its value is set afterwards.
        """
        cell = cast(Cell, self.sheet.cell(row, position))
        column = self._columns[position - 1]
        look = self._looks.get((column.key, known, locked))
        styled: Any = cell  # openpyxl keeps all of a cell's look in `_style`, which its type stubs leave out
        if look is not None:
            styled._style = copy(look)
            return cell
        cell.font, cell.border, cell.protection = PLAIN, BOX, Protection(locked=locked)
        if known:
            cell.fill = LOCKED
        if column.key == "birth_date":
            cell.number_format = "dd/mm/yyyy"
        centred = column.kind != "identity" or column.key in ("school", "birth_date", "nc_year", "gender")
        cell.alignment = CENTRE if centred else LEFT
        self._looks[column.key, known, locked] = copy(styled._style)
        return cell

    def finish(self, last_row: int) -> None:
        """Choice lists, limits on scores, protection and print set-up, for the pupils' rows."""
        sheet, last_row = self.sheet, max(last_row, self._first_row)
        for position, column in enumerate(self.service.columns, 1):
            if column.kind != "identity":
                letter = get_column_letter(position)
                check = _validation(column, f"{letter}{self._first_row}")
                check.add(f"{letter}{self._first_row}:{letter}{last_row}")
                sheet.add_data_validation(check)
        # Without a password: the protection is only against slips, and anybody can lift it. It allows what people can
        # use: Excel filters a protected sheet if its arrows were there before, but sorts no sheet with locked cells.
        sheet.auto_filter.ref = f"A{self._first_row - 1}:{get_column_letter(len(self._columns))}{last_row}"
        sheet.protection.enable()
        for allowed in ("formatCells", "formatColumns", "formatRows", "autoFilter"):
            setattr(sheet.protection, allowed, False)  # False is "not forbidden"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = 9  # A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def identity_value(pupil: Pupil, key: str) -> str | int | date | None:
    """A roster value as it stands in the cell. Numbers are numbers, or Excel warns of "number stored as text"."""
    value = getattr(pupil, key)
    if key in ("school", "nc_year") and value.isascii() and value.isdigit() and str(int(value)) == value:
        return int(value)
    if isinstance(value, date) and value.year < 1900:  # Excel has no such date
        return british_date(value)
    return value or None


def _validation(column: Column, cell: str) -> DataValidation:
    """What Excel lets people type. There is no prompt beside the cell, because it would hide the rows below."""
    if column.kind == "number-or-code":
        check = DataValidation(type="custom", formula1=_number_or_code(column, cell), allow_blank=True)
        check.error = messages.scaled_score_range(column)
    elif column.kind == "code":
        check = DataValidation(type="list", formula1=f'"{",".join(column.codes)}"', allow_blank=True)
        check.error = f"Choose one of {', '.join(column.codes)} (in capitals), or leave the cell empty."
    else:
        check = DataValidation(
            type="whole",
            operator="between",
            formula1=str(column.minimum),
            formula2=str(column.maximum),
            allow_blank=True,
        )
        check.error = messages.scaled_score_range(column)
    check.errorTitle, check.errorStyle = "Please check this cell", "stop"
    check.showErrorMessage = True
    return check


def _number_or_code(column: Column, cell: str) -> str:
    """Excel's formula for what a column of codes and numbers takes.

    `cell` is its first cell. At most 255 characters.
    """
    # IF and not OR: INT of a text is an error, and an OR with an error in it is an error.
    codes = ",".join(f'{cell}="{code}"' for code in column.codes)
    numbers = f"{cell}>={column.minimum},{cell}<={column.maximum},{cell}=INT({cell})"
    return f"IF(ISNUMBER({cell}),AND({numbers}),OR({codes}))"


def _result_width(column: Column) -> float:
    return _SHORT_WIDTH if len(column.heading) <= _SHORT_HEADING else _RESULT_WIDTH


def add_help_sheet(
    book: Workbook, service: Service, roster: Roster, issued: datetime, deadlines: Sequence[str]
) -> Worksheet:
    """The help sheet: how to fill the template in, with which codes, by when, and whom to ask."""
    sheet = cast(Worksheet, book.create_sheet(HELP_SHEET))
    for letter, width in (("A", 3), ("B", 14), ("C", 92)):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    row = 1

    def line(text: str, font: Font = PLAIN, height: float | None = None) -> None:
        nonlocal row
        cell = put(sheet, row, 2, text)
        sheet.merge_cells(start_row=row, start_column=2, end_row=row, end_column=3)
        cell.font, cell.alignment = font, WRAP
        sheet.row_dimensions[row].height = height or 15.5 * (1 + len(text) // 112)
        row += 1

    def pairs(entries: Iterable[tuple[str, str]]) -> None:
        nonlocal row
        for left, right in entries:
            for position, text, font in ((2, left, BOLD), (3, right, PLAIN)):
                cell = put(sheet, row, position, text)
                cell.font, cell.alignment, cell.border = font, INDENT, BOX
            sheet.row_dimensions[row].height = 15.5 * (1 + len(right) // 98)
            row += 1

    def section(text: str) -> None:
        nonlocal row
        row += 1
        line(text, SECTION, 20)

    made_on = date_words(roster.made.astimezone(LONDON))
    line(service.title, TITLE, 26)
    line(
        f"School {roster.school}. {len(roster.pupils)} {service.year_group} pupils, from your MIS as of {made_on}.",
        BOLD,
    )
    section("What to do")
    for step in (
        f"1.  Enter results on the sheet “{service.sheet}”. Choose codes from the list in the cell or type them.",
        "2.  No data for a pupil, or for one subject? Leave the cells blank. Do not type a dash or N/A.",
        "3.  Pupil details are locked and come from your MIS. You cannot add or delete pupils here: bring your MIS up "
        "to date and download the template again (MIS changes can take up to 24 hours to show).",
        "4.  Save the workbook (.xlsx) and upload it. If anything is wrong you are told at once, cell by cell.",
        "5.  Each upload replaces the one before it completely, so always include every pupil entered so far.",
        "6.  The arrows in the row of headings show only some of the pupils. To sort, first choose Review, Unprotect "
        "Sheet (there is no password), then an arrow and Sort: whole rows move together.",
    ):
        line(step)
    section("Deadlines (London time)")
    for text in deadlines:
        line(text)
    line("The last file uploaded successfully before the window closes is the one that is used.")
    if service.codes:
        section(f"{messages.capital(service.words.code)} codes")
        coded = [column for column in service.results if column.codes]
        subjects = {code.code: [c.subject_name for c in coded if code.code in c.codes] for code in service.codes}
        every = len(coded)
        pairs(
            (
                code.code,
                code.meaning + ("" if len(subjects[code.code]) == every else f" ({_and(subjects[code.code])} only)"),
            )
            for code in service.codes
        )
    unnamed = [c for c in service.assessments if c.subject_name.casefold() not in c.heading.casefold()]
    if unnamed:
        section("Columns")
        pairs((column.heading, column.subject_name) for column in unnamed)
    if service.scores:
        section(messages.capital(service.words.numbers))
    for column in service.scores:
        none = "a code, or blank" if column.codes else "or blank if none"
        line(f"{column.subject_name}: a whole number from {column.minimum} to {column.maximum}, {none}.")
    section("Please note")
    line(
        service.words.not_statutory_here,
        BOLD,
    )
    section("Help and support")
    pairs(
        [
            ("Email", service.support.email),
            ("Telephone", service.support.telephone),
            ("Hours", "; ".join(service.support.hours)),
        ]
    )
    row += 1
    line(f"Template downloaded on {date_words(issued.astimezone(LONDON))}. Ruleset {service.ruleset}.")
    sheet.protection.enable()
    sheet.page_setup.orientation = "portrait"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet


def add_mark(book: Workbook, mark: TemplateMark) -> None:
    """The mark, on a sheet that Excel neither shows nor offers to show."""
    sheet = cast(Worksheet, book.create_sheet(MARK_SHEET))
    for row, values in enumerate(mark_rows(mark), 1):
        for column, value in enumerate(values, 1):
            put(sheet, row, column, value)
    sheet.sheet_state = "veryHidden"


def put(sheet: Worksheet, row: int, column: int, value: str | float | bool | date | None) -> Cell:
    """Writes a value. A text stays a text, whatever it begins with; openpyxl would make a formula of "=..."."""
    cell = cast(Cell, sheet.cell(row, column))
    if isinstance(value, str):
        cell.value = printable(value)
        if cell.data_type != "s":  # a formula, or "#N/A" and the like
            cell.data_type = "s"
        if value[:1] in ("=", "+", "-", "@"):
            cell.quotePrefix = True  # without this, Excel makes a formula of it when somebody edits the cell
    else:
        cell.value = value
    return cell


def printable(text: str) -> str:
    """The text without the characters that XML cannot hold (controls, halves of pairs), and no longer than a cell."""
    if text.isprintable():
        return text[:LONGEST_TEXT]
    kept = (c for c in text if c in "\t\n\r" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff")
    return "".join(kept)[:LONGEST_TEXT]


def comment(cell: Cell, text: str) -> None:
    """A note on a cell, sized to be read without dragging."""
    note = Comment(text, "Early Results")
    note.width, note.height = 320, 40 + 18 * (1 + len(text) // 42)
    cell.comment = note


def saved(book: Workbook, moment: datetime, title: str) -> bytes:
    """The workbook's bytes, with `moment` for every time that openpyxl would take from the clock."""
    fixed = moment.replace(tzinfo=None, microsecond=0)
    properties: Any = book.properties
    properties.creator, properties.title, properties.created = "Early Results", title, fixed
    raw, out = io.BytesIO(), io.BytesIO()
    book.save(raw)
    stamp = (max(moment.year, 1980), moment.month, moment.day, moment.hour, moment.minute, moment.second // 2 * 2)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "docProps/core.xml":
                modified = f"{properties.modified:%Y-%m-%dT%H:%M:%SZ}".encode()
                data = data.replace(modified, f"{fixed:%Y-%m-%dT%H:%M:%SZ}".encode())
            if entry.filename.endswith((".rels", "[Content_Types].xml")):
                data = _as_excel_names_parts(entry.filename, data)
            info = zipfile.ZipInfo(_excel_name(entry.filename), stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    return out.getvalue()


def _excel_name(part: str) -> str:
    """The name that Excel itself gives to a part with notes. exceljs does not look for the name that openpyxl gives."""
    part = re.sub(r"xl/comments/comment(\d+)\.xml$", r"xl/comments\1.xml", part)
    return re.sub(r"xl/drawings/commentsDrawing(\d+)\.vml$", r"xl/drawings/vmlDrawing\1.vml", part)


def _as_excel_names_parts(name: str, data: bytes) -> bytes:
    """A list of parts, or the relationships of one, with Excel's names, and relative to the part they belong to.

    openpyxl names other parts from the root of the package on: the standard allows it, some programs do not find them.
    """
    folder = posixpath.dirname(posixpath.dirname(name))

    def renamed(match: re.Match[bytes]) -> bytes:
        part = _excel_name(match[2].decode())
        if match[1] == b"Target":
            part = posixpath.relpath(part, f"/{folder}")
        return b'%s="%s"' % (match[1], part.encode())

    return re.sub(rb'(Target|PartName)="(/[^"]*)"', renamed, data)


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
