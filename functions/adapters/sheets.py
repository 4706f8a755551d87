"""What every workbook of a report is made with: house styles, sheets, cells that show what the PDF shows, and saving.

Percentages and means are numbers, so a data manager can work with them; their number formats show exactly what the PDF
shows (`<1%`, `67% (2 of 3)`). Text is always written as text: a school called `=1+1` is a name, never a formula.

openpyxl stamps a workbook and the parts of its archive with the time of saving. Both are replaced by the window's
close, so that the same figures give the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter
from openpyxl.xml.functions import tostring

from early_results.reporting.figures import NO_FIGURE, Mean, Share

SCHOOL_COLOUR, NATIONAL_COLOUR = "12436D", "A33B00"
_THIN = Side(style="thin", color="C9D0D8")
_INK = "1D2430"

Cell = str | int | float | Share | Mean | None


class Book(Workbook):
    """A workbook in the house style, with what its charts show in words, by sheet.

    openpyxl has no place for an alternative text.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, list[str]] = {}
        self.remove(self.worksheets[0])  # the empty sheet that a new workbook comes with
        for style in _styles():
            self.add_named_style(style)


def _with_alternatives(drawing: bytes, told: Sequence[str]) -> bytes:
    """A sheet's drawing with the text of each of its charts, in the order in which they were put there."""
    texts = iter(told)
    return _CHART.sub(lambda found: found[0] + f" descr={quoteattr(next(texts))}".encode(), drawing)


_DRAWING = re.compile(r"xl/drawings/drawing(\d+)\.xml$")
_CHART = re.compile(rb'<(?:\w+:)?cNvPr id="\d+" name="Chart \d+"')


def saved_book(book: Book, moment: datetime, title: str, subject: str) -> bytes:
    """The workbook's bytes, with its title and subject, dated by that moment: the same for the same content."""
    book.properties.title = title
    book.properties.subject = subject
    book.properties.creator = book.properties.lastModifiedBy = "Early Results"
    book.properties.language = "en-GB"
    moment = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    book.properties.created = moment
    saved = io.BytesIO()
    # Stored here and not deflated: the whole is deflated once, below.
    ExcelWriter(book, zipfile.ZipFile(saved, "w", zipfile.ZIP_STORED, allowZip64=True)).save()
    book.properties.modified = moment
    fixed = io.BytesIO()
    told = [book.told[sheet.title] for sheet in book.worksheets if sheet.title in book.told]
    with zipfile.ZipFile(saved) as parts, zipfile.ZipFile(fixed, "w") as out:
        for name in parts.namelist():
            content = parts.read(name)
            if drawing := _DRAWING.match(name):
                content = _with_alternatives(content, told[int(drawing[1]) - 1])
            if name == "docProps/core.xml":
                content = tostring(book.properties.to_tree())
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            out.writestr(entry, content)
    return fixed.getvalue()


def _styles() -> list[NamedStyle]:
    def style(
        name: str,
        *,
        bold: bool = False,
        size: int = 11,
        colour: str = _INK,
        across: str = "general",
        fill: str = "",
        rule: bool = False,
    ) -> NamedStyle:
        return NamedStyle(
            name=name,
            font=Font(name="Calibri", size=size, bold=bold, color=colour),
            alignment=Alignment(
                horizontal=across,
                vertical="center",
                wrap_text=name in ("er notice", "er head", "er first head", "er wrap"),
            ),
            fill=PatternFill("solid", fgColor=fill) if fill else PatternFill(),
            border=Border(bottom=_THIN) if rule else Border(),
        )

    return [
        style("er title", bold=True, size=18, colour=SCHOOL_COLOUR),
        style("er section", bold=True, size=13, colour=SCHOOL_COLOUR),
        style("er quiet", colour="56606C"),
        style("er notice", fill="FFF4E5"),
        style("er wrap"),
        style("er head", bold=True, colour="FFFFFF", across="center", fill=SCHOOL_COLOUR),
        style("er first head", bold=True, colour="FFFFFF", across="left", fill=SCHOOL_COLOUR),
        style("er label", rule=True),
        style("er strong", bold=True, rule=True),
        style("er number", across="right", rule=True),
        style("er national", colour="56606C", across="right", rule=True),
    ]


def new_sheet(book: Workbook, title: str, top: str, under: str, first_width: int, *, tall: bool = False) -> Worksheet:
    """A sheet of that title, with two lines above all that is put on it. Widths are in letters."""
    sheet: Worksheet = book.create_sheet(title)
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = first_width
    for column in range(2, 30):
        sheet.column_dimensions[get_column_letter(column)].width = 13
    sheet.page_setup.orientation = "portrait" if tall else "landscape"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.HeaderFooter.oddFooter = HeaderFooterItem(
        left=_HeaderFooterPart(text="Early, unvalidated data"), right=_HeaderFooterPart(text="Page &P of &N")
    )
    put(sheet, 1, 1, top, "er title")
    put(sheet, 2, 1, under, "er quiet")
    sheet.row_dimensions[1].height = 26
    return sheet


def put(sheet: Worksheet, row: int, column: int, value: Cell, style: str) -> None:
    """Writes a cell. A share and a mean are numbers that show what the PDF shows; text is never a formula."""
    cell = sheet.cell(row, column)
    cell.style = style
    if isinstance(value, Share):
        if value.percent is None:
            cell.value = NO_FIGURE
        else:
            # Exact, so that a data manager can work on; a half is spelt out, as Excel may round its float either way.
            cell.value = value.count / value.of
            half = (200 * value.count + value.of) % (2 * value.of) == 0
            cell.number_format = f'"{value.shown}"' if value.shown[0] in "<>" or half else "0%"
            if value.beside:
                cell.number_format += f'"{value.beside}"'
    elif isinstance(value, Mean):
        cell.value = value.total / value.number if value.number else NO_FIGURE
        half = value.number > 0 and (20 * value.total + value.number) % (2 * value.number) == 0
        cell.number_format = f'"{value.text}"' if half else "0.0"
    else:
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"  # openpyxl takes text that begins with = for a formula
        elif value is not None:
            cell.number_format = "#,##0"


def put_notes(sheet: Worksheet, notes: Iterable[str]) -> None:
    """Sentences below each other, each in a row as high as it needs at a width of 110."""
    for row, note in enumerate(notes, 4):
        put(sheet, row, 1, note, "er wrap")
        sheet.row_dimensions[row].height = 15 * (1 + len(note) // 105) + 6


def put_table(
    sheet: Worksheet, top: int, left: int, head: Sequence[str], rows: Iterable[Sequence[Cell]], *, national: bool = True
) -> int:
    """Writes a table and gives the first free row below it. Columns headed All schools are set in the quieter style."""
    for at, text in enumerate(head):
        put(sheet, top, left + at, text, "er head" if at else "er first head")
    sheet.row_dimensions[top].height = 32
    row = top
    for row, values in enumerate(rows, top + 1):
        for at, value in enumerate(values):
            style = "er strong" if at == 0 else "er national" if head[at].startswith("All schools") else "er number"
            put(sheet, row, left + at, value, style)
    return row + 1
