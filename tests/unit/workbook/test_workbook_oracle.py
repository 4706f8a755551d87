"""The reader against openpyxl, on workbooks that other programs wrote: every cell, its type and its place.

`told_by_openpyxl` holds every difference that is accepted, with its reason; nothing else may differ.
"""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from early_results.findings import cell_reference
from early_results.workbook import ErrorValue, Uncalculated, Value, open_workbook
from early_results.workbook.values import unescape
from tests.effort import examples
from tests.unit.workbook.raw_workbook import (
    SHEET,
    STRINGS,
    STYLES,
    WORKBOOK,
    build,
    one,
    read,
    sheet,
    strings,
    styles,
    workbook,
)

Sheets = list[tuple[str, str, list[tuple[int, dict[int, Value]]]]]
DAY = timedelta(days=1)


def told_by_openpyxl(value: Any, is_error: bool, epoch_1904: bool) -> Value | None:
    """What ours should be, where openpyxl says this."""
    if epoch_1904 and value == time():
        return date(1904, 1, 1)  # day 0 is a day there
    if is_error:
        return ErrorValue(value)  # openpyxl gives a string: "#N/A" typed as text and the error look the same
    if isinstance(value, timedelta):  # a duration: no column of ours holds one, so it stays the number in the file
        days = value / DAY
        return int(days) if days.is_integer() else days
    if isinstance(value, datetime) and value.time() == time():
        return value.date()  # a day is a day, whatever its format could also show
    if isinstance(value, str):
        return unescape(value) or None  # an empty text is a blank; openpyxl leaves Excel's escapes as they are
    return value  # type: ignore[no-any-return]


def by_openpyxl(data: bytes) -> Sheets:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about features that it drops, and dates that it cannot show
        book = openpyxl.load_workbook(BytesIO(data), data_only=True)
    sheets: Sheets = []
    for ws in book.worksheets:
        rows: dict[int, dict[int, Value]] = {}
        for (row, column), cell in ws._cells.items():  # its rows would be a million, for one cell in the last corner
            value = told_by_openpyxl(cell.value, cell.data_type == "e", book.epoch == CALENDAR_MAC_1904)
            if value is not None:
                rows.setdefault(row, {})[column] = value
        sheets.append((ws.title, ws.sheet_state, sorted(rows.items())))
    return sheets


def by_us(data: bytes) -> Sheets:
    """As we read it; but to openpyxl a formula without a stored value is a blank."""
    book = open_workbook(data)
    sheets: Sheets = []
    for info in book.sheets:
        rows = [
            (n, {c: v for c, v in cells.items() if not isinstance(v, Uncalculated)}) for n, cells in book.rows(info)
        ]
        sheets.append((info.name, info.state, [row for row in rows if row[1]]))
    return sheets


def typed(sheets: Sheets) -> list[tuple[str, str, str, str, object]]:
    """Every cell with its sheet, place, type and value, for a comparison that 1, 1.0 and True do not pass as one."""
    return [
        (name, state, cell_reference(row, column), type(value).__name__, value)
        for name, state, rows in sheets
        for row, cells in rows
        for column, value in sorted(cells.items())
    ]


def agree(data: bytes, at_least: int = 1) -> None:
    ours, theirs = by_us(data), by_openpyxl(data)
    assert [s[:2] for s in ours] == [s[:2] for s in theirs]
    assert typed(ours) == typed(theirs)
    assert len(typed(ours)) >= at_least, "the comparison had something to compare"


# -- written by openpyxl -------------------------------------------------------------------------------------------
MOMENTS = (
    date(1900, 3, 1),
    date(2015, 4, 14),
    date(9999, 12, 31),
    datetime.fromisoformat("2015-04-14 09:30:15"),
    datetime.fromisoformat("1999-12-31 23:59:59.999"),
    time(9, 30),
    time(0, 0, 1),
    time(23, 59, 59),
    timedelta(hours=30),
    timedelta(days=2, hours=6),
)
TEXTS = (
    "EXS",
    " EXS ",
    "line\nline",
    "tab\there",
    "Chlo\u00eb O\u2019Brien-Zo\u00eb",
    "\u8ab2\u9577\U0001f600",
    "<&>\"'",
    "007",
    "1231234",
    "#N/A is not an error",
    "=not a formula",
    "  ",
    "TRUE",
    "x" * 32_767,
)
NUMBERS = (0, 1, -1, 85, 115, 1231234, 100.5, -0.25, 1e15, 1e-9, 123456789012345678, 2**53, 0.1 + 0.2, 1e300)


def openpyxl_kinds() -> bytes:
    book = openpyxl.Workbook()
    ws = book.active
    assert ws is not None
    for row, values in enumerate((MOMENTS, TEXTS, NUMBERS, (True, False), ("#N/A", "#DIV/0!", "#REF!", "#VALUE!")), 2):
        for column, value in enumerate(values, 3):
            ws.cell(row, column, value.removeprefix("=") if isinstance(value, str) else value)
    ws["A40"] = CellRichText("plain ", TextBlock(InlineFont(b=True), "bold"), " plain ")
    ws["B40"] = "=1+1"
    ws["C40"] = 42108
    ws["C40"].number_format = "dd/mm/yyyy"
    ws["D40"] = 0.5
    ws["D40"].number_format = "hh:mm AM/PM"
    ws["E40"].font = Font(bold=True)
    ws["AZ3000"] = "far away"
    ws.merge_cells("A50:C52")
    ws["A50"] = "merged"
    ws["A1"].comment = Comment("a comment", "someone")
    return saved(book)


def openpyxl_template() -> bytes:
    """As a template of ours: dropdowns, protection, hidden columns and sheets, a table, frozen panes."""
    book = openpyxl.Workbook()
    ws = book.active
    assert ws is not None
    ws.title = "KS1 results"
    ws.append(["UPN", "Date of birth", "Teacher Assessment: KS1 Reading"])
    for number in range(2, 62):
        ws.append([f"P{number:012}", date(2014, 9, 1) + number * DAY, "EXS"])
        ws.cell(number, 2).number_format = "dd/mm/yyyy"
        ws.cell(number, 9).fill = PatternFill("solid", fgColor="FFFF00")
    dropdown = DataValidation(type="list", formula1='"GDS,EXS,WTS"')
    dropdown.add("C2:C61")
    ws.add_data_validation(dropdown)
    ws.add_table(Table(displayName="results", ref="A1:C61"))
    ws.protection.enable()
    ws.freeze_panes = "A2"
    ws.column_dimensions["A"].hidden = True
    ws.row_dimensions[7].hidden = True
    ws.auto_filter.ref = "A1:C61"
    lists = book.create_sheet("Lists", 0)
    lists.sheet_state = "veryHidden"
    lists["B7"] = "GDS"
    book.create_sheet("Notes & <help>").sheet_state = "hidden"
    return saved(book)


def openpyxl_1904() -> bytes:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    ws = book.active
    assert ws is not None
    ws.append([date(2015, 4, 14), datetime.fromisoformat("1904-01-02 12:00:00"), date(1999, 12, 31), time(9, 30)])
    return saved(book)


def openpyxl_write_only() -> bytes:
    book = openpyxl.Workbook(write_only=True)
    ws = book.create_sheet("Results")
    for number in range(200):
        ws.append([number, f"text {number}", None, number / 4, number % 2 == 0, date(2015, 1, 1) + number * DAY])
    return saved(book)


def openpyxl_iso_dates() -> bytes:
    book = openpyxl.Workbook(iso_dates=True)
    ws = book.active
    assert ws is not None
    ws.append([date(2015, 4, 14), datetime.fromisoformat("2015-04-14 09:30:15"), time(9, 30)])
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = BytesIO()
    book.save(file)
    return file.getvalue()


# -- written by XlsxWriter -----------------------------------------------------------------------------------------
def xlsxwriter_kinds(**options: object) -> bytes:
    file = BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, **options})
    ws = book.add_worksheet("Results")
    formats = [book.add_format({"num_format": f}) for f in ("dd/mm/yyyy", "0.00", "hh:mm", "[h]:mm", '"d"0', "@")]
    bold = book.add_format({"bold": True})
    ws.set_column("B:B", 20, formats[0])
    ws.write_row(0, 1, ["UPN", 103, 100.5, True, "", " spaced "])
    for column, cell_format in enumerate(formats):
        ws.write_number(2, column, 42108.25, cell_format)
        ws.write_number(3, column, 42108, cell_format)
        ws.write_blank(4, column, None, cell_format)
    ws.write_formula(5, 0, "=1+1", None, 2)
    ws.write_formula(5, 1, '="E"&"XS"', None, "EXS")
    ws.write_formula(5, 2, "=NA()", None, "#N/A")
    ws.write_formula(5, 3, "=1=1", None, True)
    ws.write_formula(5, 4, '=""', None, "")
    ws.write_array_formula("F6:F6", "{=SUM(A1:A2)}", None, 7)
    ws.write_dynamic_array_formula("G6", "=LEN(A1)", None, 3)
    ws.write_rich_string(6, 0, "plain ", bold, "bold", " plain ")
    ws.write_boolean(6, 1, False)
    ws.write_url(6, 2, "https://example.com/", None, "a link")
    ws.write_datetime(6, 3, datetime.fromisoformat("2015-04-14 09:30:00"), formats[0])
    for number, text in enumerate(TEXTS):
        ws.write_string(7, number, text)
    for number, value in enumerate(NUMBERS):
        ws.write_number(8, number, value)
    ws.write_string(2_999, 51, "far away")
    ws.merge_range("A20:C21", "merged")
    ws.conditional_format("A1:Z9", {"type": "cell", "criteria": ">", "value": 1, "format": bold})
    hidden = book.add_worksheet("Hidden")
    hidden.hide()
    hidden.write("C3", "x")
    book.add_worksheet("Empty").very_hidden()
    book.close()
    return file.getvalue()


def pandas_written(engine: str) -> bytes:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "UPN": ["P1", "P2", None],
            "Date of birth": pandas.to_datetime(["2015-04-14 00:00", "2014-10-08 09:30", None]),
            "Scaled score": [100, None, 115.5],
            "Absent": [True, False, True],
        }
    )
    file = BytesIO()
    with pandas.ExcelWriter(file, engine=engine) as writer:
        frame.to_excel(writer, sheet_name="Results", index=False)
        frame.to_excel(writer, sheet_name="Moved", startrow=7, startcol=5)
    return file.getvalue()


WRITERS: dict[str, Callable[[], bytes]] = {
    "openpyxl, every kind": openpyxl_kinds,
    "openpyxl, template": openpyxl_template,
    "openpyxl, 1904": openpyxl_1904,
    "openpyxl, write-only": openpyxl_write_only,
    "openpyxl, ISO dates": openpyxl_iso_dates,
    "XlsxWriter": xlsxwriter_kinds,
    "XlsxWriter, texts in the sheet": lambda: xlsxwriter_kinds(constant_memory=True),
    "XlsxWriter, 1904": lambda: xlsxwriter_kinds(date_1904=True),
    "XlsxWriter, zip64": lambda: xlsxwriter_kinds(use_zip64=True),
    "pandas with openpyxl": lambda: pandas_written("openpyxl"),
    "pandas with XlsxWriter": lambda: pandas_written("xlsxwriter"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_as_written(writer: str) -> None:
    agree(WRITERS[writer](), at_least=3)


# -- saved again by LibreOffice ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def libreoffice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """The workbooks above as LibreOffice saves them: the program that many schools have in the place of Excel."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice is not installed")
    folder = tmp_path_factory.mktemp("libreoffice")
    chosen = [name for name in WRITERS if "pandas" not in name]
    files = [folder / f"{number}.xlsx" for number in range(len(chosen))]
    for name, file in zip(chosen, files, strict=True):
        file.write_bytes(WRITERS[name]())
    out = folder / "out"
    command = [soffice, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    convert = [*command, "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out), *map(str, files)]
    subprocess.run(convert, check=True, capture_output=True, timeout=300)
    yield {name: (out / file.name).read_bytes() for name, file in zip(chosen, files, strict=True)}
    shutil.rmtree(folder)


@pytest.mark.long
@pytest.mark.parametrize("writer", [name for name in WRITERS if "pandas" not in name])
def test_as_saved_again_by_libreoffice(writer: str, libreoffice: dict[str, bytes]) -> None:
    agree(libreoffice[writer], at_least=3)


# -- generated -----------------------------------------------------------------------------------------------------
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=20)
FORMATS = ("General", "0.00", "dd/mm/yyyy", "hh:mm:ss", "dd/mm/yyyy hh:mm", '"d"0', "mmm-yy", "@", "[Red]0")
PLACES = st.tuples(
    st.integers(1, 60) | st.integers(1_048_000, 1_048_576), st.integers(1, 30) | st.integers(16_000, 16_384)
)
NEAR = st.tuples(st.integers(1, 60), st.integers(1, 30))  # XlsxWriter goes through every row in between
# Day 60 and beyond 9999 are among the differences; openpyxl rounds what is less than half a millisecond from one.
SERIALS = st.integers(61, 2_958_465) | st.floats(61, 2_958_464).map(lambda days: round(days * 86_400) / 86_400)
CELLS = st.one_of(
    NAMES.filter(lambda text: not text.startswith(("=", "#"))),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.dates(date(1900, 3, 1)),
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 30)).map(lambda d: d.replace(microsecond=0)),  # noqa: DTZ001
    st.times().map(lambda t: t.replace(microsecond=0)).filter(lambda t: t != time()),
    st.sampled_from(("#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")),
)
FAST = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FAST
@given(st.dictionaries(PLACES, st.tuples(CELLS, st.sampled_from(FORMATS)), min_size=1, max_size=12), st.booleans())
def test_generated_with_openpyxl(cells: dict[tuple[int, int], tuple[Any, str]], epoch_1904: bool) -> None:
    book = openpyxl.Workbook()
    ws = book.active
    assert ws is not None
    for (row, column), (value, number_format) in cells.items():
        cell = ws.cell(row, column, value)
        if isinstance(value, str):
            cell.number_format = number_format
    if epoch_1904 and not any(isinstance(value, date) and value.year < 1905 for value, _ in cells.values()):
        book.epoch = CALENDAR_MAC_1904
    data = saved(book)
    ours, theirs = by_us(data), by_openpyxl(data)
    assert typed(ours) == typed(theirs)


@FAST
@given(st.lists(st.tuples(NEAR, SERIALS, st.sampled_from(FORMATS)), min_size=1, max_size=12), st.booleans())
def test_generated_dates_with_xlsxwriter(cells: list[tuple[tuple[int, int], float, str]], constant: bool) -> None:
    file = BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "constant_memory": constant})
    ws = book.add_worksheet()
    for (row, column), serial, number_format in sorted(cells, key=lambda c: c[0]):
        ws.write_number(row - 1, column - 1, serial, book.add_format({"num_format": number_format}))
    book.close()
    agree(file.getvalue())


def cell_xml(place: tuple[int, int], kind: str, text: str, reference: bool) -> str:
    where = f' r="{cell_reference(*place)}"' if reference else ""
    if kind == "inlineStr":
        return f'<c{where} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    formula = "<f>A1</f>" if kind == "str" else ""
    return f'<c{where} s="1" t="{kind}">{formula}<v>{text}</v></c>'


KINDS = st.one_of(
    st.tuples(st.just("n"), st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,4})?(E[+-]?[0-9])?", fullmatch=True)),
    st.tuples(st.just("s"), st.sampled_from("012")),
    st.tuples(st.just("b"), st.sampled_from("01")),
    st.tuples(st.just("e"), st.sampled_from(("#N/A", "#REF!"))),
    st.tuples(st.sampled_from(("str", "inlineStr")), st.text("aE \n\u00eb\U0001f600", min_size=1, max_size=6)),
)


@FAST
@given(
    st.lists(st.tuples(st.integers(1, 9), st.lists(st.tuples(st.integers(1, 9), KINDS), max_size=5)), max_size=6),
    st.booleans(),
    st.sampled_from(("", "\n  ")),
)
def test_generated_sheets(
    rows: list[tuple[int, list[tuple[int, tuple[str, str]]]]], references: bool, space: str
) -> None:
    """Rows and cells in any order, repeated, with and without references, laid out or not."""
    xml = ""
    for row, cells in rows:
        xml += f'{space}<row r="{row}">' if references else f"{space}<row>"
        xml += "".join(space + cell_xml((row, column), *kind, references) for column, kind in cells) + space + "</row>"
    shared = strings("<t>a </t>", "<r><t>b</t></r><r><t> c</t></r>", "<t>d</t><rPh sb='0' eb='1'><t>no</t></rPh>")
    data = build({SHEET: sheet(xml), STRINGS: shared, STYLES: styles(0, 0)})
    assert typed(by_us(data)) == typed(by_openpyxl(data))


# -- where openpyxl is not followed, because Excel is right --------------------------------------------------------
def openpyxl_one(cell: str, style: str | None = None, book: str = workbook()) -> object:
    data = build({SHEET: sheet(f'<row r="1">{cell}</row>'), STYLES: style, STRINGS: strings(), WORKBOOK: book})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ws = openpyxl.load_workbook(BytesIO(data), data_only=True).active
    assert ws is not None
    return ws["A1"].value


DATE = styles(0, 14)


@pytest.mark.parametrize(
    ("cell", "style", "theirs", "ours"),
    [
        # Excel shows 29 February 1900, a day that never was: no date of ours can say so.
        ('<c r="A1" s="1"><v>60</v></c>', DATE, datetime.fromisoformat("1900-02-28"), 60),
        # Beyond what Excel shows as a date, openpyxl makes an error of a number that a check should see.
        ('<c r="A1" s="1"><v>1e300</v></c>', DATE, "#VALUE!", 1e300),
        ('<c r="A1" s="1"><v>-5</v></c>', DATE, datetime.fromisoformat("1899-12-25"), -5),
        # No cell of Excel is infinite.
        ('<c r="A1"><v>1e999</v></c>', None, float("inf"), "1e999"),
        # Escapes are Excel's way to keep a character that XML cannot.
        ('<c r="A1" t="inlineStr"><is><t>a_x000D_b</t></is></c>', None, "a_x000D_b", "a\rb"),
        # A text without its type is still what somebody wrote.
        ('<c r="A1"><is><t>EXS</t></is></c>', None, None, "EXS"),
    ],
)
def test_where_openpyxl_is_not_followed(cell: str, style: str | None, theirs: object, ours: Value) -> None:
    assert openpyxl_one(cell, style) == theirs
    assert one(cell, style=style) == ours


def test_zero_is_a_day_in_1904() -> None:
    """openpyxl makes midnight of it."""
    cell, book = '<c r="A1" s="1"><v>0</v></c>', workbook(before='<workbookPr date1904="1"/>')
    data = build({SHEET: sheet(f'<row r="1">{cell}</row>'), STYLES: DATE, WORKBOOK: book})
    assert read(data) == [(1, {1: date(1904, 1, 1)})]
    assert openpyxl_one(cell, DATE, book) == time(0)
